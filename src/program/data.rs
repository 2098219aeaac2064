//! Active data segments written with the fewest bytes: without zeros at their ends and long runs of zeros inside, neighbours as one,
//! without bytes that nobody reads.
//!
//! **What.** The bytes that are not zero are looked at as runs; two runs are one segment when the zeros between them take no more
//! bytes than a segment of its own. Of a private memory that is only read at constant addresses ([`super::seen`]), other bytes count
//! as zeros.
//!
//! **Licence.** The memory is the module's own, so it is zero before its segments are copied; all of them surely fit, and none overlaps
//! another, so neither their order nor their number is seen. What a body may do with an active segment does not depend on its
//! bytes: it is dropped when the module is instantiated.
//!
//! **Declines.** Imported memories; offsets that are only known at instantiation; a segment that may not fit; segments that overlap. More than
//! [`MAX_SEGMENTS`] segments: then longer runs of zeros are written.
//!
//! Passive segments with the same bytes become one where no body drops any of them ([`merge_passive`]).
//!
//! Linear in the bytes of the segments, but for sorting the segments of each memory.

use super::memories::Bytes;
use super::reach::{Live, constant, fits};
use super::seen::Seen;
use crate::cost::{sleb_len, uleb_len};
use crate::ir::entity::{DataId, MemoryId};
use crate::module::{ConstExpr, ConstOp, DataMode, DataSegment, Fate, Module, Plan};
use cranelift_entity::EntityRef;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// Zeros that are never worth a segment of their own.
const MIN_GAP: u64 = 4;
/// Segments that the data of a memory is cut into at most.
pub const MAX_SEGMENTS: usize = 1 << 12;
/// Name of that limit in the report.
pub const LIMIT: &str = "data-segments";

/// Rewrites the segments that are written; takes segments out of `live` that are empty then and that no body names. What was saved, by
/// pass: bytes of the data section, bytes that nobody reads; and how many memories would have got too many segments.
pub fn pack(module: &mut Module, live: &mut Live, seen: &Seen) -> (BTreeMap<String, u64>, u64) {
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
    let (mut saved, mut unread, mut limited) = (0, 0, 0);
    for (n, mut segments) in of_memory.into_iter().enumerate().filter(|(n, _)| !declined[*n]) {
        segments.sort_unstable();
        // They fit, so no end overflows.
        let end = |(at, id): (u64, DataId)| at + module.data[id].bytes.len() as u64;
        if segments.windows(2).any(|w| end(w[0]) > w[1].0) {
            continue;
        }
        let memory = MemoryId::new(n);
        if let Some(reads) = seen.reads(memory) {
            unread += segments.iter().map(|&(at, id)| clear(&mut module.data[id], at, reads)).sum::<u64>();
        }
        let (bytes, too_many) = pack_memory(module, live, memory, &segments);
        saved += bytes;
        limited += u64::from(too_many);
    }
    let counts = [("zero-data-bytes", saved), ("unread-data-bytes", unread)];
    (counts.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n)).collect(), limited)
}

/// Lets passive segments with the same bytes be one; how many are another one then. Not those that a body drops: the others can still be
/// used after that.
pub fn merge_passive(module: &Module, live: &Live, plan: &mut Plan) -> u64 {
    let mut first: HashMap<&[u8], DataId> = HashMap::new();
    let mut merged = 0;
    for (id, segment) in &module.data {
        let passive = matches!(segment.mode, DataMode::Passive);
        if !passive || !live.data.contains(id) || live.dropped_data.contains(id) {
            continue;
        }
        let same = *first.entry(&segment.bytes).or_insert(id);
        if same != id {
            plan.data[id] = Fate::Merge(same);
            merged += 1;
        }
    }
    merged
}

/// Makes zeros of what nobody reads; how many bytes that were none.
fn clear(segment: &mut DataSegment, at: u64, reads: &Bytes) -> u64 {
    let Bytes::Some(ranges) = reads else { return 0 };
    let mut cleared = 0;
    let mut ranges = ranges.iter().skip_while(|r| r.1 <= at).peekable();
    for (byte, place) in segment.bytes.iter_mut().zip(at..) {
        while ranges.next_if(|r| r.1 <= place).is_some() {}
        if ranges.peek().is_none_or(|r| r.0 > place) && *byte != 0 {
            *byte = 0;
            cleared += 1;
        }
    }
    cleared
}

/// Bytes of an active segment besides its contents.
fn header(memory: MemoryId, at: u64, len: u64, wide: bool) -> u64 {
    let index = if memory.index() > 0 { uleb_len(memory.index() as u64) } else { 0 };
    let offset = if wide { sleb_len(at as i64) } else { sleb_len((at as u32 as i32).into()) };
    3 + index + offset + uleb_len(len)
}

/// Rewrites the segments of one memory, by ascending address, where that is smaller; the bytes saved, and whether there would have been
/// too many of them.
fn pack_memory(
    module: &mut Module,
    live: &mut Live,
    memory: MemoryId,
    segments: &[(u64, DataId)],
) -> (u64, bool) {
    let wide = module.memories[memory].memory64;
    let whole = |at: u64, len: u64| header(memory, at, len, wide) + len;
    let before: u64 = segments.iter().map(|&(at, id)| whole(at, module.data[id].bytes.len() as u64)).sum();
    let single = runs(module, segments);
    let mut gap = 0;
    let runs = loop {
        let runs = joined(&single, gap, memory, wide);
        if runs.len() <= MAX_SEGMENTS.max(segments.len()) {
            break runs;
        }
        gap = 2 * gap + MIN_GAP;
    };
    // Segments that a body names stay, if need be with nothing in them.
    let named = segments.iter().filter(|(_, id)| live.named_data.contains(*id));
    let idle = named.clone().map(|&(at, _)| whole(at, 0)).skip(runs.len()).sum::<u64>();
    let after = runs.iter().map(|&(start, end)| whole(start, end - start)).sum::<u64>() + idle;
    if after >= before {
        return (0, gap > 0);
    }
    let mut pieces = pieces(module, segments, &runs).into_iter();
    let mut ids: Vec<DataId> = named.map(|&(_, id)| id).collect();
    let unnamed = segments.iter().map(|&(_, id)| id).filter(|&id| !live.named_data.contains(id));
    ids.extend(unnamed.clone().take(runs.len().saturating_sub(ids.len())));
    ids.sort_unstable();
    unnamed.filter(|id| ids.binary_search(id).is_err()).for_each(|id| _ = live.data.remove(id));
    let offset = |at: u64| match wide {
        true => ConstExpr::new(ConstOp::I64Const(at as i64)),
        false => ConstExpr::new(ConstOp::I32Const(at as u32 as i32)),
    };
    for &id in &ids {
        match pieces.next() {
            None => module.data[id].bytes.clear(),
            Some((at, bytes)) => {
                let mode = DataMode::Active { memory, offset: offset(at) };
                module.data[id] = DataSegment { mode, bytes };
            }
        }
    }
    for (at, bytes) in pieces {
        let mode = DataMode::Active { memory, offset: offset(at) };
        let id = module.data.push(DataSegment { mode, bytes });
        live.data.insert(id);
    }
    (before - after, gap > 0)
}

/// The runs of bytes that are not zero, with fewer than [`MIN_GAP`] zeros in a row inside, by address.
fn runs(module: &Module, segments: &[(u64, DataId)]) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &(at, id) in segments {
        for (place, _) in (at..).zip(&module.data[id].bytes).filter(|(_, byte)| **byte != 0) {
            match runs.last_mut() {
                Some((_, end)) if place - *end < MIN_GAP => *end = place + 1,
                _ => runs.push((place, place + 1)),
            }
        }
    }
    runs
}

/// Runs with others taken in where the zeros in between, or `gap` of them, cost less than another segment.
fn joined(runs: &[(u64, u64)], gap: u64, memory: MemoryId, wide: bool) -> Vec<(u64, u64)> {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for &(start, end) in runs {
        match joined.last_mut() {
            Some((first, last)) => {
                let longer = uleb_len(end - *first) - uleb_len(*last - *first);
                let zeros = start - *last;
                if zeros <= gap || zeros + longer <= header(memory, start, end - start, wide) {
                    *last = end;
                } else {
                    joined.push((start, end));
                }
            }
            None => joined.push((start, end)),
        }
    }
    joined
}

/// The contents of new segments, each with its address.
fn pieces(module: &Module, segments: &[(u64, DataId)], runs: &[(u64, u64)]) -> Vec<(u64, Vec<u8>)> {
    let mut pieces = Vec::with_capacity(runs.len());
    let mut first = 0;
    for &(start, end) in runs {
        let mut bytes = vec![0; (end - start) as usize];
        let ends = |n: usize| segments[n].0 + module.data[segments[n].1].bytes.len() as u64;
        while first < segments.len() && ends(first) <= start {
            first += 1;
        }
        for n in (first..segments.len()).take_while(|&n| segments[n].0 < end) {
            let (at, id) = segments[n];
            let (from, to) = (at.max(start), ends(n).min(end));
            if from < to {
                let part = &module.data[id].bytes[(from - at) as usize..(to - at) as usize];
                bytes[(from - start) as usize..(to - start) as usize].copy_from_slice(part);
            }
        }
        pieces.push((start, bytes));
    }
    pieces
}
