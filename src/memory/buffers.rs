//! Buffers seen through: who reads a copy reads the original, and the allocation, the copy and the release go.
//!
//! A string or list that crosses a boundary is copied into a buffer that the other side's allocator gives, read there, and given
//! back. Where reader and writer stand in one graph, the reader can read what was copied.
//!
//! **Licence** (assumption `canonical-abi`). The buffer is fresh memory, and accesses derived from it stay inside of it.
//! - It is filled by one `memory.copy` of as many bytes as it has, to its start, before every read.
//! - It is only read, compared, and given back: no store into it, and its address is not stored, passed or returned.
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

use super::edit::{Replaced, Variable, insert_i32, position, remove, same, split};
use super::objects::{
    Access, ObjectKind, Objects, Relation, Set, allocates, constant, frees, is_comparison, other_effects,
};
use super::traps::trap_out_of_bounds;
use super::{Context, Role};
use crate::analysis::{Cfg, DomTree};
use crate::ir::cleanup::substitute;
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;
use hashbrown::HashMap;

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

/// Everything that is done with a buffer.
#[derive(Default)]
struct Uses {
    fill: Option<(Block, Inst)>,
    reads: Vec<(Block, Inst)>,
    given_back: Vec<(Block, Inst)>,
    /// Comparisons with null, and what they give.
    tests: Vec<(Inst, u32)>,
    /// Branches on the address itself.
    branches: Vec<Block>,
}

/// Sees through the buffer that one call gives; as what that counts.
pub(super) fn one(
    f: &mut Function,
    block: Block,
    call: Inst,
    cx: &Context<'_>,
) -> Result<&'static str, Declined> {
    let cfg = Cfg::compute(f);
    let objects = Objects::compute(f, &cfg, cx.knowledge);
    let buffer = f.result(call).ok_or(Declined::Escapes)?;
    let set = objects.derived(buffer);
    let object = objects.only(set).filter(|o| o.kind == ObjectKind::Buffer(call)).ok_or(Declined::Escapes)?;
    if objects.escaped & set != 0 {
        return Err(Declined::Escapes);
    }
    let memory = object.memory;
    let uses = uses(f, &cfg, &objects, set, memory, cx)?;
    let Some((fill_block, fill)) = uses.fill else {
        if !uses.reads.is_empty() {
            return Err(Declined::Fill);
        }
        let constants = settle_branches(f, (block, call), &uses);
        erase(f, call, &uses, constants, None, Vec::new());
        return Ok("unused-buffers");
    };
    let (dst, from, length) = (f.args(fill)[0], f.args(fill)[1], f.args(fill)[2]);
    let Imm::MemCopy { src, .. } = f.insts[fill].imm else { return Err(Declined::Fill) };
    let (_, size) = allocates(f, call, cx.knowledge).ok_or(Declined::Fill)?;
    let dom = DomTree::compute(f, &cfg);
    let before = |(a, i): (Block, Inst), (b, j): (Block, Inst)| {
        if a == b { position(f, a, i) < position(f, b, j) } else { dom.dominates(a, b) }
    };
    let from_is_known = match f.values[from].def {
        ValueDef::Param(b, _) => dom.dominates(b, block),
        ValueDef::Result(i, _) => block_of(f, i).is_some_and(|b| before((b, i), (block, call))),
    };
    let plain = cx.info.memory64(src) == Some(false) && !cx.info.is_shared(src);
    if !plain
        || !objects.is_start(f, dst)
        || !same(f, size, length, 8)
        || !from_is_known
        || !before((block, call), (fill_block, fill))
        || uses.reads.iter().any(|&read| !before((fill_block, fill), read))
        || objects.derived(from) & set != 0
    {
        return Err(Declined::Fill);
    }
    let source = objects.read(f, fill).ok_or(Declined::Fill)?;
    let walk = Walk { f, cfg: &cfg, objects: &objects, cx, fill, source: &source, from };
    let late = walk.late_releases(&uses).ok_or(Declined::Source)?;
    let single = |&(_, i): &(Block, Inst)| f.args(i).len() == 1;
    let after_fill = |&site: &(Block, Inst)| before((fill_block, fill), site);
    let can_be_later = late.iter().all(single)
        && uses.given_back.iter().all(after_fill)
        && late.iter().all(|&site| walk.is_followed(site, &uses.given_back));
    if !late.is_empty() && !can_be_later {
        return Err(Declined::Source);
    }
    let is_tracked = objects.object(&source).is_some();
    for &(_, read) in &uses.reads {
        read_instead(f, read, memory, src);
    }
    let constants = settle_branches(f, (block, call), &uses);
    release_later(f, &cfg, (fill_block, fill), from, &late, &uses.given_back);
    if !is_tracked {
        let fill_block = block_of(f, fill).expect("still there");
        let at = position(f, fill_block, fill);
        trap_out_of_bounds(f, (fill_block, at), src, from, length, cx.info);
    }
    let mut gone: Vec<Inst> = late.iter().map(|&(_, i)| i).collect();
    gone.push(fill);
    erase(f, call, &uses, constants, Some(from), gone);
    Ok("erased-buffers")
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

/// Collects what is done with pointers of exactly this object.
fn uses(
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
                Kind::Call => {
                    let start = frees(f, i, cx.knowledge).is_some_and(|(_, p)| objects.is_start(f, p));
                    if !start {
                        return Err(Declined::Address);
                    }
                    uses.given_back.push((b, i));
                }
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
    fn late_releases(&self, uses: &Uses) -> Option<Vec<(Block, Inst)>> {
        let f = self.f;
        let mut late = Vec::new();
        let mut seen: SecondaryMap<Block, bool> = SecondaryMap::new();
        let mut todo: Vec<(Block, usize)> = uses.reads.iter().map(|&(b, i)| (b, position(f, b, i))).collect();
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

/// Lets a load or a copy read the other memory.
pub(super) fn read_instead(f: &mut Function, read: Inst, buffer: MemoryId, source: MemoryId) {
    match &mut f.insts[read].imm {
        Imm::Mem(m) | Imm::MemLane(m, _) if m.memory == buffer => m.memory = source,
        Imm::MemCopy { src, .. } if *src == buffer => *src = source,
        _ => {}
    }
}

/// Branches on the address itself are taken: it is not null. Gives the constants 0 and 1, made before the allocation.
fn settle_branches(f: &mut Function, (block, call): (Block, Inst), uses: &Uses) -> [Value; 2] {
    let at = position(f, block, call);
    let constants = [insert_i32(f, block, at, 0), insert_i32(f, block, at, 1)];
    for &b in &uses.branches {
        if let Some(Terminator::Branch { cond, .. }) = &mut f.blocks[b].term {
            *cond = constants[1];
        }
    }
    constants
}

/// Takes out the allocation, the tests of its result and the release; other uses get what was copied.
fn erase(
    f: &mut Function,
    call: Inst,
    uses: &Uses,
    constants: [Value; 2],
    from: Option<Value>,
    mut gone: Vec<Inst>,
) {
    let mut replaced = Replaced::new();
    for &(test, answer) in &uses.tests {
        replaced[f.results(test)[0]] = Some(constants[answer as usize]).into();
    }
    // Nothing but what is taken out uses the address of a buffer that was never filled, or what is computed from it.
    replaced[f.results(call)[0]] = Some(from.unwrap_or(constants[1])).into();
    gone.push(call);
    gone.extend(uses.given_back.iter().map(|&(_, i)| i));
    gone.extend(uses.tests.iter().map(|&(i, _)| i));
    remove(f, &gone);
    substitute(f, &mut replaced);
}
