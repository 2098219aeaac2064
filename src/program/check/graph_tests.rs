//! A graph with exactly the licensed changes is accepted; every other change is refused.

use super::graph::check;
use super::*;
use crate::ir::entity::Block;
use crate::ir::function::ValueDef;
use crate::ir::parse;
use crate::ir::types::Type;
use cranelift_entity::EntityList;

/// func1 with these blocks.
fn graph(blocks: &str) -> Function {
    let text = format!("function func1 (i32, i32) -> (i32) {{\nb0(v0: i32, v1: i32):\n{blocks}\n}}\n");
    parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

const SEVEN: Claim = Claim { is: Some(Same::Constant(Const::I32(7))), zeros: 0 };
const NOTHING: Claim = Claim { is: None, zeros: 0 };

/// Claims about parameters of func1 and results of func2.
fn claims(params: &[Claim], results: &[Claim]) -> Claims {
    let mut claims = Claims::default();
    claims.functions.resize_with(3, Crossing::default);
    claims.functions[1].params = params.to_vec();
    claims.functions[2].results = results.to_vec();
    claims
}

fn v(n: usize) -> Value {
    Value::new(n)
}

/// A constant at the start of a function.
fn constant(f: &mut Function, c: i32) -> Value {
    let i = f.make_inst(Op::I32Const, Imm::I32(c), &[], &[Type::I32]);
    f.blocks[f.entry].insts.insert(0, i);
    f.results(i)[0]
}

/// Puts a value in place of another one in all operands.
fn put(f: &mut Function, old: Value, new: Value) {
    let mut replaced = SecondaryMap::new();
    replaced[old] = Some(new).into();
    crate::ir::cleanup::substitute(f, &mut replaced);
}

/// Takes the n-th instruction out of the entry.
fn take(f: &mut Function, n: usize) {
    f.blocks[f.entry].insts.remove(n);
}

/// Takes the n-th parameter of func1 out.
fn drop_param(f: &mut Function, n: usize) {
    let mut params = f.block_params(f.entry).to_vec();
    params.remove(n);
    f.params.remove(n);
    f.blocks[f.entry].params = EntityList::from_slice(&params, &mut f.pool);
    for (k, &p) in params.iter().enumerate() {
        f.values[p].def = ValueDef::Param(f.entry, k as u32);
    }
}

#[track_caller]
fn refused(before: &Function, after: &Function, claims: &Claims, reason: &str) {
    let why = check(before, after, claims).expect_err("is refused");
    assert!(why.contains(reason), "{why} instead of {reason}");
}

#[test]
fn a_constant_parameter_is_that_constant_and_no_other() {
    let before = graph("v2: i32 = i32.add v0, v1\nreturn v2");
    for (c, claimed, fine) in [(7, SEVEN, true), (8, SEVEN, false), (7, NOTHING, false)] {
        let mut after = before.clone();
        let new = constant(&mut after, c);
        put(&mut after, v(0), new);
        assert_eq!(check(&before, &after, &claims(&[claimed], &[])).is_ok(), fine, "{c}");
    }
    // Another value in place of the parameter, which no claim says.
    let mut after = before.clone();
    put(&mut after, v(0), v(1));
    refused(&before, &after, &claims(&[SEVEN], &[]), "inst0 is another instruction");
    assert_eq!(check(&before, &after, &claims(&[SEVEN, SEVEN], &[])), Ok(()));
}

#[test]
fn results_of_calls_are_what_is_claimed_and_the_calls_stay() {
    let before = graph("v2: i32 = call func2 v1\nv3: i32 = i32.add v2, v0\nreturn v3");
    let mut after = before.clone();
    put(&mut after, v(2), v(1));
    let same = Claim { is: Some(Same::Parameter(0)), zeros: 0 };
    assert_eq!(check(&before, &after, &claims(&[], &[same])), Ok(()));
    refused(&before, &after, &claims(&[], &[SEVEN]), "inst1 is another instruction");
    take(&mut after, 0);
    refused(&before, &after, &claims(&[], &[same]), "inst0 is missing");
}

#[test]
fn masks_and_tests_fold_where_bits_are_known() {
    let before = graph(
        "v2: i32 = i32.const 15\nv3: i32 = i32.and v0, v2\nv4: i32 = i32.lt_u v0, v2\nv5: i32 = i32.add v3, v4\nreturn v5",
    );
    let low = |bits: u64| Claim { is: None, zeros: !bits };
    let mut masked = before.clone();
    put(&mut masked, v(3), v(0));
    assert_eq!(check(&before, &masked, &claims(&[low(15)], &[])), Ok(()));
    refused(&before, &masked, &claims(&[low(31)], &[]), "inst3 is another instruction");
    let mut tested = before.clone();
    let one = constant(&mut tested, 1);
    put(&mut tested, v(4), one);
    assert_eq!(check(&before, &tested, &claims(&[low(7)], &[])), Ok(()));
    refused(&before, &tested, &claims(&[low(15)], &[]), "inst3 is another instruction");
}

#[test]
fn an_unused_parameter_goes_and_a_used_one_does_not() {
    let dropped = |before: &Function, n: usize| {
        let mut after = before.clone();
        drop_param(&mut after, n);
        let mut claims = claims(&[], &[]);
        claims.functions[1].dropped_params = 1 << n;
        (after, claims)
    };
    let before = graph("v2: i32 = i32.const 1\nv3: i32 = i32.add v1, v2\nreturn v3");
    let (after, claims) = dropped(&before, 0);
    assert_eq!(check(&before, &after, &claims), Ok(()));
    // It is not claimed, or another one is.
    refused(&before, &after, &Claims::default(), "another signature");
    let (other, _) = dropped(&before, 1);
    refused(&before, &other, &claims, "another signature");
    let (used, of_used) = dropped(&before, 1);
    refused(&before, &used, &of_used, "inst1 is another instruction");
    for used in [
        "return v1",
        "br b1(v1)\nb1(v2: i32):\nreturn v2",
        "br_if v1, b1(), b1()\nb1():\nreturn v0",
        "v2: i32 = call func2 v1\nreturn v2",
        "return_call func2(v1)",
    ] {
        let before = graph(used);
        let (after, claims) = dropped(&before, 1);
        assert!(check(&before, &after, &claims).is_err(), "{used}");
    }
}

#[test]
fn arguments_and_results_go_with_the_signatures_of_callees() {
    let before = graph("v2: i32 = call func2 v0, v1\nreturn v0");
    let mut of_callee = claims(&[], &[]);
    (of_callee.functions[2].dropped_params, of_callee.functions[2].dropped_results) = (0b01, 1);
    let with = |args: &[Value], results: &[Value]| {
        let mut after = before.clone();
        let i = after.blocks[after.entry].insts[0];
        after.insts[i].args = after.list(args);
        after.insts[i].results = after.list(results);
        after
    };
    assert_eq!(check(&before, &with(&[v(1)], &[]), &of_callee), Ok(()));
    for (args, results) in [(&[v(0)][..], &[][..]), (&[v(0), v(1)], &[]), (&[v(1)], &[v(2)])] {
        refused(&before, &with(args, results), &of_callee, "inst0 is another instruction");
    }
    // The result is used.
    let before = graph("v2: i32 = call func2 v0, v1\nreturn v2");
    let mut after = before.clone();
    let i = after.blocks[after.entry].insts[0];
    after.insts[i].args = after.list(&[v(1)]);
    after.insts[i].results = EntityList::new();
    refused(&before, &after, &of_callee, "ends in another way");
    // Who ends in a call keeps what it gives back.
    let before = graph("return_call func2(v0, v1)");
    let mut after = before.clone();
    let args = after.list(&[v(1)]);
    if let Some(Terminator::TailCall { args: old, .. }) = &mut after.blocks[Block::new(0)].term {
        *old = args;
    }
    refused(&before, &after, &of_callee, "ends in another way");
    of_callee.functions[2].dropped_results = 0;
    assert_eq!(check(&before, &after, &of_callee), Ok(()));
}

#[test]
fn globals_go_only_where_they_are_known_or_unread() {
    let before = graph("global.set global0 v0\nv2: i32 = global.get global1\nreturn v2");
    let known = |c: u32| {
        let mut claims = Claims::default();
        claims.globals[GlobalId::new(1)] = Some(Const::I32(c));
        claims.unread.insert(GlobalId::new(0));
        claims
    };
    let mut after = before.clone();
    let read = after.blocks[after.entry].insts[1];
    (after.insts[read].op, after.insts[read].imm) = (Op::I32Const, Imm::I32(7));
    assert_eq!(check(&before, &after, &known(7)), Ok(()));
    refused(&before, &after, &known(8), "inst1 is another instruction");
    refused(&before, &after, &Claims::default(), "inst1 is another instruction");
    let mut after = before.clone();
    take(&mut after, 0);
    assert_eq!(check(&before, &after, &known(7)), Ok(()));
    refused(&before, &after, &Claims::default(), "inst0 is missing");
}

#[test]
fn what_no_claim_licenses_is_refused() {
    let text = "store_here\nv2: i32 = i32.const 3\nv3: i32 = i32.add v0, v2\nv4: i32 = i32.div_u v0, v1\nbr_if v3, b1(v0), b2()\nb1(v5: i32):\nreturn v5\nb2():\nreturn v1";
    let before = graph(&text.replace("store_here", "i32.store mem0 v0, v1"));
    let none = Claims::default();
    assert_eq!(check(&before, &before, &none), Ok(()));
    for (n, why) in [(0, "inst0 is missing"), (1, "inst2 is another"), (3, "inst3 is missing")] {
        let mut after = before.clone();
        take(&mut after, n);
        refused(&before, &after, &none, why);
    }
    let mut after = before.clone();
    let divides = after.blocks[after.entry].insts[3];
    after.blocks[after.entry].insts.insert(1, divides);
    refused(&before, &after, &none, "inst1 is missing");
    // Something that is no constant is new.
    let mut after = before.clone();
    let made = after.make_inst(
        Op::I32Load,
        before.insts[before.blocks[before.entry].insts[0]].imm,
        &[v(0)],
        &[Type::I32],
    );
    after.blocks[after.entry].insts.push(made);
    refused(&before, &after, &none, "was not there");
    let mut after = before.clone();
    after.layout.swap(1, 2);
    refused(&before, &after, &none, "other blocks");
    let ends = |change: &dyn Fn(&mut Terminator)| {
        let mut after = before.clone();
        change(after.blocks[after.entry].term.as_mut().expect("an end"));
        after
    };
    let swapped = ends(&|t| {
        if let Terminator::Branch { then, els, .. } = t {
            std::mem::swap(then, els);
        }
    });
    refused(&before, &swapped, &none, "an edge to");
    let other = ends(&|t| {
        if let Terminator::Branch { cond, .. } = t {
            *cond = v(0);
        }
    });
    refused(&before, &other, &none, "ends in another way");
    let mut after = before.clone();
    let args = after.list(&[v(1)]);
    if let Some(Terminator::Branch { then, .. }) = &mut after.blocks[Block::new(0)].term {
        then.args = args;
    }
    refused(&before, &after, &none, "an edge to b1 brings other values");
    let mut after = before.clone();
    after.blocks[Block::new(1)].params = EntityList::new();
    refused(&before, &after, &none, "an edge to b1 brings other values");
}
