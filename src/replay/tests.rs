use super::closure::Closure;
use super::rules::derive;
use crate::egraph::node::{Head, Node};
use crate::interp::Const;
use crate::ir::entity::FuncId;
use crate::ir::function::Function;
use crate::ir::ops::Op;
use crate::ir::types::Type;
use crate::rules::{Facts, Length, RuleSet};
use egg::Id;

const SPACE: u64 = 1 << 32;

/// A closure whose leaves are two integers, with them.
fn leaves() -> (Closure, Id, Id) {
    let f = Function::new(FuncId::from_u32(0), vec![Type::I32, Type::I32], Vec::new());
    let mut c = Closure::new(&f, 1_000);
    let ids: Vec<Id> = f.block_params(f.entry).iter().map(|&v| c.add(Node::leaf(Head::Leaf(v)))).collect();
    (c, ids[0], ids[1])
}

fn constant(c: &mut Closure, value: u64) -> Id {
    c.add(Node::leaf(Head::Const(Const::I32(value as u32))))
}

fn op(c: &mut Closure, op: Op, args: &[Id]) -> Id {
    c.add(Node::new(Head::Op(op), args.iter().copied()))
}

fn plus(c: &mut Closure, base: Id, k: u64) -> Id {
    let k = constant(c, k);
    op(c, Op::I32Add, &[base, k])
}

#[test]
fn what_follows_is_equal_and_nothing_else() {
    let (mut c, x, y) = leaves();
    let (a, b) = (op(&mut c, Op::I32Clz, &[x]), op(&mut c, Op::I32Clz, &[y]));
    let (aa, bb) = (op(&mut c, Op::I32Sub, &[a, x]), op(&mut c, Op::I32Sub, &[b, y]));
    let exchanged = op(&mut c, Op::I32Sub, &[x, a]);
    assert_eq!(op(&mut c, Op::I32Mul, &[x, y]), op(&mut c, Op::I32Mul, &[y, x]), "multiplication commutes");
    assert_ne!(c.find(aa), c.find(bb));
    c.unite(x, y);
    assert_eq!(c.find(aa), c.find(bb), "equal operands");
    assert_ne!(c.find(aa), c.find(exchanged), "subtraction does not commute");
    assert_ne!(c.find(a), c.find(x));
}

#[test]
fn constants_are_computed_when_they_become_known() {
    let (mut c, x, y) = leaves();
    let sum = op(&mut c, Op::I32Add, &[x, y]);
    let quotient = op(&mut c, Op::I32DivU, &[x, y]);
    let three = constant(&mut c, 3);
    c.unite(x, three);
    assert_eq!(Facts::constant(&c, sum), None);
    let zero = constant(&mut c, 0);
    c.unite(y, zero);
    assert_eq!(c.find(sum), c.find(three), "3 + 0");
    assert_eq!(Facts::constant(&c, quotient), None, "a trap has no value");
    c.unite(three, zero);
    assert_eq!(c.failed(), Some("two constants would be one"));
}

#[test]
fn distances_are_exact_only_where_nothing_can_wrap() {
    let (mut c, x, y) = leaves();
    let next = plus(&mut c, x, 4);
    assert_eq!(c.distance(x, 12, x, 8), Some(4));
    assert_eq!(c.distance(next, 0, x, 4), None, "x + 4 may wrap, x with offset 4 does not");
    assert_eq!(c.distance(y, 0, x, 0), None);
    assert!(c.disjoint(next, 0, 4, x, 0, Length::Bytes(4)), "whether it wraps or not");
    assert!(!c.disjoint(next, 0, 4, x, 0, Length::Bytes(5)));
    assert!(!c.disjoint(next, 0, 4, x, 4, Length::Bytes(4)), "where it does not wrap they are the same");
    assert!(c.within(next, 0, 4, x, Length::Bytes(8)) && !c.within(next, 0, 5, x, Length::Bytes(8)));
    assert_eq!(c.inside(next, 1, 1, x, Length::Bytes(8)), Some(5));
    let before = plus(&mut c, x, SPACE - 4);
    assert!(!c.within(before, 0, 4, x, Length::Bytes(8)), "4 bytes in front");
    assert!(!c.disjoint(before, 0, 4, x, SPACE - 4, Length::Bytes(4)), "where it does not wrap, again");
    assert!(
        c.disjoint(before, 0, 4, x, 0, Length::Bytes(8)) && !c.disjoint(before, 0, 5, x, 0, Length::Bytes(8))
    );
}

#[test]
fn known_bits_answer_conditions() {
    let (mut c, x, y) = leaves();
    let mask = constant(&mut c, 0x7f);
    let low = op(&mut c, Op::I32And, &[x, mask]);
    assert!(c.zero_bits(low, 0xff80) && !c.zero_bits(low, 0x40));
    assert!(c.nonneg(low) && !c.nonneg(x));
    assert!(c.no_wrap_add(low, SPACE - 0x80) && !c.no_wrap_add(low, SPACE - 0x7f));
    assert!(!c.nonzero(low));
    let one = constant(&mut c, 1);
    let odd = op(&mut c, Op::I32Or, &[y, one]);
    assert!(c.nonzero(odd));
}

/// Applies a rule with its variables standing for these classes.
fn apply(c: &mut Closure, rule: &str, bound: &[Id]) -> bool {
    let set = RuleSet::from_texts([("t.rules", rule)]).unwrap_or_else(|e| panic!("{rule}: {e}"));
    let bound: Vec<Option<Id>> = bound.iter().copied().map(Some).collect();
    derive(c, &set.rules[0], &bound)
}

#[test]
fn a_rule_needs_its_left_side_and_its_conditions() {
    let rule = "(rule r :phase simplify :verify sample (i32.rem_u ?x (i32.const ?c)) => (i32.and ?x (i32.const (isub ?c 1)))
        :when (is_pow2 ?c))";
    let (mut c, x, y) = leaves();
    let (eight, nine) = (constant(&mut c, 8), constant(&mut c, 9));
    assert!(!apply(&mut c, rule, &[x, eight]), "no such left side");
    let (good, bad) = (op(&mut c, Op::I32RemU, &[x, eight]), op(&mut c, Op::I32RemU, &[x, nine]));
    let open = op(&mut c, Op::I32RemU, &[x, y]);
    assert!(!apply(&mut c, rule, &[x, nine]), "the condition does not hold");
    assert!(!apply(&mut c, rule, &[x, y]), "no constant");
    assert!(apply(&mut c, rule, &[x, eight]));
    let seven = constant(&mut c, 7);
    let expected = op(&mut c, Op::I32And, &[x, seven]);
    assert_eq!(c.find(good), c.find(expected));
    for other in [bad, open] {
        assert_ne!(c.find(other), c.find(expected));
    }
}

#[test]
fn a_rule_holds_for_its_types_only() {
    let rule = "(rule r :phase simplify :verify sample (i32.wrap_i64 (i64.extend_i32_u ?x)) => ?x)";
    let (mut c, x, _) = leaves();
    let wide = op(&mut c, Op::I64ExtendI32U, &[x]);
    let narrow = op(&mut c, Op::I32WrapI64, &[wide]);
    assert!(!apply(&mut c, rule, &[wide]), "of another type");
    assert!(apply(&mut c, rule, &[x]));
    assert_eq!(c.find(narrow), c.find(x));
}
