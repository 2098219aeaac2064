//! Graphs lowered as they are, for the steps that start from a module which is written already and change some of its functions.

use super::Files;
use super::timing::Clock;
use crate::Options;
use crate::chaos::Chaos;
use crate::cost::CostTable;
use crate::ir::effects::EffectSet;
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Op};
use crate::ir::verify::verify;
use crate::module::{self, Module};
use crate::schedule::{LowerContext, StackCode, lower};
use wasmparser::WasmFeatures;

/// What such a step lowers its graphs with.
pub(super) struct AsIs<'a> {
    module: &'a Module,
    options: &'a Options,
    costs: &'a CostTable,
    clock: &'a Clock,
    multi_value: bool,
}

impl<'a> AsIs<'a> {
    /// For functions of a module.
    pub fn new(module: &'a Module, options: &'a Options, files: &'a Files, clock: &'a Clock) -> AsIs<'a> {
        let costs = files.costs(options);
        AsIs { module, options, costs, clock, multi_value: module.has_multi_value() }
    }

    /// The code of a graph, which is verified before where that was asked for.
    ///
    /// # Errors
    /// What the verifier, the lowering or its checker has against it.
    pub fn lowered(
        &self,
        f: &Function,
        effects: &(dyn Fn(Op, &Imm) -> EffectSet + Sync),
    ) -> Result<StackCode, String> {
        if self.options.verify {
            self.clock.time("verify", || verify(f, self.module)).map_err(|errors| errors[0].clone())?;
        }
        let context = LowerContext {
            effects,
            multi_value: self.multi_value,
            costs: self.costs,
            caps: self.options.caps,
            fault: None,
            chaos: Chaos::new(self.options.chaos, f.id.as_u32()),
        };
        self.clock.time("lower", || lower(f, &context)).map_err(|e| format!("{e:?}"))
    }
}

/// Whether a module that was written is valid, with the features that the one before has.
///
/// # Errors
/// What the validator has against it.
pub(super) fn validated(wasm: &[u8], features: WasmFeatures, clock: &Clock) -> Result<(), String> {
    let valid = clock
        .time("verify", || module::decode_with(wasm, features).and_then(module::Decoded::validate_bodies));
    valid.map(drop).map_err(|e| e.to_string())
}
