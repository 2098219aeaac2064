//! The inliner: calls replaced by the graphs of their callees.
//!
//! [`InlineFacts`] of all functions → [`plan`] (which calls) → [`expand`] (the graphs) → the pipeline, which optimizes a function with
//! and without what goes into it and keeps what is better. [`Splicer`] does one replacement, whatever it is good for.

mod build;
mod check;
mod facts;
mod policy;
#[cfg(test)]
mod policy_tests;
mod splice;
#[cfg(test)]
mod tests;

pub use build::{Expanded, Ready, expand};
pub use facts::{Call, InlineFacts};
pub use policy::{InlineCaps, MAX_COPIES, MAX_FUNCTION, MAX_INLINE_DEPTH, MAX_MODULE_COPIES, Plan, plan};
pub use splice::{Declined, Site, Splicer, call_sites};
