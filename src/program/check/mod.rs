//! Translation validation of what is known between functions: the stage `program`.
//!
//! **What.** [`Claims`] say what [`super::constants`], [`super::ranges`], [`super::globals`], [`super::stores`] and [`super::signatures`] found out. None of
//! it is believed: [`establish`] looks at the whole module as it was in the input and keeps the claims that are an inductive set, and
//! [`graph::check`] compares a function's graph before and after in the light of those alone. Nothing is shared with the passes, their
//! facts or their reachability.
//!
//! **Why that is enough.** [`reached`] finds, coarsely, the functions that may run, and those that someone unseen may call; a claim about a parameter of one
//! of these is refused. Of each function that may run, every call and every return is then looked at, with all claims assumed: what is passed and
//! returned must be as claimed. When nothing is refused, all claims hold throughout by induction over the calls and returns of a run: each
//! rests only on earlier ones. When something is, it is taken out and all functions are looked at again, [`MAX_PASSES`] times at most; after
//! that no claim stands.
//!
//! **Complexity.** A walk over all graphs a pass; one pass when all claims hold.

pub mod graph;
#[cfg(test)]
mod graph_tests;
mod reached;
#[cfg(test)]
mod tests;
mod values;

use crate::Error;
use crate::interp::Const;
use crate::ir::entity::{FuncId, GlobalId, Value};
use crate::ir::function::{Function, TailCallee, Terminator};
use crate::ir::ops::{Imm, Op};
use crate::module::{ConstExpr, ConstOp, Module};
use cranelift_entity::{EntityRef, EntitySet, SecondaryMap};
use rayon::prelude::*;
use reached::Reached;
use std::collections::BTreeSet;
use values::{Is, Values, width};

/// How often claims are looked at anew because others were refused.
const MAX_PASSES: usize = 8;

/// What a value that crosses a call is said to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Always the same.
    pub is: Option<Same>,
    /// Bits of an integer that are zero; those beyond its width say nothing.
    pub zeros: u64,
}

/// What a value always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// This constant.
    Constant(Const),
    /// Of a result: this parameter of the same call.
    Parameter(u32),
}

/// What is claimed of one function.
#[derive(Clone, Debug, Default)]
pub struct Crossing {
    /// Of its parameters; nothing of those beyond the end.
    pub params: Vec<Claim>,
    /// Of its results; nothing of those beyond the end.
    pub results: Vec<Claim>,
    /// The parameters that it does not need, as bits: they and their arguments go.
    pub dropped_params: u64,
    /// The results that no caller needs, as bits.
    pub dropped_results: u64,
}

/// What is claimed of the program.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// Of each function, by index; nothing of those beyond the end.
    pub functions: Vec<Crossing>,
    /// Globals that always hold this.
    pub globals: SecondaryMap<GlobalId, Option<Const>>,
    /// Globals that nobody reads.
    pub unread: EntitySet<GlobalId>,
}

impl Claims {
    fn param(&self, func: FuncId, n: usize) -> Claim {
        let claims = self.functions.get(func.index()).map_or(&[][..], |c| &c.params);
        claims.get(n).copied().unwrap_or_default()
    }

    fn result(&self, func: FuncId, n: usize) -> Claim {
        let claims = self.functions.get(func.index()).map_or(&[][..], |c| &c.results);
        claims.get(n).copied().unwrap_or_default()
    }

    fn dropped_params(&self, func: FuncId) -> u64 {
        self.functions.get(func.index()).map_or(0, |c| c.dropped_params)
    }

    fn dropped_results(&self, func: FuncId) -> u64 {
        self.functions.get(func.index()).map_or(0, |c| c.dropped_results)
    }
}

/// What was found out about claims.
#[derive(Clone, Debug, Default)]
pub struct Established {
    /// Those that hold.
    pub claims: Claims,
    /// Why others do not, or are not known to.
    pub refused: Vec<String>,
}

/// A claim that does not hold as far as can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Refused {
    Param(FuncId, usize),
    Result(FuncId, usize),
}

/// Finds the claims that hold. `graph` lifts a function; `None` for one that is kept as bytes. The exports stay for which `kept` says so.
///
/// # Errors
/// When a body is malformed, which validation rules out.
pub fn establish(
    module: &Module,
    mut claims: Claims,
    graph: &(dyn Fn(FuncId) -> Option<Box<Function>> + Sync),
    kept: &dyn Fn(usize) -> bool,
) -> Result<Established, Error> {
    let has_graph: Vec<bool> = {
        let funcs: Vec<FuncId> = module.funcs.keys().collect();
        funcs.into_par_iter().map(|f| graph(f).is_some()).collect()
    };
    let reached = Reached::of(module, &has_graph, kept)?;
    let mut refused = Vec::new();
    of_globals(module, &reached, &mut claims, &mut refused);
    of_signatures(module, &reached, &mut claims, &mut refused);
    let run: Vec<FuncId> =
        module.funcs.keys().filter(|&f| reached.runs.contains(f) && has_graph[f.index()]).collect();
    for _ in 0..MAX_PASSES {
        let wrong: BTreeSet<Refused> = run
            .par_iter()
            .flat_map_iter(|&func| graph(func).map(|f| contradicted(&f, &claims)).unwrap_or_default())
            .collect();
        if wrong.is_empty() {
            return Ok(Established { claims, refused });
        }
        for refusal in wrong {
            let (func, claim, what, n) = match refusal {
                Refused::Param(func, n) => {
                    (func, &mut claims.functions[func.index()].params[n], "parameter", n)
                }
                Refused::Result(func, n) => {
                    (func, &mut claims.functions[func.index()].results[n], "result", n)
                }
            };
            *claim = Claim::default();
            refused.push(format!("{what} {n} of function {} is not always so", func.index()));
        }
    }
    refused.push("too many claims are refused".into());
    Ok(Established { claims: Claims::default(), refused })
}

/// Globals that are not always so, or that someone may read, are refused.
fn of_globals(module: &Module, reached: &Reached, claims: &mut Claims, refused: &mut Vec<String>) {
    for (g, global) in &module.globals {
        let own = global.init.is_some() && !reached.open_globals.contains(g);
        if let Some(claimed) = claims.globals[g] {
            let constant = global.init.as_ref().and_then(constant);
            let fixed = !global.mutable || own && !reached.written.contains(g);
            if constant != Some(claimed) || !fixed {
                claims.globals[g] = None;
                refused.push(format!("global {} does not always hold {claimed}", g.index()));
            }
        }
        if claims.unread.contains(g) && (!own || reached.read.contains(g)) {
            claims.unread.remove(g);
            refused.push(format!("global {} may be read", g.index()));
        }
    }
}

fn constant(init: &ConstExpr) -> Option<Const> {
    match init.ops[..] {
        [ConstOp::I32Const(v)] => Some(Const::I32(v as u32)),
        [ConstOp::I64Const(v)] => Some(Const::I64(v as u64)),
        _ => None,
    }
}

/// Claims that do not fit the function's type, and those about functions whose calls or bodies are not all seen, are refused.
fn of_signatures(module: &Module, reached: &Reached, claims: &mut Claims, refused: &mut Vec<String>) {
    claims.functions.resize_with(module.funcs.len(), Crossing::default);
    for (n, claimed) in claims.functions.iter_mut().enumerate() {
        let func = FuncId::new(n);
        let ty = module.func_type(func);
        claimed.params.truncate(ty.params.len());
        claimed.results.truncate(ty.results.len());
        let mut refuse = |claim: &mut Claim, what: &str| {
            if std::mem::take(claim) != Claim::default() {
                refused.push(format!("function {n}: {what}"));
            }
        };
        for (param, &ty) in claimed.params.iter_mut().zip(&ty.params) {
            let fits = match param.is {
                Some(Same::Constant(c)) => c.ty() == ty,
                Some(Same::Parameter(_)) => false,
                None => true,
            };
            if reached.open.contains(func) {
                refuse(param, "it may be called by someone unseen");
            } else if !fits {
                refuse(param, "a parameter is claimed to be of another type");
            }
        }
        for (result, &of) in claimed.results.iter_mut().zip(&ty.results) {
            let fits = match result.is {
                Some(Same::Constant(c)) => c.ty() == of,
                Some(Same::Parameter(p)) => ty.params.get(p as usize) == Some(&of),
                None => true,
            };
            if reached.unseen.contains(func) {
                refuse(result, "its body is not seen");
            } else if !fits {
                refuse(result, "a result is claimed to be of another type");
            }
        }
        let drops = claimed.dropped_params | claimed.dropped_results != 0;
        if drops && (reached.open.contains(func) || reached.unseen.contains(func)) {
            (claimed.dropped_params, claimed.dropped_results) = (0, 0);
            refused.push(format!(
                "function {n}: it may be called by someone unseen, with the signature that it had"
            ));
        }
    }
}

/// The claims that what a function passes or returns contradicts, or is not known to fulfil.
fn contradicted(f: &Function, claims: &Claims) -> Vec<Refused> {
    let values = Values::of(f, claims);
    let mut wrong = Vec::new();
    let mut call = |callee: FuncId, args: &[Value]| {
        for (n, &arg) in args.iter().enumerate() {
            let claim = claims.param(callee, n);
            if !holds(&values, claim, arg, f) {
                wrong.push(Refused::Param(callee, n));
            }
        }
    };
    let mut returned = Vec::new();
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            if let (Op::Call, Imm::Func(callee)) = (f.insts[i].op, f.insts[i].imm) {
                call(callee, f.args(i));
            }
        }
        let term = f.term(b);
        let operands = term.operands(&f.pool);
        match term {
            Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), .. } => call(*callee, operands),
            Terminator::TailCall { callee, .. } => {
                if let TailCallee::Direct(callee) = callee {
                    call(*callee, operands);
                }
                // Results are those of the callee, of which no more is asked.
                let claimed = (0..f.results.len()).filter(|&n| claims.result(f.id, n) != Claim::default());
                returned.extend(claimed.map(|n| Refused::Result(f.id, n)));
            }
            Terminator::Return(_) => {
                let claimed = operands.iter().enumerate();
                let fails = claimed.filter(|&(n, &v)| !holds(&values, claims.result(f.id, n), v, f));
                returned.extend(fails.map(|(n, _)| Refused::Result(f.id, n)));
            }
            _ => {}
        }
    }
    wrong.extend(returned);
    wrong
}

/// Whether a value is as claimed. A parameter that is meant is one of the function itself.
fn holds(values: &Values<'_>, claim: Claim, v: Value, f: &Function) -> bool {
    let mask = width(f.ty(v));
    let zeros = claim.zeros & mask;
    let same = match claim.is {
        None => true,
        Some(Same::Constant(c)) => values.is(v) == Is::Constant(c),
        Some(Same::Parameter(p)) => {
            f.block_params(f.entry).get(p as usize).is_some_and(|&param| values.is(v) == values.is(param))
        }
    };
    same && values.zeros(v) & zeros == zeros
}
