//! Merging memories, the last step over the whole module: [`crate::program::merged_memories`] decides, this file brings the bodies.
//!
//! It starts from the bytes of the finished module. Bodies that name a memory that moves are lifted, changed and lowered as they
//! are; the others keep their bytes. When one of them cannot be lowered, or the result does not validate, all memories stay (limit
//! `merged-memories-undone`).

use super::as_is::{AsIs, validated};
use super::function::encoded;
use super::timing::Clock;
use super::{Files, Output};
use crate::caps::Fault;
use crate::ir::effects::effects;
use crate::ir::entity::FuncId;
use crate::lift::{Lifted, lift_capped};
use crate::module::{self, Body, Decoded, Entity, Module, UndecodedBody};
use crate::program::merged_memories::{Extents, Merging, PASS, Reached, reached};
use crate::schedule::StackCode;
use crate::{Error, Options};
use rayon::prelude::*;

/// Where it ends when something cannot be written.
const UNDONE: &str = "merged-memories-undone";

/// Merges memories of a finished module, where any can be.
///
/// # Errors
/// When the module cannot be read, which a module that was written does not cause.
pub(super) fn merge_memories(output: &mut Output, options: &Options, files: &Files) -> Result<(), Error> {
    let clock = Clock::default();
    let features = module::used_features(&output.wasm);
    let Decoded { mut module, bodies, types } =
        clock.time("decode", || module::decode_with(&output.wasm, features))?;
    let lifted = |body: UndecodedBody<'_>| {
        clock
            .time("lift", || lift_capped(&module, &types, body, Default::default(), &options.caps))
            .map(|l| l.0)
    };

    let mut extents = Extents::of(&module);
    if extents.are_enough() {
        let found: Vec<Vec<Reached>> = bodies
            .par_iter()
            .map(|body| {
                // Most bodies of most modules name one memory.
                Ok(match lifted(body.clone())? {
                    Lifted::Function(f) => clock.time("program", || reached(&f, &module)),
                    Lifted::Raw(_) => kept_as_bytes(&module, body.func)?,
                })
            })
            .collect::<Result<_, Error>>()?;
        found.into_iter().flatten().for_each(|(memory, end)| extents.add(memory, end));
    }
    let (merging, space) = Merging::plan(&module, &extents);
    let pairs = space.pairs.clone();
    output.report.address_space = Some(space);
    let Some(merging) = merging else {
        output.report.add_phases(clock.phases());
        return Ok(());
    };

    let as_is = AsIs::new(&module, options, files, &clock);
    let aliases = module.aliases();
    let moved = |body: UndecodedBody<'_>| -> Result<Option<(FuncId, StackCode)>, String> {
        let func = body.func;
        let mut moves = false;
        // Also what can never be executed names memories.
        let names = module.raw_body_references(func, &mut |entity| {
            moves |= matches!(entity, Entity::Memory(m) if merging.moves(m));
        });
        names.map_err(|e| e.to_string())?;
        if !moves {
            return Ok(None);
        }
        let Ok(Lifted::Function(mut f)) = lifted(body) else { return Err("not lifted again".to_owned()) };
        merging.apply(&mut f);
        let effects = |op, imm: &_| aliases.widen(effects(op, imm));
        let code = as_is.lowered(&f, &effects)?;
        Ok(Some((func, code)))
    };
    let codes: Result<Vec<Option<(FuncId, StackCode)>>, String> = bodies.into_par_iter().map(moved).collect();
    let written = codes.and_then(|codes| {
        clock.time("encode", || write(&mut module, &merging, codes.into_iter().flatten().collect(), options))
    });
    let checked = written.and_then(|written| validated(&written.wasm, features, &clock).map(|()| written));
    let report = &mut output.report;
    match checked {
        Ok(written) => {
            output.wasm = written.wasm;
            report.output_bytes = output.wasm.len() as u64;
            report.code_bytes.after = written.code_bytes;
            report.passes.insert(PASS.to_owned(), merging.moved());
            for note in written.notes {
                if !report.notes.contains(&note) {
                    report.notes.push(note);
                }
            }
        }
        Err(why) => {
            *report.limits.entry(UNDONE.to_owned()).or_default() += 1;
            report.notes.push(format!("memories are not merged: {why}"));
            let declined = pairs.into_iter().map(|mut pair| {
                if std::mem::take(&mut pair.merged) {
                    pair.reason = "a body could not be written".to_owned();
                }
                pair
            });
            report.address_space =
                Some(crate::report::AddressSpace { pairs: declined.collect(), ..Default::default() });
        }
    }
    report.add_phases(clock.phases());
    Ok(())
}

/// What a body that has no graph does to memories: anything to those that it names.
fn kept_as_bytes(module: &Module, func: FuncId) -> Result<Vec<Reached>, Error> {
    let mut found = Vec::new();
    module.raw_body_references(func, &mut |entity| {
        if let Entity::Memory(memory) = entity {
            found.push((memory, Err("a body kept as bytes uses it")));
        }
    })?;
    Ok(found)
}

/// The module with its moved bodies.
fn write(
    module: &mut Module,
    merging: &Merging,
    codes: Vec<(FuncId, StackCode)>,
    options: &Options,
) -> Result<module::EncodedModule, String> {
    for results in codes.iter().flat_map(|(_, code)| code.block_types()) {
        module.intern_func_type(&[], &results);
    }
    let plan = merging.apply_to_module(module);
    let numbering = module.numbering_of(&plan);
    for (func, code) in &codes {
        let bytes = match options.fault {
            // No locals, and no operator has this number.
            Some(Fault::MergedMemories) => vec![0, 0xff],
            _ => encoded(code, module, &numbering),
        };
        module.funcs[*func].body = Some(Body::Encoded(bytes));
    }
    module::encode(module, &numbering).map_err(|e| e.to_string())
}
