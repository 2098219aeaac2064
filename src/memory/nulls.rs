//! Tests whether an allocation failed, where it cannot have.
//!
//! Whoever asks for memory tests what it gets for null, and the allocator itself tests whether the memory grew.
//!
//! **Licence.** *Proved*: every return of the allocator gives a constant other than 0, the alignment, or what a branch above has found not
//! to be 0 ([`never_null`]). *Assumed* (`no-oom`: `memory.grow` inside an allocator succeeds, and so an allocator that is asked for memory gives
//! it): calls that ask for a constant number of bytes other than 0; results of `memory.grow` in what an allocator calls, compared with -1.
//!
//! **Declines.** Without the assumption, allocators that are not proved; pointers that are not what a call of an allocator gave, or of one
//! that changes an old block; sizes that may be 0; comparisons with anything but null; growth elsewhere.

use super::edit::{Replaced, insert_i32, position, remove};
use super::objects::{allocates, constant};
use super::threading::{only_way, truth};
use super::{Context, Counts};
use crate::analysis::{Cfg, DomTree};
use crate::ir::cleanup::substitute;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Op};
use cranelift_entity::SecondaryMap;

/// Tests of what an allocator gives that never gives null.
pub const PROVED: &str = "proved-null-checks";
/// Tests of what an allocator gives that does not run out of memory.
pub const ASSUMED: &str = "null-checks";
/// Tests whether a memory grew.
pub const GROWTH: &str = "growth-checks";

/// Blocks above a return that are asked what was decided there.
const MAX_TESTS: usize = 24;

/// Decides the tests whether allocations failed; whether there were any.
pub fn decide_null_checks(f: &mut Function, cx: &Context<'_>, counts: &mut Counts) -> bool {
    let mut given: SecondaryMap<Value, Option<&'static str>> = SecondaryMap::new();
    let mut grown: SecondaryMap<Value, bool> = SecondaryMap::new();
    let mut any = false;
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            let Some(result) = f.result(i) else { continue };
            if f.insts[i].op == Op::MemoryGrow && cx.knowledge.is_grower(f.id) {
                grown[result] = true;
            } else if let Some(why) = never_fails(f, i, cx) {
                given[result] = Some(why);
            } else {
                continue;
            }
            any = true;
        }
    }
    if !any {
        return false;
    }
    let mut decided: Vec<(Block, Inst, u32, &'static str)> = Vec::new();
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            if let Some((outcome, why)) = outcome(f, i, &given, &grown) {
                decided.push((b, i, outcome, why));
            }
        }
    }
    let mut replaced = Replaced::new();
    for &(b, i, outcome, why) in &decided {
        let at = position(f, b, i);
        replaced[f.results(i)[0]] = Some(insert_i32(f, b, at, outcome)).into();
        *counts.entry(why).or_default() += 1;
    }
    any = !decided.is_empty();
    let gone: Vec<Inst> = decided.iter().map(|&(_, i, ..)| i).collect();
    remove(f, &gone);
    substitute(f, &mut replaced);
    // The pointer itself as a condition.
    for b in f.layout.clone() {
        let Terminator::Branch { cond, .. } = *f.term(b) else { continue };
        let Some(why) = given[cond] else { continue };
        let at = f.blocks[b].insts.len();
        let one = insert_i32(f, b, at, 1);
        if let Some(Terminator::Branch { cond, .. }) = &mut f.blocks[b].term {
            *cond = one;
        }
        *counts.entry(why).or_default() += 1;
        any = true;
    }
    any
}

/// Why a call cannot give null, if that is so.
fn never_fails(f: &Function, inst: Inst, cx: &Context<'_>) -> Option<&'static str> {
    let (_, size) = allocates(f, inst, cx.knowledge)?;
    let Imm::Func(callee) = f.insts[inst].imm else { return None };
    if cx.knowledge.is_never_null(callee) {
        return Some(PROVED);
    }
    (cx.knowledge.has_memory() && constant(f, size).is_some_and(|n| n != 0)).then_some(ASSUMED)
}

/// The truth value of a test, and why.
fn outcome(
    f: &Function,
    inst: Inst,
    given: &SecondaryMap<Value, Option<&'static str>>,
    grown: &SecondaryMap<Value, bool>,
) -> Option<(u32, &'static str)> {
    let (op, args) = (f.insts[inst].op, f.args(inst));
    let (a, with) = match (op, args) {
        (Op::I32Eqz, &[a]) => (a, 0),
        (Op::I32Eq | Op::I32Ne, &[a, b]) => match (constant(f, a), constant(f, b)) {
            (_, Some(c)) => (a, c),
            (Some(c), _) => (b, c),
            _ => return None,
        },
        _ => return None,
    };
    let why = match with {
        0 => given[a]?,
        u32::MAX if grown[a] => GROWTH,
        _ => return None,
    };
    Some((u32::from(op == Op::I32Ne), why))
}

/// Whether a function of the type of `cabi_realloc` never returns null, if the alignment that it is asked for is not 0.
pub fn never_null(f: &Function, cfg: &Cfg) -> bool {
    let dom = DomTree::compute(f, cfg);
    cfg.rpo().iter().all(|&b| match f.term(b) {
        Terminator::Return(list) => match *list.as_slice(&f.pool) {
            [v] => {
                let met = matches!(f.values[v].def, ValueDef::Param(p, _) if p == b && b != f.entry);
                is_nonzero(f, cfg, &dom, v, b) || met && each_way(f, cfg, &dom, v, b)
            }
            _ => false,
        },
        Terminator::TailCall { .. } => false,
        _ => true,
    })
}

/// Whether each way into a block brings a parameter that is not 0.
fn each_way(f: &Function, cfg: &Cfg, dom: &DomTree, param: Value, block: Block) -> bool {
    let ValueDef::Param(_, n) = f.values[param].def else { return false };
    cfg.preds(block).iter().all(|&p| {
        f.term(p).edges().enumerate().filter(|(_, e)| e.block == block).all(|(at, e)| {
            let Some(behind) = (n as usize).checked_sub(f.produced(e)) else { return false };
            let Some(&v) = f.edge_args(e).get(behind) else { return false };
            is_nonzero(f, cfg, dom, v, p) || tells(f, (p, at), v)
        })
    })
}

/// Whether a value is not 0 in a block.
fn is_nonzero(f: &Function, cfg: &Cfg, dom: &DomTree, v: Value, block: Block) -> bool {
    let is_alignment = matches!(f.values[v].def, ValueDef::Param(b, 2) if b == f.entry);
    if is_alignment || constant(f, v).is_some_and(|c| c != 0) {
        return true;
    }
    let mut at = block;
    for _ in 0..MAX_TESTS {
        if only_way(f, cfg, at).is_some_and(|edge| tells(f, edge, v)) {
            return true;
        }
        match dom.idom(at) {
            Some(above) => at = above,
            None => return false,
        }
    }
    false
}

/// Whether an edge is only taken where a value is not 0.
fn tells(f: &Function, (at, n): (Block, usize), v: Value) -> bool {
    let Terminator::Branch { cond, then, els } = f.term(at) else { return false };
    let (tested, negated) = truth(f, *cond);
    tested == v && (n == 0) != negated && then.block != els.block
}
