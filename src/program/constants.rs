//! Constants between functions: parameters that are the same constant in every call, results that are the same constant or the
//! same parameter in every return.
//!
//! **What.** [`CallConstants`] has of each function what it passes to whom, and what it returns. [`Constants::solve`] finds the
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

use super::interface::{CallConstants, Known};
use crate::ir::cleanup::{resolve, substitute};
use crate::ir::entity::{FuncId, Value};
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Op};
use cranelift_entity::{EntityRef, SecondaryMap};
use smallvec::SmallVec;

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
                        Known::Result(..) | Known::Other => Passed::Anything,
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

    /// The constant that a parameter always is.
    pub(super) fn param(&self, func: FuncId, n: u32) -> Option<(Op, Imm)> {
        match self.params.get(func.index())?.get(n as usize)? {
            Passed::Constant(op, imm) => Some((*op, *imm)),
            Passed::Nothing | Passed::Anything => None,
        }
    }

    /// What a result of a function is in every return.
    pub(super) fn result(&self, func: FuncId, n: u32) -> Known {
        let results = self.results.get(func.index()).and_then(Option::as_deref);
        results.and_then(|known| known.get(n as usize)).copied().unwrap_or(Known::Other)
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
                        Known::Result(..) | Known::Other => continue,
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
