//! Snapshot cases: each file `tests/cases/**/NAME.wat` is one, and its snapshot is `snapshots/cases/**/NAME.snap`.
//!
//! A case is optimized with the rules on and every checker on. Its snapshot shows what went in (SSA), which rules fired how
//! often, and what came out (text format); and it is run before and after on edge values, with everything compared that the
//! host can see. Cases below `lift/` show their SSA only.
//!
//! Comments at the start of a case direct it:
//!
//! - `;; OPTIONS: -Os` optimizes for size instead of speed, `--closed-world` with `--keep-export=NAME` closes the world: what
//!   is compared is then what the kept exports do; `--merge-memories` merges memories, and the snapshot says of each pair why not;
//!   `--no-assume=return-areas` turns that assumption off, `--assume=no-oom` that one on;
//! - `;; RULES: A B` uses only the rules, or families of rules, of these names (`-` for none);
//! - `;; FIRES: A B` says that each of these rules, families or whole-program passes has to fire;
//! - `;; SILENT: A B` says that none of these may;
//! - `;; FUSED: on` optimizes it as meld's output: allocators and stack pointers are looked for. What is in frames and in
//!   buffers may differ then, so such a case does not export its memories;
//! - `;; NOT-RUN: REASON` for what wasmi cannot run; the output is validated only.
//!
//! A case with meld's attestation is meld's output, and its snapshot says what became of each boundary.
//!
//! Calls are inlined below `inline/` and `boundary/` only: elsewhere they are there to be seen.
//!
//! To add a case, add the file and run `INSTA_UPDATE=always cargo test --test cases`. `LOOM_CASE=PART` runs only the cases
//! whose path contains PART.

mod common;

use loom_wasm::caps::Caps;
use loom_wasm::ir::print;
use loom_wasm::lift::{Lifted, lift};
use loom_wasm::module::{accepted_features, decode};
use loom_wasm::program::inline::InlineCaps;
use loom_wasm::program::roots::matches;
use loom_wasm::{Assumptions, Objective, Options, Report};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What the comments at the start of a case say.
#[derive(Default)]
struct Directives {
    objective: Objective,
    rules: Option<Vec<String>>,
    fires: Vec<String>,
    silent: Vec<String>,
    not_run: Option<String>,
    fused: bool,
    closed_world: bool,
    merge_memories: bool,
    without_return_areas: bool,
    no_oom: bool,
    keep_exports: Vec<String>,
}

impl Directives {
    fn read(text: &str) -> Directives {
        let mut d = Directives::default();
        for line in text.lines().map_while(|l| l.strip_prefix(";;")) {
            let Some((key, rest)) = line.trim().split_once(':') else { continue };
            let words = || rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            match key {
                "OPTIONS" => {
                    for word in words() {
                        match (word.as_str(), word.strip_prefix("--keep-export=")) {
                            ("-Os" | "-Oz", _) => d.objective = Objective::Size,
                            ("-O2", _) => d.objective = Objective::Speed,
                            ("--closed-world", _) => d.closed_world = true,
                            ("--merge-memories", _) => d.merge_memories = true,
                            ("--no-assume=return-areas", _) => d.without_return_areas = true,
                            ("--assume=no-oom", _) => d.no_oom = true,
                            (_, Some(name)) => d.keep_exports.push(name.to_owned()),
                            (other, None) => panic!("unknown option {other}"),
                        }
                    }
                }
                "RULES" => d.rules = Some(words()),
                "FIRES" => d.fires = words(),
                "SILENT" => d.silent = words(),
                "FUSED" => d.fused = true,
                "NOT-RUN" => d.not_run = Some(rest.trim().to_owned()),
                key if key.chars().all(|c| c.is_ascii_uppercase() || c == '-') => {
                    panic!("unknown directive {key}")
                }
                _ => {}
            }
        }
        d
    }

    /// The options of a run with every checker on.
    fn options(&self) -> Options {
        Options {
            egraph: true,
            objective: self.objective,
            rule_filter: self.rules.clone(),
            keep_exports: self.keep_exports.clone(),
            fused: self.fused,
            merge_memories: self.merge_memories,
            assumptions: Assumptions {
                closed_world: self.closed_world,
                return_areas: self.without_return_areas.then_some(false),
                no_oom: self.no_oom,
                ..Assumptions::default()
            },
            verify: true,
            ..Options::default()
        }
    }

    /// What the world sees of a module.
    fn visible(&self, wasm: &[u8]) -> Vec<u8> {
        let keep = |name: &str| self.keep_exports.iter().any(|p| matches(p, name));
        if self.closed_world { common::with_exports(wasm, keep) } else { wasm.to_vec() }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// SSA of all functions, those kept raw with the reason.
fn ssa(wasm: &[u8]) -> String {
    let decoded = decode(wasm).expect("a valid module");
    let mut text = String::new();
    let mut allocations = Default::default();
    for body in decoded.bodies {
        let func = body.func;
        let lifted;
        (lifted, allocations) =
            lift(&decoded.module, &decoded.types, body, allocations).expect("a valid body");
        if !text.is_empty() {
            text.push('\n');
        }
        match lifted {
            Lifted::Function(f) => {
                if let Err(errors) = loom_wasm::ir::verify::verify(&f, &decoded.module) {
                    panic!("the lifted {func} is broken: {errors:?}");
                }
                text.push_str(&print::function(&f, decoded.module.func_name(func)));
            }
            Lifted::Raw(reason) => writeln!(text, "{func} is kept raw: {reason}").expect("a string"),
        }
    }
    text
}

/// The caps for a case.
fn caps(name: &Path) -> Caps {
    let inlined = name.starts_with("inline") || name.starts_with("boundary");
    let inline = if inlined { InlineCaps::default() } else { InlineCaps::OFF };
    Caps { inline, ..Caps::default() }
}

/// How often a rule, or the instances of a family of rules, fired.
fn hits(report: &Report, name: &str) -> u64 {
    let family =
        |rule: &str| rule.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'));
    report.rules.iter().chain(&report.passes).filter(|(rule, _)| family(rule)).map(|(_, n)| n).sum()
}

/// The text of a case's snapshot; panics where the case does not hold.
fn run(name: &Path, text: &str) -> String {
    let d = Directives::read(text);
    let wasm = loom_wasm::read_input(text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    wasmparser::Validator::new_with_features(accepted_features())
        .validate_all(&wasm)
        .unwrap_or_else(|e| panic!("the case is no valid module: {e}"));
    let before = ssa(&wasm);
    if name.starts_with("lift") {
        return before;
    }
    let options = Options { no_revert: true, caps: caps(name), ..d.options() };
    let output = loom_wasm::optimize(&wasm, &options).unwrap_or_else(|e| panic!("{e}"));
    let report = &output.report;
    assert!(report.functions.reverted == 0, "a function was reverted: {:?}", report.functions.reasons);
    if let Some(rule) = d.fires.iter().find(|r| hits(report, r) == 0) {
        panic!("{rule} did not fire; these did: {:?} {:?}", report.rules, report.passes);
    }
    if let Some(rule) = d.silent.iter().find(|r| hits(report, r) > 0) {
        panic!("{rule} fired and must not");
    }
    wasmparser::Validator::new_with_features(accepted_features())
        .validate_all(&output.wasm)
        .unwrap_or_else(|e| panic!("the output is invalid: {e}"));
    if d.not_run.is_none() {
        let calls = common::compare(&d.visible(&wasm), &output.wasm).unwrap_or_else(|e| panic!("{e}"));
        assert!(calls > 0, "the case exports no function: nothing was compared");
    }
    let mut snapshot = format!("{before}\n--- rules\n");
    for (rule, n) in &report.rules {
        writeln!(snapshot, "{rule}: {n}").expect("a string");
    }
    for (pass, n) in &report.passes {
        writeln!(snapshot, "pass {pass}: {n}").expect("a string");
    }
    for (limit, n) in &report.limits {
        writeln!(snapshot, "limit {limit}: {n}").expect("a string");
    }
    for b in &report.boundaries {
        writeln!(snapshot, "boundary {}: {:?}: {}", b.function, b.fate, b.reason).expect("a string");
    }
    for pair in report.address_space.iter().flat_map(|space| &space.pairs) {
        let what = if pair.merged { "merged" } else { &pair.reason };
        writeln!(snapshot, "memories {:?}: {what}", pair.memories).expect("a string");
    }
    if let Some(space) = report.address_space.as_ref().filter(|space| space.before > 0) {
        writeln!(snapshot, "address space: {} -> {}", space.before, space.after).expect("a string");
    }
    let after = wasmprinter::print_bytes(&output.wasm).expect("a valid module");
    write!(snapshot, "\n--- output\n{after}").expect("a string");
    snapshot
}

#[test]
fn cases() {
    let (folder, snapshots) = (root().join("tests/cases"), root().join("snapshots/cases"));
    let only = std::env::var("LOOM_CASE").unwrap_or_default();
    let cases = common::files(&folder, "wat");
    assert!(!cases.is_empty(), "no cases below {}", folder.display());
    let mut failed = Vec::new();
    for name in cases.iter().filter(|n| n.to_string_lossy().contains(&only)) {
        let path = folder.join(name).with_extension("wat");
        let outcome = std::panic::catch_unwind(|| {
            let text = std::fs::read_to_string(&path).expect("the case");
            let snapshot = run(name, &text);
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(snapshots.join(name.parent().unwrap_or(Path::new(""))));
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| {
                let stem = name.file_name().expect("a file").to_string_lossy().into_owned();
                insta::assert_snapshot!(stem, snapshot);
            });
        });
        if outcome.is_err() {
            eprintln!("^ tests/cases/{}.wat", name.display());
            failed.push(name.display().to_string());
        }
    }
    assert!(failed.is_empty(), "{} of {} cases failed: {}", failed.len(), cases.len(), failed.join(", "));
}

/// Every case does the same whatever legal choices are taken, and no checker has anything to refuse.
#[test]
fn cases_in_chaos() {
    let folder = root().join("tests/cases");
    let mut failed = Vec::new();
    for name in common::files(&folder, "wat") {
        let text = std::fs::read_to_string(folder.join(&name).with_extension("wat")).expect("the case");
        let d = Directives::read(&text);
        let wasm = loom_wasm::read_input(text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        for seed in 1..=2 {
            let options = Options { chaos: Some(seed), ..d.options() };
            let mut fail = |what: String| failed.push(format!("{} --chaos {seed}: {what}", name.display()));
            let output = loom_wasm::optimize(&wasm, &options).unwrap_or_else(|e| panic!("{e}"));
            if output.report.functions.reverted > 0 {
                fail(format!("{:?}", output.report.functions.reasons));
            }
            let run = d.not_run.is_none() && !name.starts_with("lift");
            if let Some(what) =
                run.then(|| common::compare(&d.visible(&wasm), &output.wasm)).and_then(Result::err)
            {
                fail(what);
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The oracle sees a wrong result, a wrong trap, a wrong byte, a wrong global and a call too many.
#[test]
fn the_oracle_sees_differences() {
    let module = |body: &str| {
        wat::parse_str(format!(
            "(module (import \"h\" \"f\" (func $f)) (memory (export \"m\") 1)
               (global $g (export \"g\") (mut i32) (i32.const 0))
               (func (export \"run\") (param i32 i64) (result i32) {body}))"
        ))
        .expect("a module")
    };
    let right = module("(i32.store (i32.const 8) (local.get 0)) (local.get 0)");
    assert!(common::compare(&right, &right).expect("no difference") > 100);
    for wrong in [
        "(i32.store (i32.const 8) (local.get 0)) (select (i32.const 5) (local.get 0) (i32.eq (local.get 0) (i32.const 64)))",
        "(i32.store (i32.const 8) (local.get 0)) (i32.add (local.get 0) (i32.div_u (i32.const 0) (local.get 0)))",
        "(i32.store16 (i32.const 8) (local.get 0)) (local.get 0)",
        "(i32.store (i32.const 8) (local.get 0)) (global.set $g (local.get 0)) (local.get 0)",
        "(call $f) (i32.store (i32.const 8) (local.get 0)) (local.get 0)",
    ] {
        assert!(common::compare(&right, &module(wrong)).is_err(), "{wrong}");
    }
}

/// A snapshot whose case is gone says nothing; blessing removes it.
#[test]
fn every_snapshot_has_its_case() {
    let (folder, snapshots) = (root().join("tests/cases"), root().join("snapshots/cases"));
    let cases = common::files(&folder, "wat");
    let mut orphans = Vec::new();
    for name in common::files(&snapshots, "snap").difference(&cases) {
        let path = snapshots.join(name).with_extension("snap");
        if std::env::var("INSTA_UPDATE").is_ok_and(|v| v == "always") {
            std::fs::remove_file(&path).expect("removing a snapshot");
        } else {
            orphans.push(path.display().to_string());
        }
    }
    assert!(orphans.is_empty(), "snapshots without a case: {}", orphans.join(", "));
}
