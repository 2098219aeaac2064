//! The SSA graph: entities, types, the op table, effects, function graphs, verifier, printer and parser.

#[macro_use]
mod optable;

pub mod entity;
pub mod ops;
pub mod types;
