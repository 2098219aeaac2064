//! Saturation in phases, with budgets that count nodes and matches, never time.

use super::compile::{CompiledRules, Root};
use super::facts::Graph;
use super::node::Node;
use crate::caps::Caps;
use crate::chaos::Chaos;
use crate::ir::ops::Op;
use crate::rules::Phase;
use egg::Id;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};

/// Most matches of one rule that one iteration applies.
pub const MATCH_LIMIT: usize = 20_000;

/// How many times the nodes that it starts with a graph may have before a phase ends.
pub const NODE_GROWTH: usize = 2;

/// How many nodes a graph may have beyond that.
pub const SPARE_NODES: usize = 1_000;

/// Most nodes of one function that all searches may look at together, plus [`SEARCH_PER_NODE`] for each node that its graph
/// starts with. Large classes under large classes would otherwise be searched for as long as the product of their sizes.
pub const MAX_SEARCH: u64 = 10_000_000;

/// See [`MAX_SEARCH`].
const SEARCH_PER_NODE: u64 = 100;

/// Smaller classes count as one node when the work of a search is estimated.
const SMALL_CLASS: usize = 16;

/// How far one iteration may grow a graph beyond its budget, in nodes ever made.
const OVERSHOOT: usize = 4;

/// Functions with more instructions and block parameters than this are lowered as they were lifted: no graph is built.
pub const MAX_INSTRUCTIONS: usize = 250_000;

/// Functions whose graph starts with more nodes than this run the terminating phases only.
pub const LARGE_GRAPH: usize = 30_000;

/// Which rules run together, how many iterations at most, and whether also on large graphs.
const SCHEDULE: &[(&[Phase], usize, bool)] = &[
    (&[Phase::Canon], 4, true),
    (&[Phase::Canon, Phase::Simplify], 4, true),
    (&[Phase::Memory], 3, true),
    (&[Phase::Canon, Phase::Simplify, Phase::Memory], 4, false),
    (&[Phase::Expand], 1, false),
    (&[Phase::Canon, Phase::Simplify], 3, false),
    (&[Phase::Lower], 2, true),
];

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Saturation {
    /// Unions made by each rule that made any, by its index in the compiled rules.
    pub hits: BTreeMap<u32, u64>,
    /// Limits reached: name to times.
    pub limits: BTreeMap<&'static str, u64>,
    /// Unions in order, recorded on request.
    pub log: Vec<Applied>,
}

/// One match of a rule that made two classes one.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The rule, by its index in the compiled rules.
    pub rule: u32,
    /// The class of its left side.
    pub class: Id,
    /// What each of its variables stands for, in their order; none where the left side does not have it.
    pub bound: Box<[Option<Id>]>,
}

impl Saturation {
    /// Adds what happened in an earlier graph of the same function. Its log stays behind: it is about that graph.
    pub fn add_counts(&mut self, earlier: Saturation) {
        for (rule, n) in earlier.hits {
            *self.hits.entry(rule).or_default() += n;
        }
        for (limit, n) in earlier.limits {
            *self.limits.entry(limit).or_default() += n;
        }
    }

    fn reached(&mut self, limit: &'static str) {
        *self.limits.entry(limit).or_default() += 1;
    }
}

/// What iterations share: how they go about it, what is left of the budgets that they watch themselves, and the result.
struct Run<'a> {
    rules: &'a CompiledRules,
    chaos: Chaos,
    /// Whether unions are recorded.
    record: bool,
    /// Most matches of one rule that one iteration applies.
    max_matches: usize,
    /// For the rules of each phase, how many changes had been made when they were last searched for; what was touched before
    /// is known to them. Rules of one phase always run together.
    seen: [Option<usize>; Phase::NAMES.len()],
    result: Saturation,
    /// Nodes that searches may still look at.
    search: u64,
    /// Nodes ever made, beyond which no match is applied.
    nodes: usize,
}

/// How far above a changed class a left side that it makes match can have its root.
const DEPTH: usize = 3;

/// Runs the phases of the schedule on a rebuilt graph, and leaves it rebuilt. Every rule is an equality, so any order of
/// phases, rules and matches, and any part of them, is legal.
pub fn saturate(graph: &mut Graph, rules: &CompiledRules, record: bool, chaos: Chaos) -> Saturation {
    saturate_capped(graph, rules, record, chaos, &Caps::default())
}

/// [`saturate`] under caps of the caller's.
pub fn saturate_capped(
    graph: &mut Graph,
    rules: &CompiledRules,
    record: bool,
    chaos: Chaos,
    caps: &Caps,
) -> Saturation {
    let mut result = Saturation::default();
    if !graph.classes().any(|c| c.nodes.iter().any(|n| n.op().is_some())) {
        return result;
    }
    let start = graph.total_number_of_nodes();
    let large = start > caps.large_graph;
    if large {
        result.reached("egraph-large-function");
    }
    let budget =
        start * caps.node_growth + chaos.pick("node budget", (), caps.spare_nodes + 1, caps.spare_nodes);
    graph.analysis.keep_folded = chaos.flip("keep what was folded", (), false);
    let mut schedule: Vec<_> = SCHEDULE.iter().collect();
    chaos.shuffle("order of phases", (), &mut schedule);
    let mut run = Run {
        rules,
        chaos,
        record,
        max_matches: caps.matches,
        seen: [None; Phase::NAMES.len()],
        result,
        search: caps.search + SEARCH_PER_NODE * start as u64,
        nodes: budget * OVERSHOOT + 20_000,
    };
    for (turn, (phases, iterations, on_large)) in schedule.into_iter().enumerate() {
        if large && !on_large {
            continue;
        }
        let shuffled = chaos.is_on().then(|| {
            let mut order: Vec<usize> = phases.iter().flat_map(|&p| rules.phase(p)).collect();
            chaos.shuffle("order of rules", turn, &mut order);
            let mut rank = vec![0; rules.rules.len()];
            order.into_iter().enumerate().for_each(|(at, rule)| rank[rule] = at);
            rank
        });
        for _ in 0..*iterations {
            if graph.total_number_of_nodes() > budget {
                run.result.reached("egraph-nodes");
                break;
            }
            if !run.iterate(graph, phases, shuffled.as_deref()) {
                break;
            }
        }
    }
    run.result
}

/// Classes by the operators in them, each list in ascending order, with about how many nodes a search there looks at.
type Index = HashMap<Op, Vec<(Id, u64)>>;

/// About how many nodes the search for a left side looks at, from one node on: the product of the sizes of its children.
fn below(graph: &Graph, node: &Node) -> u64 {
    let size = |&c: &Id| match &graph[c] {
        class if class.data.constant.is_none() && class.len() > SMALL_CLASS => class.len() as u64,
        _ => 1,
    };
    node.children.iter().map(size).fold(1, u64::saturating_mul)
}

/// The classes that rules which saw the graph after `since` changes have to look at: those changed since and the ones
/// above them.
fn index(graph: &Graph, since: Option<usize>) -> Index {
    let mut index = Index::new();
    let mut add = |id: Id| {
        let mut ops: SmallVec<[(Op, u64); 4]> = SmallVec::new();
        for (node, op) in graph[id].nodes.iter().filter_map(|n| Some((n, n.op()?))) {
            let work = below(graph, node);
            match ops.iter_mut().find(|o| o.0 == op) {
                Some((_, sum)) => *sum = sum.saturating_add(work),
                None => ops.push((op, work)),
            }
        }
        for (op, work) in ops {
            index.entry(op).or_default().push((id, work));
        }
    };
    match since {
        None => {
            let mut ids: Vec<Id> = graph.classes().map(|c| c.id).collect();
            ids.sort_unstable();
            ids.into_iter().for_each(&mut add);
        }
        Some(since) => {
            let mut ids: BTreeSet<Id> =
                graph.analysis.touched[since..].iter().map(|&id| graph.find(id)).collect();
            let mut level: Vec<Id> = ids.iter().copied().collect();
            for _ in 0..DEPTH {
                let mut next = Vec::new();
                for id in level {
                    for parent in graph[id].parents() {
                        let parent = graph.find(parent);
                        if ids.insert(parent) {
                            next.push(parent);
                        }
                    }
                }
                level = next;
            }
            ids.into_iter().for_each(&mut add);
        }
    }
    index
}

impl Run<'_> {
    /// The rules of these phases that have anything to look at, in their order, each with the place in `indices` where its
    /// classes are. Only operators that occur are gone through: there are far more rules than a small function has nodes.
    fn candidates(
        &mut self,
        graph: &Graph,
        phases: &[Phase],
        shuffled: Option<&[usize]>,
        now: usize,
        indices: &mut Vec<(Option<usize>, Index)>,
    ) -> Vec<(usize, usize)> {
        // Phases in the order of the schedule, rules in their own; in chaos, by rank alone.
        let mut candidates: Vec<((usize, usize), usize)> = Vec::new();
        for (turn, &phase) in phases.iter().enumerate() {
            let since = self.seen[phase as usize].replace(now);
            if since == Some(now) {
                continue;
            }
            let at = match indices.iter().position(|(s, _)| *s == since) {
                Some(at) => at,
                None => {
                    indices.push((since, index(graph, since)));
                    indices.len() - 1
                }
            };
            for &op in indices[at].1.keys() {
                candidates.extend(self.rules.at_root(phase, op).iter().map(|&i| {
                    let i = i as usize;
                    (shuffled.map_or((turn, i), |rank| (rank[i], i)), at)
                }));
            }
        }
        candidates.sort_unstable();
        candidates.into_iter().map(|((_, rule), at)| (rule, at)).collect()
    }

    /// Searches all rules, then applies all matches, so that the order of rules does not matter within an iteration. Returns
    /// whether anything changed.
    fn iterate(&mut self, graph: &mut Graph, phases: &[Phase], shuffled: Option<&[usize]>) -> bool {
        let mut changed = false;
        let mut found = Vec::new();
        let mut indices: Vec<(Option<usize>, Index)> = Vec::new();
        let now = graph.analysis.touched.len();
        for (i, at) in self.candidates(graph, phases, shuffled, now, &mut indices) {
            let rule = &self.rules.rules[i];
            let Root::Operator(root) = rule.root() else { continue };
            let Some(classes) = indices[at].1.get(&root) else { continue };
            // All of the classes or none, so that the choice does not depend on the order within.
            let work: u64 = classes.iter().map(|c| c.1).fold(0, u64::saturating_add);
            if work > self.search {
                self.result.reached("egraph-search");
                continue;
            }
            self.search -= work;
            let matches = rule.search(graph, classes.iter().map(|c| c.0), self.max_matches);
            if matches.is_empty() {
                continue;
            }
            let total: usize = matches.iter().map(|m| m.substs.len()).sum();
            if total >= self.max_matches {
                self.result.reached("egraph-matches");
            }
            found.push((i, matches));
        }
        'apply: for (i, matches) in found {
            for m in matches {
                if graph.total_size() > self.nodes {
                    self.result.reached("egraph-nodes");
                    break 'apply;
                }
                for subst in &m.substs {
                    if self.chaos.rarely("leave a match out", (i, m.eclass, now), false) {
                        continue;
                    }
                    if self.rules.rules[i].apply(graph, m.eclass, subst, m.ast.as_deref()) {
                        *self.result.hits.entry(i as u32).or_default() += 1;
                        changed = true;
                        if self.record {
                            let bound = self.rules.rules[i].bound(subst);
                            self.result.log.push(Applied { rule: i as u32, class: m.eclass, bound });
                        }
                    }
                }
            }
        }
        graph.rebuild();
        changed
    }
}
