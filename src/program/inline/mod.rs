//! The inliner: calls replaced by the graphs of their callees.
//!
//! [`splice`] does it to a graph, whatever it is good for.

mod splice;
#[cfg(test)]
mod tests;

pub use splice::{Declined, Site, Splicer, call_sites};
