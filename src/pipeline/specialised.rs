//! Functions that read the caller's memory, made between two rounds: [`crate::memory::readers`] says which can be, this file brings them.
//!
//! A round tells which functions would have to read another memory for a buffer to go (`Promoted::wanted`). From the bytes that it
//! wrote, the copies of these functions are made and added, and the callers whose buffers go then call them. All are lowered as they are:
//! the next round optimizes them, and leaves out what nothing calls. When one of them cannot be lowered, or the result does not
//! validate, the module stays as it was (limit `specialised-undone`).

use super::as_is::{AsIs, validated};
use super::function::encoded;
use super::survey::{Survey, Surveyed, survey};
use super::timing::Clock;
use super::{Files, Output};
use crate::analysis::Summaries;
use crate::fused::{Assumed, Carried, recognize};
use crate::ir::entity::FuncId;
use crate::ir::function::Function;
use crate::memory::readers::{self, Moved, Readers};
use crate::memory::{self, Context};
use crate::module::{self, Body, Identity, Module};
use crate::program::inline::call_sites;
use crate::schedule::StackCode;
use crate::{Error, Objective, Options};
use cranelift_entity::{EntityRef, EntitySet};
use std::collections::{BTreeMap, BTreeSet};

/// Where it ends when something cannot be written.
const UNDONE: &str = "specialised-undone";
/// Instructions that are copied at most, besides a quarter of all.
const MAX_COPIED: usize = 2_000;

/// A module with functions that read other memories than those that they are copies of.
pub(super) struct Specialised {
    /// The module.
    pub wasm: Vec<u8>,
    /// Bytes of the bodies that were added.
    pub added: usize,
    /// What was done in it.
    pub passes: memory::Counts,
    /// The functions that were changed or added, with their names: nothing derives these changes anew.
    pub changed: Vec<(FuncId, Option<String>)>,
}

/// The module with such functions, where they let any buffer go.
///
/// # Errors
/// When the module cannot be read, which a module that was written does not cause.
pub(super) fn specialise(
    output: &mut Output,
    carried: &mut Carried,
    options: &Options,
    files: &Files,
) -> Result<Option<Specialised>, Error> {
    let wanted = std::mem::take(&mut carried.wanted);
    if wanted.is_empty() {
        return Ok(None);
    }
    let clock = Clock::default();
    let features = module::used_features(&output.wasm);
    let decoded = clock.time("decode", || module::decode_with(&output.wasm, features))?;
    let assumed = Assumed::of(&decoded.module, options, carried.looks_fused);
    let Survey { mut module, types, functions, mut summaries, inline, shapes, .. } =
        survey(decoded, &clock, &options.caps, false, true, &EntitySet::new())?;
    let knowledge = recognize(&module, &shapes, &summaries, assumed, carried);
    let graph = |func: FuncId| {
        let at = functions.binary_search_by_key(&func, |s: &Surveyed<'_>| s.func).ok()?;
        clock.time("lift", || functions[at].copy(&module, &types, &options.caps))
    };

    let keys: Vec<Moved> = wanted.iter().map(|(_, moved)| moved.clone()).collect();
    let speed = options.objective == Objective::Speed;
    let cx =
        Context { knowledge: &knowledge, summaries: &summaries, info: &module, speed: false, readers: None };
    let found = clock.time("memory", || readers::solve(&keys, graph, &cx));
    let all: usize = inline.iter().map(|f| f.size).sum();
    let copied: usize = found.values().map(readers::Reader::size).sum();
    if found.is_empty() || speed && copied > MAX_COPIED + all / 4 {
        output.report.add_phases(clock.phases());
        return Ok(None);
    }
    let first = module.funcs.len();
    let ids: BTreeMap<Moved, FuncId> =
        found.keys().enumerate().map(|(n, moved)| (moved.clone(), FuncId::new(first + n))).collect();
    for (moved, &id) in &ids {
        summaries.add_copy(id, moved.func, moved.moves.iter().map(|m| m.to));
    }
    let readers = Readers::new(&ids);
    let cx = Context {
        knowledge: &knowledge,
        summaries: &summaries,
        info: &module,
        speed: false,
        readers: Some(&readers),
    };
    let mut passes = memory::Counts::new();
    let mut changed: Vec<Function> = Vec::new();
    let callers: BTreeSet<FuncId> = wanted.iter().map(|&(caller, _)| caller).collect();
    for caller in callers {
        let Some(mut f) = graph(caller) else { continue };
        let done = clock.time("memory", || memory::promote(&mut f, &cx));
        let calls = call_sites(&f).iter().filter(|(_, callee)| callee.index() >= first).count() as u64;
        if calls > 0 {
            for (name, n) in done.counts.into_iter().chain([(readers::PASS, calls)]) {
                *passes.entry(name).or_default() += n;
            }
            changed.push(*f);
        }
    }
    if changed.is_empty() {
        output.report.add_phases(clock.phases());
        return Ok(None);
    }
    let copies = found.into_values().map(|reader| {
        let id = ids[&reader.moved];
        (reader.moved.func, reader.make(id, &ids))
    });
    let (originals, copies): (Vec<FuncId>, Vec<Function>) = copies.unzip();
    let types: Vec<_> = originals.iter().map(|&func| module.funcs[func].ty).collect();
    for ty in types {
        module.add_func(ty, Vec::new());
    }
    changed.extend(copies);
    let named = changed.iter().map(|f| (f.id, module.func_name(f.id).map(str::to_owned))).collect();
    let written = write(&mut module, (&changed, first), &summaries, options, files, &clock);
    let checked = written.and_then(|(wasm, added)| {
        let specialised = Specialised { wasm, added, passes, changed: named };
        validated(&specialised.wasm, features, &clock).map(|()| specialised)
    });
    let report = &mut output.report;
    report.add_phases(clock.phases());
    match checked {
        Ok(written) => Ok(Some(written)),
        Err(why) => {
            *report.limits.entry(UNDONE.to_owned()).or_default() += 1;
            report.notes.push(format!("callees are not specialised: {why}"));
            Ok(None)
        }
    }
}

/// The module with these functions, and the bytes of those that were added: from this one on.
fn write(
    module: &mut Module,
    (functions, first): (&[Function], usize),
    summaries: &Summaries,
    options: &Options,
    files: &Files,
    clock: &Clock,
) -> Result<(Vec<u8>, usize), String> {
    let as_is = AsIs::new(module, options, files, clock);
    let effects = |op, imm: &_| summaries.effects(op, imm);
    let codes: Vec<StackCode> =
        functions.iter().map(|f| as_is.lowered(f, &effects)).collect::<Result<_, _>>()?;
    for results in codes.iter().flat_map(StackCode::block_types) {
        module.intern_func_type(&[], &results);
    }
    let mut added = 0;
    for (f, code) in functions.iter().zip(&codes) {
        let bytes = encoded(code, module, &Identity);
        added += if f.id.index() >= first { bytes.len() } else { 0 };
        module.funcs[f.id].body = Some(Body::Encoded(bytes));
    }
    let numbering = module.numbering();
    let encoded = clock.time("encode", || module::encode(module, &numbering)).map_err(|e| e.to_string())?;
    Ok((encoded.wasm, added))
}
