//! Reference semantics of every pure operator: constant folding, partial evaluation and rule checking share it.
//!
//! *In*: an operator, its immediate and constant operands. *Out*: [`Outcome`]. [`Outcome::Value`] is returned only where
//! the specification determines every bit of the result. A result that is a NaN is [`Outcome::Unknown`], because the
//! specification leaves its bits to the engine; the exceptions are the operators that work on bits (`neg`, `abs`, `copysign`
//! and reinterpretation). Ill-typed operands are `Unknown` as well, never a panic.
//!
//! Integers are evaluated by code that is parametric in their width ([`int::apply`]), so that rules can be checked
//! exhaustively at 8 bits with the same semantics that folds constants at 32 and 64.
//!
//! Complexity: constant per evaluation. Reference: WebAssembly specification 3.0, section 4.3 (numerics).

pub mod float;
pub mod int;
mod simd;
#[cfg(test)]
mod tests;

pub(crate) use simd::{lanewise, lanewise_shift};

use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use std::fmt;

/// A constant by its bits, so that equality, order and hashing are exact also for floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Const {
    I32(u32),
    I64(u64),
    /// Bits of an `f32`.
    F32(u32),
    /// Bits of an `f64`.
    F64(u64),
    /// Lane 0 in the lowest bits.
    V128(u128),
}

/// What an operator does with constant operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The one possible result.
    Value(Const),
    /// It traps.
    Trap,
    /// The result is not determined, has not one value, or is not modelled.
    Unknown,
}

impl Const {
    /// The constant's type.
    pub fn ty(self) -> Type {
        match self {
            Const::I32(_) => Type::I32,
            Const::I64(_) => Type::I64,
            Const::F32(_) => Type::F32,
            Const::F64(_) => Type::F64,
            Const::V128(_) => Type::V128,
        }
    }

    /// The bits, zero-extended.
    pub fn bits(self) -> u128 {
        match self {
            Const::I32(v) | Const::F32(v) => v.into(),
            Const::I64(v) | Const::F64(v) => v.into(),
            Const::V128(v) => v,
        }
    }

    /// The constant of a number or vector type with the given low bits.
    pub fn from_bits(ty: Type, bits: u128) -> Option<Const> {
        Some(match ty {
            Type::I32 => Const::I32(bits as u32),
            Type::I64 => Const::I64(bits as u64),
            Type::F32 => Const::F32(bits as u32),
            Type::F64 => Const::F64(bits as u64),
            Type::V128 => Const::V128(bits),
            Type::Ref(_) => return None,
        })
    }

    /// The bits of an integer constant, zero-extended.
    pub fn as_int(self) -> Option<u64> {
        match self {
            Const::I32(v) => Some(v.into()),
            Const::I64(v) => Some(v),
            _ => None,
        }
    }

    /// The constant in the immediate of `i32.const` and its like.
    pub fn from_imm(imm: &Imm) -> Option<Const> {
        Some(match *imm {
            Imm::I32(v) => Const::I32(v as u32),
            Imm::I64(v) => Const::I64(v as u64),
            Imm::F32(v) => Const::F32(v),
            Imm::F64(v) => Const::F64(v),
            Imm::V128(v) => Const::V128(v),
            _ => return None,
        })
    }

    /// The operator that makes this constant, with its immediate.
    pub fn to_op(self) -> (Op, Imm) {
        match self {
            Const::I32(v) => (Op::I32Const, Imm::I32(v as i32)),
            Const::I64(v) => (Op::I64Const, Imm::I64(v as i64)),
            Const::F32(v) => (Op::F32Const, Imm::F32(v)),
            Const::F64(v) => (Op::F64Const, Imm::F64(v)),
            Const::V128(v) => (Op::V128Const, Imm::V128(v)),
        }
    }

    /// Whether it is a float with the bits of a NaN.
    pub fn is_nan(self) -> bool {
        match self {
            Const::F32(v) => f32::from_bits(v).is_nan(),
            Const::F64(v) => f64::from_bits(v).is_nan(),
            _ => false,
        }
    }
}

impl fmt::Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Const::I32(v) => write!(f, "{}", v as i32),
            Const::I64(v) => write!(f, "{}", v as i64),
            Const::F32(v) => f.write_str(&float::f32_to_text(f32::from_bits(v))),
            Const::F64(v) => f.write_str(&float::f64_to_text(f64::from_bits(v))),
            Const::V128(v) => write!(f, "0x{v:032x}"),
        }
    }
}

/// Evaluates one operator.
pub fn eval(op: Op, imm: &Imm, args: &[Const]) -> Outcome {
    use Const::{F32, F64, I32, I64, V128};
    if let Some(c) = Const::from_imm(imm) {
        return if args.is_empty() && c.to_op().0 == op { Outcome::Value(c) } else { Outcome::Unknown };
    }
    if let Some((int_op, bits)) = int::classify(op) {
        return eval_int(int_op, bits, args);
    }
    let value = match (op, args) {
        (Op::Select, [a, b, I32(c)]) if a.ty() == b.ty() => Some(if *c != 0 { *a } else { *b }),
        (Op::I32WrapI64, [I64(a)]) => Some(I32(*a as u32)),
        (Op::I64ExtendI32S, [I32(a)]) => Some(I64(*a as i32 as u64)),
        (Op::I64ExtendI32U, [I32(a)]) => Some(I64(u64::from(*a))),
        (Op::I32ReinterpretF32, [F32(a)]) => Some(I32(*a)),
        (Op::I64ReinterpretF64, [F64(a)]) => Some(I64(*a)),
        (Op::F32ReinterpretI32, [I32(a)]) => Some(F32(*a)),
        (Op::F64ReinterpretI64, [I64(a)]) => Some(F64(*a)),
        (_, [F32(_)] | [F32(_), F32(_)]) => return float::eval_f32(op, args),
        (_, [F64(_)] | [F64(_), F64(_)]) => return float::eval_f64(op, args),
        (Op::F32ConvertI32S, [I32(a)]) => Some(F32((*a as i32 as f32).to_bits())),
        (Op::F32ConvertI32U, [I32(a)]) => Some(F32((*a as f32).to_bits())),
        (Op::F32ConvertI64S, [I64(a)]) => Some(F32((*a as i64 as f32).to_bits())),
        (Op::F32ConvertI64U, [I64(a)]) => Some(F32((*a as f32).to_bits())),
        (Op::F64ConvertI32S, [I32(a)]) => Some(F64(f64::from(*a as i32).to_bits())),
        (Op::F64ConvertI32U, [I32(a)]) => Some(F64(f64::from(*a).to_bits())),
        (Op::F64ConvertI64S, [I64(a)]) => Some(F64((*a as i64 as f64).to_bits())),
        (Op::F64ConvertI64U, [I64(a)]) => Some(F64((*a as f64).to_bits())),
        (_, [V128(_), ..] | [_]) => return simd::eval(op, imm, args),
        _ => None,
    };
    value.map_or(Outcome::Unknown, Outcome::Value)
}

fn eval_int(op: int::IntOp, bits: u32, args: &[Const]) -> Outcome {
    let (a, b) = match (bits, args) {
        (32, [Const::I32(a)]) if op.arity() == 1 => (u64::from(*a), 0),
        (32, [Const::I32(a), Const::I32(b)]) if op.arity() == 2 => (u64::from(*a), u64::from(*b)),
        (64, [Const::I64(a)]) if op.arity() == 1 => (*a, 0),
        (64, [Const::I64(a), Const::I64(b)]) if op.arity() == 2 => (*a, *b),
        _ => return Outcome::Unknown,
    };
    match int::apply(op, bits, a, b) {
        None => Outcome::Trap,
        Some(v) if bits == 32 || op.is_test() => Outcome::Value(Const::I32(v as u32)),
        Some(v) => Outcome::Value(Const::I64(v)),
    }
}
