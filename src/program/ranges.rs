//! Ranges between functions: bits that are zero in an integer parameter whatever call passes it, and in a result whatever return
//! gives it.
//!
//! **What.** [`CallRanges::of`] notes the bits of what a function passes and returns, [`Ranges::solve`] joins what all calls pass, also
//! through parameters of callers (optimistically, as [`super::constants`] does), and [`Ranges::apply`] folds what follows inside
//! of a function: comparisons that are decided, masks that change nothing or leave nothing.
//!
//! **Licence.** Of a parameter: every call of the function is a direct one in this module and seen. Of a result: none.
//!
//! Complexity: linear in the graphs; a parameter changes [`MAX_CHANGES`] times at most, then nothing is known of it.

use super::constants::Constants;
use crate::analysis::bits::{self, Bits};
use crate::analysis::{self, Cfg};
use crate::interp::Const;
use crate::interp::int::{IntOp, classify};
use crate::ir::cleanup::substitute;
use crate::ir::entity::{FuncId, Inst, Value};
use crate::ir::function::{Function, TailCallee, Terminator, ValueDef};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use cranelift_entity::{EntityRef, SecondaryMap};
use smallvec::SmallVec;

/// How often what is known of a parameter may shrink before nothing is.
const MAX_CHANGES: u8 = 4;

/// What an argument is.
#[derive(Clone, Copy, Debug)]
enum Arg {
    /// A parameter of the caller.
    Parameter(u32),
    /// An integer with these bits zero.
    Zeros(u64),
}

/// What a function passes and returns.
#[derive(Clone, Debug, Default)]
pub struct CallRanges {
    calls: Vec<(FuncId, u32)>,
    args: Vec<Arg>,
    results: Option<Box<[u64]>>,
}

impl CallRanges {
    /// Of a graph.
    pub fn of(f: &Function) -> CallRanges {
        let mut found = CallRanges::default();
        let returns = f.results.iter().any(|&t| bits::width_mask(Some(t)) != 0);
        let crosses = f.layout.iter().any(|&b| match f.term(b) {
            Terminator::Return(_) if returns => true,
            Terminator::TailCall { .. } | Terminator::Invoke { .. } => true,
            _ => f.blocks[b].insts.iter().any(|&i| f.insts[i].op == Op::Call && !f.args(i).is_empty()),
        });
        if !crosses {
            return found;
        }
        let bits = Bits::compute(f, &Cfg::compute(f), &|_, _| 0);
        for &b in &f.layout {
            for &i in &f.blocks[b].insts {
                if let (Op::Call, Imm::Func(callee)) = (f.insts[i].op, f.insts[i].imm) {
                    found.call(callee, f, f.args(i), &bits);
                }
            }
            let term = f.term(b);
            match term {
                Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), .. } => {
                    found.call(*callee, f, term.operands(&f.pool), &bits);
                }
                Terminator::TailCall { callee, .. } => {
                    if let TailCallee::Direct(callee) = callee {
                        found.call(*callee, f, term.operands(&f.pool), &bits);
                    }
                    found.results = Some(vec![0; f.results.len()].into());
                }
                Terminator::Return(_) => {
                    let returned: Box<[u64]> =
                        term.operands(&f.pool).iter().map(|&v| zeros(f, v, &bits)).collect();
                    match &mut found.results {
                        None => found.results = Some(returned),
                        Some(known) => known.iter_mut().zip(returned).for_each(|(k, r)| *k &= r),
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn call(&mut self, callee: FuncId, f: &Function, args: &[Value], bits: &Bits) {
        self.calls.push((callee, self.args.len() as u32));
        self.args.extend(args.iter().map(|&v| match f.values[v].def {
            ValueDef::Param(b, n) if b == f.entry => Arg::Parameter(n),
            _ => Arg::Zeros(zeros(f, v, bits)),
        }));
    }

    fn calls(&self) -> impl Iterator<Item = (FuncId, &[Arg])> {
        self.calls.iter().enumerate().map(|(n, &(callee, start))| {
            let end = self.calls.get(n + 1).map_or(self.args.len(), |&(_, next)| next as usize);
            (callee, &self.args[start as usize..end])
        })
    }
}

/// Bits of an integer that are zero; none of other values.
fn zeros(f: &Function, v: Value, bits: &Bits) -> u64 {
    bits.zeros(v) & bits::width_mask(Some(f.ty(v)))
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    params: Vec<SmallVec<[(u64, u8); 4]>>,
    results: Vec<Option<Box<[u64]>>>,
}

impl Ranges {
    /// Joins what all calls pass; arguments as for [`super::constants::Constants::solve`], whose answer is `constants`: what it says needs
    /// no range.
    pub fn solve(
        facts: &[Option<CallRanges>],
        constants: &Constants,
        params: impl Fn(FuncId) -> usize,
        called_unseen: impl Fn(FuncId) -> bool,
    ) -> Ranges {
        let start = |f: FuncId| (if called_unseen(f) { 0 } else { u64::MAX }, 0);
        let mut passed: Vec<SmallVec<[(u64, u8); 4]>> =
            (0..facts.len()).map(FuncId::new).map(|f| SmallVec::from_elem(start(f), params(f))).collect();
        let mut work: Vec<FuncId> = (0..facts.len()).rev().map(FuncId::new).collect();
        let mut waits = vec![true; facts.len()];
        while let Some(func) = work.pop() {
            waits[func.index()] = false;
            for (callee, args) in facts[func.index()].iter().flat_map(CallRanges::calls) {
                for (n, arg) in args.iter().enumerate() {
                    let new = match *arg {
                        Arg::Zeros(z) => z,
                        Arg::Parameter(p) => passed[func.index()].get(p as usize).map_or(0, |p| p.0),
                    };
                    let Some((old, changes)) = passed[callee.index()].get_mut(n) else { continue };
                    if *old & new != *old {
                        *changes += 1;
                        *old = if *changes > MAX_CHANGES { 0 } else { *old & new };
                        if !std::mem::replace(&mut waits[callee.index()], true) {
                            work.push(callee);
                        }
                    }
                }
            }
        }
        for (n, params) in passed.iter_mut().enumerate() {
            let constant = constants.constant_params(FuncId::new(n));
            for (_, param) in params.iter_mut().take(64).enumerate().filter(|&(k, _)| constant >> k & 1 == 1)
            {
                *param = (0, 0);
            }
        }
        let results = facts.iter().map(|f| f.as_ref().and_then(|f| f.results.clone())).collect();
        Ranges { params: passed, results }
    }

    /// Bits of a parameter that are zero.
    pub(super) fn param(&self, func: FuncId, n: u32) -> u64 {
        self.params.get(func.index()).and_then(|p| p.get(n as usize)).map_or(0, |p| p.0)
    }

    /// Bits of a result that are zero.
    pub(super) fn result(&self, func: FuncId, n: u32) -> u64 {
        let results = self.results.get(func.index()).and_then(Option::as_deref);
        results.and_then(|results| results.get(n as usize)).copied().unwrap_or(0)
    }

    fn known(&self, f: &Function, def: ValueDef) -> u64 {
        match def {
            ValueDef::Param(_, n) => self.param(f.id, n),
            ValueDef::Result(i, n) => match (f.insts[i].op, f.insts[i].imm) {
                (Op::Call, Imm::Func(callee)) => self.result(callee, n),
                _ => 0,
            },
        }
    }

    /// Folds what follows in a function; how many values.
    pub fn apply(&self, f: &mut Function) -> u64 {
        let says = |v: Value| {
            let mask = bits::width_mask(Some(f.ty(v)));
            self.known(f, f.values[v].def) & mask != 0
        };
        let calls = |i: &Inst| f.insts[*i].op == Op::Call && f.results(*i).iter().any(|&v| says(v));
        if !f.block_params(f.entry).iter().any(|&v| says(v))
            && !f.layout.iter().any(|&b| f.blocks[b].insts.iter().any(calls))
        {
            return 0;
        }
        let bits = Bits::compute(f, &Cfg::compute(f), &|f, def| self.known(f, def));
        let mut replaced = SecondaryMap::new();
        let mut made = Vec::new();
        let mut count = 0;
        for n in 0..f.layout.len() {
            for k in 0..f.blocks[f.layout[n]].insts.len() {
                let inst = f.blocks[f.layout[n]].insts[k];
                let Some(old) = f.result(inst) else { continue };
                let Some((op, _)) = classify(f.insts[inst].op) else { continue };
                let new = match folded(f, op, f.args(inst), &bits) {
                    Some(Folded::Value(v)) => v,
                    Some(Folded::Constant(c)) => {
                        let ty = f.ty(old);
                        let (op, imm) = match ty {
                            Type::I32 => Const::I32(c as u32).to_op(),
                            _ => Const::I64(c).to_op(),
                        };
                        let inst = f.make_inst(op, imm, &[], &[ty]);
                        made.push(inst);
                        f.results(inst)[0]
                    }
                    None => continue,
                };
                replaced[old] = new.into();
                count += 1;
            }
        }
        if count > 0 {
            f.blocks[f.entry].insts.splice(0..0, made);
            substitute(f, &mut replaced);
        }
        count
    }
}

enum Folded {
    Value(Value),
    Constant(u64),
}

/// What an operator gives when bits of its operands decide.
fn folded(f: &Function, op: IntOp, args: &[Value], bits: &Bits) -> Option<Folded> {
    let (&[a, b], ty) = (args, f.ty(*args.first()?)) else {
        return match (op, args) {
            (IntOp::Eqz, &[a]) if bits.max(f, a) == 0 => Some(Folded::Constant(1)),
            _ => None,
        };
    };
    let constant = |v: Value| analysis::constant(f, v)?.as_int();
    let (a_max, b_max) = (bits.max(f, a), bits.max(f, b));
    let (a_min, b_min) = (constant(a).unwrap_or(0), constant(b).unwrap_or(0));
    let sign = 1u64 << (if ty == Type::I32 { 31 } else { 63 });
    let signed = (a_max | b_max) & sign == 0;
    let less = if a_max < b_min {
        Some(1)
    } else if a_min >= b_max {
        Some(0)
    } else {
        None
    };
    let more = if b_max < a_min {
        Some(1)
    } else if b_min >= a_max {
        Some(0)
    } else {
        None
    };
    let apart = a_max < b_min
        || b_max < a_min
        || a_min & !a_max != 0
        || (constant(a).is_some_and(|c| c & !b_max != 0))
        || (constant(b).is_some_and(|c| c & !a_max != 0));
    let decided = match op {
        IntOp::And if constant(b).is_some_and(|c| a_max & !c == 0) => return Some(Folded::Value(a)),
        IntOp::And if a_max & b_max == 0 => Some(0),
        IntOp::LtU => less,
        IntOp::LtS if signed => less,
        IntOp::GtU => more,
        IntOp::GtS if signed => more,
        IntOp::LeU => more.map(|m| 1 - m),
        IntOp::LeS if signed => more.map(|m| 1 - m),
        IntOp::GeU => less.map(|l| 1 - l),
        IntOp::GeS if signed => less.map(|l| 1 - l),
        IntOp::Eq if apart => Some(0),
        IntOp::Ne if apart => Some(1),
        _ => None,
    };
    decided.map(Folded::Constant)
}
