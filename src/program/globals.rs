//! Globals that always hold the constant they start with: reads of them are that constant.
//!
//! **Licence.** The global is the module's own, its initialiser is one constant, and nobody writes it: it is immutable, or it is not
//! exported and no function that can be called has a `global.set` of it.
//!
//! **Declines.** For size, constants that take more bytes than a read by more than [`MORE_BYTES`].
//!
//! Linear in the facts of the bodies, then in the graph.

use super::facts::BodyFacts;
use super::reach::Live;
use crate::cost::sleb_len;
use crate::ir::entity::{FuncId, GlobalId};
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Kind, Op};
use crate::module::{ConstOp, Entity, Module, Use};
use crate::options::Objective;
use cranelift_entity::{EntityRef, EntitySet, SecondaryMap};

/// For size, a constant may be this much longer than the operand of a read: what it makes foldable is worth more, mostly.
pub const MORE_BYTES: u64 = 1;

/// What each global always holds, if that is known.
pub type Known = SecondaryMap<GlobalId, Option<(Op, Imm)>>;

/// Of a module of whose exports those stay for which `kept` says so.
pub fn known(
    module: &Module,
    facts: &[BodyFacts],
    live: &Live,
    kept: impl Fn(usize) -> bool,
    objective: Objective,
) -> Known {
    let mut written = EntitySet::new();
    for (_, facts) in facts.iter().enumerate().filter(|(n, _)| live.called.contains(FuncId::new(*n))) {
        written.extend(facts.uses().iter().filter_map(|u| match u {
            Use::GlobalSet(g) => Some(*g),
            _ => None,
        }));
    }
    for (_, export) in module.exports.iter().enumerate().filter(|(n, _)| kept(*n)) {
        if let Entity::Global(g) = export.entity {
            written.insert(g);
        }
    }
    let mut known = Known::new();
    for (id, global) in &module.globals {
        let Some(init) = &global.init else { continue };
        if !global.mutable || !written.contains(id) {
            known[id] = match init.ops[..] {
                [ConstOp::I32Const(v)] => Some((Op::I32Const, Imm::I32(v), sleb_len(v.into()))),
                [ConstOp::I64Const(v)] => Some((Op::I64Const, Imm::I64(v), sleb_len(v))),
                _ => None,
            }
            .filter(|&(_, _, bytes)| objective == Objective::Speed || bytes <= 1 + MORE_BYTES)
            .map(|(op, imm, _)| (op, imm));
        }
    }
    known
}

/// Puts the constants into a function; how many reads they replace.
pub fn apply(f: &mut Function, known: &Known) -> u64 {
    let mut replaced = 0;
    for n in 0..f.layout.len() {
        for k in 0..f.blocks[f.layout[n]].insts.len() {
            let i = f.blocks[f.layout[n]].insts[k];
            if let (Kind::GlobalGet, Imm::Global(g)) = (f.insts[i].op.kind(), f.insts[i].imm)
                && let Some((op, imm)) = known[g]
            {
                (f.insts[i].op, f.insts[i].imm) = (op, imm);
                replaced += 1;
            }
        }
    }
    replaced
}
