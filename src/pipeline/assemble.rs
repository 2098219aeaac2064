//! The new bodies into the module, with every way back: per function by size, per function by validation, as a whole.

use super::function::{NewBody, Optimized, encoded};
use super::timing::Clock;
use crate::caps::Fault;
use crate::ir::entity::FuncId;
use crate::module::{self, Body, EncodedModule, Fate, Identity, Module, Numbering, Plan};
use crate::schedule::StackCode;
use crate::{Error, Options, Report};
use cranelift_entity::EntityRef;
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
    let mut absorbed: Vec<(FuncId, FuncId)> = Vec::new();
    for (func, o) in optimized {
        absorbed.extend(o.absorbed.iter().map(|&gone| (gone, func)));
        if o.direct > 0 && o.body.is_some() {
            *report.passes.entry("direct-calls".to_owned()).or_default() += o.direct;
        }
        if o.inlined > 0 {
            *report.passes.entry("inlined-calls".to_owned()).or_default() += o.inlined as u64;
        }
        match o.body {
            Some(NewBody::Bytes(bytes)) => bodies.push((func, bytes)),
            Some(NewBody::Code(code)) => late.push((func, code)),
            None => revert(report, o.reasons.into_iter().next().unwrap_or_else(|| "not lowered".to_owned())),
        }
    }
    if !absorbed.is_empty() {
        report.passes.insert("inlined-bodies".to_owned(), absorbed.len() as u64);
    }
    // Types of blocks with several results must exist before the bodies that name them are written.
    for results in late.iter().flat_map(|(_, code)| code.block_types()) {
        module.intern_func_type(&[], &results);
    }
    clock.time("encode", || {
        bodies
            .par_extend(late.into_par_iter().map(|(func, code)| (func, encoded(&code, &module, &Identity))));
    });
    for (_, bytes) in &mut bodies {
        match options.fault {
            // No locals, and no operator has this number.
            Some(Fault::Body) => *bytes = vec![0, 0xff],
            // No locals; v128.const, drop, unreachable.
            Some(Fault::Proposal) => *bytes = [&[0, 0xfd, 12][..], &[0; 16], &[0x1a, 0, 0x0b]].concat(),
            _ => {}
        }
    }
    let old: Vec<(FuncId, Option<Body>)> =
        bodies.iter().map(|(func, _)| (*func, module.funcs[*func].body.clone())).collect();
    let (mut written, numbering) =
        clock.time("encode", || write(&mut module, &bodies, &absorbed, options.fault))?;
    if let Err(e) = clock.time("verify", || validate(&written.wasm, features)) {
        let mut bad: Vec<FuncId> = invalid_functions(&written.wasm, features)
            .into_iter()
            .filter_map(|f| numbering.funcs.order().get(f.index()).copied())
            .collect();
        bad.sort_unstable();
        count(report, "output-invalid-functions", bad.len() as u64);
        report.notes.push(format!(
            "the output did not validate ({e}): {} functions keep their old bodies",
            bad.len()
        ));
        // An old body calls what the new one had in it.
        let is_bad = |f: FuncId| bad.binary_search(&f).is_ok();
        let needed = |f: FuncId| absorbed.iter().any(|&(gone, by)| gone == f && is_bad(by));
        for _ in bodies.iter().filter(|(func, _)| is_bad(*func)) {
            revert(report, "invalid output".to_owned());
        }
        bodies.retain(|(func, _)| !is_bad(*func) && !needed(*func));
        absorbed.retain(|&(_, by)| !is_bad(by));
        for (func, body) in old {
            module.funcs[func].body = body;
        }
        written = write(&mut module, &bodies, &absorbed, options.fault)?.0;
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

/// Writes the module with these bodies, without the functions that were absorbed by others.
fn write(
    module: &mut Module,
    bodies: &[(FuncId, Vec<u8>)],
    absorbed: &[(FuncId, FuncId)],
    fault: Option<Fault>,
) -> Result<(EncodedModule, Numbering), Error> {
    let mut plan = Plan::default();
    for &(gone, _) in absorbed {
        plan.funcs[gone] = Fate::Remove;
    }
    let numbering = module.numbering_of(&plan);
    let identity = numbering.is_identity();
    let last = |(func, bytes): &(FuncId, Vec<u8>)| {
        // What cannot be read stays, and is found by validation.
        let new = if identity { None } else { Module::remapped_bytes(bytes, &numbering).ok() };
        (*func, new.unwrap_or_else(|| bytes.clone()))
    };
    let new: Vec<(FuncId, Vec<u8>)> =
        bodies.par_iter().filter(|(f, _)| plan.funcs[*f] == Fate::Keep).map(last).collect();
    for (func, bytes) in new {
        module.funcs[func].body = Some(Body::Encoded(bytes));
    }
    let mut written = module::encode(module, &numbering)?;
    if fault == Some(Fault::Module)
        && let Some(version) = written.wasm.get_mut(4)
    {
        *version = 0xff;
    }
    Ok((written, numbering))
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
