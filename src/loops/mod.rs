//! Loops made cheaper before the e-graph, for speed only: fewer branches and fewer operators an iteration.
//!
//! **What.** [`improved`] runs [`rotate`], which puts the test of a loop at its end, behind a copy of it before the loop; then [`carry`],
//! which makes what the previous iteration has computed already a parameter of the header; then [`unroll`], which makes every second
//! test of a counter unnecessary. `docs/loops.md` has the licence of each and what makes it decline.
//!
//! **Invariants in.** A graph that verifies and is reducible. **Invariants out.** The same; every effect and every trap happens as
//! often and in the order in which it did.
//!
//! **Complexity.** Each rotation and each carried value walks the graph once, and [`MAX_WORK`] ends them; the search is linear in the loops.
//!
//! Reference: Aho, Lam, Sethi and Ullman, "Compilers", 2nd edition, 9.5; O'Brien, Hay, Minish et al., "Predictive
//! commoning", IBM, 1990.

pub mod carry;
pub mod rotate;
pub mod unroll;

use crate::analysis::Cfg;
use crate::chaos::Chaos;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, InstData, Terminator};
use crate::ir::types::Type;
use cranelift_entity::EntityList;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// Blocks and instructions that all rotations of one graph walk over, and all replacements of carried values.
pub const MAX_WORK: usize = 2_000_000;

/// How often each pass did something, by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// A graph with cheaper loops, and what was done. `None`: nothing.
pub fn improved(f: &Function, chaos: Chaos) -> Option<(Function, Counts)> {
    if Cfg::compute(f).back_edges().is_empty() {
        return None;
    }
    let mut g = f.clone();
    let mut counts = Counts::new();
    rotate::rotate(&mut g, chaos, &mut counts);
    carry::carry(&mut g, chaos, &mut counts);
    unroll::unroll(&mut g, chaos, &mut counts);
    (!counts.is_empty()).then_some((g, counts))
}

/// Appends a copy of an instruction to a block, of what its operands are mapped to; its results are mapped to those of the copy.
fn copy_inst(f: &mut Function, inst: Inst, to: Block, map: &mut HashMap<Value, Value>) {
    let InstData { op, imm, .. } = f.insts[inst];
    let args: Vec<Value> = f.args(inst).iter().map(|a| map.get(a).copied().unwrap_or(*a)).collect();
    let results = f.results(inst).to_vec();
    let types: Vec<Type> = results.iter().map(|&r| f.ty(r)).collect();
    let new = f.append(to, op, imm, &args, &types);
    // The list stays sorted: this is the newest instruction.
    let origin = f.origin(inst);
    if origin.func != f.id || origin.offset.is_some() {
        f.origins.push((new, origin));
    }
    for (at, r) in results.into_iter().enumerate() {
        let v = f.results(new)[at];
        f.values[v].hint = f.values[r].hint;
        map.insert(r, v);
    }
}

/// The end of a block with what its operands are mapped to.
fn copied_term(f: &mut Function, block: Block, map: &HashMap<Value, Value>) -> Terminator {
    let mut term = f.term(block).clone();
    for v in term.operands_mut(&mut f.pool) {
        *v = map.get(v).copied().unwrap_or(*v);
    }
    for e in term.edges_mut() {
        let args: Vec<Value> = f.edge_args(e).iter().map(|a| map.get(a).copied().unwrap_or(*a)).collect();
        e.args = EntityList::from_slice(&args, &mut f.pool);
    }
    term
}
