//! What is known of an e-class: type, constant, bits known to be zero, distance from another class. These are the e-graph's
//! analysis and answer the questions of rules ([`crate::rules::Facts`]).

use super::node::{Head, Node};
use crate::analysis::bits::{self, width_mask};
use crate::interp::{self, Const, Outcome};
use crate::ir::entity::Value;
use crate::ir::function::Function;
use crate::ir::ops::{Imm, ImmKind, Kind, Op, SigType, Signature};
use crate::ir::types::Type;
use crate::rules::{Facts, Length, shape};
use egg::{Analysis, DidMerge, EGraph, Id};

/// An e-graph of one function.
pub type Graph = EGraph<Node, Known>;

/// Most effects that `older` steps back over for one load.
pub const MAX_OLDER_STEPS: usize = 64;

/// The analysis. Holds the types of leaves, and a record of which classes changed.
#[derive(Clone, Debug, Default)]
pub struct Known {
    leaf_types: Vec<Option<Type>>,
    /// Classes in the order in which they were made, merged or learned about.
    pub touched: Vec<Id>,
    /// Keep the nodes of classes that are constants.
    pub keep_folded: bool,
}

impl Known {
    /// The analysis for the leaves of `f`.
    pub fn new(f: &Function) -> Known {
        let leaf_types = f.values.values().map(|v| Some(v.ty)).collect();
        Known { leaf_types, touched: Vec::new(), keep_folded: false }
    }

    fn leaf_type(&self, v: Value) -> Option<Type> {
        self.leaf_types.get(v.as_u32() as usize).copied().flatten()
    }
}

/// What is known of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Type of a value; `None` for versions and immediates, or when not known yet.
    pub ty: Option<Type>,
    /// The constant it always is.
    pub constant: Option<Const>,
    /// The immediate it is.
    pub imm: Option<u64>,
    /// Bits of an integer that are known to be 0.
    pub zeros: u64,
    /// Known not to be 0.
    pub nonzero: bool,
    /// A float that is not a signalling NaN.
    pub quiet: bool,
    /// The class is another one plus a constant, wrapping.
    pub base: Option<(Id, u64)>,
}

impl Analysis<Node> for Known {
    type Data = Fact;

    fn make(egraph: &mut Graph, node: &Node, _: Id) -> Fact {
        let mut fact =
            Fact { ty: None, constant: None, imm: None, zeros: 0, nonzero: false, quiet: false, base: None };
        match node.head {
            Head::Const(c) => fact.constant = Some(c),
            Head::Imm(i) => fact.imm = Some(i),
            Head::Leaf(v) => fact.ty = egraph.analysis.leaf_type(v),
            Head::Version(_) | Head::Opaque(..) => {}
            Head::Op(op) => {
                let data = |i: usize| node.children.get(i).map(|&c| &egraph[c].data);
                fact.constant = fold(egraph, op, node);
                fact.ty = match op.info().signature {
                    Signature::Fixed { results: [SigType::Is(t)], .. } => Some(*t),
                    _ if op == Op::Select => data(0).and_then(|d| d.ty).or(data(1).and_then(|d| d.ty)),
                    _ => None,
                };
                fact.zeros = zeros(egraph, op, node);
                fact.nonzero = match op {
                    Op::I32Or | Op::I64Or => {
                        data(0).is_some_and(|d| d.nonzero) || data(1).is_some_and(|d| d.nonzero)
                    }
                    Op::I64ExtendI32U | Op::I64ExtendI32S => data(0).is_some_and(|d| d.nonzero),
                    Op::Select => data(0).is_some_and(|d| d.nonzero) && data(1).is_some_and(|d| d.nonzero),
                    _ => false,
                };
                fact.quiet = is_arithmetic(op);
                if matches!(op, Op::I32Add | Op::I64Add)
                    && let Some(c) = data(1).and_then(|d| d.constant).and_then(Const::as_int)
                {
                    let (root, k) = base_of(egraph, node.children[0]);
                    fact.base = Some((root, k.wrapping_add(c) & width_mask(fact.ty)));
                }
            }
        }
        if let Some(c) = fact.constant {
            fact.ty = Some(c.ty());
            if let Some(i) = c.as_int() {
                fact.zeros = !i;
                fact.nonzero = i != 0;
            }
        }
        fact.zeros &= width_mask(fact.ty);
        fact
    }

    fn merge(&mut self, a: &mut Fact, b: Fact) -> DidMerge {
        let before = a.clone();
        a.ty = a.ty.or(b.ty);
        a.constant = a.constant.or(b.constant);
        a.imm = a.imm.or(b.imm);
        a.zeros |= b.zeros;
        a.nonzero |= b.nonzero;
        a.quiet |= b.quiet;
        a.base = a.base.or(b.base);
        DidMerge(*a != before, *a != b)
    }

    fn modify(egraph: &mut Graph, id: Id) {
        egraph.analysis.touched.push(id);
        if let Some(c) = egraph[id].data.constant {
            let constant = egraph.add(Node::leaf(Head::Const(c)));
            unite(egraph, id, constant, FOLDED);
            // Nothing is cheaper than the constant, and what is equal to it only makes rules match more.
            if !egraph.analysis.keep_folded {
                egraph[id].nodes.retain(|n| matches!(n.head, Head::Const(_) | Head::Leaf(_)));
            }
        }
    }
}

/// Why a class is a constant, in explanations.
const FOLDED: &str = "folded";

/// Makes two classes one. Where the graph explains itself, `reason` is why.
pub fn unite(graph: &mut Graph, a: Id, b: Id, reason: &str) -> bool {
    match graph.are_explanations_enabled() {
        true => graph.union_trusted(a, b, reason),
        false => graph.union(a, b),
    }
}

/// Adds a node. Where the graph explains itself, the answer stands for exactly this node; elsewhere for its class.
pub fn put(graph: &mut Graph, node: Node) -> Id {
    match graph.are_explanations_enabled() {
        true => graph.add_uncanonical(node),
        false => graph.add(node),
    }
}

/// Folds an operator without immediates whose operands are constants.
fn fold(egraph: &Graph, op: Op, node: &Node) -> Option<Const> {
    if op.info().imm != ImmKind::None || !matches!(op.kind(), Kind::Pure | Kind::Trap) {
        return None;
    }
    let mut args: smallvec::SmallVec<[Const; 3]> = smallvec::SmallVec::new();
    for &c in &node.children {
        args.push(egraph[c].data.constant?);
    }
    match interp::eval(op, &Imm::None, &args) {
        Outcome::Value(c) => Some(c),
        Outcome::Trap | Outcome::Unknown => None,
    }
}

/// Bits that are zero in the result of an integer operator.
fn zeros(egraph: &Graph, op: Op, node: &Node) -> u64 {
    let z = |i: usize| node.children.get(i).map_or(0, |&c| egraph[c].data.zeros);
    let k = |i: usize| node.children.get(i).and_then(|&c| egraph[c].data.constant).and_then(Const::as_int);
    bits::zeros(op, z, k)
}

/// Whether a float result is the result of arithmetic, so that a NaN among its results is a quiet one
/// (specification, section 4.3.3, NaN propagation).
pub(crate) fn is_arithmetic(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        F32Add
            | F32Sub
            | F32Mul
            | F32Div
            | F32Min
            | F32Max
            | F32Sqrt
            | F32Ceil
            | F32Floor
            | F32Trunc
            | F32Nearest
            | F64Add
            | F64Sub
            | F64Mul
            | F64Div
            | F64Min
            | F64Max
            | F64Sqrt
            | F64Ceil
            | F64Floor
            | F64Trunc
            | F64Nearest
            | F32DemoteF64
            | F64PromoteF32
            | F32ConvertI32S
            | F32ConvertI32U
            | F32ConvertI64S
            | F32ConvertI64U
            | F64ConvertI32S
            | F64ConvertI32U
            | F64ConvertI64S
            | F64ConvertI64U
    )
}

/// The class and constant whose sum `id` is.
pub fn base_of(egraph: &Graph, id: Id) -> (Id, u64) {
    let id = egraph.find(id);
    let (mut root, mut sum) = (id, 0u64);
    // Bases were resolved when they were made; later merges can lengthen the chain a little, or close a ring.
    for _ in 0..8 {
        match egraph[root].data.base {
            Some((next, k)) if egraph.find(next) != root => {
                root = egraph.find(next);
                sum = sum.wrapping_add(k);
            }
            _ => break,
        }
    }
    (root, sum & width_mask(egraph[id].data.ty))
}

/// The possible values of `(a + o) - (b + p)` as exact integers, when `a` and `b` differ by a constant modulo the address
/// width: addresses wrap, effective addresses do not, so there may be two.
fn differences(egraph: &Graph, a: Id, o: u64, b: Id, p: u64) -> Option<[i128; 2]> {
    let width = match egraph[egraph.find(a)].data.ty.or(egraph[egraph.find(b)].data.ty)? {
        Type::I32 => 1i128 << 32,
        Type::I64 => 1i128 << 64,
        _ => return None,
    };
    let constant = |id: Id| egraph[egraph.find(id)].data.constant.and_then(Const::as_int);
    let shift = i128::from(o) - i128::from(p);
    if let (Some(x), Some(y)) = (constant(a), constant(b)) {
        let d = i128::from(x) - i128::from(y) + shift;
        return Some([d, d]);
    }
    let ((ra, ka), (rb, kb)) = (base_of(egraph, a), base_of(egraph, b));
    if ra != rb {
        return None;
    }
    let d = (i128::from(ka) - i128::from(kb)).rem_euclid(width);
    Some(if d == 0 { [shift, shift] } else { [d + shift, d - width + shift] })
}

impl Facts for Graph {
    type Class = Id;

    fn constant(&self, class: Id) -> Option<Const> {
        self[self.find(class)].data.constant
    }

    fn zero_bits(&self, value: Id, mask: u64) -> bool {
        let fact = &self[self.find(value)].data;
        width_mask(fact.ty) != 0 && mask & width_mask(fact.ty) & !fact.zeros == 0
    }

    fn nonzero(&self, value: Id) -> bool {
        self[self.find(value)].data.nonzero
    }

    fn nonneg(&self, value: Id) -> bool {
        let fact = &self[self.find(value)].data;
        match fact.ty {
            Some(Type::I32) => fact.zeros >> 31 & 1 == 1,
            Some(Type::I64) => fact.zeros >> 63 & 1 == 1,
            _ => false,
        }
    }

    fn quiet(&self, value: Id) -> bool {
        self[self.find(value)].data.quiet
    }

    fn no_wrap_add(&self, value: Id, addend: u64) -> bool {
        let fact = &self[self.find(value)].data;
        let mask = width_mask(fact.ty);
        mask != 0 && (mask & !fact.zeros).checked_add(addend).is_some_and(|sum| sum <= mask)
    }

    fn distance(&self, a: Id, o: u64, b: Id, p: u64) -> Option<i64> {
        match differences(self, a, o, b, p)? {
            [x, y] if x == y => i64::try_from(x).ok(),
            _ => None,
        }
    }

    fn disjoint(&self, a: Id, o: u64, n: u64, b: Id, p: u64, k: Length<Id>) -> bool {
        let Length::Bytes(k) = k else { return false };
        if n == 0 || k == 0 {
            return true;
        }
        differences(self, a, o, b, p)
            .is_some_and(|ds| ds.iter().all(|&d| d >= i128::from(k) || d <= -i128::from(n)))
    }

    /// `[to, to+len)` must be known to be in bounds, as it is after a copy or fill that did not trap: then an address
    /// in it is reached from `to` without wrapping.
    fn within(&self, a: Id, o: u64, n: u64, to: Id, len: Length<Id>) -> bool {
        let Length::Bytes(len) = len else { return false };
        n > 0
            && differences(self, a, o, to, 0)
                .is_some_and(|[d, _]| d >= 0 && d + i128::from(n) <= i128::from(len))
    }

    fn inside(&self, a: Id, o: u64, n: u64, to: Id, len: Length<Id>) -> Option<i64> {
        if !self.within(a, o, n, to, len) {
            return None;
        }
        differences(self, a, o, to, 0).and_then(|[d, _]| i64::try_from(d).ok())
    }

    fn unchanged(&self, older: Id, newer: Id, memory: u64, a: Id, o: u64, n: u64) -> bool {
        let (older, newer) = (self.find(older), self.find(newer));
        older == newer || self.older(newer, memory, a, o, n) == Some(older)
    }

    fn older(&self, version: Id, memory: u64, a: Id, o: u64, n: u64) -> Option<Id> {
        let start = self.find(version);
        let mut at = start;
        for _ in 0..MAX_OLDER_STEPS {
            let step = self[at].nodes.iter().find_map(|node| {
                let op = node.op()?;
                let imm = |i: usize| self[self.find(node.children[i])].data.imm;
                let length = |i: usize| match self[self.find(node.children[i])]
                    .data
                    .constant
                    .and_then(Const::as_int)
                {
                    Some(bytes) => Length::Bytes(bytes),
                    None => Length::Value(node.children[i]),
                };
                if imm(0)? != memory {
                    return None;
                }
                let c = &node.children;
                match op.kind() {
                    Kind::Store => {
                        // Immediates, address, value, version: lanes add one immediate.
                        let first = shape(op)?.imms.len();
                        let width = u64::from(op.info().width);
                        self.disjoint(a, o, n, c[first], imm(1)?, Length::Bytes(width)).then(|| c[first + 2])
                    }
                    Kind::MemoryFill => self.disjoint(a, o, n, c[1], 0, length(3)).then(|| c[4]),
                    Kind::MemoryCopy => self.disjoint(a, o, n, c[2], 0, length(4)).then(|| c[5]),
                    _ => None,
                }
            });
            match step {
                Some(next) => at = self.find(next),
                None => break,
            }
        }
        (at != start).then_some(at)
    }
}
