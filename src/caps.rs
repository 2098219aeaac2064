//! The named caps on work and memory, in one place, and the seam at which tests force every way back.
//!
//! [`Caps::default`] has the values that the stages declare; `docs/architecture.md` lists what happens beyond each. Tests
//! make them small, one by one, and see the fall-back in the report.

use crate::analysis::memory_ssa::{MAX_DEFS, MAX_ROWS};
use crate::egraph::saturate::{
    LARGE_GRAPH, MATCH_LIMIT, MAX_INSTRUCTIONS, MAX_SEARCH, NODE_GROWTH, SPARE_NODES,
};
use crate::extract::{MAX_ATTEMPTS, MAX_DEPTH, MAX_RETRIES, MAX_STEPS};
use crate::extract_check::MAX_WORK as MAX_CHECK_STATES;
use crate::lift::MAX_EDGE_ARGS;
use crate::lift::ssa::MAX_PHI_OPERANDS;
use crate::pipeline::KEPT_GRAPHS;
use crate::program::inline::InlineCaps;
use crate::replay::MAX_TERMS;
use crate::schedule::{
    MAX_CHECK_HELD, MAX_CHECK_PASSES, MAX_CHECK_WORK, MAX_LIVENESS_STEPS, MAX_PARAMETER_STEPS, MAX_VALUES,
};

/// What ends work that could grow faster than the input. A change of any of them can change the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of lifted graphs that stay in memory until their functions' turn; the others are lifted twice. This one does not
    /// change the output.
    pub kept_graphs: usize,
    /// Operands of block parameters that lifting makes.
    pub phi_operands: usize,
    /// Edge arguments that lifting writes.
    pub edge_args: usize,
    /// Blocks times resources of memory SSA.
    pub memory_rows: usize,
    /// Definitions of memory SSA.
    pub memory_defs: usize,
    /// Instructions and block parameters of a function that gets an e-graph.
    pub egraph_instructions: usize,
    /// Nodes with which a graph runs the terminating phases only.
    pub large_graph: usize,
    /// How many times the nodes that it starts with a graph may have, and how many nodes more, before a phase ends.
    pub node_growth: usize,
    /// See `node_growth`.
    pub spare_nodes: usize,
    /// Matches of one rule in one search.
    pub matches: usize,
    /// Nodes that all searches of one function may look at, besides an allowance for each node of its graph.
    pub search: u64,
    /// Depth of an expression computed at one place.
    pub expression_depth: u32,
    /// Candidates tried for one place of use.
    pub expression_steps: u32,
    /// Candidates tried for one function, beyond which each place gets only a few.
    pub expression_attempts: u32,
    /// How often extraction of one function starts again.
    pub extract_retries: usize,
    /// Blocks times resources times passes of the extraction checker.
    pub check_states: usize,
    /// Terms of one function that its validation may make.
    pub replay_terms: usize,
    /// What the inliner may do.
    pub inline: InlineCaps,
    /// Values of a function that is lowered.
    pub lowered_values: usize,
    /// Blocks that live ranges of locals cover.
    pub liveness_steps: usize,
    /// Blocks visited for liveness of loop parameters.
    pub parameter_steps: usize,
    /// Passes of the stack-code checker.
    pub check_passes: usize,
    /// Locations that the stack-code checker looks at.
    pub check_work: usize,
    /// Locations in the states that the stack-code checker keeps at the same time.
    pub check_held: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Caps {
            kept_graphs: KEPT_GRAPHS,
            phi_operands: MAX_PHI_OPERANDS,
            edge_args: MAX_EDGE_ARGS,
            memory_rows: MAX_ROWS,
            memory_defs: MAX_DEFS,
            egraph_instructions: MAX_INSTRUCTIONS,
            large_graph: LARGE_GRAPH,
            node_growth: NODE_GROWTH,
            spare_nodes: SPARE_NODES,
            matches: MATCH_LIMIT,
            search: MAX_SEARCH,
            expression_depth: MAX_DEPTH,
            expression_steps: MAX_STEPS,
            expression_attempts: MAX_ATTEMPTS,
            extract_retries: MAX_RETRIES,
            check_states: MAX_CHECK_STATES,
            replay_terms: MAX_TERMS,
            inline: InlineCaps::default(),
            lowered_values: MAX_VALUES,
            liveness_steps: MAX_LIVENESS_STEPS,
            parameter_steps: MAX_PARAMETER_STEPS,
            check_passes: MAX_CHECK_PASSES,
            check_work: MAX_CHECK_WORK,
            check_held: MAX_CHECK_HELD,
        }
    }
}

/// A bug of a stage, made on purpose: for tests of what stops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The lifted graph breaks an invariant.
    LiftedGraph,
    /// The graph with the constant data of private memories breaks an invariant.
    PrivateMemory,
    /// The graph with promoted memory breaks an invariant.
    PromotedGraph,
    /// A stage panics.
    Panic,
    /// The graph with what rules make of its effects breaks an invariant.
    SkeletonGraph,
    /// Extraction cannot have a value.
    Unavailable,
    /// Elaboration loses an effect.
    LostEffect,
    /// The extracted graph breaks an invariant.
    ExtractedGraph,
    /// The graph has a shape that lowering refuses.
    Unsupported,
    /// The first way to write stack code loses an operation.
    StackCode,
    /// Every way to write stack code does.
    EveryStackCode,
    /// A new body is no valid code.
    Body,
    /// A new body uses a proposal that the input does not.
    Proposal,
    /// The module written is not valid, whatever its bodies are.
    Module,
    /// A body with moved accesses is no valid code.
    MergedMemories,
}
