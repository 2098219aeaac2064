//! Constants between functions: parameters that are the same constant in every call, results that are the same constant or the
//! same parameter in every return.
//!
//! **What.** [`CallConstants::of`] notes of each function what it passes to whom, and what it returns. [`Constants::solve`] finds the
//! parameters of which every call passes one constant, also where the constant comes through parameters of callers: all start
//! as "never called", and what calls pass is joined in until nothing changes (the optimistic form, so recursion is no obstacle).
//! [`Constants::apply`] puts the constants into the bodies and behind the calls. Signatures stay.
//!
//! **Licence.** Of a parameter: every call of the function is a direct one in this module and seen, so it is not exported, not the
//! start function, no reference to it is taken, and no body that was kept as bytes names it. Of a result: none, what a body
//! returns does not depend on who calls it; the call stays for what else it does.
//!
//! Complexity: linear in the calls and their arguments; a parameter changes twice at most.
//!
//! Reference: David Callahan, Keith Cooper, Ken Kennedy and Linda Torczon, "Interprocedural constant propagation", 1986 (pass-through
//! parameter jump functions); LLVM's IPSCCP.

use super::signatures::used_params;
use crate::ir::cleanup::{resolve, substitute};
use crate::ir::entity::{FuncId, Value};
use crate::ir::function::{Function, TailCallee, Terminator, ValueDef};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use cranelift_entity::{EntityRef, SecondaryMap};
use smallvec::SmallVec;

/// What is known of a value that crosses a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The constant that this operator makes with this immediate.
    Constant(Op, Imm),
    /// A parameter of the function at hand.
    Parameter(u32),
    /// Anything.
    Other,
}

/// What a function passes to others, and what it returns.
#[derive(Clone, Debug, Default)]
pub struct CallConstants {
    /// Direct calls, each with where its arguments begin.
    calls: Vec<(FuncId, u32)>,
    /// What the arguments of all calls are.
    args: Vec<Known>,
    /// What each result is in every return; `None` when it never returns.
    results: Option<Box<[Known]>>,
    /// Parameters used for anything but arguments of direct calls, as bits.
    used: u64,
}

impl CallConstants {
    /// Of a graph.
    pub fn of(f: &Function) -> CallConstants {
        let mut found = CallConstants { used: used_params(f), ..CallConstants::default() };
        for &b in &f.layout {
            for &i in &f.blocks[b].insts {
                if let (Op::Call, Imm::Func(callee)) = (f.insts[i].op, f.insts[i].imm) {
                    found.call(callee, f, f.args(i));
                }
            }
            let term = f.term(b);
            match term {
                Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), .. } => {
                    found.call(*callee, f, term.operands(&f.pool));
                }
                Terminator::TailCall { callee, .. } => {
                    if let TailCallee::Direct(callee) = callee {
                        found.call(*callee, f, term.operands(&f.pool));
                    }
                    found.results = Some(vec![Known::Other; f.results.len()].into());
                }
                Terminator::Return(_) => {
                    let returned: Box<[Known]> =
                        term.operands(&f.pool).iter().map(|&v| known(f, v)).collect();
                    match &mut found.results {
                        None => found.results = Some(returned),
                        Some(known) => {
                            for (k, r) in known.iter_mut().zip(returned) {
                                *k = if *k == r { r } else { Known::Other };
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        found.calls.shrink_to_fit();
        found.args.shrink_to_fit();
        found
    }

    fn call(&mut self, callee: FuncId, f: &Function, args: &[Value]) {
        self.calls.push((callee, self.args.len() as u32));
        self.args.extend(args.iter().map(|&v| known(f, v)));
    }

    /// Parameters used for anything but arguments of direct calls, as bits.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Direct calls with what each argument is.
    pub(super) fn calls(&self) -> impl Iterator<Item = (FuncId, &[Known])> {
        self.calls.iter().enumerate().map(|(n, &(callee, start))| {
            let end = self.calls.get(n + 1).map_or(self.args.len(), |&(_, next)| next as usize);
            (callee, &self.args[start as usize..end])
        })
    }
}

fn known(f: &Function, v: Value) -> Known {
    match f.values[v].def {
        // A reference may have a narrower type at the call.
        ValueDef::Param(b, n) if b == f.entry && !matches!(f.ty(v), Type::Ref(_)) => Known::Parameter(n),
        ValueDef::Param(..) => Known::Other,
        ValueDef::Result(i, _) => match f.insts[i].op {
            op @ (Op::I32Const | Op::I64Const | Op::F32Const | Op::F64Const) => {
                Known::Constant(op, f.insts[i].imm)
            }
            _ => Known::Other,
        },
    }
}

/// What calls pass for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passed {
    Nothing,
    Constant(Op, Imm),
    Anything,
}

impl Passed {
    fn join(self, other: Passed) -> Passed {
        match (self, other) {
            (Passed::Nothing, p) | (p, Passed::Nothing) => p,
            (a, b) if a == b => a,
            _ => Passed::Anything,
        }
    }
}

/// The constants found.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    params: Vec<SmallVec<[Passed; 4]>>,
    results: Vec<Option<Box<[Known]>>>,
}

impl Constants {
    /// Joins what all calls pass. `facts` are by function, `None` for what is imported or kept as bytes; `called_unseen` says whether
    /// a function may be called by someone whose calls are not among the facts.
    pub fn solve(
        facts: &[Option<CallConstants>],
        params: impl Fn(FuncId) -> usize,
        called_unseen: impl Fn(FuncId) -> bool,
    ) -> Constants {
        let start = |f: FuncId| match called_unseen(f) {
            true => Passed::Anything,
            false => Passed::Nothing,
        };
        let mut passed: Vec<SmallVec<[Passed; 4]>> =
            (0..facts.len()).map(FuncId::new).map(|f| SmallVec::from_elem(start(f), params(f))).collect();
        let mut work: Vec<FuncId> = (0..facts.len()).rev().map(FuncId::new).collect();
        let mut waits = vec![true; facts.len()];
        while let Some(func) = work.pop() {
            waits[func.index()] = false;
            for (callee, args) in facts[func.index()].iter().flat_map(CallConstants::calls) {
                for (n, arg) in args.iter().enumerate() {
                    let new = match *arg {
                        Known::Constant(op, imm) => Passed::Constant(op, imm),
                        Known::Parameter(p) => {
                            passed[func.index()].get(p as usize).copied().unwrap_or(Passed::Anything)
                        }
                        Known::Other => Passed::Anything,
                    };
                    let Some(old) = passed[callee.index()].get_mut(n) else { continue };
                    let joined = old.join(new);
                    if *old != joined {
                        *old = joined;
                        if !std::mem::replace(&mut waits[callee.index()], true) {
                            work.push(callee);
                        }
                    }
                }
            }
        }
        let results = facts.iter().map(|f| f.as_ref().and_then(|f| f.results.clone())).collect();
        Constants { params: passed, results }
    }

    /// The parameters that are always one constant, as bits, of the first 64.
    pub fn constant_params(&self, func: FuncId) -> u64 {
        let params = self.params.get(func.index()).map_or(&[][..], SmallVec::as_slice).iter().take(64);
        params.rev().fold(0, |bits, p| bits << 1 | u64::from(matches!(p, Passed::Constant(..))))
    }

    /// Puts the constants into a function: for its parameters, and for the results of its calls. Returns how many values it
    /// replaced.
    pub fn apply(&self, f: &mut Function) -> u64 {
        let mut replaced = SecondaryMap::new();
        let mut count = 0;
        let mut made = Vec::new();
        let mut constant = |f: &mut Function, old: Value, op: Op, imm: Imm| {
            let ty = f.ty(old);
            let inst = f.make_inst(op, imm, &[], &[ty]);
            made.push(inst);
            f.results(inst)[0]
        };
        let own: &[Passed] = self.params.get(f.id.index()).map_or(&[], SmallVec::as_slice);
        for (n, passed) in own.iter().enumerate() {
            let param = f.block_params(f.entry)[n];
            if let Passed::Constant(op, imm) = *passed {
                replaced[param] = constant(f, param, op, imm).into();
                count += 1;
            }
        }
        for n in 0..f.layout.len() {
            for k in 0..f.blocks[f.layout[n]].insts.len() {
                let inst = f.blocks[f.layout[n]].insts[k];
                let (Op::Call, Imm::Func(callee)) = (f.insts[inst].op, f.insts[inst].imm) else { continue };
                let Some(Some(known)) = self.results.get(callee.index()) else { continue };
                for (r, known) in known.iter().enumerate() {
                    let old = f.results(inst)[r];
                    let new = match *known {
                        Known::Constant(op, imm) => constant(f, old, op, imm),
                        Known::Parameter(p) => resolve(&mut replaced, f.args(inst)[p as usize]),
                        Known::Other => continue,
                    };
                    // In code that is never reached a value may depend on itself.
                    if new != old {
                        replaced[old] = new.into();
                        count += 1;
                    }
                }
            }
        }
        if count > 0 {
            f.blocks[f.entry].insts.splice(0..0, made);
            substitute(f, &mut replaced);
        }
        count
    }
}
