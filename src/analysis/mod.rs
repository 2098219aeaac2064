//! Analyses over function graphs: control flow, dominators, loops, liveness, use counts, effect summaries of calls, memory
//! SSA, bits known to be zero. `docs/ir.md` describes them.
//!
//! Input: a [`Function`](crate::ir::function::Function) whose live blocks all have terminators. Nothing here changes it.
//! All algorithms are iterative and linear or `n log n` in blocks plus edges.

pub mod bits;
pub mod cfg;
pub mod components;
pub mod dominators;
pub mod liveness;
pub mod loops;
pub mod memory_ssa;
pub mod summaries;
pub mod uses;

pub use bits::Bits;
pub use cfg::Cfg;
pub use components::components;
pub use dominators::DomTree;
pub use liveness::Liveness;
pub use loops::Loops;
pub use memory_ssa::{MemorySsa, Resource, Version, VersionDef};
pub use summaries::{CallFacts, Summaries};
pub use uses::UseCounts;

use crate::interp::Const;
use crate::ir::entity::Value;
use crate::ir::function::Function;

/// The constant that a value is defined by.
pub fn constant(f: &Function, v: Value) -> Option<Const> {
    let inst = f.def_inst(v)?;
    Const::from_imm(&f.insts[inst].imm).filter(|c| c.to_op().0 == f.insts[inst].op)
}
