//! Claims that hold stand; every claim that is wrong, or whose licence is not there, is refused, and what rests on it with it.

use super::*;
use crate::lift::{Lifted, lift};
use crate::module::{Decoded, decode};

/// What is found of claims about a module of which all exports stay but those called `gone`.
fn established(wat: &str, claims: Claims) -> Established {
    let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}\n{wat}"));
    let Decoded { module, bodies, types } = decode(&wasm).expect("decodes");
    let graph = |func: FuncId| {
        let body = bodies.iter().find(|b| b.func == func)?.clone();
        match lift(&module, &types, body, Default::default()).expect("is valid").0 {
            Lifted::Function(f) => Some(f),
            Lifted::Raw(_) => None,
        }
    };
    establish(&module, claims, &graph, &|n| module.exports[n].name != "gone").expect("is well-formed")
}

fn constant(c: i32) -> Claim {
    Claim { is: Some(Same::Constant(Const::I32(c as u32))), zeros: 0 }
}

fn parameter(n: u32) -> Claim {
    Claim { is: Some(Same::Parameter(n)), zeros: 0 }
}

fn zeros(zeros: u64) -> Claim {
    Claim { is: None, zeros }
}

/// Claims about parameters and results of functions: the function, the claims.
fn crossing(params: &[(usize, &[Claim])], results: &[(usize, &[Claim])]) -> Claims {
    let mut claims = Claims::default();
    claims.functions.resize_with(8, Crossing::default);
    for &(func, params) in params {
        claims.functions[func].params = params.to_vec();
    }
    for &(func, results) in results {
        claims.functions[func].results = results.to_vec();
    }
    claims
}

#[track_caller]
fn stands(wat: &str, claims: Claims) {
    let found = established(wat, claims.clone());
    assert_eq!(found.refused, Vec::<String>::new());
    for (n, claimed) in claims.functions.iter().enumerate() {
        let func = FuncId::new(n);
        let results = claimed.results.iter().enumerate().all(|(k, &c)| found.claims.result(func, k) == c);
        assert!(claimed.params.iter().enumerate().all(|(k, &c)| found.claims.param(func, k) == c) && results);
    }
}

/// All claims about functions are refused, each for a reason of these.
#[track_caller]
fn refused(wat: &str, claims: Claims, reasons: &[&str]) {
    let found = established(wat, claims);
    let told = &found.refused;
    assert_eq!(told.len(), reasons.len(), "{told:?}");
    for (told, reason) in told.iter().zip(reasons) {
        assert!(told.contains(reason), "{told} instead of {reason}");
    }
    let nothing = |c: &Crossing| c.params.iter().chain(&c.results).all(|&c| c == Claim::default());
    let drops = |c: &Crossing| c.dropped_params | c.dropped_results != 0;
    assert!(found.claims.functions.iter().all(|c| nothing(c) && !drops(c)), "{:?}", found.claims);
}

/// func0 passes 7 to func1, and whatever it was given.
fn two_calls(first: &str, second: &str, more: &str) -> String {
    format!(
        "(module {more}
           (func $f (export \"f\") (param i32) (call $g {first}) (call $g {second}))
           (func $g (param i32) (drop (local.get 0))))"
    )
}

const SEVEN: &str = "(i32.const 7)";

#[test]
fn what_all_callers_pass_stands() {
    stands(&two_calls(SEVEN, SEVEN, ""), crossing(&[(1, &[constant(7)])], &[]));
    // Through a parameter of a caller that is claimed to be the same, in a ring of calls, and from a tail call.
    let ring = "(module
        (func $f (export \"f\") (call $g (i32.const 7)))
        (func $g (param i32) (if (i32.const 0) (then (call $h (local.get 0)))) (call $g (local.get 0)))
        (func $h (param i32) (return_call $g (local.get 0))))";
    stands(ring, crossing(&[(1, &[constant(7)]), (2, &[constant(7)])], &[]));
}

#[test]
fn one_caller_that_passes_something_else_refuses_a_constant() {
    let claim = || crossing(&[(1, &[constant(7)])], &[]);
    let why = &["parameter 0 of function 1 is not always so"];
    refused(&two_calls(SEVEN, "(i32.const 8)", ""), claim(), why);
    refused(&two_calls("(local.get 0)", SEVEN, ""), claim(), why);
    let tail = "(func (export \"h\") (return_call $g (i32.const 8)))";
    refused(&two_calls(SEVEN, SEVEN, tail), claim_of(2), &["parameter 0 of function 2 is not always so"]);
    let handled = "(func (export \"h\") (block $b (try_table (catch_all $b) (call $g (i32.const 8)))))";
    refused(&two_calls(SEVEN, SEVEN, handled), claim_of(2), &["parameter 0 of function 2 is not always so"]);
    // A caller that nothing runs says nothing.
    let dead = "(func $h (export \"gone\") (call $g (i32.const 8)))";
    stands(&two_calls(SEVEN, SEVEN, dead), claim_of(2));
}

/// That the only parameter of a function is 7.
fn claim_of(func: usize) -> Claims {
    crossing(&[(func, &[constant(7)])], &[])
}

#[test]
fn what_rests_on_a_refused_claim_is_refused() {
    let chain = "(module
        (func $f (export \"f\") (call $g (i32.const 8)))
        (func $g (param i32) (call $h (local.get 0)))
        (func $h (param i32) (drop (call $i (local.get 0))))
        (func $i (param i32) (result i32) (local.get 0)))";
    let claims =
        crossing(&[(1, &[constant(7)]), (2, &[constant(7)]), (3, &[constant(7)])], &[(3, &[constant(7)])]);
    let parameter = |n: usize| format!("parameter 0 of function {n} is not always so");
    let reasons = [parameter(1), parameter(2), parameter(3), "result 0 of function 3".to_owned()];
    refused(chain, claims, &reasons.each_ref().map(String::as_str));
    // Longer than it is looked at.
    let long: String = (0..MAX_PASSES + 2)
        .map(|n| format!("(func $f{n} (param i32) (call $f{} (local.get 0)))", n + 1))
        .collect();
    let end = MAX_PASSES + 2;
    let wat =
        format!("(module {long} (func $f{end} (param i32)) (func (export \"f\") (call $f0 (i32.const 8))))");
    let mut claims = Claims::default();
    claims.functions.resize_with(end + 2, Crossing::default);
    (0..=end).for_each(|n| claims.functions[n].params = vec![constant(7)]);
    let found = established(&wat, claims);
    assert_eq!(found.refused.last().map(String::as_str), Some("too many claims are refused"));
    assert!(found.claims.functions.is_empty());
}

#[test]
fn functions_that_someone_unseen_may_call_have_no_claims() {
    let unseen = &["function 1: it may be called by someone unseen"];
    for (what, more) in [
        ("exported", "(export \"g\" (func $g))"),
        ("in a table that is exported", "(table (export \"t\") 1 funcref) (elem (i32.const 0) $g)"),
        ("in a global", "(global funcref (ref.func $g))"),
    ] {
        let wat = two_calls(SEVEN, SEVEN, more);
        assert_eq!(established(&wat, claim_of(1)).refused, unseen, "{what}");
        refused(&wat, claim_of(1), unseen);
    }
    let in_table = |body: &str| {
        let table = "(table 1 funcref) (elem (i32.const 0) $g) (elem declare func $g)";
        format!(
            "(module {table} (func $f (export \"f\") (call $g (i32.const 7)) {body}) (func $g (param i32)))"
        )
    };
    // Nobody takes anything out of the table.
    stands(&in_table(""), claim_of(1));
    refused(&in_table("(call_indirect (param i32) (i32.const 8) (i32.const 0))"), claim_of(1), unseen);
    refused(&in_table("(drop (table.get 0 (i32.const 0)))"), claim_of(1), unseen);
    refused(&in_table("(drop (ref.func $g))"), claim_of(1), unseen);
    // A body kept as bytes: what it passes is not looked at, nor what it returns.
    let legacy =
        "(func $h (export \"h\") (result i32) try (call $g (i32.const 7)) catch_all end (i32.const 7))";
    refused(
        &two_calls(SEVEN, SEVEN, legacy),
        claim_of(2),
        &["function 2: it may be called by someone unseen"],
    );
    refused(
        &two_calls(SEVEN, SEVEN, legacy),
        crossing(&[], &[(0, &[constant(7)])]),
        &["function 0: its body is not seen"],
    );
    let start = "(module (func $g) (start $g))";
    let mut claims = Claims { functions: vec![Crossing::default()], ..Claims::default() };
    claims.functions[0].dropped_params = 1;
    refused(start, claims, &["function 0: it may be called by someone unseen, with the signature"]);
    // Nobody takes it for granted that an imported function gives back the same.
    let imported =
        "(module (import \"m\" \"g\" (func $g (result i32))) (func (export \"f\") (drop (call $g))))";
    refused(imported, crossing(&[], &[(0, &[constant(7)])]), &["function 0: its body is not seen"]);
}

#[test]
fn signatures_change_only_where_all_callers_are_seen() {
    let mut claims = claim_of(1);
    claims.functions[1].dropped_params = 1;
    let found = established(&two_calls(SEVEN, SEVEN, ""), claims.clone());
    assert_eq!((found.refused.len(), found.claims.functions[1].dropped_params), (0, 1));
    let reasons = ["function 1: it may be called by someone unseen"; 2];
    refused(&two_calls(SEVEN, SEVEN, "(export \"g\" (func $g))"), claims, &reasons);
}

#[test]
fn results_are_what_every_return_gives() {
    let of = |body: &str| {
        format!(
            "(module (func (export \"f\") (result i32) (call $g (i32.const 1) (i32.const 2)))
               (func $g (param i32 i32) (result i32) {body})
               (func $h (result i32) (i32.const 7)))"
        )
    };
    let two = |a: &str, b: &str| of(&format!("(if (local.get 0) (then (return {a}))) {b}"));
    let wrong = &["result 0 of function 1 is not always so"];
    let seven = || crossing(&[], &[(1, &[constant(7)])]);
    stands(&two(SEVEN, SEVEN), seven());
    refused(&two(SEVEN, "(i32.const 8)"), seven(), wrong);
    refused(&two(SEVEN, "(local.get 1)"), seven(), wrong);
    let second = || crossing(&[], &[(1, &[parameter(1)])]);
    stands(&two("(local.get 1)", "(local.get 1)"), second());
    refused(&two("(local.get 1)", "(local.get 0)"), second(), wrong);
    // Neither is what another function returns known, nor what it is that is called.
    refused(&of("(return_call $h)"), seven(), wrong);
    let wat = of("(i32.const 7)");
    refused(&wat, crossing(&[], &[(1, &[parameter(2)])]), &["of another type"]);
    let wide = Claim { is: Some(Same::Constant(Const::I64(7))), zeros: 0 };
    refused(&wat, crossing(&[], &[(1, &[wide])]), &["of another type"]);
    refused(&two_calls(SEVEN, SEVEN, ""), crossing(&[(1, &[wide])], &[]), &["of another type"]);
    // Of what a call gives back, the argument is what comes on.
    let through = "(module (func (export \"f\") (call $g (call $h (i32.const 7))))
        (func $g (param i32)) (func $h (param i32) (result i32) (local.get 0)))";
    stands(through, crossing(&[(1, &[constant(7)])], &[(2, &[parameter(0)])]));
    refused(through, crossing(&[(1, &[constant(7)])], &[]), &["parameter 0 of function 1"]);
}

#[test]
fn bits_are_zero_in_all_that_is_passed_and_returned() {
    let passed = |arg: &str| {
        format!(
            "(module (memory 1) (global $c i32 (i32.const 12)) (func $f (export \"f\") (param i32 f64)
               (local i32) {arg} (call $g))
             (func $g (param i32)))"
        )
    };
    let claim = |z: u64| crossing(&[(1, &[zeros(z)])], &[]);
    // An argument, bits that are zero, and bits that are one in some of its values.
    for (arg, zero, not) in [
        ("(i32.const 12)", !12u32, 4),
        ("(i32.and (local.get 0) (i32.const 12))", !12, 8),
        ("(i32.or (i32.const 1) (i32.const 8))", !9, 8),
        ("(i32.or (i32.load8_u (local.get 0)) (i32.const 256))", !0x1ff, 256),
        ("(i32.xor (i32.load8_u (local.get 0)) (i32.load8_u (local.get 0)))", !0xff, 1),
        ("(i32.add (i32.load8_u (local.get 0)) (i32.load8_u (local.get 0)))", !0x1ff, 256),
        ("(i32.add (i32.shl (local.get 0) (i32.const 4)) (i32.const 16))", 15, 1 << 31),
        ("(i32.add (local.get 0) (i32.const 1))", 0, 1 << 31),
        ("(i32.sub (i32.load8_u (local.get 0)) (i32.const 1))", 0, 1 << 31),
        ("(i32.shl (i32.load8_u (local.get 0)) (i32.const 4))", !0xff0, 16),
        ("(i32.shr_u (local.get 0) (i32.const 28))", !15, 8),
        ("(i32.shr_s (local.get 0) (i32.const 28))", 0, 1 << 31),
        ("(i32.shr_s (i32.load16_u (local.get 0)) (i32.const 8))", !0xff, 128),
        ("(i32.rem_u (local.get 0) (i32.const 10))", !15, 8),
        ("(i32.div_u (local.get 0) (i32.const 16))", !(u32::MAX >> 4), 1 << 27),
        ("(i32.load16_s (local.get 0))", 0, 1 << 31),
        ("(i32.clz (local.get 0))", !63, 32),
        ("(i32.lt_s (local.get 0) (i32.const 9))", !1, 1),
        ("(f64.lt (local.get 1) (local.get 1))", !1, 1),
        ("(i32.wrap_i64 (i64.extend_i32_u (i32.load8_u (local.get 0))))", !0xff, 128),
        ("(select (i32.const 1) (i32.const 4) (local.get 0))", !5, 4),
        ("(global.get $c)", 0, 8),
    ] {
        stands(&passed(arg), claim(zero.into()));
        refused(&passed(arg), claim((zero | not).into()), &["parameter 0 of function 1 is not always so"]);
    }
    // Around a loop: a bit that the first iteration does not have yet.
    let looped = |step: &str| {
        passed(&format!(
            "(local.set 2 (i32.const 2)) (loop $l (local.set 2 {step}) (br_if $l (local.get 0))) (local.get 2)"
        ))
    };
    stands(&looped("(i32.and (local.get 2) (i32.const 6))"), claim(!2u32 as u64));
    let grows = looped("(i32.shl (local.get 2) (i32.const 1))");
    stands(&grows, claim(1));
    refused(&grows, claim(1 << 8), &["parameter 0 of function 1 is not always so"]);
    let returned =
        |body: &str| format!("(module (func (export \"f\") (param i32) (result i32) (local i32) {body}))");
    let result = |z: u64| crossing(&[], &[(0, &[zeros(z)])]);
    let tests = "(if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.eqz (local.get 0))))";
    stands(&returned(tests), result(!1u32 as u64));
    refused(&returned(tests), result(u32::MAX.into()), &["result 0 of function 0 is not always so"]);
}

#[test]
fn globals_hold_what_nobody_changes() {
    let holds = |c: i32| {
        let mut claims = Claims::default();
        claims.globals[GlobalId::new(0)] = Some(Const::I32(c as u32));
        claims
    };
    let with = |init: &str, more: &str| {
        format!(
            "(module (global $g {init} (i32.const 7)) {more} (func (export \"f\") (result i32) (global.get $g)))"
        )
    };
    let dead = "(func (export \"gone\") (global.set $g (i32.const 8)))";
    let stands = |wat: &str| {
        let found = established(wat, holds(7));
        assert_eq!(found.refused, Vec::<String>::new(), "{wat}");
        assert!(found.claims.globals[GlobalId::new(0)].is_some());
    };
    stands(&with("i32", "(export \"g\" (global $g))"));
    stands(&with("(mut i32)", ""));
    stands(&with("(mut i32)", dead));
    let refused = |wat: &str, c: i32| {
        let found = established(wat, holds(c));
        assert_eq!(found.refused, [format!("global 0 does not always hold {c}")], "{wat}");
        assert!(found.claims.globals[GlobalId::new(0)].is_none());
    };
    refused(&with("i32", ""), 8);
    refused(&with("(mut i32)", "(export \"g\" (global $g))"), 7);
    refused(&with("(mut i32)", "(func (export \"s\") (global.set $g (i32.const 8)))"), 7);
    refused(&with("(mut i32)", "(func $s (global.set $g (i32.const 8))) (start $s)"), 7);
    refused("(module (import \"m\" \"g\" (global i32)) (func (export \"f\") (drop (global.get 0))))", 7);
    refused("(module (import \"m\" \"c\" (global i32)) (global i32 (i32.const 7)))", 7);
}

#[test]
fn globals_are_unread_where_nobody_reads() {
    let unread = || {
        let mut claims = Claims::default();
        claims.unread.insert(GlobalId::new(0));
        claims
    };
    let with = |more: &str| {
        format!("(module (memory 1) (table 9 funcref) (global $g (mut i32) (i32.const 0)) (global $i i32 (i32.const 0))
            (func (export \"f\") (global.set $g (i32.const 8))) {more})")
    };
    for fine in ["", "(func (export \"gone\") (drop (global.get $g)))"] {
        let found = established(&with(fine), unread());
        assert_eq!(found.refused, Vec::<String>::new());
        assert!(found.claims.unread.contains(GlobalId::new(0)));
    }
    for read in ["(func (export \"r\") (drop (global.get $g)))", "(export \"g\" (global $g))"] {
        let found = established(&with(read), unread());
        assert_eq!(found.refused, ["global 0 may be read"], "{read}");
        assert!(found.claims.unread.is_empty());
    }
    let first =
        |more: &str| format!("(module (memory 1) (table 9 funcref) (global $g i32 (i32.const 0)) {more})");
    for read in
        ["(global i32 (global.get $g))", "(data (global.get $g) \"x\")", "(elem (global.get $g) func)"]
    {
        assert_eq!(established(&first(read), unread()).refused, ["global 0 may be read"], "{read}");
    }
    let imported =
        "(module (import \"m\" \"g\" (global (mut i32))) (func (export \"f\") (global.set 0 (i32.const 8))))";
    assert_eq!(established(imported, unread()).refused, ["global 0 may be read"]);
}
