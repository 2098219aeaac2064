//! The new bodies into the module, with every way back: per function by size, per function by validation, as a whole.

use super::function::{NewBody, Optimized, encoded};
use super::timing::Clock;
use crate::caps::Fault;
use crate::ir::entity::FuncId;
use crate::module::{self, Body, Identity, Module, Numbering};
use crate::program::facts::BodyFacts;
use crate::program::{Finished, Program, chains, parametrize};
use crate::schedule::StackCode;
use crate::{Error, Options, Report};
use cranelift_entity::EntityRef;
use rayon::prelude::*;
use std::collections::BTreeMap;
use wasmparser::WasmFeatures;

/// How often functions are looked for that do not validate, before all of them get their old bodies back.
const MAX_ROUNDS: u32 = 16;

/// The module with its last bodies, which are in its own numbering until it is written.
struct Assembly<'a> {
    module: Module,
    /// The bodies of the input.
    old: Vec<Option<Body>>,
    /// New bodies by function.
    new: BTreeMap<FuncId, NewBytes>,
    /// Absent when the module is to stay as it is but for its bodies.
    program: Option<Program>,
    /// Whether functions may share bodies that are added: not once the output did not validate, so that it is their own bodies that
    /// are found invalid.
    share: bool,
    /// Whether it was written before.
    is_written: bool,
    /// The input, and the features that it uses.
    input: &'a [u8],
    features: WasmFeatures,
    fault: Option<Fault>,
    clock: &'a Clock,
}

struct NewBytes {
    bytes: Vec<u8>,
    /// Facts of the old body, when those of the new one are known.
    old_facts: Option<BodyFacts>,
}

/// The bytes of a module, and how they came about.
struct Written {
    encoded: module::EncodedModule,
    numbering: Numbering,
    /// What the whole-program passes left out.
    passes: BTreeMap<String, u64>,
    /// Where one of them ended before it was done.
    limits: BTreeMap<String, u64>,
}

impl Assembly<'_> {
    /// Decides what is written, and writes it.
    fn write(&mut self) -> Result<Written, Error> {
        // What was left out of the data segments was not needed by other bodies than these.
        if std::mem::replace(&mut self.is_written, true) {
            self.module.data = module::decode_with(self.input, self.features)?.module.data;
        }
        for (func, f) in &mut self.module.funcs {
            f.body = match self.new.get(&func) {
                Some(new) => Some(Body::Encoded(new.bytes.clone())),
                // Functions that were added when it was written before have none.
                None => self.old.get(func.index()).cloned().flatten(),
            };
        }
        let (module, clock) = (&mut self.module, self.clock);
        let (numbering, finished) = match &self.program {
            None => (module.numbering(), Finished::default()),
            Some(program) => clock.time("program", || {
                let finished = program.finish(module, self.share);
                (module.numbering_of(&finished.plan), finished)
            }),
        };
        clock.time("encode", || {
            if !numbering.is_identity() {
                let encoded: Vec<(FuncId, &mut Vec<u8>)> = module
                    .funcs
                    .iter_mut()
                    .filter(|(func, _)| numbering.funcs.is_written(*func))
                    .filter_map(|(func, f)| match &mut f.body {
                        Some(Body::Encoded(bytes)) => Some((func, bytes)),
                        _ => None,
                    })
                    .collect();
                encoded.into_par_iter().for_each(|(_, bytes)| {
                    // What is malformed stays so, and the validator tells.
                    if let Ok(remapped) = module::remap_body(bytes, 0, &numbering) {
                        *bytes = remapped;
                    }
                });
            }
            let mut encoded = module::encode(module, &numbering)?;
            if self.fault == Some(Fault::Module)
                && let Some(version) = encoded.wasm.get_mut(4)
            {
                *version = 0xff;
            }
            let Finished { passes, limits, .. } = finished;
            Ok(Written { encoded, numbering, passes, limits })
        })
    }

    /// A function gets its old body back.
    fn revert(&mut self, func: FuncId) {
        let new = self.new.remove(&func);
        if let (Some(program), Some(facts)) = (&mut self.program, new.and_then(|n| n.old_facts)) {
            program.replace(func, facts);
        }
    }
}

/// What [`assemble`] starts from.
pub(super) struct Parts {
    pub module: Module,
    pub optimized: Vec<(FuncId, Optimized)>,
    pub program: Option<Program>,
    /// Whether functions may share bodies that are added.
    pub share: bool,
    /// Whether every function can get its old body back.
    pub can_revert: bool,
}

/// What [`assemble`] made.
pub(super) struct Assembled {
    /// The module.
    pub wasm: Vec<u8>,
    /// Its final indices; `None` where it is the input.
    pub numbering: Option<Numbering>,
}

/// Writes the module with the chosen bodies, and validates it. `None` when some function needs an old body that does not fit.
///
/// # Errors
/// When the module cannot be written at all, which an input that was decoded does not cause.
pub(super) fn assemble(
    input: &[u8],
    parts: Parts,
    options: &Options,
    features: WasmFeatures,
    clock: &Clock,
    report: &mut Report,
) -> Result<Option<Assembled>, Error> {
    let Parts { mut module, optimized, mut program, share, can_revert } = parts;
    let mut bodies: Vec<(FuncId, Vec<u8>)> = Vec::new();
    let mut late: Vec<(FuncId, Box<StackCode>)> = Vec::new();
    for (func, o) in optimized {
        let mut pass = |name: &str, n: u64| {
            if n > 0 {
                *report.passes.entry(name.to_owned()).or_default() += n;
            }
        };
        pass("direct-calls", o.direct);
        pass(chains::PASS, o.chained as u64);
        pass("inlined-calls", o.inlined as u64);
        pass("inlined-bodies", u64::from(o.is_absorbed));
        match o.body {
            None if o.is_absorbed => {}
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
    let known: Vec<(FuncId, Vec<u8>, Option<BodyFacts>)> = clock.time("program", || {
        let facts = |bytes: &[u8]| program.as_ref().and_then(|_| BodyFacts::of(bytes, 0).ok());
        bodies
            .into_par_iter()
            .map(|(func, bytes)| (func, facts(&bytes), bytes))
            .map(|(f, k, b)| (f, b, k))
            .collect()
    });
    let mut new = BTreeMap::new();
    for (func, bytes, facts) in known {
        let old_facts = program.as_mut().zip(facts).map(|(p, facts)| p.replace(func, facts));
        new.insert(func, NewBytes { bytes, old_facts });
    }
    if let Some(program) = &mut program {
        let closed = program.close(&mut module);
        if closed > 0 {
            report.passes.insert("closed-exports".to_owned(), closed);
        }
    }
    let old = module.funcs.values().map(|f| f.body.clone()).collect();
    let mut assembly = Assembly {
        module,
        old,
        new,
        program,
        share,
        is_written: false,
        input,
        features,
        fault: options.fault,
        clock,
    };
    let mut written = assembly.write()?;
    let check = |written: &Written| clock.time("verify", || validate(&written.encoded.wasm, features));
    let mut checked = check(&written);
    if checked.is_err() && written.passes.contains_key(parametrize::PASS) {
        count(report, "equal-up-to-constants-undone", 1);
        assembly.share = false;
        written = assembly.write()?;
        checked = check(&written);
    }
    for round in 0.. {
        let Err(e) = checked else { break };
        if !can_revert {
            return Ok(None);
        }
        // What an old body needs was perhaps left out until now, and is then written for the first time: hence rounds.
        let bad = match round {
            0..MAX_ROUNDS => invalid_functions(&written, features),
            MAX_ROUNDS => assembly.new.keys().copied().collect(),
            _ => Vec::new(),
        };
        let bad: Vec<FuncId> = bad.into_iter().filter(|func| assembly.new.contains_key(func)).collect();
        count(report, "output-invalid-functions", bad.len() as u64);
        report.notes.push(format!(
            "the output did not validate ({e}): {} functions keep their old bodies",
            bad.len()
        ));
        if bad.is_empty() {
            count(report, "output-invalid-module", 1);
            report.notes.push(format!("the output did not validate ({e}): the input is returned unchanged"));
            report.code_bytes.after = report.code_bytes.before;
            report.passes.clear();
            return Ok(Some(Assembled { wasm: input.to_vec(), numbering: None }));
        }
        for func in bad {
            assembly.revert(func);
            revert(report, "invalid output".to_owned());
        }
        written = assembly.write()?;
        checked = check(&written);
    }
    report.code_bytes.after = written.encoded.code_bytes;
    report.notes.append(&mut written.encoded.notes);
    report.passes.append(&mut written.passes);
    report.limits.append(&mut written.limits);
    Ok(Some(Assembled { wasm: written.encoded.wasm, numbering: Some(written.numbering) }))
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
fn invalid_functions(written: &Written, features: WasmFeatures) -> Vec<FuncId> {
    let Ok(decoded) = module::decode_with(&written.encoded.wasm, features) else { return Vec::new() };
    let invalid = |b: module::UndecodedBody<'_>| {
        let mut validator = b.validator.into_validator(Default::default());
        let func = written.numbering.funcs.order().get(b.func.index()).copied();
        func.filter(|_| validator.validate(&b.body).is_err())
    };
    decoded.bodies.into_iter().filter_map(invalid).collect()
}
