//! Effect versions: memories, globals and tables with the effects of the left side in their past.
//!
//! A memory at a version that the rule does not look behind is an array of bytes with a size of its own. What the left side
//! does to it is not written into arrays but read through: a byte is what the last effect put there, or else that of the
//! version before. So queries need no more than `select`.

use super::script::{Script, bits_sort, extract, literal, resize};
use super::value::{Sort, Value};
use crate::ir::ops::Op;
use std::rc::Rc;

/// Bits of effective addresses, sizes and counts: a 64-bit address, an offset of 64 bits and a length of 64 bits add up
/// without wrapping.
pub(super) const PLACE: u32 = 68;

/// A state of a memory, global or table.
#[derive(Debug)]
pub(super) struct State {
    /// Index of the memory, global or table, in 64 bits.
    pub(super) index: String,
    /// Bytes of the memory or slots of the table, in [`PLACE`] bits.
    pub(super) size: String,
    /// What made it.
    pub(super) content: Content,
}

/// What made a state. Places and lengths have [`PLACE`] bits.
#[derive(Debug)]
pub(super) enum Content {
    /// An array of bytes, or for tables of values.
    Bytes { array: String },
    /// A value, of a global.
    Value(Value),
    /// Bytes written, lowest first, each a term of 8 bits.
    Store { at: String, bytes: Vec<String>, before: Rc<State> },
    /// A byte repeated.
    Fill { at: String, len: String, byte: String, before: Rc<State> },
    /// Bytes of another state.
    Copy { at: String, len: String, from: String, source: Rc<State>, before: Rc<State> },
    /// A slot of a table set.
    Slot { at: String, value: Value, before: Rc<State> },
}

impl State {
    /// The byte `plus` bytes after a place. Recursion is bounded by the reader's nesting cap, the text by the query's.
    ///
    /// Places are compared by their difference, which is the term that `distance` gives: so the solver sees at once what
    /// follows from a known distance.
    ///
    /// # Errors
    /// If this is no memory, or the query becomes too long.
    fn byte(&self, script: &mut Script, at: &str, plus: u32) -> Result<String, String> {
        script.check_length()?;
        let offset = literal(PLACE, plus.into());
        let delta = |script: &mut Script, start: &str| script.bits(PLACE, format!("(bvsub {at} {start})"));
        // Below the start the difference wraps, and is larger than any length.
        let inside = |delta: &str, len: &str| format!("(bvult (bvadd {delta} {offset}) {len})");
        let term = match &self.content {
            Content::Bytes { array } => format!("(select {array} (bvadd {at} {offset}))"),
            Content::Store { at: start, bytes, before } => {
                let mut term = before.byte(script, at, plus)?;
                let delta = delta(script, start);
                for (i, b) in bytes.iter().enumerate().rev() {
                    let here = literal(PLACE, (i as u128).wrapping_sub(plus.into()));
                    term = format!("(ite (= {delta} {here}) {b} {term})");
                }
                term
            }
            Content::Fill { at: start, len, byte, before } => {
                let outside = before.byte(script, at, plus)?;
                let delta = delta(script, start);
                format!("(ite {} {byte} {outside})", inside(&delta, len))
            }
            Content::Copy { at: start, len, from, source, before } => {
                let delta = delta(script, start);
                let moved = script.bits(PLACE, format!("(bvadd {from} {delta})"));
                let copied = source.byte(script, &moved, plus)?;
                let outside = before.byte(script, at, plus)?;
                format!("(ite {} {copied} {outside})", inside(&delta, len))
            }
            Content::Value(_) | Content::Slot { .. } => {
                return Err("a load from what is no memory".to_string());
            }
        };
        Ok(script.bits(8, term))
    }

    /// The bytes `[at, at + count)`, lowest first.
    ///
    /// # Errors
    /// If this is no memory, or the query becomes too long.
    pub(super) fn bytes(&self, script: &mut Script, at: &str, count: u32) -> Result<Vec<String>, String> {
        (0..count).map(|i| self.byte(script, at, i)).collect()
    }

    /// The value of a global.
    ///
    /// # Errors
    /// If this is none.
    pub(super) fn global(&self) -> Result<Value, String> {
        match &self.content {
            Content::Value(v) => Ok(v.clone()),
            _ => Err("a read of a global from what is none".to_string()),
        }
    }

    /// The slot of a table at a place. Recursion is bounded by the reader's nesting cap.
    ///
    /// # Errors
    /// If this is no table.
    pub(super) fn slot(&self, script: &mut Script, at: &str) -> Result<Value, String> {
        match &self.content {
            Content::Bytes { array } => {
                let text = script.define(Sort::Any.text(), format!("(select {array} {at})"));
                Ok(Value::exact(text, Sort::Any))
            }
            Content::Slot { at: start, value, before } => {
                let other = before.slot(script, at)?;
                if other.sort != value.sort {
                    return Err("a table of a number type".to_string());
                }
                let term = format!("(ite (= {at} {start}) {} {})", value.text, other.text);
                let text = script.define(value.sort.text(), term);
                Ok(Value::exact(text, value.sort))
            }
            _ => Err("a read of a slot from what is no table".to_string()),
        }
    }
}

/// The value that a load gives for its bytes.
///
/// # Errors
/// Loads that are not modelled.
pub(super) fn loaded(script: &mut Script, op: Op, bytes: &[String]) -> Result<Value, String> {
    let all = if bytes.len() == 1 { bytes[0].clone() } else { super::script::concat(bytes) };
    let from = 8 * bytes.len() as u32;
    let unknown = || format!("`{}` has no SMT term", op.name());
    let (ty, rest) = op.name().split_once('.').ok_or_else(unknown)?;
    let (width, term) = match ty {
        "v128" => (128, vector_of(rest, from, &all, bytes).ok_or_else(unknown)?),
        "i32" | "f32" | "i64" | "f64" => {
            let width = if ty.ends_with("32") { 32 } else { 64 };
            let term = if rest.ends_with("_s") {
                format!("((_ sign_extend {}) {all})", width - from)
            } else {
                resize(&all, from, width)
            };
            (width, term)
        }
        _ => return Err(unknown()),
    };
    Ok(super::outcome::exact(script, width, &term))
}

/// What `v128.load…` makes of its bytes.
fn vector_of(rest: &str, from: u32, all: &str, bytes: &[String]) -> Option<String> {
    let how = rest.strip_prefix("load")?;
    if how.is_empty() {
        return Some(all.to_string());
    }
    if how.ends_with("_splat") {
        return Some(super::script::concat(&vec![all.to_string(); 128 / from as usize]));
    }
    if how.ends_with("_zero") {
        return Some(resize(all, from, 128));
    }
    // `8x8_s` and its like: lanes of eight bytes, each made twice as wide.
    let (shape, sign) = how.split_once('_')?;
    let width: usize = shape.split_once('x')?.0.parse().ok()?;
    let extend = if sign == "s" { "sign_extend" } else { "zero_extend" };
    let lane = |b: &[String]| {
        let narrow = if b.len() == 1 { b[0].clone() } else { super::script::concat(b) };
        format!("((_ {extend} {width}) {narrow})")
    };
    Some(super::script::concat(&bytes.chunks(width / 8).map(lane).collect::<Vec<_>>()))
}

/// The bytes that a store writes, lowest first.
///
/// # Errors
/// Stores that are not modelled, and values that are not exact.
pub(super) fn stored(op: Op, value: &Value) -> Result<Vec<String>, String> {
    if op.name().contains("lane") || value.kind.is_some() {
        return Err(format!("what `{}` writes is not modelled", op.name()));
    }
    let width = u32::from(op.info().width);
    value.width()?;
    Ok((0..width).map(|i| extract(&value.text, 8 * i + 7, 8 * i)).collect())
}

/// The sort of a memory's contents.
pub(super) fn memory_sort() -> String {
    format!("(Array {} {})", bits_sort(PLACE), bits_sort(8))
}

/// The sort of a table's contents.
pub(super) fn table_sort() -> String {
    format!("(Array {} {})", bits_sort(PLACE), Sort::Any.text())
}
