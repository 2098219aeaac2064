//! The instructions of a block.

use super::{Demand, Stackify};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::ValueDef;
use crate::ir::ops::Op;
use crate::schedule::LowerError;
use crate::schedule::code::StackOp;
use crate::schedule::prepare::opposite;

/// How far down an instruction may be moved, in instructions of its block.
const WINDOW: usize = 64;

impl Stackify<'_> {
    /// Makes a block's instructions, opening the `floats` innermost frames on the way.
    pub(super) fn body(&mut self, block: Block, floats: usize) -> Result<(), LowerError> {
        self.current = block;
        self.cursor = self.p.f.blocks[block].insts.len();
        let mut closed = floats;
        loop {
            self.settle();
            if closed > 0 && self.demands.len() == self.base() {
                self.open_float();
                closed -= 1;
                continue;
            }
            let Some(inst) = self.last() else { break };
            if !self.emit_last(inst) {
                if closed == 0 {
                    return Err(LowerError::Unsupported("value demanded outside of its frame"));
                }
                self.satisfy_frame();
                self.open_float();
                closed -= 1;
            }
        }
        for _ in 0..closed {
            self.satisfy_frame();
            self.open_float();
        }
        Ok(())
    }

    fn open_float(&mut self) {
        if let Some(id) = self.frames.last().map(|f| f.id) {
            self.leave(StackOp::Block(id));
        }
    }

    /// The last instruction of the current block that is still to be made.
    fn last(&mut self) -> Option<Inst> {
        while let Some(n) = self.cursor.checked_sub(1) {
            let inst = self.p.f.blocks[self.current].insts[n];
            // A constant may be repeated at all its uses.
            let idle = self.p.f.insts[inst].op.is_const()
                && self.p.f.results(inst).iter().all(|&r| {
                    let repeat = self.p.repeat[r];
                    !self.needs_local[r]
                        && (self.remaining[r] == 0 || (repeat.at_operands && repeat.at_edges))
                });
            if !self.done[inst] && !idle && !self.p.is_dead(inst) {
                return Some(inst);
            }
            self.cursor = n;
        }
        None
    }

    /// Satisfies the topmost demands that no instruction of this block will.
    fn settle(&mut self) {
        while let Some(d) = self.demands.last().copied().filter(|_| self.demands.len() > self.base()) {
            let wait = !self.repeats(&d)
                && self.remaining[d.value] == 1
                && match self.p.f.values[d.value].def {
                    ValueDef::Result(i, _) => {
                        self.p.position[i].0 == self.current || !self.needs_local[d.value]
                    }
                    ValueDef::Param(b, _) => b == self.current && b != self.p.f.entry,
                }
                && self.cx.chaos.flip("leave on the stack", d.value, true);
            if wait {
                break;
            }
            self.satisfy_top();
        }
    }

    /// Makes the last instruction. False when its result is demanded outside of the innermost frame.
    fn emit_last(&mut self, inst: Inst) -> bool {
        let results = self.p.f.results(inst);
        let base = self.base();
        let Some(at) = self.topmost(results) else {
            self.results_to_locals(results);
            self.emit(inst, StackOp::Inst(inst));
            return true;
        };
        if at < base {
            return false;
        }
        // Everything above the demand is satisfied first.
        if at + 1 < self.demands.len() {
            if let [_, ..] = results
                && results.len() > 1
                && self.results_on_top(results)
            {
                self.take_results(results);
                self.emit(inst, StackOp::Inst(inst));
                return true;
            }
            if !self.sink_top() {
                self.satisfy_top();
            }
            return true;
        }
        let v = self.demands[at].value;
        if results.len() > 1 {
            if v != results[0] || self.pending[v] > 1 || results[1..].iter().any(|&r| self.pending[r] > 0) {
                if self.results_on_top(results) {
                    self.take_results(results);
                    self.emit(inst, StackOp::Inst(inst));
                } else {
                    self.satisfy_top();
                }
                return true;
            }
            let d = self.take_top();
            if d.negate {
                self.out.push(StackOp::Eqz);
            }
            self.tee(&d);
            self.results_to_locals(&results[1..]);
            self.emit(inst, StackOp::Inst(inst));
            return true;
        }
        if self.pending[v] > 1 {
            self.satisfy_top();
            return true;
        }
        self.emit_top(inst);
        true
    }

    /// Position of the topmost demand for one of the values.
    fn topmost(&self, results: &[Value]) -> Option<usize> {
        if results.iter().all(|&r| self.pending[r] == 0) {
            return None;
        }
        self.demands.iter().rposition(|d| results.contains(&d.value))
    }

    /// Whether the topmost demands are exactly all results, none of which is needed elsewhere.
    fn results_on_top(&self, results: &[Value]) -> bool {
        let n = self.demands.len();
        n >= self.base() + results.len()
            && self.demands[n - results.len()..]
                .iter()
                .zip(results)
                .all(|(d, &r)| d.value == r && !d.negate && self.pending[r] == 1 && !self.needs_local[r])
    }

    fn take_results(&mut self, results: &[Value]) {
        for _ in results {
            self.take_top();
        }
    }

    fn take_top(&mut self) -> Demand {
        let d = self.demands.pop().expect("a demand was found");
        self.pending[d.value] -= 1;
        self.remaining[d.value] -= 1;
        d
    }

    fn tee(&mut self, d: &Demand) {
        if self.needs_local[d.value] {
            self.moved(d);
            self.out.push(StackOp::Tee(d.value));
        }
    }

    /// Stores results that nothing on the stack waits for.
    fn results_to_locals(&mut self, results: &[Value]) {
        for &r in results {
            self.out.push(if self.needs_local[r] { StackOp::Set(r) } else { StackOp::Drop });
        }
    }

    /// Makes an instruction whose only result is the topmost demand.
    fn emit_top(&mut self, inst: Inst) {
        let d = self.take_top();
        let data = &self.p.f.insts[inst];
        if d.negate && !self.needs_local[d.value] {
            if data.op == Op::I32Eqz && self.cx.chaos.flip("negate twice", inst, true) {
                self.done[inst] = true;
                let value = self.p.f.args(inst)[0];
                self.demand(Demand { value, negate: false, edge: false, set: None });
                return;
            }
            if opposite(data.op).is_some() && self.cx.chaos.flip("opposite comparison", inst, true) {
                self.emit(inst, StackOp::Inverted(inst));
                return;
            }
        }
        if d.negate {
            self.out.push(StackOp::Eqz);
        }
        self.tee(&d);
        self.emit(inst, StackOp::Inst(inst));
    }

    fn emit(&mut self, inst: Inst, op: StackOp<Value>) {
        self.out.push(op);
        self.done[inst] = true;
        let args = self.p.f.args(inst);
        let swap = match *args {
            [x, y, ..] if self.p.f.insts[inst].op.info().commutes => {
                let usual = matches!((self.own(x), self.own(y)), (Some(i), Some(j)) if i > j);
                self.cx.chaos.flip("swap operands", inst, usual)
            }
            _ => false,
        };
        for i in 0..args.len() {
            let value = match i {
                0 | 1 if swap => args[1 - i],
                _ => args[i],
            };
            self.demand(Demand { value, negate: false, edge: false, set: None });
        }
    }

    /// Position of the instruction in this block that computes a value only for the next demand.
    fn own(&self, v: Value) -> Option<u32> {
        let i = self.p.f.def_inst(v)?;
        let (block, n) = self.p.position[i];
        (block == self.current && !self.done[i] && self.remaining[v] == 1 && !self.p.repeat[v].at_operands)
            .then_some(n)
    }

    /// Makes the instruction of the topmost demand here though others come after it, if nothing is in the way.
    fn sink_top(&mut self) -> bool {
        let Some(&d) = self.demands.last() else { return false };
        let v = d.value;
        let (Some(at), Some(inst)) = (self.own(v), self.p.f.def_inst(v)) else { return false };
        if self.p.f.result(inst).is_none()
            || self.pending[v] != 1
            || self.cursor - at as usize > WINDOW
            || !self.cx.chaos.flip("move down", inst, true)
        {
            return false;
        }
        let insts = &self.p.f.blocks[self.current].insts[at as usize + 1..self.cursor];
        let effect = |i: Inst| (self.cx.effects)(self.p.f.insts[i].op, &self.p.f.insts[i].imm);
        if !self.p.f.insts[inst].op.is_pure() {
            let own = effect(inst);
            if insts.iter().any(|&i| !self.done[i] && own.conflicts(effect(i))) {
                return false;
            }
        }
        self.emit_top(inst);
        true
    }
}
