//! Vector operators: those on bits, lanes, and the lanewise integer operators, which reuse [`int::apply`] at the width
//! of a lane. Float lanes and the relaxed operators are [`Outcome::Unknown`].

use super::int::{self, IntOp};
use super::{Const, Outcome};
use crate::ir::ops::{Imm, Op};

/// Evaluates a vector operator.
pub(super) fn eval(op: Op, imm: &Imm, args: &[Const]) -> Outcome {
    use Const::{F32, F64, I32, I64, V128};
    if let Some((int_op, bits)) = lanewise(op) {
        return match args {
            [V128(a)] if int_op.arity() == 1 => {
                lanes(bits, |i| int::apply(int_op, bits, lane(bits, *a, i), 0))
            }
            [V128(a), V128(b)] if int_op.arity() == 2 => lanes(bits, |i| {
                let r = int::apply(int_op, bits, lane(bits, *a, i), lane(bits, *b, i))?;
                // A lanewise comparison answers with all ones.
                Some(if int_op.is_test() { r.wrapping_neg() & int::mask(bits) } else { r })
            }),
            _ => Outcome::Unknown,
        };
    }
    if let Some((int_op, bits)) = lanewise_shift(op) {
        let [V128(a), I32(count)] = args else { return Outcome::Unknown };
        let count = u64::from(count % bits);
        return lanes(bits, |i| int::apply(int_op, bits, lane(bits, *a, i), count));
    }
    let truth = |b: bool| Some(I32(b.into()));
    let value = match (op, imm, args) {
        (Op::V128Not, _, [V128(a)]) => Some(V128(!a)),
        (Op::V128And, _, [V128(a), V128(b)]) => Some(V128(a & b)),
        (Op::V128AndNot, _, [V128(a), V128(b)]) => Some(V128(a & !b)),
        (Op::V128Or, _, [V128(a), V128(b)]) => Some(V128(a | b)),
        (Op::V128Xor, _, [V128(a), V128(b)]) => Some(V128(a ^ b)),
        (Op::V128Bitselect, _, [V128(a), V128(b), V128(c)]) => Some(V128((a & c) | (b & !c))),
        (Op::V128AnyTrue, _, [V128(a)]) => truth(*a != 0),
        (Op::I8x16AllTrue, _, [V128(a)]) => truth(all_true(8, *a)),
        (Op::I16x8AllTrue, _, [V128(a)]) => truth(all_true(16, *a)),
        (Op::I32x4AllTrue, _, [V128(a)]) => truth(all_true(32, *a)),
        (Op::I64x2AllTrue, _, [V128(a)]) => truth(all_true(64, *a)),
        (Op::I8x16Bitmask, _, [V128(a)]) => Some(I32(bitmask(8, *a))),
        (Op::I16x8Bitmask, _, [V128(a)]) => Some(I32(bitmask(16, *a))),
        (Op::I32x4Bitmask, _, [V128(a)]) => Some(I32(bitmask(32, *a))),
        (Op::I64x2Bitmask, _, [V128(a)]) => Some(I32(bitmask(64, *a))),
        (Op::I8x16Splat, _, [I32(a)]) => Some(V128(splat(8, u64::from(*a)))),
        (Op::I16x8Splat, _, [I32(a)]) => Some(V128(splat(16, u64::from(*a)))),
        (Op::I32x4Splat, _, [I32(a)]) | (Op::F32x4Splat, _, [F32(a)]) => Some(V128(splat(32, u64::from(*a)))),
        (Op::I64x2Splat, _, [I64(a)]) | (Op::F64x2Splat, _, [F64(a)]) => Some(V128(splat(64, *a))),
        (Op::I8x16ExtractLaneU, Imm::Lane(l @ 0..16), [V128(a)]) => {
            Some(I32(lane(8, *a, (*l).into()) as u32))
        }
        (Op::I8x16ExtractLaneS, Imm::Lane(l @ 0..16), [V128(a)]) => {
            Some(I32(int::signed(8, lane(8, *a, (*l).into())) as u32))
        }
        (Op::I16x8ExtractLaneU, Imm::Lane(l @ 0..8), [V128(a)]) => {
            Some(I32(lane(16, *a, (*l).into()) as u32))
        }
        (Op::I16x8ExtractLaneS, Imm::Lane(l @ 0..8), [V128(a)]) => {
            Some(I32(int::signed(16, lane(16, *a, (*l).into())) as u32))
        }
        (Op::I32x4ExtractLane, Imm::Lane(l @ 0..4), [V128(a)]) => Some(I32(lane(32, *a, (*l).into()) as u32)),
        (Op::I64x2ExtractLane, Imm::Lane(l @ 0..2), [V128(a)]) => Some(I64(lane(64, *a, (*l).into()))),
        (Op::F32x4ExtractLane, Imm::Lane(l @ 0..4), [V128(a)]) => Some(F32(lane(32, *a, (*l).into()) as u32)),
        (Op::F64x2ExtractLane, Imm::Lane(l @ 0..2), [V128(a)]) => Some(F64(lane(64, *a, (*l).into()))),
        (Op::I8x16ReplaceLane, Imm::Lane(l @ 0..16), [V128(a), I32(b)]) => {
            Some(V128(replace(8, *a, (*l).into(), u64::from(*b))))
        }
        (Op::I16x8ReplaceLane, Imm::Lane(l @ 0..8), [V128(a), I32(b)]) => {
            Some(V128(replace(16, *a, (*l).into(), u64::from(*b))))
        }
        (Op::I32x4ReplaceLane, Imm::Lane(l @ 0..4), [V128(a), I32(b)])
        | (Op::F32x4ReplaceLane, Imm::Lane(l @ 0..4), [V128(a), F32(b)]) => {
            Some(V128(replace(32, *a, (*l).into(), u64::from(*b))))
        }
        (Op::I64x2ReplaceLane, Imm::Lane(l @ 0..2), [V128(a), I64(b)])
        | (Op::F64x2ReplaceLane, Imm::Lane(l @ 0..2), [V128(a), F64(b)]) => {
            Some(V128(replace(64, *a, (*l).into(), *b)))
        }
        _ => None,
    };
    value.map_or(Outcome::Unknown, Outcome::Value)
}

fn lane(bits: u32, v: u128, index: u32) -> u64 {
    (v >> (bits * index)) as u64 & int::mask(bits)
}

fn replace(bits: u32, v: u128, index: u32, value: u64) -> u128 {
    let at = bits * index;
    (v & !(u128::from(int::mask(bits)) << at)) | (u128::from(value & int::mask(bits)) << at)
}

fn splat(bits: u32, value: u64) -> u128 {
    (0..128 / bits).fold(0, |v, i| replace(bits, v, i, value))
}

fn all_true(bits: u32, v: u128) -> bool {
    (0..128 / bits).all(|i| lane(bits, v, i) != 0)
}

fn bitmask(bits: u32, v: u128) -> u32 {
    (0..128 / bits).fold(0, |m, i| m | ((lane(bits, v, i) >> (bits - 1)) as u32) << i)
}

fn lanes(bits: u32, f: impl Fn(u32) -> Option<u64>) -> Outcome {
    let mut v = 0;
    for i in 0..128 / bits {
        let Some(x) = f(i) else { return Outcome::Unknown };
        v = replace(bits, v, i, x);
    }
    Outcome::Value(Const::V128(v))
}

macro_rules! lane_table {
    ($name:ident: $($k:ident $($op:ident $bits:literal),*;)*) => {
        /// The integer operator and the width of a lane behind a vector operator.
        pub(crate) fn $name(op: Op) -> Option<(IntOp, u32)> {
            match op {
                $($(Op::$op => Some((IntOp::$k, $bits)),)*)*
                _ => None,
            }
        }
    };
}

lane_table! { lanewise:
    Add I8x16Add 8, I16x8Add 16, I32x4Add 32, I64x2Add 64;
    Sub I8x16Sub 8, I16x8Sub 16, I32x4Sub 32, I64x2Sub 64;
    Mul I16x8Mul 16, I32x4Mul 32, I64x2Mul 64;
    Popcnt I8x16Popcnt 8;
    Eq I8x16Eq 8, I16x8Eq 16, I32x4Eq 32, I64x2Eq 64;
    Ne I8x16Ne 8, I16x8Ne 16, I32x4Ne 32, I64x2Ne 64;
    LtS I8x16LtS 8, I16x8LtS 16, I32x4LtS 32, I64x2LtS 64;
    GtS I8x16GtS 8, I16x8GtS 16, I32x4GtS 32, I64x2GtS 64;
    LeS I8x16LeS 8, I16x8LeS 16, I32x4LeS 32, I64x2LeS 64;
    GeS I8x16GeS 8, I16x8GeS 16, I32x4GeS 32, I64x2GeS 64;
    LtU I8x16LtU 8, I16x8LtU 16, I32x4LtU 32;
    GtU I8x16GtU 8, I16x8GtU 16, I32x4GtU 32;
    LeU I8x16LeU 8, I16x8LeU 16, I32x4LeU 32;
    GeU I8x16GeU 8, I16x8GeU 16, I32x4GeU 32;
}

lane_table! { lanewise_shift:
    Shl I8x16Shl 8, I16x8Shl 16, I32x4Shl 32, I64x2Shl 64;
    ShrS I8x16ShrS 8, I16x8ShrS 16, I32x4ShrS 32, I64x2ShrS 64;
    ShrU I8x16ShrU 8, I16x8ShrU 16, I32x4ShrU 32, I64x2ShrU 64;
}
