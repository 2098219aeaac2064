//! What a node costs by itself.

use crate::chaos::Chaos;
use crate::cost::CostTable;
use crate::egraph::build::{Built, immediates};
use crate::egraph::facts::Graph;
use crate::egraph::node::{Head, Node};
use crate::interp::Const;
use crate::ir::entity::Inst;
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Kind, Op};
use egg::Id;
use hashbrown::HashSet;

/// The prices by which nodes are chosen: their costs, or any others under chaos.
pub struct Prices<'a> {
    f: &'a Function,
    built: &'a Built,
    costs: &'a CostTable,
    chaos: Chaos,
    /// Nodes of the input, which chaos makes dear, so that what the rules added gets used. Empty without it.
    original: HashSet<Node>,
}

impl<'a> Prices<'a> {
    /// The prices for one function.
    pub fn new(f: &'a Function, built: &'a Built, costs: &'a CostTable, chaos: Chaos) -> Self {
        let original = match chaos.flip("prefer what rules added", (), false) {
            true => original(f, built),
            false => HashSet::new(),
        };
        Prices { f, built, costs, chaos, original }
    }

    /// Price of a node without its children.
    pub fn node(&self, node: &Node) -> u64 {
        let price = self.chaos.price("price", node, own_cost(&self.built.graph, node, self.costs));
        if self.original.contains(node) { price + ORIGINAL } else { price }
    }

    /// Price of doing an instruction where it stands, without its operands.
    pub fn inst(&self, inst: Inst) -> u64 {
        let data = &self.f.insts[inst];
        let args = self.f.args(inst);
        let by_constant = data.op.kind() == Kind::Trap
            && args.len() == 2
            && is_divisor(&self.built.graph, self.built.class(args[1]));
        let cost = match by_constant {
            true => self.costs.division_by_constant(data.op),
            false => inst_cost(data.op, &data.imm, self.costs),
        };
        self.chaos.price("price of a read", inst, cost)
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
pub fn own_cost(graph: &Graph, node: &Node, costs: &CostTable) -> u64 {
    match node.head {
        Head::Const(c) => costs.constant(c),
        Head::Leaf(_) => costs.local(),
        Head::Imm(_) | Head::Version(_) => 0,
        Head::Opaque(op, _) => costs.opaque(op),
        Head::Op(op) if op.kind() == Kind::Trap && divides_by_constant(graph, node) => {
            costs.division_by_constant(op)
        }
        Head::Op(op) => costs
            .op(op, |i| node.children.get(i).and_then(|&c: &Id| graph[graph.find(c)].data.imm).unwrap_or(0)),
    }
}

/// Whether an operator that may trap is a division (the others take one operand) by a constant.
fn divides_by_constant(graph: &Graph, node: &Node) -> bool {
    node.children.len() == 2 && is_divisor(graph, node.children[1])
}

/// Whether a class is a constant other than 0.
fn is_divisor(graph: &Graph, class: Id) -> bool {
    graph[graph.find(class)].data.constant.is_some_and(|c| c.bits() != 0)
}

/// Cost of an instruction without its operands.
pub fn inst_cost(op: Op, imm: &Imm, costs: &CostTable) -> u64 {
    let imms = immediates(op, imm).unwrap_or_default();
    costs.op(op, |i| imms.get(i).copied().unwrap_or(0))
}

/// Prices of all instructions of a function, each counted once, whatever loops they stand in.
pub fn function(f: &Function, costs: &CostTable) -> u64 {
    let price = |inst: Inst| {
        let data = &f.insts[inst];
        match Const::from_imm(&data.imm) {
            Some(c) => costs.constant(c),
            None if data.op.kind() == Kind::Trap && divisor(f, inst) => costs.division_by_constant(data.op),
            None => inst_cost(data.op, &data.imm, costs),
        }
    };
    f.layout.iter().flat_map(|&b| &f.blocks[b].insts).map(|&i| price(i)).sum()
}

/// Whether the second operand of an instruction is a constant other than 0.
fn divisor(f: &Function, inst: Inst) -> bool {
    let constant = |v| Const::from_imm(&f.insts[f.def_inst(v)?].imm);
    f.args(inst).get(1).and_then(|&v| constant(v)).is_some_and(|c| c.bits() != 0)
}
