//! What a function's body uses of the module: read from its bytes, so that the same walk serves for bodies of the input and
//! for new ones, and sees also what the graph leaves out (types of locals and of blocks).
//!
//! Linear in the code, but for sorting what each function uses.

use crate::Error;
use crate::ir::entity::FuncId;
use crate::module::{Module, Use, body_uses};
use hashbrown::HashSet;
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
        // Large bodies name few things, each very often.
        let mut seen = HashSet::new();
        body_uses(bytes, offset, &mut |u| {
            seen.insert(u);
        })?;
        let mut uses: Vec<Use> = seen.into_iter().collect();
        uses.sort_unstable();
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
    let facts = |func: FuncId| match module.body(func) {
        ([], _) => Ok(BodyFacts::default()),
        (bytes, offset) => BodyFacts::of(bytes, offset),
    };
    funcs.into_par_iter().map(facts).collect()
}
