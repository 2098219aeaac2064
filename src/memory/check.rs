//! Translation validation of what the stage `memory` does to branches and stack pointers: `threaded-branches`, `folded-branches`,
//! `stack-pointer-writes`. Where another pass changed anything it finds that out.
//!
//! **What.** Each block after stands for a run of blocks before, from the start of one on (its *anchor*): a block that has kept its name from that one, a copy from
//! the one that the first edge into it leads to. A walk over the blocks after knows at each start which values after each value before is, and
//! what is known of values before: constants, and what the branches on the way have asked. Instructions come in the same order with the same operands; what
//! is missing is pure. A branch before that is gone has been decided by what is known. Where ways meet, what holds on all of them holds; blocks are looked at
//! again until nothing changes. Nothing is shared with the passes. That values after are defined where they are used, [`crate::ir::verify`] says.
//!
//! **Loops.** On each edge that leads back (in reverse postorder), what is known of values before is forgotten, and on each edge which values after there are,
//! unless their block comes before the target: on every cycle through a block there is an edge back to it or to one before it, so nothing is kept of a value that
//! is computed again.
//!
//! **Stack pointers** (assumption `shadow-stack`: nobody looks at one after a trap). Where no write of one is left, each that was there set it to a known distance
//! from what it was at the start; it is read, functions that touch it are called, and the function is left, only where the distance is zero.
//!
//! **Complexity.** [`MAX_WORK`] values in all states.

use super::Knowledge;
use crate::analysis::{Summaries, constant};
use crate::extract_check::reverse_postorder;
use crate::interp::{Const, Outcome, eval};
use crate::ir::effects::global_mask;
use crate::ir::entity::{Block, GlobalId, Inst, Value};
use crate::ir::function::{Edge, Function, Terminator};
use crate::ir::ops::{Imm, Kind, Op};
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Values that are looked at in all states together.
const MAX_WORK: usize = 20_000_000;
/// Operators that two conditions are compared through.
const MAX_DEPTH: u32 = 3;

/// What is known of a value before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Is(Const),
    NotZero,
}

/// What is known at a place.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    /// The values after that a value before is.
    stands: BTreeMap<Value, SmallVec<[Value; 2]>>,
    facts: BTreeMap<Value, Fact>,
    /// How far stack pointers are from what they were, where that is not zero.
    apart: BTreeMap<GlobalId, u32>,
}

impl State {
    /// What holds here and there; whether that is less than here.
    fn meet(&mut self, other: &State) -> bool {
        let before = (self.stands.values().map(|s| s.len()).sum::<usize>(), self.facts.len());
        self.stands.retain(|v, list| {
            list.retain(|w| other.stands.get(v).is_some_and(|there| there.contains(w)));
            !list.is_empty()
        });
        self.facts.retain(|v, fact| other.facts.get(v) == Some(fact));
        before != (self.stands.values().map(|s| s.len()).sum::<usize>(), self.facts.len())
    }
}

/// Whether `g` does what `f` does.
///
/// # Errors
/// With what differs, or could not be followed.
pub fn check(f: &Function, g: &Function, knowledge: &Knowledge, summaries: &Summaries) -> Result<(), String> {
    if f.params != g.params || f.results != g.results {
        return Err("another signature".into());
    }
    let mut walk = Walk {
        f,
        g,
        summaries,
        idle: idle(f, g, knowledge),
        rank: ranks(f),
        rank_after: ranks(g),
        defined_before: defined(f),
        defined: defined(g),
        anchor: SecondaryMap::with_capacity(g.blocks.len()),
        states: BTreeMap::new(),
        waits: Vec::new(),
        work: 0,
    };
    for &b in &f.layout {
        if g.blocks.is_valid(b) {
            walk.anchor[b] = Some(b);
        }
    }
    walk.anchor[g.entry] = Some(f.entry);
    let pairs = f.block_params(f.entry).iter().zip(g.block_params(g.entry));
    let stands = pairs.map(|(&v, &w)| (v, SmallVec::from_slice(&[w]))).collect();
    walk.states.insert(g.entry, State { stands, ..State::default() });
    walk.waits.push(g.entry);
    while let Some(n) = walk.waits.pop() {
        walk.block(n).map_err(|e| format!("{n}: {e}"))?;
    }
    Ok(())
}

/// Stack pointers of which no write is left.
fn idle(f: &Function, g: &Function, knowledge: &Knowledge) -> Vec<GlobalId> {
    let written = |f: &Function| {
        let insts = f.layout.iter().flat_map(|&b| &f.blocks[b].insts);
        let written = insts.filter_map(|&i| match (f.insts[i].op.kind(), f.insts[i].imm) {
            (Kind::GlobalSet, Imm::Global(g)) => Some(g),
            _ => None,
        });
        written.collect::<Vec<GlobalId>>()
    };
    let after = written(g);
    let mut idle = written(f);
    idle.retain(|g| knowledge.stack(*g).is_some() && !after.contains(g));
    idle.sort_unstable();
    idle.dedup();
    idle
}

fn ranks(f: &Function) -> SecondaryMap<Block, usize> {
    let mut ranks = SecondaryMap::with_default(usize::MAX);
    for (n, b) in reverse_postorder(f).into_iter().enumerate() {
        ranks[b] = n;
    }
    ranks
}

/// The place of the block in which each value is defined.
fn defined(f: &Function) -> SecondaryMap<Value, usize> {
    let ranks = ranks(f);
    let mut defined = SecondaryMap::with_capacity(f.values.len());
    for &b in &f.layout {
        let results = f.blocks[b].insts.iter().flat_map(|&i| f.results(i));
        f.block_params(b).iter().chain(results).for_each(|&v| defined[v] = ranks[b]);
    }
    defined
}

struct Walk<'a> {
    f: &'a Function,
    g: &'a Function,
    summaries: &'a Summaries,
    idle: Vec<GlobalId>,
    /// Places in reverse postorder, before and after.
    rank: SecondaryMap<Block, usize>,
    rank_after: SecondaryMap<Block, usize>,
    /// The places of the blocks in which values are defined, before and after.
    defined_before: SecondaryMap<Value, usize>,
    defined: SecondaryMap<Value, usize>,
    /// The block before at whose start a block after starts.
    anchor: SecondaryMap<Block, Option<Block>>,
    states: BTreeMap<Block, State>,
    waits: Vec<Block>,
    work: usize,
}

impl Walk<'_> {
    fn constant(&self, state: &State, v: Value) -> Option<Const> {
        constant(self.f, v).or_else(|| match state.facts.get(&v) {
            Some(Fact::Is(c)) => Some(*c),
            _ => None,
        })
    }

    fn same(&self, state: &State, v: Value, w: Value) -> bool {
        let is_value = || state.stands.get(&v).is_some_and(|list| list.contains(&w));
        let is_constant = || constant(self.g, w).is_some_and(|c| self.constant(state, v) == Some(c));
        self.f.ty(v) == self.g.ty(w) && (is_value() || is_constant())
    }

    fn all_same(&self, state: &State, old: &[Value], new: &[Value]) -> bool {
        old.len() == new.len() && old.iter().zip(new).all(|(&v, &w)| self.same(state, v, w))
    }

    /// Walks through a block after.
    fn block(&mut self, n: Block) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let (Some(start), Some(mut state)) = (self.anchor[n], self.states.get(&n).cloned()) else {
            return Err("is not reached".into());
        };
        let mut at = start;
        let mut insts: Vec<Inst> =
            g.blocks[n].insts.iter().rev().copied().filter(|&i| !g.insts[i].op.is_const()).collect();
        let end = g.term(n);
        for _ in 0..=f.layout.len() {
            for &i in f.blocks[at].insts.iter().filter(|&&i| !f.insts[i].op.is_const()) {
                self.instruction(i, &mut insts, &mut state)?;
            }
            let term = f.term(at);
            // What is known may decide more than what was decided.
            let stays = insts.is_empty()
                && !matches!(end, Terminator::Jump(_))
                && term.is_alike(end)
                && self.all_same(&state, term.operands(&f.pool), end.operands(&g.pool));
            let Some(edge) = self.only_way(&state, term).filter(|_| !stays) else {
                if !insts.is_empty() {
                    return Err("more instructions".into());
                }
                return self.end(at, &state, term, end);
            };
            if insts.is_empty()
                && let Terminator::Jump(new) = end
                && self.anchor[new.block].is_none_or(|anchor| anchor == edge.block)
            {
                return self.edge(at, state, &edge, new);
            }
            self.enter(at, &mut state, &edge)?;
            at = edge.block;
        }
        Err("does not end".into())
    }

    fn instruction(&self, i: Inst, left: &mut Vec<Inst>, state: &mut State) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let data = &f.insts[i];
        f.results(i).iter().for_each(|v| {
            state.stands.remove(v);
            state.facts.remove(v);
        });
        match (data.op.kind(), data.imm) {
            (Kind::GlobalSet, Imm::Global(global)) if self.idle.contains(&global) => {
                let apart = f.args(i).first().and_then(|&v| self.distance(v, global));
                match apart.ok_or("a stack pointer is set to something unknown")? {
                    0 => state.apart.remove(&global),
                    distance => state.apart.insert(global, distance),
                };
                return Ok(());
            }
            (Kind::GlobalGet, Imm::Global(global)) if state.apart.contains_key(&global) => {
                return Err("a stack pointer is read where it differs".into());
            }
            _ if data.op.is_call() => self.stack_pointers_are_as_they_were(i, state)?,
            _ => {}
        }
        let next = left.last().copied().filter(|&j| {
            let found = &g.insts[j];
            found.op == data.op
                && found.imm.is_alike(&data.imm)
                && f.results(i).len() == g.results(j).len()
                && self.all_same(state, f.args(i), g.args(j))
        });
        if let Some(j) = next {
            left.pop();
            for (&v, &w) in f.results(i).iter().zip(g.results(j)) {
                state.stands.insert(v, SmallVec::from_slice(&[w]));
            }
        } else if !data.op.is_pure() {
            return Err(format!("{i} does not come next"));
        }
        if data.op.is_pure()
            && let Some(v) = f.result(i)
            && let Some(args) =
                f.args(i).iter().map(|&a| self.constant(state, a)).collect::<Option<Vec<Const>>>()
            && let Outcome::Value(c) = eval(data.op, &data.imm, &args)
        {
            state.facts.insert(v, Fact::Is(c));
        }
        Ok(())
    }

    /// A call that may be left by an exception, or of what touches them, finds the stack pointers as they were.
    fn stack_pointers_are_as_they_were(&self, i: Inst, state: &State) -> Result<(), String> {
        let effects = self.summaries.inst(self.f, i);
        for &global in &self.idle {
            let mask = global_mask(global);
            let is_apart = state.apart.contains_key(&global);
            if effects.writes & mask != 0 || is_apart && (effects.reads & mask != 0 || effects.can_throw()) {
                return Err("a call may see a stack pointer that differs".into());
            }
        }
        Ok(())
    }

    /// How far a value is from what a stack pointer was at the start: all reads of it give that.
    fn distance(&self, v: Value, global: GlobalId) -> Option<u32> {
        let f = self.f;
        let int = |v: Value| constant(f, v)?.as_int().map(|c| c as u32);
        let (mut at, mut sum) = (v, 0u32);
        loop {
            let i = f.def_inst(at)?;
            match (f.insts[i].op, f.insts[i].imm, f.args(i)) {
                (Op::GlobalGet, Imm::Global(g), _) if g == global => return Some(sum),
                (Op::I32Add, _, &[a, b]) => match (int(a), int(b)) {
                    (_, Some(c)) => (at, sum) = (a, sum.wrapping_add(c)),
                    (Some(c), None) => (at, sum) = (b, sum.wrapping_add(c)),
                    (None, None) => return None,
                },
                (Op::I32Sub, _, &[a, b]) => (at, sum) = (a, sum.wrapping_sub(int(b)?)),
                _ => return None,
            }
        }
    }

    /// The way on from the end of a block before, where there is one or what is known decides.
    fn only_way(&self, state: &State, term: &Terminator) -> Option<Edge> {
        match term {
            Terminator::Jump(edge) => Some(edge.clone()),
            Terminator::Branch { cond, then, els } => {
                let is_true = match self.constant(state, *cond).and_then(Const::as_int) {
                    Some(c) => c != 0,
                    None => self.asked(state, *cond)?,
                };
                Some(if is_true { then } else { els }.clone())
            }
            Terminator::Table { index, targets, default } => {
                let index = self.constant(state, *index)?.as_int()? as usize;
                Some(targets.get(index).unwrap_or(default).clone())
            }
            _ => None,
        }
    }

    /// The value whose being zero decides a condition, and whether the condition is that it is.
    fn root(&self, cond: Value) -> (Value, bool) {
        let f = self.f;
        let zero = |v: Value| constant(f, v) == Some(Const::I32(0));
        let (mut at, mut is_zero) = (cond, false);
        while let Some(i) = f.def_inst(at) {
            match (f.insts[i].op, f.args(i)) {
                (Op::I32Eqz, &[a]) => (at, is_zero) = (a, !is_zero),
                (Op::I32Eq, &[a, b]) if zero(b) => (at, is_zero) = (a, !is_zero),
                (Op::I32Ne, &[a, b]) if zero(b) => at = a,
                _ => break,
            }
        }
        (at, is_zero)
    }

    /// What a condition is, where a branch on the way has asked.
    fn asked(&self, state: &State, cond: Value) -> Option<bool> {
        let (root, is_zero) = self.root(cond);
        let (_, fact) = state.facts.iter().find(|&(&v, _)| self.computes(v, root, MAX_DEPTH))?;
        match fact {
            Fact::NotZero => Some(!is_zero),
            Fact::Is(c) => Some((c.as_int()? == 0) == is_zero),
        }
    }

    /// Whether two values before are one, or computed alike from the same ones.
    fn computes(&self, a: Value, b: Value, depth: u32) -> bool {
        let f = self.f;
        if a == b {
            return true;
        }
        let (Some(i), Some(j)) = (f.def_inst(a), f.def_inst(b)) else { return false };
        let (p, q) = (&f.insts[i], &f.insts[j]);
        depth > 0
            && p.op.is_pure()
            && p.op == q.op
            && p.imm.is_alike(&q.imm)
            && f.result(i).is_some()
            && f.ty(a) == f.ty(b)
            && f.args(i).len() == f.args(j).len()
            && f.args(i).iter().zip(f.args(j)).all(|(&x, &y)| self.computes(x, y, depth - 1))
    }

    /// Goes over an edge before.
    fn enter(&self, from: Block, state: &mut State, edge: &Edge) -> Result<(), String> {
        let f = self.f;
        let params = f.block_params(edge.block);
        let args = f.edge_args(edge);
        if params.len() != args.len() {
            return Err("an edge that makes values".into());
        }
        let brought: SmallVec<[_; 4]> = args
            .iter()
            .map(|&a| {
                let fact = match self.constant(state, a) {
                    Some(c) => Some(Fact::Is(c)),
                    None => state.facts.get(&a).copied(),
                };
                (state.stands.get(&a).cloned(), fact)
            })
            .collect();
        if self.rank[edge.block] <= self.rank[from] {
            let target = self.rank[edge.block];
            state.facts.retain(|v, _| self.defined_before[*v] < target);
        }
        for (&p, (stands, fact)) in params.iter().zip(brought) {
            match stands {
                Some(list) => state.stands.insert(p, list),
                None => state.stands.remove(&p),
            };
            match fact {
                Some(fact) => state.facts.insert(p, fact),
                None => state.facts.remove(&p),
            };
        }
        Ok(())
    }

    /// Both go over an edge; before, perhaps on through blocks that have no effect.
    fn edge(&mut self, from: Block, mut state: State, old: &Edge, new: &Edge) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let produced = g.produced(new);
        let (made, params) = g.block_params(new.block).split_at(produced);
        let mut at = old.block;
        if produced > 0 || f.produced(old) > 0 {
            let both = f.block_params(at).iter().take(f.produced(old));
            if f.produced(old) != produced || self.anchor[new.block].is_some_and(|a| a != at) {
                return Err("an edge that makes other values".into());
            }
            let args = f.edge_args(old);
            // What the edge brings is taken before what it makes is there.
            let rest = &f.block_params(at)[produced..];
            let brought: Vec<_> =
                args.iter().map(|a| state.stands.get(a).cloned().unwrap_or_default()).collect();
            state.facts.clear();
            for (&p, list) in rest.iter().zip(brought) {
                state.stands.insert(p, list);
            }
            self.arrive(&mut state, new, params);
            for (&v, &w) in both.zip(made) {
                state.stands.insert(v, SmallVec::from_slice(&[w]));
            }
            return self.meet(at, state, new.block);
        }
        self.enter(from, &mut state, old)?;
        let mut steps = 0;
        while self.anchor[new.block].is_some_and(|anchor| anchor != at) {
            steps += 1;
            for &i in f.blocks[at].insts.iter().filter(|&&i| !f.insts[i].op.is_const()) {
                self.instruction(i, &mut Vec::new(), &mut state)?;
            }
            let edge = self.only_way(&state, f.term(at)).filter(|_| steps <= f.layout.len());
            let edge = edge.ok_or_else(|| format!("an edge to {} leads elsewhere", new.block))?;
            self.enter(at, &mut state, &edge)?;
            at = edge.block;
        }
        self.arrive(&mut state, new, params);
        self.meet(at, state, new.block)
    }

    /// The way after arrives: values that are computed again are forgotten, and parameters are what is brought.
    fn arrive(&mut self, state: &mut State, edge: &Edge, params: &[Value]) {
        let (f, g) = (self.f, self.g);
        let target = self.rank_after[edge.block];
        let pairs: Vec<(Value, Value)> =
            g.edge_args(edge).iter().copied().zip(params.iter().copied()).collect();
        let mut brought: Vec<(Value, Value)> = Vec::new();
        for (&v, list) in &state.stands {
            brought.extend(pairs.iter().filter(|(w, _)| list.contains(w)).map(|&(_, p)| (v, p)));
        }
        for (&v, fact) in &state.facts {
            let Fact::Is(c) = fact else { continue };
            let same = |w: Value| constant(g, w) == Some(*c);
            brought.extend(pairs.iter().filter(|&&(w, _)| same(w)).map(|&(_, p)| (v, p)));
        }
        state.stands.retain(|_, list| {
            list.retain(|w| self.defined[*w] < target);
            !list.is_empty()
        });
        for (v, p) in brought {
            let list = state.stands.entry(v).or_default();
            if f.ty(v) == g.ty(p) && !list.contains(&p) {
                list.push(p);
            }
        }
        self.work += state.stands.len() + state.facts.len() + 1;
    }

    fn meet(&mut self, at: Block, state: State, target: Block) -> Result<(), String> {
        if self.work > MAX_WORK {
            return Err("too large for the checker".into());
        }
        match self.anchor[target] {
            Some(anchor) if anchor != at => return Err(format!("{target} stands for {anchor} and {at}")),
            _ => self.anchor[target] = Some(at),
        }
        let Some(known) = self.states.get_mut(&target) else {
            self.states.insert(target, state);
            self.waits.push(target);
            return Ok(());
        };
        if known.apart != state.apart {
            return Err("a stack pointer differs in two ways".into());
        }
        if known.meet(&state) && !self.waits.contains(&target) {
            self.waits.push(target);
        }
        Ok(())
    }

    /// Both end here in the same way.
    fn end(&mut self, at: Block, state: &State, s: &Terminator, t: &Terminator) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let same = s.is_alike(t) && self.all_same(state, s.operands(&f.pool), t.operands(&g.pool));
        if !same || s.edges().count() != t.edges().count() {
            return Err(format!("{at} ends in another way"));
        }
        let goes_on = matches!(
            s,
            Terminator::Jump(_)
                | Terminator::Branch { .. }
                | Terminator::Table { .. }
                | Terminator::BrOn { .. }
        );
        if !goes_on && !matches!(s, Terminator::Unreachable) && !state.apart.is_empty() {
            return Err("is left with another stack pointer".into());
        }
        if !self.idle.is_empty() && matches!(s, Terminator::Invoke { .. }) {
            return Err("a call may see a stack pointer".into());
        }
        for (n, (old, new)) in s.edges().zip(t.edges()).enumerate() {
            let mut state = state.clone();
            if let Terminator::Branch { cond, .. } = s {
                let (root, is_zero) = self.root(*cond);
                let fact = if (n == 0) == is_zero { Fact::Is(Const::I32(0)) } else { Fact::NotZero };
                state.facts.insert(root, fact);
            }
            self.edge(at, state, old, new)?;
        }
        Ok(())
    }
}
