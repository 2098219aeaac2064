//! Scheduling: an SSA graph to Wasm stack code.
//!
//! # Interface
//!
//! ```text
//! lower(&Function, &LowerContext) -> Result<StackCode, LowerError>      per function, in parallel
//! StackCode::encode(&self, types, numbering) -> Vec<u8>                  locals and code, without the size prefix
//! StackCode::size(&self) -> usize                                        bytes of that under the identity numbering
//! StackCode::cost(&self, &CostTable) -> u64                              time, weighted by the loops around
//! check(&Function, &StackCode, effects) -> Result<(), String>            translation validation
//! ```
//!
//! **In:** a valid graph ([`crate::ir::verify`]). **Out:** [`StackCode`] that does the same; [`lower`] has already run the
//! checker over it, so a caller that gets [`LowerError`] keeps the old body and counts the reason.
//!
//! # Way
//!
//! 1. [`prepare`]: a copy of the graph in which edges whose moves would disturb another edge have a block of their own and
//!    next values of loop counters stand last in their block ([`delay`]); liveness and use counts of values; which constants are repeated at each use.
//! 2. [`crate::structure`]: blocks to nested control flow.
//! 3. [`stackify`]: one walk over the structured code from its end to its beginning with a stack of *demands* (values that
//!    the code after this point expects on the operand stack). An instruction whose result is the topmost demand, and which
//!    no earlier instruction needs, stays on the operand stack; otherwise its value goes through a virtual local.
//! 4. [`locals`]: liveness of the virtual locals on the linear code, coalescing of moves, colouring, numbering by use.
//! 5. [`peephole`]: what the numbering has made redundant.
//! 6. [`check`]: a checker that shares nothing with 3 to 5 but the vocabulary.
//! 7. [`encode`]: bytes, expanded from the op table.
//!
//! Everything is iterative. Time is linear in the code plus the total extent of live ranges, which
//! [`MAX_LIVENESS_STEPS`] caps.

mod check;
pub mod code;
mod delay;
mod encode;
mod live_in;
mod liveness;
mod locals;
mod overwrite;
mod peephole;
mod prepare;
mod scramble;
mod stackify;
#[cfg(test)]
mod tests;

pub use check::check;
pub use check::{MAX_HELD as MAX_CHECK_HELD, MAX_PASSES as MAX_CHECK_PASSES, MAX_WORK as MAX_CHECK_WORK};
pub use code::StackCode;
pub use encode::TypeIndex;
pub use liveness::MAX_LIVENESS_STEPS;
pub use prepare::MAX_STEPS as MAX_PARAMETER_STEPS;
pub(crate) use prepare::opposite;

use crate::caps::{Caps, Fault};
use crate::chaos::Chaos;
use crate::cost::CostTable;
use crate::ir::effects::EffectSet;
use crate::ir::entity::Block;
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::{Imm, Op};
use crate::options::Objective;

/// What lowering needs to know about the module.
pub struct LowerContext<'a> {
    /// Effects of calls; [`crate::ir::effects::effects`] where nothing better is known.
    pub effects: &'a (dyn Fn(Op, &Imm) -> EffectSet + Sync),
    /// Whether block types with several results may be used.
    pub multi_value: bool,
    /// What is minimised: bytes only, or executed instructions first.
    pub costs: &'a CostTable,
    /// Where choices come from.
    pub chaos: Chaos,
    /// Where work ends.
    pub caps: Caps,
    /// A bug made on purpose.
    pub fault: Option<Fault>,
}

impl<'a> LowerContext<'a> {
    /// For size, with the caps of the stages.
    pub fn new(effects: &'a (dyn Fn(Op, &Imm) -> EffectSet + Sync), multi_value: bool) -> Self {
        LowerContext {
            effects,
            multi_value,
            costs: CostTable::of(Objective::Size),
            chaos: Chaos::OFF,
            caps: Caps::default(),
            fault: None,
        }
    }
}

/// Why a function could not be lowered. The caller keeps its old body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LowerError {
    /// The graph has a shape that is not handled.
    Unsupported(&'static str),
    /// A named limit was reached.
    Limit(&'static str),
    /// The checker refused the code made: a bug, made harmless.
    Check(String),
}

/// How often a function is done again with edges that turned out to need moves in blocks of their own.
const ATTEMPTS: usize = 4;

/// Functions with more values are not lowered: the tables about values of lowering and its checker would take gigabytes.
pub const MAX_VALUES: usize = 2_000_000;

/// Functions whose edges have more arguments than this together are lowered once only.
const MANY_ARGUMENTS: usize = 50_000;

/// Makes stack code of a function.
///
/// # Errors
/// When the function is kept as it was, with the reason.
pub fn lower(f: &Function, cx: &LowerContext<'_>) -> Result<StackCode, LowerError> {
    if cx.fault == Some(Fault::Unsupported) {
        return Err(LowerError::Unsupported("fault"));
    }
    if f.values.len() > cx.caps.lowered_values {
        return Err(LowerError::Limit("values"));
    }
    let mut own_blocks = edges_with_arguments(f);
    own_blocks.retain(|edge| cx.chaos.flip("edge in a block of its own", edge, false));
    let (mut best, mut crowded) = attempt(f, cx, &own_blocks)?;
    let mut price = price_of(&best, cx);
    let arguments: usize =
        f.layout.iter().flat_map(|&b| f.term(b).edges()).map(|e| f.edge_args(e).len()).sum();
    let attempts = if arguments > MANY_ARGUMENTS { 1 } else { ATTEMPTS };
    for _ in 1..attempts {
        crowded.retain(|e| (e.0.as_u32() as usize) < f.blocks.len());
        if cx.costs.for_time() {
            exits_first(&best, &mut crowded, cx);
        }
        own_blocks.append(&mut crowded);
        let known = own_blocks.len();
        own_blocks.sort_unstable();
        own_blocks.dedup();
        if own_blocks.is_empty() || own_blocks.len() < known {
            break;
        }
        let Ok((code, more)) = attempt(f, cx, &own_blocks) else { break };
        let new = price_of(&code, cx);
        if cx.chaos.flip("moves in blocks of their own", known, new < price) {
            (best, price) = (code, new);
        }
        crowded = more;
        if crowded.is_empty() {
            break;
        }
    }
    if matches!(cx.fault, Some(Fault::StackCode | Fault::EveryStackCode)) {
        lose_an_operation(&mut best);
    }
    let Err(refused) = check::check_capped(f, &best, cx.effects, &cx.caps) else { return Ok(best) };
    if refused == check::TOO_MUCH {
        return Err(LowerError::Limit("work of the checker"));
    }
    // What the checker cannot follow is not used. Moves in blocks of their own are the plainest way to write an edge.
    let (mut plain, _) = attempt(f, cx, &edges_with_arguments(f))?;
    if cx.fault == Some(Fault::EveryStackCode) {
        lose_an_operation(&mut plain);
    }
    check::check_capped(f, &plain, cx.effects, &cx.caps).map_err(|_| LowerError::Check(refused))?;
    plain.second_way = true;
    Ok(plain)
}

/// What attempts are compared by: executed instructions where time counts, then bytes.
fn price_of(code: &StackCode, cx: &LowerContext<'_>) -> (u64, usize) {
    (if cx.costs.for_time() { code.executed(cx.costs) } else { 0 }, code.size())
}

/// Keeps only the edges that leave a loop, if there are any. They are taken once where the loop runs many times, so moves in
/// a block of their own save the most there; an edge within a loop would pay for its block with a branch in every iteration.
/// The next attempt finds the others again.
fn exits_first(code: &StackCode, crowded: &mut Vec<(Block, u32)>, cx: &LowerContext<'_>) {
    let depth = &code.depth;
    let exits: Vec<(Block, u32)> = crowded
        .iter()
        .copied()
        .filter(|&(b, n)| depth[b] > depth[prepare::edge(&code.f, b, n).block])
        .collect();
    if !exits.is_empty() && cx.chaos.flip("exits of loops first", crowded.len(), true) {
        *crowded = exits;
    }
}

/// The edges of two-way and many-way branches that pass something.
fn edges_with_arguments(f: &Function) -> Vec<(Block, u32)> {
    f.layout
        .iter()
        .filter(|&&b| matches!(f.term(b), Terminator::Branch { .. } | Terminator::Table { .. }))
        .flat_map(|&b| f.term(b).edges().enumerate().map(move |(n, e)| (b, n as u32, e.args.is_empty())))
        .filter(|(_, _, empty)| !empty)
        .map(|(b, n, _)| (b, n))
        .collect()
}

/// A bug made on purpose: the first instruction is lost.
fn lose_an_operation(code: &mut StackCode) {
    if let Some(at) = code.ops.iter().position(|op| !op.is_note()) {
        code.ops.remove(at);
    }
}

/// One way to lower a function, with the given edges in blocks of their own. Also returns the edges that would be better
/// off with one.
fn attempt(
    f: &Function,
    cx: &LowerContext<'_>,
    own_blocks: &[(Block, u32)],
) -> Result<(StackCode, Vec<(Block, u32)>), LowerError> {
    let mut prepared = prepare::prepare(f, own_blocks, cx)?;
    let structured = {
        let keep = |b| cx.costs.for_time() && prepared.negation_costs(b);
        crate::structure::structure(&prepared.f, cx.chaos, &keep).map_err(LowerError::Unsupported)?
    };
    let code = stackify::stackify(&prepared, &structured, cx)?;
    let numbered = locals::number(&prepared.f, &code, cx)?;
    scramble::restore(&mut prepared.f, prepared.order);
    let mut code = StackCode {
        f: prepared.f,
        ops: numbered.ops,
        locals: numbered.locals,
        frame_results: code.frame_results,
        labels: code.labels,
        depth: structured.depth,
        second_way: false,
    };
    peephole::peephole(&mut code, cx.caps.liveness_steps, cx.chaos)?;
    Ok((code, numbered.crowded))
}
