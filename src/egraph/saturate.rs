//! Saturation in phases, with budgets that count nodes and matches, never time.

use super::compile::CompiledRules;
use super::facts::Graph;
use crate::rules::Phase;
use std::collections::BTreeMap;

/// Most matches of one rule that one iteration applies.
const MATCH_LIMIT: usize = 20_000;

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
    /// Unions made by each rule, by its index in the compiled rules.
    pub hits: Vec<u64>,
    /// Limits reached: name to times.
    pub limits: BTreeMap<&'static str, u64>,
    /// Rule index and class of each union in order, recorded on request.
    pub log: Vec<(u32, egg::Id)>,
}

/// Runs the phases of the schedule on a rebuilt graph, and leaves it rebuilt.
pub fn saturate(graph: &mut Graph, rules: &CompiledRules, record: bool) -> Saturation {
    let mut result = Saturation { hits: vec![0; rules.rules.len()], ..Saturation::default() };
    let start = graph.total_number_of_nodes();
    let large = start > LARGE_GRAPH;
    if large {
        *result.limits.entry("egraph-large-function").or_default() += 1;
    }
    let budget = start * 3 + 2_000;
    for (phases, iterations, on_large) in SCHEDULE {
        if large && !on_large {
            continue;
        }
        let active: Vec<usize> = phases.iter().flat_map(|&p| rules.phase(p)).collect();
        for _ in 0..*iterations {
            if graph.total_number_of_nodes() > budget {
                *result.limits.entry("egraph-nodes").or_default() += 1;
                break;
            }
            if !iterate(graph, rules, &active, record, &mut result) {
                break;
            }
        }
    }
    result
}

/// Searches all rules, then applies all matches, so that the order of rules does not matter within an iteration. Returns
/// whether anything changed.
fn iterate(
    graph: &mut Graph,
    rules: &CompiledRules,
    active: &[usize],
    record: bool,
    result: &mut Saturation,
) -> bool {
    let mut changed = false;
    let mut found = Vec::new();
    for &i in active {
        let matches = rules.rules[i].search(graph, MATCH_LIMIT);
        if matches.is_empty() {
            continue;
        }
        let total: usize = matches.iter().map(|m| m.substs.len()).sum();
        if total >= MATCH_LIMIT {
            *result.limits.entry("egraph-matches").or_default() += 1;
        }
        found.push((i, matches));
    }
    for (i, matches) in found {
        for m in matches {
            for subst in &m.substs {
                if rules.rules[i].apply(graph, m.eclass, subst) {
                    result.hits[i] += 1;
                    changed = true;
                    if record {
                        result.log.push((i as u32, m.eclass));
                    }
                }
            }
        }
    }
    graph.rebuild();
    changed
}
