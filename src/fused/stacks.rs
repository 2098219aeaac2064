//! Shadow stacks: which globals are stack pointers, and of which memory.
//!
//! A global is a stack pointer when it is the module's own, mutable, an `i32` with a constant start, nobody outside can write it,
//! and every function that writes it only ever lowers it and leaves it as it found it, on every return. At least one
//! function lowers it, and all accesses through it are in one memory (where there are none: all accesses of its users). A bump pointer is told apart by
//! the return: it keeps what it was raised to. What `memset` gave is its first argument: compilers go on with the result.

use super::Shape;
use crate::analysis::Cfg;
use crate::ir::entity::{Block, FuncId, GlobalId, Inst, MemoryId, Value};
use crate::ir::function::{Edge, Function, Terminator};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use crate::memory::objects::{Objects, Root};
use crate::module::{ConstOp, Entity, Module};
use cranelift_entity::SecondaryMap;

/// Calls that a value may have gone through between the stack pointer and what is written to it.
const MAX_TRUSTED: usize = 4;

/// What a function does with a global.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackUse {
    /// The global.
    pub global: GlobalId,
    /// Whether it writes it in another way than a stack pointer.
    pub is_other: bool,
    /// Whether it lowers it.
    pub lowers: bool,
    /// The memories accessed through it.
    pub memories: Vec<MemoryId>,
    /// All memories that the function accesses.
    pub around: Vec<MemoryId>,
    /// Functions that have to give back their first parameter for all that to be so, as `memset` does.
    pub trusted: Vec<FuncId>,
}

/// Whether a global can be one at all.
fn may_be(module: &Module, g: GlobalId) -> bool {
    let global = &module.globals[g];
    global.init.is_some() && global.mutable && global.ty == Type::I32
}

/// What a graph does with globals that may be stack pointers.
pub fn uses(f: &Function, cfg: &Cfg, objects: &Objects<'_>, module: &Module) -> Vec<StackUse> {
    let mut list: Vec<GlobalId> = Vec::new();
    for &b in cfg.rpo() {
        for &i in &f.blocks[b].insts {
            if let (Op::GlobalGet | Op::GlobalSet, Imm::Global(g)) = (f.insts[i].op, f.insts[i].imm)
                && may_be(module, g)
                && !list.contains(&g)
            {
                list.push(g);
            }
        }
    }
    list.sort_unstable();
    list.into_iter().map(|g| one(f, cfg, objects, g)).collect()
}

/// How far the pointer is at the other end of an edge: who throws leaves it anywhere.
fn behind(f: &Function, from: Block, edge: &Edge, distance: Option<i32>) -> Option<i32> {
    match f.term(from) {
        Terminator::Invoke { handlers, .. } if handlers.iter().any(|h| h.edge.block == edge.block) => None,
        _ => distance,
    }
}

fn one(f: &Function, cfg: &Cfg, objects: &Objects<'_>, global: GlobalId) -> StackUse {
    let is = |i: Inst, op: Op| f.insts[i].op == op && f.insts[i].imm == Imm::Global(global);
    let mut result = StackUse {
        global,
        is_other: false,
        lowers: false,
        memories: Vec::new(),
        around: Vec::new(),
        trusted: Vec::new(),
    };
    // How far from where the function found it the pointer is, at the start of each block; `None`: it depends.
    let mut at_start: SecondaryMap<Block, Option<Option<i32>>> = SecondaryMap::new();
    at_start[f.entry] = Some(Some(0));
    let mut read_at: SecondaryMap<Value, Option<i32>> = SecondaryMap::new();
    let mut ends: Vec<(Block, Option<i32>)> = Vec::new();
    for &b in cfg.rpo() {
        let mut distance = at_start[b].unwrap_or(None);
        for &i in &f.blocks[b].insts {
            if is(i, Op::GlobalGet) {
                read_at[f.results(i)[0]] = distance;
            } else if is(i, Op::GlobalSet) {
                distance = distance_of(f, objects, f.args(i)[0], &read_at, &mut result.trusted);
                result.lowers |= distance.is_some_and(|d| d < 0);
                result.is_other |= distance.is_some_and(|d| d > 0);
            }
            for access in [objects.read(f, i), objects.written(f, i)].into_iter().flatten() {
                let through = matches!(access.place.root, Root::Value(v) if read_at[v].is_some());
                if through && !result.memories.contains(&access.memory) {
                    result.memories.push(access.memory);
                }
                if !result.around.contains(&access.memory) {
                    result.around.push(access.memory);
                }
            }
        }
        ends.push((b, distance));
        for e in f.term(b).edges() {
            at_start[e.block].get_or_insert(behind(f, b, e, distance));
        }
    }
    let writes = || cfg.rpo().iter().flat_map(|&b| &f.blocks[b].insts).any(|&i| is(i, Op::GlobalSet));
    if writes() {
        for (b, end) in ends {
            let leaves = matches!(f.term(b), Terminator::Return(_) | Terminator::TailCall { .. });
            let differs = f.term(b).edges().any(|e| at_start[e.block] != Some(behind(f, b, e, end)));
            result.is_other |= (leaves && end != Some(0)) || differs;
        }
    }
    result
}

/// How far a value is from where the function found the pointer. Calls between it and the pointer give their first argument, as it seems:
/// their callees are noted.
fn distance_of(
    f: &Function,
    objects: &Objects<'_>,
    mut value: Value,
    read_at: &SecondaryMap<Value, Option<i32>>,
    trusted: &mut Vec<FuncId>,
) -> Option<i32> {
    let mut offset = 0i32;
    for _ in 0..=MAX_TRUSTED {
        let place = objects.place(value);
        let Root::Value(root) = place.root else { return None };
        offset = offset.wrapping_add(place.offset as i32);
        if let Some(distance) = read_at[root] {
            return Some(distance.wrapping_add(offset));
        }
        let call = f.def_inst(root).filter(|&i| f.insts[i].op == Op::Call)?;
        let Imm::Func(callee) = f.insts[call].imm else { return None };
        trusted.push(callee);
        value = *f.args(call).first()?;
    }
    None
}

/// Whether a function gives back its first parameter, on every return.
pub fn returns_first(f: &Function) -> bool {
    let Some(&first) = f.block_params(f.entry).first() else { return false };
    let mut ends = f.layout.iter().map(|&b| f.term(b));
    ends.all(|term| match term {
        Terminator::Return(values) => *values.as_slice(&f.pool) == [first],
        Terminator::TailCall { .. } => false,
        _ => true,
    })
}

/// The stack pointers of a module, each with its memory. `before`: those of the round before, which nobody may lower any more: what
/// is below them is free as it was.
pub fn recognized(
    module: &Module,
    shapes: &[Shape],
    before: &[(GlobalId, MemoryId)],
) -> Vec<(GlobalId, MemoryId)> {
    // A body kept as bytes may do anything to any global.
    let raw = module.funcs.iter().zip(shapes).any(|((_, f), s)| f.body.is_some() && s.stacks.is_none());
    if raw {
        return Vec::new();
    }
    let gives = |func: FuncId| shapes.get(func.as_u32() as usize).is_some_and(|s| s.returns_first);
    let exported = |g: GlobalId| module.exports.iter().any(|e| e.entity == Entity::Global(g));
    let mut found = Vec::new();
    for (g, global) in &module.globals {
        let starts =
            global.init.as_ref().is_some_and(|e| matches!(e.ops[..], [ConstOp::I32Const(n)] if n > 0));
        if !may_be(module, g) || !starts || exported(g) {
            continue;
        }
        let uses = || shapes.iter().flat_map(|s| s.stacks.iter().flatten()).filter(|u| u.global == g);
        let known = before.iter().find(|&&(known, _)| known == g);
        if let Some(&known) = known
            && !uses().any(|u| u.lowers || u.is_other)
        {
            found.push(known);
            continue;
        }
        let memories = |of: fn(&StackUse) -> &Vec<MemoryId>| {
            let mut list: Vec<MemoryId> = uses().flat_map(|u| of(u).iter().copied()).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        let mut memories = match memories(|u| &u.memories) {
            // Frames whose addresses are only passed on lie where their functions do all else.
            list if list.is_empty() => memories(|u| &u.around),
            list => list,
        };
        memories.truncate(2);
        if let [memory] = memories[..]
            && uses().any(|u| u.lowers)
            && !uses().any(|u| u.is_other || u.trusted.iter().any(|&callee| !gives(callee)))
            && module.memories[memory].page_size_log2.is_none()
        {
            found.push((g, memory));
        }
    }
    found
}
