//! Function graphs over many modules: every function of the `.wast`, `.wat` and `.wasm` files below `LOOM_SUITE` (several paths with
//! colons between) is lifted, verified, printed, parsed back and analysed.
//!
//!     LOOM_SUITE=path/to/testsuite cargo test --release --test ir_suite -- --nocapture

use loom_wasm::analysis::{
    CallFacts, Cfg, DomTree, Liveness, Loops, MemorySsa, Summaries, UseCounts, VersionDef,
};
use loom_wasm::ir::effects::Aliases;
use loom_wasm::ir::function::Function;
use loom_wasm::ir::verify::verify;
use loom_wasm::ir::{parse, print};
use loom_wasm::lift::{Lifted, lift};
use loom_wasm::module::{Module, decode};
use loom_wasm::read_input;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Tally {
    modules: usize,
    functions: usize,
    raw: usize,
    values: usize,
    loads: usize,
    /// Loads that see the state in which the function was called.
    at_entry: usize,
    coarse: usize,
    without_liveness: usize,
    lift: Duration,
    verify: Duration,
    text: Duration,
    summaries: Duration,
    memory: Duration,
    liveness: Duration,
}

/// Adds the time that `run` takes.
fn timed<T>(total: &mut Duration, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    *total += start.elapsed();
    result
}

/// Lifts everything; `None` for modules that are not valid.
fn lift_all(wasm: &[u8], tally: &mut Tally) -> Option<(Module, Vec<Function>, usize)> {
    let decoded = decode(wasm).ok()?;
    let mut functions = Vec::new();
    let mut allocations = Default::default();
    let mut raw = 0;
    for body in decoded.bodies {
        let lifted;
        (lifted, allocations) =
            timed(&mut tally.lift, || lift(&decoded.module, &decoded.types, body, allocations)).ok()?;
        match lifted {
            Lifted::Function(f) => functions.push(*f),
            Lifted::Raw(_) => raw += 1,
        }
    }
    Some((decoded.module, functions, raw))
}

fn check(what: &str, wasm: &[u8], tally: &mut Tally) {
    let Some((module, functions, raw)) = lift_all(wasm, tally) else { return };
    tally.modules += 1;
    tally.functions += functions.len() + raw;
    tally.raw += raw;
    let summaries = timed(&mut tally.summaries, || {
        let mut facts = vec![CallFacts::unknown(); module.funcs.len()];
        for f in &functions {
            facts[f.id.as_u32() as usize] = CallFacts::of(f);
        }
        Summaries::compute(&facts, Aliases::default())
    });
    for f in &functions {
        if let Err(errors) = timed(&mut tally.verify, || verify(f, &module)) {
            panic!("{what}: {errors:#?}\n{f}");
        }
        timed(&mut tally.text, || {
            let text = print::function(f, module.func_name(f.id));
            let parsed = parse::functions(&text).unwrap_or_else(|e| panic!("{what}: {e}\n{text}"));
            assert_eq!(parsed[0].name.as_deref(), module.func_name(f.id));
            let again = print::function(&parsed[0].function, parsed[0].name.as_deref());
            assert!(text == again, "{what}: {text}\nread back as\n{again}");
            if let Err(errors) = verify(&parsed[0].function, &module) {
                panic!("{what}: read back: {errors:#?}\n{text}");
            }
        });
        analyse(f, &summaries, tally);
    }
}

fn analyse(f: &Function, summaries: &Summaries, tally: &mut Tally) {
    let (cfg, memory) = timed(&mut tally.memory, || {
        let cfg = Cfg::compute(f);
        let dom = DomTree::compute(f, &cfg);
        let loops = Loops::compute(&cfg, &dom);
        let memory = MemorySsa::compute(f, &cfg, &dom, &loops, summaries);
        (cfg, memory)
    });
    tally.coarse += usize::from(memory.is_coarse());
    let liveness = timed(&mut tally.liveness, || Liveness::compute(f, &cfg));
    tally.without_liveness += usize::from(liveness.is_none());
    let uses = UseCounts::compute(f);
    tally.values += f.values.keys().filter(|&v| uses.count(v) > 0).count();
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            if let (Some(arg), loom_wasm::ir::ops::Kind::Load) =
                (f.insts[i].imm.memarg(), f.insts[i].op.kind())
            {
                let seen = memory.before(i, loom_wasm::analysis::Resource::data(arg.memory));
                tally.loads += 1;
                let entry = seen.is_some_and(|v| matches!(memory.def(v), VersionDef::Entry(_)));
                tally.at_entry += usize::from(entry);
            }
        }
    }
}

/// The files below a path, in order.
fn files(root: PathBuf) -> Vec<PathBuf> {
    let (mut found, mut work) = (Vec::new(), vec![root]);
    while let Some(path) = work.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => work.extend(entries.flatten().map(|e| e.path())),
            Err(_) => found.push(path),
        }
    }
    found.retain(|p| p.extension().is_some_and(|e| e == "wast" || e == "wasm" || e == "wat"));
    found.sort();
    found
}

/// The modules of a script in binary form.
fn modules_of(script: &str) -> Vec<Vec<u8>> {
    use wast::{QuoteWat, Wast, WastDirective, parser};
    let Ok(buffer) = parser::ParseBuffer::new(script) else { return Vec::new() };
    let Ok(wast) = parser::parse::<Wast<'_>>(&buffer) else { return Vec::new() };
    let mut modules = Vec::new();
    for directive in wast.directives {
        let mut module = match directive {
            WastDirective::Module(m) | WastDirective::ModuleDefinition(m) => m,
            WastDirective::AssertUnlinkable { module, .. } => QuoteWat::Wat(module),
            _ => continue,
        };
        modules.extend(module.encode());
    }
    modules
}

#[test]
fn every_function_of_the_suite_is_sound() {
    let Some(suites) = std::env::var_os("LOOM_SUITE") else { return };
    let mut tally = Tally::default();
    for file in std::env::split_paths(&suites).flat_map(files) {
        let bytes = std::fs::read(&file).expect("readable");
        let what = file.display().to_string();
        if file.extension().is_some_and(|e| e != "wast") {
            check(&what, &read_input(&bytes).expect("WebAssembly"), &mut tally);
            continue;
        }
        for (i, wasm) in modules_of(&String::from_utf8_lossy(&bytes)).iter().enumerate() {
            check(&format!("{what} module {i}"), wasm, &mut tally);
        }
    }
    let Tally { modules, functions, raw, values, loads, at_entry, coarse, without_liveness, .. } = tally;
    println!("{modules} modules, {functions} functions, {raw} raw; {values} values used");
    println!(
        "{loads} loads, {at_entry} of them of the state at entry; {coarse} functions with coarse versions"
    );
    println!("{without_liveness} functions without liveness");
    println!(
        "lift {:?}, verify {:?}, text and verify {:?}, summaries {:?}, memory SSA {:?}, liveness {:?}",
        tally.lift, tally.verify, tally.text, tally.summaries, tally.memory, tally.liveness
    );
}
