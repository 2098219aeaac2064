//! The SSA graph: entities, types, the op table, effects, function graphs, verifier, printer and parser.

#[macro_use]
mod optable;

pub mod cleanup;
pub mod copy;
pub mod dce;
pub mod dot;
pub mod effects;
pub mod entity;
pub mod function;
pub mod info;
pub mod ops;
pub mod parse;
pub mod print;
pub mod types;
pub mod verify;
