//! Buffers seen through: who reads a copy reads the original, and the allocation, the copy and the release go.
//!
//! A string or list that crosses a boundary is copied into a buffer that the other side's allocator gives, read there, and given
//! back. Where reader and writer stand in one graph, the reader can read what was copied.
//!
//! **Licence** (assumption `canonical-abi`). The buffer is fresh memory, and accesses derived from it stay inside of it.
//! - It is filled by one `memory.copy` of as many bytes as it has, to its start, before every read.
//! - It is only read, compared, and given back: no store into it, and its address is not stored or returned, nor passed but to what
//!   [`super::readers`] has for it.
//! - Its address is used in ways that do not depend on where it lies: added to, compared with another address in it or with
//!   null, subtracted from another address in it.
//! - Between the copy and each read nothing may write the bytes that were copied. An allocation does not, and giving back
//!   something else does not.
//! - Where the source is given back in between (what a callee returned is, before the caller has read it), that waits until the
//!   buffer is, which has to be so on every way.
//! - Nothing is called in between that writes the memory of a source in a frame: its function may have returned.
//!
//! The copy traps where its source is out of bounds, and so does what stands in its place.
//!
//! A buffer that is neither read nor written any more goes with its release.

use super::buffer_uses::{Passed, Uses, erase, read_instead, settle_branches, uses};
use super::edit::{Variable, insert_i32, position, same, split};
use super::objects::{Access, ObjectKind, Objects, Relation, allocates, frees, other_effects};
use super::readers::{Move, Readers};
use super::traps::trap_out_of_bounds;
use super::{Context, Role};
use crate::analysis::{Cfg, DomTree};
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;
use hashbrown::HashMap;
use std::cmp::Ordering;

/// Instructions that are moved before an allocation at most, for the address of what is copied to be known there.
const MAX_MOVED: usize = 16;

/// Why a buffer stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// Its address gets out of sight.
    Escapes,
    /// Something is stored into it, or it is filled in parts.
    Written,
    /// What is done with its address depends on where it lies.
    Address,
    /// It is read before it is filled, or not filled by a copy of its size.
    Fill,
    /// What was copied may be written before it is read.
    Source,
}

/// How a buffer goes.
enum Way {
    /// It is neither read nor written.
    Unused,
    /// Who reads it reads what was copied.
    ReadThrough(Filled),
}

/// A buffer that can be seen through.
struct Filled {
    fill: (Block, Inst),
    /// The memory that is read instead, the address there, and how many bytes.
    src: MemoryId,
    from: Value,
    length: Value,
    /// Calls that give the source back before the last read.
    late: Vec<(Block, Inst)>,
    /// Whether the source is surely in bounds.
    is_tracked: bool,
    /// What computes the address there behind the allocation, in order.
    behind: Vec<(Block, Inst)>,
}

/// What is known of a buffer that can go.
struct Plan {
    cfg: Cfg,
    buffer: Value,
    memory: MemoryId,
    uses: Uses,
    way: Way,
}

/// Sees through the buffer that one call gives; as what that counts.
pub(super) fn one(
    f: &mut Function,
    block: Block,
    call: Inst,
    cx: &Context<'_>,
) -> Result<&'static str, Declined> {
    let Plan { cfg, buffer, memory, uses, way } = plan(f, block, call, cx)?;
    let Way::ReadThrough(Filled { fill, src, from, length, late, is_tracked, behind }) = way else {
        let at = position(f, block, call);
        let constants = settle_branches(f, (block, at), &uses);
        // Nothing but what is taken out uses the address, or what is computed from it.
        erase(f, &uses, constants, Some((buffer, constants[1])), vec![call]);
        return Ok("unused-buffers");
    };
    let reads = |r: &Readers| r.call_instead(f, &uses.passed, memory, src);
    if !uses.passed.is_empty() && !cx.readers.is_some_and(reads) {
        return Err(Declined::Escapes);
    }
    for &(_, read) in &uses.reads {
        read_instead(f, read, memory, src);
    }
    move_before(f, &behind, (block, call));
    let at = position(f, block, call);
    let constants = settle_branches(f, (block, at), &uses);
    release_later(f, &cfg, fill, from, &late, &uses.given_back);
    if !is_tracked {
        let fill_block = block_of(f, fill.1).expect("still there");
        let at = position(f, fill_block, fill.1);
        trap_out_of_bounds(f, (fill_block, at), src, from, length, cx.info);
    }
    let mut gone: Vec<Inst> = late.iter().map(|&(_, i)| i).collect();
    gone.extend([fill.1, call]);
    erase(f, &uses, constants, Some((buffer, from)), gone);
    Ok("erased-buffers")
}

/// The calls which alone keep the buffer that one call gives: their callees would have to read the memory that it was copied from.
pub(super) fn passed(f: &Function, block: Block, call: Inst, cx: &Context<'_>) -> Vec<(Passed, Move)> {
    let Ok(Plan { memory, uses, way: Way::ReadThrough(filled), .. }) = plan(f, block, call, cx) else {
        return Vec::new();
    };
    let moved = |p: Passed| (p, Move { param: p.param, from: memory, to: filled.src });
    uses.passed.into_iter().map(moved).collect()
}

/// How the buffer that one call gives can go, if who it is passed to lets it.
fn plan(f: &Function, block: Block, call: Inst, cx: &Context<'_>) -> Result<Plan, Declined> {
    let cfg = Cfg::compute(f);
    let objects = Objects::compute(f, &cfg, cx.knowledge);
    let buffer = f.result(call).ok_or(Declined::Escapes)?;
    let set = objects.derived(buffer);
    let object = objects.only(set).filter(|o| o.kind == ObjectKind::Buffer(call)).ok_or(Declined::Escapes)?;
    if objects.kept & set != 0 {
        return Err(Declined::Escapes);
    }
    let memory = object.memory;
    let uses = uses(f, &cfg, &objects, set, memory, cx)?;
    let Some(fill) = uses.fill else {
        if !uses.reads.is_empty() || !uses.passed.is_empty() {
            return Err(Declined::Fill);
        }
        return Ok(Plan { cfg, buffer, memory, uses, way: Way::Unused });
    };
    let (dst, from, length) = (f.args(fill.1)[0], f.args(fill.1)[1], f.args(fill.1)[2]);
    let Imm::MemCopy { src, .. } = f.insts[fill.1].imm else { return Err(Declined::Fill) };
    let (_, size) = allocates(f, call, cx.knowledge).ok_or(Declined::Fill)?;
    let dom = DomTree::compute(f, &cfg);
    let before = |(a, i): (Block, Inst), (b, j): (Block, Inst)| {
        if a == b { position(f, a, i) < position(f, b, j) } else { dom.dominates(a, b) }
    };
    let known = |v: Value| match f.values[v].def {
        ValueDef::Param(b, _) => dom.dominates(b, block),
        ValueDef::Result(i, _) => block_of(f, i).is_some_and(|b| before((b, i), (block, call))),
    };
    let behind = computed_behind(f, from, known, |a, b| before(*a, *b)).ok_or(Declined::Fill)?;
    let plain = cx.info.memory64(src) == Some(false) && !cx.info.is_shared(src);
    let all_reads = || uses.reads.iter().copied().chain(uses.passed.iter().map(|p| (p.block, p.call)));
    if !plain
        || !objects.is_start(f, dst)
        || !same(f, size, length, 8)
        || !before((block, call), fill)
        || all_reads().any(|read| !before(fill, read))
        || objects.derived(from) & set != 0
    {
        return Err(Declined::Fill);
    }
    let source = objects.read(f, fill.1).ok_or(Declined::Fill)?;
    // What is written before the callee has read is not what it was to read.
    if uses.passed.iter().any(|p| cx.summaries.inst(f, p.call).writes_data(src)) {
        return Err(Declined::Source);
    }
    let walk = Walk { f, cfg: &cfg, objects: &objects, cx, fill: fill.1, source: &source, from };
    let late = walk.late_releases(all_reads()).ok_or(Declined::Source)?;
    let single = |&(_, i): &(Block, Inst)| f.args(i).len() == 1;
    let after_fill = |&site: &(Block, Inst)| before(fill, site);
    let can_be_later = late.iter().all(single)
        && uses.given_back.iter().all(after_fill)
        && late.iter().all(|&site| walk.is_followed(site, &uses.given_back));
    if !late.is_empty() && !can_be_later {
        return Err(Declined::Source);
    }
    let is_tracked = objects.object(&source).is_some();
    let way = Way::ReadThrough(Filled { fill, src, from, length, late, is_tracked, behind });
    Ok(Plan { cfg, buffer, memory, uses, way })
}

/// The instructions that compute a value where it is not `known`, in their order: without effects, at most [`MAX_MOVED`] of them.
fn computed_behind(
    f: &Function,
    value: Value,
    known: impl Fn(Value) -> bool,
    before: impl Fn(&(Block, Inst), &(Block, Inst)) -> bool,
) -> Option<Vec<(Block, Inst)>> {
    let mut list: Vec<(Block, Inst)> = Vec::new();
    let mut todo = vec![value];
    while let Some(v) = todo.pop() {
        if known(v) {
            continue;
        }
        let inst = f.def_inst(v).filter(|&i| f.insts[i].op.is_pure() && list.len() < MAX_MOVED)?;
        if list.iter().all(|&(_, i)| i != inst) {
            list.push((block_of(f, inst)?, inst));
            todo.extend_from_slice(f.args(inst));
        }
    }
    list.sort_by(|a, b| if before(a, b) { Ordering::Less } else { Ordering::Greater });
    Some(list)
}

/// Moves instructions before another one.
fn move_before(f: &mut Function, list: &[(Block, Inst)], (block, inst): (Block, Inst)) {
    for &(b, i) in list {
        f.blocks[b].insts.retain(|&x| x != i);
        let at = position(f, block, inst);
        f.blocks[block].insts.insert(at, i);
    }
}

/// The block that an instruction is in.
pub(super) fn block_of(f: &Function, inst: Inst) -> Option<Block> {
    f.layout.iter().copied().find(|&b| f.blocks[b].insts.contains(&inst))
}

/// Gives the source back where the buffer was given back, on the ways on which it was given back before.
fn release_later(
    f: &mut Function,
    cfg: &Cfg,
    (fill_block, fill): (Block, Inst),
    from: Value,
    late: &[(Block, Inst)],
    sites: &[(Block, Inst)],
) {
    let Some(&(_, first)) = late.first() else { return };
    let imm = f.insts[first].imm;
    // A variable that is null behind the copy and the pointer behind a release.
    let at = position(f, fill_block, fill);
    let null = insert_i32(f, fill_block, at, 0);
    let last_in = |f: &Function, b: Block, end: usize| {
        let insts = f.blocks[b].insts[..end].iter().rev();
        insts.copied().find_map(|i| match i {
            _ if i == fill => Some(null),
            _ if late.iter().any(|&(_, x)| x == i) => Some(from),
            _ => None,
        })
    };
    let mut ends: HashMap<Block, Value> = HashMap::new();
    for &(b, _) in late.iter().chain([&(fill_block, fill)]) {
        let end = f.blocks[b].insts.len();
        ends.insert(b, last_in(f, b, end).expect("it is in there"));
    }
    let mut variable = Variable::new(ends, Type::I32);
    let pending: Vec<Value> = sites
        .iter()
        .map(|&(b, i)| match last_in(f, b, position(f, b, i)) {
            Some(v) => v,
            None => variable.at_start(f, cfg, b),
        })
        .collect();
    for (&(_, site), pending) in sites.iter().zip(pending) {
        if pending == null {
            continue;
        }
        let block = block_of(f, site).expect("still there");
        let at = position(f, block, site);
        if pending == from {
            let call = f.make_inst(Op::Call, imm, &[from], &[]);
            f.blocks[block].insts.insert(at, call);
            continue;
        }
        let rest = split(f, block, at);
        let release = f.add_block();
        f.append(release, Op::Call, imm, &[pending], &[]);
        let (to_rest, again) = (f.edge(rest, &[]), f.edge(rest, &[]));
        f.blocks[release].term = Some(Terminator::Jump(again));
        let then = f.edge(release, &[]);
        f.blocks[block].term = Some(Terminator::Branch { cond: pending, then, els: to_rest });
    }
}

/// The ways from a copy to the reads of its buffer.
struct Walk<'a> {
    f: &'a Function,
    cfg: &'a Cfg,
    objects: &'a Objects<'a>,
    cx: &'a Context<'a>,
    fill: Inst,
    source: &'a Access,
    from: Value,
}

impl Walk<'_> {
    /// Walks back from all reads to the copy. `None`: something on the way may write what was copied; else the calls that
    /// give the source back.
    fn late_releases(&self, reads: impl Iterator<Item = (Block, Inst)>) -> Option<Vec<(Block, Inst)>> {
        let f = self.f;
        let mut late = Vec::new();
        let mut seen: SecondaryMap<Block, bool> = SecondaryMap::new();
        let mut todo: Vec<(Block, usize)> = reads.map(|(b, i)| (b, position(f, b, i))).collect();
        while let Some((b, end)) = todo.pop() {
            let mut met = false;
            for &i in f.blocks[b].insts[..end].iter().rev() {
                if i == self.fill {
                    met = true;
                    break;
                }
                if self.releases_source(i) {
                    if !late.contains(&(b, i)) {
                        late.push((b, i));
                    }
                } else if self.may_write(i) {
                    return None;
                }
            }
            if met {
                continue;
            }
            for &p in self.cfg.preds(b) {
                if self.cx.summaries.term(f, p).writes_data(self.source.memory) {
                    return None;
                }
                if !std::mem::replace(&mut seen[p], true) {
                    todo.push((p, f.blocks[p].insts.len()));
                }
            }
        }
        Some(late)
    }

    /// Whether the buffer is given back on every way behind a release of the source, before the next copy.
    fn is_followed(&self, (block, release): (Block, Inst), sites: &[(Block, Inst)]) -> bool {
        let f = self.f;
        let mut seen: SecondaryMap<Block, bool> = SecondaryMap::new();
        let mut todo = vec![(block, position(f, block, release) + 1)];
        while let Some((b, from)) = todo.pop() {
            let end = f.blocks[b].insts[from..]
                .iter()
                .find(|&&i| i == self.fill || sites.iter().any(|&(_, site)| site == i));
            match end {
                Some(&i) if i == self.fill => return false,
                Some(_) => continue,
                None => {}
            }
            let succs = self.cfg.succs(b);
            if succs.is_empty() && !matches!(f.term(b), Terminator::Unreachable) {
                return false;
            }
            for &s in succs {
                if !std::mem::replace(&mut seen[s], true) {
                    todo.push((s, 0));
                }
            }
        }
        true
    }

    fn releases_source(&self, inst: Inst) -> bool {
        frees(self.f, inst, self.cx.knowledge).is_some_and(|(memory, pointer)| {
            memory == self.source.memory && self.objects.place(pointer) == self.objects.place(self.from)
        })
    }

    fn may_write(&self, inst: Inst) -> bool {
        let (f, objects, cx) = (self.f, self.objects, self.cx);
        let op = f.insts[inst].op;
        if op.is_pure() || matches!(op.kind(), Kind::Load | Kind::Trap | Kind::MemoryGrow | Kind::MemorySize)
        {
            return false;
        }
        if op.is_call() {
            // The callee that a frame belongs to may have returned: the next call has its own frame there.
            let in_frame =
                objects.object(self.source).is_some_and(|o| matches!(o.kind, ObjectKind::Frame(_)));
            if in_frame && cx.summaries.inst(f, inst).writes_data(self.source.memory) {
                return true;
            }
            // An allocation leaves alone what is in use, and so does giving back what is another object.
            let role = match f.insts[inst].imm {
                Imm::Func(func) => cx.knowledge.role(func),
                _ => None,
            };
            return match role {
                Some(Role::Realloc(_)) if allocates(f, inst, cx.knowledge).is_some() => false,
                Some(Role::Free(memory)) if memory == self.source.memory => {
                    let other = frees(f, inst, cx.knowledge).map_or(0, |(_, p)| objects.derived(p));
                    objects.only(other).is_none() || other & self.source.derived != 0
                }
                _ => objects.touched_by_call(f, inst, self.source, false, cx.summaries),
            };
        }
        match objects.written(f, inst) {
            Some(write) => objects.relation(self.source, &write) != Relation::Disjoint,
            None => other_effects(f, inst, self.source.memory, cx.summaries),
        }
    }
}
