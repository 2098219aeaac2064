//! Which bytes of the private memories the last bodies read: what decides on the bytes of data segments.
//!
//! It is read from the bytes of the bodies, whoever made them, so that a body of the input that comes back brings its reads. A read
//! counts as one at a constant address where a constant is pushed right before it; everything that is not known to be no
//! read is one of all bytes.
//!
//! Linear in the code of the bodies that name a private memory with data, of which all are looked at only while no memory is read
//! at unknown addresses.

use super::facts::BodyFacts;
use super::memories::{Bytes, Range, traps};
use super::reach::Live;
use crate::ir::entity::{FuncId, MemoryId};
use crate::ir::ops::{Imm, Kind};
use crate::lift::decode_operator;
use crate::module::{DataMode, Entity, Module, TypeMap, Use, rewrite_body};
use cranelift_entity::{EntityRef, EntitySet, SecondaryMap};
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmparser::Operator;

/// What is read of the memories that have data and are private.
#[derive(Clone, Debug, Default)]
pub struct Seen(SecondaryMap<MemoryId, Option<Bytes>>);

/// Reads of one body; `None`: of any bytes.
type Reads = Vec<(MemoryId, Option<Range>)>;

impl Seen {
    /// By the functions that can be called, of a module of which all exports stay.
    pub fn of(module: &Module, facts: &[BodyFacts], live: &Live) -> Seen {
        let mut private = EntitySet::new();
        for (_, segment) in module.data.iter().filter(|(id, _)| live.data.contains(*id)) {
            if let DataMode::Active { memory, .. } = segment.mode
                && !module.memories[memory].imported
                && !module.memories[memory].shared
            {
                private.insert(memory);
            }
        }
        for export in &module.exports {
            if let Entity::Memory(m) = export.entity {
                private.remove(m);
            }
        }
        let mut seen = Seen::default();
        private.iter().for_each(|m| seen.0[m] = Some(Bytes::default()));
        let names = |u: &Use| matches!(u, Use::Of(Entity::Memory(m)) if private.contains(*m));
        let concerns = |f: &FuncId| facts.get(f.index()).is_some_and(|facts| facts.uses().iter().any(names));
        let bodies: Vec<FuncId> =
            module.funcs.keys().filter(|&f| live.called.contains(f)).filter(concerns).collect();
        // Which memories are not read at unknown addresses, as far as that is known.
        let open: Vec<AtomicBool> =
            module.memories.keys().map(|m| AtomicBool::new(private.contains(m))).collect();
        let left = || open.iter().any(|open| open.load(Ordering::Relaxed));
        let scan = |&func: &FuncId| {
            if !left() {
                // All are read at unknown addresses: someone else has said so.
                return Reads::new();
            }
            let reads = reads(module, func, &private);
            for (memory, _) in reads.iter().filter(|(_, range)| range.is_none()) {
                open[memory.index()].store(false, Ordering::Relaxed);
            }
            reads
        };
        let all: Vec<Reads> = bodies.par_iter().map(scan).collect();
        for (memory, range) in all.into_iter().flatten() {
            if let Some(bytes) = &mut seen.0[memory] {
                bytes.add(range);
            }
        }
        seen.0.values_mut().flatten().for_each(Bytes::sort);
        seen
    }

    /// The bytes of a memory that are read; `None` where others than bodies may read it.
    pub fn reads(&self, memory: MemoryId) -> Option<&Bytes> {
        self.0.get(memory)?.as_ref()
    }
}

/// What a body reads of these memories.
fn reads(module: &Module, func: FuncId, memories: &EntitySet<MemoryId>) -> Reads {
    let (bytes, offset) = module.body(func);
    let list = std::cell::RefCell::new(Reads::new());
    let types = TypeMap::default();
    // The constants that were pushed last, with nothing behind them; the last one first.
    let mut pushed: [Option<u64>; 3] = [None; 3];
    let mut known = |operator: &Operator<'_>, _: &mut _| {
        let constants = std::mem::take(&mut pushed);
        // What has no row is for the walk over what it names; it may be what a constant is pushed before.
        let Ok((op, imm)) = decode_operator(operator, &types) else { return false };
        let range = |from: Option<u64>, offset: u64, length: Option<u64>| {
            let start = from?.checked_add(offset)?;
            Some((start, start.checked_add(length?)?))
        };
        match (op.kind(), imm) {
            (Kind::Const, Imm::I32(_) | Imm::I64(_)) => {
                let value = match imm {
                    Imm::I32(n) => u64::from(n as u32),
                    Imm::I64(n) => n as u64,
                    _ => return false,
                };
                pushed = [Some(value), constants[0], constants[1]];
            }
            (Kind::Load, Imm::Mem(arg)) => {
                let range = range(constants[0], arg.offset, Some(op.info().width.into()));
                list.borrow_mut().push((arg.memory, range));
            }
            (Kind::MemoryCopy, Imm::MemCopy { src, .. }) => {
                list.borrow_mut().push((src, range(constants[1], 0, constants[0])));
            }
            (Kind::Store | Kind::MemorySize | Kind::MemoryGrow | Kind::MemoryFill | Kind::MemoryInit, _) => {}
            _ => return false,
        }
        true
    };
    let walked = rewrite_body(bytes, offset, &mut known, &mut |entity| {
        if let Entity::Memory(m) = entity {
            list.borrow_mut().push((m, None));
        }
        0
    });
    let mut list = list.into_inner();
    if walked.is_err() {
        list = memories.iter().map(|m| (m, None)).collect();
    }
    list.retain(|&(m, range)| memories.contains(m) && !traps(module, m, range));
    list.sort_unstable();
    list.dedup();
    list
}
