//! The choice of a node for each class, and what of the program the choices need.

use super::bounds::division_cannot_trap;
use super::cost::{LOCAL_GET, own_cost};
use crate::egraph::build::Built;
use crate::egraph::facts::Graph;
use crate::egraph::node::{Head, Node};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Edge, Function, Terminator, ValueDef};
use crate::ir::ops::{Kind, Op};
use crate::options::Objective;
use crate::rules::shape;
use cranelift_entity::SecondaryMap;
use egg::Id;
use hashbrown::{HashMap, HashSet};

/// Cost of what cannot be had.
const INFINITE: u64 = u64::MAX / 4;

/// What the choice knows about instructions.
pub struct Choice<'a> {
    f: &'a Function,
    built: &'a Built,
    objective: Objective,
    /// Instructions that read or may trap, but are known not to: they are executed only if their value is needed.
    removable: &'a SecondaryMap<Inst, bool>,
    /// Edges into each block that has parameters.
    incoming: SecondaryMap<Block, Vec<Edge>>,
    /// Cost of having a class's value, by class.
    cost: HashMap<Id, u64>,
    /// The chosen node of each class.
    best: HashMap<Id, Node>,
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
        objective: Objective,
        removable: &'a SecondaryMap<Inst, bool>,
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
            objective,
            removable,
            incoming,
            cost: HashMap::new(),
            best: HashMap::new(),
            demand: HashMap::new(),
            params: HashSet::new(),
        };
        choice.relax();
        choice.mark();
        choice.relax();
        choice.mark();
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

    /// The nodes of a class that a program may contain, the chosen one first, then by cost.
    pub fn candidates(&self, class: Id) -> Vec<Node> {
        let best = self.best.get(&class);
        let mut rest: Vec<(u64, Node)> = self.built.graph[class]
            .nodes
            .iter()
            .filter(|n| Some(*n) != best)
            .map(|n| (self.node_cost(n), n.clone()))
            .filter(|(c, _)| *c < INFINITE)
            .collect();
        rest.sort();
        best.cloned().into_iter().chain(rest.into_iter().map(|(_, n)| n)).collect()
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
                Some((inner, flips)) if inner != at && self.use_cost(inner) < self.use_cost(at) => {
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
        match self.demand.get(&class) {
            Some(&n) if n >= 2 && cost < INFINITE => cost.min(LOCAL_GET + cost / u64::from(n)),
            _ => cost,
        }
    }

    /// Own cost of a node and the classes whose values it takes; `None` if a program cannot contain it.
    fn parts(&self, node: &Node) -> Option<(u64, Vec<Id>)> {
        let graph = &self.built.graph;
        match node.head {
            Head::Const(_) => Some((own_cost(graph, node, self.objective), Vec::new())),
            Head::Leaf(v) => match self.f.values[v].def {
                ValueDef::Result(i, _) if self.removable[i] => {
                    let args: Vec<Id> = self.f.args(i).iter().map(|&a| self.built.class(a)).collect();
                    let read =
                        graph[self.built.class(v)].nodes.iter().find(|n| n.op() == Some(self.f.insts[i].op));
                    let own = read.map_or(LOCAL_GET, |n| own_cost(graph, n, self.objective));
                    Some((own, args))
                }
                _ => Some((LOCAL_GET, Vec::new())),
            },
            Head::Opaque(op, _) if op.is_pure() => {
                Some((own_cost(graph, node, self.objective), node.children.to_vec()))
            }
            Head::Op(op) if is_placeable(graph, op, node) => {
                let imms = shape(op).map_or(0, |s| s.imms.len());
                let operands = shape(op).map_or(0, |s| s.operands);
                Some((own_cost(graph, node, self.objective), node.children[imms..imms + operands].to_vec()))
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

    /// Cheapest nodes of all classes, by relaxation over a worklist. Ties go to the smaller node, so that the order of
    /// nodes in a class does not matter.
    fn relax(&mut self) {
        let graph = &self.built.graph;
        let mut ids: Vec<Id> = graph.classes().map(|c| c.id).collect();
        ids.sort_unstable();
        let mut users: HashMap<Id, Vec<Id>> = HashMap::new();
        for &id in &ids {
            for node in &graph[id].nodes {
                for c in self.parts(node).into_iter().flat_map(|(_, children)| children) {
                    let list = users.entry(graph.find(c)).or_default();
                    if list.last() != Some(&id) {
                        list.push(id);
                    }
                }
            }
        }
        let previous = std::mem::take(&mut self.cost);
        if !previous.is_empty() {
            // The demand of the last round stays in force; costs start anew.
            self.best.clear();
        }
        let mut queue: std::collections::VecDeque<Id> = ids.iter().copied().collect();
        let mut queued: HashSet<Id> = ids.into_iter().collect();
        while let Some(id) = queue.pop_front() {
            queued.remove(&id);
            let mut least: Option<(u64, &Node)> = None;
            for node in &graph[id].nodes {
                let cost = self.node_cost(node);
                if cost < INFINITE && least.is_none_or(|(c, n)| (cost, node) < (c, n)) {
                    least = Some((cost, node));
                }
            }
            let Some((cost, node)) = least else { continue };
            if cost < self.cost(id) {
                self.cost.insert(id, cost);
                self.best.insert(id, node.clone());
                for &user in users.get(&id).into_iter().flatten() {
                    if queued.insert(user) {
                        queue.push_back(user);
                    }
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
        while let Some(class) = work.pop() {
            let demand = self.demand.entry(class).or_default();
            *demand += 1;
            if *demand > 1 || built.graph[class].data.constant.is_some() {
                continue;
            }
            let nodes = &built.graph[class].nodes;
            let leaves = nodes.iter().filter(|n| matches!(n.head, Head::Leaf(_))).count();
            let Some(best) = self.best.get(&class) else { continue };
            let mut chosen = vec![best];
            if leaves > 1 || !matches!(best.head, Head::Leaf(_)) && leaves > 0 && is_placed(best) {
                // Where the chosen node cannot be had, one of the others must be.
                chosen.extend(nodes.iter().filter(|n| matches!(n.head, Head::Leaf(_)) && *n != best));
            }
            let chosen: Vec<Node> = chosen.into_iter().cloned().collect();
            for node in chosen {
                if let Head::Leaf(v) = node.head
                    && let ValueDef::Param(block, n) = f.values[v].def
                    && self.params.insert(v)
                {
                    for e in &self.incoming[block] {
                        let produced = f.produced(e);
                        if let Some(&a) =
                            (n as usize).checked_sub(produced).and_then(|k| f.edge_args(e).get(k))
                        {
                            work.push(built.class(a));
                        }
                    }
                }
                if let Some((_, children)) = self.parts(&node) {
                    work.extend(children.iter().map(|&c| built.graph.find(c)));
                }
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
