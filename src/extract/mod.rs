//! Extraction: from a saturated e-graph and the function it was built from to the best function.
//!
//! **In:** a verified [`Function`], its e-graph ([`Built`]) after saturation, dominators, loops and memory SSA of the
//! function. **Out:** a function with the same blocks and the same effects in the same order, whose pure values are the
//! chosen nodes. The steps:
//!
//! 1. [`crate::egraph::bounds`]: which loads and divisions cannot trap, so that they are executed only if their value is needed;
//! 2. [`choose`]: a node for each class by cost (objective, sharing), and what the choices need;
//! 3. [`elaborate`]: one walk over the dominator tree that computes each class where its original instruction stood or
//!    where it is first used. A read is emitted only where its effect version is the live one and where it cannot trap.
//!
//! Where the chosen node cannot be had, the next one is taken, at last the original expression. Global value numbering
//! falls out of the walk (a class is computed once on each path), rematerialization of what costs less than a local, and
//! loop-invariant code motion of what takes time.
//!
//! Complexity: linear in instructions and nodes but for the relaxation of costs, which is linear in practice; the work at
//! one place is capped. Reference: Cranelift's `egraph/elaborate.rs` (scoped elaboration), the design's section 4.

pub use elaborate::{MAX_ATTEMPTS, MAX_DEPTH, MAX_STEPS};

pub mod choose;
pub mod cost;
mod elaborate;
#[cfg(test)]
mod tests;

use crate::analysis::memory_ssa::MemorySsa;
use crate::analysis::{DomTree, Loops};
use crate::caps::Caps;
use crate::chaos::Chaos;
use crate::cost::CostTable;
use crate::egraph::bounds::Bounds;
use crate::egraph::build::Built;
use crate::ir::cleanup;
use crate::ir::dce;
use crate::ir::entity::{Inst, Value};
use crate::ir::function::Function;
use crate::ir::info::ModuleInfo;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;

/// How often extraction of one function starts again with something put back.
pub const MAX_RETRIES: usize = 12;

/// What extraction works on.
pub struct Context<'a, I> {
    /// The function that the e-graph was built from.
    pub f: &'a Function,
    /// Its e-graph, saturated.
    pub built: &'a Built,
    /// Its dominator tree.
    pub dom: &'a DomTree,
    /// Its loops.
    pub loops: &'a Loops,
    /// Its memory SSA.
    pub memory: &'a MemorySsa,
    /// The module around it.
    pub info: &'a I,
    /// What to minimise.
    pub costs: &'a CostTable,
    /// Where work ends.
    pub caps: Caps,
    /// Where choices come from.
    pub chaos: Chaos,
}

/// Why there is no extracted function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtractError {
    /// This value of the input could not be had at a place that needs it.
    Unavailable(Value),
}

/// A function as elaboration leaves it: with the blocks of the input, dead code and chains of blocks in it.
#[derive(Clone)]
pub struct Elaborated {
    /// The function.
    pub f: Function,
    /// For parameters and for results of instructions that were kept: the input's value. For the checker.
    pub origin: SecondaryMap<Value, PackedOption<Value>>,
    /// Whether an expression was too deep to be computed at one place, and whether there were too many ways to compute one.
    pub too_deep: bool,
    /// See `too_deep`.
    pub too_many_steps: bool,
}

impl Elaborated {
    /// The function without what is dead.
    pub fn tidy(mut self, chaos: Chaos) -> Function {
        if chaos.flip("join blocks", (), true) {
            cleanup::cleanup(&mut self.f);
        } else {
            cleanup::remove_unreachable(&mut self.f);
        }
        if chaos.flip("remove dead code", (), true) {
            dce::dce(&mut self.f);
        }
        self.f
    }
}

/// Extracts the best function.
///
/// # Errors
/// When a needed value cannot be computed where it is needed; the caller keeps the function as it was.
pub fn extract<I: ModuleInfo>(cx: &Context<'_, I>) -> Result<Function, ExtractError> {
    Ok(elaborate(cx)?.tidy(cx.chaos))
}

/// Extracts the best function, and leaves it as [`crate::extract_check`] can follow it.
///
/// # Errors
/// As for [`extract`].
pub fn elaborate<I: ModuleInfo>(cx: &Context<'_, I>) -> Result<Elaborated, ExtractError> {
    let mut removable = removable(cx);
    let params = cx.f.layout.iter().flat_map(|&b| cx.f.block_params(b));
    let mut forced: Vec<Value> =
        params.copied().filter(|&p| cx.chaos.flip("keep a parameter", p, false)).collect();
    let mut places = cx.chaos;
    // A choice can turn out to be impossible at one place when what the next best one needs was left out. It is put back,
    // and the walk starts again.
    let mut attempt = 0;
    loop {
        let choice = choose::Choice::compute(cx.f, cx.built, cx.costs, &removable, &forced, cx.chaos);
        match elaborate::Elaborator::new(cx, &choice, &removable, places).run() {
            Ok(out) => return Ok(out),
            Err(e @ ExtractError::Unavailable(v)) => match cx.f.def_inst(v) {
                Some(inst) if removable[inst] && attempt < cx.caps.extract_retries => removable[inst] = false,
                None if !forced.contains(&v) && attempt < cx.caps.extract_retries => forced.push(v),
                // What was left to its uses may be out of reach there.
                _ if places.is_on() => (places, attempt) = (Chaos::OFF, 0),
                _ => return Err(e),
            },
        }
        attempt += 1;
    }
}

/// The instructions that read or may trap, but are known not to trap where they stand.
fn removable<I: ModuleInfo>(cx: &Context<'_, I>) -> SecondaryMap<Inst, bool> {
    let mut removable: SecondaryMap<Inst, bool> = SecondaryMap::with_capacity(cx.f.insts.len());
    let mut known = Bounds::new(&cx.built.graph, cx.info, cx.dom);
    let mut work = vec![cx.f.entry];
    while let Some(b) = work.pop() {
        for &i in &cx.f.blocks[b].insts {
            removable[i] =
                known.cannot_trap(cx.f, cx.built, b, i) && !cx.chaos.rarely("keep a read", i, false);
            known.executed(cx.f, cx.built, b, i);
        }
        work.extend(cx.dom.children(b).iter().rev());
    }
    removable
}
