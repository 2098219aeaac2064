//! loom: link-time optimizer for fused WebAssembly.
//!
//! The one entry point is [`optimize`]: module bytes in, [`Output`] (module bytes and a [`Report`]) out.
//! The stages it runs, one folder each, are described in `docs/architecture.md`.

pub mod analysis;
pub mod caps;
pub mod chaos;
pub mod cost;
pub mod egraph;
pub mod error;
pub mod extract;
pub mod extract_check;
pub mod fused;
pub mod input;
pub mod interp;
pub mod ir;
pub mod lift;
pub mod loops;
pub mod memory;
pub mod module;
pub mod options;
pub mod pipeline;
pub mod program;
pub mod replay;
pub mod report;
pub mod rules;
pub mod schedule;
pub mod skeleton;
pub mod structure;
pub mod verify;

pub use error::Error;
pub use input::read_input;
pub use options::{Assumptions, Objective, Options};
pub use pipeline::{Output, optimize, optimize_with};
pub use report::Report;
