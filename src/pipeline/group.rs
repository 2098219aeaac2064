//! Functions that are optimized together: one, and those whose only call is in it, if the inliner says so.
//!
//! A group is tried as a whole first. For size its functions are written one by one as well, and the fewer bytes win; where
//! the whole does not, the group is cut at its root: each function called from there becomes the root of a group of its own.
//! So a body is written once for itself and once in each whole that it was tried in, at most [`MAX_CUTS`] of them.

use super::function::{Optimized, Shared, StageAnswer, optimize_function, unproved};
use super::survey::Surveyed;
use crate::Objective;
use crate::cost::uleb_len;
use crate::ir::entity::FuncId;
use crate::ir::function::Function;
use crate::module::{Module, TypeMap};
use crate::program::chains::{self, chained};
use crate::program::check;
use crate::program::constants::Constants;
use crate::program::inline::{Expanded, InlineCaps, Plan, Ready, call_sites, expand};
use crate::program::ranges::Ranges;
use crate::program::signatures::Signatures;
use crate::program::stores::remove_stores;
use crate::program::{Program, globals};
use crate::report::Answer;
use hashbrown::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How often a group is cut before its functions are taken one by one.
const MAX_CUTS: u32 = 3;

/// Where graphs come from.
pub(super) struct Source<'a> {
    /// The module with the signatures of the input, which bodies are lifted from.
    pub module: &'a Module,
    pub types: &'a TypeMap,
    pub program: &'a Program,
    pub constants: &'a Constants,
    pub ranges: &'a Ranges,
    pub signatures: &'a Signatures,
    /// Stores to unread globals that were taken out.
    pub stores: &'a AtomicU64,
    /// Values that are constants because of what callers pass or callees return.
    pub known: &'a AtomicU64,
    /// Reads of globals that always hold the same.
    pub globals: &'a AtomicU64,
    /// Values that follow from what bits callers pass or callees return.
    pub folded: &'a AtomicU64,
    /// Whether a graph does not fit the new signatures, which no valid one is known to do.
    pub misfit: &'a AtomicBool,
    /// Whether only what is proved may be used.
    pub strict: bool,
}

/// What each of the counts of [`Source::prepare`] is of.
const PREPARED: [&str; 4] =
    ["unread-global-stores", "constant-globals", "constants-between-functions", "ranges-between-functions"];

impl Source<'_> {
    /// Puts what is known of the whole program into a graph. The counts are of `stores`, `globals`, `known` and `folded`; `None` where it does
    /// not fit the new signatures.
    fn prepare(&self, f: &mut Function) -> Option<[u64; 4]> {
        let stores = remove_stores(f, self.program.unread_globals());
        let globals = globals::apply(f, self.program.known_globals());
        let known = self.constants.apply(f);
        let folded = self.ranges.apply(f);
        if !self.signatures.apply(f) {
            self.misfit.store(true, Ordering::Relaxed);
            return None;
        }
        Some([stores, globals, known, folded])
    }

    /// The same, and what is known of the change, where that is asked for.
    fn validated(&self, f: &mut Function, cx: &Shared<'_>) -> Option<([u64; 4], Option<StageAnswer>)> {
        let before = cx.established.map(|established| (established, f.clone()));
        let counts = self.prepare(f)?;
        let Some((established, before)) = before else { return Some((counts, None)) };
        let counted = PREPARED.into_iter().zip(counts).filter(|&(_, n)| n > 0).map(|(name, _)| name);
        let names: Vec<&str> = counted.chain(self.signatures.touches(f.id).then_some("signatures")).collect();
        let checked = cx.clock.time("validate", || check::graph::check(&before, f, &established.claims));
        let answer = match checked {
            Ok(()) if names.is_empty() => None,
            Ok(()) => Some(Answer::Proved),
            // Nothing else rests on it: signatures stay as they are.
            Err(_) if self.strict => {
                *f = before;
                return Some(([0; 4], None));
            }
            Err(why) => Some(Answer::Unknown(format!("{}: {why}", names.join(", ")))),
        };
        Some((counts, answer.map(|answer| ("program", answer))))
    }

    /// The same for a function's own graph, of which copies are not counted again.
    fn prepared(&self, mut f: Function, cx: &Shared<'_>) -> Option<(Function, Option<StageAnswer>)> {
        let (counts, answer) = self.validated(&mut f, cx)?;
        for (sum, n) in [self.stores, self.globals, self.known, self.folded].into_iter().zip(counts) {
            sum.fetch_add(n, Ordering::Relaxed);
        }
        Some((f, answer))
    }
}

/// Optimizes all functions, groups in parallel; the results in the order of the functions.
pub(super) fn optimize_all(
    functions: Vec<Surveyed<'_>>,
    source: &Source<'_>,
    plan: &Plan,
    cx: &Shared<'_>,
) -> Vec<(FuncId, Optimized)> {
    let ready = ready(&functions, source, plan, cx);
    let targets = targets(&functions, source, plan, cx);
    let mut groups: Vec<Vec<Surveyed<'_>>> = Vec::with_capacity(functions.len());
    let mut group_of: HashMap<FuncId, usize> = HashMap::new();
    for surveyed in functions {
        if !plan.concerns(surveyed.func) {
            groups.push(vec![surveyed]);
            continue;
        }
        let at = *group_of.entry(plan.root(surveyed.func)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(surveyed),
            None => groups.push(vec![surveyed]),
        }
    }
    let one = |group: Vec<Surveyed<'_>>| {
        let lift = |s: Surveyed<'_>| {
            let graph = cx.clock.time("lift", || s.graph(source.module, source.types, &cx.options.caps));
            graph.and_then(|f| source.prepared(*f, cx))
        };
        let (mut graphs, mut before): (Vec<Function>, HashMap<FuncId, Vec<StageAnswer>>) = Default::default();
        for (f, answer) in group.into_iter().filter_map(lift) {
            before.insert(f.id, answer.into_iter().collect());
            graphs.push(f);
        }
        graphs.sort_by_key(|f| plan.rank(f.id));
        let (ready, targets, alone) = (&ready, &targets, HashMap::new());
        Group { graphs, plan, ready, before, targets, cx, alone }.run()
    };
    let bytes = |s: &Surveyed<'_>| cx.module.raw_body(s.func).map_or(0, <[u8]>::len);
    let groups = groups.into_iter().map(|group| (group.iter().map(bytes).sum(), group)).collect();
    let mut all = longest_first(groups, one);
    all.sort_by_key(|(func, _)| *func);
    all
}

/// Bytes of a body from which on no two are worked on at once as long as there is other work: for memory.
const LARGE: usize = 32 << 10;

/// Does all work, each thread taking what is largest of what is left, so that none is busy for long when the others have
/// nothing left to do (Graham, "Bounds on multiprocessing timing anomalies", 1969). The results come in any order.
fn longest_first<W: Send, R: Send>(mut work: Vec<(usize, W)>, one: impl Fn(W) -> Vec<R> + Sync) -> Vec<R> {
    work.sort_by_key(|&(size, _)| size);
    let large = work.split_off(work.partition_point(|&(size, _)| size < LARGE));
    // What is left, and whether someone is at a large one.
    let left = Mutex::new((work, large, false));
    let next = |was_large: bool| {
        let mut left = left.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (work, large, busy) = &mut *left;
        *busy &= !was_large;
        let first = if *busy && !work.is_empty() { None } else { large.pop() };
        *busy |= first.is_some();
        first.or_else(|| work.pop())
    };
    let lists = rayon::broadcast(|_| {
        let mut list = Vec::new();
        let mut was_large = false;
        while let Some((size, item)) = next(was_large) {
            was_large = size >= LARGE;
            list.extend(one(item));
        }
        list
    });
    lists.into_iter().flatten().collect()
}

/// Graphs of functions that are copied into several others.
#[derive(Default)]
struct Copies {
    graphs: Ready,
    /// What is known of the stages that changed each, where that was asked for.
    answers: HashMap<FuncId, Vec<StageAnswer>>,
}

impl Copies {
    /// What is known of a graph with copies of these in it.
    fn answers(&self, expanded: Expanded) -> Vec<StageAnswer> {
        let copied = expanded.replaced.iter().filter_map(|f| self.answers.get(f)).flatten();
        let mut answers: Vec<StageAnswer> = copied.cloned().collect();
        if !expanded.replaced.is_empty() {
            answers.push(("inlining", expanded.checked.map_or_else(Answer::Unknown, |()| Answer::Proved)));
        }
        answers
    }
}

/// The graphs of the functions that are copied into several others.
fn ready(functions: &[Surveyed<'_>], source: &Source<'_>, plan: &Plan, cx: &Shared<'_>) -> Copies {
    let mut ready = Copies::default();
    for func in plan.copied() {
        let Ok(at) = functions.binary_search_by_key(&func, |s| s.func) else { continue };
        let graph =
            cx.clock.time("lift", || functions[at].copy(source.module, source.types, &cx.options.caps));
        let Some(mut f) = graph else { continue };
        let Some((_, answer)) = source.validated(&mut f, cx) else { continue };
        let check = cx.trust.is_some();
        let Some(expanded) = expand(&mut f, plan, &ready.graphs, &Ready::new(), check) else { continue };
        if check {
            let mut answers = ready.answers(expanded);
            answers.extend(answer);
            ready.answers.insert(func, answers);
        }
        ready.graphs.insert(func, Arc::from(f));
    }
    ready
}

/// The graphs of small functions that are alone, or one of a few, with their type in a table.
fn targets(functions: &[Surveyed<'_>], source: &Source<'_>, plan: &Plan, cx: &Shared<'_>) -> Ready {
    let mut targets = Ready::new();
    if cx.options.objective != Objective::Speed || cx.options.caps.inline == InlineCaps::OFF {
        return targets;
    }
    for func in cx.tables.rare() {
        let Ok(at) = functions.binary_search_by_key(&func, |s| s.func) else { continue };
        // An instruction takes two bytes and more.
        if cx.module.raw_body(func).is_none_or(|body| body.len() > 4 * chains::MAX_COPIED) {
            continue;
        }
        let Some(mut f) = functions[at].copy(source.module, source.types, &cx.options.caps) else { continue };
        if source.prepare(&mut f).is_none() {
            continue;
        }
        // What is copied must not hold the only call of a function whose body is to disappear.
        let holds_member = call_sites(&f).iter().any(|&(_, callee)| plan.caller(callee).is_some());
        if chains::size(&f) <= chains::MAX_COPIED && !holds_member {
            targets.insert(func, Arc::from(f));
        }
    }
    targets
}

/// A bug in a stage costs one function its new body, loudly, and not the user the run.
fn guarded(f: &Function, old_size: usize, targets: &Ready, cx: &Shared<'_>) -> Optimized {
    let work = std::panic::AssertUnwindSafe(|| {
        let speed = cx.options.objective == Objective::Speed && !cx.strict();
        let Some(chained) = speed.then(|| chained(f, cx.tables, cx.module, targets)).flatten() else {
            return optimize_function(f, old_size, cx);
        };
        // Comparisons are worth their bytes, or they were not made.
        let mut result = optimize_function(&chained.f, old_size.saturating_add(chained.growth), cx);
        if result.body.is_some() {
            (result.chained, result.inlined) = (chained.calls, chained.copied);
            result.answers.extend(unproved("calls", &[chains::PASS]));
        }
        if chained.stopped > 0 {
            result.count(chains::PASS, chained.stopped as u64);
        }
        result
    });
    std::panic::catch_unwind(work).unwrap_or_else(|_| {
        let mut failed = Optimized::default();
        failed.limits.insert("internal-panic", 1);
        failed.refuse("internal error: a stage panicked".to_owned());
        failed
    })
}

/// A group under work.
struct Group<'a> {
    /// Its graphs as they were lifted, callees first.
    graphs: Vec<Function>,
    plan: &'a Plan,
    ready: &'a Copies,
    /// What is known of the stages that changed them before.
    before: HashMap<FuncId, Vec<StageAnswer>>,
    /// Small functions that indirect calls can reach.
    targets: &'a Ready,
    cx: &'a Shared<'a>,
    /// What became of its functions one by one, as far as it is known.
    alone: HashMap<FuncId, Optimized>,
}

impl Group<'_> {
    fn run(mut self) -> Vec<(FuncId, Optimized)> {
        let mut results = Vec::with_capacity(self.graphs.len());
        let Some(root) = self.graphs.last().map(|f| f.id) else { return results };
        let mut roots = vec![(root, 0)];
        while let Some((root, cuts)) = roots.pop() {
            let members = self.below(root);
            let picked = members.iter().any(|&at| !self.plan.picks(self.graphs[at].id).is_empty());
            let whole = if picked && cuts <= MAX_CUTS { self.whole(&members) } else { Err(Vec::new()) };
            match whole {
                Ok(mut whole) => {
                    for member in std::mem::take(&mut whole.absorbed) {
                        results.push((member, Optimized { is_absorbed: true, ..Optimized::default() }));
                    }
                    results.push((root, whole));
                }
                Err(refused) => {
                    let at = *members.last().expect("the root is below itself");
                    let mut alone = self.take_alone(at);
                    if picked {
                        alone.count("inline-undone", 1);
                    }
                    alone.refused.extend(refused);
                    results.push((root, alone));
                    let called = members
                        .iter()
                        .map(|&m| self.graphs[m].id)
                        .filter(|&m| self.plan.caller(m) == Some(root));
                    roots.extend(called.map(|m| (m, cuts + 1)));
                }
            }
        }
        results
    }

    /// The functions that a whole with this root has in it, by position, the root last.
    fn below(&self, root: FuncId) -> Vec<usize> {
        let mut inside: HashMap<FuncId, bool> = HashMap::new();
        let mut list = Vec::new();
        for (at, f) in self.graphs.iter().enumerate().rev() {
            let is = f.id == root
                || self.plan.caller(f.id).is_some_and(|c| inside.get(&c).copied().unwrap_or(false));
            inside.insert(f.id, is);
            if is {
                list.push(at);
            }
        }
        list.reverse();
        list
    }

    /// The functions in one, if that is better than one by one; else what checkers refused.
    fn whole(&mut self, members: &[usize]) -> Result<Optimized, Vec<String>> {
        let mut own = Ready::new();
        let (mut replaced, mut answers) = (Vec::new(), Vec::new());
        let check = self.cx.trust.is_some();
        let mut graph = None;
        for (n, &at) in members.iter().enumerate() {
            let mut f = self.graphs[at].clone();
            let expanded = expand(&mut f, self.plan, &self.ready.graphs, &own, check).ok_or_else(Vec::new)?;
            replaced.extend_from_slice(&expanded.replaced);
            answers.extend(self.before.get(&f.id).into_iter().flatten().cloned());
            if check {
                answers.extend(self.ready.answers(expanded));
            }
            if n + 1 == members.len() {
                graph = Some(f);
            } else {
                own.insert(f.id, Arc::new(f));
            }
        }
        drop(own);
        let graph = graph.ok_or_else(Vec::new)?;
        let old_size = match self.cx.options.objective {
            Objective::Size => self.apart(members),
            // Copies are worth their bytes, or they were not picked.
            Objective::Speed => {
                let old = |f: FuncId| self.cx.module.raw_body(f).map_or(0, <[u8]>::len);
                old(graph.id) + replaced.iter().map(|&f| old(f)).sum::<usize>()
            }
        };
        let mut whole = guarded(&graph, old_size, self.targets, self.cx);
        let size = whole.size(graph.id, self.cx.module);
        let good = whole.body.is_some()
            && (self.cx.options.objective == Objective::Speed
                || self.cx.takes_larger()
                || whole.erases()
                || size <= old_size);
        if !self.cx.chaos(&graph).flip("inlined", (), good) || whole.body.is_none() {
            return Err(whole.refused);
        }
        whole.inlined += replaced.len();
        whole.answers.extend(answers);
        whole.absorbed = members[..members.len() - 1].iter().map(|&at| self.graphs[at].id).collect();
        Ok(whole)
    }

    /// Bytes of the functions one by one, with what only a function of its own has: its type, and the size of its body.
    fn apart(&mut self, members: &[usize]) -> usize {
        let mut sum = 0;
        for (n, &at) in members.iter().enumerate() {
            let func = self.graphs[at].id;
            let alone = self.take_alone(at);
            let size = alone.size(func, self.cx.module);
            self.alone.insert(func, alone);
            let frame = if n + 1 == members.len() { 0 } else { uleb_len(size as u64) as usize + 1 };
            sum += size + frame;
        }
        sum
    }

    fn take_alone(&mut self, at: usize) -> Optimized {
        let f = &self.graphs[at];
        self.alone.remove(&f.id).unwrap_or_else(|| {
            let old_size = self.cx.module.raw_body(f.id).map_or(usize::MAX, <[u8]>::len);
            let mut alone = guarded(f, old_size, self.targets, self.cx);
            alone.answers.extend(self.before.get(&f.id).into_iter().flatten().cloned());
            alone
        })
    }
}
