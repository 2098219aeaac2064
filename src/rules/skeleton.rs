//! Rules about effects and branches: how their sides are read and written, and which rule about values says the same.

use super::ast::*;
use super::check::{Checker, RawPattern, Side};
use super::sexpr::{Pos, Sexpr};
use crate::error::Error;
use crate::interp::Const;
use crate::ir::ops::{Kind, Op};
use crate::ir::types::Type;
use std::borrow::Cow;

/// The words for a branch that is always or never taken, with what it tests then.
const DECIDED: [(&str, u32); 2] = [("taken", 1), ("not-taken", 0)];

/// Both sides as read. There is no right side where the effect goes.
pub(super) struct Sides {
    pub(super) left: RawPattern,
    pub(super) right: Option<RawPattern>,
    pub(super) outcome: Outcome,
}

/// Reads both sides; `right_side` says whether the right one may compute.
pub(super) fn sides(
    checker: &mut Checker,
    lhs: &Sexpr,
    rhs: &Sexpr,
    right_side: Side,
) -> Result<Sides, Error> {
    if lhs.head() == Some("br_if") {
        let truth = checker.type_of(Type::I32);
        let left = checker.value_term(tested(lhs)?, Side::Left, truth)?;
        let decided = DECIDED.iter().find(|(word, _)| rhs.atom() == Some(word));
        let (right, negated) = match (decided, rhs.head()) {
            (Some(&(_, n)), _) => (checker.constant_term(Const::I32(n), rhs.pos), false),
            (None, Some(word @ ("br_if" | "br_unless"))) => {
                (checker.value_term(tested(rhs)?, right_side, truth)?, word == "br_unless")
            }
            _ => {
                return Err(rhs.pos.error(
                    "a branch becomes `taken`, `not-taken`, (br_if CONDITION) or (br_unless CONDITION)",
                ));
            }
        };
        return Ok(Sides { left, right: Some(right), outcome: Outcome::Branch { negated } });
    }
    let op = lhs.head().and_then(Op::from_name);
    let result = checker.fresh_type();
    let left = checker.effect_term(lhs, Side::Left, result)?;
    match op.map(|op| op.info().kind) {
        Some(Kind::MemoryGrow) => {
            let right = checker.value_term(rhs, right_side, result)?;
            Ok(Sides { left, right: Some(right), outcome: Outcome::Value })
        }
        Some(Kind::Store | Kind::MemoryFill | Kind::MemoryCopy | Kind::GlobalSet) => match rhs.atom() {
            Some("remove") => Ok(Sides { left, right: None, outcome: Outcome::Remove }),
            Some(_) => Err(rhs.pos.error("an effect becomes `remove` or another effect")),
            None => {
                let right = checker.effect_term(rhs, right_side, result)?;
                Ok(Sides { left, right: Some(right), outcome: Outcome::Effect })
            }
        },
        _ => Err(lhs.pos.error(
            "the left side of a skeleton rule is a store, memory.fill, memory.copy, memory.grow, global.set or (br_if CONDITION)",
        )),
    }
}

/// The condition of `(br_if CONDITION)`.
fn tested(s: &Sexpr) -> Result<&Sexpr, Error> {
    match s.list() {
        Some([_, condition]) => Ok(condition),
        _ => Err(s.pos.error("a branch tests one value")),
    }
}

/// A rule about values that says what a rule says ([`Rule::observed`]).
pub struct Observed<'a> {
    /// That rule.
    pub rule: Cow<'a, Rule>,
    /// The root of the part of its left side that has happened: nothing in it traps. None of a rule about values.
    pub happened: Option<NodeId>,
}

impl Observed<'_> {
    /// Whether a node of the left side has happened.
    pub fn has_happened(&self, node: usize) -> bool {
        self.happened.is_some_and(|root| node <= root.index())
    }
}

impl Rule {
    /// The state that the effect at the root of a left side changes: a node of it.
    pub fn state_before(&self) -> Option<NodeId> {
        let (op, _, args) = self.lhs.root_operator()?;
        args.get(shape(op)?.operands).copied()
    }

    /// The operand of an effect that a skeleton rule may replace: the value that it writes.
    pub fn written(op: Op) -> Option<usize> {
        match op.info().kind {
            Kind::Store | Kind::MemoryFill => Some(1),
            Kind::GlobalSet => Some(0),
            _ => None,
        }
    }

    /// What a skeleton rule has to keep to beyond its types. `at` is where its right side stands.
    ///
    /// # Errors
    /// With what it does not keep to.
    pub(super) fn check_outcome(&self, at: Pos) -> Result<(), Error> {
        let Some(outcome) = self.outcome else { return Ok(()) };
        if outcome == Outcome::Remove {
            return Ok(());
        }
        if self.conditions.is_empty() && matches!(self.lhs.node(self.lhs.root()).kind, NodeKind::Var(_)) {
            return Err(self.pos.error("it would match every branch: say :when"));
        }
        let inner = &self.rhs.nodes[..self.rhs.nodes.len() - usize::from(outcome == Outcome::Effect)];
        for node in inner {
            let NodeKind::Op { op, args, .. } = &node.kind else { continue };
            let is_size = outcome == Outcome::Value
                && op.info().kind == Kind::MemorySize
                && args.last().is_some_and(|&a| self.is_state_before(a));
            if op.info().kind != Kind::Pure && !is_size {
                return Err(node.pos.error(format!(
                    "`{}` may not stand on the right side of a skeleton rule: it reads or may trap",
                    op.name()
                )));
            }
        }
        match outcome {
            Outcome::Effect if !self.writes_the_same_bytes() => Err(at.error(
                "the right side must write to the same place as the left side: only the value, and an operator of the same width, may differ",
            )),
            _ => Ok(()),
        }
    }

    /// Whether a node of the right side is the state that the left side changes.
    fn is_state_before(&self, node: NodeId) -> bool {
        self.state_before().is_some_and(|before| {
            self.term(&self.rhs.part(node), &self.vars) == self.term(&self.lhs.part(before), &self.vars)
        })
    }

    fn writes_the_same_bytes(&self) -> bool {
        let (Some((l, left_imms, left)), Some((r, right_imms, right))) =
            (self.lhs.root_operator(), self.rhs.root_operator())
        else {
            return false;
        };
        let Some(value) = Rule::written(l) else { return false };
        let text = |p: &Pattern, n: NodeId| self.term(&p.part(n), &self.vars);
        l.info().kind == r.info().kind
            && l.info().width == r.info().width
            && l.info().imm == r.info().imm
            && left_imms == right_imms
            && left.len() == right.len()
            && (0..left.len()).all(|n| n == value || text(&self.lhs, left[n]) == text(&self.rhs, right[n]))
    }

    /// The rule about values that holds if and only if this one does: what is seen of a state after the left side (any byte of it) is seen after
    /// the right side, and both conditions are zero or not zero together, where the left side has happened. That an effect which
    /// goes would not trap is for the one to show who applies the rule.
    pub fn observed(&self) -> Observed<'_> {
        let Some(outcome) = self.outcome else {
            return Observed { rule: Cow::Borrowed(self), happened: None };
        };
        let mut rule = self.clone();
        rule.outcome = None;
        let happened = Some(self.lhs.root());
        match outcome {
            Outcome::Value => {}
            Outcome::Branch { negated } => {
                is_zero(&mut rule.lhs);
                if negated {
                    is_zero(&mut rule.rhs);
                }
                is_zero(&mut rule.rhs);
            }
            Outcome::Remove | Outcome::Effect => {
                let (op, index) = match self.lhs.root_operator() {
                    Some((op, &[index, ..], _)) => (op, index),
                    _ => unreachable!("the loader refuses effects on nothing"),
                };
                if op.info().kind == Kind::GlobalSet {
                    let ty = self.lhs.nodes.iter().rev().find_map(|n| match n.ty {
                        NodeType::Value(ty) => Some(ty),
                        NodeType::Version => None,
                    });
                    for side in [&mut rule.lhs, &mut rule.rhs] {
                        let (state, pos) = (side.root(), self.pos);
                        let kind = NodeKind::Op { op: Op::GlobalGet, imms: vec![index], args: vec![state] };
                        side.nodes.push(Node { kind, ty: NodeType::Value(ty.flatten()), pos });
                    }
                } else {
                    let mut variable = |name: &str, kind| {
                        rule.vars.push(Var { name: name.to_owned(), kind, ty: None, check_type: false });
                        VarId(rule.vars.len() as u32 - 1)
                    };
                    // Names that nobody can write.
                    let at = variable("any address", VarKind::Value);
                    let offset = variable("any offset", VarKind::Imm(ImmSort::Offset));
                    for side in [&mut rule.lhs, &mut rule.rhs] {
                        let (state, pos) = (side.root(), self.pos);
                        side.nodes.push(Node { kind: NodeKind::Var(at), ty: NodeType::Value(None), pos });
                        let kind = NodeKind::Op {
                            op: Op::I32Load8U,
                            imms: vec![index, ImmPat::Var(offset)],
                            args: vec![side.root(), state],
                        };
                        side.nodes.push(Node { kind, ty: NodeType::Value(Some(Type::I32)), pos });
                    }
                }
            }
        }
        Observed { rule: Cow::Owned(rule), happened }
    }

    /// Both sides of the rule, or of an example of it with variables of its own, as they are written.
    pub fn sides_text(&self, left: &Pattern, right: &Pattern, vars: &[Var]) -> (String, String) {
        let (l, r) = (self.term(left, vars), self.term(right, vars));
        match self.outcome {
            None | Some(Outcome::Value | Outcome::Effect) => (l, r),
            Some(Outcome::Remove) => (l, "remove".to_owned()),
            Some(Outcome::Branch { negated }) => {
                let decided = DECIDED.iter().find(|(_, n)| {
                    right.nodes.len() == 1
                        && right.nodes[0].kind == NodeKind::Const(ConstPat::Lit(Const::I32(*n)))
                });
                let r = match decided {
                    Some((word, _)) => (*word).to_owned(),
                    None => format!("({} {r})", if negated { "br_unless" } else { "br_if" }),
                };
                (format!("(br_if {l})"), r)
            }
        }
    }
}

/// Whether a condition is zero.
fn is_zero(side: &mut Pattern) {
    let (root, pos) = (side.root(), side.node(side.root()).pos);
    let kind = NodeKind::Op { op: Op::I32Eqz, imms: Vec::new(), args: vec![root] };
    side.nodes.push(Node { kind, ty: NodeType::Value(Some(Type::I32)), pos });
}
