//! Zeros at the ends of data segments: a memory is zero before its segments are copied, so writing zeros there says nothing.
//!
//! Declines where the memory is imported, where an offset is only known at instantiation or a segment may not fit, and where
//! two segments overlap (the zeros of the later one then replace bytes of the earlier). What a body may do with an active
//! segment does not depend on its bytes: it is dropped when the module is instantiated.
//!
//! Linear in the bytes of the segments, but for sorting the segments of each memory.

use super::reach::{Live, constant, fits};
use crate::ir::entity::DataId;
use crate::module::{ConstExpr, ConstOp, DataMode, DataSegment, Module};
use cranelift_entity::EntityRef;

/// A larger offset may take more bytes than a smaller one: up to four for `i32`, up to nine for `i64`.
const LEADING: usize = 9;

/// Trims the segments that are written; gives the bytes saved, and takes segments out of `live` that are empty then and
/// that no body names.
pub fn trim(module: &mut Module, live: &mut Live) -> u64 {
    let mut of_memory: Vec<Vec<(u64, DataId)>> = vec![Vec::new(); module.memories.len()];
    let mut declined = vec![false; module.memories.len()];
    for (id, segment) in module.data.iter().filter(|(id, _)| live.data.contains(*id)) {
        let DataMode::Active { memory, offset } = &segment.mode else { continue };
        let m = &module.memories[*memory];
        let size = u128::from(m.initial) * u128::from(m.page_size());
        match constant(offset) {
            Some(at) if !m.imported && fits(offset, segment.bytes.len(), size) => {
                of_memory[memory.index()].push((at, id));
            }
            _ => declined[memory.index()] = true,
        }
    }
    let mut saved = 0;
    for (mut segments, _) in of_memory.into_iter().zip(declined).filter(|(_, declined)| !declined) {
        segments.sort_unstable();
        // They fit, so no end overflows.
        let end = |(at, id): (u64, DataId)| at + module.data[id].bytes.len() as u64;
        if segments.windows(2).any(|w| end(w[0]) > w[1].0) {
            continue;
        }
        for (_, id) in segments {
            saved += trim_one(&mut module.data[id]);
            if module.data[id].bytes.is_empty() && !live.named_data.contains(id) {
                live.data.remove(id);
            }
        }
    }
    saved
}

fn trim_one(segment: &mut DataSegment) -> u64 {
    let DataMode::Active { offset, .. } = &mut segment.mode else { return 0 };
    let before = segment.bytes.len();
    let end = segment.bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    segment.bytes.truncate(end);
    let start = segment.bytes.iter().position(|&b| b != 0).unwrap_or(0);
    if start > LEADING {
        let moved = match offset.ops[..] {
            [ConstOp::I32Const(v)] => ConstOp::I32Const(v.wrapping_add(start as i32)),
            [ConstOp::I64Const(v)] => ConstOp::I64Const(v.wrapping_add(start as i64)),
            _ => return (before - end) as u64,
        };
        *offset = ConstExpr::new(moved);
        segment.bytes.drain(..start);
    }
    (before - segment.bytes.len()) as u64
}
