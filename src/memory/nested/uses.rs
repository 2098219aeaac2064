//! What is done with the copies: whether whoever reads a copy can read what was copied.

use super::derive::{Derived, Fact};
use super::levels::Level;
use crate::analysis::Cfg;
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Kind, Op};
use crate::memory::Context;
use crate::memory::buffers::Declined;
use crate::memory::objects::{constant, frees, is_comparison};

/// Everything that is done with addresses into the copies, but for what made them.
#[derive(Default)]
pub struct Uses {
    /// Loads, and copies out of them.
    pub reads: Vec<(Block, Inst)>,
    /// Stores of what is no address.
    pub writes: Vec<(Block, Inst)>,
    /// Stores over addresses.
    pub scrubs: Vec<(Block, Inst)>,
    /// Allocations given back, with their levels.
    pub given_back: Vec<(Block, Inst, usize)>,
    /// Comparisons of an allocation with null, and what they give.
    pub tests: Vec<(Inst, u32)>,
}

/// Collects the uses. An error: something depends on where the copies lie, or they get out of sight.
pub fn uses(
    f: &Function,
    cfg: &Cfg,
    levels: &[Level],
    derived: &Derived,
    memory: MemoryId,
    cx: &Context<'_>,
) -> Result<Uses, Declined> {
    let mut uses = Uses::default();
    let made = |i: Inst| levels.iter().any(|l| l.fill.1 == i || l.patch.is_some_and(|p| p.1 == i));
    for &b in cfg.rpo() {
        for &i in &f.blocks[b].insts {
            let args = f.args(i);
            if made(i) || !args.iter().any(|&a| derived.is(a)) {
                continue;
            }
            if args.iter().any(|&a| derived.of(a) == Fact::Mixed) {
                return Err(Declined::Address);
            }
            let op = f.insts[i].op;
            let here = f.insts[i].imm.memarg().map(|m| m.memory) == Some(memory);
            match op.kind() {
                Kind::Load if here => {
                    let (level, at) = derived.place(f, i, args[0], levels).ok_or(Declined::Address)?;
                    let whole = op == Op::I32Load && levels[level].child(at).is_some();
                    if !whole && levels[level].touches_address(at, Some(op.info().width.into())) {
                        return Err(Declined::Address);
                    }
                    uses.reads.push((b, i));
                }
                Kind::Store if here => {
                    if args[1..].iter().any(|&a| derived.is(a)) {
                        return Err(Declined::Escapes);
                    }
                    let (level, at) = derived.place(f, i, args[0], levels).ok_or(Declined::Escapes)?;
                    let scrubs = levels[level].touches_address(at, Some(op.info().width.into()));
                    let list = if scrubs { &mut uses.scrubs } else { &mut uses.writes };
                    list.push((b, i));
                }
                Kind::MemoryCopy => copied(f, (b, i), levels, derived, memory, &mut uses)?,
                Kind::Call => {
                    let pointer = frees(f, i, cx.knowledge).filter(|&(m, _)| m == memory).map(|(_, p)| p);
                    let level = match pointer.map(|p| derived.of(p)) {
                        Some(Fact::Address { level, start: true, .. }) => level,
                        _ => return Err(Declined::Escapes),
                    };
                    if args[1..].iter().any(|&a| derived.is(a)) {
                        return Err(Declined::Escapes);
                    }
                    uses.given_back.push((b, i, level));
                }
                Kind::Pure => computed(f, i, levels, derived, &mut uses)?,
                _ => return Err(Declined::Escapes),
            }
        }
        let term = f.term(b);
        if term.operands(&f.pool).iter().any(|&v| derived.is(v)) {
            return Err(match term {
                Terminator::Return(_) => Declined::Escapes,
                _ => Declined::Address,
            });
        }
        for e in term.edges() {
            let mixed = |&p: &Value| derived.of(p) == Fact::Mixed;
            if f.block_params(e.block).iter().any(mixed) {
                return Err(Declined::Address);
            }
        }
    }
    Ok(uses)
}

/// What is computed from addresses: other addresses, distances, and comparisons that only depend on where in an allocation they are.
fn computed(
    f: &Function,
    i: Inst,
    levels: &[Level],
    derived: &Derived,
    uses: &mut Uses,
) -> Result<(), Declined> {
    let (op, args) = (f.insts[i].op, f.args(i));
    let allocated = |v: Value| matches!(f.values[v].def, ValueDef::Result(call, _) if levels.iter().any(|l| l.alloc.1 == call));
    let together = |a: Value, b: Value| match (derived.of(a), derived.of(b)) {
        (Fact::Address { base: Some(x), .. }, Fact::Address { base: Some(y), .. }) => x == y,
        _ => false,
    };
    let signed = matches!(op, Op::I32LtS | Op::I32GtS | Op::I32LeS | Op::I32GeS);
    match (op, args) {
        (Op::I32Add, &[a, b]) if derived.is(a) != derived.is(b) => Ok(()),
        (Op::I32Sub, &[a, b]) if derived.is(a) && (!derived.is(b) || together(a, b)) => Ok(()),
        (Op::Select, &[_, _, c]) if !derived.is(c) => Ok(()),
        (Op::I32Eqz, &[a]) if allocated(a) => {
            uses.tests.push((i, 0));
            Ok(())
        }
        (Op::I32Eq | Op::I32Ne, &[a, b])
            if constant(f, b) == Some(0) && allocated(a) || constant(f, a) == Some(0) && allocated(b) =>
        {
            uses.tests.push((i, u32::from(op == Op::I32Ne)));
            Ok(())
        }
        (_, &[a, b]) if is_comparison(op) && !signed && together(a, b) => Ok(()),
        _ => Err(Declined::Address),
    }
}

fn copied(
    f: &Function,
    (block, inst): (Block, Inst),
    levels: &[Level],
    derived: &Derived,
    memory: MemoryId,
    uses: &mut Uses,
) -> Result<(), Declined> {
    let Imm::MemCopy { src, .. } = f.insts[inst].imm else { return Err(Declined::Written) };
    let &[to, from, length] = f.args(inst) else { return Err(Declined::Written) };
    if derived.is(to) || derived.is(length) || src != memory {
        return Err(Declined::Written);
    }
    let (level, at) = derived.place(f, inst, from, levels).ok_or(Declined::Written)?;
    if levels[level].touches_address(at, constant(f, length)) {
        return Err(Declined::Escapes);
    }
    uses.reads.push((block, inst));
    Ok(())
}
