//! Which accesses and divisions cannot trap: proofs from what was executed before.
//!
//! Memories never shrink, so an access that succeeded proves that every access to the same address that does not reach
//! farther succeeds too, wherever the first one dominates it. An access that is itself proved in this way may be removed
//! without harm: what proved it proves all that it proves.

use super::build::Built;
use super::facts::{Graph, base_of};
use crate::analysis::DomTree;
use crate::interp::Const;
use crate::ir::entity::{Block, Inst, MemoryId};
use crate::ir::function::Function;
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, Op};
use egg::Id;
use hashbrown::HashMap;
use smallvec::SmallVec;

/// A memory and the class of an address in it; no class stands for address 0.
type Place = (MemoryId, Option<Id>);

/// Accesses that were executed on the way to the current point. Filled while the dominator tree is walked in preorder.
pub struct Bounds<'a, I> {
    graph: &'a Graph,
    info: &'a I,
    dom: &'a DomTree,
    /// The blocks in which `[address, address + end)` was found to be in bounds, with `end`.
    known: HashMap<Place, Vec<(Block, u128)>>,
    /// The block of the last instruction executed.
    now: Option<Block>,
}

impl<'a, I: ModuleInfo> Bounds<'a, I> {
    /// Nothing executed yet.
    pub fn new(graph: &'a Graph, info: &'a I, dom: &'a DomTree) -> Self {
        Bounds { graph, info, dom, known: HashMap::new(), now: None }
    }

    /// The key of an address and how far behind it the access starts.
    fn key(&self, address: Id) -> (Option<Id>, u128) {
        match self.graph[self.graph.find(address)].data.constant.and_then(Const::as_int) {
            Some(c) => (None, u128::from(c)),
            None => (Some(self.graph.find(address)), 0),
        }
    }

    fn add(&mut self, block: Block, memory: MemoryId, address: Id, end: u128) {
        let (key, start) = self.key(address);
        if self.reaches(block, memory, key, start + end) {
            return;
        }
        let known = self.known.entry((memory, key)).or_default();
        match known.last_mut() {
            // Later questions are about later points of the block.
            Some((b, e)) if *b == block => *e = start + end,
            _ => known.push((block, start + end)),
        }
    }

    /// Along a path down the dominator tree each entry reaches farther than those before it, so the last one that dominates
    /// the block decides. The walk is in preorder: what does not dominate the block where it is will not dominate a later
    /// one, and goes for good.
    fn reaches(&mut self, block: Block, memory: MemoryId, key: Option<Id>, end: u128) -> bool {
        let (dom, now) = (self.dom, self.now);
        let Some(all) = self.known.get_mut(&(memory, key)) else { return false };
        while all.last().is_some_and(|&(b, _)| now.is_some_and(|now| !dom.dominates(b, now))) {
            all.pop();
        }
        all.iter().rev().find(|&&(b, _)| dom.dominates(b, block)).is_some_and(|&(_, e)| e >= end)
    }

    /// Whether the bytes `[address + offset, address + offset + width)` are known to be in bounds at the current point of
    /// `block`.
    pub fn in_bounds(
        &mut self,
        block: Block,
        memory: MemoryId,
        address: Id,
        offset: u64,
        width: u64,
    ) -> bool {
        let end = u128::from(offset) + u128::from(width);
        let (key, start) = self.key(address);
        if key.is_none() && start + end <= self.info.memory_min_bytes(memory) {
            return true;
        }
        if self.reaches(block, memory, key, start + end) {
            return true;
        }
        // `base + k` with `[base, base + e)` in bounds and `k < e`: the sum does not wrap, as memories end where
        // addresses do.
        let (base, k) = base_of(self.graph, address);
        k > 0 && key.is_some() && self.reaches(block, memory, Some(base), u128::from(k) + end)
    }

    /// Notes what an instruction that has been executed proves.
    pub fn executed(&mut self, f: &Function, built: &Built, block: Block, inst: Inst) {
        self.now = Some(block);
        let data = &f.insts[inst];
        let args = f.args(inst);
        match (data.op.kind(), data.imm) {
            (Kind::Load | Kind::Store, imm) => {
                if let (Some(m), Some(&address)) = (imm.memarg(), args.first()) {
                    let end = u128::from(m.offset) + u128::from(data.op.info().width);
                    self.add(block, m.memory, built.class(address), end);
                }
            }
            (Kind::MemoryCopy, Imm::MemCopy { dst, src }) => {
                if let Some(n) = self.length(built.class(args[2])) {
                    self.add(block, dst, built.class(args[0]), n);
                    self.add(block, src, built.class(args[1]), n);
                }
            }
            (Kind::MemoryFill, Imm::Memory(memory)) => {
                if let Some(n) = self.length(built.class(args[2])) {
                    self.add(block, memory, built.class(args[0]), n);
                }
            }
            _ => {}
        }
    }

    fn length(&self, class: Id) -> Option<u128> {
        self.graph[class].data.constant.and_then(Const::as_int).map(u128::from)
    }

    /// Whether an effect is known not to trap here.
    pub fn effect_cannot_trap(&mut self, f: &Function, built: &Built, block: Block, inst: Inst) -> bool {
        let data = &f.insts[inst];
        let classes: SmallVec<[Id; 4]> = f.args(inst).iter().map(|&a| built.class(a)).collect();
        let mut there = |memory: MemoryId, address: Id, offset: u64, length: Id| {
            let n = self.length(length).and_then(|n| u64::try_from(n).ok());
            n.is_some_and(|n| self.in_bounds(block, memory, address, offset, n))
        };
        match (data.op.kind(), data.imm, classes.as_slice()) {
            (Kind::Store, imm, &[address, _]) => imm.memarg().is_some_and(|m| {
                self.in_bounds(block, m.memory, address, m.offset, u64::from(data.op.info().width))
            }),
            (Kind::MemoryFill, Imm::Memory(m), &[to, _, n]) => there(m, to, 0, n),
            (Kind::MemoryCopy, Imm::MemCopy { dst, src }, &[to, from, n]) => {
                there(dst, to, 0, n) && there(src, from, 0, n)
            }
            (Kind::GlobalSet, ..) => true,
            _ => false,
        }
    }

    /// Whether an instruction that reads or may trap is known not to trap here, so that it need not be executed.
    pub fn cannot_trap(&mut self, f: &Function, built: &Built, block: Block, inst: Inst) -> bool {
        let data = &f.insts[inst];
        let args = f.args(inst);
        match data.op.kind() {
            Kind::Load => match (data.imm.memarg(), args.first()) {
                (Some(m), Some(&address)) => {
                    let width = u64::from(data.op.info().width);
                    self.in_bounds(block, m.memory, built.class(address), m.offset, width)
                }
                _ => false,
            },
            Kind::Trap => args.len() == 2 && division_cannot_trap(self.graph, data.op, built.class(args[1])),
            Kind::GlobalGet | Kind::MemorySize => true,
            _ => false,
        }
    }
}

/// Whether a division or remainder by this class cannot trap.
pub fn division_cannot_trap(graph: &Graph, op: Op, divisor: Id) -> bool {
    use crate::rules::Facts;
    let fact = &graph[graph.find(divisor)].data;
    match op {
        Op::I32DivU | Op::I64DivU | Op::I32RemU | Op::I64RemU | Op::I32RemS | Op::I64RemS => fact.nonzero,
        Op::I32DivS | Op::I64DivS => {
            let minus_one = match fact.constant {
                Some(Const::I32(c)) => c == u32::MAX,
                Some(Const::I64(c)) => c == u64::MAX,
                _ => !graph.nonneg(divisor),
            };
            fact.nonzero && !minus_one
        }
        _ => false,
    }
}
