//! Vectors as 128 bits. Lanewise integer operators come from [`super::ints`] by the evaluator's own classification, at the
//! width of a lane; float lanes and the relaxed operators are not modelled, neither here nor there.

use super::ints;
use super::outcome::{Outcome, of_bits, truth};
use super::script::{Script, and, concat, extract, literal, resize};
use super::value::Value;
use crate::interp::{lanewise, lanewise_shift};
use crate::ir::ops::Op;

/// Width of the lanes of a shape, and whether they are floats.
fn shape(name: &str) -> Option<(u32, bool)> {
    let (lane, count) = name.split_once('x')?;
    let width: u32 = lane.get(1..)?.parse().ok()?;
    let count: u32 = count.parse().ok()?;
    (width * count == 128).then_some((width, lane.starts_with('f')))
}

/// Lane `i` of a vector.
fn lane(v: &str, width: u32, i: u32) -> String {
    extract(v, width * (i + 1) - 1, width * i)
}

/// Where the lane of a 64-bit index begins, in a term of 128 bits.
fn position(index: &str, width: u32) -> String {
    format!("(bvmul {} {})", resize(index, 64, 128), literal(128, width.into()))
}

/// Applies an operator on vectors; `Ok(None)` if it is not modelled.
///
/// # Errors
/// What is not modelled.
pub(super) fn apply(
    script: &mut Script,
    op: Op,
    lanes: &[String],
    args: &[Value],
) -> Result<Option<Outcome>, String> {
    let arg = |i: usize| args.get(i).map_or("", |a| a.text.as_str());
    let (a, b, c) = (arg(0), arg(1), arg(2));
    if let Some((int_op, width)) = lanewise(op) {
        let term = |i| {
            let (x, y) = (lane(a, width, i), if b.is_empty() { String::new() } else { lane(b, width, i) });
            match ints::test(int_op, width, &x, &y) {
                Some(test) => {
                    Some(format!("(ite {test} {} {})", literal(width, u128::MAX), literal(width, 0)))
                }
                None => ints::value(int_op, width, &x, &y),
            }
        };
        let terms: Option<Vec<String>> = (0..128 / width).map(term).collect();
        let Some(terms) = terms else { return Ok(None) };
        return Ok(Some(vector(script, &concat(&terms), args)));
    }
    if let Some((int_op, width)) = lanewise_shift(op) {
        // The count is taken modulo the width of a lane, so its low bits are enough.
        let count = script.bits(width, resize(b, 32, width));
        let term = |i| ints::value(int_op, width, &lane(a, width, i), &count);
        let terms: Option<Vec<String>> = (0..128 / width).map(term).collect();
        let Some(terms) = terms else { return Ok(None) };
        return Ok(Some(vector(script, &concat(&terms), args)));
    }
    let Some((ty, what)) = op.name().split_once('.') else { return Ok(None) };
    let zero = literal(128, 0);
    let term = match (ty, what) {
        ("v128", "not") => format!("(bvnot {a})"),
        ("v128", "and") => format!("(bvand {a} {b})"),
        ("v128", "andnot") => format!("(bvand {a} (bvnot {b}))"),
        ("v128", "or") => format!("(bvor {a} {b})"),
        ("v128", "xor") => format!("(bvxor {a} {b})"),
        ("v128", "bitselect") => format!("(bvor (bvand {a} {c}) (bvand {b} (bvnot {c})))"),
        ("v128", "any_true") => {
            let test = truth(script, &format!("(distinct {a} {zero})"));
            return Ok(Some(of_bits(script, test.text, 32, args)));
        }
        ("i8x16", "shuffle") => shuffle(a, b, lanes),
        _ => return by_shape(script, ty, what, lanes, args),
    };
    Ok(Some(vector(script, &term, args)))
}

/// A result of 128 bits.
fn vector(script: &mut Script, term: &str, args: &[Value]) -> Outcome {
    let text = script.bits(128, term);
    of_bits(script, text, 128, args)
}

fn shuffle(a: &str, b: &str, lanes: &[String]) -> String {
    let both = format!("(concat {b} {a})");
    let byte = |l: &String| {
        let at = format!("(bvmul {} {})", resize(l, 64, 256), literal(256, 8));
        extract(&format!("(bvlshr {both} {at})"), 7, 0)
    };
    concat(&lanes.iter().map(byte).collect::<Vec<_>>())
}

/// Operators that exist for several shapes.
fn by_shape(
    script: &mut Script,
    ty: &str,
    what: &str,
    lanes: &[String],
    args: &[Value],
) -> Result<Option<Outcome>, String> {
    let Some((width, _)) = shape(ty) else { return Ok(None) };
    let count = 128 / width;
    let index = || lanes.first().map(String::as_str).ok_or_else(|| "a lane is missing".to_string());
    let scalar = width.max(32);
    match (what, args) {
        ("splat", [a]) => {
            let one = a.resized(width)?;
            let all = concat(&vec![one; count as usize]);
            Ok(Some(vector(script, &all, args)))
        }
        ("extract_lane" | "extract_lane_u" | "extract_lane_s", [v]) => {
            let moved = format!("(bvlshr {} {})", v.text, position(index()?, width));
            let one = extract(&moved, width - 1, 0);
            let text = if what.ends_with("_s") {
                format!("((_ sign_extend {}) {one})", scalar - width)
            } else {
                resize(&one, width, scalar)
            };
            let text = script.bits(scalar, text);
            Ok(Some(of_bits(script, text, scalar, args)))
        }
        ("replace_lane", [v, x]) => {
            let at = script.bits(128, position(index()?, width));
            let mask = format!("(bvshl {} {at})", literal(128, (1 << width) - 1));
            let new = format!("(bvshl {} {at})", resize(&x.resized(width)?, width, 128));
            let term = format!("(bvor (bvand {} (bvnot {mask})) {new})", v.text);
            Ok(Some(vector(script, &term, args)))
        }
        ("all_true", [v]) => {
            let zero = literal(width, 0);
            let lanes: Vec<String> =
                (0..count).map(|i| format!("(distinct {} {zero})", lane(&v.text, width, i))).collect();
            let test = truth(script, &and(&lanes));
            Ok(Some(of_bits(script, test.text, 32, args)))
        }
        ("bitmask", [v]) => {
            let sign = |i: u32| extract(&v.text, width * (i + 1) - 1, width * (i + 1) - 1);
            let signs = concat(&(0..count).map(sign).collect::<Vec<_>>());
            let text = script.bits(32, resize(&signs, count, 32));
            Ok(Some(of_bits(script, text, 32, args)))
        }
        _ => Ok(None),
    }
}
