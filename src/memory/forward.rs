//! Loads replaced by what was stored: through branches, loops and copies.
//!
//! From each load the ways back are walked to the stores that it may read. A store of another place is passed, a copy over the
//! place leads on to where it copied from, and where several ways meet the value becomes a parameter of the block. Where
//! one way ends in anything else, the load stays.
//!
//! **Licence.** Every way from the entry to the load passes a store of all its bytes, with nothing behind it that may write one
//! of them. The store was in bounds, so the load was: it goes without its trap. Where the load has an offset and is of no
//! object, the store has the same address: a sum that wraps around is in bounds where the load is not. What may write is decided by [`super::objects`].
//!
//! **Declines.** The entry is reached, or the definition of what the address is computed from; a store that overlaps in part or
//! may; calls that may write the memory; `memory.init`; atomics; memories that are shared or have 64-bit addresses; more than
//! [`super::MAX_STEPS`] steps.

use super::edit::{Replaced, insert, position, remove};
use super::objects::{Access, Objects, Place, Relation, Root, other_effects};
use super::{Context, Counts, MAX_STEPS};
use crate::analysis::Cfg;
use crate::interp::{Const, Outcome, eval};
use crate::ir::cleanup::substitute;
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::{Function, ValueDef};
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::types::Type;
use hashbrown::HashMap;

/// Replaces the loads of a graph that it can.
pub fn forward_loads(f: &mut Function, cx: &Context<'_>, work: &mut usize, counts: &mut Counts) {
    let cfg = Cfg::compute(f);
    let objects = Objects::compute(f, &cfg, cx.knowledge);
    let mut loads = Vec::new();
    for &b in cfg.rpo() {
        for &i in &f.blocks[b].insts {
            let Some(memory) = f.insts[i].imm.memarg().map(|m| m.memory) else { continue };
            let plain = cx.info.memory64(memory) == Some(false) && !cx.info.is_shared(memory);
            if f.insts[i].op.kind() == Kind::Load && plain && is_scalar(f.insts[i].op) {
                loads.push((b, i));
            }
        }
    }
    let mut replaced = Replaced::new();
    let mut gone = Vec::new();
    for (b, load) in loads {
        let (found, ends, at_start) = Default::default();
        let mut search = Search { f, cfg: &cfg, objects: &objects, cx, load, found, ends, at_start };
        if !search.run(b, work) {
            continue;
        }
        let found = search.found;
        let value = materialize(f, load, &found);
        replaced[f.results(load)[0]] = Some(value).into();
        gone.push(load);
    }
    if gone.is_empty() {
        return;
    }
    *counts.entry("forwarded-loads").or_default() += gone.len() as u64;
    remove(f, &gone);
    substitute(f, &mut replaced);
}

/// Whether a load gives a number from as many bytes as it reads: no lanes, no splats.
fn is_scalar(op: Op) -> bool {
    loaded(op).is_some()
}

/// What a scalar load makes of its bytes: its type, and whether it extends their sign.
pub fn loaded(op: Op) -> Option<(Type, bool)> {
    use Op::*;
    Some(match op {
        I32Load | I32Load8U | I32Load16U => (Type::I32, false),
        I32Load8S | I32Load16S => (Type::I32, true),
        I64Load | I64Load8U | I64Load16U | I64Load32U => (Type::I64, false),
        I64Load8S | I64Load16S | I64Load32S => (Type::I64, true),
        F32Load => (Type::F32, false),
        F64Load => (Type::F64, false),
        _ => return None,
    })
}

/// The type of what a scalar store takes.
fn stored(op: Op) -> Option<Type> {
    use Op::*;
    Some(match op {
        I32Store | I32Store8 | I32Store16 => Type::I32,
        I64Store | I64Store8 | I64Store16 | I64Store32 => Type::I64,
        F32Store => Type::F32,
        F64Store => Type::F64,
        _ => return None,
    })
}

/// What the bytes of a place are at some point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    /// What this store wrote, from so many bytes behind its start.
    Store(Block, Inst, u32),
    /// What they are at the start of a block, by index.
    Start(usize),
}

/// A block at whose start a place is asked for.
struct Start {
    block: Block,
    /// Each predecessor with the node that asks at its end.
    from: Vec<(Block, usize)>,
}

/// A place in a memory at a block: what makes two questions the same.
type Key = (Block, MemoryId, Place);

/// What a search found: for each point that was asked for, the load's first.
#[derive(Default)]
struct Found {
    nodes: Vec<Option<Source>>,
    starts: Vec<Start>,
}

struct Search<'a> {
    f: &'a Function,
    cfg: &'a Cfg,
    objects: &'a Objects<'a>,
    cx: &'a Context<'a>,
    load: Inst,
    found: Found,
    /// Nodes by the block at whose end they ask.
    ends: HashMap<Key, usize>,
    /// Starts.
    at_start: HashMap<Key, usize>,
}

/// Where the way back through a block ended.
enum End {
    Store(Inst, u32),
    Start(Access),
    Lost,
}

impl Search<'_> {
    /// Finds all that the load may read; `false` where something is not known.
    fn run(&mut self, block: Block, work: &mut usize) -> bool {
        let Some(access) = self.objects.read(self.f, self.load) else { return false };
        let at = position(self.f, block, self.load);
        let budget = MAX_STEPS.min(*work);
        let mut left = budget;
        self.found.nodes.push(None);
        let mut todo = vec![(0, block, at, access)];
        let mut ok = true;
        while let Some((node, block, at, access)) = todo.pop() {
            let source = match self.back(block, at, access, &mut left) {
                End::Lost => None,
                End::Store(store, ahead) => Some(Source::Store(block, store, ahead)),
                End::Start(access) => self.start(block, access, &mut todo),
            };
            if source.is_none() || left == 0 {
                ok = false;
                break;
            }
            self.found.nodes[node] = source;
        }
        *work -= budget - left;
        ok
    }

    /// The start of a block; its predecessors are asked when it is new.
    fn start(
        &mut self,
        block: Block,
        access: Access,
        todo: &mut Vec<(usize, Block, usize, Access)>,
    ) -> Option<Source> {
        let key = (block, access.memory, access.place);
        if let Some(&n) = self.at_start.get(&key) {
            return Some(Source::Start(n));
        }
        let preds = self.cfg.preds(block);
        if block == self.f.entry || preds.is_empty() {
            return None;
        }
        let mut from = Vec::with_capacity(preds.len());
        for &p in preds {
            if self.cx.summaries.term(self.f, p).writes_data(access.memory) {
                return None;
            }
            let nodes = &mut self.found.nodes;
            let next = *self.ends.entry((p, access.memory, access.place)).or_insert_with(|| {
                nodes.push(None);
                todo.push((nodes.len() - 1, p, self.f.blocks[p].insts.len(), access));
                nodes.len() - 1
            });
            from.push((p, next));
        }
        self.found.starts.push(Start { block, from });
        self.at_start.insert(key, self.found.starts.len() - 1);
        Some(Source::Start(self.found.starts.len() - 1))
    }

    /// Walks back through a block from before the instruction at a position.
    fn back(&self, block: Block, mut at: usize, mut access: Access, left: &mut usize) -> End {
        let (f, objects) = (self.f, self.objects);
        loop {
            if *left == 0 {
                return End::Lost;
            }
            *left -= 1;
            let root = match access.place.root {
                Root::Value(v) => Some(f.values[v].def),
                Root::Zero => None,
            };
            if at == 0 {
                let is_param = matches!(root, Some(ValueDef::Param(b, _)) if b == block);
                return if is_param { End::Lost } else { End::Start(access) };
            }
            at -= 1;
            let inst = f.blocks[block].insts[at];
            if matches!(root, Some(ValueDef::Result(i, _)) if i == inst) {
                return End::Lost;
            }
            if f.insts[inst].op.is_pure() {
                continue;
            }
            if f.insts[inst].op.is_call() {
                if objects.touched_by_call(f, inst, &access, false, self.cx.summaries) {
                    return End::Lost;
                }
                continue;
            }
            let Some(written) = objects.written(f, inst) else {
                let reads_only = matches!(
                    f.insts[inst].op.kind(),
                    Kind::Load
                        | Kind::Trap
                        | Kind::MemorySize
                        | Kind::MemoryGrow
                        | Kind::GlobalGet
                        | Kind::GlobalSet
                );
                if !reads_only && other_effects(f, inst, access.memory, self.cx.summaries) {
                    return End::Lost;
                }
                continue;
            };
            match objects.relation(&access, &written) {
                Relation::Disjoint => {}
                Relation::Unknown => return End::Lost,
                Relation::Inside(_) if !objects.in_bounds_with(&access, &written) => return End::Lost,
                Relation::Inside(ahead) => match f.insts[inst].op.kind() {
                    Kind::Store if stored(f.insts[inst].op).is_some() => return End::Store(inst, ahead),
                    Kind::MemoryCopy => match objects.read(f, inst) {
                        // The place in the source has the width of the load.
                        Some(source)
                            if self.cx.info.memory64(source.memory) == Some(false)
                                && !self.cx.info.is_shared(source.memory) =>
                        {
                            // The copy was in bounds, and with it all that is asked for from here on.
                            let place = source.place.plus(ahead);
                            access = Access { place, width: access.width, ahead: 0, ..source };
                        }
                        _ => return End::Lost,
                    },
                    _ => return End::Lost,
                },
            }
        }
    }
}

/// Makes the value of a load from what the search found: conversions behind the stores, parameters where ways meet.
fn materialize(f: &mut Function, load: Inst, found: &Found) -> Value {
    let op = f.insts[load].op;
    let ty = f.ty(f.results(load)[0]);
    let node = |n: usize| found.nodes[n].expect("all nodes are known");
    let mut made: HashMap<Source, Value> = HashMap::new();
    for n in 0..found.nodes.len() {
        if let source @ Source::Store(block, store, ahead) = node(n)
            && !made.contains_key(&source)
        {
            let value = convert(f, block, store, ahead, op, ty);
            made.insert(source, value);
        }
    }
    let mut params: Vec<Option<Value>> = Vec::with_capacity(found.starts.len());
    for start in &found.starts {
        params.push((start.from.len() > 1).then(|| f.add_param(start.block, ty)));
    }
    // A start with one predecessor is what that ends with.
    let value = |n: usize| {
        let mut at = node(n);
        loop {
            match at {
                Source::Store(..) => return made[&at],
                Source::Start(s) => match params[s] {
                    Some(p) => return p,
                    None => at = node(found.starts[s].from[0].1),
                },
            }
        }
    };
    for start in found.starts.iter().filter(|s| s.from.len() > 1) {
        for &(p, from) in &start.from {
            let v = value(from);
            let mut term = f.blocks[p].term.take();
            for e in term.iter_mut().flat_map(|t| t.edges_mut()).filter(|e| e.block == start.block) {
                e.args.push(v, &mut f.pool);
            }
            f.blocks[p].term = term;
        }
    }
    value(0)
}

/// The result of a pure operator on constants.
fn folded(f: &Function, op: Op, imm: &Imm, args: &[Value]) -> Option<Const> {
    let constant = |&v: &Value| {
        let data = &f.insts[f.def_inst(v)?];
        if data.op.is_const() { Const::from_imm(&data.imm) } else { None }
    };
    let args: Vec<Const> = args.iter().map(constant).collect::<Option<_>>()?;
    match eval(op, imm, &args) {
        Outcome::Value(c) if !args.is_empty() => Some(c),
        _ => None,
    }
}

/// What a load reads from a store `ahead` bytes into it, computed behind the store.
fn convert(f: &mut Function, block: Block, store: Inst, ahead: u32, load: Op, ty: Type) -> Value {
    let (store_op, value) = (f.insts[store].op, f.args(store)[1]);
    let (from, to) = (stored(store_op).expect("a scalar store"), loaded(load).expect("a scalar load"));
    let (store_width, width) = (u32::from(store_op.info().width), u32::from(load.info().width));
    let natural = |t: Type| if matches!(t, Type::I64 | Type::F64) { 8 } else { 4 };
    if from == ty && store_width == natural(from) && width == store_width {
        return value;
    }
    let mut at = position(f, block, store) + 1;
    // Constants are folded at once: a discriminant that is one decides branches.
    let mut emit = |f: &mut Function, op: Op, imm: Imm, args: &[Value], ty: Type| {
        let (op, imm, args) = match folded(f, op, &imm, args) {
            Some(c) => (c.to_op().0, c.to_op().1, &[][..]),
            None => (op, imm, args),
        };
        let v = insert(f, block, at, op, imm, args, ty);
        at += 1;
        v
    };
    // As an integer of the store's size.
    let (mut v, mut wide) = match from {
        Type::F32 => (emit(f, Op::I32ReinterpretF32, Imm::None, &[value], Type::I32), false),
        Type::F64 => (emit(f, Op::I64ReinterpretF64, Imm::None, &[value], Type::I64), true),
        Type::I64 => (value, true),
        _ => (value, false),
    };
    if ahead > 0 {
        let (op, c, imm, t) = match wide {
            true => (Op::I64ShrU, Op::I64Const, Imm::I64(8 * i64::from(ahead)), Type::I64),
            false => (Op::I32ShrU, Op::I32Const, Imm::I32(8 * ahead as i32), Type::I32),
        };
        let by = emit(f, c, imm, &[], t);
        v = emit(f, op, Imm::None, &[v, by], t);
    }
    // As an integer of the load's size.
    let to_wide = natural(ty) == 8;
    if wide && !to_wide {
        v = emit(f, Op::I32WrapI64, Imm::None, &[v], Type::I32);
    } else if !wide && to_wide {
        v = emit(f, Op::I64ExtendI32U, Imm::None, &[v], Type::I64);
    }
    wide = to_wide;
    let (bits, t) = if wide { (64, Type::I64) } else { (32, Type::I32) };
    let used = 8 * width;
    if used < bits {
        let c = |n: u64| match wide {
            true => (Op::I64Const, Imm::I64(n as i64)),
            false => (Op::I32Const, Imm::I32(n as i32)),
        };
        if to.1 {
            let (shl, shr) = if wide { (Op::I64Shl, Op::I64ShrS) } else { (Op::I32Shl, Op::I32ShrS) };
            let (by, imm) = c(u64::from(bits - used));
            let by = emit(f, by, imm, &[], t);
            v = emit(f, shl, Imm::None, &[v, by], t);
            v = emit(f, shr, Imm::None, &[v, by], t);
        } else {
            let (mask, imm) = c((1u64 << used) - 1);
            let mask = emit(f, mask, imm, &[], t);
            v = emit(f, if wide { Op::I64And } else { Op::I32And }, Imm::None, &[v, mask], t);
        }
    }
    match ty {
        Type::F32 => emit(f, Op::F32ReinterpretI32, Imm::None, &[v], Type::F32),
        Type::F64 => emit(f, Op::F64ReinterpretI64, Imm::None, &[v], Type::F64),
        _ => v,
    }
}
