use super::*;
use crate::ir::entity::{FuncId, TypeId};
use crate::ir::function::{Function, TailCallee, Terminator};
use crate::ir::info::{Declarations, DeclaredType};
use crate::ir::types::{RefType, Type};
use crate::ir::verify::verify;
use crate::ir::{cleanup, parse, print};
use cranelift_entity::EntityRef;

/// func0, func1: (i32) -> (i32); func2: () -> (); func3: (i32) -> (i32 i64); tag0 (i32); table0 of functions; mem0.
fn module() -> Declarations {
    let (i32, i64) = (Type::I32, Type::I64);
    let types = [
        DeclaredType::Func(vec![i32], vec![i32]),
        DeclaredType::Func(vec![], vec![]),
        DeclaredType::Func(vec![i32], vec![i32, i64]),
        DeclaredType::Func(vec![i32], vec![]),
    ];
    Declarations {
        memories: vec![false],
        tables: vec![(RefType::FUNCREF, false)],
        funcs: [0, 0, 1, 2].into_iter().map(TypeId::new).collect(),
        tags: vec![TypeId::new(3)],
        types: types.into_iter().map(|t| (t, None)).collect(),
        ..Declarations::default()
    }
}

fn function(text: &str) -> Function {
    let f = parse::function(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    verify(&f, &module()).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    f
}

/// func0 with the parameter v0.
fn caller(body: &str) -> Function {
    function(&format!("function func0 (i32) -> (i32) {{\nb0(v0: i32 @0):\n{body}\n}}\n"))
}

/// func1 with the parameter v0.
fn callee(body: &str) -> Function {
    function(&format!("function func1 (i32) -> (i32) {{\nb0(v0: i32 @0):\n{body}\n}}\n"))
}

/// Replaces each call of one of the callees; the answers in the order of the calls.
fn try_all(f: &mut Function, callees: &[&Function]) -> Vec<Result<(), Declined>> {
    let before = f.clone();
    let sites = call_sites(f);
    let mut splicer = Splicer::new(f);
    let mut answers = Vec::new();
    for (site, func) in sites.into_iter().rev() {
        if let Some(callee) = callees.iter().find(|c| c.id == func) {
            answers.push(splicer.splice(site, callee));
        }
    }
    splicer.finish();
    verify(f, &module()).unwrap_or_else(|e| panic!("{e:?}\n{f}"));
    // What is spliced is followed, but for calls inside `try_table` and indirect tail calls of a callee.
    let ends = |f: &Function, is: &dyn Fn(&Terminator) -> bool| f.layout.iter().any(|&b| is(f.term(b)));
    let indirect = |t: &Terminator| match t {
        Terminator::TailCall { callee, .. } => !matches!(callee, TailCallee::Direct(_)),
        _ => false,
    };
    let in_handlers = ends(&before, &|t| matches!(t, Terminator::Invoke { .. }));
    if !in_handlers && !callees.iter().any(|c| ends(c, &indirect)) {
        let checked = check::check(&before, f, &|func| callees.iter().find(|c| c.id == func).copied());
        assert_eq!(checked, Ok(()), "{before}\n{f}");
    }
    answers.reverse();
    answers
}

/// The caller with all calls of func1 replaced, cleaned up, without its first and last line and without indentation.
#[track_caller]
fn inlined(caller_body: &str, callee_body: &str) -> String {
    let mut f = caller(caller_body);
    let answers = try_all(&mut f, &[&callee(callee_body)]);
    assert!(!answers.is_empty() && answers.iter().all(Result::is_ok), "{answers:?}");
    cleanup::cleanup(&mut f);
    verify(&f, &module()).unwrap_or_else(|e| panic!("{e:?}\n{f}"));
    let text = print::function(&f, None);
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    lines[1..lines.len() - 1].join("\n")
}

#[test]
fn a_body_takes_the_place_of_its_call() {
    let got = inlined(
        "v1: i32 = i32.const 5\nv2: i32 @3 = call func1 v1\nv3: i32 = i32.add v2, v0\nreturn v3",
        "v1: i32 @2 = i32.eqz v0\nreturn v1",
    );
    assert_eq!(
        got,
        "b0(v0: i32 @0):\nv1: i32 = i32.const 5\nv4: i32 @6 = i32.eqz v1\nv3: i32 = i32.add v4, v0\nreturn v3"
    );
}

#[test]
fn every_return_goes_to_what_follows() {
    let got = inlined(
        "v1: i32 = call func1 v0\nv2: i32 = i32.add v1, v1\nreturn v2",
        "br_if v0, b1(), b2()\nb1():\nreturn v0\nb2():\nv1: i32 = i32.const 7\nreturn v1",
    );
    let expected = "b0(v0: i32 @0):\nbr_if v0, b1(v0), b3()\nb3():\nv3: i32 = i32.const 7\n\
                    br b1(v3)\nb1(v1: i32):\nv2: i32 = i32.add v1, v1\nreturn v2";
    assert_eq!(got, expected);
}

#[test]
fn calls_of_one_block_and_of_each_other() {
    let got = inlined(
        "v1: i32 = call func1 v0\nv2: i32 = call func1 v1\nv3: i32 = call func1 v2\nreturn v3",
        "v1: i32 = i32.eqz v0\nreturn v1",
    );
    assert_eq!(got.matches("i32.eqz").count(), 3);
    assert!(!got.contains("call") && got.ends_with("return v4"), "{got}");
}

#[test]
fn loops_of_the_callee_and_around_the_call() {
    let got = inlined(
        "br b1(v0)\nb1(v1: i32):\nv2: i32 = call func1 v1\nbr_if v2, b1(v2), b2()\nb2():\nreturn v2",
        "br b1(v0)\nb1(v1: i32):\nv2: i32 = i32.eqz v1\nbr_if v2, b1(v2), b2()\nb2():\nreturn v2",
    );
    assert!(!got.contains("call"), "{got}");
}

#[test]
fn a_callee_that_never_returns_leaves_nothing_behind_it() {
    let got = inlined("v1: i32 = call func1 v0\nbr b1(v1)\nb1(v2: i32):\nreturn v2", "unreachable");
    assert_eq!(got, "b0(v0: i32 @0):\nunreachable");
    let got = inlined(
        "br_if v0, b1(), b2()\nb1():\nv1: i32 = call func1 v0\nbr b3(v1)\nb2():\nbr b3(v0)\nb3(v2: i32):\nreturn v2",
        "br b1()\nb1():\nbr b1()",
    );
    assert!(got.contains("br b5()"), "{got}");
}

#[test]
fn tail_calls_of_the_callee_become_calls() {
    let got = inlined("v1: i32 = call func1 v0\nv2: i32 = i32.eqz v1\nreturn v2", "return_call func0(v0)");
    assert_eq!(got, "b0(v0: i32 @0):\nv3: i32 = call func0 v0\nv2: i32 = i32.eqz v3\nreturn v2");
    let got = inlined("v1: i32 = call func1 v0\nreturn v1", "return_call_indirect type0 table0(v0, v0)");
    assert_eq!(got, "b0(v0: i32 @0):\nv2: i32 = call_indirect type0 table0 v0, v0\nreturn v2");
    let got = inlined(
        "v1: i32 = call func1 v0\nreturn v1",
        "v1: (ref type0) = ref.func func0\nreturn_call_ref type0(v0, v1)",
    );
    assert!(got.contains("call_ref type0 v0, v2"), "{got}");
}

#[test]
fn a_tail_call_is_replaced_by_what_returns() {
    let got = inlined(
        "return_call func1(v0)",
        "br_if v0, b1(), b2()\nb1():\nreturn v0\nb2():\nreturn_call func0(v0)",
    );
    let expected = "b0(v0: i32 @0):\nbr_if v0, b1(), b2()\nb1():\nreturn v0\nb2():\nreturn_call func0(v0)";
    assert_eq!(got, expected);
}

#[test]
fn several_results_and_none() {
    let mut f =
        caller("call func2\nv1: i32, v2: i64 = call func3 v0\ncall func2\nv3: i32 = i64.eqz v2\nreturn v3");
    let none =
        function("function func2 () -> () {\nb0():\nv0: i32 = i32.const 4\ni32.store mem0 v0, v0\nreturn\n}");
    let two = function(
        "function func3 (i32) -> (i32, i64) {\nb0(v0: i32):\nv1: i64 = i64.const 9\nreturn v0, v1\n}",
    );
    assert_eq!(try_all(&mut f, &[&none, &two]), [Ok(()); 3]);
    cleanup::cleanup(&mut f);
    let text = print::function(&f, None);
    assert!(!text.contains("call") && text.matches("i32.store").count() == 2, "{text}");
}

#[test]
fn handlers_stay_with_what_throws() {
    // Handlers of the callee's own come along.
    let got = inlined(
        "v1: i32 = call func1 v0\nreturn v1",
        "invoke call func2() normal b1() catch tag0 b2() catch_all b1()\nb1():\nreturn v0\nb2(v1: i32):\nthrow tag0(v1)",
    );
    assert!(got.contains("catch tag0") && got.contains("throw tag0"), "{got}");
    // A call inside `try_table`: only of what cannot throw.
    let call = "invoke call func1(v0) normal b1(v0) catch_all b2()\nb1(v1: i32, v2: i32):\nv3: i32 = i32.add v1, v2\nreturn v3\nb2():\nreturn v0";
    assert_eq!(
        inlined(call, "v1: i32 = i32.load mem0 v0\nreturn v1"),
        "b0(v0: i32 @0):\nv5: i32 = i32.load mem0 v0\nv3: i32 = i32.add v5, v0\nreturn v3"
    );
    for throws in [
        "throw tag0(v0)",
        "v1: i32 = call func0 v0\nreturn v1",
        "return_call func0(v0)",
        "v1: (ref null exn) = ref.null exn\nthrow_ref v1",
        "invoke call func2() normal b1() catch tag0 b2()\nb1():\nreturn v0\nb2(v1: i32):\nreturn v1",
    ] {
        let mut f = caller(call);
        let before = print::function(&f, None);
        assert_eq!(try_all(&mut f, &[&callee(throws)]), [Err(Declined::Handlers)], "{throws}");
        assert_eq!(print::function(&f, None), before);
    }
}

#[test]
fn what_is_no_such_call_is_declined() {
    let mut f = caller("v1: i32 = call func0 v0\nreturn v1");
    let before = print::function(&f, None);
    let other = callee("return v0");
    let block = f.entry;
    let mut splicer = Splicer::new(&mut f);
    // Another function, a return, no instruction, no block.
    for (block, at) in [(block, 0), (block, 1), (block, 7), (crate::ir::entity::Block::new(9), 0)] {
        assert_eq!(splicer.splice(Site { block, at }, &other), Err(Declined::NoCall));
    }
    // Of the right number, with another signature.
    let mut wrong = function("function func3 (i32) -> (i32, i64) {\nb0(v0: i32):\nunreachable\n}");
    wrong.id = FuncId::new(0);
    assert_eq!(splicer.splice(Site { block, at: 0 }, &wrong), Err(Declined::NoCall));
    splicer.finish();
    assert_eq!(print::function(&f, None), before);
}

#[test]
fn a_function_goes_into_itself() {
    let mut f = caller("br_if v0, b1(), b2()\nb1():\nv1: i32 = call func0 v0\nreturn v1\nb2():\nreturn v0");
    let copy = f.clone();
    assert_eq!(try_all(&mut f, &[&copy]), [Ok(())]);
    assert_eq!(call_sites(&f).len(), 1);
}

/// Long blocks full of calls: each is split once.
#[test]
fn many_calls_take_linear_time() {
    let n = 60_000;
    let mut body = String::new();
    for i in 0..n {
        body.push_str(&format!("v{}: i32 = call func1 v{i}\n", i + 1));
    }
    let mut f = caller(&format!("{body}return v{n}"));
    let answers = try_all(&mut f, &[&callee("v1: i32 = i32.eqz v0\nreturn v1")]);
    assert_eq!(answers.len(), n);
    cleanup::cleanup(&mut f);
    assert_eq!(f.layout.len(), 1);
}

/// Each way to splice wrongly is seen.
#[test]
fn what_is_spliced_wrongly_is_refused() {
    let before = caller(
        "v1: i32 = call func1 v0\nv2: i32 = call func1 v1\ni32.store mem0 v0, v2\nv3: i32 = i32.add v1, v2\nreturn v3",
    );
    let inside = callee(
        "i32.store mem0 v0, v0\nbr_if v0, b1(), b2()\nb1():\nreturn v0\nb2():\nv1: i32 = i32.clz v0\nreturn v1",
    );
    let mut good = before.clone();
    assert_eq!(try_all(&mut good, &[&inside]), [Ok(()), Ok(())]);
    let refused = |change: &dyn Fn(&mut Function)| {
        let mut f = good.clone();
        change(&mut f);
        let checked = check::check(&before, &f, &|func| (func == inside.id).then_some(&inside));
        assert!(checked.is_err(), "{f}");
    };
    // Every instruction left out, doubled or with other operands; every branch turned round, every return of another value.
    for &b in &good.layout {
        for n in 0..good.blocks[b].insts.len() {
            refused(&|f| {
                f.blocks[b].insts.remove(n);
            });
            refused(&|f| {
                let i = f.blocks[b].insts[n];
                f.blocks[b].insts.insert(n, i);
            });
            refused(&|f| {
                let i = f.blocks[b].insts[n];
                let other = f.results(i).first().copied().unwrap_or(f.block_params(f.entry)[0]);
                let values: Vec<_> = f.args(i).iter().map(|_| other).collect();
                if values == f.args(i) {
                    f.blocks[b].insts.remove(n);
                }
                f.insts[i].args = f.list(&values);
            });
        }
        match good.term(b) {
            Terminator::Branch { .. } => refused(&|f| {
                let Some(Terminator::Branch { then, els, .. }) = &mut f.blocks[b].term else { return };
                std::mem::swap(then, els);
            }),
            Terminator::Jump(_) => refused(&|f| {
                let other = f.block_params(f.entry)[0];
                let mut term = f.blocks[b].term.take().expect("an end");
                for e in term.edges_mut() {
                    let same = e.args.as_slice(&f.pool).first() == Some(&other);
                    e.args = if same { Default::default() } else { f.list(&[other]) };
                }
                f.blocks[b].term = Some(term);
            }),
            _ => refused(&|f| f.blocks[b].term = Some(Terminator::Unreachable)),
        }
    }
    // Without the callee's graph, or with another one, it is something else.
    let other = callee("i32.store mem0 v0, v0\nv1: i32 = i32.clz v0\nreturn v1");
    assert!(check::check(&before, &good, &|_| None).is_err());
    assert!(check::check(&before, &good, &|_| Some(&other)).is_err());
}

/// Of the graph before as of a callee, an edge brings what it brought.
#[test]
fn what_edges_bring_is_followed() {
    let parsed = |text: &str| parse::function(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let caller = |edge: &str| {
        format!(
            "function func0 (i32, i32) -> (i32) {{\nb0(v0: i32, v1: i32):\nbr b1({edge})\nb1(v2: i32):\nreturn v2\n}}\n"
        )
    };
    let (before, other) = (parsed(&caller("v0")), parsed(&caller("v1")));
    assert_eq!(check::check(&before, &before, &|_| None), Ok(()));
    assert!(check::check(&before, &other, &|_| None).is_err());
    let calls = parsed(
        "function func0 (i32, i32) -> (i32) {\nb0(v0: i32, v1: i32):\nv2: i32 = call func1 v0, v1\nreturn v2\n}\n",
    );
    let callee = parsed(&caller("v0").replace("func0", "func1"));
    let spliced = |edge: &str| {
        let text = caller(edge).replace("return v2", "br b2(v2)\nb2(v3: i32):\nreturn v3");
        check::check(&calls, &parsed(&text), &|func| (func == callee.id).then_some(&callee))
    };
    assert_eq!(spliced("v0"), Ok(()));
    assert!(spliced("v1").is_err());
}
