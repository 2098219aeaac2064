//! What the caller asks for. Everything that changes the output is in here.

use crate::caps::{Caps, Fault};
use std::path::PathBuf;

/// What extraction and scheduling minimise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Objective {
    /// Estimated execution time (`-O1` to `-O4`).
    #[default]
    Speed,
    /// Encoded bytes (`-Os`, `-Oz`).
    Size,
}

/// Named assumptions beyond WebAssembly's semantics (design, section 6). All off is `--strict`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Assumptions {
    /// Only the kept exports can be reached from outside.
    pub closed_world: bool,
    /// The host keeps to the canonical ABI. `None`: on for modules with meld's attestation.
    pub canonical_abi: Option<bool>,
    /// Frames below the stack pointer are private. `None`: on where the stack pointer is recognised.
    pub shadow_stack: Option<bool>,
    /// What results are returned in at a constant address is reached only from that constant. `None`: on for modules with meld's
    /// attestation.
    pub return_areas: Option<bool>,
    /// Addresses below 1024 are never accessed.
    pub low_memory_unused: bool,
    /// No instruction traps.
    pub no_traps: bool,
    /// `memory.grow` inside an allocator succeeds: an allocator that is asked for memory gives it.
    pub no_oom: bool,
}

/// What becomes of functions whose changes are not proved (`--verify`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Validation {
    /// Nothing is asked.
    #[default]
    Off,
    /// They are counted.
    Count,
    /// They keep their old bodies, and stages without a proof are not run.
    Strict,
}

/// Options of [`crate::optimize`]. `Options::default()` is the plain round trip without rules.
#[derive(Clone, Debug)]
pub struct Options {
    /// Equality saturation with rules; without it the same pipeline runs with no rules.
    pub egraph: bool,
    /// What to minimise.
    pub objective: Objective,
    /// Effort 0 to 4; 0 copies function bodies as they are.
    pub effort: u8,
    /// Rule files or folders; empty means the built-in rules.
    pub rules: Vec<PathBuf>,
    /// A cost table instead of the objective's own ([`crate::cost`]).
    pub cost: Option<PathBuf>,
    /// Only rules whose name passes this filter are used; `None` uses all. For experiments and fuzzing.
    pub rule_filter: Option<Vec<String>>,
    /// Exports kept under `closed_world`, names or globs.
    pub keep_exports: Vec<String>,
    /// Treat as meld's output even without its attestation.
    pub fused: bool,
    /// Named assumptions.
    pub assumptions: Assumptions,
    /// Merge private memories into one where every access is known to stay within the initial size.
    pub merge_memories: bool,
    /// Worker threads, at least 1. The output does not depend on it.
    pub jobs: usize,
    /// Keep each function's new body even where it came out larger.
    pub no_revert: bool,
    /// Seed of the worst legal choices: extraction, order of instructions and numbering of locals take any alternative
    /// that is allowed instead of the best one. The output must still behave as the input does; for testing only.
    pub chaos: Option<u64>,
    /// Where work ends that could grow faster than the input.
    pub caps: Caps,
    /// A bug made on purpose, for tests of what stops it.
    #[doc(hidden)]
    pub fault: Option<Fault>,
    /// Run every checker between the stages; what fails keeps its old body.
    pub verify: bool,
    /// Whether the changes of each function are to be proved.
    pub validation: Validation,
    /// A ledger of proofs besides that of the built-in rules ([`crate::verify::ledger`]).
    pub ledger: Option<PathBuf>,
    /// Function (by name or index) whose rewriting is recorded in [`crate::Report::explanation`].
    pub explain: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            egraph: false,
            objective: Objective::Speed,
            effort: 2,
            rules: Vec::new(),
            cost: None,
            rule_filter: None,
            keep_exports: Vec::new(),
            fused: false,
            assumptions: Assumptions::default(),
            merge_memories: false,
            jobs: 1,
            no_revert: false,
            chaos: None,
            caps: Caps::default(),
            fault: None,
            verify: cfg!(debug_assertions),
            validation: Validation::Off,
            ledger: None,
            explain: None,
        }
    }
}
