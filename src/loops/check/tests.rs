//! What the passes on loops make is proved; what does less, more or something else is not.

use super::check;
use crate::chaos::Chaos;
use crate::ir::function::Function;
use crate::ir::parse;
use crate::loops::{carry, improved, rotate, unroll};

/// func0 with the parameters v0 and v1.
fn graph(blocks: &str) -> Function {
    let text = format!("function func0 (i32, i32) -> (i32) {{\nb0(v0: i32, v1: i32):\n{blocks}\n}}\n");
    parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[track_caller]
fn same(before: &str, after: &str) {
    assert_eq!(check(&graph(before), &graph(after)), Ok(()));
}

#[track_caller]
fn differs(before: &str, after: &str, reason: &str) {
    let why = check(&graph(before), &graph(after)).expect_err("is refused");
    assert!(why.contains(reason), "{why} instead of {reason}");
}

/// What is right is proved, and refused with any of these changes of it.
#[track_caller]
fn wrong(before: &str, after: &str, changes: &[(&str, &str, &str)]) {
    same(before, before);
    same(before, after);
    for (from, to, reason) in changes {
        let wrong = after.replacen(from, to, 1);
        assert_ne!(wrong, after, "{from}");
        let why = check(&graph(before), &graph(&wrong)).expect_err(&format!("{from} as {to}"));
        assert!(why.contains(reason), "{from} as {to}: {why} instead of {reason}");
    }
}

/// The passes make something of a graph, this one among them, that is proved.
#[track_caller]
fn proved(before: &str, pass: &str) {
    let f = graph(before);
    let (g, counts) = improved(&f, Chaos::OFF).expect("something is made of it");
    assert!(counts.contains_key(pass), "{counts:?}");
    assert_eq!(check(&f, &g), Ok(()), "{g}");
}

/// Counts from 0 to 8.
const COUNTED: &str = "v2: i32 = i32.const 0
v3: i32 = i32.const 1
v4: i32 = i32.const 8
br b1(v2, v1)
b1(v5: i32, v6: i32):
i32.store mem0 v5, v6
v7: i32 = i32.add v6, v0
i32.store mem0 offset=4 v5, v7
v8: i32 = i32.add v5, v3
v9: i32 = i32.lt_u v8, v4
br_if v9, b1(v8, v7), b2()
b2():
return v7";

/// Two iterations, and a test.
const UNROLLED: &str = "v2: i32 = i32.const 0
v3: i32 = i32.const 1
v4: i32 = i32.const 8
br b1(v2, v1)
b1(v5: i32, v6: i32):
i32.store mem0 v5, v6
v7: i32 = i32.add v6, v0
i32.store mem0 offset=4 v5, v7
v8: i32 = i32.add v5, v3
br b3(v8, v7)
b3(v10: i32, v11: i32):
i32.store mem0 v10, v11
v12: i32 = i32.add v11, v0
i32.store mem0 offset=4 v10, v12
v13: i32 = i32.add v10, v3
v14: i32 = i32.lt_u v13, v4
br_if v14, b1(v13, v12), b2()
b2():
return v12";

#[test]
fn unrolled_loops() {
    proved(COUNTED, unroll::PASS);
    wrong(
        COUNTED,
        UNROLLED,
        &[
            ("br_if v14, b1(v13, v12), b2()", "br b1(v13, v12)", ""),
            ("br_if v14, b1(v13, v12), b2()", "br b2()", ""),
            ("br_if v14, b1(v13, v12), b2()", "br_if v14, b2(), b1(v13, v12)", ""),
            ("v13: i32 = i32.add v10, v3", "v13: i32 = i32.add v10, v4", ""),
            ("v8: i32 = i32.add v5, v3", "v8: i32 = i32.add v5, v4", "other operands"),
            ("i32.lt_u v13, v4", "i32.le_u v13, v4", ""),
            ("br b1(v2, v1)", "br b1(v3, v1)", "other operands"),
            ("br b1(v2, v1)", "br b1(v2, v0)", "other operands"),
            ("br b3(v8, v7)", "br b3(v8, v6)", "other operands"),
            ("br b3(v8, v7)", "br b3(v5, v7)", "other operands"),
            ("b1(v13, v12), b2()", "b1(v13, v11), b2()", "other operands"),
            ("b1(v13, v12), b2()", "b1(v10, v12), b2()", "other operands"),
            ("i32.store mem0 offset=4 v10, v12\n", "", "does not come next"),
            ("i32.store mem0 v10, v11\n", "", "does not come next"),
            (
                "i32.store mem0 v5, v6\n",
                "i32.store mem0 v5, v6\ni32.store mem0 v5, v6\n",
                "does not come next",
            ),
            ("mem0 offset=4 v10, v12", "mem0 offset=8 v10, v12", "does not come next"),
            (
                "i32.store mem0 v5, v6\nv7: i32 = i32.add v6, v0\ni32.store mem0 offset=4 v5, v7",
                "v7: i32 = i32.add v6, v0\ni32.store mem0 offset=4 v5, v7\ni32.store mem0 v5, v6",
                "does not come next",
            ),
            ("return v12", "return v11", "ends in another way"),
            ("return v12", "return v7", "ends in another way"),
        ],
    );
}

#[test]
fn the_test_that_is_gone_held_in_every_iteration() {
    for (from, to) in [
        // Odd numbers of iterations, one that is not known, one that the counter steps over, and none: it never ends.
        ("v4: i32 = i32.const 8", "v4: i32 = i32.const 9"),
        ("v2: i32 = i32.const 0", "v2: i32 = i32.const 1"),
        ("br b1(v2, v1)", "br b1(v0, v1)"),
        ("v3: i32 = i32.const 1", "v3: i32 = i32.const 3"),
        ("v3: i32 = i32.const 1", "v3: i32 = i32.const 0"),
    ] {
        let (before, after) = (COUNTED.replacen(from, to, 1), UNROLLED.replacen(from, to, 1));
        assert_ne!(before, COUNTED, "{from}");
        match to {
            // The test always holds.
            "v3: i32 = i32.const 0" => same(&before, &after),
            _ => differs(&before, &after, "ends in another way"),
        }
    }
    // What ends the loop is not the counter alone.
    let other =
        |text: &str| text.replace("lt_u v8, v4", "lt_u v7, v4").replace("lt_u v13, v4", "lt_u v12, v4");
    differs(&other(COUNTED), &other(UNROLLED), "ends in another way");
    // Too many values to try.
    let large = |text: &str| text.replace("i32.const 8", "i32.const 100000");
    differs(&large(COUNTED), &large(UNROLLED), "ends in another way");
}

/// Tests at its beginning.
const WHILE: &str = "v2: i32 = i32.const 4
br b1(v0)
b1(v3: i32):
v4: i32 = i32.load mem0 v3
v5: i32 = i32.add v1, v2
v6: i32 = i32.lt_u v4, v5
br_if v6, b2(), b3()
b2():
v7: i32 = i32.add v3, v4
i32.store mem0 v7, v5
br b1(v7)
b3():
return v4";

/// Tests before it and at its end.
const ROTATED: &str = "v2: i32 = i32.const 4
br b4(v0)
b4(v8: i32):
v9: i32 = i32.load mem0 v8
v5: i32 = i32.add v1, v2
v10: i32 = i32.lt_u v9, v5
br_if v10, b2(v8, v9), b3(v9)
b2(v11: i32, v12: i32):
v7: i32 = i32.add v11, v12
i32.store mem0 v7, v5
br b1(v7)
b1(v3: i32):
v4: i32 = i32.load mem0 v3
v6: i32 = i32.lt_u v4, v5
br_if v6, b2(v3, v4), b3(v4)
b3(v13: i32):
return v13";

#[test]
fn rotated_loops() {
    proved(WHILE, rotate::PASS);
    wrong(
        WHILE,
        ROTATED,
        &[
            ("br_if v10, b2(v8, v9), b3(v9)", "br b2(v8, v9)", "ends in another way"),
            ("br_if v10, b2(v8, v9), b3(v9)", "br_if v10, b3(v9), b2(v8, v9)", "leads elsewhere"),
            ("br_if v6, b2(v3, v4), b3(v4)", "br_if v6, b3(v4), b2(v3, v4)", "leads elsewhere"),
            ("br_if v6, b2(v3, v4), b3(v4)", "br b3(v4)", ""),
            ("b3(v9)", "b3(v8)", "ends in another way"),
            ("b3(v4)", "b3(v3)", "ends in another way"),
            ("b2(v3, v4)", "b2(v3, v3)", "other operands"),
            ("b2(v8, v9)", "b2(v9, v9)", "other operands"),
            ("br b1(v7)", "br b1(v11)", "other operands"),
            ("br b4(v0)", "br b4(v1)", "other operands"),
            ("v9: i32 = i32.load mem0 v8", "v9: i32 = i32.add v8, v8", "does not come next"),
            ("v5: i32 = i32.add v1, v2", "v5: i32 = i32.add v0, v2", "ends in another way"),
            ("v5: i32 = i32.add v1, v2", "v5: i32 = i32.sub v1, v2", "ends in another way"),
            ("i32.store mem0 v7, v5\n", "", "does not come next"),
        ],
    );
}

/// Squares the old value, and the new one.
const SQUARES: &str = "v2: i32 = i32.const 1
br b1(v0, v1)
b1(v3: i32, v4: i32):
v5: i32 = i32.mul v4, v4
v6: i32 = i32.add v5, v1
v7: i32 = i32.mul v6, v6
i32.store mem0 v3, v7
v8: i32 = i32.sub v3, v2
br_if v8, b1(v8, v6), b2()
b2():
return v6";

/// The second square is the first one of the next iteration.
const CARRIED: &str = "v2: i32 = i32.const 1
v9: i32 = i32.mul v1, v1
br b1(v0, v9)
b1(v3: i32, v10: i32):
v6: i32 = i32.add v10, v1
v7: i32 = i32.mul v6, v6
i32.store mem0 v3, v7
v8: i32 = i32.sub v3, v2
br_if v8, b1(v8, v7), b2()
b2():
return v6";

#[test]
fn carried_values() {
    proved(SQUARES, carry::PASS);
    wrong(
        SQUARES,
        CARRIED,
        &[
            ("v9: i32 = i32.mul v1, v1", "v9: i32 = i32.mul v0, v1", "other operands"),
            ("v9: i32 = i32.mul v1, v1", "v9: i32 = i32.add v1, v1", "other operands"),
            ("br b1(v0, v9)", "br b1(v0, v1)", "other operands"),
            ("b1(v8, v7), b2()", "b1(v8, v10), b2()", "other operands"),
            ("b1(v8, v7), b2()", "b1(v8, v6), b2()", "other operands"),
            ("b1(v8, v7), b2()", "b1(v3, v7), b2()", ""),
            ("v6: i32 = i32.add v10, v1", "v6: i32 = i32.add v10, v0", "other operands"),
            ("i32.store mem0 v3, v7\n", "", "does not come next"),
            ("return v6", "return v7", "ends in another way"),
        ],
    );
    // It enters as a constant.
    let of = |text: &str, n: u32| {
        let entered =
            text.replace("br b1(v0, v1)", "br b1(v0, v11)").replace("i32.mul v1, v1", "i32.const 9");
        format!("v11: i32 = i32.const {n}\n{entered}")
    };
    same(&of(SQUARES, 3), &of(CARRIED, 3));
    differs(&of(SQUARES, 3), &of(CARRIED, 4).replace("i32.const 9", "i32.const 8"), "other operands");
    differs(&of(SQUARES, 4), &of(CARRIED, 4), "other operands");
}

#[test]
fn what_a_branch_has_asked_decides_the_next_one() {
    let before = "br_if v0, b1(), b2()
b1():
i32.store mem0 v1, v1
br b3()
b2():
br b3()
b3():
v2: i32 = i32.eqz v0
br_if v2, b4(), b5()
b4():
return v0
b5():
return v1";
    let after = "br_if v0, b1(), b4()
b1():
i32.store mem0 v1, v1
return v1
b4():
return v0";
    wrong(
        before,
        after,
        &[
            ("return v1", "return v0", "ends in another way"),
            ("br_if v0, b1(), b4()", "br_if v1, b1(), b4()", "ends in another way"),
            ("br_if v0, b1(), b4()", "br_if v0, b4(), b1()", ""),
        ],
    );
    differs(&before.replace("eqz v0", "eqz v1"), after, "");
}

#[test]
fn a_fact_about_a_value_of_the_last_iteration_is_forgotten() {
    let before = "br b1()
b1():
v2: i32 = i32.load mem0 v0
br_if v2, b2(), b3()
b2():
i32.store mem0 v1, v2
br b1()
b3():
return v2";
    // The second load may be zero, though the first one was not.
    let after = "v3: i32 = i32.load mem0 v0
br_if v3, b2(v3), b3(v3)
b2(v4: i32):
i32.store mem0 v1, v4
v2: i32 = i32.load mem0 v0
br b2(v2)
b3(v5: i32):
return v5";
    differs(before, after, "ends in another way");
    let right = after.replace("br b2(v2)", "br_if v2, b2(v2), b3(v2)");
    same(before, &right);
    differs(before, &right.replace("br_if v2, b2(v2)", "br_if v2, b2(v4)"), "other operands");
}

#[test]
fn what_does_not_end_is_not_what_ends() {
    let endless = "br b1()\nb1():\nbr b1()";
    same(endless, endless);
    differs(endless, "return v0", "does not end");
    differs("return v0", endless, "ends in another way");
    differs("br b1()\nb1():\nreturn v0", endless, "");
    let effects = "br b1()\nb1():\ni32.store mem0 v0, v1\nbr b1()";
    differs(effects, endless, "does not come next");
    differs(endless, effects, "");
}
