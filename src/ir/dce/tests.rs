use super::*;
use crate::ir::info::{Declarations, DeclaredType};
use crate::ir::ops::Op;
use crate::ir::parse;
use crate::ir::print;
use crate::ir::types::{RefType, Type};
use crate::ir::verify::verify;

fn cleaned(text: &str) -> Function {
    let mut f = parse::function(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let module = Declarations {
        memories: vec![false],
        types: vec![(DeclaredType::Func(vec![], vec![Type::I32]), None)],
        funcs: vec![crate::ir::entity::TypeId::from_u32(0)],
        ..Declarations::default()
    };
    verify(&f, &module).unwrap_or_else(|e| panic!("before: {e:?}"));
    dce(&mut f);
    verify(&f, &module).unwrap_or_else(|e| panic!("{e:?}\n{}", print::function(&f, None)));
    f
}

fn ops(f: &Function) -> Vec<Op> {
    f.layout.iter().flat_map(|&b| &f.blocks[b].insts).map(|&i| f.insts[i].op).collect()
}

#[test]
fn pure_chains_go_and_effects_stay() {
    let f = cleaned(
        "function func0 (i32) -> () {\nb0(v0: i32):\nv1: i32 = i32.eqz v0\nv2: i32 = i32.add v1, v0\n\
         v3: i32 = i32.load mem0 v0\nv4: i32 = i32.div_u v0, v0\nv5: i32 = i32.const 4\ni32.store mem0 v5, v3\n\
         v6: i32 = call func0\nreturn\n}\n",
    );
    assert_eq!(ops(&f), [Op::I32Load, Op::I32DivU, Op::I32Const, Op::I32Store, Op::Call]);
}

#[test]
fn a_cycle_of_parameters_that_only_feeds_itself_is_dead() {
    let f = cleaned(
        "function func0 (i32) -> (i32) {\nb0(v0: i32):\nbr b1(v0, v0)\nb1(v1: i32, v2: i32):\n\
         v3: i32 = i32.add v2, v1\nv4: i32 = i32.eqz v1\nbr_if v4, b1(v4, v3), b2()\nb2():\nreturn v1\n}\n",
    );
    assert_eq!(print::terminator(&f, f.entry), "br b1(v0)");
    assert_eq!(print::terminator(&f, Block::from_u32(1)), "br_if v4, b1(v4), b2()");
    assert_eq!(ops(&f), [Op::I32Eqz]);
}

#[test]
fn parameters_are_numbered_anew() {
    let f = cleaned(
        "function func0 (i32) -> (i32) {\nb0(v0: i32):\nbr b1(v0, v0, v0)\nb1(v1: i32, v2: i32, v3: i32):\n\
         v4: i32 = i32.sub v3, v0\nreturn v4\n}\n",
    );
    let b1 = Block::from_u32(1);
    assert_eq!(f.block_params(b1), [Value::from_u32(3)]);
    assert_eq!(f.values[Value::from_u32(3)].def, ValueDef::Param(b1, 0));
}

#[test]
fn parameters_of_the_function_and_produced_ones_stay() {
    let func = Type::Ref(RefType::FUNCREF);
    let text = format!(
        "function func0 (i32, {func}) -> (i32) {{\nb0(v0: i32, v1: {func}):\nbr_on_null v1, b1(v0), b2(v0)\n\
         b1(v2: i32):\nreturn v0\nb2(v3: (ref func), v4: i32):\nreturn v0\n}}\n"
    );
    let f = cleaned(&text);
    assert_eq!(f.block_params(f.entry).len(), 2);
    assert_eq!(f.block_params(Block::from_u32(1)).len(), 0);
    assert_eq!(
        f.block_params(Block::from_u32(2)),
        [Value::from_u32(3)],
        "the reference is produced by the edge"
    );
    assert_eq!(print::terminator(&f, f.entry), "br_on_null v1, b1(), b2()");
}
