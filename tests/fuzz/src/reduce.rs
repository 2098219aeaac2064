//! Makes a failing module small while a predicate stays true.
//!
//! Works on the code section as operators in bytes; all other sections are kept or thinned out whole. Candidates are made
//! blindly and the validator throws out what does not type, which needs no knowledge of any operator:
//! functions become constants, runs of operators are deleted, operators (and whole blocks) are replaced by drops and
//! constants, `if`s become one of their arms, blocks are unwrapped, exports and segments are removed.

use crate::parts::{Body, Parts, join, split};
use wasm_encoder::Encode;
use wasmparser::{
    BinaryReader, FuncValidatorAllocations, Operator, Parser, ValType, ValidPayload, Validator, WasmFeatures,
};

fn valid(wasm: &[u8]) -> bool {
    Validator::new_with_features(WasmFeatures::all()).validate_all(wasm).is_ok()
}

fn constant(ty: ValType) -> Option<Vec<u8>> {
    Some(match ty {
        ValType::I32 => vec![0x41, 0],
        ValType::I64 => vec![0x42, 0],
        ValType::F32 => vec![0x43, 0, 0, 0, 0],
        ValType::F64 => vec![0x44, 0, 0, 0, 0, 0, 0, 0, 0],
        ValType::V128 => {
            let mut v = vec![0xfd, 12];
            v.extend([0; 16]);
            v
        }
        ValType::Ref(r) if r.is_func_ref() => vec![0xd0, 0x70],
        ValType::Ref(r) if r.is_extern_ref() => vec![0xd0, 0x6f],
        ValType::Ref(_) => return None,
    })
}

/// Operand stack before each operator of function `index` (and after the last).
fn stacks(wasm: &[u8], index: usize) -> Option<Vec<Option<Vec<ValType>>>> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut at = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.ok()?;
        if let ValidPayload::Func(func, body) = validator.payload(&payload).ok()? {
            if at != index {
                at += 1;
                continue;
            }
            let mut v = func.into_validator(FuncValidatorAllocations::default());
            let mut reader = body.get_binary_reader();
            v.read_locals(&mut reader).ok()?;
            let snapshot = |v: &wasmparser::FuncValidator<_>| {
                let height = v.operand_stack_height() as usize;
                (0..height).rev().map(|d| v.get_operand_type(d).flatten()).collect::<Option<Vec<_>>>()
            };
            let mut out = vec![snapshot(&v)];
            let mut operators = body.get_operators_reader().ok()?;
            while !operators.eof() {
                let (op, offset) = operators.read_with_offset().ok()?;
                v.op(offset, &op).ok()?;
                out.push(snapshot(&v));
            }
            return Some(out);
        }
    }
    None
}

/// Index of the `end` for each block start, and of the `else` for each `if` that has one.
fn matching(body: &Body) -> Vec<(usize, Option<usize>, usize)> {
    let (mut open, mut out) = (Vec::new(), Vec::new());
    for (i, op) in body.operators.iter().enumerate() {
        match op[0] {
            0x02 | 0x03 | 0x04 | 0x1f | 0x06 => open.push((i, None)),
            0x05 => {
                if let Some(last) = open.last_mut() {
                    last.1 = Some(i);
                }
            }
            0x0b => {
                if let Some((start, els)) = open.pop() {
                    out.push((start, els, i));
                }
            }
            _ => {}
        }
    }
    out
}

/// The operator as seen from one block further out; `None` when it branches to the removed block.
fn shift_branch(op: &[u8], level: u32) -> Option<Vec<u8>> {
    if !matches!(op[0], 0x0c..=0x0e) {
        return Some(op.to_vec());
    }
    let fix = |d: u32| match d.cmp(&level) {
        std::cmp::Ordering::Less => Some(d),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(d - 1),
    };
    let mut out = vec![op[0]];
    let reader = BinaryReader::new_features(op, 0, WasmFeatures::all());
    match wasmparser::OperatorsReader::new(reader).read().ok()? {
        Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
            fix(relative_depth)?.encode(&mut out)
        }
        Operator::BrTable { targets } => {
            targets.len().encode(&mut out);
            for t in targets.targets() {
                fix(t.ok()?)?.encode(&mut out);
            }
            fix(targets.default())?.encode(&mut out);
        }
        _ => return None,
    }
    Some(out)
}

fn unwrap_block(body: &Body, start: usize, end: usize) -> Option<Body> {
    let mut out = Body { locals: body.locals.clone(), operators: body.operators[..start].to_vec() };
    let mut level = 0;
    for op in &body.operators[start + 1..end] {
        match op[0] {
            0x02..=0x04 | 0x1f => level += 1,
            0x0b => level -= 1,
            _ => {}
        }
        out.operators.push(shift_branch(op, level)?);
    }
    out.operators.extend_from_slice(&body.operators[end + 1..]);
    Some(out)
}

/// Reduces `wasm` while `interesting` holds; `wasm` itself must be interesting.
pub fn reduce(wasm: &[u8], mut interesting: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let Some(parts) = split(wasm) else { return wasm.to_vec() };
    let mut r = Reducer { parts, interesting: &mut interesting };
    if !r.holds(&r.parts.clone()) {
        return wasm.to_vec();
    }
    for _ in 0..8 {
        let before = join(&r.parts);
        r.sections();
        for f in 0..r.parts.bodies.len() {
            r.body(f);
        }
        if join(&r.parts) == before {
            break;
        }
    }
    join(&r.parts)
}

struct Reducer<'a> {
    parts: Parts,
    interesting: &'a mut dyn FnMut(&[u8]) -> bool,
}

impl Reducer<'_> {
    fn holds(&mut self, parts: &Parts) -> bool {
        let wasm = join(parts);
        valid(&wasm) && (self.interesting)(&wasm)
    }

    fn keep_if(&mut self, parts: Parts) -> bool {
        if self.holds(&parts) {
            self.parts = parts;
            return true;
        }
        false
    }

    fn keep_body(&mut self, f: usize, operators: Vec<Vec<u8>>) -> bool {
        let mut parts = self.parts.clone();
        parts.bodies[f].operators = operators;
        self.keep_if(parts)
    }

    /// Whole sections, then single items of the sections that are plain lists.
    fn sections(&mut self) {
        for after in [false, true] {
            let mut i = 0;
            loop {
                let mut parts = self.parts.clone();
                let list = if after { &mut parts.after } else { &mut parts.before };
                if i >= list.len() {
                    break;
                }
                list.remove(i);
                if !self.keep_if(parts) {
                    i += 1;
                }
            }
        }
        for at in 0..self.parts.before.len() {
            if matches!(self.parts.before[at].0, 7 | 9) {
                self.items(at);
            }
        }
        // Without data segments the count must go with them.
        let mut parts = self.parts.clone();
        parts.before.retain(|s| s.0 != 12);
        parts.after.retain(|s| s.0 != 11);
        self.keep_if(parts);
    }

    fn items(&mut self, at: usize) {
        let (id, data) = self.parts.before[at].clone();
        let Some(mut items) = item_bytes(id, &data) else { return };
        let mut i = 0;
        while i < items.len() {
            let mut fewer = items.clone();
            fewer.remove(i);
            let mut bytes = Vec::new();
            (fewer.len() as u32).encode(&mut bytes);
            fewer.iter().for_each(|b| bytes.extend(b));
            let mut parts = self.parts.clone();
            parts.before[at].1 = bytes;
            if self.keep_if(parts) {
                items = fewer;
            } else {
                i += 1;
            }
        }
    }

    fn body(&mut self, f: usize) {
        if self.parts.bodies[f].operators.len() > 2 {
            self.trivial(f);
        }
        self.chunks(f);
        self.blocks(f);
        self.replace(f);
        self.chunks(f);
    }

    /// The whole body becomes constants of the results.
    fn trivial(&mut self, f: usize) {
        let Some(stacks) = stacks(&join(&self.parts), f) else { return };
        // Before the final `end` the stack holds the results unless it is unreachable; then `unreachable` will do.
        let n = stacks.len();
        let results = stacks.get(n.wrapping_sub(2)).cloned().flatten();
        let mut operators: Vec<Vec<u8>> = Vec::new();
        match results.map(|r| r.into_iter().map(constant).collect::<Option<Vec<_>>>()) {
            Some(Some(constants)) => operators.extend(constants),
            _ => operators.push(vec![0x00]),
        }
        operators.push(vec![0x0b]);
        self.keep_body(f, operators);
    }

    fn chunks(&mut self, f: usize) {
        let mut size = self.parts.bodies[f].operators.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at + size < self.parts.bodies[f].operators.len() {
                let mut ops = self.parts.bodies[f].operators.clone();
                ops.drain(at..at + size);
                if !self.keep_body(f, ops) {
                    at += if size > 8 { size / 2 } else { 1 };
                }
            }
            size = if size > 8 { size / 2 } else { size - 1 };
        }
    }

    /// Unwraps blocks and chooses arms.
    fn blocks(&mut self, f: usize) {
        let mut k = 0;
        loop {
            let body = self.parts.bodies[f].clone();
            let pairs = matching(&body);
            let Some(&(start, els, end)) = pairs.get(k) else { break };
            let ops = &body.operators;
            let mut done = false;
            if ops[start][0] == 0x04 {
                let mut block = ops[start].clone();
                block[0] = 0x02;
                let middle = els.unwrap_or(end);
                for arm in [&ops[start + 1..middle], &ops[els.map_or(end, |e| e + 1)..end]] {
                    let mut new = ops[..start].to_vec();
                    new.push(vec![0x1a]);
                    new.push(block.clone());
                    new.extend_from_slice(arm);
                    new.extend_from_slice(&ops[end..]);
                    done = done || self.keep_body(f, new);
                }
            } else if let Some(new) = unwrap_block(&body, start, end) {
                done = self.keep_body(f, new.operators);
            }
            if !done {
                k += 1;
            }
        }
    }

    /// Replaces operators and blocks by drops and constants.
    fn replace(&mut self, f: usize) {
        let mut i = self.parts.bodies[f].operators.len();
        while i > 0 {
            i -= 1;
            let body = self.parts.bodies[f].clone();
            if i + 1 >= body.operators.len() {
                continue;
            }
            let Some(stacks) = stacks(&join(&self.parts), f) else { return };
            let end = matching(&body).iter().find(|p| p.0 == i).map_or(i, |p| p.2);
            let op = &body.operators[i];
            if end == i && matches!(op[0], 0x02..=0x05 | 0x0b | 0x1a | 0x41..=0x44) {
                continue;
            }
            let (Some(Some(old)), Some(Some(new))) = (stacks.get(i), stacks.get(end + 1)) else { continue };
            for results in 0..=new.len().min(2) {
                let Some(drops) = (old.len() + results).checked_sub(new.len()) else { continue };
                if drops > 6 || (drops == 0 && results == 1 && op.len() <= 2 && end == i) {
                    continue;
                }
                let Some(constants) =
                    new[new.len() - results..].iter().map(|t| constant(*t)).collect::<Option<Vec<_>>>()
                else {
                    continue;
                };
                let mut ops = body.operators[..i].to_vec();
                ops.extend(std::iter::repeat_n(vec![0x1a], drops));
                ops.extend(constants);
                ops.extend_from_slice(&body.operators[end + 1..]);
                if self.keep_body(f, ops) {
                    break;
                }
            }
        }
    }
}

/// Bytes of each item of an export or element section.
fn item_bytes(id: u8, data: &[u8]) -> Option<Vec<Vec<u8>>> {
    let reader = BinaryReader::new_features(data, 0, WasmFeatures::all());
    let mut out = Vec::new();
    let mut starts = Vec::new();
    if id == 7 {
        for item in wasmparser::ExportSectionReader::new(reader).ok()?.into_iter_with_offsets() {
            starts.push(item.ok()?.0 as usize);
        }
    } else {
        for item in wasmparser::ElementSectionReader::new(reader).ok()?.into_iter_with_offsets() {
            starts.push(item.ok()?.0 as usize);
        }
    }
    starts.push(data.len());
    for pair in starts.windows(2) {
        out.push(data.get(pair[0]..pair[1])?.to_vec());
    }
    Some(out)
}
