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
use crate::ir::function::Function;
use crate::module::{Module, TypeMap, UndecodedBody};
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
    let mut operators = OperatorsReader::new(reader);
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        // What the lifter needs to know from before an operator is on its own stacks; result types come from after it.
        validator.op(offset, &operator)?;
        lifter.operator(&operator, &validator)?;
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
