use super::*;
use crate::ir::info::Declarations;
use crate::ir::parse;
use crate::ir::print;
use crate::ir::verify::verify;

/// The graph after cleanup, which must be valid and not change when cleaned up again.
fn cleaned(blocks: &str) -> Function {
    let text = format!("function func0 (i32) -> (i32) {{\nb0(v0: i32):\n{blocks}\n}}\n");
    let mut f = parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    cleanup(&mut f);
    let module = Declarations { memories: vec![false], ..Declarations::default() };
    verify(&f, &module).unwrap_or_else(|e| panic!("{e:?}\n{}", print::function(&f, None)));
    let once = print::function(&f, None);
    cleanup(&mut f);
    assert_eq!(print::function(&f, None), once);
    f
}

fn layout(f: &Function) -> Vec<u32> {
    f.layout.iter().map(|b| b.as_u32()).collect()
}

fn targets(f: &Function, b: u32) -> Vec<u32> {
    f.term(Block::from_u32(b)).edges().map(|e| e.block.as_u32()).collect()
}

#[test]
fn chains_become_one_block() {
    let f = cleaned(
        "br b1(v0)\nb1(v1: i32):\nv2: i32 = i32.eqz v1\nbr b2(v2)\nb2(v3: i32):\nv4: i32 = i32.add v3, v1\nreturn v4",
    );
    assert_eq!(layout(&f), [0]);
    assert_eq!(print::inst(&f, f.blocks[f.entry].insts[1]), "v4: i32 = i32.add v2, v0");
}

#[test]
fn blocks_that_only_jump_are_skipped() {
    let f = cleaned(
        "br_if v0, b1(), b5()\nb1():\nbr b3()\nb2():\nbr b4()\nb3():\nbr b4()\nb4():\nreturn v0\nb5():\nunreachable",
    );
    assert_eq!(layout(&f), [0, 4, 5]);
    assert_eq!(targets(&f, 0), [4, 5]);
}

#[test]
fn branches_without_a_choice_are_jumps() {
    let f = cleaned("br_if v0, b1(), b2()\nb1():\nbr b3()\nb2():\nbr b3()\nb3():\nreturn v0");
    assert_eq!(layout(&f), [0]);
    // Inner ones first; a block that only had a choice to make is skipped as well.
    let f = cleaned(
        "br_if v0, b1(), b4()\nb1():\nbr_table v0 [b2(), b4()] default b3()\nb2():\nbr b4()\nb3():\nbr b4()\nb4():\nreturn v0",
    );
    assert_eq!(layout(&f), [0]);
    // Arguments count, and what traps stays.
    let f = cleaned(
        "v1: i32 = i32.const 8\nv2: i32 = i32.div_u v1, v0\nbr_if v2, b1(v1), b1(v1)\nb1(v3: i32):\nreturn v3",
    );
    assert_eq!(layout(&f), [0]);
    assert_eq!(f.blocks[f.entry].insts.len(), 2);
    let f = cleaned("v1: i32 = i32.const 8\nbr_if v0, b1(v1), b1(v0)\nb1(v3: i32):\nreturn v3");
    assert_eq!(layout(&f), [0, 1]);
}

#[test]
fn moves_of_a_skipped_block_go_onto_its_only_edge() {
    let f = cleaned(
        "v1: i32 = i32.const 1\nv2: i32 = i32.const 2\nbr_if v0, b1(), b2()\nb1():\nbr b3(v1)\nb2():\nbr b3(v2)\n\
         b3(v3: i32):\nreturn v3",
    );
    assert_eq!(layout(&f), [0, 3]);
    assert_eq!(print::terminator(&f, f.entry), "br_if v0, b3(v1), b3(v2)");
}

#[test]
fn moves_are_not_copied() {
    let f = cleaned("br_table v0 [b1(), b1()] default b2()\nb1():\nbr b2()\nb2():\nreturn v0");
    assert_eq!(layout(&f), [0], "nothing to move, and nothing to choose");
    // Two edges lead to b1: its move stays there.
    let f = cleaned(
        "br_table v0 [b1(), b1()] default b2(v0)\nb1():\nv9: i32 = i32.const 3\nbr b2(v9)\nb2(v1: i32):\nreturn v1",
    );
    assert_eq!(targets(&f, 0), [1, 1, 2]);
}

#[test]
fn loops_of_empty_blocks_end() {
    let f = cleaned("br b1()\nb1():\nbr b2()\nb2():\nbr b1()");
    assert_eq!(f.layout.len(), 2, "{}", print::function(&f, None));
    let f = cleaned("br_if v0, b1(), b2()\nb1():\nbr b1()\nb2():\nreturn v0");
    assert_eq!(layout(&f), [0, 1, 2]);
    assert_eq!(targets(&f, 1), [1]);
}

#[test]
fn what_nothing_reaches_is_gone() {
    let text =
        "function func0 (i32) -> (i32) {\nb0(v0: i32):\nreturn v0\nb1():\nbr b2()\nb2():\nbr b1()\n}\n";
    let mut f = parse::function(text).expect("a graph");
    remove_unreachable(&mut f);
    assert_eq!(layout(&f), [0]);
}

#[test]
fn a_loop_header_is_not_merged_away() {
    let f = cleaned(
        "br b1(v0)\nb1(v1: i32):\nv2: i32 = i32.eqz v1\nbr_if v2, b1(v2), b2()\nb2():\nbr b3()\nb3():\nreturn v2",
    );
    assert_eq!(layout(&f), [0, 1, 3]);
}

#[test]
fn replacements_are_followed_to_their_end() {
    let v = Value::from_u32;
    let mut replaced: SecondaryMap<Value, PackedOption<Value>> = SecondaryMap::new();
    for n in 0..100_000 {
        replaced[v(n)] = Some(v(n + 1)).into();
    }
    assert_eq!(resolve(&mut replaced, v(0)), v(100_000));
    assert_eq!(replaced[v(5)].expand(), Some(v(100_000)), "the path is short from now on");
    assert_eq!(resolve(&mut replaced, v(100_000)), v(100_000));
}
