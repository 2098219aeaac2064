//! Text of a query under construction.

use std::fmt::{Display, Write};

/// Longest query. Reading through copies of copies doubles with each; no built-in rule comes near.
const MAX_BYTES: usize = 4 << 20;

/// Declarations, definitions and assertions in their order. Every part of a term gets a name of its own, so that terms that
/// use it twice stay short.
#[derive(Default)]
pub(super) struct Script {
    text: String,
    names: u32,
    functions: Vec<String>,
    /// Terms with names that stand for them only where [`Script::definitions`] are asserted.
    opaque: Vec<(String, String)>,
    /// Other terms for some of them, and what has to hold for these to be right.
    views: Vec<(String, String)>,
    exact: Vec<String>,
}

impl Script {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("t{}", self.names)
    }

    /// A new constant of the sort.
    pub(super) fn declare(&mut self, sort: impl Display) -> String {
        let name = self.name();
        writeln!(self.text, "(declare-const {name} {sort})").expect("writing to a string");
        name
    }

    /// A name for a term of the sort.
    pub(super) fn define(&mut self, sort: impl Display, term: impl Display) -> String {
        let name = self.name();
        writeln!(self.text, "(define-fun {name} () {sort} {term})").expect("writing to a string");
        name
    }

    /// A name for a bit-vector.
    pub(super) fn bits(&mut self, width: u32, term: impl Display) -> String {
        self.define(bits_sort(width), term)
    }

    /// An uninterpreted function of that name applied to an argument.
    pub(super) fn function(&mut self, name: &str, from: &str, to: &str, arg: &str) -> String {
        if !self.functions.iter().any(|f| f == name) {
            self.functions.push(name.to_string());
            writeln!(self.text, "(declare-fun {name} ({from}) {to})").expect("writing to a string");
        }
        format!("({name} {arg})")
    }

    /// A name for a term that the solver need not look into: the same one for the same term, and `bound` holds of it.
    pub(super) fn opaque(&mut self, width: u32, term: String, bound: impl Fn(&str) -> String) -> String {
        if let Some((name, _)) = self.opaque.iter().find(|(_, t)| *t == term) {
            return name.clone();
        }
        let name = self.declare(bits_sort(width));
        let bound = bound(&name);
        self.assert(bound);
        self.opaque.push((name.clone(), term));
        name
    }

    /// Lets an opaque name stand for a term of the same width that it is equal to if all of `exact` hold.
    pub(super) fn view(&mut self, name: &str, term: &str, exact: &[String]) {
        self.views.push((name.to_string(), term.to_string()));
        self.exact.extend_from_slice(exact);
    }

    /// What opaque names stand for if all that is given with it is so.
    pub(super) fn views(&self) -> (String, Vec<String>) {
        (
            self.views.iter().map(|(name, term)| format!("(assert (= {name} {term}))\n")).collect(),
            self.exact.clone(),
        )
    }

    /// What the opaque names stand for. Without it there are more samples: a proof holds all the same, a counterexample
    /// may be none.
    pub(super) fn definitions(&self) -> String {
        self.opaque.iter().map(|(name, term)| format!("(assert (= {name} {term}))\n")).collect()
    }

    /// Something that holds in every sample.
    pub(super) fn assert(&mut self, term: impl Display) {
        writeln!(self.text, "(assert {term})").expect("writing to a string");
    }

    /// The text so far.
    ///
    /// # Errors
    /// If it is longer than [`MAX_BYTES`].
    pub(super) fn text(&self) -> Result<&str, String> {
        self.check_length()?;
        Ok(&self.text)
    }

    /// Whether there is room for more.
    ///
    /// # Errors
    /// If the text is longer than [`MAX_BYTES`].
    pub(super) fn check_length(&self) -> Result<(), String> {
        if self.text.len() > MAX_BYTES {
            return Err(format!("a query of more than {MAX_BYTES} bytes"));
        }
        Ok(())
    }
}

/// The sort of bit-vectors of a width.
pub(super) fn bits_sort(width: u32) -> String {
    format!("(_ BitVec {width})")
}

/// A bit-vector literal: the lowest `width` bits of `value`.
pub(super) fn literal(width: u32, value: u128) -> String {
    let value = if width >= 128 { value } else { value & ((1 << width) - 1) };
    format!("(_ bv{value} {width})")
}

/// `term` of width `from` with zeros in front, or cut, to width `to`.
pub(super) fn resize(term: &str, from: u32, to: u32) -> String {
    match from.cmp(&to) {
        std::cmp::Ordering::Equal => term.to_string(),
        std::cmp::Ordering::Less => format!("((_ zero_extend {}) {term})", to - from),
        std::cmp::Ordering::Greater => extract(term, to - 1, 0),
    }
}

/// Bits `high` to `low`.
pub(super) fn extract(term: &str, high: u32, low: u32) -> String {
    format!("((_ extract {high} {low}) {term})")
}

/// Conjunction; true if there is none.
pub(super) fn and<S: AsRef<str>>(terms: &[S]) -> String {
    connective("and", "true", terms)
}

/// Disjunction; false if there is none.
pub(super) fn or<S: AsRef<str>>(terms: &[S]) -> String {
    connective("or", "false", terms)
}

fn connective<S: AsRef<str>>(name: &str, empty: &str, terms: &[S]) -> String {
    match terms {
        [] => empty.to_string(),
        [one] => one.as_ref().to_string(),
        _ => {
            let mut s = format!("({name}");
            for t in terms {
                s.push(' ');
                s.push_str(t.as_ref());
            }
            s.push(')');
            s
        }
    }
}

/// A vector of lanes, lane 0 first.
pub(super) fn concat(lanes: &[String]) -> String {
    let mut s = String::from("(concat");
    for l in lanes.iter().rev() {
        s.push(' ');
        s.push_str(l);
    }
    s.push(')');
    s
}
