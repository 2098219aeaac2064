//! Known edge cases by hand; `tests/evaluator.rs` compares every operator with an engine.

use super::*;
use Const::{F32, F64, I32, I64};

fn run(op: Op, args: &[Const]) -> Outcome {
    eval(op, &Imm::None, args)
}

#[test]
fn division_traps() {
    assert_eq!(run(Op::I32DivS, &[I32(0x8000_0000), I32(u32::MAX)]), Outcome::Trap);
    assert_eq!(run(Op::I32RemS, &[I32(0x8000_0000), I32(u32::MAX)]), Outcome::Value(I32(0)));
    assert_eq!(run(Op::I64DivU, &[I64(1), I64(0)]), Outcome::Trap);
    assert_eq!(run(Op::I64DivS, &[I64(-7i64 as u64), I64(2)]), Outcome::Value(I64(-3i64 as u64)));
}

#[test]
fn shifts_wrap_their_count() {
    assert_eq!(run(Op::I32Shl, &[I32(1), I32(33)]), Outcome::Value(I32(2)));
    assert_eq!(run(Op::I64Rotr, &[I64(1), I64(65)]), Outcome::Value(I64(1 << 63)));
}

#[test]
fn float_results() {
    let f = |x: f32| F32(x.to_bits());
    let d = |x: f64| F64(x.to_bits());
    assert_eq!(run(Op::F32Min, &[f(0.0), f(-0.0)]), Outcome::Value(f(-0.0)));
    assert_eq!(run(Op::F32Max, &[f(-0.0), f(0.0)]), Outcome::Value(f(0.0)));
    assert_eq!(run(Op::F64Nearest, &[d(2.5)]), Outcome::Value(d(2.0)));
    assert_eq!(run(Op::F64Nearest, &[d(-0.4)]), Outcome::Value(d(-0.0)));
    assert_eq!(run(Op::F32Sub, &[f(f32::INFINITY), f(f32::INFINITY)]), Outcome::Unknown);
    assert_eq!(run(Op::F32Neg, &[F32(0x7fa0_0001)]), Outcome::Value(F32(0xffa0_0001)));
    assert_eq!(run(Op::F64Div, &[d(1.0), d(0.0)]), Outcome::Value(d(f64::INFINITY)));
}

#[test]
fn truncations_at_the_borders() {
    let f = |x: f32| F32(x.to_bits());
    let d = |x: f64| F64(x.to_bits());
    assert_eq!(run(Op::I32TruncF32S, &[f(-2147483648.0)]), Outcome::Value(I32(0x8000_0000)));
    assert_eq!(run(Op::I32TruncF32S, &[f(-2147483904.0)]), Outcome::Trap);
    assert_eq!(run(Op::I32TruncF64S, &[d(-2147483648.9)]), Outcome::Value(I32(0x8000_0000)));
    assert_eq!(run(Op::I32TruncF64S, &[d(-2147483649.0)]), Outcome::Trap);
    assert_eq!(run(Op::I32TruncF64U, &[d(-0.9)]), Outcome::Value(I32(0)));
    assert_eq!(run(Op::I32TruncF64U, &[d(4294967295.9)]), Outcome::Value(I32(u32::MAX)));
    assert_eq!(run(Op::I64TruncF64S, &[d(-9223372036854775808.0)]), Outcome::Value(I64(1 << 63)));
    assert_eq!(run(Op::I64TruncF64S, &[d(f64::NAN)]), Outcome::Trap);
    assert_eq!(run(Op::I64TruncSatF64S, &[d(f64::NAN)]), Outcome::Value(I64(0)));
    assert_eq!(run(Op::I32TruncSatF32U, &[f(-5.0)]), Outcome::Value(I32(0)));
}

#[test]
fn ill_typed_is_unknown() {
    assert_eq!(run(Op::I32Add, &[I32(1), I64(1)]), Outcome::Unknown);
    assert_eq!(run(Op::I32Add, &[I32(1)]), Outcome::Unknown);
    assert_eq!(run(Op::F32Add, &[]), Outcome::Unknown);
    assert_eq!(run(Op::Select, &[I32(1), I64(1), I32(0)]), Outcome::Unknown);
}

#[test]
fn widths_agree() {
    for a in [0u64, 1, 2, 127, 128, 255] {
        assert_eq!(int::apply(int::IntOp::DivS, 8, a, 255), (a != 128).then_some(a.wrapping_neg() & 255));
        assert_eq!(int::apply(int::IntOp::Rotl, 8, a, 9), Some(u64::from((a as u8).rotate_left(1))));
    }
}
