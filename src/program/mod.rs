//! Whole-program passes: what is decided about the module as one program, before and after its functions are optimized.
//!
//! **What.** [`Program::survey`] finds the roots ([`roots`]) and what they reach ([`reach`]): functions that nothing can call
//! are not optimized at all, and stores to globals that nobody reads ([`stores`]) are taken out of the others. When all
//! functions have their last bodies, what is reachable is computed again, from those, and what is not is left out
//! ([`Program::finish`], [`plan`]). `docs/whole-program.md` says for each pass what licenses it and what makes it decline.
//!
//! With `--verify`, [`check`] finds again what is known between functions ([`claims`]), and proves what was made of it.
//!
//! **Invariants in.** A validated module; bodies in its own numbering. **Invariants out.** A [`crate::module::Plan`] under
//! which nothing written names anything left out; instantiation traps exactly where it did, after the same effects; the
//! plan depends on the module and the options only.
//!
//! **Complexity.** Linear in the module, see each pass.
//!
//! Reference: David Grove and Craig Chambers, "A Framework for Call Graph Construction Algorithms", TOPLAS 2001 (reachability with
//! the types of the call sites); for Wasm, Binaryen's `RemoveUnusedModuleElements`.

pub mod chains;
pub mod check;
pub mod claims;
pub mod constants;
pub mod contents;
pub mod data;
pub mod devirt;
pub mod facts;
pub mod globals;
pub mod imports;
pub mod inline;
pub mod interface;
pub mod memories;
pub mod merge;
pub mod merged_memories;
pub mod parametrize;
pub mod plan;
pub mod ranges;
pub mod reach;
pub mod roots;
pub mod seen;
pub mod signatures;
pub mod stores;
pub mod writes;

use crate::analysis::Summaries;
use crate::ir::entity::{FuncId, GlobalId};
use crate::module::{Entity, Module, Plan};
use crate::{Error, Objective, Options};
use cranelift_entity::{EntityRef, EntitySet};
use facts::BodyFacts;
use reach::{Live, reach};
use roots::{Roots, derived, roots};
use std::collections::BTreeMap;

/// What is known about the program before its functions are optimized.
#[derive(Clone, Debug)]
pub struct Program {
    /// Facts of the input's bodies, by function.
    facts: Vec<BodyFacts>,
    roots: Roots,
    keep_start: bool,
    live: Live,
    unread: EntitySet<GlobalId>,
    known: globals::Known,
    known_later: globals::Known,
    objective: Objective,
}

/// What is written, and how it came about.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    /// Fates of all entities.
    pub plan: Plan,
    /// What was left out, by kind.
    pub passes: BTreeMap<String, u64>,
    /// Where a pass ended before it was done.
    pub limits: BTreeMap<String, u64>,
}

impl Program {
    /// Looks at the whole module.
    ///
    /// # Errors
    /// When a body is malformed, which validation rules out.
    pub fn survey(module: &Module, summaries: &Summaries, options: &Options) -> Result<Program, Error> {
        let facts = facts::of_module(module)?;
        let mut roots = roots(module, &facts, options);
        let keep_start = !module.start.is_some_and(|f| reach::start_is_idle(summaries.function(f)));
        let live = reach(module, &facts, &roots.kept, !roots.closed, keep_start);
        if !options.assumptions.closed_world
            && let Some(kept) = derived(module, &facts, options.fused)
        {
            let closed = reach(module, &facts, &kept, false, keep_start);
            roots.notes.extend(hint(module, &live, &closed));
        }
        let unread = stores::unread_globals(module, &live);
        let kept = |n: usize| roots.kept.get(n).copied().unwrap_or(true);
        let known = globals::known(module, &facts, &live, kept, options.objective);
        Ok(Program {
            facts,
            roots,
            keep_start,
            live,
            unread,
            known,
            known_later: globals::Known::new(),
            objective: options.objective,
        })
    }

    /// Whether a function can be called at all.
    pub fn is_called(&self, func: FuncId) -> bool {
        self.live.called.contains(func)
    }

    /// Globals of the module's own that are written and never read.
    pub fn unread_globals(&self) -> &EntitySet<GlobalId> {
        &self.unread
    }

    /// Reads of these globals stay reads at first, whatever they hold: more is known of them than their values.
    pub fn know_later(&mut self, globals: impl IntoIterator<Item = GlobalId>) {
        globals.into_iter().for_each(|g| self.known_later[g] = self.known[g].take());
    }

    /// What these globals always hold.
    pub fn globals_known_later(&self) -> &globals::Known {
        &self.known_later
    }

    /// What globals always hold, as far as it is known.
    pub fn known_globals(&self) -> &globals::Known {
        &self.known
    }

    /// Whether the n-th export stays.
    pub fn keeps_export(&self, n: usize) -> bool {
        self.roots.kept.get(n).copied().unwrap_or(true)
    }

    /// The functions that something other than a body refers to: they stay whatever becomes of their calls.
    pub fn pinned(&self, module: &Module) -> EntitySet<FuncId> {
        let mut pinned = EntitySet::new();
        let mut add = |entity| {
            if let Entity::Func(f) = entity {
                pinned.insert(f);
            }
        };
        let exports = module.exports.iter().enumerate();
        exports.filter(|(n, _)| self.keeps_export(*n)).for_each(|(_, e)| add(e.entity));
        module.start.into_iter().for_each(|f| add(Entity::Func(f)));
        let tables = module.tables.keys().filter(|&t| self.live.tables.contains(t)).map(Entity::Table);
        let globals = module.globals.keys().filter(|&g| self.live.globals.contains(g)).map(Entity::Global);
        let elems = module.elems.keys().filter(|&e| self.live.elems.contains(e)).map(Entity::Elem);
        tables.chain(globals).chain(elems).for_each(|e| module.references_of(e, &mut add));
        pinned
    }

    /// Sentences for the user.
    pub fn notes(&self) -> &[String] {
        &self.roots.notes
    }

    /// Removes the exports that do not stay; how many. Once, before [`Program::finish`].
    pub fn close(&mut self, module: &mut Module) -> u64 {
        let before = module.exports.len();
        let mut kept = self.roots.kept.iter();
        module.exports.retain(|_| kept.next().copied().unwrap_or(true));
        self.roots.kept = vec![true; module.exports.len()];
        if !self.keep_start {
            module.start = None;
        }
        (before - module.exports.len()) as u64
    }

    /// A function gets another body; the facts of the one that it had.
    pub fn replace(&mut self, func: FuncId, facts: BodyFacts) -> BodyFacts {
        std::mem::replace(&mut self.facts[func.index()], facts)
    }

    /// The plan for the module with its last bodies. Bodies of functions that are named but never called are emptied; for size,
    /// functions equal up to constants `share` their bodies, for which functions are added.
    pub fn finish(&self, module: &mut Module, share: bool) -> Finished {
        let mut live = reach(module, &self.facts, &self.roots.kept, !self.roots.closed, true);
        let seen = seen::Seen::of(module, &self.facts, &live);
        let plan::Planned { mut plan, mut passes, limited } = plan::plan(module, &mut live, &seen);
        let equal = data::merge_passive(module, &live, &mut plan);
        let imports = if self.roots.closed { imports::merge(module, &live, &mut plan) } else { 0 };
        // A malformed new body is for the validator to find.
        let merged = merge::merge_functions(module, &live, &mut plan).unwrap_or(0);
        let mut shared = parametrize::Shared::default();
        if share && self.objective == Objective::Size {
            shared = parametrize::parametrize(module, &mut plan).unwrap_or_default();
        }
        passes.extend([
            ("equal-functions".to_owned(), merged),
            (parametrize::PASS.to_owned(), shared.functions),
            ("equal-data-segments".to_owned(), equal),
            ("equal-imports".to_owned(), imports),
        ]);
        let mut limits = BTreeMap::from([
            (parametrize::LIMIT.to_owned(), shared.given_up),
            (data::LIMIT.to_owned(), limited),
        ]);
        for counts in [&mut passes, &mut limits] {
            counts.retain(|_, n| *n > 0);
        }
        Finished { plan, passes, limits }
    }
}

/// One line about what closing the world would save.
fn hint(module: &Module, open: &Live, closed: &Live) -> Option<String> {
    let gone = |f: &FuncId| open.called.contains(*f) && !closed.called.contains(*f);
    let bodies = module.funcs.keys().filter(gone).filter_map(|f| module.raw_body(f));
    let (functions, bytes) = bodies.fold((0, 0), |(n, sum), body| (n + 1, sum + body.len()));
    (functions > 0).then(|| {
        format!("every export stays: --closed-world would leave out {functions} more functions, {bytes} bytes of code")
    })
}
