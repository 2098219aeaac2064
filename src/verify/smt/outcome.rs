//! What an operator gives, as a term: a value, and when there is none.

use super::script::{Script, literal};
use super::value::*;

/// What an operator gives.
pub(super) struct Outcome {
    /// The value where it does not trap.
    pub(super) value: Value,
    /// When it traps; none if it never does.
    pub(super) trap: Option<String>,
    /// When it is not known whether it traps.
    pub(super) doubt: Option<String>,
}

impl Outcome {
    /// A value that comes without a trap.
    pub(super) fn total(value: Value) -> Outcome {
        Outcome { value, trap: None, doubt: None }
    }
}

/// A truth value as an `i32`.
pub(super) fn truth(script: &mut Script, term: &str) -> Value {
    let text = script.bits(32, format!("(ite {term} {} {})", literal(32, 1), literal(32, 0)));
    Value::exact(text, Sort::Bits(32))
}

/// A result that depends on the bits of all operands.
pub(super) fn of_bits(script: &mut Script, text: String, width: u32, args: &[Value]) -> Outcome {
    let kind = bits_kind(script, args.iter());
    Outcome::total(Value { text, sort: Sort::Bits(width), kind, number: None, sum: None })
}

/// When something of that kind is unknown.
pub(super) fn doubtful(kind: Option<String>) -> Option<String> {
    kind.map(|k| format!("(= {k} {UNKNOWN})"))
}

/// The value whose type is given by the width.
pub(super) fn exact(script: &mut Script, width: u32, term: &str) -> Value {
    let text = script.bits(width, term);
    Value::exact(text, Sort::Bits(width))
}
