//! `:example` clauses as tests: the rule must turn the example's left term into its right one.

use super::Answer;
use crate::interp::Const;
use crate::rules::ast::Example;
use crate::rules::*;

/// Facts of an example, where all that is written is what is known: conditions about values are taken to hold, because
/// the example is one where they do.
struct Granted<'a> {
    terms: &'a Pattern,
}

impl Facts for Granted<'_> {
    /// A node of the example's left term.
    type Class = NodeId;

    fn constant(&self, class: NodeId) -> Option<Const> {
        match self.terms.node(class).kind {
            NodeKind::Const(ConstPat::Lit(c)) => Some(c),
            _ => None,
        }
    }
    fn zero_bits(&self, _: NodeId, _: u64) -> bool {
        true
    }
    fn nonzero(&self, _: NodeId) -> bool {
        true
    }
    fn nonneg(&self, _: NodeId) -> bool {
        true
    }
    fn quiet(&self, _: NodeId) -> bool {
        true
    }
    fn no_wrap_add(&self, _: NodeId, _: u64) -> bool {
        true
    }
    fn distance(&self, a: NodeId, o: u64, b: NodeId, p: u64) -> Option<i64> {
        same(self.terms, a, self.terms, b).then(|| o.wrapping_sub(p) as i64)
    }
    fn disjoint(&self, _: NodeId, _: u64, _: u64, _: NodeId, _: u64, _: Length<NodeId>) -> bool {
        true
    }
    fn within(&self, _: NodeId, _: u64, _: u64, _: NodeId, _: Length<NodeId>) -> bool {
        true
    }
    fn unchanged(&self, _: NodeId, _: NodeId, _: u64, _: NodeId, _: u64, _: u64) -> bool {
        true
    }
    fn older(&self, version: NodeId, _: u64, _: NodeId, _: u64, _: u64) -> Option<NodeId> {
        match &self.terms.node(version).kind {
            NodeKind::Op { args, .. } => args.get(args.len() - shape_versions(self.terms, version)).copied(),
            _ => None,
        }
    }
}

fn shape_versions(p: &Pattern, id: NodeId) -> usize {
    match p.node(id).kind {
        NodeKind::Op { op, .. } => shape(op).map_or(0, |s| s.versions),
        _ => 0,
    }
}

/// Checks the examples of a family: each must be an instance of at least one of its rules. `rules` are the instances.
pub fn check_examples(rules: &[&Rule]) -> Answer {
    let Some(first) = rules.first() else { return Answer::Passed { samples: 0 } };
    for (i, example) in first.examples.iter().enumerate() {
        // Words of `:for` are replaced in examples too, so each instance has its own reading.
        let shown = |e: &Example| first.term(&e.before, &e.vars);
        if !rules.iter().any(|r| r.examples.get(i).is_some_and(|e| fits(r, e))) {
            return Answer::Refuted(format!("the example {} is not rewritten as it says", shown(example)));
        }
    }
    Answer::Passed { samples: first.examples.len() }
}

fn fits(rule: &Rule, example: &Example) -> bool {
    std::iter::once(&rule.lhs).chain(&rule.variants).any(|lhs| {
        let mut bound = vec![Bound::Unbound; rule.vars.len()];
        let facts = Granted { terms: &example.before };
        matches(lhs, &example.before, &mut bound)
            && rule.holds(&bound, &facts)
            && gives(rule, &facts, &bound, example)
    })
}

/// Matches a left side against a term, from the roots down.
fn matches(lhs: &Pattern, term: &Pattern, bound: &mut [Bound<NodeId>]) -> bool {
    let mut stack = vec![(lhs.root(), term.root())];
    while let Some((l, t)) = stack.pop() {
        let ok = match (&lhs.node(l).kind, &term.node(t).kind) {
            (NodeKind::Var(v), _) => match bound[v.index()] {
                Bound::Class(other) => same(term, other, term, t),
                _ => {
                    bound[v.index()] = Bound::Class(t);
                    true
                }
            },
            (NodeKind::Const(ConstPat::Lit(a)), NodeKind::Const(ConstPat::Lit(b))) => a == b,
            (NodeKind::Const(ConstPat::Var(v)), NodeKind::Const(ConstPat::Lit(b))) => {
                let old = bound[v.index()];
                bound[v.index()] = Bound::Const(*b);
                old == Bound::Unbound || old == Bound::Const(*b)
            }
            (NodeKind::Op { op, imms, args }, NodeKind::Op { op: o, imms: i, args: a }) if op == o => {
                stack.extend(args.iter().copied().zip(a.iter().copied()));
                imms.iter().zip(i).all(|(p, n)| match (p, n) {
                    (ImmPat::Lit(x), ImmPat::Lit(y)) => x == y,
                    (ImmPat::Var(v), ImmPat::Lit(y)) => {
                        let old = bound[v.index()];
                        bound[v.index()] = Bound::Imm(*y);
                        old == Bound::Unbound || old == Bound::Imm(*y)
                    }
                    _ => false,
                })
            }
            _ => false,
        };
        if !ok {
            return false;
        }
    }
    true
}

/// Whether two terms of an example are the same.
fn same(p: &Pattern, a: NodeId, q: &Pattern, b: NodeId) -> bool {
    let mut stack = vec![(a, b)];
    while let Some((a, b)) = stack.pop() {
        let ok = match (&p.node(a).kind, &q.node(b).kind) {
            (NodeKind::Op { op, imms, args }, NodeKind::Op { op: o, imms: i, args: r }) => {
                stack.extend(args.iter().copied().zip(r.iter().copied()));
                op == o && imms == i
            }
            (a, b) => a == b,
        };
        if !ok {
            return false;
        }
    }
    true
}

/// Whether the right side under these bindings is the example's right term.
fn gives(rule: &Rule, facts: &Granted<'_>, bound: &[Bound<NodeId>], example: &Example) -> bool {
    let after = &example.after;
    let mut stack = vec![(rule.rhs.root(), after.root())];
    while let Some((r, t)) = stack.pop() {
        let class = |id: NodeId| same(&example.before, id, after, t);
        let ok = match (&rule.rhs.node(r).kind, &after.node(t).kind) {
            (NodeKind::Var(v), _) => matches!(bound[v.index()], Bound::Class(c) if class(c)),
            (NodeKind::Version(e), _) => rule.version(*e, bound, facts).is_some_and(class),
            (NodeKind::Const(c), NodeKind::Const(ConstPat::Lit(b))) => match c {
                ConstPat::Lit(a) => a == b,
                ConstPat::Var(v) => bound[v.index()] == Bound::Const(*b),
                ConstPat::Expr(e) => rule.constant(*e, bound, facts) == Some(*b),
            },
            (NodeKind::Op { op, imms, args }, NodeKind::Op { op: o, imms: i, args: a }) if op == o => {
                stack.extend(args.iter().copied().zip(a.iter().copied()));
                imms.iter().zip(i).all(|(p, n)| match (p, n) {
                    (ImmPat::Lit(x), ImmPat::Lit(y)) => x == y,
                    (ImmPat::Var(v), ImmPat::Lit(y)) => bound[v.index()] == Bound::Imm(*y),
                    (ImmPat::Expr(e), ImmPat::Lit(y)) => rule.immediate(*e, bound, facts) == Some(*y),
                    _ => false,
                })
            }
            _ => false,
        };
        if !ok {
            return false;
        }
    }
    true
}
