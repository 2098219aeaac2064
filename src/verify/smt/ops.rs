//! What each operator without effects means, once. Integer operators come from [`super::ints`] by the evaluator's own
//! classification, floats from [`super::floats`], vectors from [`super::lanes`].

use super::outcome::{Outcome, doubtful, of_bits, truth};
use super::script::{Script, bits_sort, extract, literal, resize};
use super::state::PLACE;
use super::value::*;
use super::{floats, ints, lanes};
use crate::interp::int;
use crate::ir::ops::Op;

/// Applies an operator of kind pure or trap. `lanes` are its lane immediates as terms of 64 bits.
///
/// # Errors
/// What is not modelled.
pub(super) fn apply(
    script: &mut Script,
    op: Op,
    lanes: &[String],
    args: &[Value],
) -> Result<Outcome, String> {
    if let Some((int_op, width)) = int::classify(op) {
        return integer(script, op, int_op, width, args);
    }
    match (op, args) {
        (Op::Select, [a, b, c]) => return select(script, a, b, c).map(Outcome::total),
        (Op::I32WrapI64, [a]) => {
            let text = script.bits(32, extract(&a.text, 31, 0));
            return Ok(of_bits(script, text, 32, args));
        }
        (Op::I64ExtendI32S | Op::I64ExtendI32U, [a]) => {
            let how = if op == Op::I64ExtendI32S { "sign_extend" } else { "zero_extend" };
            let text = script.bits(64, format!("((_ {how} 32) {})", a.text));
            return Ok(of_bits(script, text, 64, args));
        }
        (
            Op::I32ReinterpretF32 | Op::I64ReinterpretF64 | Op::F32ReinterpretI32 | Op::F64ReinterpretI64,
            [a],
        ) => return Ok(of_bits(script, a.text.clone(), a.width()?, args)),
        _ => {}
    }
    if let Some(result) = floats::apply(script, op, args)? {
        return Ok(result);
    }
    if let Some(result) = lanes::apply(script, op, lanes, args)? {
        return Ok(result);
    }
    Err(format!("`{}` has no SMT term", op.name()))
}

fn integer(
    script: &mut Script,
    op: Op,
    int_op: int::IntOp,
    width: u32,
    args: &[Value],
) -> Result<Outcome, String> {
    let arg = |i: usize| args.get(i).map_or("", |a| a.text.as_str());
    let (a, b) = (arg(0), arg(1));
    let trap = ints::trap(int_op, width, a, b);
    let doubt = if trap.is_some() { doubtful(bits_kind(script, args.iter())) } else { None };
    let (text, width) = match ints::test(int_op, width, a, b) {
        Some(test) => (truth(script, &test).text, 32),
        None => {
            let term =
                ints::value(int_op, width, a, b).ok_or_else(|| format!("`{}` has no SMT term", op.name()))?;
            (script.bits(width, term), width)
        }
    };
    let mut outcome = Outcome { trap, doubt, ..of_bits(script, text, width, args) };
    if let ([a, b], true) = (args, outcome.value.kind.is_none()) {
        outcome.value.sum = sum(int_op, width, a, b);
    }
    Ok(outcome)
}

/// A sum or difference as a place.
fn sum(op: int::IntOp, width: u32, a: &Value, b: &Value) -> Option<Sum> {
    let place = |v: &Value| match &v.sum {
        Some(sum) => sum.clone(),
        None => Sum { place: resize(&v.text, width, PLACE), exact: Vec::new() },
    };
    let (a, b) = (place(a), place(b));
    let (place, fits) = match op {
        int::IntOp::Add => {
            let place = format!("(bvadd {} {})", a.place, b.place);
            let fits = format!("(bvult {place} {})", literal(PLACE, 1 << width));
            (place, fits)
        }
        int::IntOp::Sub => {
            (format!("(bvsub {} {})", a.place, b.place), format!("(bvule {} {})", b.place, a.place))
        }
        _ => return None,
    };
    Some(Sum { place, exact: [a.exact, b.exact, vec![fits]].concat() })
}

fn select(script: &mut Script, a: &Value, b: &Value, c: &Value) -> Result<Value, String> {
    if a.sort != b.sort {
        return Err("a select between different types".to_string());
    }
    let chosen = format!("(distinct {} {})", c.text, literal(32, 0));
    let text = script.define(a.sort.text(), format!("(ite {chosen} {} {})", a.text, b.text));
    let kind = if a.kind.is_some() || b.kind.is_some() || c.kind.is_some() {
        let kind = format!("(ite {chosen} {} {})", a.kind(), b.kind());
        Some(script.define(bits_sort(2), format!("(ite (= {} {EXACT}) {kind} {UNKNOWN})", c.kind())))
    } else {
        None
    };
    Ok(Value { text, sort: a.sort, kind, number: None, sum: None })
}
