//! Memories with disjoint ranges in one: private memories of which every access is known to stay within the initial size.
//!
//! **What.** [`Extents`] finds, for each memory, the end of the bytes that anything can access, or the reason why nobody knows.
//! [`Merging::plan`] puts the memories whose ends are known one behind the other into the first of them, and says of every pair
//! of memories why it did not become one. [`Merging::apply`] changes a graph and [`Merging::apply_to_module`] the data segments.
//!
//! **Licence.** A merged memory is the module's own, not exported, and neither grows nor is asked for its size. No access, fill,
//! copy, `memory.init` or data segment traps before, since its end is within the initial size, and none traps afterwards; each
//! memory keeps a range of bytes that starts as zero and that no other one reaches. So every load gives what it gave.
//!
//! Linear in the accesses and in the pairs of memories, of which a module has few (validation allows 100 memories).

use super::reach::{constant, fits};
use crate::analysis::{Bits, Cfg};
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::types::Type;
use crate::module::{ConstExpr, ConstOp, DataMode, Entity, Fate, Module, Plan};
use crate::report::{AddressSpace, MemoryPair};
use cranelift_entity::EntityRef;

/// Name of the pass in reports.
pub const PASS: &str = "merged-memories";
/// Ranges start at multiples of this, so that what was aligned stays so.
const ALIGN: u64 = 16;
/// Bytes of a page.
const PAGE: u64 = 1 << 16;
/// Largest merged memory, so that no address behind its range is beyond 32 bits.
const MAX_BYTES: u64 = (1 << 32) - PAGE;

/// The memories that an immediate names: written or accessed, and read by a copy.
fn memories(imm: &Imm) -> [Option<MemoryId>; 2] {
    match *imm {
        Imm::Mem(m) | Imm::MemLane(m, _) => [Some(m.memory), None],
        Imm::Memory(m) | Imm::MemInit { memory: m, .. } => [Some(m), None],
        Imm::MemCopy { dst, src } => [Some(dst), Some(src)],
        _ => [None, None],
    }
}

/// How far the accesses of one function to a memory reach: to this byte, exclusive, or it is not known why.
pub type Reached = (MemoryId, Result<u64, &'static str>);

/// What a graph does to memories, each access.
pub fn reached(f: &Function, module: &Module) -> Vec<Reached> {
    let accesses = |i: &Inst| memories(&f.insts[*i].imm)[0].is_some();
    if !f.layout.iter().any(|&b| f.blocks[b].insts.iter().any(accesses)) {
        return Vec::new();
    }
    let bits = Bits::compute(f, &Cfg::compute(f), &|_, _| 0);
    let max = |v: Value| u128::from(bits.max(f, v));
    let mut found = Vec::new();
    for &i in f.layout.iter().flat_map(|&b| &f.blocks[b].insts) {
        let data = &f.insts[i];
        let [Some(memory), source] = memories(&data.imm) else { continue };
        let mut end = |memory: MemoryId, end: u128, otherwise: &'static str| {
            let m = &module.memories[memory];
            let size = u128::from(m.initial) * u128::from(m.page_size());
            let end = if end <= size { u64::try_from(end).map_err(|_| otherwise) } else { Err(otherwise) };
            found.push((memory, end));
        };
        let args = f.args(i);
        match (data.op.kind(), args, data.imm.memarg()) {
            (Kind::Load | Kind::Store, [address, ..], Some(m)) => {
                let bytes = u128::from(m.offset) + u128::from(data.op.info().width);
                end(memory, max(*address) + bytes, "an access is not known to stay within its initial size");
            }
            (Kind::MemoryFill, &[to, _, n], _) => {
                end(memory, max(to) + max(n), "a fill is not known to stay within its initial size");
            }
            (Kind::MemoryInit, &[to, _, n], _) => {
                end(memory, max(to) + max(n), "`memory.init` is not known to stay within its initial size");
            }
            (Kind::MemoryCopy, &[to, from, n], _) => {
                let reason = "a copy is not known to stay within its initial size";
                end(memory, max(to) + max(n), reason);
                if let Some(source) = source {
                    end(source, max(from) + max(n), reason);
                }
            }
            (Kind::MemoryGrow, ..) => found.push((memory, Err("it may grow"))),
            (Kind::MemorySize, ..) => found.push((memory, Err("its size is asked for"))),
            (Kind::Atomic, ..) => found.push((memory, Err("it is accessed atomically"))),
            _ => found.push((memory, Err("it is used in a way that is not known"))),
        }
    }
    found
}

/// Ends of what can be accessed, by memory.
pub struct Extents(Vec<Result<u64, &'static str>>);

impl Extents {
    /// As far as the module without its bodies says.
    pub fn of(module: &Module) -> Extents {
        let mut extents = Extents(vec![Ok(0); module.memories.len()]);
        for (memory, m) in &module.memories {
            let declined = [
                (m.imported, "it is imported"),
                (m.shared, "threads share it"),
                (m.memory64, "its addresses have 64 bits"),
                (m.page_size_log2.is_some(), "its pages have a size of their own"),
            ];
            for (_, reason) in declined.into_iter().filter(|(is, _)| *is) {
                extents.add(memory, Err(reason));
            }
        }
        for export in &module.exports {
            if let Entity::Memory(memory) = export.entity {
                extents.add(memory, Err("it is exported"));
            }
        }
        for segment in module.data.values() {
            let DataMode::Active { memory, offset } = &segment.mode else { continue };
            let size = u128::from(module.memories[*memory].initial) * u128::from(PAGE);
            let end = match constant(offset).filter(|_| fits(offset, segment.bytes.len(), size)) {
                Some(at) if offset.as_i32().is_some() => Ok(at + segment.bytes.len() as u64),
                _ => Err("a data segment is not known to fit"),
            };
            extents.add(*memory, end);
        }
        extents
    }

    /// Adds what some code does. The first reason stays.
    pub fn add(&mut self, memory: MemoryId, end: Result<u64, &'static str>) {
        if let Some(known) = self.0.get_mut(memory.index()) {
            match (&known, end) {
                (Ok(k), Ok(e)) => *known = Ok(e.max(*k)),
                (Ok(_), Err(reason)) => *known = Err(reason),
                (Err(_), _) => {}
            }
        }
    }

    /// Whether at least two memories may become one.
    pub fn are_enough(&self) -> bool {
        self.0.iter().filter(|e| e.is_ok()).count() > 1
    }
}

/// Which memories become one, and where each begins in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merging {
    /// The first of them: its bytes stay where they are.
    host: MemoryId,
    /// Where the bytes of the others begin, by memory.
    starts: Vec<Option<u64>>,
    /// Size of the merged memory.
    pages: u64,
}

impl Merging {
    /// Puts one behind the other what can be, in the order of indices. `None`: fewer than two memories can. The report tells of
    /// every pair of memories what became of it.
    pub fn plan(module: &Module, extents: &Extents) -> (Option<Merging>, AddressSpace) {
        let count = module.memories.len();
        let mut starts: Vec<Option<u64>> = vec![None; count];
        let mut reasons: Vec<&'static str> = vec![""; count];
        let (mut host, mut end, mut before) = (None, 0u64, 0);
        for (n, extent) in extents.0.iter().enumerate() {
            match *extent {
                Ok(bytes) if bytes <= MAX_BYTES - end => {
                    starts[n] = Some(end);
                    host = host.or(Some(MemoryId::new(n)));
                    before += module.memories[MemoryId::new(n)].initial * PAGE;
                    end = (end + bytes).next_multiple_of(ALIGN);
                }
                Ok(_) => reasons[n] = "together they are larger than a memory can be",
                Err(reason) => reasons[n] = reason,
            }
        }
        let pages = end.div_ceil(PAGE);
        let merging = host.filter(|_| starts.iter().flatten().count() > 1).map(|host| Merging {
            host,
            starts: starts.clone(),
            pages,
        });
        let mut space = AddressSpace::default();
        if merging.is_some() {
            (space.before, space.after) = (before, pages * PAGE);
        }
        for first in 0..count {
            for second in first + 1..count {
                let declined = [first, second].into_iter().find(|&n| starts[n].is_none());
                let reason = declined.map_or(String::new(), |n| format!("memory {n}: {}", reasons[n]));
                space.pairs.push(MemoryPair {
                    memories: [first as u32, second as u32],
                    merged: declined.is_none(),
                    reason,
                });
            }
        }
        (merging, space)
    }

    /// How many memories are gone afterwards.
    pub fn moved(&self) -> u64 {
        self.starts.iter().flatten().count() as u64 - 1
    }

    /// Where the bytes of a memory begin in the merged one; `None` for memories that stay by themselves.
    fn start(&self, memory: MemoryId) -> Option<u64> {
        self.starts.get(memory.index()).copied().flatten()
    }

    /// Whether code that names a memory has to change.
    pub fn moves(&self, memory: MemoryId) -> bool {
        memory != self.host && self.start(memory).is_some()
    }

    /// Moves the data segments, sets the size, and leaves the memories out that were moved.
    pub fn apply_to_module(&self, module: &mut Module) -> Plan {
        let mut plan = Plan::default();
        for segment in module.data.values_mut() {
            let DataMode::Active { memory, offset } = &mut segment.mode else { continue };
            if let (Some(start), Some(at)) = (self.start(*memory), offset.as_i32()) {
                *offset = ConstExpr::new(ConstOp::I32Const(at.wrapping_add(start as u32 as i32)));
                *memory = self.host;
            }
        }
        let host = &mut module.memories[self.host];
        // Nothing grows it.
        (host.initial, host.maximum) = (self.pages, Some(self.pages));
        for memory in module.memories.keys().filter(|&m| self.moves(m)) {
            plan.memories[memory] = Fate::Remove;
        }
        plan
    }

    /// Moves the accesses of a graph.
    pub fn apply(&self, f: &mut Function) {
        for b in f.layout.clone() {
            let mut at = 0;
            while let Some(&i) = f.blocks[b].insts.get(at) {
                at += 1 + self.move_one(f, b, at, i);
            }
        }
    }

    /// Moves what one instruction accesses; how many were put before it.
    fn move_one(&self, f: &mut Function, block: Block, at: usize, inst: Inst) -> usize {
        let mut imm = f.insts[inst].imm;
        let mut operands = [None, None];
        let moved = |memory: &mut MemoryId, operand: Option<&mut Option<u64>>| {
            let start = self.start(*memory).filter(|_| self.moves(*memory))?;
            *memory = self.host;
            if let Some(operand) = operand {
                *operand = Some(start);
            }
            Some(start)
        };
        match &mut imm {
            Imm::Mem(m) | Imm::MemLane(m, _) => {
                if let Some(start) = moved(&mut m.memory, None) {
                    m.offset += start;
                }
            }
            Imm::Memory(m) | Imm::MemInit { memory: m, .. } => {
                moved(m, Some(&mut operands[0]));
            }
            Imm::MemCopy { dst, src } => {
                moved(dst, Some(&mut operands[0]));
                moved(src, Some(&mut operands[1]));
            }
            _ => return 0,
        }
        f.insts[inst].imm = imm;
        let mut made = Vec::new();
        for (n, start) in operands.into_iter().enumerate().filter_map(|(n, s)| s.map(|s| (n, s))) {
            let by = f.make_inst(Op::I32Const, Imm::I32(start as u32 as i32), &[], &[Type::I32]);
            let address = f.args(inst)[n];
            let args = [address, f.results(by)[0]];
            let sum = f.make_inst(Op::I32Add, Imm::None, &args, &[Type::I32]);
            let sum_value = f.results(sum)[0];
            let mut list = f.insts[inst].args;
            list.as_mut_slice(&mut f.pool)[n] = sum_value;
            f.insts[inst].args = list;
            made.extend([by, sum]);
        }
        let count = made.len();
        f.blocks[block].insts.splice(at..at, made);
        count
    }
}
