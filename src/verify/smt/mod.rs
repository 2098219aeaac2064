//! Rules as queries for an SMT solver: is there a sample that tells the sides apart? `unsat` is a proof.
//!
//! *In*: a rule. *Out*: [`Proof`]. A rule becomes one query for each choice of address widths that it leaves open (`typing`);
//! its variables become constants, its operators terms (`ints`, `floats`, `lanes`), its versions memories (`state`), and what
//! it computes terms too (`functions`). Text is written by `script` and answered by a process (`solver`).
//!
//! Integers and vectors are bit-vectors, floats are bits that operators read as floating-point numbers, and beside each float
//! stands the set of NaNs that it may be any of (`value`). Effective addresses have 68 bits, in which no sum wraps. Whatever
//! has no term makes the answer unknown, never a proof.
//!
//! Reference: SMT-LIB 2.6 (theories FixedSizeBitVectors, FloatingPoint, ArraysEx).

mod floats;
mod functions;
mod ints;
mod lanes;
mod ops;
mod outcome;
mod query;
mod script;
mod solver;
mod state;
mod typing;
mod value;

pub use solver::Solver;

use crate::interp::Const;
use crate::rules::Rule;
use query::{Query, Shown};
use solver::Reply;
use std::fmt::Write;
use typing::Typing;

/// What a solver found out about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// There is no sample that tells the sides apart.
    Proved,
    /// A counterexample, in the rule's own variables.
    Refuted(String),
    /// Neither, and why: something has no SMT term, or the solver gave up.
    Unknown(String),
}

/// Asks a solver about a rule.
pub fn prove(rule: &Rule, solver: &mut Solver) -> Proof {
    let observed = rule.observed();
    let rule = &*observed.rule;
    let typings = match Typing::all(rule) {
        Ok(typings) => typings,
        Err(why) => return Proof::Unknown(why),
    };
    for typing in &typings {
        let query = match query::query(&observed, typing) {
            Ok(query) => query,
            Err(why) => return Proof::Unknown(why),
        };
        let terms: Vec<&str> = query.shown.iter().map(|s| s.term.as_str()).collect();
        let exact = format!("{}{}", query.text, query.definitions);
        // With the simple terms where they are right.
        let simple = query.unless.iter().all(|t| solver.ask(&query.text, t, &[]) == Reply::Unsat);
        let abstracted = if simple { format!("{}{}", query.text, query.views) } else { query.text.clone() };
        for goal in &query.differs {
            // Where nothing is opaque there is one text only, and its model is a counterexample.
            let opaque = !query.definitions.is_empty();
            let reply = match solver.ask(&abstracted, goal, if opaque { &[] } else { &terms }) {
                Reply::Unsat => continue,
                // What is too hard with less to look at is not easier with more.
                Reply::Sat(_) if opaque => solver.ask(&exact, goal, &terms),
                reply => reply,
            };
            match reply {
                Reply::Unsat => {}
                Reply::Sat(values) => {
                    return Proof::Refuted(counterexample(&typing.text(rule), &query.shown, &values));
                }
                Reply::Unknown(why) => return Proof::Unknown(why),
            }
        }
        if let Some(doubt) = &query.doubt {
            match solver.ask(&exact, doubt, &[]) {
                Reply::Unsat => {}
                Reply::Sat(_) => return Proof::Unknown("a result whose bits the engine chooses".to_string()),
                Reply::Unknown(why) => return Proof::Unknown(why),
            }
        }
    }
    Proof::Proved
}

/// All that a solver would be asked about a rule, as one text: it changes whenever the rule or the meaning of something in it
/// does.
///
/// # Errors
/// What is not modelled.
pub fn queries(rule: &Rule) -> Result<String, String> {
    let observed = rule.observed();
    let mut text = String::new();
    for typing in Typing::all(&observed.rule)? {
        let Query { text: query, definitions, views, unless, differs, doubt, .. } =
            query::query(&observed, &typing)?;
        writeln!(text, "{query}{definitions}{views}; {unless:?} {differs:?} {doubt:?}")
            .expect("writing to a string");
    }
    Ok(text)
}

fn counterexample(widths: &str, shown: &[Shown], values: &[String]) -> String {
    let mut s = widths.to_string();
    for (what, value) in shown.iter().zip(values) {
        let text = match (number(value), what.ty) {
            (Some(bits), Some(ty)) => match Const::from_bits(ty, bits) {
                Some(c) => format!("({ty}.const {c})"),
                None => bits.to_string(),
            },
            (Some(bits), None) => bits.to_string(),
            (None, _) => value.clone(),
        };
        match value.as_str() {
            "true" => write!(s, "{}, ", what.name),
            "false" => Ok(()),
            _ => write!(s, "{} = {text}, ", what.name),
        }
        .expect("writing to a string");
    }
    s.trim_end_matches(", ").to_string()
}

/// A bit-vector as the solver writes it.
fn number(text: &str) -> Option<u128> {
    if let Some(hex) = text.strip_prefix("#x") {
        return u128::from_str_radix(hex, 16).ok();
    }
    u128::from_str_radix(text.strip_prefix("#b")?, 2).ok()
}
