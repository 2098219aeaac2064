//! Return areas at constant addresses, and which bytes of them nobody reads any more.
//!
//! Bindings return what does not fit into a register through memory: the callee writes it to a static area of its own and
//! returns the address, the adapter fetches it from there. Once both are in one function, loads have become what was stored, and
//! the stores are left.
//!
//! **Found.** An adapter reads at a constant distance from what a call returned, and the callee always returns the same
//! constant: the area is what the adapter reads there. Areas are found in the first round and handed on to the next ones, in which
//! the adapters are gone.
//!
//! **Licence** (assumption `return-areas`: what a component returns results in at a constant address is reached only from that
//! constant). A byte of an area is unread if no access at a constant address reads it, its memory is neither imported nor
//! exported, no word of a constant that may point into the area is used in another way than as an address, by code, a global or data, and no
//! body is kept as bytes.

use super::Shape;
use crate::ir::entity::{FuncId, MemoryId, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::{Imm, Op};
use crate::memory::objects::{Objects, Root, constant};
use crate::module::{ConstOp, DataMode, Entity, Module};
use hashbrown::HashMap;

/// Offsets and constants below are no addresses of areas: null, and what is accessed through small offsets.
const LOWEST: u32 = 1024;

/// A return area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    /// The memory that it is in.
    pub memory: MemoryId,
    /// Its first byte.
    pub start: u32,
    /// Behind its last byte.
    pub end: u32,
}

/// What one function does with constant addresses.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    /// Constants that are used in another way than as an address of bytes that are known, ascending.
    numbers: Vec<u32>,
    /// Bytes that are read at constant addresses: first, and behind the last.
    reads: Vec<Area>,
    /// The constant that every return gives.
    returns: Option<u32>,
    /// What is read from what a callee returned: so many bytes behind that.
    fetches: Vec<(FuncId, MemoryId, u32)>,
}

impl Constants {
    /// Of a graph. `fetches`: whether it is an adapter.
    pub fn of(f: &Function, objects: &Objects<'_>, fetches: bool) -> Constants {
        let mut found = Constants { returns: returned(f), ..Constants::default() };
        let mut called: HashMap<Root, FuncId> = HashMap::new();
        for &b in &f.layout {
            for &i in &f.blocks[b].insts {
                if let (Op::Call, Imm::Func(callee), Some(v)) = (f.insts[i].op, f.insts[i].imm, f.result(i)) {
                    called.insert(Root::Value(v), callee);
                }
                let (read, written) = (objects.read(f, i), objects.written(f, i));
                if let Some(read) = read
                    && let Some(n) = read.width
                {
                    if let Some(start) = objects.exact(&read) {
                        let end = start.saturating_add(n);
                        found.reads.push(Area { memory: read.memory, start, end });
                    }
                    if fetches && let Some(&callee) = called.get(&read.place.root) {
                        found.fetches.push((callee, read.memory, read.place.offset.saturating_add(n)));
                    }
                }
                // The operands that are addresses of bytes that are known are nothing else.
                let is_copy = f.insts[i].op == Op::MemoryCopy;
                let accesses = [(written, 0), (read, usize::from(is_copy))];
                let mut named = [false; 2];
                for (access, at) in accesses.iter().filter_map(|(a, at)| a.as_ref().map(|a| (a, *at))) {
                    named[at] = access.width.is_some() && objects.exact(access).is_some();
                    if !named[at] {
                        found.numbers.push(access.place.offset);
                    }
                }
                for (n, &v) in f.args(i).iter().enumerate() {
                    if !named.get(n).copied().unwrap_or(false) {
                        found.number(f, v);
                    }
                }
                // What is added may be written as the subtraction of its opposite, which can be shorter.
                if let (Op::I32Sub, &[_, v]) = (f.insts[i].op, f.args(i))
                    && let Some(n) = constant(f, v)
                {
                    found.numbers.push(n.wrapping_neg());
                }
                // Atomic accesses have an offset as well.
                if let (None, None, Some(m)) = (read, written, f.insts[i].imm.memarg()) {
                    found.numbers.push(objects.place(f.args(i)[0]).plus(m.offset as u32).offset);
                }
            }
            let term = f.term(b);
            term.operands(&f.pool).iter().for_each(|&v| found.number(f, v));
            term.edges().flat_map(|e| f.edge_args(e)).for_each(|&v| found.number(f, v));
        }
        found.numbers.retain(|&n| n >= LOWEST);
        found.numbers.sort_unstable();
        found.numbers.dedup();
        found.reads.sort_unstable();
        found.reads.dedup();
        found
    }

    /// A value is used as a number: if it is a constant, each of its words may be an address.
    fn number(&mut self, f: &Function, v: Value) {
        let Some(inst) = f.def_inst(v) else { return };
        let imm = f.insts[inst].imm;
        let words = match imm {
            Imm::I32(_) | Imm::F32(_) => 1,
            Imm::I64(_) | Imm::F64(_) => 2,
            _ => 4,
        };
        let bits = imm.const_bits().filter(|_| f.insts[inst].op.is_const()).unwrap_or(0);
        self.numbers.extend((0..words).map(|n| (bits >> (32 * n)) as u32));
    }
}

/// The constant that every return of a function with one result gives.
fn returned(f: &Function) -> Option<u32> {
    let mut found = None;
    for &b in &f.layout {
        match f.term(b) {
            Terminator::Return(list) => {
                let &[v] = list.as_slice(&f.pool) else { return None };
                let c = constant(f, v)?;
                if *found.get_or_insert(c) != c {
                    return None;
                }
            }
            Terminator::TailCall { .. } => return None,
            _ => {}
        }
    }
    found
}

/// The return areas of a module, each whole.
pub fn areas(shapes: &[Shape]) -> Vec<Area> {
    let mut list: Vec<Area> = Vec::new();
    for shape in shapes {
        for &(callee, memory, width) in shape.constants.iter().flat_map(|c| &c.fetches) {
            let callee = shapes.get(callee.as_u32() as usize).and_then(|s| s.constants.as_ref());
            if let Some(start) = callee.and_then(|c| c.returns)
                && start >= LOWEST
                && let Some(end) = start.checked_add(width)
            {
                list.push(Area { memory, start, end });
            }
        }
    }
    merged(list)
}

/// Overlapping and adjacent ranges as one.
pub(super) fn merged(mut list: Vec<Area>) -> Vec<Area> {
    list.sort_unstable();
    let mut out: Vec<Area> = Vec::with_capacity(list.len());
    for area in list {
        match out.last_mut() {
            Some(last) if last.memory == area.memory && area.start <= last.end => {
                last.end = last.end.max(area.end)
            }
            _ => out.push(area),
        }
    }
    out
}

/// The bytes of return areas that nobody reads.
pub fn unread(module: &Module, shapes: &[Shape], areas: &[Area]) -> Vec<Area> {
    let raw = module.funcs.iter().zip(shapes).any(|((_, f), s)| f.body.is_some() && s.constants.is_none());
    if raw || areas.is_empty() {
        return Vec::new();
    }
    let mut numbers: Vec<u32> =
        shapes.iter().flat_map(|s| s.constants.iter().flat_map(|c| c.numbers.iter().copied())).collect();
    for global in module.globals.values() {
        let ops = global.init.as_ref().map_or(&[][..], |e| &e.ops);
        for op in ops {
            match op {
                ConstOp::I32Const(n) => numbers.push(*n as u32),
                ConstOp::I64Const(n) => numbers.extend([*n as u32, (*n >> 32) as u32]),
                ConstOp::V128Const(n) => numbers.extend((0..4).map(|w| (*n >> (32 * w)) as u32)),
                // What is computed is not known.
                ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => return Vec::new(),
                ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => return Vec::new(),
                _ => {}
            }
        }
    }
    numbers.sort_unstable();
    let data = pieces(module);
    let reads = merged(
        shapes.iter().flat_map(|s| s.constants.iter().flat_map(|c| c.reads.iter().copied())).collect(),
    );
    let mut out = Vec::new();
    for &area in areas.iter().filter(|a| is_private(module, a)) {
        let first = numbers.partition_point(|&n| n < area.start);
        if numbers.get(first).is_some_and(|&n| n < area.end) || is_in_data(&data, &area) {
            continue;
        }
        let mut at = area.start;
        for read in
            reads.iter().filter(|r| r.memory == area.memory && r.start < area.end && r.end > area.start)
        {
            if read.start > at {
                out.push(Area { start: at, end: read.start, ..area });
            }
            at = at.max(read.end);
        }
        if at < area.end {
            out.push(Area { start: at, ..area });
        }
    }
    out
}

/// Whether nobody outside can see an area, and writing it does not trap.
fn is_private(module: &Module, area: &Area) -> bool {
    let Some(memory) = module.memories.get(area.memory) else { return false };
    let exported = module.exports.iter().any(|e| e.entity == Entity::Memory(area.memory));
    let bytes = memory.initial.saturating_mul(1 << 16);
    let plain = !memory.imported && !memory.memory64 && !memory.shared && memory.page_size_log2.is_none();
    plain && !exported && u64::from(area.end) <= bytes
}

/// Whether data has a word that points into an area.
fn is_in_data(data: &[Vec<u8>], area: &Area) -> bool {
    let points = |w: &[u8]| (area.start..area.end).contains(&u32::from_le_bytes([w[0], w[1], w[2], w[3]]));
    data.iter().any(|bytes| bytes.windows(4).any(points))
}

/// The data of a module in pieces that each have all words which its bytes are in: a segment that was packed begins or ends
/// in the middle of one, and the zeros around it, or the segment next to it, are the rest.
fn pieces(module: &Module) -> Vec<Vec<u8>> {
    let mut placed: Vec<(MemoryId, u64, &[u8])> = Vec::new();
    let mut pieces = Vec::new();
    for segment in module.data.values() {
        match &segment.mode {
            DataMode::Active { memory, offset } if offset.as_i32().is_some() => {
                let at = offset.as_i32().map_or(0, |n| u64::from(n as u32));
                placed.push((*memory, at, &segment.bytes));
            }
            _ => pieces.push([&[0; 3], &segment.bytes[..], &[0; 3]].concat()),
        }
    }
    placed.sort_unstable();
    let mut last: Option<(MemoryId, u64)> = None;
    for (memory, at, bytes) in placed {
        let gap = last.filter(|l| l.0 == memory).and_then(|(_, end)| at.checked_sub(end));
        match (gap, pieces.last_mut()) {
            // Three zeros stand at the end of the piece already.
            (Some(gap @ 0..=3), Some(piece)) => piece.truncate(piece.len() - 3 + gap as usize),
            _ => pieces.push(vec![0; 3]),
        }
        if let Some(piece) = pieces.last_mut() {
            piece.extend_from_slice(bytes);
            piece.extend([0; 3]);
        }
        last = Some((memory, at + bytes.len() as u64));
    }
    pieces
}
