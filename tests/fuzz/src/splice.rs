//! Small changes to the code of a module, operator by operator: kin instead of an operator, other constants, offsets,
//! memories, locals and labels; runs of operators deleted, doubled, swapped or taken from another function.
//!
//! Changes are made blindly to the bytes and the validator throws out what does not type.

use crate::parts::{Body, Parts, join, split};
use crate::rng::Rng;
use wasm_encoder::Encode;
use wasmparser::{BinaryReader, Validator, WasmFeatures};

/// Attempts for each change that is wanted.
const ATTEMPTS: usize = 25;

/// Operators of one type, by their first byte: one may stand for another.
const KIN: &[&[u8]] = &[
    &[0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78],
    &[0x7c, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a],
    &[0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x6a, 0x6b, 0x71],
    &[0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a],
    &[0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60],
    &[0x61, 0x62, 0x63, 0x64, 0x65, 0x66],
    &[0x45, 0x67, 0x68, 0x69, 0xc0, 0xc1],
    &[0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4],
    &[0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91],
    &[0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98],
    &[0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f],
    &[0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6],
    &[0xa8, 0xa9],
    &[0xaa, 0xab],
    &[0xac, 0xad],
    &[0x20, 0x22],
];
const LOADS_I32: &[u8] = &[0x28, 0x2c, 0x2d, 0x2e, 0x2f];
const LOADS_I64: &[u8] = &[0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35];
const STORES_I32: &[u8] = &[0x36, 0x3a, 0x3b];
const STORES_I64: &[u8] = &[0x37, 0x3c, 0x3d, 0x3e];

fn leb(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut reader = BinaryReader::new_features(bytes, 0, WasmFeatures::all());
    let value = reader.read_var_u64().ok()?;
    Some((value, bytes.get(reader.current_position()..)?))
}

/// Another memory operator, offset or memory; alignment becomes 1, which is always allowed.
fn access(rng: &mut Rng, op: &[u8]) -> Option<Vec<u8>> {
    let kin = [LOADS_I32, LOADS_I64, STORES_I32, STORES_I64].into_iter().find(|k| k.contains(&op[0]));
    let mut first = op[0];
    let (flags, rest) = number(&op[1..])?;
    let (mut memory, rest) = if flags & 0x40 != 0 { number(rest)? } else { (0, rest) };
    let (mut offset, _) = number(rest)?;
    match rng.below(3) {
        0 => first = rng.pick(kin.unwrap_or(&[first])),
        1 => memory = rng.below(4) as u64,
        _ => {
            let near = rng.pick(&[0, 1, 4, 8, 16]);
            offset = rng.pick(&[offset + near, offset.saturating_sub(near), near]);
        }
    }
    Some([vec![first, 0x40], leb(memory), leb(offset)].concat())
}

/// Another operator in the place of one.
fn change(rng: &mut Rng, op: &[u8]) -> Option<Vec<u8>> {
    let first = *op.first()?;
    Some(match first {
        0x28..=0x3e => access(rng, op)?,
        0x41 => [vec![0x41], {
            let mut out = Vec::new();
            (rng.edge_int(32) as i32).encode(&mut out);
            out
        }]
        .concat(),
        0x42 => [vec![0x42], {
            let mut out = Vec::new();
            (rng.edge_int(64) as i64).encode(&mut out);
            out
        }]
        .concat(),
        0x43 => [vec![0x43], rng.edge_f32().to_le_bytes().to_vec()].concat(),
        0x44 => [vec![0x44], rng.edge_f64().to_le_bytes().to_vec()].concat(),
        0x20..=0x22 if rng.percent(80) => [vec![first], leb(rng.below(12) as u64)].concat(),
        0x23 | 0x24 => [vec![first], leb(rng.below(6) as u64)].concat(),
        0x0c | 0x0d => [vec![first], leb(rng.below(4) as u64)].concat(),
        _ => {
            let kin = KIN.iter().find(|k| k.contains(&first))?;
            [vec![rng.pick(kin)], op[1..].to_vec()].concat()
        }
    })
}

fn run(rng: &mut Rng, body: &Body) -> Option<std::ops::Range<usize>> {
    // The final `end` stays.
    let n = body.operators.len().checked_sub(1).filter(|n| *n > 0)?;
    let start = rng.below(n);
    let length = rng.pick(&[1, 1, 2, 3, 4, 6, 10, 20]);
    Some(start..n.min(start + length))
}

fn attempt(rng: &mut Rng, parts: &mut Parts) -> Option<()> {
    let which = rng.below(parts.bodies.len());
    let source = rng.below(parts.bodies.len());
    match rng.below(12) {
        0..7 => {
            let body = parts.bodies.get_mut(which)?;
            let at = rng.below(body.operators.len());
            body.operators[at] = change(rng, &body.operators[at])?;
        }
        7 => {
            let body = parts.bodies.get_mut(which)?;
            let gone = run(rng, body)?;
            body.operators.drain(gone);
        }
        8 => {
            let body = parts.bodies.get_mut(which)?;
            let copied = run(rng, body)?;
            let at = copied.end;
            let copy: Vec<_> = body.operators[copied].to_vec();
            body.operators.splice(at..at, copy);
        }
        9 => {
            let body = parts.bodies.get_mut(which)?;
            let at = run(rng, body)?.start;
            if at + 2 < body.operators.len() {
                body.operators.swap(at, at + 1);
            }
        }
        _ => {
            let from = parts.bodies.get(source)?;
            let taken: Vec<_> = from.operators[run(rng, from)?].to_vec();
            let body = parts.bodies.get_mut(which)?;
            let at = run(rng, body)?.start;
            body.operators.splice(at..at, taken);
        }
    }
    Some(())
}

/// The module with about `changes` changes that validate. `None` when it cannot be read or nothing was found.
pub fn mutate(rng: &mut Rng, wasm: &[u8], changes: usize) -> Option<Vec<u8>> {
    let (mut parts, mut made, mut best) = (split(wasm)?, 0, None);
    if parts.bodies.is_empty() {
        return None;
    }
    for _ in 0..changes * ATTEMPTS {
        let mut candidate = parts.clone();
        if attempt(rng, &mut candidate).is_none() {
            continue;
        }
        let bytes = join(&candidate);
        if Validator::new_with_features(WasmFeatures::all()).validate_all(&bytes).is_ok() {
            (parts, best) = (candidate, Some(bytes));
            made += 1;
            if made == changes {
                break;
            }
        }
    }
    best
}
