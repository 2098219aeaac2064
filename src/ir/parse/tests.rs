use super::super::print;
use super::*;

const SAMPLE: &str = r#"function func7 "a \"b\"\\ \u{a}" (i32, (ref null func)) -> (i64, (ref type3)) {
b0(v0: i32 @0, v1: (ref null func) @1):
    v2: f32 = f32.const 0x7fa00001 ; NaN
    v3: f64 @4 = f64.const 0xbff8000000000000 ; -1.5
    v4: i32 = i32.const -2147483648
    call func3
    v5: i64, v6: i64 = i64.add128 v11, v11, v11, v11
    i32.store mem1 offset=18446744073709551615 align=0 v0, v4
    v7: v128 = v128.load32_lane mem0 offset=4 lane=3 v0, v9
    v8: v128 = i8x16.shuffle [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 31] v7, v7
    v9: v128 = v128.const 0x0000000000000000000000000000002a
    v128.store mem0 v0, v8
    v10: (ref null none) = ref.null none
    v11: i64 = i64.const 5
    br_if v0, b1(v0), b4()
b4():
    br_table v0 [b1(v0), b5(v1)] default b6()
b5(v12: (ref null func)):
    br_on_null v12, b6(), b7(v5)
b6():
    invoke call_indirect type2 table0(v0, v4) normal b8(v4) catch tag0 b1() catch_ref tag1 b8() catch_all b6() catch_all_ref b9(v2)
b7(v13: (ref func), v14: i64):
    return_call_indirect type1 table2(v0)
b8(v20: i32, v21: i32):
    br_on_cast (ref null any) (ref type3) v1, b7(), b6()
b9(v22: (ref exn), v23: f32):
    throw_ref v22 catch_all b6()
b1(v24: i32):
    throw tag0(v0, v24)
b10():
    return v5, v1
b11():
    unfinished
b12():
    return
b13():
    return_call func9()
b14():
    return_call_ref type0(v1)
b15():
    br_on_cast_fail (ref null eq) (ref type3) v1, b7(), b6()
b16():
    br_on_non_null v1, b7(v6), b6()
b17():
    br b17()
b18():
    unreachable
}
"#;

fn round_trip(text: &str) -> Vec<Parsed> {
    let list = functions(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let again = print::functions(list.iter().map(|p| (&p.function, p.name.as_deref())));
    assert_eq!(text, again);
    list
}

#[test]
fn sample_round_trips() {
    let list = round_trip(SAMPLE);
    let f = &list[0].function;
    assert_eq!(list[0].name.as_deref(), Some("a \"b\"\\ \n"));
    assert_eq!(f.blocks.len(), 19);
    // Values 15 to 19 are gaps.
    assert_eq!(f.values.len(), 25);
    for (v, data) in f.values.iter() {
        match data.def {
            ValueDef::Param(b, n) => assert_eq!(f.block_params(b)[n as usize], v),
            ValueDef::Result(i, n) => assert_eq!(f.results(i)[n as usize], v),
        }
    }
    round_trip(&format!("{SAMPLE}\n{SAMPLE}"));
}

/// An immediate of each shape that is not its default.
fn sample_imm(kind: ImmKind) -> Imm {
    let (mem, ty, table, data) =
        (MemoryId::from_u32(3), TypeId::from_u32(8), TableId::from_u32(1), DataId::from_u32(2));
    let arg = MemArg { memory: mem, offset: 7, align: 9 };
    match kind {
        ImmKind::None => Imm::None,
        ImmKind::I32 => Imm::I32(-1),
        ImmKind::I64 => Imm::I64(i64::MIN),
        ImmKind::F32 => Imm::F32(0xffff_ffff),
        ImmKind::F64 => Imm::F64(0x7ff0_0000_0000_0001),
        ImmKind::V128 => Imm::V128(u128::MAX),
        ImmKind::Mem => Imm::Mem(arg),
        ImmKind::MemLane => Imm::MemLane(arg, 255),
        ImmKind::Lane => Imm::Lane(7),
        ImmKind::Shuffle => Imm::Shuffle([200; 16]),
        ImmKind::Memory => Imm::Memory(mem),
        ImmKind::MemCopy => Imm::MemCopy { dst: mem, src: MemoryId::from_u32(0) },
        ImmKind::MemInit => Imm::MemInit { data, memory: mem },
        ImmKind::Data => Imm::Data(data),
        ImmKind::Table => Imm::Table(table),
        ImmKind::TableCopy => Imm::TableCopy { dst: table, src: TableId::from_u32(5) },
        ImmKind::TableInit => Imm::TableInit { elem: ElemId::from_u32(6), table },
        ImmKind::Elem => Imm::Elem(ElemId::from_u32(6)),
        ImmKind::Func => Imm::Func(FuncId::from_u32(u32::MAX - 1)),
        ImmKind::Global => Imm::Global(GlobalId::from_u32(1)),
        ImmKind::CallIndirect => Imm::CallIndirect { ty, table },
        ImmKind::Type => Imm::Type(ty),
        ImmKind::Field => Imm::Field { ty, field: 4 },
        ImmKind::ArrayFixed => Imm::ArrayFixed { ty, len: 4 },
        ImmKind::ArrayData => Imm::ArrayData { ty, data },
        ImmKind::ArrayElem => Imm::ArrayElem { ty, elem: ElemId::from_u32(6) },
        ImmKind::ArrayCopy => Imm::ArrayCopy { dst: ty, src: TypeId::from_u32(9) },
        ImmKind::Heap => Imm::Heap(HeapType::Concrete(ty)),
        ImmKind::Fence => Imm::Fence,
    }
}

#[test]
fn every_operator_round_trips() {
    let mut f = Function::new(FuncId::from_u32(0), vec![Type::I32], vec![]);
    let v = f.block_params(f.entry)[0];
    for &op in Op::ALL {
        let imm = sample_imm(op.info().imm);
        for args in 0..3 {
            for results in 0..3 {
                f.append(f.entry, op, imm, &vec![v; args], &vec![Type::V128; results]);
            }
        }
    }
    let entry = f.entry;
    f.blocks[entry].term = Some(Terminator::Unreachable);
    let text = print::function(&f, None);
    let g = &round_trip(&text)[0].function;
    for (&a, &b) in f.blocks[entry].insts.iter().zip(&g.blocks[entry].insts) {
        assert_eq!((f.insts[a].op, f.insts[a].imm), (g.insts[b].op, g.insts[b].imm));
        assert_eq!((f.args(a), f.results(a)), (g.args(b), g.results(b)));
    }
}

#[test]
fn errors_have_line_and_column() {
    let error = |text: &str| function(text).expect_err(text).to_string();
    let head = "function func0 () -> () {\n";
    assert_eq!(error(""), "<input>:1:1: expected `function`, found the end of the text");
    assert_eq!(error(head), "<input>:2:1: expected `b` with a number, found the end of the text");
    assert_eq!(error(&format!("{head}}}")), "<input>:2:1: function without blocks");
    let one = |body: &str| error(&format!("{head}b0():\n    {body}\n}}\n"));
    assert_eq!(one("br b1()"), "<input>:3:8: there is no b1");
    assert_eq!(one("return v1"), "<input>:3:12: v1 is used but not defined");
    assert_eq!(one("é"), "<input>:3:5: unexpected character");
    assert_eq!(one("v1: i32 = i32.foo"), "<input>:3:15: expected an instruction, found `i32.foo`");
    assert_eq!(one("v1: i32 = i32.const 4294967296"), "<input>:3:25: number does not fit into 32 bits");
    assert_eq!(
        one("v1: i32 = i32.const 1\n v1: i32 = i32.const 1\nreturn"),
        "<input>:4:2: v1 is defined twice"
    );
    assert_eq!(one("return\nb0():\nreturn"), "<input>:4:1: b0 is there twice");
    assert_eq!(one("call func0\nb1():"), "<input>:4:1: block without terminator");
    assert_eq!(
        one("v99999999: i32 = i32.const 1\nreturn"),
        "<input>:5:1: numbers of values or blocks are too large for the length of the text"
    );
    assert_eq!(
        one("v4294967295: i32 = i32.const 1"),
        "<input>:3:5: expected an instruction, found `v4294967295`"
    );
    assert!(function(&format!("{SAMPLE} x")).is_err());
}

#[test]
fn arguments_end_with_the_line() {
    let text = "function func0 () -> () {\nb0():\n    call func1\n    v0: i32 = i32.const 1\n    return\n}\n";
    let f = &round_trip(text)[0].function;
    assert_eq!(f.blocks[f.entry].insts.len(), 2);
}

#[test]
fn damaged_text_never_panics() {
    for end in 0..SAMPLE.len() {
        if SAMPLE.is_char_boundary(end) {
            assert!(function(&SAMPLE[..end]).is_err() || SAMPLE[end..].trim().is_empty());
        }
    }
    // A small linear congruential generator picks places and replacements.
    let mut state = 1u64;
    let mut random = move |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let pieces =
        ["(", ")", "{", "}", "[", "]", ",", ":", "=", "@", "->", "v1", "b0", "\"", "\\u{", "-", "é", "\n"];
    for _ in 0..20_000 {
        let mut text = SAMPLE.to_string();
        for _ in 0..=random(3) {
            let at = random(text.len());
            let to = (at + random(8)).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(to) {
                text.replace_range(at..to, pieces[random(pieces.len())]);
            }
        }
        if let Ok(f) = function(&text) {
            let once = print::function(&f, None);
            assert_eq!(once, print::function(&function(&once).expect("printed text parses"), None));
        }
    }
}
