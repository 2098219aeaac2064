//! Which accesses and divisions cannot trap, derived anew: from accesses that the function before extraction has executed
//! on every path to a place, from the least size of a memory, and from what the e-graph knows of a divisor.
//!
//! Memories never shrink, so an access that has been executed shows that its bytes are there from then on. An access of the
//! function before may itself have been left out of the one after: then another proved it, and that one proves what it does.

use super::{Equalities, classes};
use crate::interp::Const;
use crate::ir::entity::{Block, Inst, MemoryId};
use crate::ir::function::Function;
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::verify::dominance::Dominance;
use cranelift_entity::SecondaryMap;
use egg::Id;
use hashbrown::HashMap;

/// A place of the function before: a block, and how many of its instructions have run.
pub(super) type Place = (Block, u32);

/// A memory and the class of an address in it; none is address 0.
type Base = (MemoryId, Option<Id>);

pub(super) struct Proofs<'a, I> {
    equal: &'a dyn Equalities,
    info: &'a I,
    dom: Dominance,
    /// By what they are counted from: places from which on so many bytes behind it are there.
    known: HashMap<Base, Vec<(Place, u128)>>,
    /// Instructions of the function before that cannot trap where they stand.
    pub cannot: SecondaryMap<Inst, bool>,
}

impl<'a, I: ModuleInfo> Proofs<'a, I> {
    /// Collects what the executed accesses prove. `order` has dominators first.
    pub(super) fn collect(f: &Function, order: &[Block], equal: &'a dyn Equalities, info: &'a I) -> Self {
        let mut p = Proofs {
            equal,
            info,
            dom: Dominance::compute(f),
            known: HashMap::new(),
            cannot: SecondaryMap::with_capacity(f.insts.len()),
        };
        for &b in order {
            for (n, &i) in f.blocks[b].insts.iter().enumerate() {
                let data = &f.insts[i];
                let place = (b, n as u32);
                let kind = data.op.kind();
                let interesting = matches!(
                    kind,
                    Kind::Trap | Kind::Load | Kind::Store | Kind::MemoryCopy | Kind::MemoryFill
                );
                if !interesting {
                    continue;
                }
                let args = classes(equal, f.args(i));
                p.cannot[i] = p.cannot_trap(data.op, &data.imm, &args, place);
                if !(kind == Kind::Load && p.cannot[i]) {
                    p.executed(data.op, &data.imm, &args, (b, n as u32 + 1));
                }
            }
        }
        p
    }

    fn executed(&mut self, op: Op, imm: &Imm, args: &[Id], from: Place) {
        let bytes = |id: &Id| self.constant(*id).map(u128::from);
        let found: Vec<(MemoryId, Id, u128)> = match (op.kind(), imm) {
            (Kind::Load | Kind::Store, _) => {
                let end = |m: crate::ir::ops::MemArg| u128::from(m.offset) + u128::from(op.info().width);
                imm.memarg().zip(args.first()).map(|(m, &a)| (m.memory, a, end(m))).into_iter().collect()
            }
            (Kind::MemoryCopy, &Imm::MemCopy { dst, src }) => match (args, args.get(2).and_then(bytes)) {
                (&[to, of, _], Some(n)) => vec![(dst, to, n), (src, of, n)],
                _ => Vec::new(),
            },
            (Kind::MemoryFill, &Imm::Memory(m)) => match (args, args.get(2).and_then(bytes)) {
                (&[to, _, _], Some(n)) => vec![(m, to, n)],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        for (memory, address, end) in found {
            let (key, end) = self.key(address, end);
            if !self.reaches(memory, key, end, from) {
                self.known.entry((memory, key)).or_default().push((from, end));
            }
        }
    }

    fn constant(&self, id: Id) -> Option<u64> {
        self.equal.constant(id).and_then(Const::as_int)
    }

    fn key(&self, address: Id, end: u128) -> (Option<Id>, u128) {
        match self.constant(address) {
            Some(c) => (None, u128::from(c) + end),
            None => (Some(self.equal.find(address)), end),
        }
    }

    fn reaches(&self, memory: MemoryId, key: Option<Id>, end: u128, (block, at): Place) -> bool {
        let before = |(b, n): Place| if b == block { n <= at } else { self.dom.dominates(b, block) };
        let list = self.known.get(&(memory, key));
        list.is_some_and(|l| l.iter().rev().any(|&(place, e)| e >= end && before(place)))
    }

    fn in_bounds(&self, memory: MemoryId, address: Id, end: u128, place: Place) -> bool {
        let (key, last) = self.key(address, end);
        if key.is_none() && last <= self.info.memory_min_bytes(memory) {
            return true;
        }
        if self.reaches(memory, key, last, place) {
            return true;
        }
        // `base` and all bytes up to `base + k + end` are there, and no address wraps in them.
        key.is_some()
            && self
                .equal
                .bases(address)
                .into_iter()
                .any(|(base, k)| k > 0 && self.reaches(memory, Some(base), u128::from(k) + end, place))
    }

    /// Whether an operator that reads or may trap cannot trap at a place.
    pub(super) fn cannot_trap(&self, op: Op, imm: &Imm, args: &[Id], place: Place) -> bool {
        match (op.kind(), imm.memarg(), args) {
            (Kind::Load, Some(m), &[address, ..]) => {
                let end = u128::from(m.offset) + u128::from(op.info().width);
                self.in_bounds(m.memory, address, end, place)
            }
            (Kind::Trap, _, &[_, divisor]) => self.divides(op, divisor),
            (Kind::GlobalGet | Kind::MemorySize, ..) => true,
            _ => false,
        }
    }

    /// Whether an effect cannot trap at a place.
    pub(super) fn effect_cannot_trap(&self, op: Op, imm: &Imm, args: &[Id], place: Place) -> bool {
        let there = |memory: MemoryId, address: Id, length: Id| {
            self.constant(length).is_some_and(|n| self.in_bounds(memory, address, n.into(), place))
        };
        match (op.kind(), imm, args) {
            (Kind::GlobalSet, ..) => true,
            (Kind::Store, _, &[address, _]) => imm.memarg().is_some_and(|m| {
                let end = u128::from(m.offset) + u128::from(op.info().width);
                self.in_bounds(m.memory, address, end, place)
            }),
            (Kind::MemoryFill, &Imm::Memory(m), &[to, _, n]) => there(m, to, n),
            (Kind::MemoryCopy, &Imm::MemCopy { dst, src }, &[to, from, n]) => {
                there(dst, to, n) && there(src, from, n)
            }
            _ => false,
        }
    }

    fn divides(&self, op: Op, divisor: Id) -> bool {
        use Op::*;
        if !self.equal.nonzero(divisor) {
            return false;
        }
        match op {
            I32DivU | I64DivU | I32RemU | I64RemU | I32RemS | I64RemS => true,
            // The least number divided by -1 does not fit.
            I32DivS => match self.equal.constant(divisor) {
                Some(c) => c != Const::I32(u32::MAX),
                None => self.equal.nonneg(divisor),
            },
            I64DivS => match self.equal.constant(divisor) {
                Some(c) => c != Const::I64(u64::MAX),
                None => self.equal.nonneg(divisor),
            },
            _ => false,
        }
    }
}
