//! Indirect calls that can only reach a few functions look at the index and call them directly.
//!
//! **What.** A `call_indirect` in a loop, through a fixed table ([`super::devirt`]) of which few slots hold a function of the call's type,
//! becomes `if index = slot then call f else call_indirect`, where small functions are put in place of their calls. With one such
//! slot the comparison alone is worth it; with several, all of the functions must be small. Slots that follow each other are told apart by one
//! `br_table`: an interpreter with a table of functions becomes one with a switch.
//!
//! **Licence.** As for [`super::devirt`]: the slot holds `f` whenever code runs, and `f` has the type of the call. Every other index
//! takes the indirect call as it was, with its kind of trap. (A function that the host gave may have a narrower type than its import
//! says: that a slot is not looked for does not mean that it would trap.)
//!
//! **Declines.** For size; calls outside of loops, inside `try_table` and tail calls; known indices, which make the call direct; tables
//! that are not fixed; more slots of the type ([`MAX_TARGETS`], [`MAX_COMPARED`]), or larger functions ([`MAX_COPIED`]); beyond
//! [`MAX_CHAINS`] calls or [`MAX_COPIES`] of one function.
//!
//! Complexity: linear in the graph, calls through a table times the types in its slots, and what is copied.
//!
//! Reference: Calder and Grunwald, "Reducing Indirect Function Call Overhead in C++ Programs", POPL 1994.

use super::devirt::{MAX_TARGETS, Tables};
use super::inline::{Ready, Site, Splicer};
use crate::analysis::{Cfg, DomTree, Loops};
use crate::ir::entity::{Block, FuncId, Inst, Value};
use crate::ir::function::{BlockData, Function, Terminator, ValueDef};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use cranelift_entity::{EntityList, SecondaryMap};

/// Slots that a call may reach and that are told apart by one comparison each.
pub const MAX_COMPARED: usize = 3;
/// Calls of one function that are changed.
pub const MAX_CHAINS: usize = 32;
/// Instructions and blocks of a function that is copied in place of a direct call: what the inliner copies into two loops.
pub const MAX_COPIED: usize = 34;
/// Instructions and blocks copied into one function.
pub const MAX_COPIES: usize = 500;
/// Bytes of code that a comparison takes, besides two for each argument.
const COMPARISON: usize = 16;

/// Its name in the report.
pub const PASS: &str = "chain-of-compares";

/// What became of a graph.
pub struct Chained {
    /// The new graph.
    pub f: Function,
    /// Calls that look at their index.
    pub calls: usize,
    /// Functions that were copied in place of their calls.
    pub copied: usize,
    /// About how many bytes more it takes.
    pub growth: usize,
    /// Calls beyond [`MAX_CHAINS`] and [`MAX_COPIES`].
    pub stopped: usize,
}

/// A call and what it can reach.
struct Call {
    block: Block,
    at: usize,
    inst: Inst,
    /// Slots and what they hold.
    targets: Vec<(u64, FuncId)>,
}

/// The graph with comparisons. `None`: nothing changes. `small` has the graphs of targets that may be copied.
pub fn chained(f: &Function, tables: &Tables, module: &dyn ModuleInfo, small: &Ready) -> Option<Chained> {
    let mut calls = candidates(f, tables, module, small);
    if calls.is_empty() {
        return None;
    }
    let cfg = Cfg::compute(f);
    let loops = Loops::compute(&cfg, &DomTree::compute(f, &cfg));
    calls.retain(|c| loops.depth(c.block) > 0);
    let before = calls.len();
    let mut copies = 0;
    calls.retain(|c| {
        let size: usize = c.targets.iter().filter_map(|(_, f)| small.get(f)).map(|f| size(f)).sum();
        copies += size;
        copies <= MAX_COPIES
    });
    calls.truncate(MAX_CHAINS);
    let stopped = before - calls.len();
    if calls.is_empty() {
        return None;
    }
    let mut all = Chained { f: f.clone(), calls: calls.len(), copied: 0, growth: 0, stopped };
    let mut inserted: SecondaryMap<Block, Vec<Block>> = SecondaryMap::new();
    let mut direct = Vec::new();
    // Of the calls in one block the last one first, so that the places of the others stay.
    for call in calls.iter().rev() {
        all.growth += call.targets.len() * (COMPARISON + 2 * f.args(call.inst).len());
        let mut placed = compare(&mut all.f, call, &mut direct);
        placed.append(&mut inserted[call.block]);
        inserted[call.block] = placed;
    }
    for b in std::mem::take(&mut all.f.layout) {
        all.f.layout.push(b);
        all.f.layout.append(&mut inserted[b]);
    }
    let mut splicer = Splicer::new(&mut all.f);
    for (block, func) in direct {
        if let Some(target) = small.get(&func)
            && splicer.splice(Site { block, at: 0 }, target).is_ok()
        {
            all.copied += 1;
            all.growth += 4 * size(target);
        }
    }
    splicer.finish();
    Some(all)
}

/// Instructions and blocks of a graph.
pub fn size(f: &Function) -> usize {
    f.layout.iter().map(|&b| 1 + f.blocks[b].insts.len()).sum()
}

fn candidates(f: &Function, tables: &Tables, module: &dyn ModuleInfo, small: &Ready) -> Vec<Call> {
    let mut calls = Vec::new();
    for &block in &f.layout {
        for (at, &inst) in f.blocks[block].insts.iter().enumerate() {
            let (Op::CallIndirect, Imm::CallIndirect { ty, table }) = (f.insts[inst].op, f.insts[inst].imm)
            else {
                continue;
            };
            // A known index makes the call direct.
            let index = f.args(inst).last().and_then(|&v| f.def_inst(v));
            if index.is_some_and(|i| f.insts[i].op.is_const()) {
                continue;
            }
            let targets = tables.of_type(table, ty, module);
            let call = Call { block, at, inst, targets };
            let all_small = || call.targets.iter().all(|(_, f)| small.contains_key(f));
            let good = match call.targets.len() {
                0 => false,
                1 => true,
                2..=MAX_COMPARED => all_small(),
                n => n <= MAX_TARGETS && is_run(f, &call) && all_small(),
            };
            if good {
                calls.push(call);
            }
        }
    }
    calls
}

/// Replaces a call by comparisons of its index; the blocks that follow its own, and in `direct` those that start with a direct call.
fn compare(f: &mut Function, call: &Call, direct: &mut Vec<(Block, FuncId)>) -> Vec<Block> {
    let (inst, imm) = (call.inst, f.insts[call.inst].imm);
    let args = f.args(inst).to_vec();
    let types: Vec<Type> = f.results(inst).iter().map(|&r| f.ty(r)).collect();
    let Some((&index, passed)) = args.split_last() else { return Vec::new() };
    let rest = f.blocks[call.block].insts.split_off(call.at + 1);
    f.blocks[call.block].insts.truncate(call.at);
    let term = f.blocks[call.block].term.take();
    // What follows takes the results as its parameters, the very same values.
    let params = std::mem::take(&mut f.insts[inst].results);
    let after = f.blocks.push(BlockData { params, insts: rest, term });
    for (n, v) in f.block_params(after).to_vec().into_iter().enumerate() {
        f.values[v].def = ValueDef::Param(after, n as u32);
    }
    let found: Vec<Block> = call.targets.iter().map(|_| empty(f)).collect();
    let mut placed = Vec::new();
    let mut at = call.block;
    if is_run(f, call) {
        at = empty(f);
        let first = constant(f, call.block, Type::I32, call.targets[0].0);
        let from = f.append(call.block, Op::I32Sub, Imm::None, &[index, first], &[Type::I32]);
        let from = f.results(from)[0];
        let targets = found.iter().map(|&b| f.edge(b, &[])).collect();
        let default = f.edge(at, &[]);
        f.blocks[call.block].term = Some(Terminator::Table { index: from, targets, default });
        placed.clone_from(&found);
        placed.push(at);
    } else {
        for (&(slot, _), &then) in call.targets.iter().zip(&found) {
            let slot = constant(f, at, f.ty(index), slot);
            let equal = if f.ty(index) == Type::I64 { Op::I64Eq } else { Op::I32Eq };
            let same = f.append(at, equal, Imm::None, &[index, slot], &[Type::I32]);
            let cond = f.results(same)[0];
            let els = empty(f);
            f.blocks[at].term =
                Some(Terminator::Branch { cond, then: f.edge(then, &[]), els: f.edge(els, &[]) });
            placed.extend([then, els]);
            at = els;
        }
    }
    for (&(_, func), &then) in call.targets.iter().zip(&found) {
        jump_with(f, then, Op::Call, Imm::Func(func), passed, &types, after);
        direct.push((then, func));
    }
    jump_with(f, at, Op::CallIndirect, imm, &args, &types, after);
    placed.push(after);
    placed
}

/// Whether the slots are several that follow each other, so that one jump does.
fn is_run(f: &Function, call: &Call) -> bool {
    let slots = call.targets.iter().map(|&(slot, _)| slot);
    let short = f.args(call.inst).last().is_some_and(|&index| f.ty(index) == Type::I32);
    short && slots.len() > 2 && slots.zip(call.targets[0].0..).all(|(slot, n)| slot == n)
}

/// A block that is in no layout yet.
fn empty(f: &mut Function) -> Block {
    f.blocks.push(BlockData { params: EntityList::new(), insts: Vec::new(), term: None })
}

fn constant(f: &mut Function, block: Block, ty: Type, value: u64) -> Value {
    let (op, imm) = match ty {
        Type::I64 => (Op::I64Const, Imm::I64(value as i64)),
        _ => (Op::I32Const, Imm::I32(value as i32)),
    };
    let inst = f.append(block, op, imm, &[], &[ty]);
    f.results(inst)[0]
}

/// A block of one call, whose results go to another block.
fn jump_with(f: &mut Function, block: Block, op: Op, imm: Imm, args: &[Value], types: &[Type], after: Block) {
    let call = f.append(block, op, imm, args, types);
    let results = f.results(call).to_vec();
    f.blocks[block].term = Some(Terminator::Jump(f.edge(after, &results)));
}
