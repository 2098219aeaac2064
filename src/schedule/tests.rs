//! Small functions of each shape: the round trip validates, passes the checker, is no larger, and computes the same;
//! code that was tampered with is refused.

use super::*;
use crate::ir::effects::effects;
use crate::lift::{Lifted, lift};
use crate::module::{self, Body, Module};
use code::StackOp;

fn context() -> LowerContext<'static> {
    LowerContext::new(&effects, true)
}

struct Trip {
    input: Vec<u8>,
    output: Vec<u8>,
    code: Vec<(Function, StackCode)>,
    /// Sizes of the bodies before and after.
    sizes: Vec<(usize, usize)>,
}

fn trip(wat: &str) -> Trip {
    trip_with(wat, &context())
}

fn trip_with(wat: &str, cx: &LowerContext<'_>) -> Trip {
    let input = wat::parse_str(wat).expect("text parses");
    let decoded = module::decode(&input).expect("module decodes");
    let (mut m, types) = (decoded.module, decoded.types);
    let mut allocations = Default::default();
    let mut code = Vec::new();
    for body in decoded.bodies {
        let (lifted, a) = lift(&m, &types, body, allocations).expect("body is valid");
        allocations = a;
        let Lifted::Function(f) = lifted else { panic!("kept raw") };
        let lowered = lower(&f, cx).expect("lowers");
        code.push((*f, lowered));
    }
    let mut sizes = Vec::new();
    for (f, c) in &code {
        let bytes = encode_body(&mut m, c);
        sizes.push((m.raw_body(f.id).map_or(0, <[u8]>::len), bytes.len()));
        m.funcs[f.id].body = Some(Body::Encoded(bytes));
    }
    let output = module::encode(&m, &m.numbering()).expect("encodes").wasm;
    wasmparser::Validator::new_with_features(module::accepted_features())
        .validate_all(&output)
        .unwrap_or_else(|e| panic!("{e}\n{}", wasmprinter::print_bytes(&output).unwrap_or_default()));
    Trip { input, output, code, sizes }
}

fn encode_body(m: &mut Module, c: &StackCode) -> Vec<u8> {
    let known: Vec<_> = c
        .block_types()
        .into_iter()
        .map(|r| {
            let index = m.intern_func_type(&[], &r).as_u32();
            (r, index)
        })
        .collect();
    c.encode(&|_, r| known.iter().find(|k| k.0 == r).map_or(0, |k| k.1), &m.numbering())
}

impl Trip {
    fn text(&self) -> String {
        wasmprinter::print_bytes(&self.output).unwrap_or_default()
    }

    fn no_larger(self) -> Self {
        for &(before, after) in &self.sizes {
            assert!(after <= before, "{before} → {after}\n{}", self.text());
        }
        self
    }

    /// Calls the export `f` of both modules with pairs of numbers and compares.
    fn same_results(self) -> Self {
        let engine = wasmi::Engine::default();
        let run = |bytes: &[u8], x: i32, y: i32| {
            let module = wasmi::Module::new(&engine, bytes).map_err(|e| e.to_string())?;
            let mut store = wasmi::Store::new(&engine, ());
            let instance = wasmi::Linker::new(&engine)
                .instantiate_and_start(&mut store, &module)
                .map_err(|e| e.to_string())?;
            let f = instance.get_typed_func::<(i32, i32), i32>(&store, "f").map_err(|e| e.to_string())?;
            f.call(&mut store, (x, y)).map_err(|e| e.to_string())
        };
        for x in [0, 1, 2, 3, 7, -1, 100] {
            for y in [0, 1, 2, 5, 9, -3] {
                let (a, b) = (run(&self.input, x, y), run(&self.output, x, y));
                assert_eq!(a, b, "f({x}, {y})\n{}", self.text());
            }
        }
        self
    }
}

fn body(code: &str) -> Trip {
    let wat = format!(
        r#"(module (memory 1) (func (export "f") (param $x i32) (param $y i32) (result i32) {code}))"#
    );
    trip(&wat).same_results()
}

#[test]
fn if_else_with_result() {
    body(
        "(if (result i32) (local.get $x) (then (i32.add (local.get $y) (i32.const 1))) (else (i32.const 7)))",
    )
    .no_larger();
}

#[test]
fn value_waits_below_a_block() {
    let t = body(
        "(i32.sub (i32.mul (local.get $x) (i32.const 3))
           (block (result i32) (br_if 0 (i32.const 4) (local.get $y)) (drop) (i32.const 9)))",
    );
    t.no_larger();
}

#[test]
fn counting_loop_increments_in_place() {
    let t = body(
        "(local $i i32) (local $s i32)
         (loop $l
           (local.set $s (i32.add (local.get $s) (local.get $i)))
           (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $x))))
         (local.get $s)",
    )
    .no_larger();
    assert_eq!(t.code[0].1.locals.len(), 2, "{}", t.text());
}

#[test]
fn post_increment_reads_the_old_value() {
    body(
        "(local $p i32)
         (loop $l
           (i32.store (i32.mul (local.get $p) (i32.const 4)) (i32.add (local.get $y) (local.get $p)))
           (local.set $p (i32.add (local.get $p) (i32.const 1)))
           (br_if $l (i32.lt_u (local.get $p) (i32.const 20))))
         (i32.load (i32.const 16))",
    )
    .no_larger();
}

#[test]
fn swap_in_a_loop() {
    let t = body(
        "(local $n i32) (local $t i32)
         (loop $l
           (local.set $t (local.get $x))
           (local.set $x (local.get $y))
           (local.set $y (local.get $t))
           (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5))))
         (i32.sub (local.get $x) (local.get $y))",
    );
    drop(t);
}

#[test]
fn lost_copy() {
    // The loop's parameter is wanted after the loop, together with its next value.
    body(
        "(local $i i32) (local $old i32)
         (loop $l
           (local.set $old (local.get $i))
           (local.set $i (i32.add (local.get $i) (i32.const 3)))
           (br_if $l (i32.lt_u (local.get $i) (i32.and (local.get $x) (i32.const 63)))))
         (i32.add (local.get $old) (i32.mul (local.get $i) (i32.const 100)))",
    );
}

#[test]
fn br_table_with_shared_targets() {
    body(
        "(local $r i32)
         (block $d (block $c (block $b (block $a
           (br_table $a $b $a $c $d (local.get $x)))
           (local.set $r (i32.const 1)) (br $d))
           (local.set $r (i32.const 2)))
           (local.set $r (i32.add (local.get $r) (local.get $y))))
         (local.get $r)",
    )
    .no_larger();
}

#[test]
fn zero_is_free() {
    let t = body(
        "(local $r i32)
         (if (local.get $x) (then (local.set $r (i32.load (i32.const 8))) (i32.store (local.get $r) (local.get $y))))
         (local.get $r)",
    )
    .no_larger();
    assert!(!t.text().contains("local.set 2\n    local.get 0\n    if"), "{}", t.text());
}

#[test]
fn several_results() {
    trip(
        "(module
           (func $two (param i32) (result i32 i64) (local.get 0) (i64.const 3))
           (func (param i32) (result i64 i32) (local i32 i64)
             (call $two (local.get 0)) (local.set 2) (local.set 1) (local.get 2) (local.get 1))
           (func (param i32) (result i32 i64)
             (if (result i32 i64) (local.get 0) (then (call $two (i32.const 1))) (else (i32.const 5) (i64.const 6)))))",
    )
    .no_larger();
}

#[test]
fn results_without_types_for_blocks() {
    let wat = "(module (func (param i32) (result i32 i64)
        (if (result i32 i64) (local.get 0) (then (i32.const 1) (i64.const 2)) (else (i32.const 5) (i64.const 6)))))";
    let input = wat::parse_str(wat).expect("text parses");
    let decoded = module::decode(&input).expect("module decodes");
    for body in decoded.bodies {
        let (lifted, _) = lift(&decoded.module, &decoded.types, body, Default::default()).expect("valid");
        let Lifted::Function(f) = lifted else { panic!("kept raw") };
        let cx = LowerContext { multi_value: false, ..context() };
        let code = lower(&f, &cx).expect("lowers");
        assert!(code.block_types().is_empty());
    }
}

#[test]
fn handlers_and_their_values() {
    let t = trip(
        r#"(module
             (tag $e (param i32 i64))
             (func $g (param i32) (result i32) (throw $e (local.get 0) (i64.const 2)))
             (func (export "f") (param i32) (result i32) (local i32)
               (local.set 1 (i32.const 5))
               (block $h (result i32 i64)
                 (block $all
                   (return (try_table (result i32) (catch $e $h) (catch_all $all)
                     (local.set 1 (call $g (i32.const 1)))
                     (i32.add (call $g (local.get 0)) (local.get 1)))))
                 (return (local.get 1)))
               (drop)
               (i32.add (local.get 1))))"#,
    );
    assert!(t.text().contains("try_table"));
}

#[test]
fn branches_on_references() {
    trip(
        r#"(module
             (type $t (func (result i32)))
             (func (export "f") (param funcref) (result i32)
               (block $null (drop (br_on_null $null (local.get 0))) (return (i32.const 1)))
               (i32.const 0))
             (func (param (ref null $t)) (result i32) (local (ref $t))
               (block $some (result (ref $t))
                 (br_on_non_null $some (local.get 0))
                 (return (i32.const 0)))
               (local.set 1)
               (drop (call_ref $t (local.get 1)))
               (call_ref $t (local.get 1))))"#,
    );
}

#[test]
fn reference_results_in_locals() {
    // A value that cannot be null goes through a local that can.
    let t = trip(
        "(module (type $t (func)) (func $g (type $t)) (elem declare func $g)
           (func (param i32) (local (ref $t))
             (if (local.get 0) (then (local.set 1 (ref.func $g)) (call_ref $t (local.get 1)) (call_ref $t (local.get 1))))))",
    );
    drop(t);
}

#[test]
fn calls_keep_their_order() {
    let t = trip(
        r#"(module (import "" "a" (func $a (result i32))) (import "" "b" (func $b (result i32)))
             (func (result i32) (local i32)
               (local.set 0 (call $a))
               (i32.sub (call $b) (local.get 0))))"#,
    )
    .no_larger();
    let text = t.text();
    assert!(
        text.find("call $a") < text.find("call $b") || text.find("call 0") < text.find("call 1"),
        "{text}"
    );
}

/// A function with enough going on to tamper with.
fn sample() -> (Function, StackCode) {
    let mut t = body(
        "(local $i i32) (local $s i32)
         (i32.store (local.get $x) (local.get $y))
         (local.set $s (i32.load (i32.const 4)))
         (i32.store offset=8 (local.get $x) (local.get $s))
         (loop $l
           (local.set $s (i32.add (local.get $s) (local.get $i)))
           (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $x))))
         (i32.sub (local.get $s) (local.get $i))",
    );
    t.code.pop().expect("one function")
}

#[test]
fn checker_accepts_the_sample() {
    let (f, code) = sample();
    assert_eq!(check(&f, &code, &effects), Ok(()));
}

#[test]
fn checker_refuses_other_locals() {
    let (f, code) = sample();
    let count = (f.params.len() + code.locals.len()) as u32;
    let mut tried = 0;
    for i in 0..code.ops.len() {
        for other in 0..count {
            let mut bad = code.clone();
            let differs = match &mut bad.ops[i] {
                StackOp::Get(l) | StackOp::Set(l) | StackOp::Tee(l) => std::mem::replace(l, other) != other,
                _ => false,
            };
            if differs {
                tried += 1;
                assert!(check(&f, &bad, &effects).is_err(), "op {i} with local {other}: {:?}", code.ops);
            }
        }
    }
    assert!(tried > 10);
}

#[test]
fn checker_refuses_missing_operations() {
    let (f, code) = sample();
    for i in 0..code.ops.len() {
        if code.ops[i].is_note() {
            continue;
        }
        let mut bad = code.clone();
        bad.ops.remove(i);
        assert!(check(&f, &bad, &effects).is_err(), "without op {i} {:?}", code.ops[i]);
        let mut bad = code.clone();
        if let StackOp::Tee(l) = bad.ops[i] {
            bad.ops[i] = StackOp::Set(l);
            assert!(check(&f, &bad, &effects).is_err(), "set for tee at {i}");
        }
    }
}

#[test]
fn checker_refuses_effects_out_of_order() {
    let (f, code) = sample();
    let stores: Vec<usize> = code
        .ops
        .iter()
        .enumerate()
        .filter(|(_, op)| matches!(op, StackOp::Inst(i) if f.results(*i).is_empty()))
        .map(|(i, _)| i)
        .collect();
    let mut bad = code.clone();
    bad.ops.swap(stores[0], stores[1]);
    assert!(check(&f, &bad, &effects).is_err());
}

#[test]
fn checker_refuses_wrong_branches() {
    let (f, code) = sample();
    for i in 0..code.ops.len() {
        let mut bad = code.clone();
        match &mut bad.ops[i] {
            StackOp::BrIf { edge, .. } => *edge = 1 - *edge,
            StackOp::If { skip, .. } => *skip = 1 - *skip,
            StackOp::Inst(inst) if prepare::opposite(f.insts[*inst].op).is_some() => {
                bad.ops[i] = StackOp::Inverted(*inst);
            }
            _ => continue,
        }
        assert!(check(&f, &bad, &effects).is_err(), "op {i}");
    }
}

/// The code for speed, with the same results as before.
fn for_speed(code: &str) -> String {
    let wat = format!(
        r#"(module (memory 1) (func (export "f") (param $x i32) (param $y i32) (result i32) {code}))"#
    );
    trip_with(&wat, &LowerContext { costs: CostTable::of(Objective::Speed), ..context() })
        .same_results()
        .text()
}

/// Instructions of a name in a text.
fn count(text: &str, name: &str) -> usize {
    text.lines().filter(|l| l.split_whitespace().next() == Some(name)).count()
}

const SKIP_ON_BITS: &str = "(block (br_if 0 (i32.and (local.get $x) (i32.const 2)))
    (i32.store (i32.const 8) (local.get $y)))
  (i32.load (i32.const 8))";

#[test]
fn for_speed_a_branch_without_a_free_opposite_stays() {
    let text = for_speed(SKIP_ON_BITS);
    assert_eq!((count(&text, "br_if"), count(&text, "i32.eqz")), (1, 0), "{text}");
}

#[test]
fn for_size_a_branch_without_a_free_opposite_becomes_an_if() {
    let text = body(SKIP_ON_BITS).no_larger().text();
    assert_eq!((count(&text, "if"), count(&text, "i32.eqz")), (1, 1), "{text}");
}

#[test]
fn for_speed_a_branch_with_a_free_opposite_becomes_an_if() {
    for cond in ["i32.lt_s (local.get $x) (i32.const 2)", "i32.eqz (local.get $x)"] {
        let text = for_speed(&SKIP_ON_BITS.replace("i32.and (local.get $x) (i32.const 2)", cond));
        assert_eq!((count(&text, "if"), count(&text, "i32.eqz")), (1, 0), "{text}");
    }
}

#[test]
fn for_speed_a_comparison_wanted_elsewhere_has_no_free_opposite() {
    let text = for_speed(
        "(local $c i32)
         (block (br_if 0 (local.tee $c (i32.lt_s (local.get $x) (i32.const 2))))
           (i32.store (i32.const 8) (local.get $y)))
         (i32.add (local.get $c) (i32.load (i32.const 8)))",
    );
    assert_eq!((count(&text, "br_if"), count(&text, "i32.eqz")), (1, 0), "{text}");
}

const EXIT_WITH_VALUE: &str = "(local $i i32)
  (block $out (result i32)
    (loop $l
      (drop (br_if $out (local.get $y) (i32.eq (local.get $i) (local.get $x))))
      (i32.store (i32.const 8) (local.get $i))
      (drop (br_if $out (local.get $y) (i32.eq (local.get $i) (i32.load (i32.const 12)))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
    (i32.const 7))";

#[test]
fn for_speed_a_value_does_not_wait_in_each_iteration() {
    let text = for_speed(EXIT_WITH_VALUE);
    assert_eq!(count(&text, "drop"), 0, "{text}");
}

#[test]
fn for_size_a_value_waits_over_the_exit_of_a_loop() {
    let text = body(EXIT_WITH_VALUE).no_larger().text();
    assert_eq!(count(&text, "drop"), 1, "{text}");
}

#[test]
fn for_speed_a_value_made_for_the_exit_waits() {
    let text =
        for_speed(&EXIT_WITH_VALUE.replace("(local.get $y)", "(i32.mul (local.get $y) (local.get $i))"));
    assert_eq!(count(&text, "drop"), 1, "{text}");
}

#[test]
fn for_speed_a_value_waits_where_no_loop_is_left() {
    let text = for_speed(
        "(block $out (result i32)
           (drop (br_if $out (local.get $y) (i32.and (local.get $x) (i32.const 2))))
           (i32.store (i32.const 8) (local.get $y))
           (i32.const 7))",
    );
    assert_eq!(count(&text, "drop"), 1, "{text}");
}

#[test]
fn for_speed_moves_of_an_exit_are_not_made_in_each_iteration() {
    // The loop goes on by its last branch; only the way out moves `y`.
    let text = for_speed(EXIT_WITH_VALUE);
    let inside = text.split("loop").nth(1).unwrap_or_default();
    let before = inside.split("i32.eq").nth(1).unwrap_or_default();
    let branch = before.lines().map(str::trim).find(|l| l.starts_with("if") || l.starts_with("br_if"));
    let moves = before.lines().map(str::trim).skip(1).take_while(|l| Some(*l) != branch).count();
    assert_eq!(moves, 0, "{text}");
}

/// A list is walked; the next element is read before the call that still takes the old one.
const WALK: &str = "(block (br_if 0 (i32.eqz (local.get $x)))
     (loop $l
       (i32.load offset=4 (local.get $x))
       (i32.store (local.get $x) (i32.const 7))
       (br_if $l (local.tee $x))))
   (local.get $y)";

#[test]
fn a_condition_is_written_on_its_way_to_the_branch() {
    let text = body(WALK).no_larger().text();
    let inside = text.split("loop").nth(1).unwrap_or_default();
    assert_eq!(count(inside, "local.set"), 0, "{text}");
    assert_eq!(count(inside, "local.tee"), 1, "{text}");
}

#[test]
fn a_condition_wanted_elsewhere_has_its_own_local() {
    let text = body(&WALK.replace("(local.tee $x)", "(local.tee $y (local.tee $x))")).text();
    assert!(count(&text, "local.set") + count(&text, "local.tee") >= 2, "{text}");
}

const VALUE_OR_MORE: &str = "(local.set $x (i32.load8_s (local.get $y)))
   (if (result i32) (local.get $x) (then (local.get $x)) (else (i32.load (i32.load (local.get $y)))))";

#[test]
fn an_arm_that_only_passes_a_value_comes_first_where_a_negation_would_be_needed() {
    let text = body(VALUE_OR_MORE).no_larger().text();
    assert_eq!(count(&text, "i32.eqz"), 0, "{text}");
    assert_eq!(count(&text, "else"), 1, "{text}");
}

#[test]
fn an_arm_that_only_passes_a_value_comes_last_where_a_negation_is_free() {
    let text = body(&VALUE_OR_MORE.replace(
        "(if (result i32) (local.get $x)",
        "(if (result i32) (i32.lt_s (local.get $x) (local.get $y))",
    ))
    .no_larger()
    .text();
    assert_eq!(count(&text, "i32.eqz"), 0, "{text}");
    assert_eq!(count(&text, "i32.ge_s"), 1, "{text}");
}
