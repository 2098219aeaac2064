//! What holds where ways meet, and the values of a counter.

use super::MAX_WORK;
use super::terms::{Num, Term, Terms, Var};
use crate::interp::Const;
use crate::ir::entity::Block;
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Values that a counter may have.
const MAX_VALUES: usize = 1 << 12;
/// Ways to write a value as an operator of others that are tried.
const MAX_TRIED: usize = 16;

/// What is known at a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    /// What the values are that are still read.
    pub nums: BTreeMap<Var, Num>,
    /// Terms that branches on the way have asked for: whether they are not zero.
    pub facts: BTreeMap<Num, bool>,
}

/// The states of the ways into a block, by where they come from.
pub(super) type Arrivals = BTreeMap<(Block, usize), State>;

/// What a value is on each of the ways.
type Row = SmallVec<[Num; 4]>;

/// What holds on all ways into a block after.
pub(super) fn meet(terms: &mut Terms, block: Block, arrivals: &Arrivals, work: &mut usize) -> State {
    *work += arrivals.values().map(|s| s.nums.len() + s.facts.len() + 1).sum::<usize>();
    let mut states = arrivals.values();
    let Some(first) = states.next() else { return State::default() };
    if arrivals.len() == 1 {
        return first.clone();
    }
    let mut state = State { nums: BTreeMap::new(), facts: first.facts.clone() };
    for other in states {
        state.facts.retain(|n, is| other.facts.get(n) == Some(is));
    }
    let row = |v: &Var| arrivals.values().map(|s| s.nums.get(v).copied()).collect::<Option<Row>>();
    let mut merged: HashMap<Row, Num> = HashMap::new();
    let mut open: Vec<(Var, Row)> = Vec::new();
    for &v in first.nums.keys() {
        let Some(row) = row(&v) else { continue };
        let known = match row.iter().all(|&n| n == row[0]) {
            true => Some(row[0]),
            false => merged.get(&row).copied(),
        };
        let num = match (known, v) {
            (Some(num), _) => num,
            (None, Var::Before(_)) => terms.number(Term::Meets(block, v)),
            // Perhaps an operator of what the values before are.
            (None, Var::After(_)) => {
                open.push((v, row));
                continue;
            }
        };
        merged.insert(row, num);
        state.nums.insert(v, num);
    }
    // One may be an operator of another one.
    loop {
        let left = open.len();
        open.retain(|(v, row)| {
            let num = merged.get(row).copied().or_else(|| computed(terms, &merged, row, work));
            num.inspect(|&num| {
                merged.insert(row.clone(), num);
                state.nums.insert(*v, num);
            })
            .is_none()
        });
        if open.len() == left {
            break;
        }
    }
    for (v, row) in open {
        let num = *merged.entry(row).or_insert_with(|| terms.number(Term::Meets(block, v)));
        state.nums.insert(v, num);
    }
    state
}

/// The operator of merged values that a value is on every way: what it is on one of them says which operator of what there.
fn computed(terms: &mut Terms, merged: &HashMap<Row, Num>, row: &Row, work: &mut usize) -> Option<Num> {
    for at in 0..row.len() {
        if *work > MAX_WORK {
            return None;
        }
        let Term::Pure(op, imm, args, result) = terms.get(row[at]).clone() else { continue };
        let mut tries: Vec<Vec<(Row, Num)>> = vec![Vec::new()];
        for &a in &args {
            *work += merged.len();
            let mut operands: Vec<(Row, Num)> =
                merged.iter().filter(|(row, _)| row[at] == a).map(|(row, &num)| (row.clone(), num)).collect();
            operands.sort_unstable();
            // What is the same on all ways.
            operands.push((SmallVec::from_elem(a, row.len()), a));
            tries = tries
                .iter()
                .flat_map(|t| operands.iter().map(|o| t.iter().chain([o]).cloned().collect()))
                .take(MAX_TRIED)
                .collect();
        }
        for operands in tries {
            let holds = (0..row.len()).all(|n| {
                let args: SmallVec<[Num; 3]> = operands.iter().map(|(row, _)| row[n]).collect();
                terms.pure(op, imm, &args, result) == row[n]
            });
            if holds {
                let args: SmallVec<[Num; 3]> = operands.iter().map(|o| o.1).collect();
                return Some(terms.pure(op, imm, &args, result));
            }
        }
    }
    None
}

/// All values that a symbol of a block can have: those that it enters with, and what comes of each on the ways back that what is known on them
/// leaves open.
pub(super) fn values_of(
    terms: &Terms,
    symbol: Num,
    arrivals: &BTreeMap<Block, Arrivals>,
    work: &mut usize,
) -> Option<Vec<Const>> {
    let &Term::Meets(block, v) = terms.get(symbol) else { return None };
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut back = Vec::new();
    for state in arrivals.get(&block)?.values() {
        let &num = state.nums.get(&v)?;
        match terms.constant(num) {
            Some(c) if seen.insert(c) => found.push(c),
            Some(_) => {}
            None => back.push((terms.function_of(symbol, num)?, facts_of(terms, symbol, state))),
        }
    }
    let mut at = 0;
    while let Some(&value) = found.get(at) {
        at += 1;
        *work += 1;
        for (next, facts) in &back {
            *work += next.len();
            if is_open(terms, symbol, value, facts) {
                let c = terms.at(next, symbol, value)?;
                if seen.insert(c) {
                    found.push(c);
                }
            }
        }
        if found.len() > MAX_VALUES {
            return None;
        }
    }
    Some(found)
}

/// What is known of functions of a symbol, each with the terms under it.
pub(super) fn facts_of(terms: &Terms, symbol: Num, state: &State) -> Vec<(Vec<Num>, bool)> {
    state.facts.iter().filter_map(|(&n, &is)| Some((terms.function_of(symbol, n)?, is))).collect()
}

/// Whether a symbol can have a value where this is known.
pub(super) fn is_open(terms: &Terms, symbol: Num, value: Const, facts: &[(Vec<Num>, bool)]) -> bool {
    facts.iter().all(|(under, is)| terms.at(under, symbol, value).is_none_or(|c| (c.bits() != 0) == *is))
}
