//! The choice of a node for each class, and what of the program the choices need.

use super::cost::Prices;
use crate::chaos::Chaos;
use crate::cost::CostTable;
use crate::egraph::bounds::division_cannot_trap;
use crate::egraph::build::Built;
use crate::egraph::facts::Graph;
use crate::egraph::node::{Head, Node};
use crate::interp::Const;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Edge, Function, Terminator, ValueDef};
use crate::ir::ops::{Kind, Op};
use crate::rules::shape;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use egg::Id;
use hashbrown::{HashMap, HashSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Cost of what cannot be had.
const INFINITE: u64 = u64::MAX / 4;

/// How often costs are computed anew with the sharing that the last choice gave.
const ROUNDS: usize = 2;

/// What the choice knows about instructions.
pub struct Choice<'a> {
    f: &'a Function,
    built: &'a Built,
    prices: Prices<'a>,
    /// Price of reading a local.
    local: u64,
    /// Price of another use of what is computed anyway, where the costs tell it apart.
    reuse: Option<u64>,
    chaos: Chaos,
    /// Instructions that read or may trap, but are known not to: they are executed only if their value is needed.
    removable: &'a SecondaryMap<Inst, bool>,
    /// Block parameters that are kept whatever is chosen.
    forced: &'a [Value],
    /// Edges into each block that has parameters.
    incoming: SecondaryMap<Block, Vec<Edge>>,
    /// Cost of having a class's value, by class.
    cost: HashMap<Id, u64>,
    /// The chosen node of each class.
    best: HashMap<Id, Node>,
    /// Classes that are computed whatever is chosen: something with an effect, or the end of the block, takes their value in
    /// the block in which the input computes it. Empty where the costs do not tell them apart.
    anchored: HashSet<Id>,
    /// How often each needed class is asked for.
    demand: HashMap<Id, u32>,
    /// Block parameters that are needed.
    params: HashSet<Value>,
}

impl<'a> Choice<'a> {
    /// Chooses for all classes, then once more knowing what is asked for more than once.
    pub fn compute(
        f: &'a Function,
        built: &'a Built,
        costs: &'a CostTable,
        removable: &'a SecondaryMap<Inst, bool>,
        forced: &'a [Value],
        chaos: Chaos,
    ) -> Self {
        let mut incoming: SecondaryMap<Block, Vec<Edge>> = SecondaryMap::new();
        for &b in &f.layout {
            for e in f.term(b).edges().filter(|e| !e.args.is_empty()) {
                incoming[e.block].push(e.clone());
            }
        }
        let mut choice = Choice {
            f,
            built,
            prices: Prices::new(f, built, costs, chaos),
            local: costs.local(),
            reuse: costs.reuse(),
            chaos,
            removable,
            forced,
            incoming,
            cost: HashMap::new(),
            best: HashMap::new(),
            anchored: HashSet::new(),
            demand: HashMap::new(),
            params: HashSet::new(),
        };
        choice.demand_of_input();
        if choice.reuse.is_some() {
            choice.anchor();
        }
        for _ in 0..ROUNDS {
            choice.decide();
            choice.mark();
        }
        choice
    }

    /// Whether some place needs a class's value.
    pub fn is_needed(&self, class: Id) -> bool {
        self.demand.contains_key(&class)
    }

    /// Whether a block parameter is needed.
    pub fn is_param_needed(&self, param: Value) -> bool {
        self.params.contains(&param)
    }

    /// Cost of the chosen node with all below it.
    pub fn cost(&self, class: Id) -> u64 {
        self.cost.get(&class).copied().unwrap_or(INFINITE)
    }

    /// The constant to be made where a class is needed: what it is known to be, unless (under chaos) something else was
    /// chosen to compute it.
    pub fn constant(&self, class: Id) -> Option<Const> {
        let constant = self.built.graph[class].data.constant?;
        let computed =
            self.chaos.is_on() && self.best.get(&class).is_some_and(|n| !matches!(n.head, Head::Const(_)));
        (!computed).then_some(constant)
    }

    /// The nodes of a class that a program may contain, with their costs, the chosen one first (at no cost), then by cost.
    /// Leaves are left out: a class may have as many as the function has instructions.
    pub fn candidates(&self, class: Id) -> Vec<(u64, Node)> {
        let best = self.best.get(&class);
        let mut list: Vec<(u64, Node)> = self.built.graph[class]
            .nodes
            .iter()
            .filter(|n| !matches!(n.head, Head::Leaf(_)))
            .map(|n| (if Some(n) == best { 0 } else { self.node_cost(n) }, n.clone()))
            .filter(|(c, _)| *c < INFINITE)
            .collect();
        list.sort();
        list
    }

    /// Whether the chosen node is a leaf.
    pub fn is_leaf(&self, class: Id) -> bool {
        self.best.get(&class).is_some_and(|n| matches!(n.head, Head::Leaf(_)))
    }

    /// The cost of a leaf among the candidates of its class; nothing if the chosen node is a leaf.
    pub fn leaf_cost(&self, class: Id, leaf: &Node) -> u64 {
        if self.is_leaf(class) { 0 } else { self.node_cost(leaf) }
    }

    /// A test on this class may as well be one on another class, negated or not: the conditions of branches need no
    /// normalised truth values.
    pub fn condition(&self, class: Id) -> (Id, bool) {
        let graph = &self.built.graph;
        let (mut at, mut negated) = (class, false);
        for _ in 0..4 {
            let is_zero = |id: Id| graph[graph.find(id)].data.constant.is_some_and(|c| c.bits() == 0);
            let next = graph[at].nodes.iter().find_map(|n| match n.op()? {
                Op::I32Eqz => Some((graph.find(n.children[0]), true)),
                Op::I32Eq if is_zero(n.children[1]) => Some((graph.find(n.children[0]), true)),
                Op::I32Ne if is_zero(n.children[1]) => Some((graph.find(n.children[0]), false)),
                _ => None,
            });
            match next {
                Some((inner, flips))
                    if inner != at
                        && self.chaos.flip(
                            "test what is compared with zero",
                            at,
                            self.use_cost(inner) < self.use_cost(at),
                        ) =>
                {
                    at = inner;
                    negated ^= flips;
                }
                _ => break,
            }
        }
        (at, negated)
    }

    /// Cost of one use of a class: what is asked for more than once is computed once and read from a local.
    fn use_cost(&self, class: Id) -> u64 {
        let cost = self.cost(class);
        if let Some(reuse) = self.reuse
            && cost < INFINITE
            && self.anchored.contains(&class)
        {
            return cost.min(reuse);
        }
        match self.demand.get(&class) {
            Some(&n) if n >= 2 && cost < INFINITE => cost.min(self.local + cost / u64::from(n)),
            _ => cost,
        }
    }

    /// Own cost of a node and the classes whose values it takes; `None` if a program cannot contain it.
    fn parts(&self, node: &Node) -> Option<(u64, Vec<Id>)> {
        let graph = &self.built.graph;
        match node.head {
            Head::Const(_) => Some((self.prices.node(node), Vec::new())),
            Head::Leaf(v) => match self.f.values[v].def {
                ValueDef::Result(i, _) if self.removable[i] => {
                    let args: Vec<Id> = self.f.args(i).iter().map(|&a| self.built.class(a)).collect();
                    Some((self.prices.inst(i), args))
                }
                _ => Some((self.prices.node(node), Vec::new())),
            },
            Head::Opaque(op, _) if op.is_pure() => Some((self.prices.node(node), node.children.to_vec())),
            Head::Op(op) if is_placeable(graph, op, node) => {
                let imms = shape(op).map_or(0, |s| s.imms.len());
                let operands = shape(op).map_or(0, |s| s.operands);
                Some((self.prices.node(node), node.children[imms..imms + operands].to_vec()))
            }
            Head::Imm(_) | Head::Version(_) | Head::Op(_) | Head::Opaque(..) => None,
        }
    }

    fn node_cost(&self, node: &Node) -> u64 {
        let Some((own, children)) = self.parts(node) else { return INFINITE };
        children
            .iter()
            .fold(own, |sum, &c| sum.saturating_add(self.use_cost(self.built.graph.find(c))).min(INFINITE))
    }

    /// Chooses a node for each class in the order of cost (Knuth, "A Generalization of Dijkstra's Algorithm", 1977): a class
    /// is decided when the cheapest node all of whose children are decided comes up. As uses of shared classes cost less
    /// than the classes, this is not always the least sum, but no choice ever depends on itself. Ties go to the smaller
    /// node, so that the order of nodes in a class does not matter.
    fn decide(&mut self) {
        let graph = &self.built.graph;
        let mut ids: Vec<Id> = graph.classes().map(|c| c.id).collect();
        ids.sort_unstable();
        self.cost.clear();
        self.best.clear();
        // Nodes that wait for children, with the number of those that are not decided yet.
        let mut waiting: Vec<(Id, &Node, u32)> = Vec::new();
        let mut users: HashMap<Id, Vec<u32>> = HashMap::new();
        let mut queue: BinaryHeap<Reverse<(u64, &Node, Id)>> = BinaryHeap::new();
        for &id in &ids {
            for node in &graph[id].nodes {
                let Some((own, mut children)) = self.parts(node) else { continue };
                children.iter_mut().for_each(|c| *c = graph.find(*c));
                children.sort_unstable();
                children.dedup();
                if children.is_empty() {
                    queue.push(Reverse((own, node, id)));
                }
                for &c in &children {
                    users.entry(c).or_default().push(waiting.len() as u32);
                }
                waiting.push((id, node, children.len() as u32));
            }
        }
        while let Some(Reverse((cost, node, id))) = queue.pop() {
            if self.cost.contains_key(&id) {
                continue;
            }
            self.cost.insert(id, cost);
            self.best.insert(id, node.clone());
            for &user in users.get(&id).into_iter().flatten() {
                let (class, node, left) = &mut waiting[user as usize];
                *left -= 1;
                if *left == 0 && !self.cost.contains_key(class) {
                    let (class, node) = (*class, *node);
                    queue.push(Reverse((self.node_cost(node), node, class)));
                }
            }
        }
    }

    /// Counts the uses of each class in the input: what it shares is likely to stay shared.
    fn demand_of_input(&mut self) {
        let f = self.f;
        for &b in &f.layout {
            let term = f.term(b);
            let insts = f.blocks[b].insts.iter().flat_map(|&i| f.args(i));
            let edges = term.edges().flat_map(|e| f.edge_args(e));
            for &v in insts.chain(term.operands(&f.pool)).chain(edges) {
                *self.demand.entry(self.built.class(v)).or_default() += 1;
            }
        }
    }

    /// Finds the classes that are computed whatever is chosen.
    fn anchor(&mut self) {
        let f = self.f;
        let mut home: SecondaryMap<Value, PackedOption<Block>> = SecondaryMap::with_capacity(f.values.len());
        for &b in &f.layout {
            for &i in &f.blocks[b].insts {
                for &v in f.results(i) {
                    home[v] = b.into();
                }
            }
            let effects =
                f.blocks[b].insts.iter().filter(|&&i| !f.insts[i].op.is_pure() && !self.removable[i]);
            let term = f.term(b);
            // The condition of a branch can be replaced by another one.
            let operands = match term {
                Terminator::Branch { .. } => &[][..],
                _ => term.operands(&f.pool),
            };
            let edges = term.edges().flat_map(|e| f.edge_args(e));
            for &v in effects.flat_map(|&i| f.args(i)).chain(operands).chain(edges) {
                if home[v].expand() == Some(b) {
                    self.anchored.insert(self.built.class(v));
                }
            }
        }
    }

    /// Marks what the effects and the control flow of the function need, through the chosen nodes.
    fn mark(&mut self) {
        let (f, built) = (self.f, self.built);
        self.demand.clear();
        self.params.clear();
        let mut work: Vec<Id> = Vec::new();
        for &b in &f.layout {
            for &i in &f.blocks[b].insts {
                if !f.insts[i].op.is_pure() && !self.removable[i] {
                    work.extend(f.args(i).iter().map(|&a| built.class(a)));
                }
            }
            let term = f.term(b);
            match term {
                Terminator::Branch { cond, .. } => work.push(self.condition(built.class(*cond)).0),
                _ => work.extend(term.operands(&f.pool).iter().map(|&a| built.class(a))),
            }
            for e in term.edges() {
                // Arguments for parameters that stay whatever happens.
                let produced = f.produced(e);
                if produced > 0 {
                    work.extend(f.edge_args(e).iter().map(|&a| built.class(a)));
                }
            }
        }
        for &v in self.forced {
            self.need_param(v, &mut work);
        }
        while let Some(class) = work.pop() {
            let demand = self.demand.entry(class).or_default();
            *demand += 1;
            if *demand > 1 || self.constant(class).is_some() {
                continue;
            }
            let nodes = &built.graph[class].nodes;
            let leaves = nodes.iter().filter(|n| matches!(n.head, Head::Leaf(_))).count();
            let Some(best) = self.best.get(&class) else { continue };
            let mut chosen = vec![best];
            if leaves > 1 || is_placed(best) {
                // Where the chosen node cannot be had, one of the others must be.
                chosen.extend(nodes.iter().filter(|n| matches!(n.head, Head::Leaf(_)) && *n != best));
            }
            if is_placed(best) {
                let others = nodes.iter().filter(|n| !is_placed(n) && !matches!(n.head, Head::Leaf(_)));
                chosen.extend(
                    others
                        .map(|n| (self.node_cost(n), n))
                        .filter(|(c, _)| *c < INFINITE)
                        .min()
                        .map(|(_, n)| n),
                );
            }
            let chosen: Vec<Node> = chosen.into_iter().cloned().collect();
            for node in chosen {
                if let Head::Leaf(v) = node.head {
                    self.need_param(v, &mut work);
                }
                if let Some((_, children)) = self.parts(&node) {
                    work.extend(children.iter().map(|&c| built.graph.find(c)));
                }
            }
        }
    }
}

impl Choice<'_> {
    /// Marks a block parameter, if it is one, and puts what its edges pass to it on the list.
    fn need_param(&mut self, v: Value, work: &mut Vec<Id>) {
        let ValueDef::Param(block, n) = self.f.values[v].def else { return };
        if !self.params.insert(v) {
            return;
        }
        for e in &self.incoming[block] {
            let given = (n as usize).checked_sub(self.f.produced(e));
            if let Some(&a) = given.and_then(|k| self.f.edge_args(e).get(k)) {
                work.push(self.built.class(a));
            }
        }
    }
}

/// Whether a node depends on where it stands (its version must be live).
pub fn is_placed(node: &Node) -> bool {
    matches!(node.op().map(Op::kind), Some(Kind::Load | Kind::GlobalGet | Kind::MemorySize))
}

/// Whether an operator node may be part of a program at all, apart from where it stands.
fn is_placeable(graph: &Graph, op: Op, node: &Node) -> bool {
    match op.kind() {
        Kind::Pure => true,
        Kind::Trap => node.children.len() == 2 && division_cannot_trap(graph, op, node.children[1]),
        Kind::Load | Kind::GlobalGet | Kind::MemorySize => true,
        _ => false,
    }
}
