//! Every way back is forced: a bug made on purpose in each stage, and each cap made small. The report has to name what
//! happened, and the output has to be valid and behave as the input does.

use loom_fuzz::choices::strict;
use loom_fuzz::generate;
use loom_fuzz::oracle::{Verdict, compare};
use loom_wasm::caps::{Caps, Fault};
use loom_wasm::module::{decode, used_features};
use loom_wasm::{Assumptions, Objective, Options, Report, optimize};

/// Stores, loads, a loop with two values carried round, a call and a function of two results: something for every stage.
const MODULE: &str = r#"(module
  (import "host" "log" (func $log (param i32)))
  (memory (export "m") 1)
  (global $g (export "g") (mut i32) (i32.const 7))
  (func $sum (export "sum") (param $p i32) (param $n i32) (result i32) (local $s i32) (local $t i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (local.set $p (i32.and (local.get $p) (i32.const 1023)))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (i32.store (local.get $p) (i32.add (i32.add (local.get $s) (i32.const 3)) (i32.const 4)))
        (local.set $t (i32.load offset=4 (local.get $p)))
        (local.set $s (i32.add (local.get $s) (i32.mul (local.get $t) (i32.const 2))))
        (local.set $p (i32.add (local.get $p) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (call $log (local.get $s))
    (i32.add (local.get $s) (i32.add (local.get $t) (i32.load (local.get $p)))))
  (func (export "pair") (param $a i32) (param $b i32) (result i32)
    (global.set $g (i32.add (i32.mul (local.get $a) (i32.const 8)) (i32.const 0)))
    (if (result i32) (i32.lt_u (local.get $a) (local.get $b))
      (then (i32.store (i32.const 16) (local.get $a)) (call $sum (local.get $a) (local.get $b)))
      (else (i32.store (i32.const 20) (local.get $b)) (i32.sub (i32.load (i32.const 16)) (global.get $g)))))
  (func (export "swap") (param $a i32) (param $b i32) (param $n i32) (result i32) (local $t i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    (loop $again
      (i32.store (i32.and (local.get $a) (i32.const 255)) (local.get $b))
      (local.set $t (local.get $a))
      (local.set $a (local.get $b))
      (local.set $b (local.get $t))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i32.sub (local.get $a) (local.get $b))))"#;

fn module() -> Vec<u8> {
    wat::parse_str(MODULE).expect("text parses")
}

fn options() -> Options {
    Options {
        egraph: true,
        objective: Objective::Size,
        no_revert: true,
        verify: true,
        assumptions: strict(),
        ..Options::default()
    }
}

/// Optimizes; the output has to be valid with the input's features and to behave as the input does.
fn run(wasm: &[u8], options: &Options) -> (Vec<u8>, Report) {
    let out = optimize(wasm, options).expect("a valid module is never rejected");
    let mut validator = wasmparser::Validator::new_with_features(used_features(wasm));
    validator.validate_all(&out.wasm).expect("output is valid");
    match compare(wasm, &out.wasm, 1, 3) {
        Verdict::Equal(_) => {}
        Verdict::Skip(why) => panic!("nothing compared: {why}"),
        Verdict::Mismatch(what) | Verdict::Engines(what) => panic!("{what}"),
    }
    (out.wasm, out.report)
}

fn bodies(wasm: &[u8]) -> Vec<Vec<u8>> {
    let module = decode(wasm).expect("decodes").validate_bodies().expect("is valid");
    module.funcs.keys().filter_map(|f| module.raw_body(f).map(<[u8]>::to_vec)).collect()
}

fn limit(report: &Report, name: &str) -> u64 {
    report.limits.get(name).copied().unwrap_or(0)
}

#[test]
fn without_a_fault_nothing_is_refused() {
    let wasm = module();
    let (out, report) = run(&wasm, &options());
    // A cap on depth is part of finding an expression, no fall-back of a function.
    assert!(report.limits.keys().all(|l| l == "extract-depth"), "{:?}", report.limits);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    assert_eq!(report.functions.reverted, 0);
    assert_ne!(bodies(&out), bodies(&wasm), "nothing was optimized");
}

/// What becomes of the three functions of the module.
enum Way {
    /// Their bodies are those of the input.
    OldBodies,
    /// They are lowered as they were lifted.
    Plain,
    /// The module is the input.
    Input,
}

#[test]
fn every_fault_is_made_harmless() {
    let wasm = module();
    let plain = run(&wasm, &Options { egraph: false, ..options() }).0;
    let n = bodies(&wasm).len() as u64;
    for (fault, limit_name, reached, way) in [
        (Fault::LiftedGraph, "lift-refused", n, Way::OldBodies),
        (Fault::Panic, "internal-panic", n, Way::OldBodies),
        (Fault::Unavailable, "extract-unavailable", n, Way::Plain),
        (Fault::LostEffect, "extract-refused", n, Way::Plain),
        (Fault::ExtractedGraph, "extract-refused", n, Way::Plain),
        (Fault::Unsupported, "lower-unsupported", 2 * n, Way::OldBodies),
        (Fault::EveryStackCode, "lower-check-failed", 2 * n, Way::OldBodies),
        (Fault::Body, "output-invalid-functions", n, Way::OldBodies),
        (Fault::Proposal, "output-invalid-functions", n, Way::OldBodies),
        (Fault::Module, "output-invalid-module", 1, Way::Input),
    ] {
        let (out, report) = run(&wasm, &Options { fault: Some(fault), ..options() });
        assert_eq!(limit(&report, limit_name), reached, "{fault:?}: {:?}", report.limits);
        match way {
            Way::OldBodies => {
                assert_eq!(bodies(&out), bodies(&wasm), "{fault:?}");
                assert_eq!(report.functions.reverted as u64, n, "{fault:?}");
                assert_eq!(report.functions.reasons.values().sum::<usize>() as u64, n, "{fault:?}");
            }
            Way::Plain => {
                assert_eq!(bodies(&out), bodies(&plain), "{fault:?}");
            }
            Way::Input => assert_eq!(out, wasm, "{fault:?}"),
        }
        let loud = !matches!(fault, Fault::Unavailable | Fault::Unsupported);
        assert_eq!(!report.notes.is_empty(), loud, "{fault:?}: {:?}", report.notes);
    }
}

/// A graph with other effects that breaks an invariant gives way to the one before, which is rewritten as values are.
#[test]
fn other_effects_that_break_an_invariant() {
    let text = r#"(module (memory (export "m") 1)
      (func (export "f") (param i32 i32)
        (i32.store8 (local.get 0) (i32.and (i32.add (local.get 1) (i32.const 0)) (i32.const 255)))))"#;
    let wasm = wat::parse_str(text).expect("text parses");
    let (good, report) = run(&wasm, &options());
    assert_eq!(report.rules.get("narrow-store-of-masked@32-8"), Some(&1), "{:?}", report.rules);
    let (out, report) = run(&wasm, &Options { fault: Some(Fault::SkeletonGraph), ..options() });
    assert_eq!(limit(&report, "skeleton-refused"), 1, "{:?}", report.limits);
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(!report.rules.contains_key("narrow-store-of-masked@32-8"), "{:?}", report.rules);
    let sizes = [&good, &out, &wasm].map(|w| bodies(w)[0].len());
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
}

/// A graph with promoted memory that breaks an invariant gives way to the one before.
#[test]
fn a_promoted_graph_that_is_refused() {
    let text = r#"(module (memory 2) (global $sp (mut i32) (i32.const 65536))
      (func (export "f") (param $x i32) (result i32) (local $f i32)
        (global.set $sp (local.tee $f (i32.sub (global.get $sp) (i32.const 16))))
        (i32.store (local.get $f) (local.get $x))
        (local.set $x (i32.load (local.get $f)))
        (global.set $sp (i32.add (local.get $f) (i32.const 16)))
        (local.get $x)))"#;
    let wasm = wat::parse_str(text).expect("text parses");
    let fused = Options { fused: true, assumptions: Assumptions::default(), ..options() };
    let (_, report) = run(&wasm, &fused);
    assert!(report.passes.contains_key("stack-pointer-writes"), "{:?}", report.passes);
    assert_eq!(report.assumptions.get("shadow-stack"), Some(&2), "{:?}", report.assumptions);
    let (out, report) = run(&wasm, &Options { fault: Some(Fault::PromotedGraph), ..fused });
    assert_eq!(limit(&report, "memory-refused"), 1);
    assert!(!report.passes.contains_key("stack-pointer-writes"), "{:?}", report.passes);
    assert!(report.notes.iter().any(|n| n.contains("promoted memory refused")), "{:?}", report.notes);
    assert_eq!(bodies(&out), bodies(&run(&wasm, &options()).0));
}

/// A graph with constant data that breaks an invariant is not used.
#[test]
fn a_graph_with_constant_data_that_is_refused() {
    let text = r#"(module (memory 1) (data (i32.const 16) "data")
      (func (export "f") (result i32) (i32.load (i32.const 16))))"#;
    let wasm = wat::parse_str(text).expect("text parses");
    let (_, report) = run(&wasm, &options());
    assert!(report.passes.contains_key("constant-data"), "{:?}", report.passes);
    let (out, report) = run(&wasm, &Options { fault: Some(Fault::PrivateMemory), ..options() });
    assert_eq!(limit(&report, "private-memory-refused"), 1);
    assert!(!report.passes.contains_key("constant-data"), "{:?}", report.passes);
    assert!(report.notes.iter().any(|n| n.contains("constant data refused")), "{:?}", report.notes);
    assert_eq!(bodies(&out), bodies(&wasm));
}

/// Memories stay as they were when a body whose accesses were moved is no valid code.
#[test]
fn merged_memories_that_are_refused() {
    let text = r#"(module (memory $a 1) (memory $b 1)
      (func (export "f") (param $x i32) (result i32)
        (i32.store $a (i32.const 8) (local.get $x))
        (i32.store $b (i32.and (local.get $x) (i32.const 12)) (local.get $x))
        (i32.add (i32.load $a (i32.const 10)) (i32.load $b (i32.const 4)))))"#;
    let wasm = wat::parse_str(text).expect("text parses");
    let merging = Options { merge_memories: true, ..options() };
    let (out, report) = run(&wasm, &merging);
    assert_eq!(report.passes.get("merged-memories"), Some(&1), "{:?}", report.passes);
    let space = report.address_space.expect("it was asked for");
    assert_eq!((space.before, space.after, space.pairs[0].merged), (131_072, 65_536, true));
    assert_eq!(decode(&out).expect("decodes").module.memories.len(), 1);
    let (out, report) = run(&wasm, &Options { fault: Some(Fault::MergedMemories), ..merging });
    assert_eq!(limit(&report, "merged-memories-undone"), 1);
    assert!(!report.passes.contains_key("merged-memories"), "{:?}", report.passes);
    assert!(report.notes.iter().any(|n| n.contains("not merged")), "{:?}", report.notes);
    let space = report.address_space.expect("it was asked for");
    assert_eq!((space.before, space.pairs[0].merged), (0, false));
    assert_eq!(out, run(&wasm, &options()).0);
}

/// Stack code that the checker refuses is written once more in the plainest way.
#[test]
fn the_second_way() {
    let (_, report) = run(&module(), &Options { fault: Some(Fault::StackCode), ..options() });
    // Once for each function, and once more where the plain way back was tried too.
    assert!((3..=6).contains(&limit(&report, "lower-second-way")), "{:?}", report.limits);
    assert_eq!(report.functions.reverted, 0);
    assert!(report.notes.iter().any(|n| n.contains("refused")), "{:?}", report.notes);
}

/// Without `verify` the same faults are stopped where a check always runs.
#[test]
fn what_is_always_checked() {
    let wasm = module();
    for fault in [Fault::Panic, Fault::EveryStackCode, Fault::Body, Fault::Proposal, Fault::Module] {
        let (out, _) = run(&wasm, &Options { fault: Some(fault), verify: false, ..options() });
        assert_eq!(bodies(&out), bodies(&wasm), "{fault:?}");
    }
}

#[test]
fn larger_bodies_are_not_used() {
    // Nothing can be made smaller here, and the locals' declaration cannot be written shorter.
    let wasm = wat::parse_str("(module (func (export \"f\") (param i32) (result i32) (local.get 0)))")
        .expect("parses");
    let (out, _) = run(&wasm, &Options { no_revert: false, ..options() });
    assert_eq!(out.len(), wasm.len());
}

/// A body that the graph does not model stays as it is.
#[test]
fn legacy_exceptions_stay_raw() {
    use wasm_encoder::*;
    let (mut types, mut functions, mut tags, mut exports, mut code) = (
        TypeSection::new(),
        FunctionSection::new(),
        TagSection::new(),
        ExportSection::new(),
        CodeSection::new(),
    );
    types.ty().function([], []);
    functions.function(0);
    tags.tag(TagType { kind: TagKind::Exception, func_type_idx: 0 });
    exports.export("f", ExportKind::Func, 0);
    let mut body = Function::new([]);
    for i in [
        Instruction::Try(BlockType::Empty),
        Instruction::Throw(0),
        Instruction::Catch(0),
        Instruction::End,
        Instruction::End,
    ] {
        body.instruction(&i);
    }
    code.function(&body);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&tags).section(&exports).section(&code);
    let wasm = module.finish();
    let out = optimize(&wasm, &options()).expect("is valid");
    assert_eq!(bodies(&out.wasm), bodies(&wasm));
    assert_eq!((out.report.functions.raw, out.report.functions.lifted), (1, 0));
    assert_eq!(out.report.functions.reasons.len(), 1);
}

/// Seeds of the structured generator tried for a cap that no hand-made module needs to reach.
const SEEDS: u64 = 40;

/// Each cap made small: the report names it, and the output behaves as before.
#[test]
fn every_cap_is_named_and_harmless() {
    let small = |change: &dyn Fn(&mut Caps)| {
        let mut caps = Caps::default();
        change(&mut caps);
        caps
    };
    let cases: [(&str, Caps); 18] = [
        ("memory-ssa-rows", small(&|c| c.memory_rows = 0)),
        ("memory-ssa-defs", small(&|c| c.memory_defs = 0)),
        ("egraph-large-function", small(&|c| c.large_graph = 0)),
        ("egraph-nodes", small(&|c| (c.node_growth, c.spare_nodes) = (0, 0))),
        ("egraph-matches", small(&|c| c.matches = 1)),
        ("extract-depth", small(&|c| c.expression_depth = 0)),
        ("extract-steps", small(&|c| c.expression_steps = 0)),
        ("extract-steps", small(&|c| c.expression_attempts = 0)),
        ("egraph-instructions", small(&|c| c.egraph_instructions = 0)),
        ("egraph-search", small(&|c| c.search = 0)),
        ("extract-unavailable", small(&|c| (c.extract_retries, c.expression_steps) = (0, 0))),
        ("extract-unchecked", small(&|c| c.check_states = 0)),
        ("values", small(&|c| c.lowered_values = 0)),
        ("live ranges", small(&|c| c.liveness_steps = 0)),
        ("liveness of loop parameters", small(&|c| c.parameter_steps = 0)),
        ("lower-check-failed", small(&|c| c.check_passes = 0)),
        ("work of the checker", small(&|c| c.check_work = 0)),
        ("work of the checker", small(&|c| c.check_held = 0)),
    ];
    for (name, caps) in cases {
        let mut reached = 0;
        let generated = (0..SEEDS).map(generate::module);
        for wasm in [module()].into_iter().chain(generated) {
            let out = optimize(&wasm, &Options { caps, ..options() }).expect("is valid");
            match compare(&wasm, &out.wasm, 1, 2) {
                Verdict::Mismatch(what) | Verdict::Engines(what) => panic!("{name}: {what}"),
                Verdict::Equal(_) | Verdict::Skip(_) => {}
            }
            for refusal in ["internal-panic", "extract-refused", "lift-refused", "output-invalid-functions"] {
                assert_eq!(limit(&out.report, refusal), 0, "{name}: {:?}", out.report.notes);
            }
            reached += limit(&out.report, name);
            if reached > 0 {
                break;
            }
        }
        assert!(reached > 0, "{name} was never reached");
    }
}

/// The caps of lifting leave bodies as they are.
#[test]
fn caps_of_lifting_leave_bodies_raw() {
    let wasm = module();
    for (reason, caps) in [
        ("too many block parameters", Caps { phi_operands: 0, ..Caps::default() }),
        ("too many edge arguments", Caps { edge_args: 0, ..Caps::default() }),
    ] {
        let (out, report) = run(&wasm, &Options { caps, ..options() });
        let n = report.functions.reasons.get(reason).copied().unwrap_or(0);
        assert!(n > 0 && n == report.functions.raw, "{reason}: {:?}", report.functions);
        let kept = bodies(&out).iter().zip(&bodies(&wasm)).filter(|(a, b)| a == b).count();
        assert!(kept >= n, "{reason}");
    }
}

/// A cap ends the same work with and without threads.
#[test]
fn caps_do_not_depend_on_threads() {
    let wasm = generate::module(3);
    let caps = Caps { matches: 2, spare_nodes: 10, expression_steps: 3, ..Caps::default() };
    let out = |jobs| optimize(&wasm, &Options { caps, jobs, ..options() }).expect("is valid").wasm;
    assert_eq!(out(1), out(4));
}
