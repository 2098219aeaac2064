//! What values are, as terms over what is not computed: the symbols. Equal terms have equal numbers.

use crate::interp::{Const, Outcome, eval};
use crate::ir::entity::{Block, Value};
use crate::ir::ops::{Imm, Op};
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// Most terms under one that is evaluated.
const MAX_UNDER: usize = 64;

/// A term by its number. What a term is made of has smaller ones.
pub(super) type Num = u32;

/// A value of one of the two graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Var {
    Before(Value),
    After(Value),
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Term {
    /// A parameter of both functions.
    Param(usize),
    /// What an effect gave when it last happened, by its result in the graph after.
    Effect(Value),
    /// What an edge after produced when it was last taken: its block, its place there, the place of the value.
    Produced(Block, usize, usize),
    /// What a value was when a block after was last entered.
    Meets(Block, Var),
    Const(Const),
    /// A result of a pure operator.
    Pure(Op, Imm, SmallVec<[Num; 3]>, usize),
}

/// All terms.
#[derive(Default)]
pub(super) struct Terms {
    list: Vec<Term>,
    numbers: HashMap<Term, Num>,
}

impl Terms {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn get(&self, n: Num) -> &Term {
        &self.list[n as usize]
    }

    pub fn number(&mut self, term: Term) -> Num {
        let next = self.list.len() as Num;
        *self.numbers.entry(term).or_insert_with_key(|term| {
            self.list.push(term.clone());
            next
        })
    }

    /// A result of a pure operator, evaluated where it is constant.
    pub fn pure(&mut self, op: Op, imm: Imm, args: &[Num], result: usize) -> Num {
        let consts: Option<SmallVec<[Const; 3]>> = args.iter().map(|&a| self.constant(a)).collect();
        if let Some(consts) = consts
            && result == 0
            && let Outcome::Value(c) = eval(op, &imm, &consts)
        {
            return self.number(Term::Const(c));
        }
        let mut args = SmallVec::from_slice(args);
        if op.info().commutes {
            args[..2].sort_unstable();
        }
        self.number(Term::Pure(op, imm, args, result))
    }

    pub fn constant(&self, n: Num) -> Option<Const> {
        match self.get(n) {
            Term::Const(c) => Some(*c),
            _ => None,
        }
    }

    /// The term whose being zero decides a condition, and whether the condition is that it is.
    pub fn root(&self, cond: Num) -> (Num, bool) {
        let zero = |n: Num| self.constant(n) == Some(Const::I32(0));
        let (mut at, mut is_zero) = (cond, false);
        while let Term::Pure(op, _, args, _) = self.get(at) {
            (at, is_zero) = match (op, args.as_slice()) {
                (Op::I32Eqz, &[a]) => (a, !is_zero),
                (Op::I32Eq, &[a, b]) | (Op::I32Eq, &[b, a]) if zero(b) => (a, !is_zero),
                (Op::I32Ne, &[a, b]) | (Op::I32Ne, &[b, a]) if zero(b) => (a, is_zero),
                _ => break,
            };
        }
        (at, is_zero)
    }

    /// The term as a function of a symbol: all terms under it in the order in which they can be evaluated. `None`: it has another
    /// symbol, or too many.
    pub fn function_of(&self, symbol: Num, n: Num) -> Option<Vec<Num>> {
        let (mut under, mut todo) = (BTreeSet::from([n]), vec![n]);
        while let Some(n) = todo.pop() {
            match self.get(n) {
                Term::Const(_) => {}
                Term::Pure(_, _, args, 0) => todo.extend(args.iter().filter(|a| under.insert(**a))),
                _ if n == symbol => {}
                _ => return None,
            }
            if under.len() > MAX_UNDER {
                return None;
            }
        }
        Some(under.into_iter().collect())
    }

    /// The symbol of which a term is a function, if it is one alone.
    pub fn only_symbol(&self, n: Num) -> Option<Num> {
        let (mut seen, mut todo, mut found) = (BTreeSet::from([n]), vec![n], None);
        while let Some(n) = todo.pop() {
            match self.get(n) {
                Term::Const(_) => {}
                Term::Pure(_, _, args, _) => todo.extend(args.iter().filter(|a| seen.insert(**a))),
                _ if found.is_some() => return None,
                _ => found = Some(n),
            }
            if seen.len() > MAX_UNDER {
                return None;
            }
        }
        found
    }

    /// What a term is for a value of its symbol; `under` is what [`Self::function_of`] gave.
    pub fn at(&self, under: &[Num], symbol: Num, value: Const) -> Option<Const> {
        let mut known: Vec<Const> = Vec::with_capacity(under.len());
        for &n in under {
            let c = match self.get(n) {
                _ if n == symbol => value,
                Term::Const(c) => *c,
                Term::Pure(op, imm, args, 0) => {
                    let of = |a: &Num| under.binary_search(a).ok().map(|at| known[at]);
                    let args: SmallVec<[Const; 3]> = args.iter().map(of).collect::<Option<_>>()?;
                    match eval(*op, imm, &args) {
                        Outcome::Value(c) => c,
                        _ => return None,
                    }
                }
                _ => return None,
            };
            known.push(c);
        }
        known.last().copied()
    }
}
