//! Decided branches, copies of blocks and idle stack pointers are followed; what is not decided, done or restored is not.

use super::Knowledge;
use super::check::check;
use crate::analysis::Summaries;
use crate::ir::entity::{GlobalId, MemoryId};
use crate::ir::function::Function;
use crate::ir::parse;
use cranelift_entity::EntityRef;

/// func0 with the parameters v0 and v1.
fn graph(blocks: &str) -> Function {
    let text = format!("function func0 (i32, i32) -> (i32) {{\nb0(v0: i32, v1: i32):\n{blocks}\n}}\n");
    parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn checked(before: &str, after: &str) -> Result<(), String> {
    let summaries = Summaries::unknown();
    let knowledge = Knowledge::new([], [(GlobalId::new(0), MemoryId::new(0))], &Default::default());
    check(&graph(before), &graph(after), &knowledge, &summaries)
}

#[track_caller]
fn same(before: &str, after: &str) {
    assert_eq!(checked(before, after), Ok(()));
}

#[track_caller]
fn differs(before: &str, after: &str, reason: &str) {
    let why = checked(before, after).expect_err("is refused");
    assert!(why.contains(reason), "{why} instead of {reason}");
}

/// Both ways bring a constant to a block that tests it.
const TESTED: &str = "v2: i32 = i32.const 1
v3: i32 = i32.const 0
br_if v0, b1(), b2()
b1():
i32.store mem0 v0, v1
br b3(v2)
b2():
br b3(v3)
b3(v4: i32):
i32.store mem0 offset=4 v1, v1
br_if v4, b4(), b5()
b4():
return v0
b5():
return v1";

/// The same with the test decided on each way: b6 is a copy of b3.
const THREADED: &str = "br_if v0, b1(), b2()
b1():
i32.store mem0 v0, v1
i32.store mem0 offset=4 v1, v1
return v0
b2():
br b6()
b6():
i32.store mem0 offset=4 v1, v1
return v1";

#[test]
fn threaded_ways_are_followed() {
    same(TESTED, TESTED);
    same(TESTED, THREADED);
    for (from, to, reason) in [
        ("return v0", "return v1", "ends in another way"),
        ("return v1", "return v0", "ends in another way"),
        ("br_if v0, b1(), b2()", "br_if v1, b1(), b2()", "ends in another way"),
        ("br_if v0, b1(), b2()", "br_if v0, b2(), b1()", "does not come next"),
        ("br_if v0, b1(), b2()", "br b1()", "ends in another way"),
        ("i32.store mem0 v0, v1\n", "", "does not come next"),
        ("i32.store mem0 offset=4 v1, v1\n", "", "does not come next"),
        ("mem0 offset=4 v1, v1", "mem0 offset=4 v0, v1", "does not come next"),
        ("mem0 offset=4 v1, v1", "mem0 offset=8 v1, v1", "does not come next"),
        ("mem0 v0, v1", "mem0 v0, v1\ni32.store mem0 v0, v1", "does not come next"),
    ] {
        let wrong = THREADED.replacen(from, to, 1);
        assert_ne!(wrong, THREADED, "{from}");
        differs(TESTED, &wrong, reason);
    }
    // What is brought is not known.
    let open = TESTED.replace("br b3(v3)", "br b3(v1)");
    differs(&open, THREADED, "");
}

#[test]
fn values_of_copied_blocks_meet_in_parameters() {
    let before = "v2: i32 = i32.const 1
br_if v0, b1(v2), b1(v1)
b1(v3: i32):
v4: i32 = i32.load mem0 v1
br_if v3, b2(), b3()
b2():
call func1
br b3()
b3():
v5: i32 = i32.add v4, v0
return v5";
    let after = |left: &str, right: &str| {
        format!(
            "br_if v0, b4(), b1(v1)
b4():
v6: i32 = i32.load mem0 v1
br b2({left})
b1(v3: i32):
v4: i32 = i32.load mem0 v1
br_if v3, b2({right}), b3({right})
b2(v7: i32):
call func1
br b3(v7)
b3(v8: i32):
v5: i32 = i32.add v8, v0
return v5"
        )
    };
    same(before, &after("v6", "v4"));
    differs(before, &after("v1", "v4"), "more instructions");
    differs(before, &after("v6", "v0"), "more instructions");
}

#[test]
fn branches_that_have_been_decided_fold_and_others_do_not() {
    let asked = |first: &str, second: &str| {
        format!(
            "v2: i32 = i32.const 0\n{first}\nbr_if v3, b1(), b2()\nb1():\ncall func1\n{second}\nbr_if v4, b3(), b4()\nb2():\nreturn v2\nb3():\nreturn v0\nb4():\nreturn v1"
        )
    };
    let folded = |first: &str, end: &str| {
        format!(
            "v2: i32 = i32.const 0\n{first}\nbr_if v3, b1(), b2()\nb1():\ncall func1\nreturn {end}\nb2():\nreturn v2"
        )
    };
    let and = "v3: i32 = i32.and v0, v1";
    // Asked in the same way, with its opposite, and as it is computed again.
    for (first, second, end) in [
        (and, "v4: i32 = i32.eqz v3", "v1"),
        (and, "v4: i32 = i32.ne v3, v2", "v0"),
        ("v3: i32 = i32.eqz v0", "v4: i32 = i32.ne v0, v2", "v1"),
        (and, "v4: i32 = i32.and v0, v1", "v0"),
    ] {
        same(&asked(first, second), &folded(first, end));
        let other = if end == "v0" { "v1" } else { "v0" };
        differs(&asked(first, second), &folded(first, other), "ends in another way");
    }
    for second in ["v4: i32 = i32.or v0, v1", "v4: i32 = i32.and v0, v0", "v4: i32 = i32.load mem0 v0"] {
        assert!(checked(&asked(and, second), &folded(and, "v0")).is_err(), "{second}");
    }
    let loads = "v3: i32 = i32.load mem0 v0";
    let kept = folded(loads, "v0").replace("call func1", "call func1\nv4: i32 = i32.load mem0 v0");
    differs(&asked(loads, "v4: i32 = i32.load mem0 v0"), &kept, "ends in another way");
    // Another edge leads there as well, on which nothing is known.
    let meets = "br_if v0, b1(), b2()\nb1():\ncall func1\nbr b2()\nb2():\nbr_if v0, b3(), b4()\nb3():\nreturn v0\nb4():\nreturn v1";
    let wrong =
        meets.replace("b2():\nbr_if v0, b3(), b4()", "b2():\nbr b3()").replace("\nb4():\nreturn v1", "");
    assert!(checked(meets, &wrong).is_err());
}

/// A loop that tests `v2`, which starts as 1 and is `next` after an iteration.
fn looped(next: &str) -> (String, String) {
    let head = "v3: i32 = i32.const 1\nbr b1(v3)\nb1(v2: i32):\nv4: i32 = i32.load mem0 v0";
    let before = format!(
        "{head}\nbr_if v2, b2(), b3()\nb2():\nbr_if v4, b1({next}), b4()\nb3():\nreturn v0\nb4():\nreturn v1"
    );
    let after = "br b1()\nb1():\nv4: i32 = i32.load mem0 v0\nbr_if v4, b1(), b4()\nb4():\nreturn v1";
    (before, after.to_owned())
}

#[test]
fn what_is_known_is_so_in_every_iteration() {
    let (before, after) = looped("v3");
    same(&before, &after);
    // In the second iteration it may be 0.
    let (before, after) = looped("v1");
    assert!(checked(&before, &after).is_err());
    // The answer of an iteration is not that of the next; what was asked before the loop stays.
    let asked = |cond: &str| {
        format!(
            "br_if v0, b1(), b5()\nb1():\nv4: i32 = i32.load mem0 v1\nbr_if {cond}, b2(), b3()\nb2():\nbr_if v4, b1(), b4()\nb3():\nreturn v0\nb4():\nreturn v1\nb5():\nreturn v1"
        )
    };
    let folded = "br_if v0, b1(), b5()\nb1():\nv4: i32 = i32.load mem0 v1\nbr_if v4, b1(), b4()\nb4():\nreturn v1\nb5():\nreturn v1";
    same(&asked("v0"), folded);
    assert!(checked(&asked("v1"), folded).is_err());
    let again = "br b1(v0)\nb1(v2: i32):\nv4: i32 = i32.load mem0 v1\nbr_if v2, b2(), b3()\nb2():\nbr b1(v4)\nb3():\nreturn v0";
    let wrong = "br b1()\nb1():\nv4: i32 = i32.load mem0 v1\nbr b1()";
    assert!(checked(again, wrong).is_err());
}

#[test]
fn values_of_the_iteration_before_are_not_those_of_this_one() {
    let before =
        "br b1(v0)\nb1(v2: i32):\nv3: i32 = i32.load mem0 v2\nbr_if v3, b1(v3), b2()\nb2():\nreturn v3";
    same(before, before);
    let stale = "v9: i32 = i32.const 0\nbr b1(v0, v0)\nb1(v2: i32, v4: i32):\nv3: i32 = i32.load mem0 v2\nbr_if v3, b1(v3, v2), b2()\nb2():\nreturn v4";
    differs(before, stale, "ends in another way");
    let stale = "br b1(v0, v0)\nb1(v2: i32, v4: i32):\nv3: i32 = i32.load mem0 v4\nbr_if v3, b1(v3, v2), b2()\nb2():\nreturn v3";
    differs(before, stale, "does not come next");
}

#[test]
fn stack_pointers_are_idle_where_they_are_restored_and_nobody_looks() {
    let frame = |inside: &str, restored: &str, end: &str| {
        format!(
            "v2: i32 = global.get global0\nv3: i32 = i32.const 16\nv4: i32 = i32.sub v2, v3\nglobal.set global0 v4\n{inside}
v5: i32 = i32.add v4, {restored}\nglobal.set global0 v5\n{end}"
        )
    };
    let store = "i32.store mem0 v4, v0";
    let idle =
        |body: &str| body.replace("global.set global0 v4\n", "").replace("global.set global0 v5\n", "");
    let fine = frame(store, "v3", "return v0");
    same(&fine, &idle(&fine));
    let traps = frame(store, "v0", "return v0")
        .replace("\nv5: i32 = i32.add v4, v0\nglobal.set global0 v5\nreturn v0", "\nunreachable");
    same(&traps, &idle(&traps));
    for (body, reason) in [
        (frame(store, "v0", "return v0"), "set to something unknown"),
        (frame("v6: i32 = i32.const 8", "v6", "return v0"), "left with another stack pointer"),
        (frame("call func1", "v3", "return v0"), "a call may see"),
        (frame("v6: i32 = global.get global0", "v3", "return v6"), "read where it differs"),
        (fine.replace("global.set global0 v5\n", ""), "left with another stack pointer"),
    ] {
        differs(&body, &idle(&body), reason);
    }
    // Only of stack pointers, and only where none of the writes is left.
    let other = fine.replace("global0", "global1");
    differs(
        &other,
        &other.replace("global.set global1 v4\n", "").replace("global.set global1 v5\n", ""),
        "does not come next",
    );
    differs(&fine, &fine.replace("global.set global0 v5\n", ""), "does not come next");
    // It differs on one of two ways.
    let ways = "v2: i32 = global.get global0\nv3: i32 = i32.const 16\nv4: i32 = i32.sub v2, v3\nbr_if v0, b1(), b2()\nb1():\nglobal.set global0 v4\nbr b2()\nb2():\nreturn v0";
    differs(ways, &ways.replace("global.set global0 v4\n", ""), "differs in two ways");
}
