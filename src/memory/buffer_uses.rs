//! What is done with a buffer in a graph, and the changes when its bytes are read elsewhere: the part that a caller, which got the buffer
//! from an allocator, and a callee, which got it as a parameter, have in common.
//!
//! **Complexity.** Linear in the graph.

use super::Context;
use super::buffers::Declined;
use super::edit::{Replaced, insert_i32, remove};
use super::objects::{Objects, Set, constant, frees, is_comparison};
use crate::analysis::Cfg;
use crate::ir::cleanup::substitute;
use crate::ir::entity::{Block, FuncId, Inst, MemoryId, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::{Imm, Kind, Op};

/// Everything that is done with a buffer.
#[derive(Default)]
pub(super) struct Uses {
    /// The copy that fills it.
    pub fill: Option<(Block, Inst)>,
    pub reads: Vec<(Block, Inst)>,
    /// Calls that it is passed to, and as which arguments.
    pub passed: Vec<Passed>,
    pub given_back: Vec<(Block, Inst)>,
    /// Comparisons with null, and what they give.
    pub tests: Vec<(Inst, u32)>,
    /// Branches on the address itself.
    pub branches: Vec<Block>,
}

/// A direct call that a buffer is passed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub block: Block,
    pub call: Inst,
    pub callee: FuncId,
    /// As which argument.
    pub param: u32,
}

/// Collects what is done with pointers of exactly this object.
pub(super) fn uses(
    f: &Function,
    cfg: &Cfg,
    objects: &Objects<'_>,
    set: Set,
    memory: MemoryId,
    cx: &Context<'_>,
) -> Result<Uses, Declined> {
    let mut uses = Uses::default();
    let is = |v: Value| objects.derived(v) & set != 0;
    for &b in cfg.rpo() {
        if f.block_params(b).iter().any(|&p| is(p) && objects.derived(p) != set) {
            return Err(Declined::Address);
        }
        for &i in &f.blocks[b].insts {
            let args = f.args(i);
            if !args.iter().any(|&a| is(a)) {
                continue;
            }
            if args.iter().any(|&a| is(a) && objects.derived(a) != set) {
                return Err(Declined::Address);
            }
            let op = f.insts[i].op;
            match op.kind() {
                Kind::Load if objects.read(f, i).is_some_and(|r| r.memory == memory) => {
                    uses.reads.push((b, i))
                }
                Kind::MemoryCopy => copy(f, (b, i), &is, memory, &mut uses)?,
                Kind::Call => match frees(f, i, cx.knowledge) {
                    Some((_, p)) if objects.is_start(f, p) && !args[1..].iter().any(|&a| is(a)) => {
                        uses.given_back.push((b, i));
                    }
                    _ => uses.passed.extend(passed(f, (b, i), &is, cx).ok_or(Declined::Address)?),
                },
                Kind::Store | Kind::MemoryFill | Kind::MemoryInit => return Err(Declined::Written),
                Kind::Pure => match (op, args) {
                    (Op::I32Add, &[x, y]) if is(x) != is(y) => {}
                    (Op::I32Sub, &[x, y]) if is(x) && (!is(y) || objects.derived(y) == set) => {}
                    (Op::I32Eqz, &[x]) if objects.is_start(f, x) => uses.tests.push((i, 0)),
                    (Op::I32Eq | Op::I32Ne, &[x, y])
                        if constant(f, y) == Some(0) && objects.is_start(f, x)
                            || constant(f, x) == Some(0) && objects.is_start(f, y) =>
                    {
                        uses.tests.push((i, u32::from(op == Op::I32Ne)));
                    }
                    (Op::Select, &[x, y, c]) if is(x) && is(y) && !is(c) => {}
                    _ if is_position_free(op) && args.iter().all(|&a| is(a)) => {}
                    _ => return Err(Declined::Address),
                },
                _ => return Err(Declined::Address),
            }
        }
        match f.term(b) {
            Terminator::Branch { cond, .. } if is(*cond) => match objects.is_start(f, *cond) {
                true => uses.branches.push(b),
                false => return Err(Declined::Address),
            },
            term if term.operands(&f.pool).iter().any(|&v| is(v)) => return Err(Declined::Address),
            _ => {}
        }
    }
    Ok(uses)
}

/// The arguments that lead into the buffer, of a call of a function that is known and is no allocator's.
fn passed(
    f: &Function,
    (block, call): (Block, Inst),
    is: &impl Fn(Value) -> bool,
    cx: &Context<'_>,
) -> Option<Vec<Passed>> {
    let (Op::Call, Imm::Func(callee)) = (f.insts[call].op, f.insts[call].imm) else { return None };
    if cx.knowledge.role(callee).is_some() {
        return None;
    }
    let args = (0..).zip(f.args(call)).filter(|&(_, &a)| is(a));
    Some(args.map(|(param, _)| Passed { block, call, callee, param }).collect())
}

/// Comparisons of two addresses in one object that only depend on where in it they are.
fn is_position_free(op: Op) -> bool {
    let signed = matches!(op, Op::I32LtS | Op::I32GtS | Op::I32LeS | Op::I32GeS);
    is_comparison(op) && op != Op::I32Eqz && !signed
}

fn copy(
    f: &Function,
    (block, inst): (Block, Inst),
    is: &impl Fn(Value) -> bool,
    memory: MemoryId,
    uses: &mut Uses,
) -> Result<(), Declined> {
    let Imm::MemCopy { dst, src } = f.insts[inst].imm else { return Err(Declined::Written) };
    let &[to, from, length] = f.args(inst) else { return Err(Declined::Written) };
    match (is(to), is(from), is(length)) {
        (true, false, false) if dst == memory => match uses.fill.replace((block, inst)) {
            None => Ok(()),
            Some(_) => Err(Declined::Written),
        },
        (false, true, false) if src == memory => {
            uses.reads.push((block, inst));
            Ok(())
        }
        _ => Err(Declined::Written),
    }
}

/// Lets a load or a copy read the other memory.
pub(super) fn read_instead(f: &mut Function, read: Inst, buffer: MemoryId, source: MemoryId) {
    match &mut f.insts[read].imm {
        Imm::Mem(m) | Imm::MemLane(m, _) if m.memory == buffer => m.memory = source,
        Imm::MemCopy { src, .. } if *src == buffer => *src = source,
        _ => {}
    }
}

/// Branches on the address itself are taken: it is not null. Gives the constants 0 and 1, made at this position, which
/// is before all that uses the address.
pub(super) fn settle_branches(f: &mut Function, (block, at): (Block, usize), uses: &Uses) -> [Value; 2] {
    let constants = [insert_i32(f, block, at, 0), insert_i32(f, block, at, 1)];
    for &b in &uses.branches {
        if let Some(Terminator::Branch { cond, .. }) = &mut f.blocks[b].term {
            *cond = constants[1];
        }
    }
    constants
}

/// Takes out the tests of an address, what gives the buffer back, and the instructions that are `gone`; other uses of the address get
/// what it is to be.
pub(super) fn erase(
    f: &mut Function,
    uses: &Uses,
    constants: [Value; 2],
    address: Option<(Value, Value)>,
    mut gone: Vec<Inst>,
) {
    let mut replaced = Replaced::new();
    for &(test, answer) in &uses.tests {
        replaced[f.results(test)[0]] = Some(constants[answer as usize]).into();
    }
    if let Some((address, to)) = address {
        replaced[address] = Some(to).into();
    }
    gone.extend(uses.given_back.iter().map(|&(_, i)| i));
    gone.extend(uses.tests.iter().map(|&(i, _)| i));
    remove(f, &gone);
    substitute(f, &mut replaced);
}
