//! The changes themselves: values for right sides, and the graph with them.

use super::{Change, Context, Found, Place, constant, is_free};
use crate::analysis::UseCounts;
use crate::egraph::build::Built;
use crate::ir::cleanup::{remove_unreachable, substitute};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Op};
use crate::rules::{NodeKind, Outcome, Pattern, Rule};
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use egg::Id;
use hashbrown::HashMap;

/// The function with those of the changes whose right sides can be had. `None`: with none of them.
pub(super) fn edited<I: ModuleInfo>(
    cx: &Context<'_, I>,
    built: &Built,
    found: Vec<Found>,
) -> Option<(Function, Vec<Change>)> {
    let idle = idle(cx, built, &found);
    let mut e = Editor { cx, built, g: cx.f.clone(), values: values(cx, built), idle };
    let mut replaced: SecondaryMap<Value, PackedOption<Value>> = SecondaryMap::new();
    let mut changes = Vec::new();
    let mut insts: HashMap<Inst, Found> = HashMap::new();
    let mut ends: HashMap<Block, Found> = HashMap::new();
    for one in found {
        match one.change.place {
            Place::Inst(i) => drop(insts.insert(i, one)),
            Place::End(b) => drop(ends.insert(b, one)),
        }
    }
    for &b in cx.cfg.rpo() {
        let mut list: Vec<Inst> = Vec::with_capacity(cx.f.blocks[b].insts.len());
        for (at, &i) in cx.f.blocks[b].insts.iter().enumerate() {
            let change = insts.remove(&i).and_then(|one| e.inst(i, (b, at), one, &mut list, &mut replaced));
            match change {
                Some(change) => {
                    if change.outcome == Outcome::Effect {
                        list.push(i);
                    }
                    changes.push(change);
                }
                None => list.push(i),
            }
        }
        if let Some(one) = ends.remove(&b) {
            changes.extend(e.end(b, one, &mut list));
        }
        e.g.blocks[b].insts = list;
    }
    if changes.is_empty() {
        return None;
    }
    substitute(&mut e.g, &mut replaced);
    remove_unreachable(&mut e.g);
    Some((e.g, changes))
}

/// The values that nobody needs any more if all changes that write or test another value in their place are made. What is still needed is as well
/// written or tested itself.
fn idle<I: ModuleInfo>(cx: &Context<'_, I>, built: &Built, found: &[Found]) -> SecondaryMap<Value, bool> {
    let uses = UseCounts::compute(cx.f);
    let mut left: HashMap<Value, u32> = HashMap::new();
    for one in found {
        let old = match (one.change.place, one.change.outcome) {
            (Place::Inst(i), Outcome::Effect) => {
                Rule::written(cx.f.insts[i].op).and_then(|n| cx.f.args(i).get(n)).copied()
            }
            (Place::End(b), _) => match cx.f.term(b) {
                Terminator::Branch { cond, .. } => Some(*cond),
                _ => None,
            },
            _ => None,
        };
        if let Some(old) = old {
            let left = left.entry(old).or_insert_with(|| uses.count(old));
            *left = left.saturating_sub(1);
        }
    }
    let mut idle = SecondaryMap::new();
    for (v, left) in left {
        idle[v] = left == 0 || cx.chaos.rarely("replace what is needed elsewhere", built.class(v), false);
    }
    idle
}

/// Where a value is defined: the block, and the place in it of what comes after.
type Home = (Block, usize);

/// The values of each class, dominators first.
fn values<I: ModuleInfo>(cx: &Context<'_, I>, built: &Built) -> HashMap<Id, Vec<(Home, Value)>> {
    let mut values: HashMap<Id, Vec<(Home, Value)>> = HashMap::new();
    for &b in cx.cfg.rpo() {
        for &p in cx.f.block_params(b) {
            values.entry(built.class(p)).or_default().push(((b, 0), p));
        }
        for (at, &i) in cx.f.blocks[b].insts.iter().enumerate() {
            for &v in cx.f.results(i) {
                values.entry(built.class(v)).or_default().push(((b, at + 1), v));
            }
        }
    }
    values
}

struct Editor<'a, I> {
    cx: &'a Context<'a, I>,
    built: &'a Built,
    g: Function,
    values: HashMap<Id, Vec<(Home, Value)>>,
    /// See [`idle`].
    idle: SecondaryMap<Value, bool>,
}

impl<I: ModuleInfo> Editor<'_, I> {
    /// Changes one instruction. What its right side needs is put into `list`, which does not have the instruction itself.
    fn inst(
        &mut self,
        i: Inst,
        place: Home,
        one: Found,
        list: &mut Vec<Inst>,
        replaced: &mut SecondaryMap<Value, PackedOption<Value>>,
    ) -> Option<Change> {
        let rule = &self.cx.rules.rules[one.change.rule as usize].rule;
        let mut change = one.change;
        match change.outcome {
            Outcome::Remove => {}
            Outcome::Branch { .. } => return None,
            Outcome::Value => {
                let result = self.cx.f.result(i)?;
                change.operand = one.right.last().map(|&c| self.built.graph.find(c));
                let value = match rule.rhs.root_operator() {
                    Some((op @ Op::MemorySize, ..)) => {
                        let (imm, ty) = (self.cx.f.insts[i].imm, self.cx.f.ty(result));
                        let size = self.g.make_inst(op, imm, &[], &[ty]);
                        list.push(size);
                        self.g.results(size)[0]
                    }
                    _ => self.value(&rule.rhs, rule.rhs.root().index(), &one.right, place, list)?,
                };
                replaced[result] = Some(value).into();
            }
            Outcome::Effect => {
                let (op, _, args) = rule.rhs.root_operator()?;
                let written = Rule::written(op)?;
                let node = args[written].index();
                let new = self.built.graph.find(one.right[node]);
                let old = self.cx.f.args(i)[written];
                let is_same = new == self.built.class(old) && op == self.cx.f.insts[i].op;
                if is_same || !self.idle[old] {
                    return None;
                }
                change.operand = Some(new);
                let value = self.value(&rule.rhs, node, &one.right, place, list)?;
                let data = &mut self.g.insts[i];
                data.op = op;
                data.args.as_mut_slice(&mut self.g.pool)[written] = value;
            }
        }
        Some(change)
    }

    /// Changes the end of a block.
    fn end(&mut self, b: Block, one: Found, list: &mut Vec<Inst>) -> Option<Change> {
        let rule = &self.cx.rules.rules[one.change.rule as usize].rule;
        let mut change = one.change;
        let Outcome::Branch { negated } = change.outcome else { return None };
        let Terminator::Branch { cond, then, els } = self.cx.f.term(b).clone() else { return None };
        let root = rule.rhs.root().index();
        let new = self.built.graph.find(*one.right.get(root)?);
        change.operand = Some(new);
        let (mut taken, mut other) = (then, els);
        if negated {
            std::mem::swap(&mut taken, &mut other);
        }
        let end = match constant(self.built, new) {
            Some(c) => Terminator::Jump(if c.as_int() != Some(0) { taken } else { other }),
            None => {
                if new == self.built.class(cond) || !self.idle[cond] {
                    return None;
                }
                let place = (b, self.cx.f.blocks[b].insts.len());
                let cond = self.value(&rule.rhs, root, &one.right, place, list)?;
                Terminator::Branch { cond, then: taken, els: other }
            }
        };
        self.g.blocks[b].term = Some(end);
        Some(change)
    }

    /// A value at a place for a node of a right side, whose classes are given: one that is there, a constant, or a new instruction over such
    /// values, which is put into `list`. Nothing is put there where it cannot be had.
    fn value(
        &mut self,
        side: &Pattern,
        root: usize,
        classes: &[Id],
        place: Home,
        list: &mut Vec<Inst>,
    ) -> Option<Value> {
        let mut ready: HashMap<usize, Value> = HashMap::new();
        let mut made = Vec::new();
        // Nodes have their operands before them; the depth of a rule is bounded by the reader.
        let mut work = vec![root];
        while let Some(&node) = work.last() {
            if ready.contains_key(&node) {
                work.pop();
                continue;
            }
            let class = self.built.graph.find(classes[node]);
            let value = if let Some(c) = constant(self.built, class) {
                let (op, imm) = Op::constant(c.ty(), c.bits())?;
                Some(self.make(op, imm, &[], c.ty(), &mut made))
            } else if let Some(there) = self.there(class, place) {
                Some(there)
            } else {
                let NodeKind::Op { op, imms, args } = &side.nodes[node].kind else { return None };
                if !is_free(*op) || !imms.is_empty() {
                    return None;
                }
                let missing: Vec<usize> =
                    args.iter().map(|a| a.index()).filter(|a| !ready.contains_key(a)).collect();
                if missing.is_empty() {
                    let operands: Vec<Value> = args.iter().map(|a| ready[&a.index()]).collect();
                    let ty = self.built.graph[class].data.ty?;
                    Some(self.make(*op, Imm::None, &operands, ty, &mut made))
                } else {
                    work.extend(missing);
                    None
                }
            };
            if let Some(value) = value {
                ready.insert(node, value);
                work.pop();
            }
        }
        list.extend(made);
        ready.get(&root).copied()
    }

    fn make(
        &mut self,
        op: Op,
        imm: Imm,
        args: &[Value],
        ty: crate::ir::types::Type,
        made: &mut Vec<Inst>,
    ) -> Value {
        let inst = self.g.make_inst(op, imm, args, &[ty]);
        made.push(inst);
        self.g.results(inst)[0]
    }

    /// A value of a class that is defined where a place is reached.
    fn there(&self, class: Id, (block, at): Home) -> Option<Value> {
        let values = self.values.get(&class)?;
        let is_there = |&&((b, n), _): &&(Home, Value)| {
            if b == block { n <= at } else { self.cx.dom.dominates(b, block) }
        };
        values.iter().find(is_there).map(|&(_, v)| v)
    }
}
