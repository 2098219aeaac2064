//! Analyses over function graphs: control flow, dominators, loops.
//!
//! Input: a [`Function`](crate::ir::function::Function) whose live blocks all have terminators. Nothing here changes it.
//! All algorithms are iterative and linear or `n log n` in blocks plus edges.

pub mod cfg;
pub mod dominators;
pub mod loops;

pub use cfg::Cfg;
pub use dominators::DomTree;
pub use loops::Loops;
