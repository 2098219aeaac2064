//! What a function's body uses of the module: read from its bytes, so that the same walk serves for bodies of the input and
//! for new ones, and sees also what the graph leaves out (types of locals and of blocks).
//!
//! Linear in the code, but for sorting each function's uses.

use crate::Error;
use crate::ir::entity::FuncId;
use crate::module::{Body, Module, Use, body_uses};
use rayon::prelude::*;

/// What a body uses, each use once, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyFacts(Box<[Use]>);

impl BodyFacts {
    /// Of locals and code with the module's own indices; `offset` is their place in the input, for errors.
    ///
    /// # Errors
    /// When the bytes are malformed.
    pub fn of(bytes: &[u8], offset: usize) -> Result<BodyFacts, Error> {
        let mut uses = Vec::new();
        body_uses(bytes, offset, &mut |u| uses.push(u))?;
        uses.sort_unstable();
        uses.dedup();
        Ok(BodyFacts(uses.into()))
    }

    /// The uses.
    pub fn uses(&self) -> &[Use] {
        &self.0
    }
}

/// The facts of all bodies of the input, by function; empty for imported functions.
///
/// # Errors
/// When a body is malformed, which validation rules out.
pub fn of_module(module: &Module) -> Result<Vec<BodyFacts>, Error> {
    let funcs: Vec<FuncId> = module.funcs.keys().collect();
    let facts = |func: FuncId| match &module.funcs[func].body {
        Some(Body::Raw(range)) => {
            BodyFacts::of(module.source.get(range.clone()).unwrap_or_default(), range.start)
        }
        Some(Body::Encoded(bytes)) => BodyFacts::of(bytes, 0),
        None => Ok(BodyFacts::default()),
    };
    funcs.into_par_iter().map(facts).collect()
}
