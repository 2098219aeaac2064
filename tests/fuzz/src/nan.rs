//! Makes every NaN that arithmetic produces canonical, so that modules from anywhere can be compared bit for bit.
//!
//! After each operator whose NaN payload WebAssembly leaves open a sequence is put that replaces a NaN on the stack, lane by
//! lane for vectors. Operators that move bits (loads, constants, `neg`, `abs`, `copysign`, reinterpretations) stay exact.

use crate::parts::{join, split};
use crate::single::loose_lanes;
use wasm_encoder::{Encode, Function, Ieee32, Ieee64, Instruction as I};
use wasmparser::{BinaryReader, Parser, Payload, TypeRef, WasmFeatures};

const NAN32: u32 = 0x7fc0_0000;
const NAN64: u64 = 0x7ff8_0000_0000_0000;

/// A type that can hold a NaN.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Float {
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// Four lanes of a `v128`.
    Lanes32,
    /// Two lanes of a `v128`.
    Lanes64,
}

/// The canonicalization of the value on top of the stack. `scratch` is a local of its type.
pub fn sequence(float: Float, scratch: u32) -> Vec<I<'static>> {
    let lanes = |n: u32| (0..4).fold(0u128, |v, _| v << 32 | u128::from(n)) as i128;
    let (nan, eq, select) = match float {
        Float::F32 => (I::F32Const(Ieee32::new(NAN32)), I::F32Eq, I::Select),
        Float::F64 => (I::F64Const(Ieee64::new(NAN64)), I::F64Eq, I::Select),
        Float::Lanes32 => (I::V128Const(lanes(NAN32)), I::F32x4Eq, I::V128Bitselect),
        Float::Lanes64 => {
            let both = (u128::from(NAN64) << 64 | u128::from(NAN64)) as i128;
            (I::V128Const(both), I::F64x2Eq, I::V128Bitselect)
        }
    };
    vec![I::LocalTee(scratch), nan, I::LocalGet(scratch), I::LocalGet(scratch), eq, select]
}

/// What the operator may leave a loose NaN in.
fn produces(operator: &[u8]) -> Option<Float> {
    let vector = operator.first() == Some(&0xfd);
    Some(match (loose_lanes(operator)?, vector) {
        (4, false) => Float::F32,
        (_, false) => Float::F64,
        (4, true) => Float::Lanes32,
        (_, true) => Float::Lanes64,
    })
}

/// Number of parameters of each function with a body.
fn parameters(wasm: &[u8]) -> Option<Vec<u32>> {
    let (mut types, mut functions) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.ok()? {
            Payload::TypeSection(reader) => {
                for group in reader {
                    for ty in group.ok()?.into_types() {
                        types.push(match ty.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(f) => f.params().len() as u32,
                            _ => 0,
                        });
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    if let TypeRef::FuncExact(_) = import.ok()?.ty {
                        return None;
                    }
                }
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    functions.push(*types.get(ty.ok()? as usize)?);
                }
            }
            _ => {}
        }
    }
    Some(functions)
}

/// Declared locals of a body, and their number.
fn declarations(locals: &[u8]) -> Option<(u32, &[u8], u32)> {
    let mut reader = BinaryReader::new_features(locals, 0, WasmFeatures::all());
    let groups = reader.read_var_u32().ok()?;
    let rest = locals.get(reader.current_position()..)?;
    let mut total = 0u32;
    for _ in 0..groups {
        total = total.checked_add(reader.read_var_u32().ok()?)?;
        reader.read::<wasmparser::ValType>().ok()?;
    }
    Some((groups, rest, total))
}

/// The module with all NaNs of arithmetic canonical. `None` when it cannot be read.
pub fn canonicalize(wasm: &[u8]) -> Option<Vec<u8>> {
    let mut parts = split(wasm)?;
    let parameters = parameters(wasm)?;
    for (body, params) in parts.bodies.iter_mut().zip(parameters) {
        if !body.operators.iter().any(|o| produces(o).is_some()) {
            continue;
        }
        let (groups, rest, declared) = declarations(&body.locals)?;
        let mut locals = Vec::new();
        (groups + 3).encode(&mut locals);
        locals.extend(rest);
        locals.extend([1, 0x7d, 1, 0x7c, 1, 0x7b]);
        let first = params + declared;
        let mut operators = Vec::with_capacity(body.operators.len());
        for operator in &body.operators {
            operators.push(operator.clone());
            if let Some(float) = produces(operator) {
                let scratch = first
                    + match float {
                        Float::F32 => 0,
                        Float::F64 => 1,
                        Float::Lanes32 | Float::Lanes64 => 2,
                    };
                for instruction in sequence(float, scratch) {
                    let mut bytes = Vec::new();
                    instruction.encode(&mut bytes);
                    operators.push(bytes);
                }
            }
        }
        (body.locals, body.operators) = (locals, operators);
    }
    Some(join(&parts))
}

/// Appends the canonicalization to a function.
pub fn append(f: &mut Function, float: Float, scratch: u32) {
    for instruction in sequence(float, scratch) {
        f.instruction(&instruction);
    }
}
