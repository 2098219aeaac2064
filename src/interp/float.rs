//! Scalar float operators. Rust's `f32` and `f64` arithmetic is IEEE 754 with round to nearest even, which is what
//! WebAssembly asks for; only the bits of NaNs differ between engines, and those are never reported as known.

use super::{Const, Outcome};
use crate::ir::ops::Op;

macro_rules! float_ops {
    ($(#[$doc:meta])* $eval:ident, $min:ident, $max:ident, $float:ty, $case:ident, $sign:expr;
     $abs:ident $neg:ident $ceil:ident $floor:ident $trunc:ident $nearest:ident $sqrt:ident
     $add:ident $sub:ident $mul:ident $div:ident $opmin:ident $opmax:ident $copysign:ident
     $eq:ident $ne:ident $lt:ident $gt:ident $le:ident $ge:ident;
     trapping: $($trap:ident $int:ident $icase:ident $low:literal $high:literal)*;
     saturating: $($sat:ident $sint:ident $scase:ident)*;) => {
        $(#[$doc])*
        pub(super) fn $eval(op: Op, args: &[Const]) -> Outcome {
            // A float result is known only if it is no NaN.
            let number = |x: $float| {
                if x.is_nan() { Outcome::Unknown } else { Outcome::Value(Const::$case(x.to_bits())) }
            };
            let truth = |x: bool| Outcome::Value(Const::I32(x.into()));
            match args {
                &[Const::$case(bits)] => {
                    let a = <$float>::from_bits(bits);
                    match op {
                        Op::$abs => Outcome::Value(Const::$case(bits & !$sign)),
                        Op::$neg => Outcome::Value(Const::$case(bits ^ $sign)),
                        Op::$ceil => number(a.ceil()),
                        Op::$floor => number(a.floor()),
                        Op::$trunc => number(a.trunc()),
                        Op::$nearest => number(a.round_ties_even()),
                        Op::$sqrt => number(a.sqrt()),
                        // The bounds are the nearest floats outside the range, so comparisons are strict and exact.
                        $(Op::$trap if a > $low && a < $high => Outcome::Value(Const::$icase((a as $int) as _)),
                        Op::$trap => Outcome::Trap,)*
                        $(Op::$sat => Outcome::Value(Const::$scase((a as $sint) as _)),)*
                        _ => other(op, args),
                    }
                }
                &[Const::$case(x), Const::$case(y)] => {
                    let (a, b) = (<$float>::from_bits(x), <$float>::from_bits(y));
                    match op {
                        Op::$add => number(a + b),
                        Op::$sub => number(a - b),
                        Op::$mul => number(a * b),
                        Op::$div => number(a / b),
                        Op::$opmin => number($min(a, b)),
                        Op::$opmax => number($max(a, b)),
                        Op::$copysign => Outcome::Value(Const::$case((x & !$sign) | (y & $sign))),
                        Op::$eq => truth(a == b),
                        Op::$ne => truth(a != b),
                        Op::$lt => truth(a < b),
                        Op::$gt => truth(a > b),
                        Op::$le => truth(a <= b),
                        Op::$ge => truth(a >= b),
                        _ => Outcome::Unknown,
                    }
                }
                _ => Outcome::Unknown,
            }
        }

        /// Minimum with NaNs propagated and −0 below +0.
        fn $min(a: $float, b: $float) -> $float {
            if a.is_nan() || b.is_nan() {
                <$float>::NAN
            } else if a == b {
                // Equal but for the sign of zero: either sign bit wins.
                <$float>::from_bits(a.to_bits() | b.to_bits())
            } else if a < b { a } else { b }
        }

        /// Maximum with NaNs propagated and −0 below +0.
        fn $max(a: $float, b: $float) -> $float {
            if a.is_nan() || b.is_nan() {
                <$float>::NAN
            } else if a == b {
                <$float>::from_bits(a.to_bits() & b.to_bits())
            } else if a > b { a } else { b }
        }
    };
}

float_ops! {
    /// Evaluates an operator whose operands are all `f32`.
    eval_f32, min_f32, max_f32, f32, F32, 0x8000_0000u32;
    F32Abs F32Neg F32Ceil F32Floor F32Trunc F32Nearest F32Sqrt
    F32Add F32Sub F32Mul F32Div F32Min F32Max F32Copysign
    F32Eq F32Ne F32Lt F32Gt F32Le F32Ge;
    trapping:
        I32TruncF32S i32 I32 -2147483904.0 2147483648.0
        I32TruncF32U u32 I32 -1.0 4294967296.0
        I64TruncF32S i64 I64 -9223373136366403584.0 9223372036854775808.0
        I64TruncF32U u64 I64 -1.0 18446744073709551616.0;
    saturating:
        I32TruncSatF32S i32 I32
        I32TruncSatF32U u32 I32
        I64TruncSatF32S i64 I64
        I64TruncSatF32U u64 I64;
}

float_ops! {
    /// Evaluates an operator whose operands are all `f64`.
    eval_f64, min_f64, max_f64, f64, F64, 0x8000_0000_0000_0000u64;
    F64Abs F64Neg F64Ceil F64Floor F64Trunc F64Nearest F64Sqrt
    F64Add F64Sub F64Mul F64Div F64Min F64Max F64Copysign
    F64Eq F64Ne F64Lt F64Gt F64Le F64Ge;
    trapping:
        I32TruncF64S i32 I32 -2147483649.0 2147483648.0
        I32TruncF64U u32 I32 -1.0 4294967296.0
        I64TruncF64S i64 I64 -9223372036854777856.0 9223372036854775808.0
        I64TruncF64U u64 I64 -1.0 18446744073709551616.0;
    saturating:
        I32TruncSatF64S i32 I32
        I32TruncSatF64U u32 I32
        I64TruncSatF64S i64 I64
        I64TruncSatF64U u64 I64;
}

/// Operators from a float to another type, that are no member of a pair.
fn other(op: Op, args: &[Const]) -> Outcome {
    match (op, args) {
        (Op::F32DemoteF64, [Const::F64(a)]) => {
            let a = f64::from_bits(*a);
            if a.is_nan() { Outcome::Unknown } else { Outcome::Value(Const::F32((a as f32).to_bits())) }
        }
        (Op::F64PromoteF32, [Const::F32(a)]) => {
            let a = f32::from_bits(*a);
            if a.is_nan() { Outcome::Unknown } else { Outcome::Value(Const::F64(f64::from(a).to_bits())) }
        }
        (Op::I32ReinterpretF32, [Const::F32(a)]) => Outcome::Value(Const::I32(*a)),
        (Op::I64ReinterpretF64, [Const::F64(a)]) => Outcome::Value(Const::I64(*a)),
        _ => super::simd::eval(op, &crate::ir::ops::Imm::None, args),
    }
}

/// Text of an `f32`, as the text format writes it and the rule reader reads it.
pub fn f32_to_text(x: f32) -> String {
    if x.is_nan() {
        let payload = x.to_bits() & 0x7f_ffff;
        format!("{}nan:0x{payload:x}", sign(x.is_sign_negative()))
    } else if x.is_infinite() {
        format!("{}inf", sign(x.is_sign_negative()))
    } else {
        format!("{x:?}")
    }
}

/// Text of an `f64`, as the text format writes it and the rule reader reads it.
pub fn f64_to_text(x: f64) -> String {
    if x.is_nan() {
        let payload = x.to_bits() & 0xf_ffff_ffff_ffff;
        format!("{}nan:0x{payload:x}", sign(x.is_sign_negative()))
    } else if x.is_infinite() {
        format!("{}inf", sign(x.is_sign_negative()))
    } else {
        format!("{x:?}")
    }
}

fn sign(negative: bool) -> &'static str {
    if negative { "-" } else { "" }
}
