//! What a node costs by itself, for each objective.

use crate::chaos::Chaos;
use crate::egraph::build::{Built, immediates};
use crate::egraph::facts::Graph;
use crate::egraph::node::{Head, Node};
use crate::interp::Const;
use crate::ir::entity::Inst;
use crate::ir::function::Function;
use crate::ir::ops::{Feature, Imm, ImmKind, Kind, Op};
use crate::ir::types::Type;
use crate::options::Objective;
use egg::Id;
use hashbrown::HashSet;

/// Cost of reading a local.
pub const LOCAL_GET: u64 = 2;

/// Length of a number as signed LEB128, in bytes.
pub fn sleb_len(value: i64) -> u64 {
    let significant = 65 - if value < 0 { (!value).leading_zeros() } else { value.leading_zeros() };
    u64::from(significant.div_ceil(7))
}

/// Length of a number as unsigned LEB128, in bytes.
pub fn uleb_len(value: u64) -> u64 {
    u64::from((64 - value.leading_zeros()).max(1).div_ceil(7))
}

/// Bytes of the instruction that makes a constant.
pub fn const_bytes(c: Const) -> u64 {
    match c {
        Const::I32(v) => 1 + sleb_len(i64::from(v as i32)),
        Const::I64(v) => 1 + sleb_len(v as i64),
        Const::F32(_) => 5,
        Const::F64(_) => 9,
        Const::V128(_) => 18,
    }
}

/// Bytes of an operator with its immediate; `imm` gives the n-th immediate as rules see it.
fn op_bytes(op: Op, imm: impl Fn(usize) -> u64) -> u64 {
    let prefix = match op.info().feature {
        Feature::simd | Feature::relaxed_simd => 2,
        Feature::saturating_float_to_int | Feature::bulk_memory | Feature::threads | Feature::gc => 2,
        Feature::wide_arithmetic => 2,
        _ => 1,
    };
    let immediate = match op.info().imm {
        ImmKind::None => 0,
        ImmKind::Mem => 1 + uleb_len(imm(1)) + u64::from(imm(0) != 0),
        ImmKind::MemLane => 2 + uleb_len(imm(1)) + u64::from(imm(0) != 0),
        ImmKind::Shuffle => 16,
        ImmKind::Global | ImmKind::Memory | ImmKind::Lane => uleb_len(imm(0)),
        _ => 2,
    };
    prefix + immediate
}

/// Rough latency of an operator in quarters of a cycle, on the machines of today.
fn latency(op: Op) -> u64 {
    match op {
        Op::I32Mul | Op::I64Mul => return 12,
        Op::I32DivS | Op::I32DivU | Op::I32RemS | Op::I32RemU => return 80,
        Op::I64DivS | Op::I64DivU | Op::I64RemS | Op::I64RemU => return 100,
        Op::F32Div | Op::F64Div | Op::F32Sqrt | Op::F64Sqrt => return 60,
        Op::Select => return 6,
        _ => {}
    }
    let float = matches!(op.info().signature, crate::ir::ops::Signature::Fixed { params, .. }
        if params.iter().any(|p| matches!(p, crate::ir::ops::SigType::Is(Type::F32 | Type::F64))));
    match op.kind() {
        Kind::Load => 16,
        Kind::GlobalGet | Kind::MemorySize => 8,
        _ if float => 12,
        _ => 4,
    }
}

/// The prices by which nodes are chosen: their costs, or any others under chaos.
pub struct Prices<'a> {
    f: &'a Function,
    built: &'a Built,
    objective: Objective,
    chaos: Chaos,
    /// Nodes of the input, which chaos makes dear, so that what the rules added gets used. Empty without it.
    original: HashSet<Node>,
}

impl<'a> Prices<'a> {
    /// The prices for one function.
    pub fn new(f: &'a Function, built: &'a Built, objective: Objective, chaos: Chaos) -> Self {
        let original = match chaos.flip("prefer what rules added", (), false) {
            true => original(f, built),
            false => HashSet::new(),
        };
        Prices { f, built, objective, chaos, original }
    }

    /// Price of a node without its children.
    pub fn node(&self, node: &Node) -> u64 {
        let price = self.chaos.price("price", node, own_cost(&self.built.graph, node, self.objective));
        if self.original.contains(node) { price + ORIGINAL } else { price }
    }

    /// Price of doing an instruction where it stands, without its operands.
    pub fn inst(&self, inst: Inst) -> u64 {
        let data = &self.f.insts[inst];
        self.chaos.price("price of a read", inst, inst_cost(data.op, &data.imm, self.objective))
    }
}

/// What a node of the input costs more under chaos.
const ORIGINAL: u64 = 1_000;

/// The nodes that the pure instructions of the function are.
fn original(f: &Function, built: &Built) -> HashSet<Node> {
    let graph = &built.graph;
    let node = |inst: Inst| {
        let data = &f.insts[inst];
        let imms = immediates(data.op, &data.imm).filter(|_| data.op.is_pure())?;
        let mut children = imms
            .iter()
            .map(|&i| graph.lookup(Node::leaf(Head::Imm(i))))
            .collect::<Option<smallvec::SmallVec<[Id; 4]>>>()?;
        children.extend(f.args(inst).iter().map(|&a| built.class(a)));
        Some(Node { head: Head::Op(data.op), children })
    };
    f.layout.iter().flat_map(|&b| &f.blocks[b].insts).filter_map(|&i| node(i)).collect()
}

/// Cost of a node without its children.
pub fn own_cost(graph: &Graph, node: &Node, objective: Objective) -> u64 {
    let (bytes, time) = match node.head {
        Head::Const(c) => (const_bytes(c), 1),
        Head::Leaf(_) => (LOCAL_GET, 0),
        Head::Imm(_) | Head::Version(_) => return 0,
        Head::Opaque(op, _) => (2, latency(op)),
        Head::Op(op) => {
            let imm = |i: usize| {
                node.children.get(i).and_then(|&c: &Id| graph[graph.find(c)].data.imm).unwrap_or(0)
            };
            (op_bytes(op, imm), latency(op))
        }
    };
    weigh(bytes, time, objective)
}

/// Cost of an instruction without its operands.
pub fn inst_cost(op: Op, imm: &Imm, objective: Objective) -> u64 {
    let imms = immediates(op, imm).unwrap_or_default();
    weigh(op_bytes(op, |i| imms.get(i).copied().unwrap_or(0)), latency(op), objective)
}

fn weigh(bytes: u64, time: u64, objective: Objective) -> u64 {
    match objective {
        Objective::Size => bytes,
        Objective::Speed => time * 2 + bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_encoder() {
        use wasm_encoder::Encode;
        for shift in 0..64 {
            for delta in [-1i64, 0, 1] {
                let v = (1i64 << shift).wrapping_add(delta);
                for v in [v, v.wrapping_neg()] {
                    let mut bytes = Vec::new();
                    v.encode(&mut bytes);
                    assert_eq!(sleb_len(v), bytes.len() as u64, "{v}");
                    bytes.clear();
                    (v as u64).encode(&mut bytes);
                    assert_eq!(uleb_len(v as u64), bytes.len() as u64, "{v}");
                }
            }
        }
    }
}
