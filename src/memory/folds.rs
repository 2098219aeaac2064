//! Calls that keep a boundary's values in memory: the next round may put their callees in their places.
//!
//! What stood on the other side of a boundary is in the graph, but for functions that are called from several places. When one of those
//! gets the address of a frame or buffer of its own component, the values that are there were written for it, or are what it gives:
//! in one graph they become SSA values.
//!
//! A call is such a one if it was put there with an adapter, and an argument leads into an object of a memory that the function itself,
//! without what was put into it, does not name.
//!
//! **Complexity.** Linear in the graph.

use super::Context;
use super::objects::Objects;
use crate::analysis::Cfg;
use crate::ir::entity::{FuncId, MemoryId};
use crate::ir::function::{Function, Origin};
use crate::ir::ops::{Imm, Op};
use std::collections::BTreeSet;

/// The callees of such calls.
pub(super) fn folding(f: &Function, cx: &Context<'_>) -> Vec<FuncId> {
    let insts = || f.layout.iter().flat_map(|&b| f.blocks[b].insts.iter().copied());
    let mut own: BTreeSet<MemoryId> = BTreeSet::new();
    // What a pass has made has no place.
    let is_own = |o: Origin| o.func == f.id && o.offset.is_some();
    for i in insts().filter(|&i| is_own(f.origin(i))) {
        match f.insts[i].imm {
            Imm::MemCopy { dst, src } => own.extend([dst, src]),
            imm => own.extend(imm.memarg().map(|m| m.memory)),
        }
    }
    let calls: Vec<_> = insts()
        .filter(|&i| f.insts[i].op == Op::Call && f.origin(i).func != f.id)
        .filter_map(|i| match f.insts[i].imm {
            Imm::Func(callee) if cx.knowledge.role(callee).is_none() => Some((i, callee)),
            _ => None,
        })
        .collect();
    if calls.is_empty() {
        return Vec::new();
    }
    let objects = Objects::compute(f, &Cfg::compute(f), cx.knowledge);
    let leads = |&v: &_| objects.only(objects.derived(v)).is_some_and(|o| !own.contains(&o.memory));
    let found: BTreeSet<FuncId> =
        calls.into_iter().filter(|&(i, _)| f.args(i).iter().any(leads)).map(|(_, callee)| callee).collect();
    found.into_iter().collect()
}
