//! The new bodies into the module, with every way back: per function by size, per function by validation, as a whole.

use super::function::Optimized;
use super::timing::Clock;
use crate::caps::Fault;
use crate::ir::entity::{FuncId, TypeId};
use crate::ir::types::Type;
use crate::module::{self, Body, Module};
use crate::schedule::StackCode;
use crate::{Error, Objective, Options, Report};
use hashbrown::HashMap;
use rayon::prelude::*;
use wasmparser::WasmFeatures;

/// Writes the module with the chosen bodies, and validates it.
///
/// # Errors
/// When the module cannot be written at all, which an input that was decoded does not cause.
pub(super) fn assemble(
    input: &[u8],
    mut module: Module,
    optimized: Vec<(FuncId, Optimized)>,
    options: &Options,
    features: WasmFeatures,
    clock: &Clock,
    report: &mut Report,
) -> Result<Vec<u8>, Error> {
    let original = module.clone();
    report.code_bytes.before = code_bytes(&original);
    let mut chosen: Vec<(FuncId, StackCode)> = Vec::new();
    for (func, o) in optimized {
        match choose(&original, func, o, options) {
            Ok(code) => chosen.push((func, code)),
            Err(reason) => revert(report, reason),
        }
    }
    // Types of blocks with several results must exist before the bodies that name them are written.
    let mut block_types: HashMap<Vec<Type>, TypeId> = HashMap::new();
    for results in chosen.iter().flat_map(|(_, code)| code.block_types()) {
        let ty = module.intern_func_type(&[], &results);
        block_types.insert(results, ty);
    }
    let encoded: Vec<(FuncId, Vec<u8>)> = clock.time("encode", || {
        let numbering = module.numbering();
        // A type that is missing makes the body invalid, and the function keeps its old one.
        let block_type = |_: &[Type], results: &[Type]| {
            block_types.get(results).map_or(u32::MAX, |&ty| numbering.types.get(ty))
        };
        chosen.par_iter().map(|(func, code)| (*func, code.encode(&block_type, &numbering))).collect()
    });
    for (func, mut bytes) in encoded {
        match options.fault {
            // No locals, and no operator has this number.
            Some(Fault::Body) => bytes = vec![0, 0xff],
            // No locals; v128.const, drop, unreachable.
            Some(Fault::Proposal) => bytes = [&[0, 0xfd, 12][..], &[0; 16], &[0x1a, 0, 0x0b]].concat(),
            _ => {}
        }
        module.funcs[func].body = Some(Body::Encoded(bytes));
    }
    let write = |module: &Module| {
        let mut written = module::encode(module, &module.numbering())?;
        if options.fault == Some(Fault::Module)
            && let Some(version) = written.wasm.get_mut(4)
        {
            *version = 0xff;
        }
        Ok::<_, Error>(written)
    };
    let mut written = clock.time("encode", || write(&module))?;
    if let Err(e) = clock.time("verify", || validate(&written.wasm, features)) {
        let bad = invalid_functions(&written.wasm, features);
        count(report, "output-invalid-functions", bad.len() as u64);
        report.notes.push(format!(
            "the output did not validate ({e}): {} functions keep their old bodies",
            bad.len()
        ));
        for func in bad {
            module.funcs[func].body = original.funcs[func].body.clone();
            revert(report, "invalid output".to_owned());
        }
        written = write(&module)?;
        if let Err(e) = validate(&written.wasm, features) {
            count(report, "output-invalid-module", 1);
            report.notes.push(format!("the output did not validate ({e}): the input is returned unchanged"));
            report.code_bytes.after = report.code_bytes.before;
            return Ok(input.to_vec());
        }
    }
    report.code_bytes.after = written.code_bytes;
    report.notes.append(&mut written.notes);
    Ok(written.wasm)
}

fn count(report: &mut Report, limit: &str, n: u64) {
    if n > 0 {
        *report.limits.entry(limit.to_owned()).or_default() += n;
    }
}

fn revert(report: &mut Report, reason: String) {
    report.functions.reverted += 1;
    *report.functions.reasons.entry(reason).or_default() += 1;
}

/// The best new body, or why the old one stays.
fn choose(module: &Module, func: FuncId, o: Optimized, options: &Options) -> Result<StackCode, String> {
    let mut candidates = o.candidates.into_iter();
    let Some((first, size)) = candidates.next() else {
        return Err(o.reasons.into_iter().next().unwrap_or_else(|| "not lowered".to_owned()));
    };
    let old = module.raw_body(func).map_or(usize::MAX, <[u8]>::len);
    if options.no_revert || options.chaos.is_some() || size < old {
        return Ok(first);
    }
    // For speed, more bytes are fine where they save executed instructions over the plain way back.
    let faster = options.objective == Objective::Speed
        && candidates.next().is_some_and(|(plain, _)| first.cost() < plain.cost());
    if faster || size == old { Ok(first) } else { Err("larger".to_owned()) }
}

/// Bytes of the code section's contents.
fn code_bytes(module: &Module) -> u64 {
    let leb = |n: usize| crate::extract::cost::uleb_len(n as u64);
    let bodies = module.funcs.keys().filter_map(|f| module.raw_body(f));
    let (count, bytes) = bodies.fold((0, 0), |(n, sum), b| (n + 1, sum + leb(b.len()) + b.len() as u64));
    if count == 0 { 0 } else { leb(count) + bytes }
}

fn validate(wasm: &[u8], features: WasmFeatures) -> Result<(), Error> {
    module::decode_with(wasm, features)?.validate_bodies().map(|_| ())
}

/// The functions whose bodies do not validate.
fn invalid_functions(wasm: &[u8], features: WasmFeatures) -> Vec<FuncId> {
    let Ok(decoded) = module::decode_with(wasm, features) else { return Vec::new() };
    let invalid = |b: module::UndecodedBody<'_>| {
        let mut validator = b.validator.into_validator(Default::default());
        validator.validate(&b.body).is_err().then_some(b.func)
    };
    decoded.bodies.into_iter().filter_map(invalid).collect()
}
