//! The new bodies into the module, with every way back: per function by size, per function by validation, as a whole.

use super::function::{NewBody, Optimized, encoded};
use super::timing::Clock;
use crate::caps::Fault;
use crate::ir::entity::FuncId;
use crate::module::{self, Body, Module};
use crate::schedule::StackCode;
use crate::{Error, Options, Report};
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
    let mut bodies: Vec<(FuncId, Vec<u8>)> = Vec::new();
    let mut late: Vec<(FuncId, Box<StackCode>)> = Vec::new();
    for (func, o) in optimized {
        match o.body {
            Some(NewBody::Bytes(bytes)) => bodies.push((func, bytes)),
            Some(NewBody::Code(code)) => late.push((func, code)),
            None => revert(report, o.reasons.into_iter().next().unwrap_or_else(|| "not lowered".to_owned())),
        }
    }
    // Types of blocks with several results must exist before the bodies that name them are written.
    for results in late.iter().flat_map(|(_, code)| code.block_types()) {
        module.intern_func_type(&[], &results);
    }
    clock.time("encode", || {
        let numbering = module.numbering();
        bodies
            .par_extend(late.into_par_iter().map(|(func, code)| (func, encoded(&code, &module, &numbering))));
    });
    let mut old: Vec<(FuncId, Option<Body>)> = Vec::with_capacity(bodies.len());
    for (func, mut bytes) in bodies {
        match options.fault {
            // No locals, and no operator has this number.
            Some(Fault::Body) => bytes = vec![0, 0xff],
            // No locals; v128.const, drop, unreachable.
            Some(Fault::Proposal) => bytes = [&[0, 0xfd, 12][..], &[0; 16], &[0x1a, 0, 0x0b]].concat(),
            _ => {}
        }
        old.push((func, module.funcs[func].body.replace(Body::Encoded(bytes))));
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
        for (func, body) in old.into_iter().filter(|(func, _)| bad.binary_search(func).is_ok()) {
            module.funcs[func].body = body;
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

/// Bytes of the code section's contents.
pub(super) fn code_bytes(module: &Module) -> u64 {
    let leb = |n: usize| crate::cost::uleb_len(n as u64);
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
