use super::super::function::{Function, Terminator};
use super::super::info::{Declarations, DeclaredType, Field};
use super::super::ops::{Imm, Op};
use super::super::parse;
use super::super::types::RefType;
use super::*;

/// mem0 and table0 are 32-bit, mem1 and table1 64-bit; global0 is mutable, global1 not.
/// type0 (i32) -> (i64), type1 (i32 f32) -> (), type2 struct {i32 mut, i8, (ref func)}, type3 array of mutable i16,
/// type4 array of immutable i64, type5 array of mutable funcref, type6 () -> (i32 i64), type7 struct {} below type2.
fn module() -> Declarations {
    let (i32, i64) = (Type::I32, Type::I64);
    let field = |ty, packed, mutable| Field { ty, packed, mutable };
    let non_null = Type::Ref(RefType { nullable: false, ..RefType::FUNCREF });
    let fields = vec![field(i32, false, true), field(i32, true, false), field(non_null, false, false)];
    let types = vec![
        (DeclaredType::Func(vec![i32], vec![i64]), None),
        (DeclaredType::Func(vec![i32, Type::F32], vec![]), None),
        (DeclaredType::Struct(fields.clone()), None),
        (DeclaredType::Array(field(i32, true, true)), None),
        (DeclaredType::Array(field(i64, false, false)), None),
        (DeclaredType::Array(field(Type::Ref(RefType::FUNCREF), false, true)), None),
        (DeclaredType::Func(vec![], vec![i32, i64]), None),
        (DeclaredType::Struct(fields), Some(TypeId::from_u32(2))),
    ];
    Declarations {
        memories: vec![false, true],
        tables: vec![(RefType::FUNCREF, false), (RefType::EXTERNREF, true)],
        elems: vec![RefType::FUNCREF, RefType::EXTERNREF],
        datas: 1,
        globals: vec![(i32, true), (Type::F64, false)],
        funcs: vec![TypeId::from_u32(0), TypeId::from_u32(1), TypeId::from_u32(6)],
        tags: vec![TypeId::from_u32(1)],
        types,
    }
}

fn check(f: &Function) -> Result<(), Vec<String>> {
    verify(f, &module())
}

/// A function with two parameters, v0: i32 and v1: i64, and the result i64.
fn graph(body: &str) -> Function {
    let text = format!("function func0 (i32, i64) -> (i64) {{\nb0(v0: i32, v1: i64):\n{body}\n}}\n");
    parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn good(body: &str) {
    let f = graph(body);
    if let Err(e) = check(&f) {
        panic!("{e:#?}\n{f}");
    }
}

#[track_caller]
fn bad(body: &str, message: &str) {
    let f = graph(body);
    let errors = check(&f).expect_err("refused");
    assert!(errors.iter().any(|e| e.contains(message)), "{errors:#?}\n{f}");
}

#[track_caller]
fn bad_graph(f: &Function, message: &str) {
    let errors = check(f).expect_err("refused");
    assert!(errors.iter().any(|e| e.contains(message)), "{errors:#?}");
}

#[test]
fn good_graphs_pass() {
    good("return v1");
    good("br_if v0, b1(v1), b2()\nb1(v2: i64):\nreturn v2\nb2():\nv3: i64 = i64.add v1, v1\nbr b1(v3)");
    good("br b1(v0)\nb1(v2: i32):\nv3: i32 = i32.add v2, v0\nbr_if v3, b1(v3), b2()\nb2():\nreturn v1");
    good("br_table v0 [b1(), b1()] default b2()\nb1():\nunreachable\nb2():\nreturn v1");
    good("v2: i32 = i32.load mem0 offset=4294967295 v0\ni64.store mem1 align=1 v1, v1\nreturn v1");
    good("memory.copy mem1 mem0 v1, v0, v0\nmemory.copy mem1 mem1 v1, v1, v1\nreturn v1");
    good("memory.init mem0 data0 v0, v0, v0\ntable.init table0 elem0 v0, v0, v0\nreturn v1");
    good("v2: i32 = global.get global0\nglobal.set global0 v2\nreturn v1");
    good("v2: i64 = call func0 v0\nv3: i64 = call_indirect type0 table0 v0, v0\nreturn v3");
    good("v2: (ref null type0) = ref.func func0\nv3: i64 = call_ref type0 v0, v2\nreturn v3");
    good("return_call func0(v0)");
    good("return_call_indirect type0 table0(v0, v0)");
    good("v2: (ref type0) = ref.func func0\nreturn_call_ref type0(v0, v2)");
    good("v2: (ref func) = ref.func func0\nv3: i32 = ref.is_null v2\nv4: i32 = ref.test type0 v2\nreturn v1");
    good(
        "v2: (ref null func) = table.get table0 v0\nbr_on_null v2, b1(), b2(v1)\nb1():\nreturn v1\n\
         b2(v3: (ref func), v4: i64):\nreturn v4",
    );
    good(
        "v2: (ref null func) = table.get table0 v0\nbr_on_non_null v2, b2(v1), b1()\nb1():\nreturn v1\n\
         b2(v3: (ref func), v4: i64):\nreturn v4",
    );
    good(
        "v2: (ref null func) = ref.null func\nbr_on_cast (ref null func) (ref null type0) v2, b1(), b2()\n\
         b1(v3: (ref null type0)):\nreturn v1\nb2(v4: (ref func)):\nreturn v1",
    );
    good(
        "invoke call func2() normal b1(v1) catch_ref tag0 b2() catch tag0 b3() catch_all b4() catch_all_ref b5(v0)\n\
         b1(v2: i32, v3: i64, v4: i64):\nreturn v4\nb2(v5: i32, v6: f32, v7: (ref exn)):\nthrow_ref v7\n\
         b3(v8: i32, v9: f32):\nthrow tag0(v8, v9)\nb4():\nreturn v1\nb5(v10: (ref null exn), v11: i32):\n\
         throw_ref v10 catch_all b4()",
    );
    good(
        "v2: (ref func) = ref.func func1\nv3: (ref type2) = struct.new type2 v0, v0, v2\n\
         v4: i32 = struct.get_s type2 field=1 v3\nstruct.set type2 field=0 v3, v4\n\
         v5: (ref type3) = array.new_fixed type3 len=2 v0, v4\nv6: i32 = array.get_u type3 v5, v0\n\
         array.copy type3 type3 v5, v0, v5, v0, v0\nv7: i32 = ref.eq v3, v5\nv8: (ref i31) = ref.i31 v0\n\
         v9: (ref null type7) = ref.cast_null type7 v3\nv10: i32 = struct.get type2 field=0 v9\n\
         v11: (ref extern) = extern.convert_any v8\nv12: (ref any) = any.convert_extern v11\n\
         v13: (ref null struct) = select v3, v9, v0\nv14: (ref type5) = array.new_elem type5 elem0 v0, v0\n\
         array.init_data type3 data0 v5, v0, v0, v0\nreturn v1",
    );
}

#[test]
fn invariant_1_layout() {
    bad("br b0(v0, v1)", "leads to the entry block");
    bad("return v1\nb1():\nreturn v1", "b1 is in the layout but cannot be reached");
    let mut f = graph("br b1()\nb1():\nreturn v1");
    f.layout.swap(0, 1);
    bad_graph(&f, "does not start with the entry block");
    f.layout = vec![f.entry, Block::from_u32(1), Block::from_u32(1)];
    bad_graph(&f, "b1 is in the layout twice");
    f.layout = vec![f.entry];
    bad_graph(&f, "b0 leads to b1, which is not in the layout");
    f.layout = vec![f.entry, Block::from_u32(1), Block::from_u32(9)];
    bad_graph(&f, "b9 is in the layout but does not exist");
    f.layout = vec![];
    bad_graph(&f, "does not start with the entry block");
    let mut f = graph("br b1()\nb1():\nreturn v1");
    let edge = f.edge(Block::from_u32(5), &[]);
    f.blocks[Block::from_u32(0)].term = Some(Terminator::Jump(edge));
    bad_graph(&f, "b0 leads to b5, which does not exist");
}

#[test]
fn invariant_2_blocks() {
    bad("unfinished", "b0 has no terminator");
    let mut f = graph("call func1 v0, v2\nv2: f32 = f32.const 0x00000000\nreturn v1");
    let entry = f.entry;
    let first = f.blocks[entry].insts[0];
    f.blocks[entry].insts.push(first);
    bad_graph(&f, "inst0 stands in two places");
    f.blocks[entry].insts.push(Inst::from_u32(77));
    bad_graph(&f, "inst77, which does not exist");
}

#[test]
fn invariant_3_definitions() {
    let mut f = graph("v2: i32 = i32.const 1\nv3: i32 = i32.const 1\nreturn v1");
    f.values[Value::from_u32(2)].def = ValueDef::Result(Inst::from_u32(1), 0);
    bad_graph(&f, "v2 is defined as");
    let entry = f.entry;
    f.blocks[entry].params.push(Value::from_u32(3), &mut f.pool);
    bad_graph(&f, "v3 is defined twice");
    f.blocks[entry].params.push(Value::from_u32(55), &mut f.pool);
    bad_graph(&f, "b0 has a parameter that does not exist");
    let mut f = graph("return v1");
    let entry = f.entry;
    f.append(entry, Op::I32Eqz, Imm::None, &[Value::from_u32(9)], &[Type::I32]);
    bad_graph(&f, "operand or result that does not exist");
    let mut f = graph("return v1");
    let dead = f.make_inst(Op::I64Const, Imm::I64(0), &[], &[Type::I64]);
    let list = f.list(&[f.result(dead).expect("one result")]);
    f.blocks[f.entry].term = Some(Terminator::Return(list));
    bad_graph(&f, "nothing in a live block defines it");
    let list = f.list(&[Value::from_u32(99)]);
    f.blocks[f.entry].term = Some(Terminator::Return(list));
    bad_graph(&f, "terminator has an operand that does not exist");
}

#[test]
fn invariant_3_dominance() {
    bad("v2: i32 = i32.eqz v3\nv3: i32 = i32.eqz v0\nreturn v1", "v3 is used before its definition");
    bad("v2: i32 = i32.eqz v2\nreturn v1", "v2 is used before its definition");
    let arms = "br_if v0, b1(), b2()\nb1():\nv2: i64 = i64.const 1\nbr b3()\nb2():\nbr b3()\nb3():\n";
    bad(&format!("{arms}return v2"), "v2 is used where its definition in b1 does not dominate");
    bad("br_if v0, b1(v2), b2()\nb1(v2: i64):\nreturn v1\nb2():\nreturn v1", "does not dominate");
}

#[test]
fn invariant_4_entry_parameters() {
    let mut f = graph("return v1");
    f.params = vec![Type::I32];
    bad_graph(&f, "the entry block's parameters do not have the types");
}

#[test]
fn invariant_5_immediates() {
    let mut f = graph("v2: i32 = i32.const 1\nreturn v1");
    f.insts[Inst::from_u32(0)].imm = Imm::I64(1);
    bad_graph(&f, "not of kind I32");
    let cases = [
        ("v2: i32 = i32.load mem2 v0", "there is no mem2"),
        ("v2: i32 = i32.load mem0 align=3 v0", "alignment 2^3"),
        ("v2: i32 = i32.atomic.load mem0 align=1 v0", "alignment 2^1"),
        ("v2: i32 = i32.load mem0 offset=4294967296 v0", "offset 4294967296 into a 32-bit memory"),
        ("memory.init mem0 data1 v0, v0, v0", "there is no data1"),
        ("data.drop data1", "there is no data1"),
        ("elem.drop elem2", "there is no elem2"),
        ("table.init table0 elem2 v0, v0, v0", "there is no elem2"),
        ("v2: i32 = global.get global2", "there is no global2"),
        ("v2: f64 = global.get global1\nglobal.set global1 v2", "global1 is immutable"),
        ("call func3", "there is no func3"),
        ("call_indirect type2 table0 v0", "there is no type2, or it is of another kind"),
        ("v2: i64 = call_indirect type0 table1 v0, v1", "elements of type (ref null extern) do not fit"),
        ("v2: i64 = call_indirect type0 table2 v0, v0", "there is no table2"),
        ("v2: (ref func) = ref.func func9", "there is no func9"),
        ("v2: (ref type0) = struct.new type0", "there is no type0, or it is of another kind"),
        ("v2: (ref null type2) = ref.null type2\nv3: i32 = struct.get type2 field=3 v2", "field 3 of type2"),
        ("v2: v128 = v128.const 0x0\nv3: i64 = i64x2.extract_lane lane=2 v2", "lane 2 of 2"),
        ("v2: v128 = v128.const 0x0\nv3: f32 = f32x4.extract_lane lane=4 v2", "lane 4 of 4"),
        ("v2: v128 = v128.const 0x0\nv3: v128 = v128.load16_lane mem0 lane=8 v0, v2", "lane 8 of 8"),
        (
            "v2: v128 = v128.const 0x0\nv3: v128 = i8x16.shuffle [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,32] v2, v2",
            "lane 32 of 32",
        ),
        ("table.copy table0 table1 v0, v1, v0", "do not fit"),
        ("table.init table0 elem1 v0, v0, v0", "do not fit"),
    ];
    for (body, message) in cases {
        bad(&format!("{body}\nreturn v1"), message);
    }
}

#[test]
fn invariant_5_and_6_references() {
    let cases = [
        ("v3: i32 = struct.get type2 field=1 v2", "packed fields"),
        ("v3: i32 = struct.get_s type2 field=0 v2", "packed fields"),
        ("struct.set type2 field=1 v2, v0", "the field is immutable"),
        ("v3: (ref type2) = struct.new_default type2", "has no default value"),
        ("v3: (ref type4) = array.new_default type4 v0\narray.set type4 v3, v0, v1", "immutable"),
        ("v3: (ref type5) = array.new_data type5 data0 v0, v0", "takes no bytes"),
        ("v3: (ref type3) = array.new_elem type3 elem0 v0, v0", "takes no references"),
        ("v3: (ref type5) = array.new_elem type5 elem1 v0, v0", "do not fit"),
        ("v3: (ref type3) = array.new_fixed type3 len=3 v0, v0", "takes 3 operands"),
        (
            "v3: (ref type3) = array.new_default type3 v0\narray.copy type3 type4 v3, v0, v3, v0, v0",
            "do not fit",
        ),
        ("v3: i32 = ref.is_null v0", "the operand is no reference"),
        ("v3: i32 = ref.test func v2", "operand 0 has type (ref null type2), but (ref null func) is taken"),
        ("v3: (ref type2) = ref.cast_null type2 v2", "result 0 has type (ref type2), but (ref null type2)"),
        ("v3: (ref type7) = ref.cast type2 v2", "result 0 has type (ref type7), but (ref type2) is given"),
        ("v3: (ref func) = ref.func func0\nv4: i32 = ref.eq v2, v3", "operand 1 has type (ref func)"),
        ("v3: i64 = call_ref type0 v0, v2", "operand 1 has type (ref null type2)"),
    ];
    for (body, message) in cases {
        bad(&format!("v2: (ref null type2) = ref.null type2\n{body}\nreturn v1"), message);
    }
}

#[test]
fn invariant_6_operands_and_results() {
    let cases = [
        ("v2: i32 = i32.add v0", "takes 2 operands and gives 1 results"),
        ("i32.eqz v0", "takes 1 operands and gives 1 results"),
        ("v2: i32 = i32.add v0, v1", "operand 1 has type i64, but i32 is taken"),
        ("v2: i64 = i32.eqz v0", "result 0 has type i64, but i32 is given"),
        ("v2: i32 = i32.load mem1 v0", "operand 0 has type i32, but i64 is taken"),
        ("memory.copy mem1 mem0 v1, v1, v0", "operand 1 has type i64"),
        ("memory.copy mem1 mem0 v1, v0, v1", "operand 2 has type i64"),
        ("v2: i32 = memory.size mem1", "result 0 has type i32"),
        ("v2: (ref null extern) = table.get table1 v0", "operand 0 has type i32"),
        ("table.set table0 v0, v0", "operand 1 has type i32"),
        ("v2: i32 = select v0, v1, v0", "operand 1 has type i64"),
        ("global.set global0 v1", "operand 0 has type i64"),
        ("v2: i64 = call func0 v1", "operand 0 has type i64"),
        ("v2: i64 = call func0", "takes 1 operands"),
        ("call func0 v0", "gives 1 results"),
        ("v2: i64 = call_indirect type0 table0 v0, v1", "operand 1 has type i64"),
    ];
    for (body, message) in cases {
        bad(&format!("{body}\nreturn v1"), message);
    }
}

#[test]
fn invariant_7_edges() {
    bad("br b1(v0)\nb1():\nreturn v1", "b1 has 0 parameters, but the edge produces 0 values and carries 1");
    bad("br b1(v0)\nb1(v2: i64):\nreturn v1", "parameter 0 of b1 has type i64, but the edge gives i32");
    bad("br_if v1, b1(), b1()\nb1():\nreturn v1", "operand 0 has type i64");
    bad("br_table v1 [] default b1()\nb1():\nreturn v1", "operand 0 has type i64");
    bad("br_table v0 [b1(v0)] default b1()\nb1():\nreturn v1", "carries 1");
    let null = "v2: (ref null func) = ref.null func\n";
    let two = |a: &str, b: &str| format!("b1({a}):\nreturn v1\nb2({b}):\nreturn v1");
    bad(
        &format!("{null}br_on_null v2, b1(), b2()\n{}", two("", "")),
        "b2 has 0 parameters, but the edge produces 1",
    );
    bad(
        &format!("{null}br_on_non_null v2, b1(), b2()\n{}", two("v3: (ref extern)", "")),
        "the edge gives (ref func)",
    );
    bad(
        &format!(
            "{null}br_on_cast (ref null func) (ref type0) v2, b1(), b2()\n{}",
            two("v3: (ref type0)", "v4: (ref func)")
        ),
        "parameter 0 of b2 has type (ref func), but the edge gives (ref null func)",
    );
    bad(
        &format!("{null}br_on_cast_fail (ref null func) (ref extern) v2, b1(), b2()\n{}", two("", "")),
        "not a subtype of its source type",
    );
    bad("br_on_null v0, b1(), b1()\nb1():\nreturn v1", "the operand is no reference");
    let invoke = |rest: &str| format!("invoke call func0(v0) normal {rest}");
    bad(&invoke("b1()\nb1():\nreturn v1"), "b1 has 0 parameters, but the edge produces 1");
    bad(
        &invoke("b1() catch tag0 b2()\nb1(v2: i64):\nreturn v1\nb2():\nreturn v1"),
        "b2 has 0 parameters, but the edge produces 2",
    );
    bad(&invoke("b1() catch tag4 b2()\nb1(v2: i64):\nreturn v1\nb2():\nreturn v1"), "there is no tag4");
    bad(
        &invoke("b1() catch_all_ref b2()\nb1(v2: i64):\nreturn v1\nb2(v3: (ref func)):\nreturn v1"),
        "the edge gives (ref exn)",
    );
    bad("invoke i32.eqz(v0) normal b1()\nb1(v2: i32):\nreturn v1", "only calls");
    bad("invoke call func0(v1) normal b1()\nb1(v2: i64):\nreturn v1", "operand 0 has type i64");
    bad("throw tag0(v0)", "takes 2 operands");
    bad("throw tag1()", "there is no tag1");
    bad("throw_ref v0", "operand 0 has type i32");
}

#[test]
fn invariant_8_results() {
    bad("return", "takes 1 operands");
    bad("return v0", "operand 0 has type i32");
    bad("return_call func1(v0, v0)", "operand 1 has type i32");
    bad("v2: f32 = f32.const 0x0\nreturn_call func1(v0, v2)", "the callee's results are not the function's");
    bad("return_call_indirect type6 table0(v0)", "the callee's results are not the function's");
    bad("return_call_ref type0(v0, v0)", "operand 1 has type i32");
}

#[test]
fn errors_are_capped() {
    let body = "v2: i32 = i32.add v0, v1\n".to_string();
    let many: String = (2..200).map(|n| body.replace("v2", &format!("v{n}"))).collect();
    assert_eq!(check(&graph(&format!("{many}return v1"))).expect_err("refused").len(), MAX_ERRORS);
}
