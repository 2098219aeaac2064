//! Translation validation of what the passes on loops do: both graphs walked side by side.
//!
//! **What.** Each block after stands for what comes from the start of a block before (its *anchor*) on: a block that has kept its name from that one, a copy
//! from where the first way into it leads. On each way into a block, what every value of both graphs is that is still read is known as
//! a term ([`terms`]): of parameters, of what effects gave, and of what values were where ways met. Effects come in the same order with
//! operands of equal terms; pure operators are free. A branch before that is gone has been decided.
//!
//! **Where ways meet** ([`meets`]), a value that is one term on all ways stays it; values that are equal on each way stay equal; and a value after that is the same operator
//! of such values on each way is that operator of what they meet in: so a *carried* value is what the loop before computes from its parameters.
//! All is found by walking until nothing changes, from few ways to all: what is left holds on every way because it is kept by each.
//!
//! **Why that is enough.** A symbol is what it was when its place was last passed, and no value has a term with a symbol of a place when the walk comes there: on the
//! way that comes there first there is none yet, and where ways meet a term stays only if all have it.
//!
//! **Decided branches.** The condition is constant, a branch on the way has asked for it, or it is the same for all values of a counter: of a symbol
//! that enters a loop as constants, all values are found by running what goes back, as long as what is known on the way back leaves it open.
//! So of an unrolled loop the test that is gone is decided from the constants and the test that is left.
//!
//! **Termination.** With every edge after goes an edge before, and what is passed before without one after ends.
//!
//! **Complexity.** [`MAX_WORK`] values in all states of all rounds. Nothing is shared with the passes. That values after are defined where they
//! are used, [`crate::ir::verify`] says.
//!
//! Reference: Necula, "Translation validation for an optimizing compiler", 2000; Alpern, Wegman and Zadeck, "Detecting equality of variables in
//! programs", 1988.

mod meets;
mod terms;
#[cfg(test)]
mod tests;

use crate::analysis::{Cfg, Liveness, constant};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Edge, Function, Terminator};
use crate::ir::ops::Imm;
use cranelift_entity::SecondaryMap;
use hashbrown::HashSet;
use meets::{Arrivals, State, facts_of, is_open, meet, values_of};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use terms::{Num, Term, Terms, Var};

/// Values that are looked at in all states together.
const MAX_WORK: usize = 20_000_000;

/// Whether `g` does what `f` does.
///
/// # Errors
/// With what differs, or could not be followed.
pub fn check(f: &Function, g: &Function) -> Result<(), String> {
    if f.params != g.params || f.results != g.results {
        return Err("another signature".into());
    }
    let cfg = Cfg::compute(g);
    let read = |f: &Function, cfg: &Cfg| -> Option<SecondaryMap<Block, Vec<Value>>> {
        let live = Liveness::compute(f, cfg)?;
        let mut read: SecondaryMap<Block, Vec<Value>> = SecondaryMap::with_capacity(f.blocks.len());
        for &b in cfg.rpo() {
            read[b] = live.live_in(b);
            read[b].extend_from_slice(f.block_params(b));
        }
        Some(read)
    };
    let (Some(read_before), Some(read_after)) = (read(f, &Cfg::compute(f)), read(g, &cfg)) else {
        return Err("too large for the checker".into());
    };
    let mut walk = Walk {
        f,
        g,
        terms: Terms::default(),
        read_before,
        read_after,
        anchor: SecondaryMap::with_capacity(g.blocks.len()),
        arrivals: BTreeMap::new(),
        changed: false,
        work: 0,
    };
    let reached: HashSet<Block> = f.layout.iter().copied().collect();
    for &b in cfg.rpo() {
        walk.anchor[b] = Some(b).filter(|b| reached.contains(b));
    }
    walk.anchor[g.entry] = Some(f.entry);
    let mut start = State::default();
    for (n, (&v, &w)) in f.block_params(f.entry).iter().zip(g.block_params(g.entry)).enumerate() {
        let num = walk.terms.number(Term::Param(n));
        start.nums.extend([(Var::Before(v), num), (Var::After(w), num)]);
    }
    walk.arrivals.entry(g.entry).or_default().insert((g.entry, usize::MAX), start);
    loop {
        walk.changed = false;
        let mut same = Ok(());
        for &n in cfg.rpo() {
            if walk.arrivals.contains_key(&n) {
                // What few ways show may decide more than what all show.
                same = same.and(walk.block(n).map_err(|e| format!("{n}: {e}")));
            }
            if walk.work + walk.terms.len() > MAX_WORK {
                return Err("too large for the checker".into());
            }
        }
        if !walk.changed {
            return same;
        }
    }
}

struct Walk<'a> {
    f: &'a Function,
    g: &'a Function,
    terms: Terms,
    /// What is read from the start of a block on, before and after.
    read_before: SecondaryMap<Block, Vec<Value>>,
    read_after: SecondaryMap<Block, Vec<Value>>,
    /// The block before at whose start a block after starts.
    anchor: SecondaryMap<Block, Option<Block>>,
    /// What is known on the ways into each block after.
    arrivals: BTreeMap<Block, Arrivals>,
    /// Whether that has changed in this round.
    changed: bool,
    work: usize,
}

impl Walk<'_> {
    fn num(&mut self, state: &State, v: Var) -> Result<Num, String> {
        let found = match v {
            Var::Before(v) => constant(self.f, v),
            Var::After(w) => constant(self.g, w),
        };
        match found {
            Some(c) => Ok(self.terms.number(Term::Const(c))),
            None => state.nums.get(&v).copied().ok_or_else(|| format!("{v:?} is not known")),
        }
    }

    fn nums(
        &mut self,
        state: &State,
        values: &[Value],
        side: fn(Value) -> Var,
    ) -> Result<SmallVec<[Num; 4]>, String> {
        values.iter().map(|&v| self.num(state, side(v))).collect()
    }

    fn same(&mut self, state: &State, old: &[Value], new: &[Value]) -> Result<bool, String> {
        let types =
            old.len() == new.len() && old.iter().zip(new).all(|(&v, &w)| self.f.ty(v) == self.g.ty(w));
        Ok(types && self.nums(state, old, Var::Before)? == self.nums(state, new, Var::After)?)
    }

    /// A pure instruction computes its term.
    fn pure(
        &mut self,
        state: &mut State,
        f: &Function,
        i: Inst,
        side: fn(Value) -> Var,
    ) -> Result<(), String> {
        let args = self.nums(state, f.args(i), side)?;
        for (n, &v) in f.results(i).iter().enumerate() {
            let imm: Imm = f.insts[i].imm;
            let num = self.terms.pure(f.insts[i].op, imm, &args, n);
            state.nums.insert(side(v), num);
        }
        Ok(())
    }

    /// Walks through a block after.
    fn block(&mut self, n: Block) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let (Some(start), Some(arrivals)) = (self.anchor[n], self.arrivals.get(&n)) else {
            return Err("is not reached".into());
        };
        let mut state = meet(&mut self.terms, n, arrivals, &mut self.work);
        let mut at = start;
        let mut left = g.blocks[n].insts.as_slice();
        let end = g.term(n);
        for _ in 0..=f.layout.len() {
            self.work += 1 + f.blocks[at].insts.len();
            for &i in &f.blocks[at].insts {
                self.instruction(i, &mut left, &mut state)?;
            }
            self.skip_pure(&mut left, &mut state)?;
            let term = f.term(at);
            let stays = left.is_empty()
                && !matches!(end, Terminator::Jump(_))
                && term.is_alike(end)
                && self.same(&state, term.operands(&f.pool), end.operands(&g.pool))?;
            let way = if stays { None } else { self.only_way(&state, term)? };
            let Some(edge) = way else {
                return match left.is_empty() && stays {
                    true => self.end((n, at), &state, term, end),
                    false => Err(format!("{at} ends in another way")),
                };
            };
            if left.is_empty()
                && let Terminator::Jump(new) = end
                && self.anchor[new.block].is_none_or(|anchor| anchor == edge.block)
            {
                return self.edge((n, 0), state, edge, new);
            }
            self.enter(&mut state, edge)?;
            at = edge.block;
        }
        Err("does not end".into())
    }

    /// Pure instructions after compute what comes next.
    fn skip_pure(&mut self, left: &mut &[Inst], state: &mut State) -> Result<(), String> {
        let g = self.g;
        while let Some((&j, rest)) = left.split_first()
            && g.insts[j].op.is_pure()
        {
            self.pure(state, g, j, Var::After)?;
            *left = rest;
        }
        Ok(())
    }

    fn instruction(&mut self, i: Inst, left: &mut &[Inst], state: &mut State) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let data = &f.insts[i];
        if data.op.is_pure() {
            return self.pure(state, f, i, Var::Before);
        }
        self.skip_pure(left, state)?;
        let next = left.split_first().filter(|(j, _)| {
            let found = &g.insts[**j];
            found.op == data.op && found.imm.is_alike(&data.imm) && f.results(i).len() == g.results(**j).len()
        });
        let Some((&j, rest)) = next else { return Err(format!("{i} does not come next")) };
        if !self.same(state, f.args(i), g.args(j))? {
            return Err(format!("{i} does not come next: other operands"));
        }
        *left = rest;
        for (&v, &w) in f.results(i).iter().zip(g.results(j)) {
            let num = self.terms.number(Term::Effect(w));
            state.nums.extend([(Var::Before(v), num), (Var::After(w), num)]);
        }
        Ok(())
    }

    /// The way on from the end of a block before, where there is one or what is known decides.
    fn only_way<'t>(&mut self, state: &State, term: &'t Terminator) -> Result<Option<&'t Edge>, String> {
        Ok(match term {
            Terminator::Jump(edge) => Some(edge),
            Terminator::Branch { cond, then, els } => {
                let cond = self.num(state, Var::Before(*cond))?;
                self.decided(state, cond).map(|is_true| if is_true { then } else { els })
            }
            Terminator::Table { index, targets, default } => {
                let index = self.num(state, Var::Before(*index))?;
                let index = self.terms.constant(index).and_then(|c| c.as_int());
                index.map(|index| targets.get(index as usize).unwrap_or(default))
            }
            _ => None,
        })
    }

    /// What a condition is, where that is known.
    fn decided(&mut self, state: &State, cond: Num) -> Option<bool> {
        if let Some(c) = self.terms.constant(cond) {
            return Some(c.as_int()? != 0);
        }
        let (root, is_zero) = self.terms.root(cond);
        if let Some(&fact) = state.facts.get(&root) {
            return Some(fact != is_zero);
        }
        let symbol = self.terms.only_symbol(cond)?;
        let under = self.terms.function_of(symbol, cond)?;
        let values = values_of(&self.terms, symbol, &self.arrivals, &mut self.work)?;
        let facts = facts_of(&self.terms, symbol, state);
        let mut found = None;
        for value in values.into_iter().filter(|&c| is_open(&self.terms, symbol, c, &facts)) {
            self.work += under.len();
            let is_true = self.terms.at(&under, symbol, value)?.as_int()? != 0;
            if found.is_some_and(|found| found != is_true) {
                return None;
            }
            found = Some(is_true);
        }
        found
    }

    /// Parameters become what an edge brings, all at once.
    fn bring(
        &mut self,
        state: &mut State,
        params: &[Value],
        args: &[Value],
        side: fn(Value) -> Var,
    ) -> Result<(), String> {
        let brought = self.nums(state, args, side)?;
        if params.len() != args.len() {
            return Err("an edge that makes values".into());
        }
        state.nums.extend(params.iter().map(|&p| side(p)).zip(brought));
        Ok(())
    }

    /// Goes over an edge before.
    fn enter(&mut self, state: &mut State, edge: &Edge) -> Result<(), String> {
        let f = self.f;
        self.bring(state, f.block_params(edge.block), f.edge_args(edge), Var::Before)
    }

    /// Both go over an edge; before, perhaps on through blocks that have no effect. `from`: the block after and the place of its edge.
    fn edge(&mut self, from: (Block, usize), mut state: State, old: &Edge, new: &Edge) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let produced = g.produced(new);
        if f.produced(old) != produced {
            return Err("an edge that makes other values".into());
        }
        let (both, rest) = f.block_params(old.block).split_at(produced);
        let (made, params) = g.block_params(new.block).split_at(produced);
        // What the edge brings is taken before what it makes is there.
        self.bring(&mut state, rest, f.edge_args(old), Var::Before)?;
        self.bring(&mut state, params, g.edge_args(new), Var::After)?;
        for (n, (&v, &w)) in both.iter().zip(made).enumerate() {
            if f.ty(v) != g.ty(w) {
                return Err("an edge that makes other values".into());
            }
            let num = self.terms.number(Term::Produced(from.0, from.1, n));
            state.nums.extend([(Var::Before(v), num), (Var::After(w), num)]);
        }
        let mut at = old.block;
        let is_there = |at: Block, anchor: Option<Block>| match anchor {
            Some(anchor) => anchor == at,
            // A copy may be led to by ways that have jumped through an empty block, and by others.
            None => !(f.blocks[at].insts.is_empty() && matches!(f.term(at), Terminator::Jump(_))),
        };
        let mut steps = 0;
        while !is_there(at, self.anchor[new.block]) {
            steps += 1;
            let elsewhere = || format!("an edge to {} leads elsewhere", new.block);
            for &i in &f.blocks[at].insts {
                if !f.insts[i].op.is_pure() {
                    return Err(elsewhere());
                }
                self.pure(&mut state, f, i, Var::Before)?;
            }
            let way = self.only_way(&state, f.term(at))?;
            let edge = way.filter(|_| steps <= f.layout.len()).ok_or_else(elsewhere)?;
            self.enter(&mut state, edge)?;
            at = edge.block;
        }
        self.arrive(from, state, at, new.block);
        Ok(())
    }

    /// What is still read is kept for the block.
    fn arrive(&mut self, from: (Block, usize), mut state: State, at: Block, target: Block) {
        let before = self.read_before[at].iter().map(|&v| Var::Before(v));
        let after = self.read_after[target].iter().map(|&w| Var::After(w));
        let kept = before.chain(after).filter_map(|v| Some((v, *state.nums.get(&v)?)));
        state.nums = kept.collect();
        self.work += state.nums.len() + state.facts.len() + 1;
        if self.anchor[target].is_none() {
            self.anchor[target] = Some(at);
            self.changed = true;
        }
        let known = self.arrivals.entry(target).or_default();
        if known.get(&from) != Some(&state) {
            known.insert(from, state);
            self.changed = true;
        }
    }

    /// Both end here in the same way.
    fn end(
        &mut self,
        (n, at): (Block, Block),
        state: &State,
        s: &Terminator,
        t: &Terminator,
    ) -> Result<(), String> {
        if s.edges().count() != t.edges().count() {
            return Err(format!("{at} ends in another way"));
        }
        for (way, (old, new)) in s.edges().zip(t.edges()).enumerate() {
            let mut state = state.clone();
            if let Terminator::Branch { cond, .. } = s {
                let is_true = way == 0;
                let cond = self.num(&state, Var::Before(*cond))?;
                if self.terms.constant(cond).is_some_and(|c| (c.bits() != 0) != is_true) {
                    continue;
                }
                let (root, is_zero) = self.terms.root(cond);
                state.facts.insert(root, is_true != is_zero);
            }
            self.edge((n, way), state, old, new)?;
        }
        Ok(())
    }
}
