//! Copies of instructions and of the ends of blocks within a graph.

use super::entity::{Block, Inst, Value};
use super::function::{Function, InstData, Terminator};
use super::types::Type;
use cranelift_entity::EntityList;
use hashbrown::HashMap;

/// Appends a copy of an instruction to a block, of what its operands are mapped to; its results are mapped to those of the copy, which
/// comes from where the instruction came from.
pub fn copy_inst(f: &mut Function, inst: Inst, to: Block, map: &mut HashMap<Value, Value>) {
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
pub fn copied_term(f: &mut Function, block: Block, map: &HashMap<Value, Value>) -> Terminator {
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
