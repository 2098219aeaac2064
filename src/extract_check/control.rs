//! Terminators and edges.

use super::{Checker, Outcome};
use crate::egraph::node::{Head, Node};
use crate::interp::Const;
use crate::ir::entity::Block;
use crate::ir::function::{Edge, Terminator, ValueDef};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::Op;
use egg::Id;

/// How many negations there may be between a condition and what is tested instead.
const DEPTH: usize = 4;

impl<I: ModuleInfo> Checker<'_, I> {
    pub(super) fn terminator(&self, b: Block) -> Outcome {
        let (s, t) = (self.f.term(b), self.g.term(b));
        match (s, t) {
            (Terminator::Branch { cond, then, els }, Terminator::Jump(e)) => {
                let c = self.constant(self.s.equal.class(*cond)).ok_or("folded branch on no constant")?;
                return self.edge(b, if c != 0 { then } else { els }, e);
            }
            (Terminator::Table { index, targets, default }, Terminator::Jump(e)) => {
                let c = self.constant(self.s.equal.class(*index)).ok_or("folded table on no constant")?;
                return self.edge(b, targets.get(c as usize).unwrap_or(default), e);
            }
            (
                Terminator::Branch { cond, then, els },
                Terminator::Branch { cond: test, then: taken, els: other },
            ) => {
                let (class, tested) = (self.s.equal.class(*cond), self.used(*test, b)?.clone());
                let straight = self.edge(b, then, taken).and_then(|()| self.edge(b, els, other));
                let turned = || self.edge(b, els, taken).and_then(|()| self.edge(b, then, other));
                let (same, opposite) = self.tests(&tested, class);
                return match (same, opposite) {
                    (true, _) if straight.is_ok() => Ok(()),
                    (_, true) => turned(),
                    (true, false) => straight,
                    (false, false) => Err(format!("{test} is not the condition")),
                };
            }
            _ if s.is_alike(t) => {}
            _ => return Err("ends in another way".into()),
        }
        self.operands(b, s, t)?;
        if s.edges().count() != t.edges().count() {
            return Err("another number of edges".into());
        }
        s.edges().zip(t.edges()).try_for_each(|(e, n)| self.edge(b, e, n))
    }

    fn constant(&self, class: Id) -> Option<u64> {
        self.s.equal.constant(class).and_then(Const::as_int)
    }

    /// Whether a test of `tested` decides as a test of `class` does, and whether as its opposite.
    fn tests(&self, tested: &[Id], class: Id) -> (bool, bool) {
        let graph = self.s.equal;
        let zero = graph.lookup(Node::leaf(Head::Const(Const::I32(0))));
        let mut seen: Vec<(Id, bool)> = tested.iter().map(|&id| (id, false)).collect();
        let mut from = 0;
        for _ in 0..DEPTH {
            let level = seen.len();
            for n in from..level {
                let (id, negated) = seen[n];
                let mut found = vec![(graph.lookup(Node::new(Head::Op(Op::I32Eqz), [id])), !negated)];
                if let Some(zero) = zero {
                    found.push((graph.lookup(Node::new(Head::Op(Op::I32Eq), [id, zero])), !negated));
                    found.push((graph.lookup(Node::new(Head::Op(Op::I32Ne), [id, zero])), negated));
                }
                for (id, negated) in found {
                    if let Some(next) = id.map(|id| (id, negated)).filter(|next| !seen.contains(next)) {
                        seen.push(next);
                    }
                }
            }
            from = level;
        }
        (seen.contains(&(class, false)), seen.contains(&(class, true)))
    }

    /// An edge leads where the one before did, with the values for the parameters that are left.
    fn edge(&self, b: Block, old: &Edge, new: &Edge) -> Outcome {
        if old.block != new.block {
            return Err(format!("an edge leads to {} instead of {}", new.block, old.block));
        }
        let (f, g) = (self.f, self.g);
        let produced = f.produced(old);
        let args = f.edge_args(old);
        let mut given = g.edge_args(new).iter();
        for (n, &p) in g.block_params(new.block).iter().enumerate() {
            let index = match self.s.origin[p].expand().map(|o| f.values[o].def) {
                Some(ValueDef::Param(_, index)) => index as usize,
                _ => return Err(format!("{p} is no parameter of the input")),
            };
            match index.checked_sub(produced) {
                // The edge produces it itself, and those before it.
                None if n == index => {}
                None => return Err("a value that the edge produces has no parameter".into()),
                Some(k) => {
                    if n < produced {
                        return Err("a value that the edge produces has no parameter".into());
                    }
                    let (Some(&v), Some(&o)) = (given.next(), args.get(k)) else {
                        return Err(format!("{p} gets no value"));
                    };
                    self.same_values(&[v], &[o], b)?;
                }
            }
        }
        if given.next().is_some() || g.block_params(new.block).len() < produced {
            return Err("an edge carries too much or too little".into());
        }
        Ok(())
    }
}
