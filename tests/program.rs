//! Whole-program passes over all cases and regressions in a closed world, where only the exported functions stay; and the
//! roots that are derived for meld's output. Positive and negative cases of each pass are `tests/cases/program/*.wat`.

mod common;

use loom_wasm::caps::Fault;
use loom_wasm::module::{Entity, decode};
use loom_wasm::{Assumptions, Objective, Options};
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn closed(keep: Vec<String>) -> Options {
    let assumptions = Assumptions { closed_world: true, ..Assumptions::default() };
    Options { egraph: true, verify: true, keep_exports: keep, assumptions, ..Options::default() }
}

/// Memories, tables, globals and tags that are not exported any more may go or change; the functions do what they did. And all
/// exports do what they did when all stay.
#[test]
fn exports_do_the_same_in_a_closed_world() {
    let mut failed = Vec::new();
    let mut compared = 0;
    for folder in ["tests/cases", "tests/regressions"] {
        for name in common::files(&root().join(folder), "wat") {
            let path = root().join(folder).join(name).with_extension("wat");
            let text = std::fs::read_to_string(&path).expect("a case");
            if text.contains(";; NOT-RUN:") {
                continue;
            }
            let wasm = loom_wasm::read_input(text.as_bytes()).expect("a module");
            let module = decode(&wasm).expect("a valid module").module;
            let functions = module.exports.iter().filter(|e| matches!(e.entity, Entity::Func(_)));
            let keep: Vec<String> = functions.map(|e| e.name.clone()).collect();
            if keep.is_empty() || keep.iter().any(|name| name.contains(['*', '?'])) {
                continue;
            }
            let functions_only = common::with_exports(&wasm, |name| keep.iter().any(|k| k == name));
            for (before, keep) in [(functions_only, keep), (wasm.clone(), vec!["*".to_owned()])] {
                let output = match loom_wasm::optimize(&wasm, &closed(keep)) {
                    Ok(output) => output,
                    Err(e) => panic!("{}: {e}", path.display()),
                };
                let invalid = output.report.limits.keys().any(|l| l.starts_with("output-invalid"));
                match common::compare(&before, &output.wasm) {
                    Ok(_) if invalid => failed.push(format!("{}: invalid output", path.display())),
                    Ok(_) => compared += 1,
                    // What the oracle cannot run either way says nothing.
                    Err(e) if ["the input", "OutOfFuel"].iter().any(|text| e.contains(text)) => {}
                    Err(e) => failed.push(format!("{}: {e}", path.display())),
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(compared > 200, "{compared} modules compared");
}

const ATTESTED: &str = r#"(module
  (@custom "wsc.transformation.attestation" "{\"output\":{},\"metadata\":{\"boundaries\":[{\"function\":\"a:b/c#f\",\"interface\":\"a:b/c\"}]}}")
  (memory (export "memory") 1) (memory (export "memory$2") 1)
  (table (export "$imports") 1 funcref) (elem (i32.const 0) func $shim)
  (func $shim (export "0") (param i32) (drop (i32.load (local.get 0))))
  (func (export "a:b/c#f") (result i32) (i32.load 1 (i32.const 0)))
  (func (export "a:b/c#g"))
  (func (export "cabi_post_a:b/c#f") (param i32))
  (func (export "a:b/c#[dtor]r") (param i32))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "cabi_realloc$1") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "run") RUN))"#;

fn exports(wasm: &[u8]) -> Vec<String> {
    decode(wasm).expect("a valid module").module.exports.iter().map(|e| e.name.clone()).collect()
}

#[test]
fn roots_of_a_fused_module_are_derived() {
    let optimized = |run: &str, options: &Options| {
        let wasm = loom_wasm::read_input(ATTESTED.replace("RUN", run).as_bytes()).expect("a module");
        loom_wasm::optimize(&wasm, options).expect("a valid module")
    };
    // A number in, a number out: nobody can pass a pointer.
    let plain = optimized("(param i32) (result i64) (i64.const 1)", &closed(vec![]));
    assert_eq!(exports(&plain.wasm), ["a:b/c#[dtor]r", "run"]);
    assert!(decode(&plain.wasm).expect("valid").module.memories.is_empty());
    // A string in: the host allocates and writes.
    let pointer = optimized("(param i32 i32) (result i64) (i64.load 0 (local.get 0))", &closed(vec![]));
    let kept = ["memory", "memory$2", "a:b/c#[dtor]r", "cabi_realloc", "cabi_realloc$1", "run"];
    assert_eq!(exports(&pointer.wasm), kept);
    // In an open world nothing goes, and one line says what would.
    let open = optimized("(param i32) (result i64) (i64.const 1)", &Options::default());
    assert_eq!(exports(&open.wasm).len(), 11);
    let hints = open.report.notes.iter().filter(|n| n.contains("--closed-world would")).count();
    assert_eq!(hints, 1, "{:?}", open.report.notes);
}

#[test]
fn without_a_pattern_and_without_an_attestation_all_exports_stay() {
    let wasm = wat::parse_str(r#"(module (func (export "a")) (memory (export "b") 1))"#).expect("a module");
    let output = loom_wasm::optimize(&wasm, &closed(vec![])).expect("a valid module");
    assert_eq!(exports(&output.wasm), ["a", "b"]);
    assert!(output.report.notes.iter().any(|n| n.contains("all exports stay")));
    let output = loom_wasm::optimize(&wasm, &closed(vec!["z*".to_owned()])).expect("a valid module");
    assert!(exports(&output.wasm).is_empty());
    assert!(output.report.notes.iter().any(|n| n.contains("no export has such a name")));
}

/// Instantiation traps where it did, and not elsewhere: segments that may not fit stay.
#[test]
fn segments_that_may_trap_stay() {
    for (text, kept) in [
        (r#"(module (memory 1) (data (i32.const 65536) "x"))"#, true),
        (r#"(module (memory 1) (data (i32.const 65535) "x"))"#, false),
        (r#"(module (memory 0) (data (i32.const 1) ""))"#, true),
        (r#"(module (memory 1) (data (i32.const -1) ""))"#, true),
        (r#"(module (import "m" "g" (global $g i32)) (memory 1) (data (global.get $g) "x"))"#, true),
        (r#"(module (import "m" "m" (memory 1)) (data (i32.const 0) "x"))"#, true),
        (r#"(module (memory i64 1) (data (i64.const 4294967296) "x"))"#, true),
        (r#"(module (memory 3 (pagesize 1)) (data (i32.const 2) "xx"))"#, true),
        (r#"(module (memory 3 (pagesize 1)) (data (i32.const 1) "xx"))"#, false),
        ("(module (table 1 funcref) (func $f) (elem (i32.const 1) func $f))", true),
        ("(module (table 1 funcref) (func $f) (elem (i32.const 0) func $f))", false),
        (r#"(module (import "m" "t" (table 1 funcref)) (func $f) (elem (i32.const 0) func $f))"#, true),
    ] {
        let wasm = wat::parse_str(text).expect("a module");
        let output = loom_wasm::optimize(&wasm, &closed(vec!["*".to_owned()])).expect("a valid module");
        let module = decode(&output.wasm).expect("a valid module").module;
        let is_there = |n: usize| (n > 0) == kept;
        assert!(is_there(module.data.len() + module.elems.len()), "{text}");
        assert!(is_there(module.memories.len() + module.tables.len()), "{text}");
    }
}

/// Zeros at the ends of segments go where nothing else is written there.
#[test]
fn zeros_of_data_segments() {
    let zeros = "\\00".repeat(12);
    let optimized = |text: &str| {
        let wasm = wat::parse_str(text.replace('Z', &zeros)).expect("a module");
        let output = loom_wasm::optimize(&wasm, &Options::default()).expect("a valid module");
        common::compare(&wasm, &output.wasm).expect("the same");
        let module = decode(&output.wasm).expect("a valid module").module;
        module.data.values().map(|d| d.bytes.len()).collect::<Vec<_>>()
    };
    let run = r#"(memory (export "m") 1)
      (func (export "run") (param i32) (result i32) (i32.load8_u (i32.and (local.get 0) (i32.const 127))))"#;
    let data = |segments: &str| optimized(&format!("(module {run} {segments})"));
    assert_eq!(data(r#"(data (i32.const 8) "ZabZ") (data (i32.const 64) "Z")"#), [2]);
    assert_eq!(data(r#"(data (i32.const 8) "\00a\00")"#), [1]);
    // The second segment puts zeros over the first.
    assert_eq!(data(r#"(data (i32.const 8) "abcdef") (data (i32.const 10) "Z")"#), [6, 12]);
    assert_eq!(data(r#"(data (i32.const 10) "Z") (data (i32.const 21) "abcdef")"#), [12, 6]);
    assert_eq!(data(r#"(data (i32.const 10) "Z") (data (i32.const 22) "abcdef")"#), [6]);
    // A body names it.
    let named =
        format!(r#"(module {run} (data $d (i32.const 8) "Z") (func (export "drop") (data.drop $d)))"#);
    assert_eq!(optimized(&named), [0]);
}

/// How many functions are left.
fn functions_left(text: &str, options: &Options) -> usize {
    let wasm = wat::parse_str(text).expect("text");
    let output = loom_wasm::optimize(&wasm, options).expect("a valid module");
    decode(&output.wasm).expect("a valid module").module.funcs.len()
}

/// The call is made direct in the first round; only then does nothing but it refer to the function.
const TWO_ROUNDS: &str = "(module
  (type $t (func (param i32) (result i32)))
  (table 1 1 funcref) (elem (i32.const 0) $f) (memory 1)
  (func $f (type $t) (if (i32.load (local.get 0)) (then (i32.store (i32.const 8) (i32.const 1))))
    (i32.mul (i32.load offset=4 (local.get 0)) (i32.const 10)))
  (func (export \"run\") (type $t) (i32.add (call_indirect (type $t) (local.get 0) (i32.const 0)) (i32.const 3))))";

#[test]
fn a_closed_program_gets_another_round() {
    let options = closed(vec!["run".to_owned()]);
    assert_eq!(functions_left(TWO_ROUNDS, &options), 1);
    let wasm = wat::parse_str(TWO_ROUNDS).expect("text");
    let report = loom_wasm::optimize(&wasm, &options).expect("valid").report;
    assert_eq!((report.passes["direct-calls"], report.passes["inlined-bodies"]), (1, 1));
    assert_eq!(report.code_bytes.before, 40);
}

#[test]
fn an_open_program_and_an_explained_one_get_one_round() {
    assert_eq!(functions_left(TWO_ROUNDS, &Options { egraph: true, ..Options::default() }), 2);
    let explained = Options { explain: Some("run".to_owned()), ..closed(vec!["run".to_owned()]) };
    assert_eq!(functions_left(TWO_ROUNDS, &explained), 2);
}

/// A function with more parameters than there are bits, all passed on to one that needs the last.
#[test]
fn parameters_beyond_the_64th_stay() {
    let params = "i32 ".repeat(70);
    let get =
        |skip: usize| -> String { (skip..70 + skip).map(|n| format!("(local.get {})", n % 70)).collect() };
    let text = format!(
        "(module (memory 1)
           (func $g (param {params}) (result i32) (i32.load (local.get 69)))
           (func $f (param {params}) (result i32) (i32.add (call $g {}) (call $g {})))
           (func (export \"a\") (param {params}) (result i32) (i32.add (call $f {}) (call $f {}))))",
        get(3),
        get(1),
        get(0),
        get(2)
    );
    let wasm = wat::parse_str(text).expect("text");
    let output = loom_wasm::optimize(&wasm, &closed(vec!["a".to_owned()])).expect("a valid module");
    assert!(common::compare(&wasm, &output.wasm).expect("runs") > 0);
    assert!(output.report.limits.is_empty(), "{:?}", output.report.limits);
}

/// What does not fit any more is not used: the module is optimized again with its own signatures.
#[test]
fn an_old_body_brings_the_old_signatures() {
    for pass in ["unused-parameter", "unused-result"] {
        let path = root().join("tests/cases/program").join(pass).with_extension("wat");
        let text = std::fs::read_to_string(path).expect("a case");
        let wasm = loom_wasm::read_input(text.as_bytes()).expect("a module");
        for fault in [Fault::LiftedGraph, Fault::Body, Fault::Panic] {
            let options = Options { fault: Some(fault), verify: true, ..Options::default() };
            let output = loom_wasm::optimize(&wasm, &options).expect("a valid module");
            assert_eq!(output.report.limits.get("signatures-undone"), Some(&1), "{fault:?}");
            assert!(!output.report.passes.contains_key(&format!("{pass}s")), "{fault:?}");
            assert!(common::compare(&wasm, &output.wasm).expect("runs") > 0);
        }
    }
}

/// Old bodies that come back find the data that they read.
#[test]
fn an_old_body_brings_the_old_data() {
    for case in ["constant-data", "unread-memory-in-part", "unread-memory-that-traps", "packed-data"] {
        let path = root().join("tests/cases/program").join(case).with_extension("wat");
        let text = std::fs::read_to_string(path).expect("a case");
        let wasm = loom_wasm::read_input(text.as_bytes()).expect("a module");
        for fault in [Fault::LiftedGraph, Fault::Body, Fault::Panic] {
            let options = Options { fault: Some(fault), verify: true, ..Options::default() };
            let output = loom_wasm::optimize(&wasm, &options).expect("a valid module");
            assert!(output.report.functions.reverted > 0, "{case} {fault:?}");
            assert!(!output.report.limits.contains_key("output-invalid-module"), "{case} {fault:?}");
            assert!(common::compare(&wasm, &output.wasm).expect("runs") > 0);
        }
    }
}

/// Data that would be cut into too many segments is written with more zeros instead.
#[test]
fn data_is_not_cut_into_too_many_segments() {
    let bytes = "a\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00".repeat(5000);
    let text =
        format!("(module (memory (export \"m\") 2) (data (i32.const 0) \"{bytes}\") (func (export \"f\")))");
    let wasm = loom_wasm::read_input(text.as_bytes()).expect("a module");
    let output = loom_wasm::optimize(&wasm, &Options::default()).expect("a valid module");
    assert_eq!(output.report.limits.get("data-segments"), Some(&1));
    assert!(common::compare(&wasm, &output.wasm).expect("runs") > 0);
}

/// Where the output does not validate, functions get their own bodies back before it is looked for whose are at fault.
#[test]
fn shared_bodies_go_when_the_output_does_not_validate() {
    let body = |c: u32| {
        format!(
            "(param i32) (i64.store (local.get 0) (i64.div_u (i64.load (local.get 0)) (i64.load offset=8 (local.get 0))))
             (i64.store offset=16 (local.get 0) (i64.rem_u (i64.load (local.get 0)) (i64.const {c})))"
        )
    };
    let text = format!(
        "(module (memory 1) (func (export \"a\") {}) (func (export \"b\") {}) (func (export \"c\") {}))",
        body(7001),
        body(7003),
        body(7007)
    );
    let wasm = wat::parse_str(text).expect("text");
    let options = Options { objective: Objective::Size, no_revert: true, ..Options::default() };
    let report = loom_wasm::optimize(&wasm, &options).expect("a valid module").report;
    assert_eq!(report.passes.get("equal-up-to-constants"), Some(&3));
    // The bodies are equal, and of a proposal that the module does not use;
    let options = Options { fault: Some(Fault::Proposal), ..options };
    let output = loom_wasm::optimize(&wasm, &options).expect("a valid module");
    assert_eq!(output.report.limits.get("equal-up-to-constants-undone"), Some(&1));
    assert_eq!(output.report.limits.get("output-invalid-functions"), Some(&3));
    assert!(!output.report.passes.contains_key("equal-up-to-constants"));
    assert!(common::compare(&wasm, &output.wasm).expect("runs") > 0);
}

/// The sections of a module but for custom ones.
fn without_custom_sections(wasm: &[u8]) -> Vec<u8> {
    let mut module = wasm_encoder::Module::new();
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        if let Some((id, range)) = payload.expect("a module").as_section()
            && id != 0
        {
            module.section(&wasm_encoder::RawSection {
                id,
                data: &wasm[range.start as usize..range.end as usize],
            });
        }
    }
    module.finish()
}

/// What names and meld's attestation say of allocators and memories can be told from how the module looks; only the report of
/// the boundaries cannot.
#[test]
fn a_stripped_program_is_optimized_as_well() {
    let fused = std::fs::read(root().join("tests/samples/fused/strings/fused.wasm")).expect("a sample");
    let optimize = |wasm: &[u8]| {
        let options = Options { objective: Objective::Size, ..closed(vec!["run".to_owned()]) };
        loom_wasm::optimize(wasm, &options).expect("a valid module")
    };
    let (with, without) = (optimize(&fused), optimize(&without_custom_sections(&fused)));
    assert!(
        without_custom_sections(&with.wasm) == without_custom_sections(&without.wasm),
        "other code without names and attestation"
    );
    let boundaries = &with.report.boundaries;
    assert_eq!(boundaries.len(), 3);
    for b in boundaries {
        assert!(b.erased && b.copies + b.allocations == 0, "{b:?}");
    }
    assert!(without.report.boundaries.is_empty());
    let is_told = |report: &loom_wasm::Report| report.notes.iter().any(|n| n.contains("taken for meld"));
    assert_eq!((is_told(&with.report), is_told(&without.report)), (false, true));
}
