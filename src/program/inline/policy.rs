//! Which calls are replaced: decided for the whole module before any function is optimized, from facts alone.
//!
//! Bottom-up over the strongly connected components of the call graph, so that the size of a callee is known with what goes
//! into it. Four kinds of calls are picked, none of them within a recursion:
//!
//! - the only call of a function that nothing else refers to: its body *disappears*, it becomes a member of the caller's
//!   group;
//! - for size, calls of straight bodies that take no more bytes than the call;
//! - calls of adapters between components, and in a later round of callees that keep values of a boundary in memory, unless they
//!   are large;
//! - for speed, calls of small functions; the more loops are around the call and the more of its arguments are constants, the
//!   larger they may be.
//!
//! Budgets are in instructions: of a function with everything in it, of what is copied into one function and into all of
//! them, and of callees within each other ([`InlineCaps`]). Nothing depends on anything but the facts, in the order of the
//! functions: the same picks for every number of threads.
//!
//! Linear in functions plus calls.

use super::facts::{Call, InlineFacts};
use crate::analysis::components;
use crate::chaos::Chaos;
use crate::cost::uleb_len;
use crate::ir::entity::FuncId;
use crate::options::Objective;
use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityRef, EntitySet, SecondaryMap};
use std::collections::BTreeSet;

/// Where inlining ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InlineCaps {
    /// Instructions of a function with all that goes into it.
    pub function: usize,
    /// Callees within callees.
    pub depth: u32,
    /// Instructions copied into one function, besides half of its own.
    pub copies: usize,
    /// Instructions copied into all functions, besides a fifth of theirs.
    pub module: usize,
}

/// Instructions of a function with all that goes into it: well below what costs an e-graph its expanding phases.
pub const MAX_FUNCTION: usize = 10_000;
/// Callees within callees: a chain of calls is copied once for each.
pub const MAX_INLINE_DEPTH: u32 = 24;
/// Instructions copied into one function, besides half of its own.
pub const MAX_COPIES: usize = 200;
/// Instructions copied into all functions, besides a fifth of theirs.
pub const MAX_MODULE_COPIES: usize = 2_000;

impl InlineCaps {
    /// Nothing is inlined: for tests that are about something else.
    pub const OFF: InlineCaps = InlineCaps { function: 0, depth: 0, copies: 0, module: 0 };
}

impl Default for InlineCaps {
    fn default() -> Self {
        InlineCaps {
            function: MAX_FUNCTION,
            depth: MAX_INLINE_DEPTH,
            copies: MAX_COPIES,
            module: MAX_MODULE_COPIES,
        }
    }
}

/// Instructions of a function that is copied for speed wherever it is called.
const SMALL: usize = 10;
/// How much larger it may be for each loop around the call (at most two), and for each constant argument.
const PER_LOOP: usize = 12;
/// See [`PER_LOOP`].
const PER_CONSTANT: usize = 5;

/// Instructions of a callee that is copied where values that crossed a boundary then fold (`memory::folds`).
const MAX_FOLDED: usize = 300;
/// The same for size: an allocation, a copy and a frame in the caller take about as much.
const MAX_FOLDED_FOR_SIZE: usize = 60;

/// What is inlined where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// For each function the calls that are replaced, as ascending positions in the order of [`super::call_sites`].
    picks: SecondaryMap<FuncId, Vec<u32>>,
    /// For each function whose only call is replaced, who calls it.
    caller: SecondaryMap<FuncId, PackedOption<FuncId>>,
    /// Functions that are copied into others and stay.
    copied: BTreeSet<FuncId>,
    /// Callees before callers.
    rank: SecondaryMap<FuncId, u32>,
    /// Budgets that stopped something, and how often.
    pub limits: Vec<(&'static str, u64)>,
}

impl Plan {
    /// The calls of a function that are replaced.
    pub fn picks(&self, func: FuncId) -> &[u32] {
        &self.picks[func]
    }

    /// The function into which the only call of `func` puts it, if so.
    pub fn caller(&self, func: FuncId) -> Option<FuncId> {
        self.caller[func].expand()
    }

    /// Its place in an order in which callees come before their callers.
    pub fn rank(&self, func: FuncId) -> u32 {
        self.rank[func]
    }

    /// Whether the body of `func` may become another by this plan.
    pub fn concerns(&self, func: FuncId) -> bool {
        !self.picks[func].is_empty() || self.caller[func].is_some()
    }

    /// The functions that are copied into others, callees first.
    pub fn copied(&self) -> Vec<FuncId> {
        let mut list: Vec<FuncId> = self.copied.iter().copied().collect();
        list.sort_unstable_by_key(|&f| self.rank[f]);
        list
    }

    /// The function whose group `func` belongs to: itself, or where the chain of only callers ends.
    pub fn root(&self, func: FuncId) -> FuncId {
        let mut root = func;
        while let Some(caller) = self.caller(root) {
            root = caller;
        }
        root
    }
}

/// Decides. `pinned`: functions that someone refers to other than by a call, or that the host can call.
pub fn plan(
    facts: &[InlineFacts],
    pinned: &EntitySet<FuncId>,
    objective: Objective,
    caps: &InlineCaps,
    chaos: Option<u64>,
) -> Plan {
    if *caps == InlineCaps::OFF {
        return Plan::default();
    }
    let mut calls_of: Vec<u32> = vec![0; facts.len()];
    let mut callees: Vec<Vec<FuncId>> = Vec::with_capacity(facts.len());
    for f in facts {
        let mut list: Vec<FuncId> = f.calls.iter().map(|c| c.callee).collect();
        for c in &list {
            calls_of[c.index()] += 1;
        }
        list.sort_unstable();
        list.dedup();
        callees.push(list);
    }
    let mut order = Vec::with_capacity(facts.len());
    let mut component: Vec<u32> = vec![0; facts.len()];
    let mut count = 0;
    components(
        facts.len(),
        |f| &callees[f.index()],
        |members| {
            for &f in members {
                component[f.index()] = count;
                order.push(f);
            }
            count += 1;
        },
    );
    let all: usize = facts.iter().map(|f| f.size).sum();
    let mut planner = Planner {
        facts,
        pinned,
        calls_of,
        component,
        objective,
        caps,
        chaos,
        size: facts.iter().map(|f| f.size).collect(),
        depth: vec![0; facts.len()],
        has_members: vec![false; facts.len()],
        copies_left: caps.module.saturating_add(all / 5),
        stopped: [0; 4],
        plan: Plan::default(),
    };
    for (rank, &f) in order.iter().enumerate() {
        planner.plan.rank[f] = rank as u32;
        planner.function(f);
    }
    let names = ["inline-function", "inline-depth", "inline-copies", "inline-module"];
    planner.plan.limits = names.into_iter().zip(planner.stopped).filter(|&(_, n)| n > 0).collect();
    planner.plan
}

struct Planner<'a> {
    facts: &'a [InlineFacts],
    pinned: &'a EntitySet<FuncId>,
    calls_of: Vec<u32>,
    component: Vec<u32>,
    objective: Objective,
    caps: &'a InlineCaps,
    chaos: Option<u64>,
    /// With what is inlined.
    size: Vec<usize>,
    depth: Vec<u32>,
    /// Whether the only call of some function in it is picked.
    has_members: Vec<bool>,
    copies_left: usize,
    /// How often each budget stopped a pick.
    stopped: [u64; 4],
    plan: Plan,
}

impl Planner<'_> {
    fn function(&mut self, f: FuncId) {
        let facts = &self.facts[f.index()];
        if !facts.lifted {
            return;
        }
        let chaos = Chaos::new(self.chaos, f.as_u32());
        let mut copies_left = self.caps.copies.saturating_add(facts.size / 2);
        let mut picks = Vec::new();
        for (n, call) in facts.calls.iter().enumerate() {
            let c = call.callee.index();
            let callee = &self.facts[c];
            if !callee.lifted || self.component[c] == self.component[f.index()] {
                continue;
            }
            if call.handled && callee.may_throw {
                continue;
            }
            // An adapter is copied with all that is in it, so that nothing may disappear into it.
            let copied = facts.crosses && (self.calls_of[f.index()] > 1 || self.pinned.contains(f));
            let alone = self.calls_of[c] == 1 && !self.pinned.contains(call.callee);
            let only = alone && !copied;
            let size = self.size[c];
            let fits = size <= self.max_folded();
            // Behind a thunk nothing is in memory that would fold: a loop does not get faster by being there several times.
            let behind = alone && copied && !facts.is_thunk;
            let boundary = callee.crosses || behind || (call.folds && fits);
            // What is copied must not hold the only call of a function whose body is to disappear.
            if !only && self.has_members[c] {
                continue;
            }
            if !chaos.flip("inline", n, only || boundary || self.is_small(call)) {
                continue;
            }
            let budgets = [
                self.size[f.index()].saturating_add(size) > self.caps.function,
                self.depth[c] >= self.caps.depth,
                !only && !boundary && size > copies_left,
                !only && !boundary && size > self.copies_left,
            ];
            if let Some(which) = budgets.into_iter().position(|reached| reached) {
                self.stopped[which] += 1;
                continue;
            }
            if only {
                self.plan.caller[call.callee] = Some(f).into();
                self.has_members[f.index()] = true;
            } else {
                copies_left = copies_left.saturating_sub(size);
                self.copies_left = self.copies_left.saturating_sub(size);
                self.plan.copied.insert(call.callee);
            }
            self.size[f.index()] += size;
            self.depth[f.index()] = self.depth[f.index()].max(self.depth[c] + 1);
            picks.push(n as u32);
        }
        self.plan.picks[f] = picks;
    }

    /// Instructions of a callee that is copied for values that crossed a boundary to fold.
    fn max_folded(&self) -> usize {
        match self.objective {
            Objective::Size => MAX_FOLDED_FOR_SIZE,
            Objective::Speed => MAX_FOLDED,
        }
    }

    /// Whether a copy of the callee in place of this call is worth it by itself.
    fn is_small(&self, call: &Call) -> bool {
        let callee = &self.facts[call.callee.index()];
        match self.objective {
            Objective::Size => {
                // The vector of locals and the end vanish, and so do reads of parameters used once; what is still larger
                // is found out when both are written.
                let inside = (callee.bytes as u64).saturating_sub(2 + 2 * callee.params as u64);
                callee.straight && inside <= 1 + uleb_len(call.callee.as_u32().into())
            }
            Objective::Speed => {
                let limit = SMALL
                    + PER_LOOP * usize::from(call.loops.min(2))
                    + PER_CONSTANT * usize::from(call.constants);
                self.size[call.callee.index()] <= limit
            }
        }
    }
}
