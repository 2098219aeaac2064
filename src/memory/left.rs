//! What is left of boundaries in a graph, for the report: copies between two memories, allocations with why they stay, and accesses.
//!
//! **Complexity.** For each allocation that is left, that of trying to see through it once more.

use super::buffers::{Declined, one};
use super::objects::{Escape, Objects, Set, allocates};
use super::{Context, Left, Reason};
use crate::analysis::Cfg;
use crate::ir::entity::{Block, FuncId, Inst, MemoryId};
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Kind};
use std::collections::BTreeMap;

/// What is left in a graph, each with the function whose input body it stood in. Accesses are counted where it is known where they
/// stood.
pub fn left(f: &Function, cx: &Context<'_>) -> Vec<(FuncId, Left)> {
    let mut left = Vec::new();
    let mut accesses: BTreeMap<(FuncId, MemoryId), u64> = BTreeMap::new();
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            let origin = f.origin(i);
            match f.insts[i].imm {
                Imm::MemCopy { dst, src } if dst != src => left.push((origin.func, Left::Copy { dst, src })),
                imm => {
                    if let Some(m) = imm.memarg().filter(|_| origin.offset.is_some()) {
                        *accesses.entry((origin.func, m.memory)).or_default() += 1;
                    }
                    if let Some((memory, _)) = allocates(f, i, cx.knowledge) {
                        left.push((origin.func, Left::Allocation(memory, reason(f, b, i, cx))));
                    }
                }
            }
        }
    }
    left.extend(accesses.into_iter().map(|((func, memory), n)| (func, Left::Accesses(memory, n))));
    left
}

/// Why the buffer that a call gives stays.
fn reason(f: &Function, block: Block, call: Inst, cx: &Context<'_>) -> Reason {
    let Err(why) = one(&mut f.clone(), block, call, cx) else {
        return Reason { what: "the number of rounds is used up", callee: None, at: None };
    };
    let objects = Objects::compute(f, &Cfg::compute(f), cx.knowledge);
    let set = f.result(call).map_or(0, |v| objects.derived(v));
    let escape = objects.only(set).and_then(|o| o.escape);
    let place = |inst: Inst| Some(f.origin(inst)).filter(|o| o.offset.is_some());
    let here = place(call);
    match (why, escape) {
        (Declined::Escapes, Some((how, at))) => {
            let (what, callee) = match how {
                Escape::Stored => ("the address of the buffer is stored", None),
                Escape::Passed(func) => ("the address of the buffer is passed on", Some(func)),
                Escape::Returned => ("the address of the buffer is returned", None),
                Escape::Other => ("the address of the buffer gets out of sight", None),
            };
            Reason { what, callee, at: at.map_or(here, place) }
        }
        (Declined::Escapes, None) => {
            Reason { what: "the address of the buffer gets out of sight", callee: None, at: here }
        }
        (Declined::Written, _) => {
            let at = first_write(f, &objects, set).map_or(here, place);
            Reason { what: "the buffer is written, or filled in parts", callee: None, at }
        }
        (Declined::Address, _) => {
            let what = "what is done with the address depends on where the buffer lies";
            Reason { what, callee: None, at: here }
        }
        (Declined::Fill, _) => {
            let what = "the buffer is not filled by one copy of its size before it is read";
            Reason { what, callee: None, at: here }
        }
        (Declined::Source, _) => {
            Reason { what: "what was copied may be written before it is read", callee: None, at: here }
        }
    }
}

/// The first instruction that writes into an object in another way than by a copy.
fn first_write(f: &Function, objects: &Objects<'_>, set: Set) -> Option<Inst> {
    let insts = || f.layout.iter().flat_map(|&b| f.blocks[b].insts.iter().copied());
    insts().find(|&i| {
        let is_copy = f.insts[i].op.kind() == Kind::MemoryCopy;
        objects.written(f, i).is_some_and(|w| !is_copy && w.derived & set != 0)
    })
}
