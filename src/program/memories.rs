//! Which bytes of the module's own memories the program reads and writes, as far as the addresses are constants.
//!
//! **What.** [`Accesses`] has them for one function, [`Memories`] for all that can be called. On them rest constant data ([`contents`]) and
//! the removal of writes that nobody reads ([`writes`]).
//!
//! **Licence.** A memory is *private* when the module defines it, no export that stays names it and threads do not share it: then only
//! bodies access it. What the facts say holds for every run of the program, so it also holds for what becomes of its bodies:
//! no pass lets a program read or write what it did not.
//!
//! **Declines.** A body kept as bytes reads and writes all of each memory that it names; so does an atomic access. What has no
//! constant address may be anywhere in its memory.
//!
//! Complexity: linear in the accesses, but for sorting the constant ones.
//!
//! [`contents`]: super::contents
//! [`writes`]: super::writes

use super::contents::{self, Contents};
use super::writes;
use crate::Objective;
use crate::ir::dce::dce;
use crate::ir::entity::{FuncId, Inst, MemoryId, Value};
use crate::ir::function::Function;
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, MemArg, Op};
use crate::module::{Entity, Module};
use cranelift_entity::{EntityRef, EntitySet, SecondaryMap};
use std::collections::BTreeMap;

/// The first byte and the one behind the last; what lies beyond 64 bits is cut off there.
pub type Range = (u64, u64);

/// Some bytes of a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// Any.
    All,
    /// Those of these ranges, in order; none touches the next one.
    Some(Vec<Range>),
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes::Some(Vec::new())
    }
}

impl Bytes {
    /// Adds a range, or all where it is not known. In order only after [`Bytes::sort`].
    pub(super) fn add(&mut self, range: Option<Range>) {
        match (&mut *self, range) {
            (Bytes::All, _) => {}
            (Bytes::Some(ranges), Some(range)) => ranges.push(range),
            (Bytes::Some(_), None) => *self = Bytes::All,
        }
    }

    /// Puts the ranges in order.
    pub(super) fn sort(&mut self) {
        let Bytes::Some(ranges) = self else { return };
        ranges.sort_unstable();
        ranges.dedup_by(|next, last| {
            let touches = next.0 <= last.1;
            if touches {
                last.1 = last.1.max(next.1);
            }
            touches
        });
    }

    /// Whether none of these bytes is in a range.
    pub(super) fn miss(&self, (start, end): Range) -> bool {
        match self {
            Bytes::All => false,
            // The first range that ends behind the start.
            Bytes::Some(ranges) => {
                ranges.get(ranges.partition_point(|r| r.1 <= start)).is_none_or(|r| r.0 >= end)
            }
        }
    }

    fn is_none(&self) -> bool {
        matches!(self, Bytes::Some(ranges) if ranges.is_empty())
    }
}

/// What a body does to a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Reads these bytes; `None`: any.
    Read(Option<Range>),
    /// Writes these bytes; `None`: any.
    Write(Option<Range>),
    /// Looks at the size.
    Size,
}

/// The accesses of one function, each once, in order.
#[derive(Clone, Debug, Default)]
pub struct Accesses(Box<[(MemoryId, Access)]>);

/// The memories that may be private, as far as that is known before roots are: not imported, not shared, and not exported
/// where exports stay.
pub fn candidates(module: &Module, closed: bool) -> EntitySet<MemoryId> {
    let mut found = EntitySet::new();
    found.extend(module.memories.iter().filter(|(_, m)| !m.imported && !m.shared).map(|(id, _)| id));
    if !closed {
        for export in &module.exports {
            if let Entity::Memory(m) = export.entity {
                found.remove(m);
            }
        }
    }
    found
}

impl Accesses {
    /// Of a graph, to these memories.
    pub fn of(f: &Function, memories: &EntitySet<MemoryId>) -> Accesses {
        let mut list = Vec::new();
        let mut used = None;
        for &inst in f.layout.iter().flat_map(|&b| &f.blocks[b].insts) {
            accesses(f, inst, &mut |memory, access| {
                let mut result = || f.result(inst).is_some_and(|v| used.get_or_insert_with(|| uses(f))[v]);
                if memories.contains(memory) && (access != Access::Size || result()) {
                    list.push((memory, access));
                }
            });
        }
        list.sort_unstable();
        list.dedup();
        Accesses(list.into())
    }

    /// Of a body kept as bytes that names these memories.
    pub fn unknown(memories: impl Iterator<Item = MemoryId>) -> Accesses {
        let all = [Access::Read(None), Access::Write(None), Access::Size];
        Accesses(memories.flat_map(|m| all.map(|access| (m, access))).collect())
    }
}

/// The values that something uses.
fn uses(f: &Function) -> SecondaryMap<Value, bool> {
    let mut used = SecondaryMap::new();
    for &b in &f.layout {
        f.blocks[b].insts.iter().flat_map(|&i| f.args(i)).for_each(|&v| used[v] = true);
        let term = f.term(b);
        term.operands(&f.pool).iter().for_each(|&v| used[v] = true);
        term.edges().flat_map(|e| f.edge_args(e)).for_each(|&v| used[v] = true);
    }
    used
}

/// Whether an access of these bytes of a memory surely traps: no memory with addresses of 32 bits is that large.
pub(super) fn traps(module: &Module, memory: MemoryId, range: Option<Range>) -> bool {
    !module.memories[memory].memory64 && range.is_some_and(|r| r.1 > 1 << 32)
}

/// The value of an integer constant, zero-extended.
pub(super) fn constant(f: &Function, v: Value) -> Option<u64> {
    match f.def_inst(v).map(|i| f.insts[i].imm)? {
        Imm::I32(n) => Some(u64::from(n as u32)),
        Imm::I64(n) => Some(n as u64),
        _ => None,
    }
}

/// The bytes of an access at a constant address, without cutting off any.
pub(super) fn exact(address: u64, arg: MemArg, op: Op) -> (u128, u128) {
    let start = u128::from(address) + u128::from(arg.offset);
    (start, start + u128::from(op.info().width))
}

fn cut((start, end): (u128, u128)) -> Range {
    let cut = |n: u128| n.min(u64::MAX.into()) as u64;
    (cut(start), cut(end))
}

/// The bytes from a constant address on, so many as a constant says.
fn run(f: &Function, from: Value, length: Value) -> Option<Range> {
    let from = u128::from(constant(f, from)?);
    Some(cut((from, from + u128::from(constant(f, length)?))))
}

/// Calls `visit` with each access of an instruction. [`Access::Size`] also where its result is not used.
pub(super) fn accesses(f: &Function, inst: Inst, visit: &mut dyn FnMut(MemoryId, Access)) {
    let data = &f.insts[inst];
    let args = f.args(inst);
    let placed = |arg: MemArg| Some(cut(exact(constant(f, *args.first()?)?, arg, data.op)));
    match (data.op.kind(), data.imm) {
        (Kind::Load, Imm::Mem(arg) | Imm::MemLane(arg, _)) => visit(arg.memory, Access::Read(placed(arg))),
        (Kind::Store, Imm::Mem(arg) | Imm::MemLane(arg, _)) => visit(arg.memory, Access::Write(placed(arg))),
        (Kind::MemorySize | Kind::MemoryGrow, Imm::Memory(m)) => visit(m, Access::Size),
        (Kind::MemoryCopy, Imm::MemCopy { dst, src }) => {
            visit(dst, Access::Write(run(f, args[0], args[2])));
            visit(src, Access::Read(run(f, args[1], args[2])));
        }
        (Kind::MemoryFill, Imm::Memory(m)) => visit(m, Access::Write(run(f, args[0], args[2]))),
        (Kind::MemoryInit, Imm::MemInit { memory, .. }) => visit(memory, Access::Write(None)),
        (
            _,
            Imm::Mem(MemArg { memory, .. }) | Imm::MemLane(MemArg { memory, .. }, _) | Imm::Memory(memory),
        ) => {
            [Access::Read(None), Access::Write(None), Access::Size]
                .into_iter()
                .for_each(|a| visit(memory, a));
        }
        _ => {}
    }
}

/// What is known of a private memory.
#[derive(Clone, Debug, Default)]
pub struct Private {
    /// The bytes that any body reads.
    pub(super) reads: Bytes,
    /// The bytes that any body writes.
    pub(super) writes: Bytes,
    /// Whether somebody looks at its size.
    sized: bool,
    /// Bytes that it has at least, always.
    pub(super) size: u128,
    /// What it holds when the first body runs; `None`: not known.
    pub(super) contents: Option<Contents>,
}

impl Private {
    /// Whether nobody reads any of it.
    pub(super) fn is_unread(&self) -> bool {
        self.reads.is_none()
    }

    /// Whether nothing but writes is done to it, all of them surely in bounds: no body needs it.
    pub(super) fn is_needless(&self) -> bool {
        let in_bounds = |ranges: &[Range]| ranges.iter().all(|r| u128::from(r.1) <= self.size);
        self.is_unread() && !self.sized && matches!(&self.writes, Bytes::Some(ranges) if in_bounds(ranges))
    }

    /// Whether some byte of it is constant, or some write may be of no use.
    fn is_promising(&self) -> bool {
        self.reads != Bytes::All || (self.contents.is_some() && self.writes != Bytes::All)
    }
}

/// What is known of the private memories.
#[derive(Clone, Debug, Default)]
pub struct Memories {
    of: SecondaryMap<MemoryId, Option<Private>>,
    any: bool,
}

/// How often each pass found something in a graph.
pub type Counts = BTreeMap<&'static str, u64>;

impl Memories {
    /// Joins what all functions that can be called do. `facts` are by function, `memories` those that they know of, and the n-th export
    /// stays if `kept` says so.
    pub fn solve(
        module: &Module,
        memories: &EntitySet<MemoryId>,
        facts: &[Accesses],
        is_called: impl Fn(FuncId) -> bool,
        kept: impl Fn(usize) -> bool,
    ) -> Memories {
        let mut of: SecondaryMap<MemoryId, Option<Private>> = SecondaryMap::new();
        for m in memories.iter() {
            of[m] = Some(Private { size: module.memory_min_bytes(m), ..Private::default() });
        }
        for (_, export) in module.exports.iter().enumerate().filter(|(n, _)| kept(*n)) {
            if let Entity::Memory(m) = export.entity {
                of[m] = None;
            }
        }
        let called = facts.iter().enumerate().filter(|(n, _)| is_called(FuncId::new(*n)));
        for (memory, access) in called.flat_map(|(_, accesses)| accesses.0.iter()) {
            let Some(private) = &mut of[*memory] else { continue };
            match *access {
                Access::Read(range) | Access::Write(range) if traps(module, *memory, range) => {}
                Access::Read(range) => private.reads.add(range),
                Access::Write(range) => private.writes.add(range),
                Access::Size => private.sized = true,
            }
        }
        for (memory, private) in of.iter_mut() {
            let Some(known) = private else { continue };
            known.reads.sort();
            known.writes.sort();
            if known.writes != Bytes::All {
                known.contents = Contents::of(module, memory);
            }
            if !known.is_promising() {
                *private = None;
            }
        }
        let any = of.values().any(Option::is_some);
        Memories { of, any }
    }

    /// What is known of a memory, if anything is.
    pub(super) fn get(&self, memory: MemoryId) -> Option<&Private> {
        self.of.get(memory)?.as_ref()
    }

    /// The graph with loads of constant data as constants and without writes that nobody reads; `None` where there are none.
    pub fn applied(&self, f: &Function, module: &Module, objective: Objective) -> Option<(Function, Counts)> {
        let concerns = |&i: &Inst| {
            let mut found = false;
            accesses(f, i, &mut |memory, _| found |= self.get(memory).is_some());
            found
        };
        if !self.any || !f.layout.iter().flat_map(|&b| &f.blocks[b].insts).any(concerns) {
            return None;
        }
        let mut g = f.clone();
        let found = [
            ("constant-data", contents::fold_loads(&mut g, self, module, objective)),
            ("unread-memories", writes::remove_writes(&mut g, self, module)),
        ];
        let counts: Counts = found.into_iter().filter(|(_, n)| *n > 0).collect();
        (!counts.is_empty()).then(|| {
            dce(&mut g);
            (g, counts)
        })
    }
}
