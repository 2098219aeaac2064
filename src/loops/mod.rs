//! Loops made cheaper before the e-graph, for speed only: fewer branches and fewer operators an iteration.
//!
//! **What.** [`improved`] runs [`rotate`], which puts the test of a loop at its end, behind a copy of it before the loop; then [`carry`],
//! which makes what the previous iteration has computed already a parameter of the header; then [`unroll`], which makes every second
//! test of a counter unnecessary. `docs/loops.md` has the licence of each and what makes it decline.
//!
//! **Invariants in.** A graph that verifies and is reducible. **Invariants out.** The same; every effect and every trap happens as
//! often and in the order in which it did.
//!
//! **Complexity.** Each rotation and each carried value walks the graph once, and [`MAX_WORK`] ends them; the search is linear in the loops.
//!
//! Reference: Aho, Lam, Sethi and Ullman, "Compilers", 2nd edition, 9.5; O'Brien, Hay, Minish et al., "Predictive
//! commoning", IBM, 1990.

pub mod carry;
pub mod check;
pub mod rotate;
pub mod unroll;

use crate::analysis::Cfg;
use crate::chaos::Chaos;
use crate::ir::function::Function;
use std::collections::BTreeMap;

/// Blocks and instructions that all rotations of one graph walk over, and all replacements of carried values.
pub const MAX_WORK: usize = 2_000_000;

/// How often each pass did something, by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// A graph with cheaper loops, and what was done. `None`: nothing.
pub fn improved(f: &Function, chaos: Chaos) -> Option<(Function, Counts)> {
    if Cfg::compute(f).back_edges().is_empty() {
        return None;
    }
    let mut g = f.clone();
    let mut counts = Counts::new();
    rotate::rotate(&mut g, chaos, &mut counts);
    carry::carry(&mut g, chaos, &mut counts);
    unroll::unroll(&mut g, chaos, &mut counts);
    (!counts.is_empty()).then_some((g, counts))
}
