//! The SSA graph: entities, types, the op table, effects, function graphs, verifier, printer and parser.

pub mod entity;
pub mod types;
