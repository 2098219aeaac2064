use super::*;
use crate::ir::entity::Block;
use crate::ir::function::Terminator;
use crate::ir::verify::verify;
use crate::module::decode;

/// The graph of the last function of a module; all must lift and be valid.
fn lifted(wat: &str) -> Function {
    let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}"));
    let decoded = decode(&wasm).expect("decodes");
    let mut allocations = FuncValidatorAllocations::default();
    let mut last = None;
    for body in decoded.bodies {
        let result;
        (result, allocations) = lift(&decoded.module, &decoded.types, body, allocations).expect("is valid");
        let Lifted::Function(f) = result else { panic!("kept raw") };
        verify(&f, &decoded.module).unwrap_or_else(|e| panic!("{e:?}"));
        last = Some(*f);
    }
    last.expect("a function")
}

/// Number of parameters of each block in layout order.
fn params(f: &Function) -> Vec<usize> {
    f.layout.iter().map(|&b| f.block_params(b).len()).collect()
}

fn insts(f: &Function) -> usize {
    f.layout.iter().map(|&b| f.blocks[b].insts.len()).sum()
}

#[test]
fn a_join_has_a_parameter_only_where_values_differ() {
    let join = |then: &str, otherwise: &str, after: &str| {
        params(&lifted(&format!(
            "(module (memory 1) (func (param i32 i32) (result i32) (local i32)
               (if (local.get 0) (then {then}) (else {otherwise})) {after}))"
        )))
    };
    let (set5, set7) = ("(local.set 2 (i32.const 5)) nop", "(local.set 2 (i32.const 7))");
    let store = "(i32.store (i32.const 0) (i32.const 1))";
    assert_eq!(join(set5, set7, "(local.get 2)").last(), Some(&1));
    let same = "(local.set 2 (local.get 1))";
    assert_eq!(join(same, &format!("{same} {store}"), "(local.get 2)").last(), Some(&0));
    assert_eq!(join(same, same, "(local.get 2)"), [2], "nothing to choose");
    assert_eq!(join(&format!("{set5} {store}"), set7, "(local.get 1)").last(), Some(&0), "dead local");
    let anew = "(local.set 2 (local.get 0)) (local.get 2)";
    assert_eq!(join(set5, &format!("{set7} {store}"), anew).last(), Some(&0), "written anew");
}

#[test]
fn loop_parameters_are_those_that_change() {
    let f = lifted(
        "(module (func (param $n i32) (param $k i32) (result i32) (local $sum i32) (local $same i32)
           (local.set $same (local.get $k))
           (loop $l
             (local.set $sum (i32.add (local.get $sum) (local.get $same)))
             (local.set $same (local.get $k))
             (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
           (local.get $sum)))",
    );
    assert_eq!(params(&f), [2, 2, 0], "sum and n; same is always k");
}

#[test]
fn a_value_changed_by_an_inner_loop_only() {
    let f = lifted(
        "(module (func (param $n i32) (param $m i32) (result i32) (local $x i32) (local $j i32)
           (loop $outer
             (local.set $j (local.get $m))
             (loop $inner
               (local.set $x (i32.add (local.get $x) (local.get $m)))
               (br_if $inner (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
             (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
           (local.get $x)))",
    );
    assert_eq!(params(&f), [2, 2, 2, 0, 0]);
}

#[test]
fn a_loop_that_only_reads_has_no_parameter_for_it() {
    let f = lifted(
        "(module (memory 1) (func (param i32 i32) (local i64)
           (loop $l (i32.store (local.get 0) (local.get 1)) (br_if $l (i32.load (local.get 0))))))",
    );
    assert_eq!(params(&f), [2, 0, 0]);
}

#[test]
fn unread_pure_code_and_dead_code_are_not_lifted() {
    let f = lifted(
        "(module (func (param i32) (result i32)
           (drop (i32.mul (local.get 0) (i32.const 3)))
           (block (return (local.get 0)) (drop (i32.const 4)) (loop $l (br $l)))
           (unreachable)))",
    );
    assert_eq!((f.layout.len(), insts(&f)), (1, 0));
}

#[test]
fn an_unread_trap_is_lifted() {
    let f = lifted("(module (func (param i32) (drop (i32.div_u (i32.const 1) (local.get 0)))))");
    assert_eq!(insts(&f), 2);
}

#[test]
fn hints_are_the_locals_of_the_input() {
    let f = lifted(
        "(module (func (param i32 i32) (result i32) (local i32 i32)
           (local.set 3 (i32.add (local.get 0) (local.get 1)))
           (local.set 2 (local.get 3))
           (i32.mul (local.get 2) (local.get 3))))",
    );
    let hint = |n: usize| f.values[f.results(f.blocks[f.entry].insts[n])[0]].hint;
    assert_eq!((hint(0), hint(1)), (Some(3), None), "the first local that it was assigned to");
}

#[test]
fn values_on_branches_are_parameters() {
    let f = lifted(
        "(module (func (param i32) (result i32)
           (i32.add (i32.const 1)
             (block $b (result i32)
               (drop (br_if $b (i32.const 7) (local.get 0)))
               (i32.const 9)))))",
    );
    assert_eq!(params(&f).iter().sum::<usize>(), 2, "the function's and one");
}

#[test]
fn calls_end_blocks_inside_try_only() {
    let module = |body: &str| lifted(&format!("(module (tag $t) (func $g) (func (block $h {body})))"));
    assert_eq!(module("(call $g) (call $g)").layout.len(), 1);
    let f = module("(try_table (catch_all $h) (call $g) (call $g))");
    assert!(matches!(f.term(f.entry), Terminator::Invoke { .. }));
    let f = module("(try_table (call $g))");
    assert_eq!(f.layout.len(), 1, "nothing is caught");
}

#[test]
fn deep_nesting_needs_no_stack() {
    let depth = 20_000;
    let wat = format!(
        "(module (func (param i32) (result i32) {} {} local.get 0))",
        "block ".repeat(depth),
        "local.get 0 br_if 0 end ".repeat(depth)
    );
    let f = lifted(&wat);
    assert!(f.layout.contains(&Block::from_u32(0)));
}

#[test]
fn invalid_bodies_are_errors_with_an_offset() {
    // `i32.add` on an empty stack: (func (result i32) i32.add), which the text assembler does not check.
    let wasm = wat::parse_str("(module (func (result i32) i32.add))").expect("assembles");
    let decoded = decode(&wasm).expect("decodes");
    let body = decoded.bodies.into_iter().next().expect("a body");
    let error = lift(&decoded.module, &decoded.types, body, Default::default()).err().expect("is invalid");
    assert!(matches!(error.position, crate::error::Position::Offset(_)), "{error}");
}
