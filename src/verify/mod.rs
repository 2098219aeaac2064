//! Whether rules are right.
//!
//! [`check_rule`] samples a rule: it draws operands (edge values, small values, the rule's own literals, random ones) and
//! memories with a history, evaluates both sides through [`crate::interp`], and compares. Right means *refinement*: the sides
//! trap for the same operands, and every result that the right side may have is one that the left side may have, where a
//! float operator that gives a NaN may give any of the set that the specification allows. Facts (`nonneg`, `disjoint`, …)
//! hold in a sample if they are true of its operands, which is the weakest reading of "known".
//!
//! [`check_narrow`] tries all operands of a rule that is parametric in its width, at a small width.
//!
//! There are three answers. [`Answer::Unknown`] (no sample satisfied the conditions, or something is not modelled) is not a
//! pass. Sampling refutes; it does not prove. [`smt`] asks a solver, where there is one; [`tiers`] runs all methods on a set of
//! rules, [`ledger`] records what they gave, and [`trust`] says which rules that makes reliable. [`trial`] makes a module in which a rule should fire, and modules in
//! which it must not.
//!
//! Complexity: a bounded number of samples a rule. Deterministic: the generator is seeded by the rule's name.

mod draw;
mod examples;
mod exhaustive;
pub mod ledger;
mod model;
mod sample;
pub mod smt;
pub mod tiers;
pub mod trial;
pub mod trust;

pub use examples::check_examples;
pub use exhaustive::check_narrow;
pub use sample::check_rule;

/// The answer of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No sample contradicts the rule.
    Passed {
        /// Samples that satisfied the conditions and were compared.
        samples: usize,
    },
    /// A counterexample, in the rule's own variables.
    Refuted(String),
    /// Nothing was compared, and why.
    Unknown(String),
}
