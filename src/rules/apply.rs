//! Evaluation of a rule's computed parts and conditions under the bindings of a match.

use super::ast::{Expr, ExprId, Rule};
use super::vocab::{Facts, Func, Gives, Length, Param, eval_const_fn};
use crate::interp::Const;

/// What a variable is bound to in a match; the slice given to the functions below is indexed by
/// [`VarId`](super::ast::VarId).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound<C> {
    /// Nothing yet.
    Unbound,
    /// A constant (kind `Const`).
    Const(Const),
    /// An immediate (kind `Imm`).
    Imm(u64),
    /// A value or an effect version.
    Class(C),
}

/// An evaluated argument.
enum Arg<C> {
    Const(Const),
    Class(C),
}

impl Rule {
    /// Whether all conditions hold.
    pub fn holds<F: Facts>(&self, bound: &[Bound<F::Class>], facts: &F) -> bool {
        self.conditions.iter().all(|&c| self.constant(c, bound, facts) == Some(Const::I32(1)))
    }

    /// The value of a computed constant (or condition, 0 or 1). `None`: the rule does not match.
    pub fn constant<F: Facts>(&self, expr: ExprId, bound: &[Bound<F::Class>], facts: &F) -> Option<Const> {
        match self.argument(expr, bound, facts)? {
            Arg::Const(c) => Some(c),
            Arg::Class(_) => None,
        }
    }

    /// The value of a computed immediate.
    pub fn immediate<F: Facts>(&self, expr: ExprId, bound: &[Bound<F::Class>], facts: &F) -> Option<u64> {
        self.constant(expr, bound, facts)?.as_int()
    }

    /// The class of a computed effect version.
    pub fn version<F: Facts>(&self, expr: ExprId, bound: &[Bound<F::Class>], facts: &F) -> Option<F::Class> {
        match self.argument(expr, bound, facts)? {
            Arg::Const(_) => None,
            Arg::Class(c) => Some(c),
        }
    }

    /// Recursion is bounded by the reader's nesting cap.
    fn argument<F: Facts>(
        &self,
        expr: ExprId,
        bound: &[Bound<F::Class>],
        facts: &F,
    ) -> Option<Arg<F::Class>> {
        match self.expr(expr) {
            Expr::Lit(c) => Some(Arg::Const(*c)),
            Expr::Var(v) => match bound.get(v.index())? {
                Bound::Unbound => None,
                Bound::Const(c) => Some(Arg::Const(*c)),
                Bound::Imm(i) => Some(Arg::Const(Const::I64(*i))),
                Bound::Class(c) => Some(Arg::Class(*c)),
            },
            Expr::Call { func, args } => {
                let mut values = Vec::with_capacity(args.len());
                for &a in args {
                    values.push(self.argument(a, bound, facts)?);
                }
                if func.info().fact {
                    ask(*func, &values, facts)
                } else {
                    let constants: Option<Vec<Const>> = values.iter().map(constant_of).collect();
                    eval_const_fn(*func, &constants?).map(Arg::Const)
                }
            }
        }
    }
}

fn constant_of<C>(a: &Arg<C>) -> Option<Const> {
    match a {
        Arg::Const(c) => Some(*c),
        Arg::Class(_) => None,
    }
}

fn ask<F: Facts>(func: Func, args: &[Arg<F::Class>], facts: &F) -> Option<Arg<F::Class>> {
    let class = |i: usize| match args.get(i)? {
        Arg::Class(c) => Some(*c),
        Arg::Const(_) => None,
    };
    let int = |i: usize| constant_of(args.get(i)?)?.as_int();
    let length = |i: usize| match args.get(i)? {
        Arg::Const(c) => Some(Length::Bytes(c.as_int()?)),
        Arg::Class(c) => Some(match facts.constant(*c).and_then(Const::as_int) {
            Some(n) => Length::Bytes(n),
            None => Length::Value(*c),
        }),
    };
    let truth = |b: bool| Some(Arg::Const(Const::I32(b.into())));
    match func {
        Func::ZeroBits => truth(facts.zero_bits(class(0)?, int(1)?)),
        Func::NonZero => truth(facts.nonzero(class(0)?)),
        Func::NonNeg => truth(facts.nonneg(class(0)?)),
        Func::Quiet => truth(facts.quiet(class(0)?)),
        Func::NoWrapAdd => truth(facts.no_wrap_add(class(0)?, int(1)?)),
        Func::Distance => {
            let d = facts.distance(class(0)?, int(1)?, class(2)?, int(3)?)?;
            Some(Arg::Const(Const::I64(d as u64)))
        }
        Func::Inside => {
            let d = facts.inside(class(0)?, int(1)?, int(2)?, class(3)?, length(4)?)?;
            Some(Arg::Const(Const::I64(d as u64)))
        }
        Func::NotConst => truth(facts.not_const(class(0)?)),
        Func::Disjoint => truth(facts.disjoint(class(0)?, int(1)?, int(2)?, class(3)?, int(4)?, length(5)?)),
        Func::Within => truth(facts.within(class(0)?, int(1)?, int(2)?, class(3)?, length(4)?)),
        Func::Unchanged => truth(facts.unchanged(class(0)?, class(1)?, int(2)?, class(3)?, int(4)?, int(5)?)),
        Func::Older => facts.older(class(0)?, int(1)?, class(2)?, int(3)?, int(4)?).map(Arg::Class),
        _ => None,
    }
}

/// Whether arguments of this kind are written as a bare variable that names a class.
pub(super) fn takes_class(p: Param) -> bool {
    matches!(p, Param::Value | Param::Address | Param::Version)
}

/// Whether a function can stand where a constant is computed.
pub(super) fn gives_constant(g: Gives) -> bool {
    matches!(g, Gives::Same | Gives::I32 | Gives::I64)
}
