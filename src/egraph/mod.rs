//! x
pub mod build;
pub mod compile;
pub mod facts;
pub mod node;
pub mod saturate;
