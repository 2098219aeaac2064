//! Scalar floats over the theory of floating-point numbers, NaN sets beside it. Operators are taken apart by their names: type,
//! what is done, and the type converted from.

use super::outcome::{Outcome, doubtful, truth};
use super::script::{Script, and, extract, literal, or};
use super::value::*;
use crate::ir::ops::Op;

/// Width of the type of that name.
fn width_of(name: &str) -> Option<u32> {
    match name {
        "i32" | "f32" => Some(32),
        "i64" | "f64" => Some(64),
        _ => None,
    }
}

/// Applies an operator on scalar floats; `Ok(None)` if it is none.
///
/// # Errors
/// What is not modelled.
pub(super) fn apply(script: &mut Script, op: Op, args: &[Value]) -> Result<Option<Outcome>, String> {
    let Some((ty, what)) = op.name().split_once('.') else { return Ok(None) };
    let Some(width) = width_of(ty) else { return Ok(None) };
    if ty.starts_with('i') {
        // Of the operators that give integers and are no integer operators, truncations are left.
        let Some(rest) = what.strip_prefix("trunc_") else { return Ok(None) };
        let (saturating, rest) = match rest.strip_prefix("sat_") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (Some((_, sign)), [a]) = (rest.split_once('_'), args) else { return Ok(None) };
        return truncate(script, width, saturating, sign == "s", a).map(Some);
    }
    if let (Some(rest), [a]) = (what.strip_prefix("convert_"), args) {
        let how = if rest.ends_with("_s") { "to_fp" } else { "to_fp_unsigned" };
        let (e, s) = float_shape(width);
        let number = format!("((_ {how} {e} {s}) RNE {})", a.text);
        let text = bits_of(script, width, &number);
        let kind = bits_kind(script, args.iter());
        return Ok(Some(Outcome::total(Value {
            text,
            sort: Sort::Bits(width),
            kind,
            number: None,
            sum: None,
        })));
    }
    let value = match args {
        [a] => unary(script, width, what, a)?,
        [a, b] => binary(script, width, what, a, b)?,
        _ => None,
    };
    Ok(value.map(Outcome::total))
}

/// The bits of a float that is a number; of a NaN, some NaN's.
fn bits_of(script: &mut Script, width: u32, number: &str) -> String {
    let text = script.declare(super::script::bits_sort(width));
    script.assert(format!("(= {} {number})", to_float(&text, width)));
    text
}

/// A result of arithmetic.
fn arithmetic(script: &mut Script, width: u32, number: &str, args: &[&Value]) -> Result<Value, String> {
    let text = bits_of(script, width, number);
    let nan = format!("(fp.isNaN {})", to_float(&text, width));
    let kind = Some(nan_kind(script, &nan, args)?);
    Ok(Value { text, sort: Sort::Bits(width), kind, number: Some(number.to_string()), sum: None })
}

fn unary(script: &mut Script, width: u32, what: &str, a: &Value) -> Result<Option<Value>, String> {
    let x = a.float()?;
    let (e, s) = float_shape(width);
    let sort = Sort::Bits(width);
    let sign = literal(width, 1 << (width - 1));
    let number = match what {
        "neg" => {
            let text = script.bits(width, format!("(bvxor {} {sign})", a.text));
            // The sets do not know a sign.
            let number = Some(format!("(fp.neg {x})"));
            return Ok(Some(Value { text, sort, kind: a.kind.clone(), number, sum: None }));
        }
        "abs" => {
            let text = script.bits(width, format!("(bvand {} (bvnot {sign}))", a.text));
            let kind = bits_kind(script, std::iter::once(a));
            let number = Some(format!("(fp.abs {x})"));
            return Ok(Some(Value { text, sort, kind, number, sum: None }));
        }
        "ceil" => format!("(fp.roundToIntegral RTP {x})"),
        "floor" => format!("(fp.roundToIntegral RTN {x})"),
        "trunc" => format!("(fp.roundToIntegral RTZ {x})"),
        "nearest" => format!("(fp.roundToIntegral RNE {x})"),
        "sqrt" => format!("(fp.sqrt RNE {x})"),
        "demote_f64" | "promote_f32" => format!("((_ to_fp {e} {s}) RNE {x})"),
        _ => return Ok(None),
    };
    arithmetic(script, width, &number, &[a]).map(Some)
}

fn binary(
    script: &mut Script,
    width: u32,
    what: &str,
    a: &Value,
    b: &Value,
) -> Result<Option<Value>, String> {
    let (x, y) = (a.float()?, b.float()?);
    let sign = literal(width, 1 << (width - 1));
    let sort = Sort::Bits(width);
    let relation = match what {
        "eq" => Some(format!("(fp.eq {x} {y})")),
        "ne" => Some(format!("(not (fp.eq {x} {y}))")),
        "lt" => Some(format!("(fp.lt {x} {y})")),
        "gt" => Some(format!("(fp.gt {x} {y})")),
        "le" => Some(format!("(fp.leq {x} {y})")),
        "ge" => Some(format!("(fp.geq {x} {y})")),
        _ => None,
    };
    if let Some(relation) = relation {
        let kind = number_kind(script, [a, b].into_iter());
        return Ok(Some(Value { kind, ..truth(script, &relation) }));
    }
    let number = match what {
        "add" => format!("(fp.add RNE {x} {y})"),
        "sub" => format!("(fp.sub RNE {x} {y})"),
        "mul" => format!("(fp.mul RNE {x} {y})"),
        "div" => format!("(fp.div RNE {x} {y})"),
        "copysign" => {
            let magnitude = format!("(bvand {} (bvnot {sign}))", a.text);
            let text = script.bits(width, format!("(bvor {magnitude} (bvand {} {sign}))", b.text));
            let kind = bits_kind(script, [a, b].into_iter());
            return Ok(Some(Value { text, sort, kind, number: None, sum: None }));
        }
        "min" | "max" => {
            // Equal but for the sign of zero: −0 is below +0.
            let (zero, less) = if what == "min" { ("bvor", "fp.lt") } else { ("bvand", "fp.gt") };
            let number = format!(
                "(ite (fp.eq {x} {y}) ({zero} {} {}) (ite ({less} {x} {y}) {} {}))",
                a.text, b.text, a.text, b.text
            );
            let nan = format!("(or (fp.isNaN {x}) (fp.isNaN {y}))");
            let (e, s) = float_shape(width);
            let some_nan = literal(width, ((1 << (e + 1)) - 1) << (s - 2));
            let text = script.bits(width, format!("(ite {nan} {some_nan} {number})"));
            let kind = Some(nan_kind(script, &nan, &[a, b])?);
            return Ok(Some(Value { text, sort, kind, number: None, sum: None }));
        }
        _ => return Ok(None),
    };
    arithmetic(script, width, &number, &[a, b]).map(Some)
}

/// Truncation to an integer of `to` bits. Rounding towards zero first makes both borders powers of two, which are floats.
fn truncate(
    script: &mut Script,
    to: u32,
    saturating: bool,
    signed: bool,
    a: &Value,
) -> Result<Outcome, String> {
    let from = a.width()?;
    let (e, s) = float_shape(from);
    let power = |k: u32, negative: bool| {
        let bias = (1u128 << (e - 1)) - 1;
        let bits = (bias + u128::from(k)) << (s - 1) | u128::from(negative) << (from - 1);
        to_float(&literal(from, bits), from)
    };
    let float = a.float()?;
    let whole =
        script.define(format!("(_ FloatingPoint {e} {s})"), format!("(fp.roundToIntegral RTZ {float})"));
    let (low, high, to_int) = if signed {
        (power(to - 1, true), power(to - 1, false), "fp.to_sbv")
    } else {
        (to_float(&literal(from, 0), from), power(to, false), "fp.to_ubv")
    };
    let fits = and(&[format!("(fp.geq {whole} {low})"), format!("(fp.lt {whole} {high})")]);
    let inside = format!("((_ {to_int} {to}) RTZ {whole})");
    if !saturating {
        // A NaN traps, whichever it is.
        let kind = number_kind(script, std::iter::once(a));
        let text = script.bits(to, inside);
        let value = Value { text, sort: Sort::Bits(to), kind: kind.clone(), number: None, sum: None };
        return Ok(Outcome { value, trap: Some(format!("(not {fits})")), doubt: doubtful(kind) });
    }
    let (least, most) = if signed {
        (literal(to, 1 << (to - 1)), literal(to, (1 << (to - 1)) - 1))
    } else {
        (literal(to, 0), literal(to, u128::MAX))
    };
    let outside = format!("(ite (fp.lt {whole} {low}) {least} {most})");
    let number = format!("(ite {fits} {inside} {outside})");
    let nan = format!("(fp.isNaN {whole})");
    let text = script.bits(to, format!("(ite {nan} {} {number})", literal(to, 0)));
    let kind = number_kind(script, std::iter::once(a));
    Ok(Outcome::total(Value { text, sort: Sort::Bits(to), kind, number: None, sum: None }))
}

/// Whether a power of two has a reciprocal that is normal and exact, and the bits of that.
pub(super) fn reciprocal(bits: &str, width: u32) -> (String, String) {
    let (e, s) = float_shape(width);
    let exponent = extract(bits, width - 2, s - 1);
    let fraction = extract(bits, s - 2, 0);
    let twice_bias = (1u128 << e) - 2;
    let defined = and(&[
        format!("(= {fraction} {})", literal(s - 1, 0)),
        format!(
            "(not {})",
            or(&[
                format!("(= {exponent} {})", literal(e, 0)),
                format!("(bvuge {exponent} {})", literal(e, twice_bias))
            ])
        ),
    ]);
    let inverse = format!("(bvsub {} {exponent})", literal(e, twice_bias));
    let sign = extract(bits, width - 1, width - 1);
    (defined, format!("(concat (concat {sign} {inverse}) {fraction})"))
}
