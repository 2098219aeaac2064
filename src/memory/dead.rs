//! Stores, fills and copies into frames and buffers that nobody reads.
//!
//! **Licence.** No pointer into the object has escaped, so only accesses of the graph that are derived from it can read it. On every
//! way from the store the bytes are written again, or the function ends, before such an access may read one of them. A place in
//! a frame lies below the stack pointer as the function found it: what is there is dead when it returns (assumption
//! `shadow-stack`); a buffer that has not escaped cannot be reached then. Accesses derived from an object stay inside of it, so
//! the store does not trap; the source of a copy is still read at its end, where it may lie out of bounds.
//!
//! Stores into return areas that nothing in the program reads go as well ([`crate::fused::areas`]).
//!
//! **Declines.** The object has escaped; a read that may be of the same bytes; a copy of unknown length from an unknown source.

use super::edit::{position, remove};
use super::objects::{Access, ObjectKind, Objects, Relation, Root, constant};
use super::traps::probe;
use super::{Context, Counts, MAX_STEPS};
use crate::analysis::Cfg;
use crate::ir::entity::{Block, Inst};
use crate::ir::function::{Function, ValueDef};
use crate::ir::ops::{Imm, Kind, Op};
use cranelift_entity::SecondaryMap;

/// What stores into return areas count as.
pub const AREA_STORES: &str = "return-area-stores";

/// Removes the stores of a graph that are dead.
pub fn remove_dead_stores(f: &mut Function, cx: &Context<'_>, work: &mut usize, counts: &mut Counts) {
    let cfg = Cfg::compute(f);
    let objects = Objects::compute(f, &cfg, cx.knowledge);
    let (mut dead, mut in_areas) = (Vec::new(), 0);
    for &b in cfg.rpo() {
        for (at, &i) in f.blocks[b].insts.iter().enumerate() {
            let Some(access) = objects.written(f, i) else { continue };
            if objects
                .exact(&access)
                .zip(access.width)
                .is_some_and(|(start, width)| cx.knowledge.is_unread(access.memory, start, width))
                && can_go(f, i, &objects)
            {
                dead.push((b, i));
                in_areas += 1;
                continue;
            }
            if !objects.list.is_empty()
                && cx.info.memory64(access.memory) == Some(false)
                && is_dead(f, &cfg, &objects, (b, at), &access, work)
                && can_go(f, i, &objects)
            {
                dead.push((b, i));
            }
        }
    }
    let mut gone = Vec::with_capacity(dead.len());
    for (b, i) in dead {
        keep_trap_of_source(f, b, i, &objects);
        gone.push(i);
    }
    for (name, n) in [(AREA_STORES, in_areas), ("dead-stores", gone.len() - in_areas)] {
        if n > 0 {
            *counts.entry(name).or_default() += n as u64;
        }
    }
    remove(f, &gone);
}

/// Whether no way from a write leads to a read of what it wrote.
fn is_dead(
    f: &Function,
    cfg: &Cfg,
    objects: &Objects<'_>,
    (block, at): (Block, usize),
    access: &Access,
    work: &mut usize,
) -> bool {
    let Some(object) = objects.object(access) else { return false };
    if objects.escaped & access.derived != 0 {
        return false;
    }
    // In the frame of a caller, or of which nothing is known but the object: only if nothing of the object is read at all.
    let exact = access.width.is_some()
        && match (object.kind, access.place.root) {
            (ObjectKind::Frame(_), Root::Value(v)) => {
                let below = access.place.offset as i32;
                let end = i64::from(below) + i64::from(access.width.unwrap_or(0));
                below < 0
                    && end <= 0
                    && matches!(f.values[v].def, ValueDef::Result(i, _) if f.insts[i].op == Op::GlobalGet)
            }
            (ObjectKind::Buffer(_), _) => true,
            _ => false,
        };
    if matches!(object.kind, ObjectKind::Frame(_)) && !exact {
        return false;
    }
    let root = match access.place.root {
        Root::Value(v) => Some(f.values[v].def),
        Root::Zero => None,
    };
    let mut left = MAX_STEPS.min(*work);
    let budget = left;
    // The bytes that have not been written again, one bit for each; of more than 64 only all at once.
    let all = match access.width {
        Some(n @ 1..=64) => u64::MAX >> (64 - n),
        _ => 1,
    };
    let mut seen: SecondaryMap<Block, u64> = SecondaryMap::new();
    let mut todo = vec![(block, at + 1, all)];
    let mut dead = true;
    'ways: while let Some((b, from, mut open)) = todo.pop() {
        for &i in &f.blocks[b].insts[from..] {
            if left == 0 {
                dead = false;
                break 'ways;
            }
            left -= 1;
            // Behind its definition the root is another address: only the object tells then.
            let moved = matches!(root, Some(ValueDef::Result(d, _)) if d == i);
            let reads = objects.read(f, i).is_some_and(|read| match objects.relation(access, &read) {
                Relation::Disjoint => false,
                _ => common(access, &read).is_none_or(|bytes| bytes & open != 0),
            });
            if moved || reads {
                dead = false;
                break 'ways;
            }
            // A fill or a copy writes all of its bytes, or traps and ends the function.
            if let Some(write) = objects.written(f, i)
                && objects.relation(access, &write) != Relation::Disjoint
            {
                open &= !common(access, &write).unwrap_or(0);
                if open == 0 {
                    continue 'ways;
                }
            }
        }
        left = left.saturating_sub(1);
        for &s in cfg.succs(b) {
            let moved = matches!(root, Some(ValueDef::Param(d, _)) if d == s);
            if moved {
                dead = false;
                break 'ways;
            }
            if open & !seen[s] != 0 {
                seen[s] |= open;
                todo.push((s, 0, open));
            }
        }
    }
    *work -= budget - left;
    dead
}

/// The bytes of a place that another access has, one bit for each; `None` where that is not known or they are too many.
fn common(access: &Access, other: &Access) -> Option<u64> {
    if access.memory != other.memory || access.place.root != other.place.root {
        return None;
    }
    let (wide, width) = (access.width.filter(|n| *n <= 64)?, other.width?);
    let is_in = |k: u32| access.place.plus(k).offset.wrapping_sub(other.place.offset) < width;
    Some((0..wide).filter(|&k| is_in(k)).fold(0, |bytes, k| bytes | 1 << k))
}

/// Whether an instruction can be taken out: what is left to do for its traps is known.
fn can_go(f: &Function, inst: Inst, objects: &Objects<'_>) -> bool {
    match f.insts[inst].op.kind() {
        Kind::Store | Kind::MemoryFill => true,
        Kind::MemoryCopy => {
            let Some(source) = objects.read(f, inst) else { return false };
            objects.object(&source).is_some() || constant(f, f.args(inst)[2]).is_some_and(|n| n > 0)
        }
        _ => false,
    }
}

/// A copy also reads: where its source may be out of bounds, one byte at the end of it is still read.
fn keep_trap_of_source(f: &mut Function, block: Block, copy: Inst, objects: &Objects<'_>) {
    let Imm::MemCopy { src, .. } = f.insts[copy].imm else { return };
    if objects.read(f, copy).is_some_and(|source| objects.object(&source).is_some()) {
        return;
    }
    let from = f.args(copy)[1];
    if let Some(last) = constant(f, f.args(copy)[2]).and_then(|n| n.checked_sub(1)) {
        let at = position(f, block, copy);
        probe(f, block, at, src, from, last);
    }
}
