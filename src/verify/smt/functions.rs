//! The vocabulary's functions as SMT terms, beside the evaluator in `rules::vocab`. One match over all of them: a new function
//! does not compile without a term.

use super::floats;
use super::ints;
use super::script::{Script, and, bits_sort, extract, literal, resize};
use super::state::PLACE;
use super::value::is_signalling;
use crate::interp::int::IntOp;
use crate::rules::Func;

/// An argument or result of a function.
#[derive(Clone, Debug)]
pub(super) struct Term {
    /// The bits.
    pub(super) text: String,
    /// Their number.
    pub(super) width: u32,
    /// The same number in [`PLACE`] bits, where there is a simpler term for it than an extension.
    pub(super) place: Option<String>,
}

impl Term {
    /// Bits of that number.
    pub(super) fn new(text: String, width: u32) -> Term {
        Term { text, width, place: None }
    }

    fn place(&self) -> String {
        self.place.clone().unwrap_or_else(|| resize(&self.text, self.width, PLACE))
    }
}

/// A result, or what is not modelled.
pub(super) type Answer = Result<Meaning, String>;

/// What a function gives.
pub(super) enum Meaning {
    /// A constant, and when it has a value at all.
    Constant(Term, Option<String>),
    /// A condition, as a truth value.
    Truth(String),
    /// An effect version, which the caller makes.
    Version,
}

fn constant(text: String, width: u32) -> Answer {
    Ok(Meaning::Constant(Term::new(text, width), None))
}

fn truth(text: String) -> Answer {
    Ok(Meaning::Truth(text))
}

/// Applies a function. Facts are read in their weakest sense: they hold where they are true of the operands. Values and
/// addresses come as their bits.
pub(super) fn apply(script: &mut Script, func: Func, args: &[Term]) -> Answer {
    let arg = |i: usize| args.get(i).ok_or_else(|| format!("`{}` lacks an argument", func.name()));
    let (a, w) = match args.first() {
        Some(t) => (t.text.as_str(), t.width),
        None => return Err(format!("`{}` lacks an argument", func.name())),
    };
    let b = args.get(1).map_or("", |t| t.text.as_str());
    let integer = |op: IntOp| match ints::value(op, w, a, b) {
        Some(term) => constant(term, w),
        None => Err(format!("`{}` has no SMT term", func.name())),
    };
    let relation = |op: IntOp| match ints::test(op, w, a, b) {
        Some(term) => truth(term),
        None => Err(format!("`{}` has no SMT term", func.name())),
    };
    let zero = literal(w, 0);
    match func {
        Func::Add => integer(IntOp::Add),
        Func::Sub => integer(IntOp::Sub),
        Func::Mul => integer(IntOp::Mul),
        Func::DivU => {
            let term = Term::new(format!("(bvudiv {a} {b})"), w);
            Ok(Meaning::Constant(term, Some(format!("(distinct {b} {zero})"))))
        }
        Func::And => integer(IntOp::And),
        Func::Or => integer(IntOp::Or),
        Func::Xor => integer(IntOp::Xor),
        Func::Shl => integer(IntOp::Shl),
        Func::ShrU => integer(IntOp::ShrU),
        Func::ShrS => integer(IntOp::ShrS),
        Func::Rotl => integer(IntOp::Rotl),
        Func::Neg => constant(format!("(bvneg {a})"), w),
        Func::Not => constant(format!("(bvnot {a})"), w),
        Func::Clz => integer(IntOp::Clz),
        Func::Ctz => integer(IntOp::Ctz),
        Func::Popcnt => integer(IntOp::Popcnt),
        Func::Wrap => constant(extract(a, 31, 0), 32),
        Func::ExtendU => constant(resize(a, 32, 64), 64),
        Func::ExtendS => constant(format!("((_ sign_extend 32) {a})"), 64),
        Func::MagicMulU | Func::MagicShiftU => magic(script, func == Func::MagicMulU, false, a),
        Func::MagicMulS | Func::MagicShiftS => magic(script, func == Func::MagicMulS, true, a),
        Func::Recip => {
            let (defined, text) = floats::reciprocal(a, w);
            Ok(Meaning::Constant(Term::new(text, w), Some(defined)))
        }
        Func::Eq => relation(IntOp::Eq),
        Func::Ne => relation(IntOp::Ne),
        Func::LtU => relation(IntOp::LtU),
        Func::LeU => relation(IntOp::LeU),
        Func::LtS => relation(IntOp::LtS),
        Func::LeS => relation(IntOp::LeS),
        Func::IsPow2 => {
            truth(format!("(and (distinct {a} {zero}) (= (bvand {a} (bvsub {a} {})) {zero}))", literal(w, 1)))
        }
        Func::IsMask => {
            truth(format!("(and (distinct {a} {zero}) (= (bvand {a} (bvadd {a} {})) {zero}))", literal(w, 1)))
        }
        Func::UaddOk => truth(unsigned_fits(w, "bvadd", a, b)),
        // In the words of effective addresses, so that the solver can put the one sum for the other.
        Func::NoWrapAdd => {
            let sum = resize(&format!("(bvadd {a} {b})"), w, PLACE);
            truth(format!("(= {sum} (bvadd {} {}))", resize(a, w, PLACE), resize(b, w, PLACE)))
        }
        Func::SaddOk => {
            let wide = |x: &str| format!("((_ sign_extend 1) {x})");
            truth(format!("(= (bvadd {} {}) {})", wide(a), wide(b), wide(&format!("(bvadd {a} {b})"))))
        }
        Func::UmulOk => truth(unsigned_fits(w, "bvmul", a, b)),
        Func::Shorter => {
            let (x, y) = (leb_bytes(w, a), leb_bytes(w, b));
            truth(format!("(bvult {x} {y})"))
        }
        Func::ZeroBits => truth(format!("(= (bvand {a} {b}) {zero})")),
        Func::NonZero => truth(format!("(distinct {a} {zero})")),
        Func::NonNeg => truth(format!("(bvsge {a} {zero})")),
        Func::Quiet => truth(format!("(not {})", is_signalling(a, w))),
        Func::NotConst => truth("true".to_string()),
        Func::Distance => {
            let (x, y) =
                (effective(script, arg(0)?, arg(1)?, true), effective(script, arg(2)?, arg(3)?, true));
            distance(script, &x, &y)
        }
        Func::Inside => {
            let (start, to) = (effective(script, arg(0)?, arg(1)?, true), arg(3)?.place());
            let within = range_within(&start, arg(2)?, &to, arg(4)?);
            let d = script.bits(PLACE, format!("(bvsub {start} {to})"));
            // Not negative, for it is within; so its extension is the difference.
            let fits = format!("(= {} {})", extract(&d, PLACE - 1, 63), literal(PLACE - 63, 0));
            let term = Term { text: extract(&d, 63, 0), width: 64, place: Some(d) };
            Ok(Meaning::Constant(term, Some(and(&[within, fits]))))
        }
        Func::Disjoint => {
            let (x, y) =
                (effective(script, arg(0)?, arg(1)?, true), effective(script, arg(3)?, arg(4)?, true));
            let (n, k) = (arg(2)?.place(), arg(5)?.place());
            truth(format!("(or (bvule (bvadd {x} {n}) {y}) (bvule (bvadd {y} {k}) {x}))"))
        }
        Func::Within => {
            let start = effective(script, arg(0)?, arg(1)?, true);
            truth(range_within(&start, arg(2)?, &arg(3)?.place(), arg(4)?))
        }
        Func::Older => Ok(Meaning::Version),
        Func::Unchanged => Err("`unchanged` of what are no versions".to_string()),
    }
}

/// Address plus offset, without wrapping. Most rules hold for any places, whatever they are sums of; so the sum is opaque
/// where the offset is `variable`.
pub(super) fn effective(script: &mut Script, address: &Term, offset: &Term, variable: bool) -> String {
    if offset.text == literal(64, 0) {
        return address.place();
    }
    let sum = format!("(bvadd {} {})", address.place(), offset.place());
    if !variable {
        return script.bits(PLACE, sum);
    }
    // Two numbers of 64 bits.
    script.opaque(PLACE, sum, |place| format!("(bvult {place} {})", literal(PLACE, 1 << 65)))
}

/// `a - b` for places, where it fits 64 bits with a sign.
fn distance(script: &mut Script, a: &str, b: &str) -> Answer {
    let d = script.bits(PLACE, format!("(bvsub {a} {b})"));
    let low = extract(&d, 63, 0);
    let fits = format!("(= ((_ sign_extend {}) {low}) {d})", PLACE - 64);
    Ok(Meaning::Constant(Term::new(low, 64), Some(fits)))
}

/// Whether `[start, start + n)` lies inside `[to, to + len)`: by the ends, and by the difference of the starts. Places have at
/// most 66 bits, so the difference is not negative exactly if its upper bits are 0, and no sum wraps. Either would do; with both
/// the solver need not find the one from the other.
fn range_within(start: &str, n: &Term, to: &str, len: &Term) -> String {
    let (n, len) = (n.place(), len.place());
    let d = format!("(bvsub {start} {to})");
    and(&[
        format!("(bvule {to} {start})"),
        format!("(bvule (bvadd {start} {n}) (bvadd {to} {len}))"),
        format!("(= {} {})", extract(&d, PLACE - 1, PLACE - 2), literal(2, 0)),
        format!("(bvule (bvadd {d} {n}) {len})"),
    ])
}

/// Whether an unsigned operation on twice the bits has a result that fits.
fn unsigned_fits(w: u32, op: &str, a: &str, b: &str) -> String {
    let wide = format!("({op} {} {})", resize(a, w, 2 * w), resize(b, w, 2 * w));
    format!("(= {} {})", extract(&wide, 2 * w - 1, w), literal(w, 0))
}

/// Bytes of a number in signed LEB128, in 4 bits.
fn leb_bytes(w: u32, a: &str) -> String {
    let most = w.div_ceil(7);
    let mut s = literal(4, most.into());
    for k in (1..most).rev() {
        let fits = format!("(= ((_ sign_extend {}) {}) {a})", w - 7 * k, extract(a, 7 * k - 1, 0));
        s = format!("(ite {fits} {} {s})", literal(4, k.into()));
    }
    s
}

/// Multiplier and shift of a division by a constant. The evaluator finds the least shift by search; here stands what it
/// searches for, and that is all that a rule may rely on: `2^s <= M d`, `(M d - 2^s) 2^r <= 2^s`, where `r` is 32 for
/// unsigned and 31 for signed division, `32 <= s < 64` (63), and `M < 2^32`.
fn magic(script: &mut Script, multiplier: bool, signed: bool, d: &str) -> Answer {
    const WIDE: u32 = 104;
    let name = |part: &str| format!("magic_{part}_{}", if signed { "s" } else { "u" });
    // The same divisor has the same answer, so both are functions of it.
    let m = script.function(&name("mul"), &bits_sort(32), &bits_sort(64), d);
    let s = script.function(&name("shift"), &bits_sort(32), &bits_sort(64), d);
    let (range, most) = if signed { (31, 63) } else { (32, 64) };
    let power = format!("(bvshl {} {})", literal(WIDE, 1), resize(&s, 64, WIDE));
    let product = format!("(bvmul {} {})", resize(&m, 64, WIDE), resize(d, 32, WIDE));
    let error = format!("(bvsub {product} {power})");
    let mut parts = vec![
        format!("(bvugt {d} {})", literal(32, 1)),
        format!("(distinct (bvand {d} (bvsub {d} {})) {})", literal(32, 1), literal(32, 0)),
        format!("(bvule {} {s})", literal(64, 32)),
        format!("(bvult {s} {})", literal(64, most)),
        format!("(bvule {m} {})", literal(64, u128::from(u32::MAX))),
        format!("(bvule {power} {product})"),
        format!("(bvule (bvshl {error} {}) {power})", literal(WIDE, range)),
    ];
    if signed {
        parts.push(format!("(bvsgt {d} {})", literal(32, 0)));
    }
    let text = if multiplier { m } else { s };
    Ok(Meaning::Constant(Term::new(text, 64), Some(and(&parts))))
}
