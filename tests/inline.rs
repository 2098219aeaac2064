//! The inliner and devirtualization from end to end: they fire, they decline where they must, and the host sees no difference.

mod common;

use loom_wasm::{Objective, Options, Output, Report};

/// Optimizes with every checker on and compares what the host sees, for each objective, with and without rules, on one
/// and two threads; the output for this objective with rules.
#[track_caller]
fn optimized(text: &str, objective: Objective) -> Output {
    let wasm = wat::parse_str(text).unwrap_or_else(|e| panic!("{e}"));
    let mut asked = None;
    for (goal, egraph, chaos) in [
        (Objective::Size, true, None),
        (Objective::Speed, true, None),
        (Objective::Size, false, None),
        (Objective::Speed, false, None),
        (Objective::Speed, true, Some(3)),
        (Objective::Size, true, Some(4)),
    ] {
        let options = Options { egraph, objective: goal, chaos, verify: true, ..Options::default() };
        let output = loom_wasm::optimize(&wasm, &options).unwrap_or_else(|e| panic!("{e}"));
        assert!(output.report.notes.is_empty(), "{:?}", output.report.notes);
        common::compare(&wasm, &output.wasm).unwrap_or_else(|e| panic!("{goal:?} {egraph} {chaos:?}: {e}"));
        let two = loom_wasm::optimize(&wasm, &Options { jobs: 2, ..options }).expect("as before");
        assert_eq!(two.wasm, output.wasm);
        if goal == Objective::Size && chaos.is_none() {
            assert!(output.wasm.len() <= wasm.len(), "larger: {} of {}", output.wasm.len(), wasm.len());
        }
        if goal == objective && egraph && chaos.is_none() {
            asked = Some(output);
        }
    }
    asked.expect("one of them")
}

fn count(report: &Report, pass: &str) -> u64 {
    report.passes.get(pass).copied().unwrap_or(0)
}

fn text(output: &Output) -> String {
    wasmprinter::print_bytes(&output.wasm).expect("valid")
}

/// Calls and functions left in the output.
#[track_caller]
fn left(text_before: &str, objective: Objective) -> (usize, usize) {
    let out = text(&optimized(text_before, objective));
    (out.matches("call ").count(), out.matches("\n  (func ").count())
}

const LONG: &str = "(local.set 0 (i32.add (i32.mul (local.get 0) (local.get 0)) (i32.const 77)))
  (i32.store (i32.and (local.get 0) (i32.const 1020)) (i32.xor (local.get 0) (i32.const 0x1234567)))
  (i32.store offset=4 (i32.and (local.get 0) (i32.const 1020)) (i32.rotl (local.get 0) (i32.const 5)))";

#[test]
fn the_only_call_takes_the_body_with_it() {
    let module = format!(
        "(module (memory (export \"m\") 1)
           (func $once (param i32) (result i32) {LONG} (if (local.get 0) (then (return (local.get 0)))) (i32.const 3))
           (func $twice (param i32) (result i32) {LONG} (local.get 0))
           (func (export \"f\") (param i32) (result i32) (call $twice (call $once (i32.add (local.get 0) (i32.const 1)))))
           (func (export \"g\") (param i32) (result i32) (call $twice (local.get 0))))"
    );
    assert_eq!(left(&module, Objective::Size), (2, 3));
    let report = optimized(&module, Objective::Size).report;
    assert_eq!((count(&report, "inlined-calls"), count(&report, "inlined-bodies")), (1, 1));
}

#[test]
fn a_chain_of_only_calls_becomes_one_function() {
    let module = format!(
        "(module (memory (export \"m\") 1)
           (func $a (param i32) (result i32) {LONG} (local.get 0))
           (func $b (param i32) (result i32) (i32.mul (call $a (local.get 0)) (i32.const 3)))
           (func $c (param i32) (result i32) (i32.sub (call $b (local.get 0)) (i32.const 9)))
           (func (export \"f\") (param i32) (result i32) (call $c (local.get 0))))"
    );
    assert_eq!(left(&module, Objective::Size), (0, 1));
}

#[test]
fn what_the_host_or_a_table_can_reach_stays() {
    for what in [
        "(export \"x\" (func $once))",
        "(start $once)",
        "(table 1 funcref) (elem (i32.const 0) func $once) (func (export \"h\") (call_indirect (i32.const 0)))",
        "(elem declare func $once) (func (export \"h\") (result funcref) (ref.func $once))",
    ] {
        let module = format!(
            "(module (memory (export \"m\") 1) {what}
               (func $once (local i32) {LONG})
               (func (export \"f\") (call $once)))"
        );
        let out = optimized(&module, Objective::Size);
        assert_eq!(count(&out.report, "inlined-bodies"), 0, "{what}");
        assert!(text(&out).contains("i32.rotl") || text(&out).contains("i32.store offset=4"), "{what}");
    }
}

#[test]
fn recursion_stays() {
    let module = "(module
        (func $even (param i32) (result i32) (if (result i32) (local.get 0)
          (then (call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))
        (func $odd (param i32) (result i32) (if (result i32) (local.get 0)
          (then (call $even (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
        (func (export \"f\") (param i32) (result i32) (call $even (i32.and (local.get 0) (i32.const 63)))))";
    assert_eq!(left(module, Objective::Size), (3, 3));
}

#[test]
fn tail_calls_on_both_sides() {
    let module = format!(
        "(module (memory (export \"m\") 1) (import \"h\" \"log\" (func $log (param i32) (result i32)))
           (func $tail (param i32) (result i32) {LONG} (return_call $log (local.get 0)))
           (func $other (param i32) (result i32) {LONG} (if (local.get 0) (then (return (i32.const 5)))) (return_call $log (i32.const 8)))
           (func (export \"f\") (param i32) (result i32) (i32.eqz (call $tail (local.get 0))))
           (func (export \"g\") (param i32) (result i32) (return_call $other (local.get 0))))"
    );
    let module = module.replace(
        "(memory (export \"m\") 1) (import \"h\" \"log\" (func $log (param i32) (result i32)))",
        "(import \"h\" \"log\" (func $log (param i32) (result i32))) (memory (export \"m\") 1)",
    );
    let out = optimized(&module, Objective::Size);
    assert_eq!(count(&out.report, "inlined-bodies"), 2);
    assert_eq!(text(&out).matches("return_call").count(), 1);
}

#[test]
fn several_results_and_no_return() {
    let module = format!(
        "(module (memory (export \"m\") 1)
           (func $pair (param i32) (result i32 i64) {LONG} (local.get 0) (i64.extend_i32_u (local.get 0)))
           (func $never (param i32) {LONG} unreachable)
           (func (export \"f\") (param i32) (result i64) (local i64)
             (call $pair (local.get 0)) (local.set 1) (local.set 0) (i64.add (local.get 1) (i64.extend_i32_s (local.get 0))))
           (func (export \"g\") (param i32) (result i32)
             (if (i32.gt_s (local.get 0) (i32.const 9)) (then (call $never (local.get 0)))) (local.get 0)))"
    );
    assert_eq!(left(&module, Objective::Size), (0, 2));
}

#[test]
fn small_functions_in_loops_for_speed() {
    let module = "(module
        (func $mix (param i32 i32) (result i32)
          (i32.xor (i32.rotl (i32.mul (local.get 0) (i32.const 0x9e3779b1)) (i32.const 13)) (i32.add (local.get 1) (i32.const 7))))
        (func (export \"f\") (param $n i32) (result i32) (local $h i32)
          (local.set $n (i32.and (local.get $n) (i32.const 63)))
          (loop $again
            (local.set $h (call $mix (local.get $h) (local.get $n)))
            (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
          (call $mix (local.get $h) (local.get $h)))
        (func (export \"g\") (param i32 i32) (result i32) (call $mix (local.get 0) (local.get 1))))";
    assert!(count(&optimized(module, Objective::Speed).report, "inlined-calls") > 0);
    assert_eq!(count(&optimized(module, Objective::Size).report, "inlined-calls"), 0);
}

/// A caller inside `try_table`: nothing to run it with here, but the output is valid and nothing is refused.
#[test]
fn handlers() {
    let module = format!(
        "(module (memory (export \"m\") 1) (tag $e (param i32))
           (func $throws (param i32) (result i32) {LONG} (throw $e (local.get 0)))
           (func $quiet (param i32) (result i32) {LONG} (local.get 0))
           (func $catches (param i32) (result i32)
             (block $h (result i32) (try_table (catch $e $h) {LONG} (throw $e (i32.const 4))) (unreachable)))
           (func (export \"f\") (param i32) (result i32)
             (block $h (result i32) (return (try_table (result i32) (catch $e $h) (call $throws (local.get 0))))))
           (func (export \"g\") (param i32) (result i32)
             (block $h (result i32) (return (try_table (result i32) (catch $e $h) (call $quiet (local.get 0))))))
           (func (export \"h\") (param i32) (result i32) (call $catches (local.get 0))))"
    );
    let wasm = wat::parse_str(module).expect("text parses");
    for objective in [Objective::Size, Objective::Speed] {
        let options = Options { egraph: true, objective, verify: true, ..Options::default() };
        let output = loom_wasm::optimize(&wasm, &options).expect("a valid module");
        assert!(output.report.notes.is_empty(), "{:?}", output.report.notes);
        assert_eq!(count(&output.report, "inlined-bodies"), 2, "{:?}", output.report);
        assert_eq!(text(&output).matches("call ").count(), 1);
    }
}

#[test]
fn budgets_are_counted() {
    let module = format!(
        "(module (memory (export \"m\") 1)
           (func $once (param i32) (result i32) {LONG} (local.get 0))
           (func (export \"f\") (param i32) (result i32) (call $once (local.get 0))))"
    );
    let wasm = wat::parse_str(module).expect("text parses");
    let mut options = Options { egraph: true, objective: Objective::Size, ..Options::default() };
    options.caps.inline.function = 5;
    let output = loom_wasm::optimize(&wasm, &options).expect("a valid module");
    assert_eq!(output.report.limits.get("inline-function"), Some(&1));
    assert!(output.report.passes.is_empty());
}

/// A module with a table of two functions; `f` calls slot 1, `g` any slot.
fn table(more: &str, index: &str, ty: &str) -> String {
    format!(
        "(module (memory (export \"m\") 1) (type $t (func (param i32) (result i32))) (type $u (func (param i32) (result i64)))
           (table $p 4 8 funcref) (elem (table $p) (i32.const 0) func $a $b)
           (func $a (type $t) {LONG} (local.get 0))
           (func $b (type $t) (i32.mul (local.get 0) (i32.const 12345)))
           (func (export \"f\") (param i32) (call_indirect $p (type {ty}) (local.get 0) {index}) drop)
           (func (export \"g\") (param i32 i32) (result i32) (call_indirect $p (type $t) (local.get 0) (i32.and (local.get 1) (i32.const 7))))
           {more})"
    )
}

#[test]
fn a_constant_index_into_a_fixed_table_is_a_direct_call() {
    for index in ["(i32.const 0)", "(i32.sub (i32.const 9) (i32.const 9))", "(call $zero)"] {
        let module = table(
            "(func $zero (result i32) (i32.const 0)) (func (export \"z\") (result i32) (call $zero))",
            index,
            "$t",
        );
        let out = optimized(&module, Objective::Size);
        assert_eq!(count(&out.report, "direct-calls"), 1, "{index}");
        assert_eq!(text(&out).matches("call_indirect").count(), 1);
    }
}

#[test]
fn calls_that_trap_keep_their_trap() {
    for (index, ty) in
        [("(i32.const 2)", "$t"), ("(i32.const 99)", "$t"), ("(i32.const -1)", "$t"), ("(i32.const 0)", "$u")]
    {
        let out = optimized(&table("", index, ty), Objective::Size);
        assert_eq!(count(&out.report, "direct-calls"), 0, "{index} {ty}");
    }
}

#[test]
fn tables_that_may_change_keep_their_calls() {
    for more in [
        "(export \"t\" (table $p))",
        "(elem declare func $b) (func (export \"w\") (table.set $p (i32.const 0) (ref.func $b)))",
        "(func (export \"w\") (table.copy $p $p (i32.const 0) (i32.const 1) (i32.const 1)))",
        "(func (export \"w\") (drop (table.grow $p (ref.null func) (i32.const 1))))",
        "(func (export \"w\") (table.fill $p (i32.const 0) (ref.null func) (i32.const 1)))",
        "(elem $e func $b) (func (export \"w\") (table.init $p $e (i32.const 0) (i32.const 0) (i32.const 1)))",
    ] {
        let out = optimized(&table(more, "(i32.const 0)", "$t"), Objective::Size);
        assert_eq!(count(&out.report, "direct-calls"), 0, "{more}");
    }
    // What writes another table does not matter, nor does reading.
    for more in [
        "(table $q 2 funcref) (func (export \"w\") (table.copy $q $p (i32.const 0) (i32.const 1) (i32.const 1)))",
        "(func (export \"w\") (result i32) (table.size $p))",
        "(elem (table $p) (i32.const 0) func $b)",
    ] {
        let out = optimized(&table(more, "(i32.const 0)", "$t"), Objective::Size);
        assert_eq!(count(&out.report, "direct-calls"), 1, "{more}");
    }
}
