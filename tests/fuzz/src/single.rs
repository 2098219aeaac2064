//! One operator a module: every operator that wasmi knows, with operands at the edges, as parameters, as constants, and mixed.
//!
//! Operators are found, not listed: each opcode with plausible immediates is offered to the validator with operands of all
//! types, and the signature is what validates.

use crate::nan::{self, Float};
use crate::rng::Rng;
use std::sync::OnceLock;
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, ExportKind,
    ExportSection, Function, FunctionSection, Ieee32, Ieee64, Instruction as I, MemorySection, MemoryType,
    Module, RefType, TableSection, TableType, TypeSection, ValType,
};

const TYPES: [ValType; 5] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];

/// An operator with its immediates, and its type.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Encoding.
    pub bytes: Vec<u8>,
    /// Operands.
    pub params: Vec<ValType>,
    /// Results.
    pub results: Vec<ValType>,
    /// Lane width (4 or 8) when the result is a float whose NaN payload is open.
    loose: Option<u32>,
}

fn leb(mut value: u32) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// Alignment 1, memory 1, offset 5; and alignment 1 in memory 0 near its end.
const MEMARGS: [&[u8]; 3] = [&[0x40, 1, 5], &[0, 0], &[0, 0xf8, 0xff, 3]];

/// Encodings to try for all opcodes.
fn encodings() -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut add = |prefix: &[u8], immediates: &[u8]| out.push([prefix, immediates].concat());
    for op in 0x1au8..=0xc4 {
        match op {
            0x1a | 0x1b | 0x45..=0xc4 => add(&[op], &[]),
            0x25 | 0x26 | 0x3f | 0x40 => add(&[op], &[0]),
            0x28..=0x3e => MEMARGS.iter().for_each(|m| add(&[op], m)),
            _ => {}
        }
    }
    for op in 0..=22u8 {
        let immediates: &[&[u8]] = match op {
            8 => &[&[0, 1], &[0, 0]],
            10 => &[&[0, 1], &[1, 1]],
            11 => &[&[0], &[1]],
            9 | 13 | 15 | 16 | 17 => &[&[0]],
            12 | 14 => &[&[0, 0]],
            _ => &[&[]],
        };
        immediates.iter().for_each(|i| add(&[0xfc, op], i));
    }
    for op in 0..=0x113u32 {
        let prefix = [vec![0xfd], leb(op)].concat();
        match op {
            12 => {}
            0..=11 | 92 | 93 => MEMARGS.iter().for_each(|m| add(&prefix, m)),
            13 => add(&prefix, &[0, 31, 2, 17, 4, 4, 6, 7, 24, 9, 10, 11, 12, 13, 14, 15]),
            21..=34 => [0u8, 1].iter().for_each(|l| add(&prefix, &[*l])),
            84..=91 => MEMARGS.iter().for_each(|m| add(&prefix, &[*m, &[1]].concat())),
            _ => add(&prefix, &[]),
        }
    }
    out
}

/// Lane width when the operator (with its immediates, as bytes) may give any arithmetic NaN.
pub fn loose_lanes(bytes: &[u8]) -> Option<u32> {
    match bytes[0] {
        0x8d..=0x97 | 0xb6 => Some(4),
        0x9b..=0xa5 | 0xbb => Some(8),
        0xfd => {
            // Immediates may follow the operator's number.
            let last = bytes[1..].iter().position(|b| b & 0x80 == 0)? + 1;
            let op = bytes[1..=last].iter().rev().fold(0u32, |v, b| v << 7 | u32::from(b & 0x7f));
            match op {
                0x67..=0x6a | 0x5e | 0xe3..=0xe9 | 0x105 | 0x106 | 0x10d | 0x10e => Some(4),
                0x74 | 0x75 | 0x7a | 0x94 | 0x5f | 0xef..=0xf5 | 0x107 | 0x108 | 0x10f | 0x110 => Some(8),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The environment of the operator: two memories, a table, passive segments; then the functions.
fn build(functions: &[(Vec<ValType>, Vec<ValType>, Function)]) -> Vec<u8> {
    let mut types = TypeSection::new();
    let mut function_section = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    for (i, (params, results, body)) in functions.iter().enumerate() {
        types.ty().function(params.iter().copied(), results.iter().copied());
        function_section.function(i as u32);
        exports.export(&format!("f{i}"), ExportKind::Func, i as u32);
        code.function(body);
    }
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        minimum: 4,
        maximum: Some(8),
        table64: false,
        shared: false,
    });
    exports.export("table", ExportKind::Table, 0);
    let mut memories = MemorySection::new();
    for i in 0..2 {
        let maximum = Some(3);
        memories.memory(MemoryType {
            minimum: 1,
            maximum,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        exports.export(&format!("m{i}"), ExportKind::Memory, i);
    }
    let mut elements = ElementSection::new();
    elements.passive(Elements::Functions(vec![0, 0].into()));
    let mut data = DataSection::new();
    let bytes: Vec<u8> = (0..64u32).map(|i| (i * 89 + 200) as u8).collect();
    data.passive(bytes.clone());
    data.active(0, &ConstExpr::i32_const(0), bytes.clone());
    data.active(1, &ConstExpr::i32_const(3), bytes.clone());
    data.active(0, &ConstExpr::i32_const(65536 - 64), bytes);
    let mut module = Module::new();
    module.section(&types).section(&function_section).section(&tables).section(&memories).section(&exports);
    module.section(&elements).section(&DataCountSection { count: 4 }).section(&code).section(&data);
    module.finish()
}

fn validates(wasm: &[u8]) -> bool {
    // What wasmi knows; anything else would only be skipped.
    let mut features = wasmparser::WasmFeatures::default();
    features.remove(wasmparser::WasmFeatures::GC | wasmparser::WasmFeatures::THREADS);
    features.insert(wasmparser::WasmFeatures::WIDE_ARITHMETIC | wasmparser::WasmFeatures::RELAXED_SIMD);
    wasmparser::Validator::new_with_features(features).validate_all(wasm).is_ok()
}

fn signature_of(bytes: &[u8]) -> Option<(Vec<ValType>, Vec<ValType>)> {
    let mut combinations: Vec<Vec<ValType>> = vec![vec![]];
    let mut start = 0;
    for _ in 0..3 {
        let end = combinations.len();
        for i in start..end {
            for ty in TYPES {
                let mut longer = combinations[i].clone();
                longer.push(ty);
                combinations.push(longer);
            }
        }
        start = end;
    }
    combinations.push(vec![ValType::I64; 4]);
    let attempt = |params: &[ValType], results: &[ValType], stop: bool| {
        let mut f = Function::new([]);
        (0..params.len()).for_each(|i| {
            f.instruction(&I::LocalGet(i as u32));
        });
        f.raw(bytes.iter().copied());
        if stop {
            f.instruction(&I::Unreachable);
        }
        f.instruction(&I::End);
        validates(&build(&[(params.to_vec(), results.to_vec(), f)]))
    };
    // After the operator everything is unreachable, so that only the operands matter; the shortest list is the right one.
    let params = combinations.into_iter().find(|p| attempt(p, &[], true))?;
    let mut results: Vec<Vec<ValType>> = TYPES.iter().map(|t| vec![*t]).collect();
    results.push(vec![]);
    results.push(vec![ValType::I64; 2]);
    let results = results.into_iter().find(|r| attempt(&params, r, false))?;
    Some((params, results))
}

/// All operators with the types that the validator gives them.
pub fn operators() -> &'static [Operator] {
    static ALL: OnceLock<Vec<Operator>> = OnceLock::new();
    ALL.get_or_init(|| {
        let found = encodings().into_iter().filter_map(|bytes| {
            let (params, results) = signature_of(&bytes)?;
            let loose = loose_lanes(&bytes);
            Some(Operator { bytes, params, results, loose })
        });
        found.collect()
    })
}

fn constant(f: &mut Function, ty: ValType, rng: &mut Rng) {
    let lane = |rng: &mut Rng| match rng.below(3) {
        0 => rng.edge_int(64),
        1 => rng.edge_int(32) << 32 | rng.edge_int(32),
        _ => rng.edge_f64(),
    };
    match ty {
        ValType::I32 => f.instruction(&I::I32Const(rng.edge_int(32) as i32)),
        ValType::I64 => f.instruction(&I::I64Const(rng.edge_int(64) as i64)),
        ValType::F32 => f.instruction(&I::F32Const(Ieee32::new(rng.edge_f32()))),
        ValType::F64 => f.instruction(&I::F64Const(Ieee64::new(rng.edge_f64()))),
        _ => {
            let (high, low) = (lane(rng), lane(rng));
            f.instruction(&I::V128Const((u128::from(high) << 64 | u128::from(low)) as i128))
        }
    };
}

/// A module for the seed: the operator is `seed` modulo their number, the operands are random.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let all = operators();
    let op = &all[(seed % all.len() as u64) as usize];
    let rng = &mut Rng::new(seed ^ 0x51_6e67_6c65);
    let mut functions = Vec::new();
    for variant in 0..14 {
        // The first takes all operands as parameters, the next few mix, the rest has constants only.
        let keep: Vec<bool> =
            op.params.iter().map(|_| variant == 0 || (variant < 5 && rng.percent(50))).collect();
        let params: Vec<ValType> =
            op.params.iter().zip(&keep).filter(|(_, k)| **k).map(|(t, _)| *t).collect();
        let scratch = params.len() as u32;
        let mut f = Function::new(op.results.first().map(|t| (1, *t)));
        let mut next = 0;
        for (ty, keep) in op.params.iter().zip(&keep) {
            if *keep {
                f.instruction(&I::LocalGet(next));
                next += 1;
            } else {
                constant(&mut f, *ty, rng);
            }
        }
        f.raw(op.bytes.iter().copied());
        if let (Some(lanes), Some(ty)) = (op.loose, op.results.first()) {
            let float = match (*ty, lanes) {
                (ValType::F32, _) => Float::F32,
                (ValType::F64, _) => Float::F64,
                (_, 4) => Float::Lanes32,
                _ => Float::Lanes64,
            };
            nan::append(&mut f, float, scratch);
        }
        f.instruction(&I::End);
        functions.push((params, op.results.clone(), f));
        if op.params.is_empty() {
            break;
        }
    }
    Some(build(&functions))
}
