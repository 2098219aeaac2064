use super::build::{Built, build, immediate, immediates};
use super::compile::CompiledRules;
use super::facts::{Graph, Known, MAX_OLDER_STEPS, base_of};
use super::node::{Head, Node};
use super::saturate::{LARGE_GRAPH, Saturation, saturate};
use crate::analysis::memory_ssa::{MemorySsa, Resource};
use crate::analysis::{Cfg, DomTree, Loops, Summaries};
use crate::chaos::Chaos;
use crate::interp::{self, Const, Outcome};
use crate::ir::entity::{Block, FuncId, MemoryId, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::info::Declarations;
use crate::ir::ops::{Feature, Imm, Op};
use crate::ir::parse;
use crate::ir::types::Type;
use crate::options::Objective;
use crate::rules::{Facts, Length, RuleSet};
use egg::{EGraph, Id};

const SPACE: u64 = 1 << 32;

/// A graph whose leaves are the parameters of a function with these types.
fn leaves(types: &[Type]) -> (Graph, Vec<Id>) {
    let f = Function::new(FuncId::from_u32(0), types.to_vec(), Vec::new());
    let mut graph: Graph = EGraph::new(Known::new(&f));
    let ids = f.block_params(f.entry).iter().map(|&v| graph.add(Node::leaf(Head::Leaf(v)))).collect();
    (graph, ids)
}

fn constant(graph: &mut Graph, c: Const) -> Id {
    graph.add(Node::leaf(Head::Const(c)))
}

fn i32_const(graph: &mut Graph, c: u64) -> Id {
    constant(graph, Const::I32(c as u32))
}

fn op(graph: &mut Graph, op: Op, args: &[Id]) -> Id {
    graph.add(Node::new(Head::Op(op), args.iter().copied()))
}

/// `base + k`, the base itself for 0.
fn plus(graph: &mut Graph, base: Id, k: u64) -> Id {
    if k == 0 {
        return base;
    }
    let k = i32_const(graph, k);
    op(graph, Op::I32Add, &[base, k])
}

/// A small generator, so that the tests are the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 29
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next() as usize % from.len()]
    }
}

#[test]
fn sums_of_constants_have_one_base() {
    let (mut g, p) = leaves(&[Type::I32]);
    let a = plus(&mut g, p[0], 8);
    let b = plus(&mut g, a, SPACE - 12);
    assert_eq!(base_of(&g, p[0]), (p[0], 0));
    assert_eq!(base_of(&g, a), (p[0], 8));
    assert_eq!(base_of(&g, b), (p[0], SPACE - 4), "sums wrap at the width of the type");
}

#[test]
fn distance_is_exact_only_where_nothing_can_wrap() {
    let (mut g, p) = leaves(&[Type::I32, Type::I32]);
    let x = p[0];
    let next = plus(&mut g, x, 4);
    assert_eq!(g.distance(x, 12, x, 8), Some(4));
    assert_eq!(g.distance(next, 0, x, 4), None, "x + 4 may wrap, x with offset 4 does not");
    assert_eq!(g.distance(p[1], 0, x, 0), None);
    let (low, high) = (i32_const(&mut g, 4), i32_const(&mut g, SPACE - 4));
    assert_eq!(g.distance(high, 8, low, 0), Some(1 << 32), "effective addresses have 33 bits");
    assert_eq!(g.distance(low, 0, high, 8), Some(-(1 << 32)));
    assert_eq!(g.distance(low, u64::MAX, high, 0), None, "does not fit");
}

#[test]
fn disjoint_at_the_border_of_the_address_space() {
    let (mut g, p) = leaves(&[Type::I32]);
    let x = p[0];
    let next = plus(&mut g, x, 4);
    let four = Length::Bytes(4);
    assert!(g.disjoint(x, 0, 4, next, 0, four), "x and x + 4, wrapped or not");
    assert!(!g.disjoint(x, 0, 8, next, 0, four));
    assert!(!g.disjoint(x, 8, 4, next, 4, four), "the same place unless x + 4 wraps");
    assert!(!g.disjoint(x, SPACE, 4, next, SPACE - 4, four));
    assert!(!g.disjoint(next, SPACE - 4, 4, x, 0, four), "x + 4 may be 0, and x may be -4");
    assert!(g.disjoint(x, 0, 0, x, 0, four) && g.disjoint(x, 0, 4, x, 0, Length::Bytes(0)));
    assert!(!g.disjoint(x, 0, 4, next, 0, Length::Value(x)), "an unknown length reaches everything");
}

/// Every answer is checked against arithmetic on concrete addresses near the ends of the address space.
#[test]
fn answers_hold_for_concrete_addresses() {
    let mut r = Random(7);
    let (mut said, mut inside) = (0, 0);
    let near = [0, 1, 4, 8, 12, 16, SPACE - 16, SPACE - 8, SPACE - 4, SPACE - 1, 1 << 31];
    let offsets = [0, 1, 4, 8, 16, SPACE - 8, SPACE - 4, SPACE - 1];
    for _ in 0..20_000 {
        let (mut g, p) = leaves(&[Type::I32]);
        let is_const = r.next().is_multiple_of(4);
        let (ka, kb) = (r.pick(&near), r.pick(&near));
        let (a, b) = if is_const {
            (i32_const(&mut g, ka), i32_const(&mut g, kb))
        } else {
            (plus(&mut g, p[0], ka), plus(&mut g, p[0], kb))
        };
        let (o, q) = (r.pick(&offsets), r.pick(&offsets));
        let (n, k) = (r.pick(&[1u64, 2, 4, 8, 16]), r.pick(&[0u64, 1, 4, 8, 12, 32]));
        let disjoint = g.disjoint(a, o, n, b, q, Length::Bytes(k));
        let distance = g.distance(a, o, b, q);
        let within = g.within(a, o, n, b, Length::Bytes(k));
        for base in near {
            let at = |c: u64| if is_const { c } else { (base + c) % SPACE };
            let (x, y) = (at(ka) + o, at(kb) + q);
            if disjoint {
                said += 1;
                assert!(x + n <= y || y + k <= x || k == 0, "{x}+{n} {y}+{k}");
            }
            if let Some(d) = distance {
                said += 1;
                assert_eq!(x as i64 - y as i64, d);
            }
            // What `within` is asked of was copied or filled without a trap.
            let to = at(kb);
            if within && to + k <= SPACE {
                inside += 1;
                assert!(x >= to && x + n <= to + k, "{x}+{n} in {to}+{k}");
            }
        }
    }
    assert!(said > 10_000 && inside > 1_000, "{said} {inside}");
}

/// Bits said to be zero, and values said not to be, against the evaluator.
#[test]
fn known_bits_hold() {
    use Op::*;
    let mut r = Random(3);
    let ops32 = [
        I32And, I32Or, I32Xor, I32Shl, I32ShrU, I32ShrS, I32RemU, I32DivU, I32Add, I32Mul, I32LtU, I32Eq,
        I32Rotl, I32DivS, I32RemS,
    ];
    let ops64 =
        [I64And, I64Or, I64Xor, I64Shl, I64ShrU, I64ShrS, I64RemU, I64DivU, I64Add, I64Mul, I64LtU, I64Eq];
    let unary = [
        I32Clz,
        I32Ctz,
        I32Popcnt,
        I32Eqz,
        I64ExtendI32U,
        I64ExtendI32S,
        I64Clz,
        I64Ctz,
        I64Popcnt,
        I64Eqz,
        I32WrapI64,
        I32Extend8S,
    ];
    let numbers =
        [0, 1, 2, 3, 5, 8, 31, 32, 33, 63, 64, 255, 0xffff, 1 << 31, u64::from(u32::MAX), 1 << 63, u64::MAX];
    let mut known = 0;
    for _ in 0..30_000 {
        let (mut g, p) = leaves(&[Type::I32, Type::I64]);
        let (op, args) = match r.next() % 3 {
            0 => (r.pick(&ops32), 2),
            1 => (r.pick(&ops64), 2),
            _ => (r.pick(&unary), 1),
        };
        let wide = matches!(
            op.info().signature,
            crate::ir::ops::Signature::Fixed { params: [crate::ir::ops::SigType::Is(Type::I64), ..], .. }
        );
        let number = |n: u64| if wide { Const::I64(n) } else { Const::I32(n as u32) };
        let (mask, other) = (r.pick(&numbers), r.pick(&numbers));
        let mask_id = constant(&mut g, number(mask));
        let leaf = p[usize::from(wide)];
        let x = super::tests::op(&mut g, if wide { I64And } else { I32And }, &[leaf, mask_id]);
        let mut children = vec![x];
        if args == 2 {
            children.push(constant(&mut g, number(other)));
        }
        let result = super::tests::op(&mut g, op, &children);
        g.rebuild();
        let fact = g[g.find(result)].data.clone();
        for value in numbers {
            let mut concrete = vec![number(value & mask)];
            if args == 2 {
                concrete.push(number(other));
            }
            let Outcome::Value(c) = interp::eval(op, &Imm::None, &concrete) else { continue };
            let bits = c.as_int().expect("an integer");
            known += u32::from(fact.zeros != 0);
            assert_eq!(bits & fact.zeros, 0, "{} {concrete:?} gives {bits:#x}", op.name());
            assert!(!fact.nonzero || bits != 0, "{} {concrete:?}", op.name());
        }
    }
    assert!(known > 50_000, "{known}");
}

/// Memory SSA and e-graph of a function without rules applied.
fn built(f: &Function, info: &Declarations) -> (MemorySsa, Built) {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    let loops = Loops::compute(&cfg, &dom);
    let memory = MemorySsa::compute(f, &cfg, &dom, &loops, &Summaries::unknown());
    let built = build(f, cfg.rpo(), &memory, info);
    (memory, built)
}

fn function(params: &str, body: &str) -> Function {
    let text = format!("function func0 {params} -> () {{\nb0(v0: i32, v1: i32):\n{body}\n}}\n");
    parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn two_memories() -> Declarations {
    Declarations {
        memories: vec![false, false],
        globals: vec![(Type::I32, true); 2],
        ..Declarations::default()
    }
}

fn v(n: u32) -> Value {
    Value::from_u32(n)
}

#[test]
fn equal_values_are_one_class_and_loads_go_by_versions() {
    let f = function(
        "(i32, i32)",
        "v2: i32 = i32.add v0, v1\nv3: i32 = i32.add v0, v1\nv4: i32 = i32.load mem0 v0\n\
         i32.store mem1 v0, v1\nv5: i32 = i32.load mem0 v0\ni32.store mem0 v0, v1\n\
         v6: i32 = i32.load mem0 v0\nv7: i32 = i32.load mem0 offset=4 v0\nreturn",
    );
    let (_, b) = built(&f, &two_memories());
    assert_eq!(b.class(v(2)), b.class(v(3)));
    assert_eq!(b.class(v(4)), b.class(v(5)), "the other memory's store is not between them");
    assert_ne!(b.class(v(5)), b.class(v(6)));
    assert_ne!(b.class(v(6)), b.class(v(7)));
    let leaves = |c: Id| b.graph[c].nodes.iter().filter(|n| matches!(n.head, Head::Leaf(_))).count();
    assert_eq!(leaves(b.class(v(4))), 2, "both loads are ways to have the value");
    assert_eq!(leaves(b.class(v(2))), 0, "pure values are computed anew");
}

#[test]
fn older_steps_over_what_cannot_touch_the_place() {
    let f = function(
        "(i32, i32)",
        "i32.store mem0 v0, v1\ni32.store mem0 offset=4 v0, v1\nv2: i32 = i32.const 8\n\
         v3: i32 = i32.add v0, v2\nv4: i32 = i32.const 16\nmemory.fill mem0 v3, v1, v4\n\
         memory.copy mem0 mem1 v3, v0, v4\nv5: i32 = i32.load mem0 v0\ni32.store mem0 v1, v0\n\
         v6: i32 = i32.load mem0 v0\nreturn",
    );
    let (memory, b) = built(&f, &two_memories());
    let insts = &f.blocks[f.entry].insts;
    let data = Resource::data(MemoryId::from_u32(0));
    let version =
        |i: usize| b.version(memory.before(insts[i], data).expect("tracked")).expect("in the graph");
    let (first, load) = (version(1), version(7));
    let g = &b.graph;
    let base = b.class(v(0));
    assert_eq!(g.older(load, 0, base, 0, 4), Some(first), "over copy, fill and the second store");
    assert_eq!(g.older(load, 0, base, 4, 4), Some(version(2)), "over copy and fill");
    assert_eq!(g.older(load, 0, base, 6, 4), None, "the copy begins at 8");
    assert_eq!(g.older(load, 0, base, 20, 8), None, "the copy ends at 24");
    assert_eq!(g.older(load, 0, base, 24, 8), Some(version(0)));
    assert_eq!(g.older(load, 1, base, 24, 8), None, "versions of another memory");
    assert_eq!(g.older(version(9), 0, base, 0, 4), None, "an unknown address may be the same");
}

#[test]
fn older_stops_at_its_cap() {
    let mut body = String::new();
    for i in 0..MAX_OLDER_STEPS + 10 {
        body.push_str(&format!("i32.store mem0 offset={} v0, v1\n", 4 * i));
    }
    body.push_str("v2: i32 = i32.load mem0 offset=4096 v0\nreturn");
    let f = function("(i32, i32)", &body);
    let (memory, b) = built(&f, &two_memories());
    let insts = &f.blocks[f.entry].insts;
    let data = Resource::data(MemoryId::from_u32(0));
    let version =
        |i: usize| b.version(memory.before(insts[i], data).expect("tracked")).expect("in the graph");
    let base = b.class(v(0));
    let there = b.graph.older(version(MAX_OLDER_STEPS + 10), 0, base, 4096, 4);
    assert_eq!(there, Some(version(10)));
    assert_eq!(b.graph.older(version(10), 0, base, 4096, 4), Some(version(0)), "the next step goes on");
}

#[test]
fn immediates_there_and_back() {
    use crate::ir::entity::GlobalId;
    use crate::ir::ops::MemArg;
    let m = |n| MemoryId::from_u32(n);
    let cases = [
        (Op::I32Add, Imm::None),
        (Op::I64Load16S, Imm::Mem(MemArg { memory: m(3), offset: 1 << 40, align: 0 })),
        (Op::V128Load8Lane, Imm::MemLane(MemArg { memory: m(1), offset: 7, align: 0 }, 15)),
        (Op::MemorySize, Imm::Memory(m(2))),
        (Op::GlobalGet, Imm::Global(GlobalId::from_u32(70))),
        (Op::I8x16Shuffle, Imm::Shuffle([31, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])),
        (Op::I32x4ExtractLane, Imm::Lane(3)),
    ];
    for (op, imm) in cases {
        let seen = immediates(op, &imm).expect("rules can name it");
        assert_eq!(immediate(op, &seen), Some(imm), "{}", op.name());
    }
    assert_eq!(immediates(Op::Call, &Imm::Func(FuncId::from_u32(0))), None);
    assert_eq!(immediate(Op::I32Load, &[]), None);
    assert_eq!(immediate(Op::I32x4ExtractLane, &[300]), None);
}

const RULES: &str = "
(rule add-zero :phase simplify :verify smt :for (N 32 64) (iN.add ?x (iN.const 0)) => ?x)
(rule add-self :phase expand :verify smt (i32.add ?x ?x) => (i32.shl ?x (i32.const 1)))
(rule small :phase simplify :verify smt :objective size (i32.mul ?x (i32.const 2)) => (i32.shl ?x (i32.const 1)))
(rule narrow :phase simplify :verify smt
  (i32.shr_s (i32.shl ?x (i32.const 24)) (i32.const 24)) => (i32.extend8_s ?x))
";

fn rules(objective: Objective, has: impl Fn(Feature) -> bool, filter: Option<&[&str]>) -> CompiledRules {
    let set = RuleSet::from_texts([("test.rules", RULES)]).expect("rules");
    let all = CompiledRules::new(&set, objective, has);
    match filter {
        Some(names) => all.only(&names.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()),
        None => all,
    }
}

fn names(rules: &CompiledRules) -> Vec<&str> {
    rules.rules.iter().map(|r| r.rule.name.as_str()).collect()
}

#[test]
fn a_run_uses_the_rules_that_it_may() {
    let all = rules(Objective::Size, |_| true, None);
    assert_eq!(names(&all), ["add-zero@32", "add-zero@64", "add-self", "small", "narrow"]);
    let speed = rules(Objective::Speed, |f| f != Feature::sign_extension, None);
    assert_eq!(names(&speed), ["add-zero@32", "add-zero@64", "add-self"]);
    assert_eq!(names(&rules(Objective::Size, |_| true, Some(&["add-zero"]))), ["add-zero@32", "add-zero@64"]);
    assert_eq!(names(&rules(Objective::Size, |_| true, Some(&["add-zero@64", "add"]))), ["add-zero@64"]);
    assert!(names(&rules(Objective::Size, |_| true, Some(&[]))).is_empty());
}

fn run(f: &Function) -> (Built, Saturation) {
    let (_, mut b) = built(f, &two_memories());
    let done = saturate(&mut b.graph, &rules(Objective::Speed, |_| true, None), true, Chaos::OFF);
    (b, done)
}

#[test]
fn saturation_counts_hits_and_records_them() {
    let f = function(
        "(i32, i32)",
        "v2: i32 = i32.const 0\nv3: i32 = i32.add v0, v2\nv4: i32 = i32.add v1, v2\n\
         v5: i32 = i32.add v3, v3\nreturn",
    );
    let (b, done) = run(&f);
    assert_eq!(b.class(v(3)), b.class(v(0)));
    assert_eq!(b.class(v(4)), b.class(v(1)));
    assert_eq!(done.hits, [(0, 2), (2, 1)].into());
    assert_eq!(done.log.len(), 3);
    assert!(done.limits.is_empty(), "{:?}", done.limits);
}

#[test]
fn a_large_function_runs_the_terminating_phases_and_is_counted() {
    let mut f = Function::new(FuncId::from_u32(0), vec![Type::I32, Type::I32], Vec::new());
    let (zero, mut x) = (f.append(f.entry, Op::I32Const, Imm::I32(0), &[], &[Type::I32]), v(0));
    let zero = f.results(zero)[0];
    let first = f.append(f.entry, Op::I32Add, Imm::None, &[x, zero], &[Type::I32]);
    let first = f.results(first)[0];
    let doubled = f.append(f.entry, Op::I32Add, Imm::None, &[v(1), v(1)], &[Type::I32]);
    let doubled = f.results(doubled)[0];
    for _ in 0..=LARGE_GRAPH {
        let i = f.append(f.entry, Op::I32Mul, Imm::None, &[x, v(1)], &[Type::I32]);
        x = f.results(i)[0];
    }
    f.blocks[f.entry].term = Some(Terminator::Unreachable);
    let (b, done) = run(&f);
    assert_eq!(done.limits.get("egraph-large-function"), Some(&1));
    assert_eq!(b.class(first), b.class(v(0)), "simplification runs");
    assert_eq!(done.hits.get(&2), None, "expansion does not");
    assert!(b.graph[b.class(doubled)].nodes.iter().all(|n| n.op() == Some(Op::I32Add)));
    assert_eq!(f.layout, [Block::from_u32(0)]);
}
