//! One match of a proved rule, looked at again.

use super::closure::Closure;
use crate::egraph::node::{Head, Node as Term};
use crate::rules::{Bound, ConstPat, ImmPat, NodeKind, NodeType, Outcome, Pattern, Rule, VarKind};
use egg::Id;
use smallvec::SmallVec;

type Bindings = SmallVec<[Bound<Id>; 8]>;

/// Makes the right side of a rule equal to its left side, if the left side is there over these terms and all conditions hold. Returns
/// whether it did.
pub(super) fn derive(terms: &mut Closure, rule: &Rule, bound: &[Option<Id>]) -> bool {
    let Some((left, bound)) = matched(terms, rule, bound) else { return false };
    let Some(right) = right(terms, rule, &bound).and_then(|at| root(&rule.rhs, &at)) else { return false };
    let types = (terms.known(left).ty, terms.known(right).ty);
    if matches!(types, (Some(a), Some(b)) if a != b) {
        return false;
    }
    terms.unite(left, right);
    true
}

/// The class of the left side of a rule about an effect or a branch, if it is there over these terms and all conditions hold, and the class of what its
/// right side writes, tests or gives; none where the effect goes.
pub(super) fn licence(terms: &mut Closure, rule: &Rule, bound: &[Option<Id>]) -> Option<(Id, Option<Id>)> {
    let (left, bound) = matched(terms, rule, bound)?;
    let operand = match rule.outcome? {
        Outcome::Remove => return Some((left, None)),
        Outcome::Value | Outcome::Branch { .. } => rule.rhs.root(),
        Outcome::Effect => {
            let (op, _, args) = rule.rhs.root_operator()?;
            *args.get(Rule::written(op)?)?
        }
    };
    let at = right(terms, rule, &bound)?;
    Some((left, Some(*at.get(operand.index())?)))
}

/// The class of the left side with what the variables stand for, if it is there over these terms and all conditions hold.
fn matched(terms: &Closure, rule: &Rule, bound: &[Option<Id>]) -> Option<(Id, Bindings)> {
    let bound = bindings(terms, rule, bound)?;
    let left = left(terms, rule, &bound)?;
    rule.holds(&bound, terms).then_some((left, bound))
}

/// What the variables stand for, each of its kind and type.
fn bindings(terms: &Closure, rule: &Rule, bound: &[Option<Id>]) -> Option<Bindings> {
    let mut list = Bindings::new();
    for (n, var) in rule.vars.iter().enumerate() {
        let Some(id) = bound.get(n).copied().flatten() else {
            list.push(Bound::Unbound);
            continue;
        };
        let known = terms.known(id);
        list.push(match var.kind {
            VarKind::Const => Bound::Const(known.constant.filter(|c| var.ty.is_none_or(|t| t == c.ty()))?),
            VarKind::Imm(_) => Bound::Imm(known.imm?),
            VarKind::Value if var.check_type && var.ty.is_some() && known.ty != var.ty => return None,
            VarKind::Value | VarKind::Version => Bound::Class(terms.find(id)),
        });
    }
    Some(list)
}

/// The class of the left side, if it is there.
fn left(terms: &Closure, rule: &Rule, bound: &[Bound<Id>]) -> Option<Id> {
    let mut at: SmallVec<[Id; 8]> = SmallVec::new();
    for node in &rule.lhs.nodes {
        let id = match &node.kind {
            NodeKind::Var(v) => class(bound, v.index())?,
            NodeKind::Const(ConstPat::Lit(c)) => terms.lookup(&Term::leaf(Head::Const(*c)))?,
            NodeKind::Const(ConstPat::Var(v)) => {
                terms.lookup(&Term::leaf(Head::Const(constant(bound, v.index())?)))?
            }
            NodeKind::Const(ConstPat::Expr(_)) | NodeKind::Version(_) => return None,
            NodeKind::Op { op, imms, args } => {
                let mut children: SmallVec<[Id; 4]> = SmallVec::new();
                for imm in imms {
                    let i = match imm {
                        ImmPat::Lit(i) => *i,
                        ImmPat::Var(v) => immediate(bound, v.index())?,
                        ImmPat::Expr(_) => return None,
                    };
                    children.push(terms.lookup(&Term::leaf(Head::Imm(i)))?);
                }
                children.extend(args.iter().map(|a| at[a.index()]));
                terms.lookup(&Term { head: Head::Op(*op), children })?
            }
        };
        at.push(id);
    }
    root(&rule.lhs, &at)
}

/// The class of each node of the right side, which is added.
fn right(terms: &mut Closure, rule: &Rule, bound: &[Bound<Id>]) -> Option<SmallVec<[Id; 8]>> {
    let mut at: SmallVec<[Id; 8]> = SmallVec::new();
    for node in &rule.rhs.nodes {
        let id = match &node.kind {
            NodeKind::Var(v) => class(bound, v.index())?,
            NodeKind::Version(e) => rule.version(*e, bound, terms)?,
            NodeKind::Const(pattern) => {
                let c = match pattern {
                    ConstPat::Lit(c) => *c,
                    ConstPat::Var(v) => constant(bound, v.index())?,
                    ConstPat::Expr(e) => rule.constant(*e, bound, terms)?,
                };
                if node.ty != NodeType::Value(Some(c.ty())) {
                    return None;
                }
                terms.add(Term::leaf(Head::Const(c)))
            }
            NodeKind::Op { op, imms, args } => {
                let mut children: SmallVec<[Id; 4]> = SmallVec::new();
                for imm in imms {
                    let i = match imm {
                        ImmPat::Lit(i) => *i,
                        ImmPat::Var(v) => immediate(bound, v.index())?,
                        ImmPat::Expr(e) => rule.immediate(*e, bound, terms)?,
                    };
                    children.push(terms.add(Term::leaf(Head::Imm(i))));
                }
                children.extend(args.iter().map(|a| at[a.index()]));
                terms.add(Term { head: Head::Op(*op), children })
            }
        };
        at.push(id);
    }
    Some(at)
}

fn root(pattern: &Pattern, at: &[Id]) -> Option<Id> {
    at.get(pattern.root().index()).copied()
}

fn class(bound: &[Bound<Id>], var: usize) -> Option<Id> {
    match bound.get(var)? {
        Bound::Class(id) => Some(*id),
        _ => None,
    }
}

fn constant(bound: &[Bound<Id>], var: usize) -> Option<crate::interp::Const> {
    match bound.get(var)? {
        Bound::Const(c) => Some(*c),
        _ => None,
    }
}

fn immediate(bound: &[Bound<Id>], var: usize) -> Option<u64> {
    match bound.get(var)? {
        Bound::Imm(i) => Some(*i),
        _ => None,
    }
}
