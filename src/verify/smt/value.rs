//! Values in queries, and what it means that one refines another.
//!
//! SMT-LIB has one NaN; WebAssembly has many, and lets the engine choose among a set. So a float is its bits, and beside them
//! stands a two-bit *kind*, which says of which set it may be any member: the kinds are the variants of `model::Val`.

use super::script::{Script, and, literal, or, resize};

/// Exactly the bits.
pub(super) const EXACT: &str = "#b00";
/// Any canonical NaN; the bits are those of some NaN.
pub(super) const CANONICAL: &str = "#b01";
/// Any arithmetic NaN; the bits are those of some NaN.
pub(super) const ARITHMETIC: &str = "#b10";
/// Something that is not modelled (the bits of a NaN that the engine chooses, say).
pub(super) const UNKNOWN: &str = "#b11";

/// What sort of thing a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A number or vector by its bits.
    Bits(u32),
    /// A value of a type that the rule leaves open: an uninterpreted sort, so that what is proved holds for every type.
    Any,
}

impl Sort {
    /// Name in SMT-LIB.
    pub(super) fn text(self) -> String {
        match self {
            Sort::Bits(n) => super::script::bits_sort(n),
            Sort::Any => "Any".to_string(),
        }
    }
}

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Name of the term with its bits.
    pub(super) text: String,
    /// Its sort.
    pub(super) sort: Sort,
    /// Name of the term with its kind; none if that is [`EXACT`] always.
    pub(super) kind: Option<String>,
    /// The floating-point number, where there is a simpler term for it than its bits.
    pub(super) number: Option<String>,
    /// The integer as a place, where it is a sum or difference that may not wrap.
    pub(super) sum: Option<Sum>,
}

/// An integer as a sum of places.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    /// The sum, in `state::PLACE` bits.
    pub(super) place: String,
    /// That it is the integer: no step of it wraps.
    pub(super) exact: Vec<String>,
}

impl Value {
    /// Exactly these bits.
    pub(super) fn exact(text: String, sort: Sort) -> Value {
        Value { text, sort, kind: None, number: None, sum: None }
    }

    /// The width in bits.
    ///
    /// # Errors
    /// If the type is open.
    pub(super) fn width(&self) -> Result<u32, String> {
        match self.sort {
            Sort::Bits(n) => Ok(n),
            Sort::Any => Err("arithmetic on a value of open type".to_string()),
        }
    }

    /// The floating-point number.
    ///
    /// # Errors
    /// If the type is open.
    pub(super) fn float(&self) -> Result<String, String> {
        match &self.number {
            Some(n) => Ok(n.clone()),
            None => Ok(to_float(&self.text, self.width()?)),
        }
    }

    /// The kind, [`EXACT`] if there is none.
    pub(super) fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or(EXACT)
    }

    /// Zero-extended or cut to a width.
    pub(super) fn resized(&self, to: u32) -> Result<String, String> {
        Ok(resize(&self.text, self.width()?, to))
    }
}

/// Exponent and significand bits (with the hidden one) of the float of that width.
pub(super) fn float_shape(width: u32) -> (u32, u32) {
    if width == 32 { (8, 24) } else { (11, 53) }
}

/// The float with these bits.
pub(super) fn to_float(bits: &str, width: u32) -> String {
    let (e, s) = float_shape(width);
    format!("((_ to_fp {e} {s}) {bits})")
}

/// Whether the bits are those of a NaN whose payload is only the quiet bit.
pub(super) fn is_canonical(bits: &str, width: u32) -> String {
    let (e, s) = float_shape(width);
    let magnitude = super::script::extract(bits, width - 2, 0);
    let quiet = ((1u128 << (e + 1)) - 1) << (s - 2);
    format!("(= {magnitude} {})", literal(width - 1, quiet))
}

/// Whether the bits are those of a NaN with the quiet bit.
pub(super) fn is_arithmetic(bits: &str, width: u32) -> String {
    let (e, s) = float_shape(width);
    let top = super::script::extract(bits, width - 2, s - 2);
    format!("(= {top} {})", literal(e + 1, (1u128 << (e + 1)) - 1))
}

/// Whether the bits are those of a signalling NaN.
pub(super) fn is_signalling(bits: &str, width: u32) -> String {
    format!("(and (fp.isNaN {}) (not {}))", to_float(bits, width), is_arithmetic(bits, width))
}

/// The kind of a float result: where `nan` holds, canonical if all NaN operands are, arithmetic otherwise. `None` of the
/// operands' kinds may be unknown without the result being so.
pub(super) fn nan_kind(script: &mut Script, nan: &str, args: &[&Value]) -> Result<String, String> {
    let mut canonical = Vec::new();
    let mut unknown = Vec::new();
    for a in args {
        let width = a.width()?;
        let exact = is_canonical(&a.text, width);
        let is = match &a.kind {
            None => exact,
            Some(k) => {
                unknown.push(format!("(= {k} {UNKNOWN})"));
                format!("(ite (= {k} {EXACT}) {exact} (= {k} {CANONICAL}))")
            }
        };
        canonical.push(format!("(=> (fp.isNaN {}) {is})", to_float(&a.text, width)));
    }
    let set = format!("(ite {} {CANONICAL} {ARITHMETIC})", and(&canonical));
    let kind = format!("(ite {nan} {set} {EXACT})");
    Ok(script
        .bits(2, if unknown.is_empty() { kind } else { format!("(ite {} {UNKNOWN} {kind})", or(&unknown)) }))
}

/// The kind of what is computed from bits: unknown where any operand is not exact.
pub(super) fn bits_kind<'a>(script: &mut Script, args: impl Iterator<Item = &'a Value>) -> Option<String> {
    let inexact: Vec<String> =
        args.filter_map(|a| a.kind.as_ref()).map(|k| format!("(not (= {k} {EXACT}))")).collect();
    (!inexact.is_empty()).then(|| script.bits(2, format!("(ite {} {UNKNOWN} {EXACT})", or(&inexact))))
}

/// The kind of what is computed from floats as numbers: unknown where any operand is.
pub(super) fn number_kind<'a>(script: &mut Script, args: impl Iterator<Item = &'a Value>) -> Option<String> {
    let unknown: Vec<String> =
        args.filter_map(|a| a.kind.as_ref()).map(|k| format!("(= {k} {UNKNOWN})")).collect();
    (!unknown.is_empty()).then(|| script.bits(2, format!("(ite {} {UNKNOWN} {EXACT})", or(&unknown))))
}

/// Whether every value that `new` may be is one that `old` may be, given that neither is unknown.
pub(super) fn refines(old: &Value, new: &Value) -> Result<String, String> {
    let equal = format!("(= {} {})", old.text, new.text);
    if old.sort != new.sort {
        return Err("the sides have different types".to_string());
    }
    if old.kind.is_none() {
        return Ok(match &new.kind {
            None => equal,
            Some(k) => format!("(and (= {k} {EXACT}) {equal})"),
        });
    }
    let width = old.width()?;
    let (o, n) = (old.kind(), new.kind());
    let member = |set: String| format!("(and (= {n} {EXACT}) {set})");
    let exact = format!("(and (= {n} {EXACT}) {equal})");
    if width != 32 && width != 64 {
        // A vector may be unknown, but is no set.
        return Ok(exact);
    }
    let canonical = format!("(or (= {n} {CANONICAL}) {})", member(is_canonical(&new.text, width)));
    let arithmetic =
        format!("(or (= {n} {CANONICAL}) (= {n} {ARITHMETIC}) {})", member(is_arithmetic(&new.text, width)));
    Ok(format!("(ite (= {o} {EXACT}) {exact} (ite (= {o} {CANONICAL}) {canonical} {arithmetic}))"))
}
