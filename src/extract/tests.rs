use super::choose::Choice;
use super::{Context, extract, removable};
use crate::analysis::memory_ssa::MemorySsa;
use crate::analysis::{Cfg, DomTree, Loops, Summaries};
use crate::caps::Caps;
use crate::chaos::Chaos;
use crate::cost::CostTable;
use crate::egraph::bounds::{Bounds, division_cannot_trap};
use crate::egraph::build::{Built, build};
use crate::egraph::compile::CompiledRules;
use crate::egraph::saturate::saturate;
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::Op;
use crate::ir::verify::verify;
use crate::ir::{parse, print};
use crate::module::{Module, decode};
use crate::options::Objective;
use crate::rules::RuleSet;

/// Two memories of at least one and two pages, a mutable and an immutable global.
const MODULE: &str = "(module
  (memory 1) (memory 2)
  (global (mut i32) (i32.const 0)) (global i32 (i32.const 5))
  (func (param i32 i32) (result i32) (i32.const 0)))";

struct World {
    module: Module,
    f: Function,
    dom: DomTree,
    loops: Loops,
    memory: MemorySsa,
    built: Built,
}

impl World {
    /// A function `(i32, i32) -> (i32)` by the text of its blocks, saturated with the built-in rules or none.
    fn new(blocks: &str, with_rules: bool, objective: Objective) -> World {
        let wasm = wat::parse_str(MODULE).expect("a module");
        let module = decode(&wasm).expect("decodes").validate_bodies().expect("is valid");
        let text = format!("function func0 (i32, i32) -> (i32) {{\nb0(v0: i32, v1: i32):\n{blocks}\n}}\n");
        let f = parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        verify(&f, &module).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
        let cfg = Cfg::compute(&f);
        let dom = DomTree::compute(&f, &cfg);
        let loops = Loops::compute(&cfg, &dom);
        let memory = MemorySsa::compute(&f, &cfg, &dom, &loops, &Summaries::unknown());
        let mut built = build(&f, cfg.rpo(), &memory, &module);
        if with_rules {
            let rules = CompiledRules::new(&RuleSet::builtin().expect("rules"), objective, |_| true);
            saturate(&mut built.graph, &rules, false, Chaos::OFF);
        }
        World { module, f, dom, loops, memory, built }
    }

    fn context(&self, objective: Objective) -> Context<'_, Module> {
        let World { module, f, dom, loops, memory, built } = self;
        Context {
            f,
            built,
            dom,
            loops,
            memory,
            info: module,
            costs: CostTable::of(objective),
            caps: Caps::default(),
            chaos: Chaos::OFF,
        }
    }

    /// The extracted function, which must be valid.
    fn extract(&self, objective: Objective) -> Function {
        let g = extract(&self.context(objective)).expect("extraction works");
        verify(&g, &self.module).unwrap_or_else(|e| panic!("{e:?}\n{}", print::function(&g, None)));
        g
    }
}

fn extracted(blocks: &str) -> Function {
    World::new(blocks, false, Objective::Speed).extract(Objective::Speed)
}

fn optimized(blocks: &str, objective: Objective) -> Function {
    World::new(blocks, true, objective).extract(objective)
}

/// The operators of a block in order.
fn ops(f: &Function, b: Block) -> Vec<Op> {
    f.blocks[b].insts.iter().map(|&i| f.insts[i].op).collect()
}

/// Number of instructions with this operator in live blocks.
fn count(f: &Function, op: Op) -> usize {
    f.layout.iter().flat_map(|&b| &f.blocks[b].insts).filter(|&&i| f.insts[i].op == op).count()
}

/// Which instructions of the entry cannot trap where they stand.
fn provably_safe(blocks: &str) -> Vec<bool> {
    let w = World::new(blocks, false, Objective::Speed);
    let safe = removable(&w.context(Objective::Speed));
    w.f.blocks[w.f.entry].insts.iter().map(|&i: &Inst| safe[i]).collect()
}

#[test]
fn an_access_proves_what_does_not_reach_farther() {
    let safe = provably_safe(
        "v2: i32 = i32.load mem0 offset=8 v0\nv3: i32 = i32.load mem0 offset=8 v0\n\
         v4: i64 = i64.load mem0 offset=4 v0\nv5: i64 = i64.load mem0 offset=8 v0\n\
         v6: i32 = i32.load mem1 v0\nv7: i32 = i32.load mem0 v1\nreturn v2",
    );
    assert_eq!(safe, [false, true, true, false, false, false]);
}

#[test]
fn sums_are_proved_by_their_base_but_not_the_other_way() {
    let safe = provably_safe(
        "v2: i32 = i32.const 4\nv3: i32 = i32.add v0, v2\ni32.store mem0 offset=12 v0, v1\n\
         v4: i32 = i32.load mem0 offset=8 v3\nv5: i32 = i32.load mem0 offset=12 v3\n\
         v6: i32 = i32.add v1, v2\ni32.store mem0 offset=8 v6, v1\nv7: i32 = i32.load mem0 v1\nreturn v0",
    );
    assert!(safe[3], "v0 + 4 + 8 + 4 is what the store reached");
    assert!(!safe[4], "four bytes farther");
    assert!(!safe[7], "v1 + 4 may have wrapped");
}

#[test]
fn constants_are_proved_by_the_least_size_of_the_memory() {
    let safe = provably_safe(
        "v2: i32 = i32.const 65532\nv3: i32 = i32.load mem0 v2\nv4: i32 = i32.load mem0 offset=1 v2\n\
         v5: i32 = i32.load mem1 offset=65536 v2\nv6: i32 = i32.const -4\nv7: i32 = i32.load mem0 offset=8 v6\n\
         return v3",
    );
    assert_eq!([safe[1], safe[2], safe[3], safe[5]], [true, false, true, false]);
}

#[test]
fn copies_and_fills_prove_their_ranges() {
    let safe = provably_safe(
        "v2: i32 = i32.const 16\nmemory.copy mem0 mem1 v0, v1, v2\nv3: i64 = i64.load mem0 offset=8 v0\n\
         v4: i64 = i64.load mem1 offset=8 v1\nv5: i64 = i64.load mem0 offset=9 v0\n\
         memory.copy mem0 mem1 v1, v0, v0\nv6: i32 = i32.load mem0 v1\nreturn v0",
    );
    assert_eq!(safe[2..], [true, true, false, false, false]);
}

#[test]
fn a_proof_holds_where_its_access_dominates() {
    let w = World::new(
        "br_if v1, b1(), b2()\nb1():\nv2: i32 = i32.load mem0 v0\nbr b3()\nb2():\nbr b3()\nb3():\n\
         v3: i32 = i32.load mem0 v0\nv4: i32 = i32.load mem0 v0\nreturn v3",
        false,
        Objective::Speed,
    );
    let mut known = Bounds::new(&w.built.graph, &w.module, &w.dom);
    let (left, join) = (Block::from_u32(1), Block::from_u32(3));
    let (address, memory) = (w.built.class(Value::from_u32(0)), MemoryId::from_u32(0));
    known.executed(&w.f, &w.built, left, w.f.blocks[left].insts[0]);
    assert!(known.in_bounds(left, memory, address, 0, 4));
    assert!(!known.in_bounds(join, memory, address, 0, 4), "the other way did not load");
    known.executed(&w.f, &w.built, join, w.f.blocks[join].insts[0]);
    assert!(known.in_bounds(join, memory, address, 0, 4));
    assert!(!known.in_bounds(join, memory, address, u64::MAX, u64::MAX), "no overflow of the sum");
}

#[test]
fn divisions_that_cannot_trap() {
    let w = World::new(
        "v2: i32 = i32.const 1\nv3: i32 = i32.or v1, v2\nv4: i32 = i32.const -1\nv5: i32 = i32.const 0\n\
         v6: i32 = i32.const 7\nv7: i32 = i32.and v3, v6\nv8: i32 = i32.shr_u v3, v6\nreturn v0",
        false,
        Objective::Speed,
    );
    let can_not = |op, v| division_cannot_trap(&w.built.graph, op, w.built.class(Value::from_u32(v)));
    assert!(can_not(Op::I32DivU, 3) && can_not(Op::I32RemS, 3));
    assert!(!can_not(Op::I32DivS, 3), "an odd number may be -1");
    assert!(can_not(Op::I32RemS, 4) && !can_not(Op::I32DivS, 4));
    assert!(!can_not(Op::I32DivU, 5) && !can_not(Op::I32RemU, 1));
    assert!(can_not(Op::I32DivS, 6));
    assert!(!can_not(Op::I32DivU, 7) && !can_not(Op::I32DivU, 8), "not known to be nonzero");
    assert!(!can_not(Op::I32Add, 6));
}

#[test]
fn a_trap_that_nobody_needs_stays_unless_proved_impossible() {
    let f = extracted(
        "v2: i32 = i32.load mem0 v0\nv3: i32 = i32.load mem0 v0\nv4: i32 = i32.div_u v0, v1\nreturn v0",
    );
    assert_eq!(ops(&f, f.entry), [Op::I32Load, Op::I32DivU]);
}

#[test]
fn a_load_is_read_again_only_in_its_state() {
    let f = extracted(
        "v2: i32 = i32.load mem0 v0\ni32.store mem1 v0, v1\nv3: i32 = i32.load mem0 v0\n\
         i32.store mem0 v0, v1\nv4: i32 = i32.load mem0 v0\nv5: i32 = i32.add v2, v3\nv6: i32 = i32.add v5, v4\n\
         return v6",
    );
    assert_eq!(count(&f, Op::I32Load), 2);
    // Without rules nothing says that the last load is v1.
    assert_eq!(
        ops(&f, f.entry),
        [Op::I32Load, Op::I32Store, Op::I32Store, Op::I32Load, Op::I32Add, Op::I32Add]
    );
}

#[test]
fn equal_values_once_on_each_path() {
    let f = extracted(
        "v2: i32 = i32.mul v0, v1\nbr_if v0, b1(), b2()\nb1():\nv3: i32 = i32.mul v0, v1\n\
         v4: i32 = i32.sub v3, v2\nreturn v4\nb2():\nv5: i32 = i32.xor v0, v1\nreturn v5",
    );
    assert_eq!(count(&f, Op::I32Mul), 1);
    let f = extracted(
        "br_if v0, b1(), b2()\nb1():\nv3: i32 = i32.mul v0, v1\nreturn v3\nb2():\nv4: i32 = i32.mul v0, v1\nreturn v4",
    );
    assert_eq!(count(&f, Op::I32Mul), 2, "neither place dominates the other");
}

const LOOP: &str = "v2: f64 = f64.convert_i32_s v1\nv9: f64 = f64.const 0\nbr b1(v0, v9)\n\
     b1(v3: i32, v4: f64):\nv5: f64 = f64.sqrt v2\nv6: f64 = f64.add v4, v5\nv7: i32 = i32.const 1\n\
     v8: i32 = i32.sub v3, v7\nbr_if v8, b1(v8, v6), b2()\nb2():\nv10: i32 = i32.trunc_sat_f64_s v6\nreturn v10";

#[test]
fn slow_invariants_leave_loops_where_time_counts() {
    let w = World::new(LOOP, false, Objective::Speed);
    let (body, f) = (Block::from_u32(1), w.extract(Objective::Speed));
    assert!(!ops(&f, body).contains(&Op::F64Sqrt) && ops(&f, f.entry).contains(&Op::F64Sqrt));
    let f = w.extract(Objective::Size);
    assert!(ops(&f, body).contains(&Op::F64Sqrt));
}

#[test]
fn loads_and_divisions_stay_in_loops() {
    let f = extracted(
        "br b1(v0)\nb1(v2: i32):\nv3: i32 = i32.load mem0 v1\nv4: i32 = i32.div_u v3, v1\n\
         v5: i32 = i32.sub v2, v4\nbr_if v5, b1(v5), b2()\nb2():\nreturn v4",
    );
    let body = Block::from_u32(1);
    assert_eq!(ops(&f, body), [Op::I32Load, Op::I32DivU, Op::I32Sub]);
}

#[test]
fn conditions_need_no_truth_value() {
    let arms = "b1():\nreturn v1\nb2():\nreturn v0";
    for (test, negated) in [
        ("v3: i32 = i32.eqz v0", true),
        ("v2: i32 = i32.eqz v0\nv3: i32 = i32.eqz v2", false),
        ("v2: i32 = i32.const 0\nv3: i32 = i32.ne v0, v2", false),
        ("v2: i32 = i32.const 0\nv3: i32 = i32.eq v0, v2", true),
    ] {
        let w = World::new(&format!("{test}\nbr_if v3, b1(), b2()\n{arms}"), false, Objective::Size);
        let safe = removable(&w.context(Objective::Size));
        let choice = Choice::compute(&w.f, &w.built, CostTable::of(Objective::Size), &safe, &[], Chaos::OFF);
        assert_eq!(
            choice.condition(w.built.class(Value::from_u32(3))),
            (w.built.class(Value::from_u32(0)), negated)
        );
        let f = w.extract(Objective::Size);
        assert!(ops(&f, f.entry).is_empty(), "{test}");
        let Terminator::Branch { cond, then, els } = f.term(f.entry) else { panic!("a branch") };
        let b = |e: &crate::ir::function::Edge| e.block.as_u32();
        assert_eq!((cond.as_u32(), b(then), b(els)), if negated { (0, 2, 1) } else { (0, 1, 2) }, "{test}");
    }
}

#[test]
fn a_known_condition_is_a_jump_the_right_way() {
    for (condition, expected) in [("i32.eqz v2", Op::I32Sub), ("i32.mul v2, v0", Op::I32Add)] {
        let f = optimized(
            &format!(
                "v2: i32 = i32.xor v0, v0\nv3: i32 = {condition}\nbr_if v3, b1(), b2()\n\
                 b1():\nv4: i32 = i32.sub v0, v1\nreturn v4\nb2():\nv5: i32 = i32.add v0, v1\nreturn v5"
            ),
            Objective::Speed,
        );
        assert_eq!(f.layout.len(), 1);
        assert_eq!(ops(&f, f.entry), [expected]);
    }
}

#[test]
fn a_known_index_is_a_jump() {
    for (index, expected) in [(0, Op::I32Add), (1, Op::I32Sub), (2, Op::I32Xor), (-1, Op::I32Xor)] {
        let f = extracted(&format!(
            "v2: i32 = i32.const {index}\nbr_table v2 [b1(), b2()] default b3()\nb1():\nv3: i32 = i32.add v0, v1\n\
             return v3\nb2():\nv4: i32 = i32.sub v0, v1\nreturn v4\nb3():\nv5: i32 = i32.xor v0, v1\nreturn v5"
        ));
        assert_eq!(ops(&f, f.entry), [expected]);
    }
}

#[test]
fn parameters_that_nobody_needs_vanish() {
    let f = extracted(
        "br b1(v0, v1)\nb1(v2: i32, v3: i32):\nv4: i32 = i32.add v3, v2\nv5: i32 = i32.const 1\n\
         v6: i32 = i32.sub v2, v5\nbr_if v6, b1(v6, v4), b2()\nb2():\nreturn v2",
    );
    assert_eq!(f.block_params(Block::from_u32(1)).len(), 1);
    assert_eq!(count(&f, Op::I32Add), 0);
}

#[test]
fn short_constants_are_made_at_each_use_and_long_shared_ones_once() {
    let uses = "i64.store mem0 v0, v2\ni64.store mem0 offset=8 v0, v2\nreturn v0";
    let f = extracted(&format!("v2: i64 = i64.const 9\n{uses}"));
    assert_eq!(count(&f, Op::I64Const), 2);
    let f = extracted(&format!("v2: i64 = i64.const 1234567890123\n{uses}"));
    assert_eq!(count(&f, Op::I64Const), 1);
}

#[test]
fn a_deep_expression_needs_no_stack() {
    let mut text = String::new();
    for i in 2..3000 {
        text.push_str(&format!("v{i}: i32 = i32.{} v{}, v{}\n", ["add", "xor", "mul"][i % 3], i - 1, i % 2));
    }
    text.push_str("return v2999");
    let f = extracted(&text);
    assert_eq!(f.blocks[f.entry].insts.len(), 2998);
    optimized(&text, Objective::Size);
}

#[test]
fn immutable_globals_are_read_anywhere_and_mutable_ones_in_their_state() {
    let f = extracted(
        "v2: i32 = global.get global0\nv3: i32 = global.get global1\nglobal.set global0 v1\n\
         v4: i32 = global.get global0\nv5: i32 = global.get global1\nv6: i32 = i32.sub v2, v3\n\
         v7: i32 = i32.sub v4, v5\nv8: i32 = i32.mul v6, v7\nreturn v8",
    );
    let text = print::function(&f, None);
    let position = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}\n{text}"));
    assert!(position("global.get global0") < position("global.set global0"), "{text}");
    assert_eq!(text.matches("global.get global0").count(), 2, "{text}");
}

#[test]
fn extraction_is_the_same_each_time() {
    let blocks = "v2: i32 = i32.mul v0, v1\nv3: i32 = i32.add v2, v0\nv4: i32 = i32.const 24\n\
                  v5: i32 = i32.shl v3, v4\nv6: i32 = i32.shr_u v5, v4\nv7: i32 = i32.add v6, v2\nreturn v7";
    let first = print::function(&optimized(blocks, Objective::Size), None);
    for _ in 0..5 {
        assert_eq!(print::function(&optimized(blocks, Objective::Size), None), first);
    }
}

/// A class with a leaf for each of many reads, none of which dominates another: work that grew with the number of leaves at
/// each of them took minutes.
#[test]
fn many_reads_of_one_state() {
    let n = 3000;
    let mut text = String::from("br b1(v0)\n");
    for i in 0..n {
        let (b, v) = (2 * i + 1, 4 * i + 10);
        text.push_str(&format!(
            "b{b}(v{v}: i32):\nbr_if v{v}, b{}(), b{}(v{v})\nb{}():\nv{}: i32 = global.get global0\n\
             v{}: i32 = i32.mul v{v}, v{}\nbr b{}(v{})\n",
            b + 1,
            b + 2,
            b + 1,
            v + 1,
            v + 2,
            v + 1,
            b + 2,
            v + 2
        ));
    }
    let v = 4 * n + 10;
    text.push_str(&format!("b{}(v{v}: i32):\nreturn v{v}", 2 * n + 1));
    let f = extracted(&text);
    assert_eq!(count(&f, Op::GlobalGet), n);
}

/// `v0 + 4` is stored and compared; the rules know that `v0 + 4 == v1 + …` could be asked of `v0` itself.
fn counted(stored_in: &str) -> Function {
    let store = "i32.store mem0 v1, v3";
    let (here, there) = if stored_in == "b0" { (store, "") } else { ("", store) };
    optimized(
        &format!(
            "v2: i32 = i32.const 4\nv3: i32 = i32.add v0, v2\n{here}\nv4: i32 = i32.const 300\n\
             v5: i32 = i32.ne v3, v4\nbr_if v5, b1(), b2()\n\
             b1():\nreturn v1\nb2():\n{there}\nreturn v5"
        ),
        Objective::Speed,
    )
}

#[test]
fn what_is_stored_anyway_is_compared() {
    let f = counted("b0");
    assert_eq!(count(&f, Op::I32Add) + count(&f, Op::I32Sub), 1);
    let Terminator::Branch { cond, .. } = f.term(f.entry) else { panic!("a branch") };
    let compare = f.def_inst(*cond).expect("a comparison");
    assert!(f.def_inst(f.args(compare)[0]).is_some(), "of the sum, not of the parameter");
}

#[test]
fn what_only_one_arm_stores_is_not_compared() {
    let f = counted("b2");
    let Terminator::Branch { cond, .. } = f.term(f.entry) else { panic!("a branch") };
    let compare = f.def_inst(*cond).expect("a comparison");
    assert!(f.def_inst(f.args(compare)[0]).is_none(), "the parameter, so that the other arm needs no sum");
}

#[test]
fn divisions_by_constants_are_left_to_the_engine() {
    for op in ["i32.div_u", "i32.div_s"] {
        let f =
            optimized(&format!("v2: i32 = i32.const 10\nv3: i32 = {op} v0, v2\nreturn v3"), Objective::Speed);
        assert_eq!(count(&f, Op::I64Mul), 0, "{op}");
        assert_eq!(count(&f, Op::I32DivU) + count(&f, Op::I32DivS), 1, "{op}");
    }
}
