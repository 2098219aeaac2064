//! Equality saturation: the pure values of one function, and the effect versions they depend on, in an e-graph.
//!
//! **In:** a verified function graph with its memory SSA, and compiled rules. **Out:** the saturated e-graph, from which
//! [`crate::extract`] makes a function again.
//!
//! The skeleton owns order, the e-graph owns values. Instructions with effects and control flow stay in the function;
//! their results and block parameters are leaves ([`node::Head::Leaf`]). A load is the node
//! `(i32.load memory offset address version)`, and the version after a store is a class that also holds
//! `(i32.store memory offset address value before)`, so that memory rules are ordinary rules. Versions are matched and never
//! extracted. The value of a load is in one class with its leaf: the instruction itself is always a way to have it.
//!
//! Steps: [`build`] → [`saturate`] with rules from [`compile`] (shown by [`dot`]), guided by [`facts`] (types, constants, known bits, address
//! distances). Budgets count nodes and matches, never time, and nothing depends on hash order across runs: the hasher is
//! not seeded.
//!
//! Complexity: rules times matching classes in each of a bounded number of iterations; nodes are bounded by a multiple of
//! the function's size. References: Willsey et al., "egg: Fast and Extensible Equality Saturation", POPL 2021; Fallin,
//! "ægraphs", EGRAPHS 2023.

pub mod bounds;
pub mod build;
pub mod compile;
pub mod dot;
pub mod facts;
pub mod node;
pub mod saturate;
#[cfg(test)]
mod tests;
