//! The report of one run, as data; `--report FILE.json` writes it with serde.

use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of functions by what became of them. `total` is the number of defined functions;
/// `lifted + raw == total`, and `reverted` counts lifted functions that kept their old body.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FunctionCounts {
    /// Defined functions.
    pub total: usize,
    /// Lifted to SSA.
    pub lifted: usize,
    /// Kept as bytes with indices remapped: the SSA does not model something in it.
    pub raw: usize,
    /// Lifted, but the old body was kept (larger, or a check failed).
    pub reverted: usize,
    /// Left out before anything was tried: nothing can call them.
    pub removed: usize,
    /// Why bodies were reverted or kept raw: reason to count.
    pub reasons: BTreeMap<String, usize>,
}

/// Bytes before and after.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct BeforeAfter {
    /// In the input.
    pub before: u64,
    /// In the output.
    pub after: u64,
}

/// CPU seconds of one phase, summed over threads.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseTime {
    /// Phase name, one of the pipeline's stages.
    pub name: &'static str,
    /// Seconds.
    pub seconds: f64,
}

/// What became of a boundary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Nothing of it is left.
    Erased,
    /// It is inlined, and copies or allocations are left.
    Reduced,
    /// Its adapter is still there.
    #[default]
    Kept,
}

/// One component boundary named by meld's attestation.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Boundary {
    /// Calling component.
    pub from: String,
    /// Called component.
    pub to: String,
    /// Function name.
    pub function: String,
    /// meld's lowering (direct, memory-copy, transcode, async-lift).
    pub lowering: String,
    /// Whether nothing of the boundary is left.
    pub erased: bool,
    /// Copies between two memories that are left of it.
    pub copies: u64,
    /// Calls of allocators that are left of it.
    pub allocations: u64,
    /// Loads and stores of its adapter that are left, by the memory's index in the input, before the e-graph.
    pub accesses: BTreeMap<u32, u64>,
    /// What became of it.
    pub fate: Fate,
    /// What is left of it and why, or how it was erased.
    pub reason: String,
}

/// What became of two memories that were perhaps to become one, by their indices in the output before that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryPair {
    /// The memories.
    pub memories: [u32; 2],
    /// Whether they are one.
    pub merged: bool,
    /// Why not; empty when they are.
    pub reason: String,
}

/// What merging memories gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AddressSpace {
    /// Initial bytes of the memories that became one; 0 when none did.
    pub before: u64,
    /// Bytes of that one.
    pub after: u64,
    /// All pairs of memories, in order.
    pub pairs: Vec<MemoryPair>,
}

/// What saturation made, and what extraction chose of it; summed over the functions that got an e-graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EgraphCounts {
    /// Nodes after saturation.
    pub nodes: u64,
    /// Classes after saturation.
    pub classes: u64,
    /// Prices of the instructions extracted, each counted once, by the table of the objective ([`crate::cost`]).
    pub cost: u64,
}

impl EgraphCounts {
    /// Adds those of another function.
    pub fn add(&mut self, other: EgraphCounts) {
        self.nodes += other.nodes;
        self.classes += other.classes;
        self.cost += other.cost;
    }
}

/// What is known of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The new code does what the old code did.
    Proved,
    /// It rests on something that is wrong, and what.
    Refuted(String),
    /// Neither is known, and why.
    Unknown(String),
}

/// Counts of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// The new code does what the old code did.
    pub proved: u64,
    /// It rests on something that is wrong.
    pub refuted: u64,
    /// Neither is known.
    pub unknown: u64,
}

impl Answers {
    /// Counts one more.
    pub fn add(&mut self, answer: &Answer) {
        match answer {
            Answer::Proved => self.proved += 1,
            Answer::Refuted(_) => self.refuted += 1,
            Answer::Unknown(_) => self.unknown += 1,
        }
    }

    /// Adds other counts.
    pub fn add_all(&mut self, more: Answers) {
        self.proved += more.proved;
        self.refuted += more.refuted;
        self.unknown += more.unknown;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.proved + self.refuted + self.unknown
    }
}

/// A function that is not proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unproved {
    /// Its index, in the input of its round.
    pub function: u32,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The round.
    pub round: u32,
    /// `refuted` or `unknown`.
    pub answer: &'static str,
    /// The stages without a proof, each with the reason.
    pub reasons: Vec<String>,
}

/// Translation validation: what is proved of the functions that changed. Of several rounds, a function counts once in each that changed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Rounds.
    pub rounds: u32,
    /// Functions with new code.
    pub functions: Answers,
    /// By stage that changed them: functions.
    pub stages: BTreeMap<String, Answers>,
    /// Functions that are not proved.
    pub unproved: Vec<Unproved>,
}

/// Everything loom has to say about one run (design, section 9).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Size of the input module in bytes.
    pub input_bytes: u64,
    /// Size of the output module in bytes.
    pub output_bytes: u64,
    /// Code section payload in bytes.
    pub code_bytes: BeforeAfter,
    /// Functions by fate.
    pub functions: FunctionCounts,
    /// Rule name to number of unions it made.
    pub rules: BTreeMap<String, u64>,
    /// E-graphs. Of several rounds, those of the last.
    pub egraph: EgraphCounts,
    /// What the whole-program passes did, by name: how often.
    pub passes: BTreeMap<String, u64>,
    /// Assumption name to number of uses.
    pub assumptions: BTreeMap<String, u64>,
    /// Boundaries of a fused module.
    pub boundaries: Vec<Boundary>,
    /// What merging memories gave, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_space: Option<AddressSpace>,
    /// What is proved, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// Time by phase.
    pub phases: Vec<PhaseTime>,
    /// Limit name to times reached.
    pub limits: BTreeMap<String, u64>,
    /// Sentences for the user: fall-backs, dropped custom sections, hints.
    pub notes: Vec<String>,
    /// With `--explain`, the function's e-graph after saturation, for Graphviz.
    #[serde(skip)]
    pub egraph_dot: Option<String>,
    /// Text of `--explain`, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}
