//! All operands at a small width, for rules that are parametric in it.

use super::Answer;
use crate::interp::{Const, int};
use crate::ir::ops::Op;
use crate::ir::types::Type;
use crate::rules::*;
use std::fmt::Write;

/// Most combinations of operands tried; a rule with more at a width is not checked at that width.
const MOST: u64 = 1 << 16;

/// Checks a rule in its reading at `width` bits ([`RuleSet::builtin_narrow`]) on all operands: operators on `i32` are
/// evaluated at that width. [`Answer::Unknown`] if something in it does not scale, or there are too many operands.
pub fn check_narrow(rule: &Rule, width: u32) -> Answer {
    let observed = rule.observed();
    let rule = &*observed.rule;
    if let Some(why) = obstacle(rule, width) {
        return Answer::Unknown(why);
    }
    let count = rule.vars.len() as u32;
    let total = 1u64.checked_shl(width * count).filter(|&t| t <= MOST);
    let Some(total) = total else {
        return Answer::Unknown(format!("{count} operands of {width} bits are too many"));
    };
    let narrow = Narrow { rule, width };
    let mut samples = 0;
    let mut operands = vec![0; rule.vars.len()];
    for combination in 0..total {
        for (i, v) in operands.iter_mut().enumerate() {
            *v = combination >> (width * i as u32) & int::mask(width);
        }
        if !rule.conditions.iter().all(|&c| narrow.expr(c, &operands) == Some(1)) {
            continue;
        }
        let before = narrow.term(&rule.lhs, &operands);
        let after = narrow.term(&rule.rhs, &operands);
        match (before, after) {
            // A computed part has no value: the rule does not match.
            (_, Side::Void) => {}
            // What is seen of it does not trap, so it did not happen.
            (Side::Trap, _) if observed.happened.is_some() => {}
            (b, a) if b == a => samples += 1,
            (b, a) => return Answer::Refuted(narrow.counterexample(&operands, &b, &a)),
        }
    }
    if samples == 0 {
        return Answer::Unknown("no operands satisfy the conditions".to_string());
    }
    Answer::Passed { samples }
}

/// Why a rule cannot be read at the width.
fn obstacle(rule: &Rule, width: u32) -> Option<String> {
    for v in &rule.vars {
        let integer =
            matches!(v.kind, VarKind::Value | VarKind::Const) && v.ty.is_none_or(|t| t == Type::I32);
        if !integer {
            return Some(format!("`{}` is no integer", v.name));
        }
    }
    for node in rule.lhs.nodes.iter().chain(&rule.rhs.nodes) {
        match &node.kind {
            NodeKind::Op { op, .. } if *op == Op::Select || int::classify(*op).is_some_and(|c| c.1 == 32) => {
            }
            NodeKind::Op { op, .. } => {
                return Some(format!("`{}` has no meaning at {width} bits", op.name()));
            }
            NodeKind::Const(ConstPat::Lit(c)) if fits(*c, width) => {}
            NodeKind::Const(ConstPat::Lit(c)) => return Some(format!("{c} does not fit {width} bits")),
            NodeKind::Version(_) => return Some("effect versions have no width".to_string()),
            NodeKind::Var(_) | NodeKind::Const(_) => {}
        }
    }
    rule.exprs.iter().find_map(|e| match e {
        Expr::Lit(c) if !fits(*c, width) => Some(format!("{c} does not fit {width} bits")),
        _ => None,
    })
}

fn fits(c: Const, width: u32) -> bool {
    match c {
        Const::I32(v) => {
            let v = i64::from(v as i32);
            v >= -(1 << (width - 1)) && v < 1 << width
        }
        _ => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Value(u64),
    Trap,
    Void,
}

struct Narrow<'a> {
    rule: &'a Rule,
    width: u32,
}

impl Narrow<'_> {
    fn literal(&self, c: Const) -> Option<u64> {
        Some(c.as_int()? & int::mask(self.width))
    }

    fn term(&self, p: &Pattern, operands: &[u64]) -> Side {
        let mut values: Vec<u64> = Vec::with_capacity(p.nodes.len());
        for node in &p.nodes {
            let value = match &node.kind {
                NodeKind::Var(v) | NodeKind::Const(ConstPat::Var(v)) => Some(operands[v.index()]),
                NodeKind::Const(ConstPat::Lit(c)) => self.literal(*c),
                NodeKind::Const(ConstPat::Expr(e)) => self.expr(*e, operands),
                NodeKind::Version(_) => None,
                NodeKind::Op { op, args, .. } => {
                    let arg = |i: usize| args.get(i).map_or(0, |a| values[a.index()]);
                    match int::classify(*op) {
                        Some((int_op, _)) => match int::apply(int_op, self.width, arg(0), arg(1)) {
                            None => return Side::Trap,
                            value => value,
                        },
                        None => Some(if arg(2) != 0 { arg(0) } else { arg(1) }),
                    }
                }
            };
            let Some(value) = value else { return Side::Void };
            values.push(value);
        }
        values.last().map_or(Side::Void, |&v| Side::Value(v))
    }

    /// Recursion is bounded by the reader's nesting cap.
    fn expr(&self, e: ExprId, operands: &[u64]) -> Option<u64> {
        match self.rule.expr(e) {
            Expr::Lit(c) => self.literal(*c),
            Expr::Var(v) => Some(operands[v.index()]),
            Expr::Call { func, args } => {
                let a = self.expr(*args.first()?, operands)?;
                let b = match args.get(1) {
                    Some(&b) => self.expr(b, operands)?,
                    None => 0,
                };
                let truth = |b: bool| Some(u64::from(b));
                match func {
                    Func::ZeroBits => truth(a & b == 0),
                    Func::NonZero => truth(a != 0),
                    Func::NonNeg => truth(int::signed(self.width, a) >= 0),
                    Func::NotConst => truth(true),
                    Func::NoWrapAdd => eval_int_fn(Func::UaddOk, self.width, a, b),
                    func => eval_int_fn(*func, self.width, a, b),
                }
            }
        }
    }

    fn counterexample(&self, operands: &[u64], before: &Side, after: &Side) -> String {
        let mut s = String::new();
        for (v, o) in self.rule.vars.iter().zip(operands) {
            write!(s, "{} = {o}, ", v.name).expect("writing to a string");
        }
        let side = |side: &Side| match side {
            Side::Value(v) => v.to_string(),
            Side::Trap => "a trap".to_string(),
            Side::Void => "nothing".to_string(),
        };
        write!(
            s,
            "at {} bits the left side gives {}, the right side {}",
            self.width,
            side(before),
            side(after)
        )
        .expect("writing to a string");
        s
    }
}
