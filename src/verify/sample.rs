//! The sampler: evaluates both sides of a rule on many operands and compares.

use super::Answer;
use super::draw::{Concrete, Item, Plan, Random, immediate};
use super::model::{Effect, State, Val, apply, loaded, stored};
use crate::interp::Const;
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::types::Type;
use crate::rules::*;
use std::fmt::Write;
use std::rc::Rc;

/// Samples compared before a rule counts as checked.
const WANTED: usize = 600;
/// Draws after which a rule whose conditions are rarely met is left with what was compared.
const DRAWS: usize = 60_000;
/// What lies in globals and tables at the start. Any type serves: rules that read them hold for all.
const SLOT_TYPE: Type = Type::I64;

/// How one side of a sample ended.
enum Side {
    Value(Val),
    Trap,
    /// The effects of the left side cannot happen (a store before the load traps), or are not modelled.
    Void,
    /// No code that could be: an offset that is too large, a version of another memory. The left side is never so.
    Invalid,
}

/// Checks a rule on samples.
pub fn check_rule(rule: &Rule) -> Answer {
    let observed = rule.observed();
    let rule = &*observed.rule;
    let plan = Plan::of(rule);
    let mut rng = Random::of(&rule.name);
    let (mut compared, mut values, mut unknown) = (0, 0, 0);
    for _ in 0..DRAWS {
        if compared == WANTED {
            break;
        }
        let Some((facts, bound)) = plan.draw(rule, &mut rng) else { continue };
        if !rule.holds(&bound, &facts) {
            continue;
        }
        let before = evaluate(rule, &rule.lhs, &bound, &facts, |node| observed.has_happened(node));
        let after = evaluate(rule, &rule.rhs, &bound, &facts, |_| false);
        let agree = match (&before, &after) {
            // A computed part without a value means that the rule does not match.
            (Side::Void | Side::Invalid, _) | (_, Side::Void) => continue,
            (Side::Trap, Side::Trap) => Some(true),
            (Side::Value(b), Side::Value(a)) => a.refines(*b),
            _ => Some(false),
        };
        match agree {
            Some(true) => {
                compared += 1;
                values += usize::from(matches!(before, Side::Value(_)));
            }
            None => unknown += 1,
            Some(false) => return Answer::Refuted(counterexample(rule, &bound, &facts, &before, &after)),
        }
    }
    if compared == 0 {
        return Answer::Unknown(format!(
            "no sample could be compared ({unknown} had results that are not modelled)"
        ));
    }
    if values == 0 && unknown > 0 {
        return Answer::Unknown("only traps could be compared: the results are not modelled".to_string());
    }
    Answer::Passed { samples: compared }
}

/// Evaluates one side. Where a node that has happened traps it is void.
fn evaluate(
    rule: &Rule,
    p: &Pattern,
    bound: &[Bound<usize>],
    facts: &Concrete,
    happened: impl Fn(usize) -> bool,
) -> Side {
    let mut results: Vec<Item> = Vec::with_capacity(p.nodes.len());
    for (n, node) in p.nodes.iter().enumerate() {
        let item = match &node.kind {
            NodeKind::Var(v) => match bound[v.index()] {
                Bound::Class(c) => facts.item(c),
                _ => return Side::Void,
            },
            NodeKind::Const(c) => {
                let c = match c {
                    ConstPat::Lit(c) => Some(*c),
                    ConstPat::Expr(e) => rule.constant(*e, bound, facts),
                    ConstPat::Var(v) => match bound[v.index()] {
                        Bound::Const(c) => Some(c),
                        _ => None,
                    },
                };
                let Some(c) = c else { return Side::Void };
                Item::Val(Val::Known(c))
            }
            NodeKind::Version(e) => match rule.version(*e, bound, facts) {
                Some(c) => facts.item(c),
                None => return Side::Void,
            },
            NodeKind::Op { op, imms, args } => {
                let mut numbers = Vec::new();
                for i in imms {
                    let Some(n) = immediate(*i, rule, bound, facts) else { return Side::Void };
                    numbers.push(n);
                }
                let args: Vec<Item> = args.iter().map(|a| results[a.index()].clone()).collect();
                match operate(*op, &numbers, &args) {
                    Ok(item) => item,
                    Err(Side::Trap) if happened(n) => return Side::Void,
                    Err(side) => return side,
                }
            }
        };
        results.push(item);
    }
    match results.pop() {
        Some(Item::Val(v)) => Side::Value(v),
        _ => Side::Void,
    }
}

/// Evaluates one operator.
fn operate(op: Op, imms: &[u64], args: &[Item]) -> Result<Item, Side> {
    let val = |i: usize| match args.get(i) {
        Some(Item::Val(v)) => Ok(*v),
        _ => Err(Side::Void),
    };
    let int = |i: usize| match val(i)? {
        Val::Known(c) => c.as_int().ok_or(Side::Void),
        _ => Err(Side::Void),
    };
    let state = |i: usize| match args.get(i) {
        Some(Item::State(s)) => Ok(s.clone()),
        _ => Err(Side::Void),
    };
    // A version has to be one of the memory, global or table that the operator names.
    let of = |s: Rc<State>, i: usize| if imms.get(i) == Some(&s.index) { Ok(s) } else { Err(Side::Invalid) };
    let place = || match val(0)? {
        Val::Known(Const::I32(_)) if imms[1] > u32::MAX.into() => Err(Side::Invalid),
        Val::Known(c) => Ok(u128::from(c.as_int().ok_or(Side::Void)?) + u128::from(imms[1])),
        _ => Err(Side::Void),
    };
    let info = op.info();
    let (before, effect) = match info.kind {
        Kind::Pure | Kind::Trap => {
            let values: Result<Vec<Val>, Side> = (0..args.len()).map(val).collect();
            let imm = match imms {
                [] => Imm::None,
                [lane] => Imm::Lane(*lane as u8),
                lanes => Imm::Shuffle(std::array::from_fn(|i| lanes.get(i).copied().unwrap_or(0) as u8)),
            };
            return apply(op, &imm, &values?).map(Item::Val).ok_or(Side::Trap);
        }
        Kind::Load => {
            let memory = of(state(args.len() - 1)?, 0)?;
            let at = place()?;
            let width = u128::from(info.width);
            if at + width > memory.size {
                return Err(Side::Trap);
            }
            let bytes: Vec<u8> = (0..width).map(|i| memory.byte(at + i)).collect();
            return Ok(Item::Val(loaded(op, &bytes)));
        }
        Kind::MemorySize => return Ok(Item::Val(Val::Known(of(state(0)?, 0)?.pages()))),
        // Where nothing changes: nothing was asked for, or there is no more.
        Kind::MemoryGrow => {
            let memory = of(state(1)?, 0)?;
            let none = if memory.wide { Const::I64(u64::MAX) } else { Const::I32(u32::MAX) };
            return Ok(Item::Val(Val::Known(if int(0)? == 0 { memory.pages() } else { none })));
        }
        Kind::GlobalGet => return Ok(Item::Val(of(state(0)?, 0)?.slot(0, SLOT_TYPE))),
        Kind::TableGet => {
            let (table, at) = (of(state(1)?, 0)?, u128::from(int(0)?));
            if at >= table.size {
                return Err(Side::Trap);
            }
            return Ok(Item::Val(table.slot(at, SLOT_TYPE)));
        }
        Kind::Store => {
            let at = place()?;
            (2, Effect::Store { at, bytes: stored(op, val(1)?).ok_or(Side::Void)? })
        }
        Kind::MemoryFill => {
            (3, Effect::Fill { at: int(0)?.into(), byte: int(1)? as u8, len: int(2)?.into() })
        }
        Kind::MemoryCopy => {
            let (at, from, len) = (int(0)?.into(), int(1)?.into(), int(2)?.into());
            (3, Effect::Copy { at, from, len, source: of(state(4)?, 1)? })
        }
        Kind::GlobalSet => (1, Effect::Set { index: 0, value: val(0)? }),
        Kind::TableSet => (2, Effect::Set { index: int(0)?.into(), value: val(1)? }),
        _ => return Err(Side::Void),
    };
    of(state(before)?, 0)?.after(effect).map(Item::State).ok_or(Side::Void)
}

/// The operands of a failing sample by the rule's names, and what both sides gave.
fn counterexample(
    rule: &Rule,
    bound: &[Bound<usize>],
    facts: &Concrete,
    before: &Side,
    after: &Side,
) -> String {
    let mut s = String::new();
    for (v, b) in rule.vars.iter().zip(bound) {
        let text = match b {
            Bound::Const(c) => const_text(*c),
            Bound::Imm(i) => i.to_string(),
            Bound::Class(c) => match facts.item(*c) {
                Item::Val(v) => val_text(v),
                Item::State(s) => format!("a state of {} bytes", s.size),
            },
            Bound::Unbound => "nothing".to_string(),
        };
        write!(s, "{} = {text}, ", v.name).expect("writing to a string");
    }
    let side = |side: &Side| match side {
        Side::Value(v) => val_text(*v),
        Side::Trap => "a trap".to_string(),
        Side::Void => "nothing".to_string(),
        Side::Invalid => "no valid code".to_string(),
    };
    write!(s, "the left side gives {}, the right side {}", side(before), side(after))
        .expect("writing to a string");
    s
}

fn const_text(c: Const) -> String {
    format!("({}.const {c})", c.ty())
}

fn val_text(v: Val) -> String {
    match v {
        Val::Known(c) => const_text(c),
        Val::CanonicalNan(t) => format!("a canonical NaN of {t}"),
        Val::ArithmeticNan(t) => format!("an arithmetic NaN of {t}"),
        Val::Unknown => "something not modelled".to_string(),
    }
}
