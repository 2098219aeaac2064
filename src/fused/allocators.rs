//! Allocators of the former components: who gives memory, and who takes it back.
//!
//! *Gives*: the function exported as `cabi_realloc`, or as `cabi_realloc$N` by meld, of the canonical ABI's type, that writes one
//! memory and nothing else. *Takes back*: a function without a result that touches nothing but that memory and either has a
//! name that says so, or has the shape of `free`: it does nothing with null, reads the word before what its parameter points to,
//! and uses state at a constant address that the functions which give memory use as well. A function that only
//! passes its parameters on to one that takes back is one, too.
//!
//! A module that gives its own functions such names and shapes, and means something else, is what the assumption
//! `canonical-abi` excludes; `--no-assume canonical-abi` is for it.

use super::Shape;
use crate::analysis::Summaries;
use crate::ir::effects::{data_mask, global_mask};
use crate::ir::entity::{FuncId, GlobalId, MemoryId};
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::types::Type;
use crate::memory::Role;
use crate::memory::objects::{Objects, Place, Root};
use crate::module::{Entity, Module};
use hashbrown::HashSet;

/// How a function that may take memory back looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseShape {
    /// It reads the word before what its parameter points to, in this memory.
    Header(MemoryId),
    /// It passes its parameters on to this function and does nothing else.
    Passes(FuncId),
    /// Neither.
    Plain,
}

/// Constant addresses and callees of a function that are kept.
const MAX_KEPT: usize = 128;

/// The constant addresses that a graph accesses, and the functions that it calls.
pub fn state(f: &Function, objects: &Objects<'_>) -> (Vec<(MemoryId, u32)>, Vec<FuncId>) {
    let (mut addresses, mut callees) = (Vec::new(), Vec::new());
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            for access in [objects.read(f, i), objects.written(f, i)].into_iter().flatten() {
                if access.place.root == Root::Zero {
                    addresses.push((access.memory, access.place.offset));
                }
            }
            if let (Op::Call, Imm::Func(callee)) = (f.insts[i].op, f.insts[i].imm) {
                callees.push(callee);
            }
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MAX_KEPT);
    callees.sort_unstable();
    callees.dedup();
    callees.truncate(MAX_KEPT);
    (addresses, callees)
}

/// Functions and all that they call.
pub fn reached(shapes: &[Shape], from: impl Iterator<Item = FuncId>) -> HashSet<FuncId> {
    let mut todo: Vec<FuncId> = from.collect();
    let mut seen: HashSet<FuncId> = todo.iter().copied().collect();
    while let Some(func) = todo.pop() {
        let callees = shapes.get(func.as_u32() as usize).map_or(&[][..], |s| s.callees.as_slice());
        todo.extend(callees.iter().copied().filter(|&callee| seen.insert(callee)));
    }
    seen
}

/// The constant addresses that functions and what they call access.
fn state_of(shapes: &[Shape], from: impl Iterator<Item = FuncId>) -> HashSet<(MemoryId, u32)> {
    let shapes_of = |func: FuncId| shapes.get(func.as_u32() as usize);
    reached(shapes, from)
        .into_iter()
        .filter_map(shapes_of)
        .flat_map(|s| s.addresses.iter().copied())
        .collect()
}

/// Names of functions that take memory back: pointer first.
const NAMES: [&str; 7] =
    ["free", "dlfree", "__libc_free", "cfree", "__rust_dealloc", "__rdl_dealloc", "__rg_dealloc"];

/// Whether a graph may be one that takes memory back, and how it looks.
pub fn release_shape(f: &Function, objects: &Objects<'_>) -> Option<ReleaseShape> {
    if f.params.is_empty()
        || f.params.len() > 3
        || f.params.iter().any(|&t| t != Type::I32)
        || !f.results.is_empty()
    {
        return None;
    }
    let params = f.block_params(f.entry);
    let pointer = params[0];
    let insts = || f.layout.iter().flat_map(|&b| f.blocks[b].insts.iter().copied());
    if let [block] = f.layout[..]
        && let [call] = f.blocks[block].insts[..]
        && let (Op::Call, Imm::Func(callee)) = (f.insts[call].op, f.insts[call].imm)
        && f.args(call) == params
        && matches!(f.term(block), Terminator::Return(_))
    {
        return Some(ReleaseShape::Passes(callee));
    }
    if let [block] = f.layout[..]
        && f.blocks[block].insts.is_empty()
        && let Terminator::TailCall { callee: crate::ir::function::TailCallee::Direct(callee), args } =
            f.term(block)
        && args.as_slice(&f.pool) == params
    {
        return Some(ReleaseShape::Passes(*callee));
    }
    // Null is tested first, before anything is done.
    let tests_null = f.blocks[f.entry].insts.iter().all(|&i| f.insts[i].op.is_pure())
        && match f.term(f.entry) {
            Terminator::Branch { cond, .. } => {
                *cond == pointer
                    || f.def_inst(*cond)
                        .is_some_and(|i| f.insts[i].op == Op::I32Eqz && f.args(i)[0] == pointer)
            }
            _ => false,
        };
    let header = insts().find_map(|i| {
        let read = objects.read(f, i).filter(|_| f.insts[i].op.kind() == Kind::Load)?;
        let before = [-4i32, -8].map(|d| Place { root: Root::Value(pointer), offset: d as u32 });
        before.contains(&read.place).then_some(read.memory)
    });
    Some(match header {
        Some(memory) if tests_null => ReleaseShape::Header(memory),
        _ => ReleaseShape::Plain,
    })
}

/// What makes a graph an adapter between components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// It touches two memories.
    Memories,
    /// It only passes its parameters on.
    Thunk,
}

/// Whether a graph is an adapter between components.
pub fn crosses(f: &Function) -> Option<Crossing> {
    let mut memories: Option<MemoryId> = None;
    let mut calls = 0;
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            let two = match f.insts[i].imm {
                Imm::MemCopy { dst, src } => [Some(dst), Some(src)],
                imm => [imm.memarg().map(|m| m.memory), None],
            };
            for m in two.into_iter().flatten() {
                if *memories.get_or_insert(m) != m {
                    return Some(Crossing::Memories);
                }
            }
            calls += u32::from(f.insts[i].op.is_call());
        }
    }
    // One call and next to nothing else.
    let insts: usize = f.layout.iter().map(|&b| f.blocks[b].insts.len()).sum();
    let is_thunk = f.layout.len() == 1 && calls == 1 && memories.is_none() && insts <= 1 + 2 * f.params.len();
    is_thunk.then_some(Crossing::Thunk)
}

/// The name under which a component exports its allocator.
pub const REALLOC: &str = "cabi_realloc";

/// Whether a function has the type of `cabi_realloc`.
pub fn has_type(module: &Module, func: FuncId) -> bool {
    let ty = module.func_type(func);
    *ty.params == [Type::I32; 4] && *ty.results == [Type::I32]
}

/// The roles of a module's functions.
///
/// `stacks`: the stack pointers, which a function leaves as it found them. `known`: what is known from the round before.
pub fn roles(
    module: &Module,
    shapes: &[Shape],
    summaries: &Summaries,
    stacks: &[(GlobalId, MemoryId)],
    known: Vec<(FuncId, Role)>,
) -> Vec<(FuncId, Role)> {
    let stack_masks = stacks.iter().fold(0, |mask, &(g, _)| mask | global_mask(g));
    let only_memory = |func| only_memory(module, func, summaries, stack_masks);
    let mut roles: Vec<(FuncId, Role)> = known;
    let gives = |&(_, role): &(FuncId, Role)| match role {
        Role::Realloc(memory) => Some(memory),
        Role::Free(_) => None,
    };
    let mut given: Vec<MemoryId> = roles.iter().filter_map(gives).collect();
    for export in &module.exports {
        let stem = export.name.split('$').next().unwrap_or_default();
        let Entity::Func(func) = export.entity else { continue };
        if stem == REALLOC
            && has_type(module, func)
            && let Some(memory) = only_memory(func)
            && !roles.iter().any(|&(f, _)| f == func)
        {
            roles.push((func, Role::Realloc(memory)));
            given.push(memory);
        }
    }
    given.sort_unstable();
    given.dedup();
    let state = state_of(shapes, roles.iter().map(|&(func, _)| func));
    let mut takers: Vec<Option<MemoryId>> = vec![None; shapes.len()];
    for (func, _) in &module.funcs {
        let n = func.as_u32() as usize;
        let Some(shape) = shapes.get(n).and_then(|s| s.release) else { continue };
        let named = module.func_name(func).is_some_and(|name| NAMES.contains(&name));
        takers[n] = match shape {
            // What shares no state with the allocator changes what its parameter points to, or counts references.
            ReleaseShape::Header(memory)
                if named || shapes[n].addresses.iter().any(|a| state.contains(a)) =>
            {
                Some(memory)
            }
            ReleaseShape::Plain if named => only_memory(func),
            _ => None,
        };
        takers[n] = takers[n].filter(|m| given.contains(m) && only_memory(func) == Some(*m));
    }
    // Those that pass their parameters on; a chain is as long as it is, but none goes round.
    for (func, _) in &module.funcs {
        let mut at = func.as_u32() as usize;
        let mut steps = 0;
        while let Some(ReleaseShape::Passes(next)) = shapes.get(at).and_then(|s| s.release)
            && steps < 8
        {
            at = next.as_u32() as usize;
            steps += 1;
        }
        if let Some(&Some(memory)) = takers.get(at)
            && !roles.iter().any(|&(f, _)| f == func)
        {
            roles.push((func, Role::Free(memory)));
        }
    }
    roles
}

/// The memory whose contents a function writes, if it writes those of just one and no other state but stack pointers.
fn only_memory(module: &Module, func: FuncId, summaries: &Summaries, stacks: u128) -> Option<MemoryId> {
    let effects = summaries.function(func);
    let mut memories = module.memories.keys().filter(|&m| effects.writes & data_mask(m) != 0);
    let memory = memories.next()?;
    let one = memories.next().is_none();
    let globals = (effects.writes & !stacks) >> 64 != 0;
    let plain = module.memories[memory].page_size_log2.is_none() && !module.memories[memory].imported;
    (one && !globals && plain && effects != crate::ir::effects::EffectSet::ALL).then_some(memory)
}
