//! Translation validation (`--verify`): what is right is proved, a rule made wrong on purpose is refused whatever a ledger says of it, and with
//! `--verify=strict` nothing is used that is not proved.

use loom_wasm::caps::Caps;
use loom_wasm::options::Validation;
use loom_wasm::rules::RuleSet;
use loom_wasm::verify::Answer;
use loom_wasm::verify::ledger::Ledger;
use loom_wasm::verify::smt::Proof;
use loom_wasm::verify::tiers::Checked;
use loom_wasm::{Objective, Options, Report, optimize, read_input};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn sample(name: &str) -> Vec<u8> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/fused").join(name).join("fused.wasm");
    std::fs::read(path).expect("the sample")
}

fn options(validation: Validation) -> Options {
    Options { egraph: true, verify: true, validation, ..Options::default() }
}

/// A rule, a module in which it fires, and what is wrong with it.
const WRONG: [(&str, &str, &str); 12] = [
    (
        "signed for unsigned",
        "(rule r :phase simplify :verify sample (i32.eqz (i32.ge_s ?x ?y)) => (i32.lt_u ?x ?y))",
        "(param i32 i32) (result i32) (i32.eqz (i32.ge_s (local.get 0) (local.get 1)))",
    ),
    (
        "rounding in the other direction",
        "(rule r :phase simplify :verify sample (i32.div_s ?x (i32.const ?c)) => (i32.shr_s ?x (i32.const (ictz ?c))) :when (is_pow2 ?c))",
        "(param i32 i32) (result i32) (i32.div_s (local.get 0) (i32.const 8))",
    ),
    (
        "wrapping is forgotten",
        "(rule r :phase simplify :verify sample (i32.lt_u ?x (i32.add ?x (i32.const ?c))) => (i32.const 1) :when (ne ?c 0))",
        "(param i32 i32) (result i32) (i32.lt_u (local.get 0) (i32.add (local.get 0) (i32.const 8)))",
    ),
    (
        "off by one",
        "(rule r :phase simplify :verify sample (i32.rem_u ?x (i32.const ?c)) => (i32.and ?x (i32.const ?c)) :when (is_pow2 ?c))",
        "(param i32 i32) (result i32) (i32.rem_u (local.get 0) (i32.const 8))",
    ),
    (
        "a condition is missing",
        "(rule r :phase simplify :verify sample (i32.and ?x (i32.const ?c)) => ?x)",
        "(param i32 i32) (result i32) (i32.and (local.get 0) (i32.const 8))",
    ),
    (
        "overlap is ignored",
        "(rule r :phase memory :verify sample (i32.load ?m ?o ?a (i32.store ?m ?p ?b ?x ?s)) => (i32.load ?m ?o ?a ?s))",
        "(param i32 i32) (result i32) (drop (i32.load (local.get 0))) (i32.store offset=4 (local.get 1) (i32.const 7))
         (i32.add (i32.load (local.get 0)) (i32.load (local.get 0)))",
    ),
    (
        "another width",
        "(rule r :phase memory :verify sample (i32.load8_u ?m ?o ?a (i32.store ?m ?o ?a ?x ?s)) => ?x)",
        "(param i32 i32) (result i32) (i32.store (local.get 0) (local.get 1)) (i32.load8_u (local.get 0))",
    ),
    (
        "a negative zero",
        "(rule r :phase simplify :verify sample (f32.add ?x (f32.const 0)) => ?x)",
        "(param f32) (result f32) (f32.add (local.get 0) (f32.const 0))",
    ),
    (
        "a bit that is written",
        "(rule r :phase skeleton :verify smt (i32.store8 ?m ?o ?a (i32.and ?x (i32.const 127)) ?s) => (i32.store8 ?m ?o ?a ?x ?s))",
        "(param i32 i32) (result i32) (i32.store8 (local.get 0) (i32.and (local.get 1) (i32.const 127))) (i32.load (local.get 0))",
    ),
    (
        "what was there before another write",
        "(rule r :phase skeleton :verify smt (i32.store ?m ?o ?a (i32.load ?m ?o ?a ?v) ?s) => remove)",
        "(param i32 i32) (result i32) (local i32) (local.set 2 (i32.load (local.get 0))) (i32.store (local.get 0) (local.get 1))
         (i32.store (local.get 0) (local.get 2)) (i32.load offset=8 (local.get 0))",
    ),
    (
        "more memory that is not had",
        "(rule r :phase skeleton :verify smt (memory.grow ?m (i32.const ?n) ?s) => (memory.size ?m ?s))",
        "(param i32 i32) (result i32) (memory.grow (i32.const 1))",
    ),
    (
        "a branch taken that is not",
        "(rule r :phase skeleton :verify smt (br_if (i32.shl ?x (i32.const ?c))) => (br_if ?x))",
        "(param i32 i32) (result i32) (if (i32.shl (local.get 0) (i32.const 8)) (then (i32.store (local.get 1) (i32.const 1))))
         (i32.load (local.get 0))",
    ),
];

/// Files of a rule and of a ledger that says it is proved.
fn written(folder: &TempDir, rule: &str, proof: Proof) -> (PathBuf, PathBuf) {
    let (rules, ledger) = (folder.path().join("my.rules"), folder.path().join("my.ledger"));
    std::fs::write(&rules, rule).expect("written");
    let set = RuleSet::load(std::slice::from_ref(&rules)).unwrap_or_else(|e| panic!("{rule}: {e}"));
    let checked = Checked { sample: Answer::Passed { samples: 600 }, narrow: None, smt: Some(proof) };
    let text = Ledger::of(&set, &vec![checked; set.rules.len()], "z3").render();
    std::fs::write(&ledger, text).expect("written");
    (rules, ledger)
}

fn module(function: &str) -> Vec<u8> {
    read_input(format!("(module (memory 1) (func (export \"f\") {function}))").as_bytes()).expect("a module")
}

/// The body of the only function.
fn body(wasm: &[u8]) -> Vec<u8> {
    let entries =
        wasmparser::Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.expect("valid") {
            wasmparser::Payload::CodeSectionEntry(body) => Some(body.as_bytes().to_vec()),
            _ => None,
        });
    entries.last().expect("a function")
}

/// Body and report with only these rules.
fn run(wasm: &[u8], rules: &Path, ledger: Option<&Path>, validation: Validation) -> (Vec<u8>, Report) {
    let options = Options {
        rules: vec![rules.to_owned()],
        ledger: ledger.map(Path::to_owned),
        no_revert: true,
        ..options(validation)
    };
    let output = optimize(wasm, &options).expect("optimized");
    (body(&output.wasm), output.report)
}

#[test]
fn wrong_rules_are_refuted_though_a_ledger_says_that_they_are_proved() {
    for (what, rule, function) in WRONG {
        let folder = TempDir::new().expect("a folder");
        let (rules, ledger) = written(&folder, rule, Proof::Proved);
        let wasm = module(function);
        let (without_rules, _) = {
            let none = folder.path().join("none.rules");
            std::fs::write(&none, "").expect("written");
            run(&wasm, &none, None, Validation::Off)
        };
        // It is used, and does harm, where nobody looks.
        let (broken, _) = run(&wasm, &rules, None, Validation::Off);
        assert_ne!(broken, without_rules, "{what}: does not fire");
        for ledger in [None, Some(ledger.as_path())] {
            let (_, report) = run(&wasm, &rules, ledger, Validation::Count);
            let told = report.validation.expect("was asked for");
            assert_eq!((told.functions.refuted, told.functions.total()), (1, 1), "{what}: {told:?}");
            assert!(told.unproved[0].reasons[0].contains("rule r is wrong: "), "{what}: {told:?}");
            let (kept, report) = run(&wasm, &rules, ledger, Validation::Strict);
            assert_eq!(kept, body(&wasm), "{what}: the old body stays");
            assert_eq!(report.limits.get("not-proved"), Some(&1), "{what}");
        }
    }
}

const RIGHT: &str = "(rule r :phase simplify :verify sample (i32.rem_u ?x (i32.const ?c)) => (i32.and ?x (i32.const (isub ?c 1))) :when (is_pow2 ?c))";
const REMAINDER: &str = "(param i32 i32) (result i32) (i32.rem_u (local.get 0) (i32.const 8))";

#[test]
fn a_right_rule_is_used_when_a_ledger_has_its_proof_and_not_before() {
    let folder = TempDir::new().expect("a folder");
    let wasm = module(REMAINDER);
    let (rules, ledger) = written(&folder, RIGHT, Proof::Proved);
    let (used, report) = run(&wasm, &rules, Some(&ledger), Validation::Strict);
    assert_ne!(used, body(&wasm));
    let told = report.validation.expect("was asked for");
    assert_eq!((told.functions.proved, told.functions.total()), (1, 1), "{told:?}");
    assert_eq!(told.stages["rules"].proved, 1);
    // Neither without a proof nor with one of another text is it anything but unknown.
    let (rules, open) = written(&folder, RIGHT, Proof::Unknown("no answer".to_owned()));
    let other = RIGHT.replace("(is_pow2 ?c)", "(is_pow2 ?c) (ne ?c 16)");
    for (rule, ledger) in [(RIGHT, None), (RIGHT, Some(&open)), (other.as_str(), Some(&ledger))] {
        std::fs::write(&rules, rule).expect("written");
        let (_, report) = run(&wasm, &rules, ledger.map(PathBuf::as_path), Validation::Count);
        let told = report.validation.expect("was asked for");
        assert_eq!((told.functions.unknown, told.functions.total()), (1, 1), "{told:?}");
        let (kept, _) = run(&wasm, &rules, ledger.map(PathBuf::as_path), Validation::Strict);
        assert_eq!(kept, body(&wasm), "{rule}");
    }
}

#[test]
fn saturation_of_fused_programs_is_proved() {
    for name in ["strings"] {
        for objective in [Objective::Speed, Objective::Size] {
            let output = optimize(&sample(name), &Options { objective, ..options(Validation::Count) });
            let told = output.expect("optimized").report.validation.expect("was asked for");
            assert_eq!(told.functions.refuted, 0, "{name}: {told:?}");
            for stage in ["rules", "cleanup", "lowering"] {
                let answers = told.stages[stage];
                assert!(answers.proved * 10 >= answers.total() * 9, "{name}, {stage}: {told:?}");
            }
            // All that is known between functions is found again.
            let program = told.stages["program"];
            assert!(program.proved > 0 && program.proved == program.total(), "{name}: {told:?}");
            assert!(told.stages["memory"].proved > 0, "{name}: {told:?}");
            // Callees that read another memory, made between two rounds: nobody proves them. All loops are.
            if objective == Objective::Speed {
                let loops = told.stages["loops"];
                assert!(loops.proved > 0 && loops.proved == loops.total(), "{name}: {told:?}");
                let made = told.stages["specialised"];
                assert!(made.unknown > 0 && made.unknown == made.total(), "{name}: {told:?}");
            }
            assert_eq!(told.unproved.len() as u64, told.functions.unknown, "{name}");
        }
    }
}

#[test]
fn strict_uses_only_what_is_proved() {
    let wasm = sample("strings");
    for objective in [Objective::Speed, Objective::Size] {
        let output =
            optimize(&wasm, &Options { objective, ..options(Validation::Strict) }).expect("optimized");
        let told = output.report.validation.expect("was asked for");
        assert!(told.functions.proved > 10, "{told:?}");
        assert_eq!(told.functions.proved, told.functions.total(), "{told:?}");
        let loops = (objective == Objective::Speed).then_some("loops");
        let stages: Vec<&str> =
            ["cleanup"].into_iter().chain(loops).chain(["lowering", "memory", "program", "rules"]).collect();
        assert_eq!(told.stages.keys().collect::<Vec<_>>(), stages);
        for pass in [
            "inlined-bodies",
            "forwarded-loads",
            "unused-parameters",
            "equal-up-to-constants",
            "specialised-callees",
        ] {
            assert!(!output.report.passes.contains_key(pass), "{pass}");
        }
        assert!(output.wasm.len() < wasm.len());
    }
}

#[test]
fn validation_does_not_change_the_output() {
    let wasm = sample("strings");
    let [plain, counted] =
        [Validation::Off, Validation::Count].map(|v| optimize(&wasm, &options(v)).expect("optimized").wasm);
    assert_eq!(plain, counted);
}

#[test]
fn what_is_too_large_is_unknown() {
    let folder = TempDir::new().expect("a folder");
    let (rules, ledger) = written(&folder, RIGHT, Proof::Proved);
    let options = Options {
        rules: vec![rules],
        ledger: Some(ledger),
        no_revert: true,
        caps: Caps { replay_terms: 2, ..Caps::default() },
        ..options(Validation::Count)
    };
    let told =
        optimize(&module(REMAINDER), &options).expect("optimized").report.validation.expect("was asked for");
    assert_eq!(told.functions.unknown, 1, "{told:?}");
    assert!(told.unproved[0].reasons[0].contains("too many terms"), "{told:?}");
}
