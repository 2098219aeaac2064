//! Seconds by phase, summed over threads.

use crate::report::PhaseTime;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The phases in the order of the pipeline.
const PHASES: [&str; 15] = [
    "decode", "lift", "analysis", "program", "memory", "loops", "egraph", "saturate", "skeleton", "extract",
    "check", "validate", "verify", "lower", "encode",
];

/// A clock for each phase.
#[derive(Default)]
pub(super) struct Clock {
    nanos: [AtomicU64; PHASES.len()],
}

impl Clock {
    /// Runs `work` on the account of a phase.
    pub(super) fn time<T>(&self, phase: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        let known = PHASES.iter().position(|p| *p == phase);
        debug_assert!(known.is_some(), "no phase is called {phase}");
        if let Some(i) = known {
            self.nanos[i].fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        }
        result
    }

    /// What was spent.
    pub(super) fn phases(&self) -> Vec<PhaseTime> {
        let seconds = |n: &AtomicU64| n.load(Ordering::Relaxed) as f64 / 1e9;
        PHASES.iter().zip(&self.nanos).map(|(name, n)| PhaseTime { name, seconds: seconds(n) }).collect()
    }
}
