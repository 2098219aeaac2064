//! Constant data: loads at constant addresses of bytes that nobody ever writes become constants.
//!
//! **Licence.** The memory is private ([`super::memories`]); all writes to it have constant addresses and lengths, and none is of these
//! bytes; they are within its initial size, so that the load does not trap. What they hold follows from the active segments, in
//! their order, and is zero elsewhere. Loads through a pointer that is itself constant data follow: addresses are computed on
//! the way.
//!
//! **Declines.** A segment of the memory whose offset is only known at instantiation, or that may not fit. A module that puts functions into
//! an imported table: where instantiation ends with a trap before data was copied, they can be called. Loads of lanes, of parts of
//! vectors and splats. For size, constants that take more bytes than the load by more than [`MORE_BYTES`].
//!
//! Complexity: linear in the graph, with a search among the segments for each constant load.

use super::memories::{Bytes, Memories, exact};
use super::reach::{constant, fits};
use crate::Objective;
use crate::cost::{const_bytes, sleb_len, uleb_len};
use crate::interp::{Const, Outcome, eval};
use crate::ir::entity::{DataId, MemoryId, Value};
use crate::ir::function::Function;
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, MemArg, Op};
use crate::memory::loaded;
use crate::module::{DataMode, ElemMode, Module};
use cranelift_entity::{EntityList, SecondaryMap};
use std::collections::BTreeMap;

/// For size, a constant may be this much longer than the load: what it makes foldable is worth more, mostly.
pub const MORE_BYTES: u64 = 1;

/// Where the bytes of a memory come from when the first body runs: for the start of each run that is not zero the end, the
/// segment, and the place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents(BTreeMap<u64, (u64, DataId, u64)>);

impl Contents {
    /// Of a memory that the module defines; `None` where that is not known.
    pub(super) fn of(module: &Module, memory: MemoryId) -> Option<Contents> {
        // Code could run though instantiation ended before the data was there.
        let leaks = |mode: &ElemMode| matches!(mode, ElemMode::Active { table, .. } if module.tables[*table].imported);
        if module.elems.values().any(|e| leaks(&e.mode)) {
            return None;
        }
        let size = module.memory_min_bytes(memory);
        let mut contents = Contents::default();
        for (id, segment) in &module.data {
            match &segment.mode {
                DataMode::Active { memory: m, offset } if *m == memory => {
                    let at = constant(offset).filter(|_| fits(offset, segment.bytes.len(), size))?;
                    contents.copy(at, at + segment.bytes.len() as u64, id);
                }
                DataMode::Active { .. } | DataMode::Passive => {}
            }
        }
        Some(contents)
    }

    /// A segment is copied over what is there.
    fn copy(&mut self, start: u64, end: u64, data: DataId) {
        if start == end {
            return;
        }
        while let Some((&at, &(to, old, from))) = self.0.range(..end).next_back()
            && to > start
        {
            self.0.remove(&at);
            if to > end {
                self.0.insert(end, (to, old, from + (end - at)));
            }
            if at < start {
                self.0.insert(at, (start, old, from));
                break;
            }
        }
        self.0.insert(start, (end, data, 0));
    }

    /// Some bytes, the first one lowest.
    fn read(&self, module: &Module, start: u64, width: u64) -> u128 {
        let mut bits = 0;
        let covers = |&(at, &(end, data, from)): &(&u64, &(u64, DataId, u64)), byte: u64| {
            (*at <= byte && byte < end).then(|| module.data[data].bytes[(from + (byte - at)) as usize])
        };
        for k in 0..width {
            let byte = self.0.range(..=start + k).next_back().and_then(|run| covers(&run, start + k));
            bits |= u128::from(byte.unwrap_or(0)) << (8 * k);
        }
        bits
    }
}

impl Memories {
    /// What a load at a constant address gives, if that is always the same.
    fn load(&self, module: &Module, op: Op, arg: MemArg, address: u64) -> Option<Const> {
        let private = self.get(arg.memory)?;
        let contents = private.contents.as_ref()?;
        let (start, end) = exact(address, arg, op);
        if end > private.size || private.writes == Bytes::All {
            return None;
        }
        // No memory of a module reaches beyond 64 bits.
        let (start, end) = (u64::try_from(start).ok()?, u64::try_from(end).ok()?);
        if !private.writes.miss((start, end)) {
            return None;
        }
        let bits = contents.read(module, start, end - start);
        if op == Op::V128Load {
            return Some(Const::V128(bits));
        }
        let (ty, signed) = loaded(op)?;
        let unused = 128 - 8 * (end - start) as u32;
        let bits = if signed { ((bits << unused) as i128 >> unused) as u128 } else { bits };
        Const::from_bits(ty, bits)
    }
}

/// Turns the loads of constant data into constants; how many.
pub(super) fn fold_loads(
    f: &mut Function,
    memories: &Memories,
    module: &Module,
    objective: Objective,
) -> u64 {
    let mut known: SecondaryMap<Value, Option<Const>> = SecondaryMap::new();
    let mut folded = 0;
    for n in 0..f.layout.len() {
        for k in 0..f.blocks[f.layout[n]].insts.len() {
            let inst = f.blocks[f.layout[n]].insts[k];
            let (op, imm) = (f.insts[inst].op, f.insts[inst].imm);
            let Some(result) = f.result(inst) else { continue };
            let address = || f.args(inst).first().and_then(|&a| known[a]);
            match (op.kind(), imm) {
                (Kind::Const, _) => known[result] = Const::from_imm(&imm),
                (Kind::Load, Imm::Mem(arg)) => {
                    let Some(address) = address() else { continue };
                    let Some(value) = address.as_int().and_then(|a| memories.load(module, op, arg, a)) else {
                        continue;
                    };
                    // Also what is not written as a constant may be an address.
                    known[result] = Some(value);
                    if objective == Objective::Speed
                        || const_bytes(value) <= load_bytes(arg, address) + MORE_BYTES
                    {
                        (f.insts[inst].op, f.insts[inst].imm) = value.to_op();
                        f.insts[inst].args = EntityList::new();
                        folded += 1;
                    }
                }
                (Kind::Pure, _) => {
                    let args: Option<Vec<Const>> = f.args(inst).iter().map(|&a| known[a]).collect();
                    if let Some(args) = args
                        && let Outcome::Value(value) = eval(op, &imm, &args)
                    {
                        known[result] = Some(value);
                    }
                }
                _ => {}
            }
        }
    }
    folded
}

/// Bytes of a load at a constant address. A number of four bytes is taken for as short as its load, whatever that is: it is a
/// pointer, a length or a tag, and what is known of those makes other code go.
fn load_bytes(arg: MemArg, address: Const) -> u64 {
    let memory = u64::from(arg.memory.as_u32() > 0);
    let constant = match address {
        Const::I32(n) => sleb_len((n as i32).into()),
        other => sleb_len(other.bits() as u64 as i64),
    };
    (3 + memory + uleb_len(arg.offset) + constant).max(5)
}
