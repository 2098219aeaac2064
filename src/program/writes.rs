//! Writes to private memories that nobody reads.
//!
//! **What.** Stores, fills and copies of bytes that no body reads go, where they are surely in bounds: at constant addresses. Of a memory
//! of which nothing is read, so do stores of which another one shows that they do not trap: one on every way to them, at the same
//! address and reaching as far; or one behind them in the same block, with nothing in between that anybody could see, which traps
//! in their place. Of what is left, the trap is left: a zero is stored into the last byte. A memory of which nothing is left but
//! `memory.grow`, whose result is not used, loses that too, and then goes itself (`dead-memories`).
//!
//! **Licence.** The memory is private, and every body that can be called reads it at constant addresses only, if at all
//! ([`super::memories`]). Memories do not shrink: what was in bounds stays so.
//!
//! **Declines.** Any load, copy or atomic access at an unknown address, anywhere; a body kept as bytes. `memory.grow` stays where its
//! result, or `memory.size`, is used, or a store may trap. `memory.init` stays, and so do fills and copies that may trap.
//!
//! Complexity: linear in the graph, but for its dominator tree.

use super::memories::{Access, Memories, accesses, constant, exact};
use crate::analysis::{Cfg, DomTree};
use crate::ir::effects::effects;
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::Function;
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, MemArg, Op};
use crate::ir::types::Type;
use crate::module::Module;
use cranelift_entity::{EntitySet, SecondaryMap};
use hashbrown::HashMap;

/// Where a store that may trap ends, behind the value of its address.
type Reach = (MemoryId, Value, u128);

/// Removes the writes that nobody reads from a graph; how many, those of which the trap is left included.
pub(super) fn remove_writes(f: &mut Function, memories: &Memories, module: &Module) -> u64 {
    let mut gone: EntitySet<Inst> = EntitySet::new();
    let mut traps: SecondaryMap<Inst, Option<Reach>> = SecondaryMap::new();
    let mut any_traps = false;
    for &inst in f.layout.iter().flat_map(|&b| &f.blocks[b].insts) {
        if is_useless(f, inst, memories, module) {
            gone.insert(inst);
        } else if let Some(reach) = unread_store(f, inst, memories) {
            traps[inst] = Some(reach);
            any_traps = true;
        }
    }
    if any_traps {
        shown_later(f, &traps, &mut gone, memories);
        shown_before(f, &traps, &mut gone);
    }
    let mut count = gone.iter().count() as u64;
    for n in 0..f.layout.len() {
        let b = f.layout[n];
        let mut insts = Vec::with_capacity(f.blocks[b].insts.len());
        for inst in std::mem::take(&mut f.blocks[b].insts) {
            if gone.contains(inst) {
                continue;
            }
            if traps[inst].is_some()
                && let Some(zero) = only_trap(f, inst, module)
            {
                insts.push(zero);
                count += 1;
            }
            insts.push(inst);
        }
        f.blocks[b].insts = insts;
    }
    count
}

/// Whether an instruction does nothing but write what nobody reads, and surely succeeds; or lets a memory grow that nobody needs.
fn is_useless(f: &Function, inst: Inst, memories: &Memories, module: &Module) -> bool {
    let in_bounds = |memory: MemoryId, from: Value, length: Value| {
        let end = constant(f, from).zip(constant(f, length)).map(|(a, n)| u128::from(a) + u128::from(n));
        end.is_some_and(|end| end <= module.memory_min_bytes(memory))
    };
    let args = f.args(inst);
    let succeeds = match (f.insts[inst].op.kind(), f.insts[inst].imm) {
        (Kind::Store, Imm::Mem(arg) | Imm::MemLane(arg, _)) => constant(f, args[0])
            .is_some_and(|a| exact(a, arg, f.insts[inst].op).1 <= module.memory_min_bytes(arg.memory)),
        (Kind::MemoryFill, Imm::Memory(m)) => in_bounds(m, args[0], args[2]),
        (Kind::MemoryCopy, Imm::MemCopy { dst, src }) => {
            in_bounds(dst, args[0], args[2]) && in_bounds(src, args[1], args[2])
        }
        // Its result is not used anywhere, or the memory would be needed.
        (Kind::MemoryGrow, Imm::Memory(m)) => return memories.get(m).is_some_and(|p| p.is_needless()),
        _ => false,
    };
    let mut unread = false;
    accesses(f, inst, &mut |memory, access| {
        if let Access::Write(Some(range)) = access {
            unread = memories.get(memory).is_some_and(|p| p.reads.miss(range));
        }
    });
    succeeds && unread
}

/// How far a store reaches into a memory of which nothing is read.
fn unread_store(f: &Function, inst: Inst, memories: &Memories) -> Option<Reach> {
    let data = &f.insts[inst];
    let arg = data.imm.memarg().filter(|_| data.op.kind() == Kind::Store)?;
    let end = u128::from(arg.offset) + u128::from(data.op.info().width);
    memories.get(arg.memory)?.is_unread().then_some((arg.memory, f.args(inst)[0], end))
}

/// Stores that a later one of the same block makes good for: it traps where they would, and nobody sees what is in between.
fn shown_later(
    f: &Function,
    traps: &SecondaryMap<Inst, Option<Reach>>,
    gone: &mut EntitySet<Inst>,
    memories: &Memories,
) {
    for &b in &f.layout {
        let mut later: HashMap<(MemoryId, Value), u128> = HashMap::new();
        for &inst in f.blocks[b].insts.iter().rev() {
            if gone.contains(inst) {
                continue;
            }
            let Some((memory, address, end)) = traps[inst] else {
                if is_seen(f, inst, memories) {
                    later.clear();
                }
                continue;
            };
            let reached = later.entry((memory, address)).or_default();
            if *reached >= end {
                gone.insert(inst);
            }
            *reached = (*reached).max(end);
        }
    }
}

/// Whether somebody could tell if an instruction was executed before a trap of a memory access: it does more than read and trap in
/// the same way.
fn is_seen(f: &Function, inst: Inst, memories: &Memories) -> bool {
    let data = &f.insts[inst];
    let known = data.imm.memarg().is_some_and(|arg| memories.get(arg.memory).is_some_and(|p| p.is_unread()));
    match data.op.kind() {
        Kind::Store => !known,
        Kind::Load => false,
        _ => effects(data.op, &data.imm).writes != 0,
    }
}

/// Stores behind others, on every way, that reach as far.
fn shown_before(f: &Function, traps: &SecondaryMap<Inst, Option<Reach>>, gone: &mut EntitySet<Inst>) {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    // For each address the stores that dominate the current block, each reaching farther than those before.
    let mut known: HashMap<(MemoryId, Value), Vec<(Block, u128)>> = HashMap::new();
    let mut todo = vec![f.entry];
    while let Some(b) = todo.pop() {
        for &inst in &f.blocks[b].insts {
            let Some((memory, address, end)) = traps[inst].filter(|_| !gone.contains(inst)) else { continue };
            let before = known.entry((memory, address)).or_default();
            // The walk is in preorder: what does not dominate this block will not dominate a later one.
            while before.last().is_some_and(|&(a, _)| !dom.dominates(a, b)) {
                before.pop();
            }
            match before.last_mut() {
                Some(&mut (_, reached)) if reached >= end => {
                    gone.insert(inst);
                }
                Some((a, reached)) if *a == b => *reached = end,
                _ => before.push((b, end)),
            }
        }
        todo.extend(dom.children(b));
    }
}

/// Leaves the trap of a store: a zero is stored into its last byte. The zero, which goes in front; `None` where it is that already.
fn only_trap(f: &mut Function, inst: Inst, module: &Module) -> Option<Inst> {
    let (op, arg) = (f.insts[inst].op, f.insts[inst].imm.memarg()?);
    let (address, value) = (f.args(inst)[0], f.args(inst)[1]);
    let last = arg.offset.checked_add(u64::from(op.info().width) - 1)?;
    let is_zero = op == Op::I32Store8 && constant(f, value) == Some(0);
    if is_zero || (module.memory64(arg.memory) != Some(true) && last > u64::from(u32::MAX)) {
        return None;
    }
    let zero = f.make_inst(Op::I32Const, Imm::I32(0), &[], &[Type::I32]);
    let args = [address, f.results(zero)[0]];
    f.insts[inst].op = Op::I32Store8;
    f.insts[inst].imm = Imm::Mem(MemArg { offset: last, align: 0, ..arg });
    f.insts[inst].args = f.list(&args);
    Some(zero)
}
