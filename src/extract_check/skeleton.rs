//! Translation validation of what rules make of effects and branches ([`crate::skeleton`]), which change a copy of the function: what stays keeps its
//! name.
//!
//! Block by block, the instructions after are those before in the same order, but for what a licence covers: an effect that is gone, where
//! the accesses before it show that it cannot trap; a result that is now another value of the class that the licence says; an effect of the same
//! bytes with another value of that class; a branch on another condition of that class. What is new is pure, or the size of a memory, and has a
//! class as a term of the e-graph over the states that are present there. So both are in the same state wherever they are at the same
//! instruction. Whether a licence is right (its rule, its match, its class) is for the caller to know. That values are defined where they
//! are used, [`crate::ir::verify`] says.

#[cfg(test)]
mod tests;

use super::states::State;
use super::{Checker, Outcome as Checked, Refusal, Subject, classes, reverse_postorder};
use crate::interp::Const;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Edge, Terminator};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::Kind;
use crate::rules::{Outcome, Rule};
use crate::skeleton::{Licence, Place};
use cranelift_entity::{EntityRef, SecondaryMap};
use egg::Id;

/// Whether the function after is the one before but for what the licences allow.
///
/// # Errors
/// When it is not, with what differs, and when that cannot be followed.
pub fn check<I: ModuleInfo>(subject: &Subject<'_, I>, licences: &[Licence]) -> Result<(), Refusal> {
    let (f, g) = (subject.before, subject.after);
    let order = reverse_postorder(f);
    let mut w = Walk {
        c: Checker::new(subject, &order)?,
        insts: SecondaryMap::with_capacity(f.insts.len()),
        ends: SecondaryMap::with_capacity(f.blocks.len()),
        made: SecondaryMap::new(),
    };
    for &licence in licences {
        match licence.place {
            Place::Inst(i) => w.insts[i] = Some(licence),
            Place::End(b) => w.ends[b] = Some(licence),
        }
    }
    let shape = f.entry == g.entry && f.params == g.params && f.results == g.results;
    if !shape {
        return Err(Refusal::Wrong("another signature or start".into()));
    }
    for &b in &order {
        w.c.old_block(b).map_err(Refusal::Wrong)?;
    }
    // Definitions come before uses.
    for b in reverse_postorder(g) {
        w.block(b).map_err(|e| Refusal::Wrong(format!("{b}: {e}")))?;
    }
    Ok(())
}

struct Walk<'a, I> {
    c: Checker<'a, I>,
    insts: SecondaryMap<Inst, Option<Licence>>,
    ends: SecondaryMap<Block, Option<Licence>>,
    /// Classes of values that the function before does not have.
    made: SecondaryMap<Value, Option<Id>>,
}

impl<I: ModuleInfo> Walk<'_, I> {
    fn block(&mut self, b: Block) -> Checked {
        let (f, g) = (self.c.f, self.c.g);
        if f.block_params(b) != g.block_params(b) {
            return Err("other parameters".into());
        }
        let mut row = self.c.states.at_start(b).ok_or("not a block of the input")?.to_vec();
        let mut new = g.blocks[b].insts.iter().copied().peekable();
        for (at, &i) in f.blocks[b].insts.iter().enumerate() {
            // What is new stands before the instruction that it is made for.
            while let Some(n) = new.next_if(|n| n.index() >= f.insts.len()) {
                self.added(n, &row)?;
            }
            let licence = self.insts[i];
            match new.next_if_eq(&i) {
                Some(_) => self.kept(i, licence)?,
                None => self.gone(i, licence, (b, at as u32))?,
            }
            self.c.states.write(f, i, &mut row);
        }
        // New values that the end needs.
        for n in new {
            if n.index() < f.insts.len() {
                return Err(format!("{n} is not the next instruction of the input"));
            }
            self.added(n, &row)?;
        }
        self.end(b)
    }

    /// An instruction that the function before does not have: a term over what is there.
    fn added(&mut self, n: Inst, row: &[State]) -> Checked {
        let g = self.c.g;
        let data = &g.insts[n];
        if !matches!(data.op.kind(), Kind::Const | Kind::Pure | Kind::MemorySize) {
            return Err(format!("{n} is new and no value"));
        }
        let args = g.args(n).iter().map(|&a| self.class(a)).collect::<Option<Vec<Id>>>();
        let class = args.and_then(|args| self.c.nodes(data.op, &data.imm, &args, row).next());
        let &[v] = g.results(n) else { return Err(format!("{n} has not one result")) };
        self.made[v] = Some(class.ok_or_else(|| format!("{n} is no term over what is there"))?);
        Ok(())
    }

    /// The class of a value after.
    fn class(&self, v: Value) -> Option<Id> {
        if v.index() < self.c.f.values.len() {
            return Some(self.c.s.equal.class(v));
        }
        self.made[v].map(|id| self.c.s.equal.find(id))
    }

    /// Whether a value after is the one before, or what its licence puts in its place.
    fn stands(&self, v: Value, w: Value) -> bool {
        if v == w {
            return true;
        }
        let licence = self.c.f.def_inst(v).and_then(|i| self.insts[i]);
        match licence {
            Some(Licence { outcome: Outcome::Value, operand: Some(class), .. }) => self.is_of(w, class),
            _ => false,
        }
    }

    fn is_of(&self, w: Value, class: Id) -> bool {
        self.class(w) == Some(self.c.s.equal.find(class))
    }

    fn all_stand(&self, before: &[Value], after: &[Value]) -> bool {
        before.len() == after.len() && before.iter().zip(after).all(|(&v, &w)| self.stands(v, w))
    }

    fn kept(&self, i: Inst, licence: Option<Licence>) -> Checked {
        let (f, g) = (self.c.f, self.c.g);
        let (old, new) = (&f.insts[i], &g.insts[i]);
        if old.imm != new.imm || f.results(i) != g.results(i) {
            return Err(format!("{i} is another instruction"));
        }
        let (before, after) = (f.args(i), g.args(i));
        if old.op == new.op && self.all_stand(before, after) {
            return Ok(());
        }
        let Some(Licence { outcome: Outcome::Effect, operand: Some(class), op: Some(op), .. }) = licence
        else {
            return Err(format!("{i} has other operands"));
        };
        let written = Rule::written(old.op).ok_or("an effect that writes nothing")?;
        let same_place = new.op == op
            && new.op.kind() == old.op.kind()
            && new.op.info().width == old.op.info().width
            && before.len() == after.len()
            && (0..before.len()).all(|n| n == written || self.stands(before[n], after[n]));
        match same_place && self.is_of(after[written], class) {
            true => Ok(()),
            false => Err(format!("{i} is not what its licence says")),
        }
    }

    fn gone(&self, i: Inst, licence: Option<Licence>, place: (Block, u32)) -> Checked {
        let data = &self.c.f.insts[i];
        match licence.map(|l| l.outcome) {
            Some(Outcome::Remove) => {
                let args = classes(self.c.s.equal, self.c.f.args(i));
                match self.c.proofs.effect_cannot_trap(data.op, &data.imm, &args, place) {
                    true => Ok(()),
                    false => Err(format!("{i} is gone and may trap")),
                }
            }
            Some(Outcome::Value) if data.op.kind() == Kind::MemoryGrow => Ok(()),
            _ => Err(format!("{i} of the input is missing")),
        }
    }

    fn edge(&self, old: &Edge, new: &Edge) -> Checked {
        let (f, g) = (self.c.f, self.c.g);
        match old.block == new.block && self.all_stand(f.edge_args(old), g.edge_args(new)) {
            true => Ok(()),
            false => Err(format!("the edge to {} is another one", old.block)),
        }
    }

    fn end(&self, b: Block) -> Checked {
        let (f, g) = (self.c.f, self.c.g);
        let (old, new) = (f.term(b), g.term(b));
        if old.is_alike(new)
            && self.all_stand(old.operands(&f.pool), new.operands(&g.pool))
            && old.edges().count() == new.edges().count()
            && old.edges().zip(new.edges()).all(|(o, n)| self.edge(o, n).is_ok())
        {
            return Ok(());
        }
        let Some(Licence { outcome: Outcome::Branch { negated }, operand: Some(class), .. }) = self.ends[b]
        else {
            return Err("ends in another way".into());
        };
        let Terminator::Branch { then, els, .. } = old else { return Err("a licence for no branch".into()) };
        let (taken, other) = if negated { (els, then) } else { (then, els) };
        match new {
            Terminator::Jump(e) => {
                let c = self.c.s.equal.constant(self.c.s.equal.find(class)).and_then(Const::as_int);
                self.edge(if c.ok_or("folded branch on no constant")? != 0 { taken } else { other }, e)
            }
            Terminator::Branch { cond, then, els } if self.is_of(*cond, class) => {
                self.edge(taken, then).and_then(|()| self.edge(other, els))
            }
            _ => Err("ends in another way than its licence says".into()),
        }
    }
}
