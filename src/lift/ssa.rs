//! SSA construction for locals on the fly (Braun et al., "Simple and Efficient Construction of Static Single Assignment
//! Form", CC 2013), without recursion: parameters are made while code is read, their operands are filled in at the end, when
//! every predecessor is known, and trivial and dead ones are removed then.

use crate::ir::cleanup::resolve;
use crate::ir::entity::{Block, Value};
use crate::ir::function::{Function, ValueData, ValueDef};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use hashbrown::HashMap;
use smallvec::SmallVec;

/// Most operands that all parameters of one function may have together; beyond it the function is kept raw.
pub const MAX_PHI_OPERANDS: usize = 6_000_000;

/// A block parameter that stands for a local.
pub struct Phi {
    /// The parameter's value.
    pub value: Value,
    /// Its block.
    pub block: Block,
    /// The local.
    pub var: u32,
    /// One operand for each of the block's predecessors, in their order; filled by [`Ssa::fill`].
    pub operands: SmallVec<[Value; 2]>,
}

/// The state of construction of one function.
#[derive(Default)]
pub struct Ssa {
    defs: HashMap<(Block, u32), Value>,
    preds: SecondaryMap<Block, SmallVec<[Block; 2]>>,
    sealed: SecondaryMap<Block, bool>,
    phis: Vec<Phi>,
    /// How many of `phis` came with their operands.
    prefilled: usize,
    /// Types of all locals, parameters first.
    pub locals: Vec<Type>,
    /// Locals whose initial value was read, with the value that stands for it.
    pub initial: Vec<(u32, Value)>,
}

/// How far the operands of a parameter have been compared.
#[derive(Clone, Copy, Default)]
struct Scan {
    /// Those before are the parameter itself or `only`.
    next: u32,
    only: Option<Value>,
    /// The two values in whose lists the parameter waits. What replaces them has taken over their lists.
    waits: [Option<Value>; 2],
}

/// The function is too large for SSA construction.
#[derive(Debug)]
pub struct TooManyOperands;

impl Ssa {
    /// Says that `block` has an edge to `target`. Several edges between the same two blocks count once.
    pub fn add_pred(&mut self, target: Block, block: Block) {
        let preds = &mut self.preds[target];
        if preds.last() != Some(&block) {
            preds.push(block);
        }
    }

    /// Predecessors of a block in the order in which they were found.
    pub fn preds(&self, block: Block) -> &[Block] {
        &self.preds[block]
    }

    /// Says that no further predecessor of `block` will be found.
    pub fn seal(&mut self, block: Block) {
        self.sealed[block] = true;
    }

    /// `local.set`.
    pub fn write(&mut self, block: Block, var: u32, value: Value) {
        self.defs.insert((block, var), value);
    }

    /// The value of a local at the current end of a block.
    pub fn read(&mut self, f: &mut Function, block: Block, var: u32) -> Value {
        let mut path: SmallVec<[Block; 8]> = SmallVec::new();
        let mut at = block;
        let value = loop {
            if let Some(&v) = self.defs.get(&(at, var)) {
                break v;
            }
            let preds = &self.preds[at];
            if self.sealed[at] && preds.len() == 1 {
                path.push(at);
                at = preds[0];
                continue;
            }
            let ty = self.locals[var as usize];
            // The definition is a place holder until the end of the lift.
            let def = ValueDef::Param(at, u32::MAX);
            let v = f.values.push(ValueData { ty, def, hint: Some(var) });
            if at == f.entry {
                self.initial.push((var, v));
            } else {
                self.phis.push(Phi { value: v, block: at, var, operands: SmallVec::new() });
            }
            self.defs.insert((at, var), v);
            break v;
        };
        for b in path {
            self.defs.insert((b, var), value);
        }
        value
    }

    /// Fills in the operands of all parameters. All blocks must be sealed. Reading may create further parameters, which
    /// are filled in turn.
    ///
    /// # Errors
    /// When there are more than `max`.
    pub fn fill(&mut self, f: &mut Function, max: usize) -> Result<(), TooManyOperands> {
        let mut total = 0;
        let mut i = self.prefilled;
        while i < self.phis.len() {
            let (block, var) = (self.phis[i].block, self.phis[i].var);
            total += self.preds[block].len();
            if total > max {
                return Err(TooManyOperands);
            }
            for n in 0..self.preds[block].len() {
                let pred = self.preds[block][n];
                let v = self.read(f, pred, var);
                self.phis[i].operands.push(v);
            }
            i += 1;
        }
        Ok(())
    }

    /// Replaces parameters whose operands are all one value (or themselves) by that value, until none is left.
    /// Returns what replaces each value; follow it with [`resolve`].
    pub fn remove_trivial(&mut self, f: &Function) -> SecondaryMap<Value, PackedOption<Value>> {
        let mut replaced: SecondaryMap<Value, PackedOption<Value>> =
            SecondaryMap::with_capacity(f.values.len());
        let mut number: SecondaryMap<Value, u32> = SecondaryMap::with_default(u32::MAX);
        for (i, phi) in self.phis.iter().enumerate() {
            number[phi.value] = i as u32;
        }
        // A parameter is looked at up to the first operand that differs from those before it, and goes on there when one of
        // both is replaced. It waits in the lists of both.
        let mut scans: Vec<Scan> = vec![Scan::default(); self.phis.len()];
        let mut waiting: HashMap<Value, Vec<u32>> = HashMap::new();
        let mut waits = 0;
        let mut work: Vec<u32> = (0..self.phis.len() as u32).rev().collect();
        while let Some(i) = work.pop() {
            let phi = &self.phis[i as usize];
            if replaced[phi.value].is_some() {
                continue;
            }
            let scan = &mut scans[i as usize];
            scan.only = scan.only.map(|v| resolve(&mut replaced, v)).filter(|&v| v != phi.value);
            let mut other = None;
            for &o in &phi.operands[scan.next as usize..] {
                let o = resolve(&mut replaced, o);
                if o != phi.value && scan.only != Some(o) {
                    if scan.only.is_some() {
                        other = Some(o);
                        break;
                    }
                    scan.only = Some(o);
                }
                scan.next += 1;
            }
            let Some(v) = scan.only else { continue };
            if let Some(other) = other {
                // Not into a list that it is in: each look at it would make that list longer.
                let known = scan.waits.map(|w| w.map(|w| resolve(&mut replaced, w)));
                for value in [v, other].into_iter().filter(|v| !known.contains(&Some(*v))) {
                    waiting.entry(value).or_default().push(i);
                    waits += 1;
                }
                scan.waits = [Some(v), Some(other)];
                continue;
            }
            replaced[phi.value] = Some(v).into();
            // Two lists become one. Those that wait for both stand in the shorter one too.
            let mut more = waiting.remove(&phi.value).unwrap_or_default();
            let list = waiting.entry(v).or_default();
            if list.len() < more.len() {
                std::mem::swap(list, &mut more);
            }
            work.extend(&more);
            list.append(&mut more);
            work.extend(Some(number[v]).filter(|&n| n != u32::MAX));
        }
        let operands: usize = self.phis.iter().map(|p| p.operands.len()).sum();
        debug_assert!(waits <= operands, "{waits} entries in lists for {operands} operands");
        self.phis.retain(|p| replaced[p.value].is_none());
        replaced
    }

    /// Replaces the predecessors that were recorded.
    pub fn set_preds(&mut self, preds: SecondaryMap<Block, SmallVec<[Block; 2]>>) {
        self.preds = preds;
    }

    /// Adds parameters in front, with their operands.
    pub fn prepend(&mut self, mut phis: Vec<Phi>) {
        self.prefilled = phis.len();
        phis.append(&mut self.phis);
        self.phis = phis;
    }

    /// The parameters that are left.
    pub fn phis(&self) -> &[Phi] {
        &self.phis
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::entity::FuncId;

    /// A tournament: of two parameters at a time one becomes the other, and for each of them another parameter waits, which
    /// is looked at again in every round. With a place in the lists for each look they would grow by half in a round.
    #[test]
    fn a_parameter_waits_in_each_list_once() {
        const ROUNDS: u32 = 16;
        let mut f = Function::new(FuncId::from_u32(0), vec![Type::I32; 2], Vec::new());
        let block = f.entry;
        let [x, y] = [f.block_params(block)[0], f.block_params(block)[1]];
        let n = 1u32 << ROUNDS;
        let mut ssa = Ssa::default();
        let mut phi = |f: &mut Function, operands: &[Value]| {
            let def = ValueDef::Param(block, u32::MAX);
            let value = f.values.push(ValueData { ty: Type::I32, def, hint: None });
            ssa.phis.push(Phi { value, block, var: 0, operands: operands.into() });
            value
        };
        // As in a heap: `n` leaves, each above the half of its number, and `x` below number 1. A node becomes what is below
        // it when its second operand does, which happens in the order of the rounds.
        let first = f.values.len() as u32;
        let node = |i: u32| if i == 0 { x } else { Value::from_u32(first + 2 * n - 1 - i) };
        let second = |i: u32| Value::from_u32(first + 2 * n - 1 + 2 * n - 1 - i);
        for i in (1..2 * n).rev() {
            assert_eq!(phi(&mut f, &[node(i / 2), second(i)]), node(i));
        }
        for i in (1..2 * n).rev() {
            assert_eq!(phi(&mut f, &[node(i / 2)]), second(i));
        }
        let waiting: Vec<Value> = (n..2 * n).map(|i| phi(&mut f, &[node(i), y])).collect();
        // Those that wait are looked at before any other, so that all lists are there when the first two become one.
        let count = waiting.len();
        ssa.phis.rotate_right(count);
        let mut replaced = ssa.remove_trivial(&f);
        assert_eq!(ssa.phis().len(), count);
        assert_eq!(resolve(&mut replaced, node(2 * n - 1)), x);
        assert!(waiting.iter().all(|&w| replaced[w].is_none()));
    }
}
