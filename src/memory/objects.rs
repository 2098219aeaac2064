//! What addresses in a graph are derived from: places and objects.
//!
//! A [`Place`] is an address as a root value plus a constant. Sums wrap around at 2^32 as the addresses do; of two accesses in
//! bounds that is enough to tell equal from disjoint, because each lies below 2^32 and does not wrap inside of itself.
//!
//! An *object* is memory that only pointers derived from one value lead to: the frames below a stack pointer (assumption
//! `shadow-stack`) and what an allocator has returned (assumption `canonical-abi`). [`Objects`] says of each value from which
//! objects it may be derived, and which objects have *escaped*: a pointer into them was stored, passed or returned, and
//! pointers of unknown origin may lead to them.
//!
//! **Complexity.** Linear in the graph for each time that the set of a value grows, at most [`MAX_OBJECTS`] times.
//!
//! Reference: Andersen, "Program Analysis and Specialization for the C Programming Language", 1994, reduced to what SSA gives for
//! nothing; Choi et al., "Escape Analysis for Java", OOPSLA 1999.

use super::Knowledge;
use super::Role;
use crate::analysis::{Cfg, Summaries};
use crate::ir::entity::{FuncId, GlobalId, Inst, MemoryId, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Kind, Op};
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;

/// Objects looked at in one graph; allocations beyond are like calls of unknown functions.
pub const MAX_OBJECTS: usize = 62;

/// What the constant part of an address is added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// Nothing: a constant address.
    Zero,
    /// A value.
    Value(Value),
}

/// An address: a root and how many bytes behind it, modulo 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// What the offset is from.
    pub root: Root,
    /// Bytes behind the root.
    pub offset: u32,
}

impl Place {
    /// So many bytes farther.
    #[must_use]
    pub fn plus(self, bytes: u32) -> Place {
        Place { offset: self.offset.wrapping_add(bytes), ..self }
    }
}

/// A set of objects, one bit for each.
pub type Set = u64;

/// The bit of what is derived from no object that is tracked: numbers, constants, what was loaded or returned.
const UNTRACKED: Set = 1 << 63;

/// The set of a value of which nothing is known: any object, escaped or not.
pub const ANY: Set = !0;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// Everything that is reached from a stack pointer.
    Frame(GlobalId),
    /// What this call of an allocator returned.
    Buffer(Inst),
    /// What this parameter of the function points to, where that was asked for: a buffer that its caller got from an allocator.
    Param(u32),
}

/// An object.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// The memory that it is in.
    pub memory: MemoryId,
    /// How a pointer into it got out of sight first, and at which instruction; none at the end of a block.
    pub escape: Option<(Escape, Option<Inst>)>,
}

/// How a pointer escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// It is stored in memory.
    Stored,
    /// It is passed to this function.
    Passed(FuncId),
    /// It is returned.
    Returned,
    /// Something else takes it as a value.
    Other,
}

/// Bytes that an instruction reads or writes.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The memory.
    pub memory: MemoryId,
    /// The first byte.
    pub place: Place,
    /// What its address may be derived from.
    pub derived: Set,
    /// How many bytes, if that is constant.
    pub width: Option<u32>,
    /// How many of the bytes behind the root are the instruction's own offset, which does not wrap around.
    pub ahead: u64,
}

/// How two places in one memory lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They have no byte in common.
    Disjoint,
    /// The first lies wholly in the second, so many bytes from its start.
    Inside(u32),
    /// They may have bytes in common.
    Unknown,
}

/// Places and objects of a graph.
pub struct Objects<'a> {
    knowledge: &'a Knowledge,
    places: SecondaryMap<Value, Option<Place>>,
    derived: SecondaryMap<Value, Set>,
    /// Values made later are of unknown origin.
    known_values: usize,
    /// All objects, by bit.
    pub list: Vec<Object>,
    /// Those that have escaped.
    pub escaped: Set,
    /// Those that have escaped in another way than as arguments of direct calls.
    pub kept: Set,
}

/// The integer value of a constant.
pub fn constant(f: &Function, v: Value) -> Option<u32> {
    match f.def_inst(v).map(|i| (f.insts[i].op, f.insts[i].imm)) {
        Some((Op::I32Const, Imm::I32(n))) => Some(n as u32),
        _ => None,
    }
}

/// Whether a call asks an allocator for new memory: `realloc(0, 0, align, size)`, of which it gives the size.
pub fn allocates(f: &Function, inst: Inst, knowledge: &Knowledge) -> Option<(MemoryId, Value)> {
    let Imm::Func(func) = f.insts[inst].imm else { return None };
    match (f.insts[inst].op, knowledge.role(func), f.args(inst)) {
        (Op::Call, Some(Role::Realloc(memory)), &[old, old_size, align, size])
            if constant(f, old) == Some(0)
                && constant(f, old_size) == Some(0)
                && constant(f, align).is_some_and(u32::is_power_of_two) =>
        {
            Some((memory, size))
        }
        _ => None,
    }
}

/// The pointer that a call gives back to an allocator.
pub fn frees(f: &Function, inst: Inst, knowledge: &Knowledge) -> Option<(MemoryId, Value)> {
    let Imm::Func(func) = f.insts[inst].imm else { return None };
    match (f.insts[inst].op, knowledge.role(func), f.args(inst)) {
        (Op::Call, Some(Role::Free(memory)), &[pointer, ..]) => Some((memory, pointer)),
        _ => None,
    }
}

impl<'a> Objects<'a> {
    /// Looks at a graph.
    pub fn compute(f: &Function, cfg: &Cfg, knowledge: &'a Knowledge) -> Objects<'a> {
        Objects::compute_with(f, cfg, knowledge, &[])
    }

    /// Looks at a graph of which some parameters point to buffers, each with the memory that it is in.
    pub fn compute_with(
        f: &Function,
        cfg: &Cfg,
        knowledge: &'a Knowledge,
        params: &[(u32, MemoryId)],
    ) -> Objects<'a> {
        let mut objects = Objects {
            knowledge,
            places: SecondaryMap::with_capacity(f.values.len()),
            derived: SecondaryMap::with_capacity(f.values.len()),
            known_values: f.values.len(),
            list: Vec::new(),
            escaped: 0,
            kept: 0,
        };
        for &(n, memory) in params {
            objects.list.push(Object { kind: ObjectKind::Param(n), memory, escape: None });
        }
        objects.find(f, cfg);
        objects.places(f, cfg);
        objects.derive(f, cfg, params);
        objects.escapes(f, cfg);
        objects
    }

    /// The objects, each with the values that it starts from.
    fn find(&mut self, f: &Function, cfg: &Cfg) {
        for &b in cfg.rpo() {
            for &i in &f.blocks[b].insts {
                let Some(value) = f.result(i) else { continue };
                let (kind, memory) = match (f.insts[i].op, f.insts[i].imm) {
                    (Op::GlobalGet, Imm::Global(g)) => match self.knowledge.stack(g) {
                        Some(memory) => (ObjectKind::Frame(g), memory),
                        None => continue,
                    },
                    (Op::Call, _) => match allocates(f, i, self.knowledge) {
                        Some((memory, _)) => (ObjectKind::Buffer(i), memory),
                        None => continue,
                    },
                    _ => continue,
                };
                let bit = self.list.iter().position(|o| o.kind == kind).unwrap_or(self.list.len());
                if bit == MAX_OBJECTS {
                    continue;
                }
                if bit == self.list.len() {
                    self.list.push(Object { kind, memory, escape: None });
                }
                self.derived[value] = 1 << bit;
            }
        }
    }

    fn places(&mut self, f: &Function, cfg: &Cfg) {
        for &b in cfg.rpo() {
            for &i in &f.blocks[b].insts {
                let Some(value) = f.result(i) else { continue };
                let place = match (f.insts[i].op, f.args(i)) {
                    (Op::I32Const, _) => constant(f, value).map(|c| Place { root: Root::Zero, offset: c }),
                    (Op::I32Add, &[a, b]) => match (constant(f, a), constant(f, b)) {
                        (_, Some(c)) => Some(self.place(a).plus(c)),
                        (Some(c), None) => Some(self.place(b).plus(c)),
                        _ => None,
                    },
                    (Op::I32Sub, &[a, b]) => constant(f, b).map(|c| self.place(a).plus(c.wrapping_neg())),
                    _ => None,
                };
                self.places[value] = place;
            }
        }
    }

    /// The least solution: a value starts with no origin at all, and gets those that it may have.
    fn derive(&mut self, f: &Function, cfg: &Cfg, params: &[(u32, MemoryId)]) {
        for (n, &p) in (0..).zip(f.block_params(f.entry)) {
            let object = params.iter().position(|&(param, _)| param == n);
            self.derived[p] = object.map_or(UNTRACKED, |bit| 1 << bit);
        }
        for &b in cfg.rpo() {
            for &i in f.blocks[b].insts.iter().filter(|&&i| f.result(i).is_none()) {
                for &v in f.results(i) {
                    self.derived[v] = UNTRACKED;
                }
            }
            for e in f.term(b).edges() {
                for &p in &f.block_params(e.block)[..f.produced(e)] {
                    self.derived[p] = UNTRACKED;
                }
            }
        }
        loop {
            let mut changed = false;
            for &b in cfg.rpo() {
                for &i in &f.blocks[b].insts {
                    let Some(value) = f.result(i) else { continue };
                    let set = self.transfer(f, i);
                    changed |= grow(&mut self.derived[value], set);
                }
                for e in f.term(b).edges() {
                    let made = f.produced(e);
                    for (n, &arg) in f.edge_args(e).iter().enumerate() {
                        let set = self.derived[arg];
                        if set != 0 {
                            changed |= grow(&mut self.derived[f.block_params(e.block)[made + n]], set);
                        }
                    }
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn transfer(&self, f: &Function, inst: Inst) -> Set {
        let args = f.args(inst);
        let data = &f.insts[inst];
        let known = |v: Value| self.derived[v];
        match (data.op, data.op.kind()) {
            (_, Kind::Pure | Kind::Trap) if is_comparison(data.op) => UNTRACKED,
            (Op::Select, _) => known(args[0]) | known(args[1]),
            (Op::I32Sub, _) if self.distance(args) => UNTRACKED,
            (_, Kind::Pure | Kind::Trap) => {
                if args.iter().any(|&a| known(a) == 0) {
                    return 0;
                }
                let all = args.iter().fold(0, |set, &a| set | known(a));
                let is_number = |v: Value| known(v) == UNTRACKED;
                match (data.op, args) {
                    // A number added to a pointer is a pointer into the same object.
                    (Op::I32Add, &[a, b]) if is_number(a) != is_number(b) => {
                        known(if is_number(a) { b } else { a })
                    }
                    (Op::I32Sub, &[a, b]) if constant(f, b).is_some() => known(a),
                    (Op::I32And, &[a, b]) if constant(f, b).is_some_and(|c| c >= 1 << 31) => known(a),
                    (Op::I32Or, &[a, b]) if constant(f, b).is_some_and(|c| c < 1 << 16) => known(a),
                    // What is computed from a pointer in another way may be a number, a distance say: added to another
                    // pointer it leads to where that belongs, or anywhere.
                    _ => all | UNTRACKED,
                }
            }
            _ => match f.result(inst).map(known) {
                Some(set) if set != 0 => set,
                _ => UNTRACKED,
            },
        }
    }

    /// Whether these are two pointers into one object: their difference is a number.
    fn distance(&self, args: &[Value]) -> bool {
        let (a, b) = (self.derived[args[0]], self.derived[args[1]]);
        a == b && self.only(a).is_some()
    }

    fn escapes(&mut self, f: &Function, cfg: &Cfg) {
        for &b in cfg.rpo() {
            for &i in &f.blocks[b].insts {
                self.escapes_in(f, i);
            }
            let how = match f.term(b) {
                Terminator::Branch { .. } | Terminator::Jump(_) | Terminator::Unreachable => continue,
                Terminator::Return(_) => Escape::Returned,
                _ => Escape::Other,
            };
            for &v in f.term(b).operands(&f.pool) {
                self.escape(v, how, None);
            }
        }
    }

    fn escapes_in(&mut self, f: &Function, inst: Inst) {
        let (op, imm, args) = (f.insts[inst].op, f.insts[inst].imm, f.args(inst));
        let at = Some(inst);
        match op.kind() {
            Kind::Const | Kind::Pure | Kind::Trap | Kind::MemorySize | Kind::GlobalGet => {}
            Kind::Load => {}
            Kind::Store => args[1..].iter().for_each(|&v| self.escape(v, Escape::Stored, at)),
            Kind::MemoryCopy => self.escape(args[2], Escape::Other, at),
            Kind::MemoryFill | Kind::MemoryInit => {
                args[1..].iter().for_each(|&v| self.escape(v, Escape::Other, at));
            }
            Kind::GlobalSet => match imm {
                Imm::Global(g) if self.knowledge.stack(g).is_some() => {
                    let frame = self.bit(ObjectKind::Frame(g));
                    if self.derived[args[0]] & !(frame | UNTRACKED) != 0 {
                        self.escape(args[0], Escape::Other, at);
                    }
                }
                _ => self.escape(args[0], Escape::Stored, at),
            },
            Kind::Call => {
                // Giving a pointer back as it was got is what one does with it.
                let given_back = frees(f, inst, self.knowledge).filter(|&(memory, pointer)| {
                    let object = self.only(self.derived(pointer));
                    let is_buffer =
                        |o: &Object| matches!(o.kind, ObjectKind::Buffer(_) | ObjectKind::Param(_));
                    object.is_some_and(|o| o.memory == memory && is_buffer(o))
                });
                let how = match (op, imm) {
                    (Op::Call, Imm::Func(func)) => Escape::Passed(func),
                    _ => Escape::Other,
                };
                let skip = usize::from(given_back.is_some());
                args[skip..].iter().for_each(|&v| self.escape(v, how, at));
            }
            _ => args.iter().for_each(|&v| self.escape(v, Escape::Other, at)),
        }
    }

    fn escape(&mut self, v: Value, how: Escape, at: Option<Inst>) {
        let set = self.derived[v] & !UNTRACKED;
        self.escaped |= set;
        if !matches!(how, Escape::Passed(_)) {
            self.kept |= set;
        }
        for (bit, object) in self.list.iter_mut().enumerate() {
            if set >> bit & 1 == 1 {
                object.escape.get_or_insert((how, at));
            }
        }
    }

    fn bit(&self, kind: ObjectKind) -> Set {
        self.list.iter().position(|o| o.kind == kind).map_or(0, |bit| 1 << bit)
    }

    /// The address that a value is.
    pub fn place(&self, v: Value) -> Place {
        self.places[v].unwrap_or(Place { root: Root::Value(v), offset: 0 })
    }

    /// The objects that a value may be derived from.
    pub fn derived(&self, v: Value) -> Set {
        match self.derived[v] {
            set if set != 0 && (v.as_u32() as usize) < self.known_values => set,
            _ => ANY,
        }
    }

    /// The object, if the set is of just one.
    pub fn only(&self, set: Set) -> Option<&Object> {
        if set.is_power_of_two() { self.list.get(set.trailing_zeros() as usize) } else { None }
    }

    /// The object that an access is in, if it is surely in one.
    pub fn object(&self, access: &Access) -> Option<&Object> {
        self.only(access.derived).filter(|o| o.memory == access.memory)
    }

    /// The access through a memory argument.
    fn through(&self, memory: MemoryId, address: Value, offset: u64, width: Option<u32>) -> Access {
        let derived = self.derived(address);
        Access { memory, place: self.place(address).plus(offset as u32), derived, width, ahead: offset }
    }

    /// Whether an access of bytes that lie inside of another's is in bounds because the other was. Both places are known modulo
    /// 2^32 only: a sum that wraps around is in bounds where the same sum with an offset is not.
    pub fn in_bounds_with(&self, a: &Access, b: &Access) -> bool {
        let base = |x: &Access| x.place.offset.wrapping_sub(x.ahead as u32);
        let same_address = || base(a) == base(b) && a.ahead >= b.ahead;
        a.ahead == 0 || self.object(a).is_some() || same_address() || self.exact(a).is_some()
    }

    /// The address of the first byte, if it is constant: a sum that does not wrap around.
    pub fn exact(&self, access: &Access) -> Option<u32> {
        let base = access.place.offset.wrapping_sub(access.ahead as u32);
        let fits = u64::from(base).checked_add(access.ahead).is_some_and(|end| end < 1 << 32);
        (access.place.root == Root::Zero && fits).then_some(access.place.offset)
    }

    /// What an instruction other than a call reads of memory.
    pub fn read(&self, f: &Function, inst: Inst) -> Option<Access> {
        let (op, imm, args) = (f.insts[inst].op, f.insts[inst].imm, f.args(inst));
        match (op.kind(), imm) {
            (Kind::Load, _) => {
                let m = imm.memarg()?;
                Some(self.through(m.memory, args[0], m.offset, Some(op.info().width.into())))
            }
            (Kind::MemoryCopy, Imm::MemCopy { src, .. }) => {
                Some(self.through(src, args[1], 0, constant(f, args[2])))
            }
            _ => None,
        }
    }

    /// What an instruction other than a call writes to memory.
    pub fn written(&self, f: &Function, inst: Inst) -> Option<Access> {
        let (op, imm, args) = (f.insts[inst].op, f.insts[inst].imm, f.args(inst));
        match (op.kind(), imm) {
            (Kind::Store, _) => {
                let m = imm.memarg()?;
                Some(self.through(m.memory, args[0], m.offset, Some(op.info().width.into())))
            }
            (Kind::MemoryCopy, Imm::MemCopy { dst, .. }) => {
                Some(self.through(dst, args[0], 0, constant(f, args[2])))
            }
            (Kind::MemoryFill, Imm::Memory(memory)) => {
                Some(self.through(memory, args[0], 0, constant(f, args[2])))
            }
            (Kind::MemoryInit, Imm::MemInit { memory, .. }) => {
                Some(self.through(memory, args[0], 0, constant(f, args[2])))
            }
            _ => None,
        }
    }

    /// How `a` lies to `b`, both in bounds.
    pub fn relation(&self, a: &Access, b: &Access) -> Relation {
        if a.memory != b.memory {
            let one = self.knowledge.may_be_one(a.memory, b.memory);
            return if one { Relation::Unknown } else { Relation::Disjoint };
        }
        if a.place.root == b.place.root
            && let (Some(wa), Some(wb)) = (a.width, b.width)
        {
            let ahead = a.place.offset.wrapping_sub(b.place.offset);
            let behind = b.place.offset.wrapping_sub(a.place.offset);
            return if ahead < wb && wb - ahead >= wa {
                Relation::Inside(ahead)
            } else if ahead >= wb && behind >= wa {
                Relation::Disjoint
            } else {
                Relation::Unknown
            };
        }
        if self.apart(a, b) { Relation::Disjoint } else { Relation::Unknown }
    }

    /// Whether they lead to different objects, or one to an object and the other to none.
    fn apart(&self, a: &Access, b: &Access) -> bool {
        let one = |x: &Access, y: &Access| {
            if self.object(x).is_none() {
                return false;
            }
            let other = self.object(y).is_some() && x.derived != y.derived;
            let unknown = y.derived & x.derived == 0 && self.escaped & x.derived == 0;
            y.place.root == Root::Zero || other || unknown
        };
        one(a, b) || one(b, a)
    }

    /// Whether a call may write, or with `reads` read, what an access names.
    pub fn touched_by_call(
        &self,
        f: &Function,
        inst: Inst,
        access: &Access,
        reads: bool,
        summaries: &Summaries,
    ) -> bool {
        let effects = summaries.inst(f, inst);
        let mask = crate::ir::effects::data_mask(access.memory);
        let touched = if reads { effects.reads | effects.writes } else { effects.writes };
        if touched & mask == 0 {
            return false;
        }
        if self.object(access).is_none() {
            return true;
        }
        if self.escaped & access.derived == 0 {
            // What is given back is not read any more by who gave it.
            return false;
        }
        // An allocator has its own state and what it was given.
        let role = match f.insts[inst].imm {
            Imm::Func(func) => self.knowledge.role(func),
            _ => None,
        };
        match role {
            Some(Role::Realloc(_)) => allocates(f, inst, self.knowledge).is_none(),
            Some(Role::Free(_)) => {
                frees(f, inst, self.knowledge).is_none_or(|(_, p)| self.derived(p) & access.derived != 0)
            }
            None => true,
        }
    }

    /// Whether the value is where its object starts.
    pub fn is_start(&self, f: &Function, v: Value) -> bool {
        let place = self.place(v);
        match (self.only(self.derived(v)).map(|o| o.kind), place.root) {
            (Some(ObjectKind::Buffer(call)), Root::Value(root)) => {
                place.offset == 0 && matches!(f.values[root].def, ValueDef::Result(i, _) if i == call)
            }
            (Some(ObjectKind::Param(n)), Root::Value(root)) => {
                place.offset == 0 && f.block_params(f.entry).get(n as usize) == Some(&root)
            }
            _ => false,
        }
    }
}

/// What an instruction that is neither a call nor described by [`Objects::read`] and [`Objects::written`] may do to memory.
pub fn other_effects(f: &Function, inst: Inst, memory: MemoryId, summaries: &Summaries) -> bool {
    let effects = summaries.inst(f, inst);
    let mask = crate::ir::effects::data_mask(memory);
    (effects.reads | effects.writes) & mask != 0
}

fn grow(set: &mut Set, by: Set) -> bool {
    let old = *set;
    *set |= by;
    *set != old
}

/// Whether the result of an operator on addresses is a truth value.
pub fn is_comparison(op: Op) -> bool {
    use Op::*;
    let list: SmallVec<[Op; 11]> =
        [I32Eqz, I32Eq, I32Ne, I32LtS, I32LtU, I32GtS, I32GtU, I32LeS, I32LeU, I32GeS, I32GeU].into();
    list.contains(&op)
}
