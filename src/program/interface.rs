//! What crosses a function's borders: what it passes to others, what it returns, and what it does itself with its parameters and
//! with what its calls return.
//!
//! In: a graph. Out: [`CallConstants`], which [`super::constants`] and [`super::signatures`] join over the program.
//!
//! Complexity: linear in the graph.

use crate::ir::entity::{FuncId, Inst, Value};
use crate::ir::function::{Function, TailCallee, Terminator, ValueDef};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use hashbrown::HashMap;

/// Parameters and results beyond this many are not told apart: they count as used.
pub const TRACKED: u32 = 64;

/// What is known of a value that crosses a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The constant that this operator makes with this immediate.
    Constant(Op, Imm),
    /// A parameter of the function at hand.
    Parameter(u32),
    /// A result of one of its direct calls: the number of the call, and which result.
    Result(u32, u32),
    /// Anything.
    Other,
}

/// What a function passes to others, what it returns, and what it uses itself.
#[derive(Clone, Debug, Default)]
pub struct CallConstants {
    /// Direct calls, each with where its arguments begin.
    calls: Vec<(FuncId, u32)>,
    /// What the arguments of all calls are.
    args: Vec<Known>,
    /// What each result is in every return; `None` when it never returns.
    pub(super) results: Option<Box<[Known]>>,
    /// Parameters used for anything but arguments of direct calls and returns, as bits.
    used: u64,
    /// Results of direct calls used so, as bits, by the number of the call.
    used_results: Vec<(u32, u64)>,
    /// Parameters and results of calls that are returned, with the place among the results.
    returned: Vec<(u32, Known)>,
    /// Functions that are called in place of a return: results are theirs.
    tails: Vec<FuncId>,
    /// Whether someone is called so who is not known.
    unknown_tail: bool,
    /// Functions called where exceptions are handled: all their results count as used.
    invoked: Vec<FuncId>,
}

/// A graph under examination.
struct Scan<'a> {
    f: &'a Function,
    found: CallConstants,
    /// Numbers of the direct calls.
    numbers: HashMap<Inst, u32>,
    used_results: HashMap<u32, u64>,
}

impl CallConstants {
    /// Of a graph.
    pub fn of(f: &Function) -> CallConstants {
        let mut scan = Scan {
            f,
            found: CallConstants::default(),
            numbers: HashMap::new(),
            used_results: HashMap::new(),
        };
        let is_direct = |&i: &Inst| f.insts[i].op == Op::Call;
        for inst in f.layout.iter().flat_map(|&b| f.blocks[b].insts.iter().copied().filter(is_direct)) {
            let number = scan.numbers.len() as u32;
            scan.numbers.insert(inst, number);
        }
        // First the calls that have a number, in the same order.
        for &b in &f.layout {
            for &i in &f.blocks[b].insts {
                match (f.insts[i].op, f.insts[i].imm) {
                    (Op::Call, Imm::Func(callee)) => scan.calls(callee, f.args(i)),
                    _ => f.args(i).iter().for_each(|&v| scan.mark(v)),
                }
            }
        }
        for &b in &f.layout {
            scan.end(f.term(b));
        }
        let Scan { mut found, used_results, .. } = scan;
        found.used_results = used_results.into_iter().collect();
        found.used_results.sort_unstable();
        found.calls.shrink_to_fit();
        found.args.shrink_to_fit();
        found
    }

    /// Parameters used for anything but arguments of direct calls and returns, as bits.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Results of direct calls used so: the number of the call, and which, as bits.
    pub(super) fn used_results(&self) -> &[(u32, u64)] {
        &self.used_results
    }

    /// What is returned, with its place among the results: parameters and results of calls, all that any return has there.
    pub(super) fn returned(&self) -> &[(u32, Known)] {
        &self.returned
    }

    /// Functions whose results are this one's: those that it calls last. `None` when not all of them are known.
    pub(super) fn tails(&self) -> Option<&[FuncId]> {
        (!self.unknown_tail).then_some(&self.tails)
    }

    /// Functions called where exceptions are handled.
    pub(super) fn invoked(&self) -> &[FuncId] {
        &self.invoked
    }

    /// Direct calls with what each argument is.
    pub(super) fn calls(&self) -> impl Iterator<Item = (FuncId, &[Known])> {
        (0..self.calls.len()).map(|n| self.call(n))
    }

    /// The direct call of a number.
    pub(super) fn call(&self, n: usize) -> (FuncId, &[Known]) {
        let (callee, start) = self.calls[n];
        let end = self.calls.get(n + 1).map_or(self.args.len(), |&(_, next)| next as usize);
        (callee, &self.args[start as usize..end])
    }
}

impl Scan<'_> {
    fn calls(&mut self, callee: FuncId, args: &[Value]) {
        self.found.calls.push((callee, self.found.args.len() as u32));
        for &v in args {
            // A reference may have a narrower type at the call.
            if matches!(self.f.ty(v), Type::Ref(_)) {
                self.mark(v);
            }
            let known = self.known(v);
            self.found.args.push(known);
        }
    }

    /// A value is used for itself.
    fn mark(&mut self, v: Value) {
        match self.source(v) {
            Known::Parameter(n) if n < TRACKED => self.found.used |= 1 << n,
            Known::Result(call, n) if n < TRACKED => *self.used_results.entry(call).or_default() |= 1 << n,
            _ => {}
        }
    }

    fn end(&mut self, term: &Terminator) {
        let f = self.f;
        let operands = term.operands(&f.pool);
        match term {
            Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), .. } => {
                self.calls(*callee, operands);
                self.found.invoked.push(*callee);
            }
            Terminator::TailCall { callee, .. } => {
                match callee {
                    TailCallee::Direct(callee) => {
                        self.calls(*callee, operands);
                        self.found.tails.push(*callee);
                    }
                    TailCallee::Indirect(..) | TailCallee::Ref(_) => {
                        operands.iter().for_each(|&v| self.mark(v));
                        self.found.unknown_tail = true;
                    }
                }
                self.found.results = Some(vec![Known::Other; f.results.len()].into());
            }
            Terminator::Return(_) => self.returns(operands),
            _ => operands.iter().for_each(|&v| self.mark(v)),
        }
        term.edges().for_each(|e| f.edge_args(e).iter().for_each(|&v| self.mark(v)));
    }

    fn returns(&mut self, operands: &[Value]) {
        for (n, &v) in operands.iter().enumerate() {
            let entry = (n as u32, self.source(v));
            match entry.1 {
                Known::Parameter(_) | Known::Result(..) if !self.found.returned.contains(&entry) => {
                    self.found.returned.push(entry);
                }
                _ => {}
            }
        }
        let returned: Box<[Known]> = operands.iter().map(|&v| self.known(v)).collect();
        match &mut self.found.results {
            None => self.found.results = Some(returned),
            Some(known) => {
                for (k, r) in known.iter_mut().zip(returned) {
                    *k = if *k == r { r } else { Known::Other };
                }
            }
        }
    }

    /// What a value is, as far as it can stand for another.
    fn known(&self, v: Value) -> Known {
        if let Some(i) = self.f.def_inst(v)
            && let op @ (Op::I32Const | Op::I64Const | Op::F32Const | Op::F64Const) = self.f.insts[i].op
        {
            return Known::Constant(op, self.f.insts[i].imm);
        }
        match self.f.ty(v) {
            Type::Ref(_) => Known::Other,
            _ => self.source(v),
        }
    }

    /// The parameter or the result of a call that a value is.
    fn source(&self, v: Value) -> Known {
        match self.f.values[v].def {
            ValueDef::Param(b, n) if b == self.f.entry => Known::Parameter(n),
            ValueDef::Param(..) => Known::Other,
            ValueDef::Result(i, n) => {
                self.numbers.get(&i).map_or(Known::Other, |&call| Known::Result(call, n))
            }
        }
    }
}
