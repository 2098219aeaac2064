//! The stack pointer as one value, and its traffic gone where nobody sees it.
//!
//! Functions that were inlined bring `global.get; sub; global.set … global.set` each. All reads of a recognised stack pointer
//! become one read at the entry plus what was subtracted since. Where nothing in the graph that is not the graph's own looks at
//! the pointer, its writes go altogether.
//!
//! **Licence.** A stack pointer is recognised only where every function leaves it as it found it (`fused::stacks`), so
//! a call that returns does not change it; graphs with handlers of exceptions are left alone. Writes go where no call reads the global and none is left by an exception.

use super::edit::{Replaced, insert, insert_i32, position, remove};
use super::objects::constant;
use super::{Context, Counts};
use crate::analysis::Cfg;
use crate::ir::cleanup::substitute;
use crate::ir::effects::global_mask;
use crate::ir::entity::{Block, GlobalId, Inst, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;

/// The recognised stack pointers that a graph reads or writes itself.
fn stack_pointers(f: &Function, cx: &Context<'_>) -> Vec<GlobalId> {
    let insts = f.layout.iter().flat_map(|&b| &f.blocks[b].insts);
    let mut list: Vec<GlobalId> = insts
        .filter_map(|&i| match (f.insts[i].op, f.insts[i].imm) {
            (Op::GlobalGet | Op::GlobalSet, Imm::Global(g)) if cx.knowledge.stack(g).is_some() => Some(g),
            _ => None,
        })
        .collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// Makes each stack pointer one read at the entry, and every later read the value that was written last.
pub fn single_stack_pointer(f: &mut Function, cx: &Context<'_>, _work: &mut usize, counts: &mut Counts) {
    for g in stack_pointers(f, cx) {
        let n = single(f, g);
        if n > 0 {
            *counts.entry("stack-pointer-reads").or_default() += n;
        }
    }
}

/// Replaces all reads but the one at the entry, where the pointer is that plus a constant everywhere; how many.
fn single(f: &mut Function, g: GlobalId) -> u64 {
    let is = |f: &Function, i: Inst, op: Op| f.insts[i].op == op && f.insts[i].imm == Imm::Global(g);
    let reads =
        f.layout.iter().flat_map(|&b| &f.blocks[b].insts).filter(|&&i| is(f, i, Op::GlobalGet)).count();
    let first = read_at_entry(f, g);
    // What a callee that throws has lowered stays low: a handler may find the pointer anywhere.
    if f.layout.iter().any(|&b| matches!(f.term(b), Terminator::Invoke { .. })) {
        return 0;
    }
    if reads == usize::from(first.is_some()) {
        return 0;
    }
    let entry = match first {
        Some(i) => f.results(i)[0],
        None => insert(f, f.entry, 0, Op::GlobalGet, Imm::Global(g), &[], Type::I32),
    };
    let cfg = Cfg::compute(f);
    // How far from its first value the pointer is at the start of each block.
    let mut at_start: SecondaryMap<Block, Option<u32>> = SecondaryMap::new();
    at_start[f.entry] = Some(0);
    let mut found: SecondaryMap<Value, Option<u32>> = SecondaryMap::new();
    found[entry] = Some(0);
    let mut ends: Vec<(Block, u32)> = Vec::new();
    let mut gone: Vec<(Block, Inst, u32)> = Vec::new();
    for &b in cfg.rpo() {
        let Some(mut distance) = at_start[b] else { return 0 };
        for &i in &f.blocks[b].insts {
            if is(f, i, Op::GlobalSet) {
                let Some(d) = distance_of(f, f.args(i)[0], &found) else { return 0 };
                distance = d;
            } else if is(f, i, Op::GlobalGet) && f.results(i)[0] != entry {
                gone.push((b, i, distance));
                found[f.results(i)[0]] = Some(distance);
            }
        }
        ends.push((b, distance));
        for &s in cfg.succs(b) {
            at_start[s].get_or_insert(distance);
        }
    }
    if ends.iter().any(|&(b, end)| cfg.succs(b).iter().any(|&s| at_start[s] != Some(end))) {
        return 0;
    }
    let mut replaced = Replaced::new();
    for &(b, i, distance) in &gone {
        let value = if distance == 0 {
            entry
        } else {
            let at = position(f, b, i);
            let c = insert_i32(f, b, at, distance);
            insert(f, b, at + 1, Op::I32Add, Imm::None, &[entry, c], Type::I32)
        };
        replaced[f.results(i)[0]] = Some(value).into();
    }
    let insts: Vec<Inst> = gone.iter().map(|&(_, i, _)| i).collect();
    remove(f, &insts);
    substitute(f, &mut replaced);
    insts.len() as u64
}

/// The read of a stack pointer in the entry block before anything may have written it.
fn read_at_entry(f: &Function, g: GlobalId) -> Option<Inst> {
    let insts = f.blocks[f.entry].insts.iter().copied();
    let mut untouched = insts.take_while(|&i| {
        let writes = f.insts[i].op == Op::GlobalSet && f.insts[i].imm == Imm::Global(g);
        !f.insts[i].op.is_call() && !writes
    });
    untouched.find(|&i| f.insts[i].op == Op::GlobalGet && f.insts[i].imm == Imm::Global(g))
}

/// How far from the first value of the pointer a value is, if that is constant.
fn distance_of(f: &Function, value: Value, found: &SecondaryMap<Value, Option<u32>>) -> Option<u32> {
    let (mut at, mut offset) = (value, 0u32);
    loop {
        if let Some(d) = found[at] {
            return Some(offset.wrapping_add(d));
        }
        let inst = f.def_inst(at)?;
        match (f.insts[inst].op, f.args(inst)) {
            (Op::I32Add, &[a, b]) => match (constant(f, a), constant(f, b)) {
                (_, Some(c)) => (at, offset) = (a, offset.wrapping_add(c)),
                (Some(c), None) => (at, offset) = (b, offset.wrapping_add(c)),
                _ => return None,
            },
            (Op::I32Sub, &[a, b]) => (at, offset) = (a, offset.wrapping_sub(constant(f, b)?)),
            _ => return None,
        }
    }
}

/// Removes the writes of stack pointers that nothing else looks at.
pub fn remove_idle_stack_pointers(f: &mut Function, cx: &Context<'_>, counts: &mut Counts) {
    for g in stack_pointers(f, cx) {
        let mask = global_mask(g);
        let own = |i: Inst| {
            matches!(f.insts[i].op, Op::GlobalGet | Op::GlobalSet) && f.insts[i].imm == Imm::Global(g)
        };
        let touches = |reads: u128, writes: u128| (reads | writes) & mask != 0;
        let seen = f.layout.iter().any(|&b| {
            let insts = f.blocks[b].insts.iter();
            let by_inst = insts.filter(|&&i| f.insts[i].op.is_call()).any(|&i| {
                let e = cx.summaries.inst(f, i);
                touches(e.reads, e.writes) || e.can_throw()
            });
            let term = cx.summaries.term(f, b);
            let leaves = matches!(
                f.term(b),
                Terminator::TailCall { .. }
                    | Terminator::Invoke { .. }
                    | Terminator::Throw { .. }
                    | Terminator::ThrowRef { .. }
            );
            by_inst || leaves || touches(term.reads, term.writes)
        });
        // All reads but the one at the entry have to be gone, or a write that goes would be missed.
        let reads: Vec<Inst> = f
            .layout
            .iter()
            .flat_map(|&b| f.blocks[b].insts.iter().copied())
            .filter(|&i| own(i) && f.insts[i].op == Op::GlobalGet)
            .collect();
        let single = match reads[..] {
            [] => true,
            [one] => read_at_entry(f, g) == Some(one),
            _ => false,
        };
        if seen || !single {
            continue;
        }
        let writes: Vec<Inst> = f
            .layout
            .iter()
            .flat_map(|&b| f.blocks[b].insts.iter().copied())
            .filter(|&i| own(i) && f.insts[i].op == Op::GlobalSet)
            .collect();
        if !writes.is_empty() {
            *counts.entry("stack-pointer-writes").or_default() += writes.len() as u64;
            remove(f, &writes);
        }
    }
}
