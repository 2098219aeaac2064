//! The whole program: what is done to a module as one, on the graphs of its functions.
//!
//! Each pass has a folder or file of its own; `docs/whole-program.md` has their licences: what each may do, and why nobody
//! can tell.

pub mod devirt;
pub mod inline;
