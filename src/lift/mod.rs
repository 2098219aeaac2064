//! Lift: a Wasm function body to an SSA graph, validating it on the way.
//!
//! **In:** a function body and its validator ([`crate::module::UndecodedBody`]). **Out:** a [`Function`] in which locals,
//! the operand stack and block structure are resolved; or, when the body holds something that the graph does not model
//! (legacy exceptions), [`Lifted::Raw`] with the reason; or the validation error. **Invariants out:** pruned minimal SSA (no
//! parameter for a dead local, none whose operands are all equal), no unreachable block, no block that only jumps, no pure
//! instruction without a use, `layout` in the order of the input. One pass over the operators, no recursion; time and
//! memory are linear but for block parameters, which [`ssa::MAX_PHI_OPERANDS`] caps.
//!
//! Reference: Braun et al., "Simple and Efficient Construction of Static Single Assignment Form", CC 2013.

mod control;
mod finish;
mod operators;
pub mod ssa;
#[cfg(test)]
mod tests;

use crate::Error;
pub use finish::MAX_EDGE_ARGS;
pub use operators::{DecodeError, decode as decode_operator};

use crate::caps::Caps;
use crate::ir::entity::Inst;
use crate::ir::function::Function;
use crate::ir::function::Origin;
use crate::ir::ops::Imm;
use crate::module::{ATTESTATION, Module, TypeMap, UndecodedBody};
use cranelift_entity::EntityRef;
use wasmparser::{FuncValidatorAllocations, OperatorsReader};

/// What became of a body.
pub enum Lifted {
    /// Its graph.
    Function(Box<Function>),
    /// Valid, but not modelled, for the reason given.
    Raw(&'static str),
}

/// Validates and lifts one body. The allocations are handed from body to body to save work.
///
/// # Errors
/// The first validation error, with its offset.
pub fn lift(
    module: &Module,
    types: &TypeMap,
    body: UndecodedBody<'_>,
    allocations: FuncValidatorAllocations,
) -> Result<(Lifted, FuncValidatorAllocations), Error> {
    lift_capped(module, types, body, allocations, &Caps::default())
}

/// [`lift`] under caps of the caller's.
///
/// # Errors
/// As for [`lift`].
pub fn lift_capped(
    module: &Module,
    types: &TypeMap,
    body: UndecodedBody<'_>,
    allocations: FuncValidatorAllocations,
    caps: &Caps,
) -> Result<(Lifted, FuncValidatorAllocations), Error> {
    let mut validator = body.validator.into_validator(allocations);
    let mut reader = body.body.get_binary_reader();
    validator.read_locals(&mut reader)?;
    reader.set_features(*validator.features());
    let mut lifter = control::Lifter::new(module, types, body.func, &validator)?;
    // For the boundary report, which says where.
    let notes_places = module.custom(ATTESTATION).is_some();
    let mut operators = OperatorsReader::new(reader);
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        // What the lifter needs to know from before an operator is on its own stacks; result types come from after it.
        validator.op(offset, &operator)?;
        let before = lifter.f.insts.len();
        lifter.operator(&operator, &validator)?;
        if notes_places {
            note_places(&mut lifter.f, before, offset);
        }
    }
    operators.finish()?;
    let lifted = match lifter.raw {
        Some(reason) => Lifted::Raw(reason),
        None => match finish::finish(lifter, caps) {
            Ok(function) => Lifted::Function(Box::new(function)),
            Err(reason) => Lifted::Raw(reason),
        },
    };
    Ok((lifted, validator.into_allocations()))
}

/// Notes where the calls and accesses to memory stood among the instructions from this one on.
fn note_places(f: &mut Function, from: usize, offset: u64) {
    for inst in (from..f.insts.len()).map(Inst::new) {
        let data = &f.insts[inst];
        let accesses = data.imm.memarg().is_some() || matches!(data.imm, Imm::MemCopy { .. });
        if data.op.is_call() || accesses {
            f.origins.push((inst, Origin { func: f.id, offset: u32::try_from(offset).ok() }));
        }
    }
}
