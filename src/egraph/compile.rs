//! Rules as text, typed ([`crate::rules`]), to egg patterns and appliers.

use super::facts::{Graph, put};
use super::node::{Head, Node};
use crate::interp::Const;
use crate::ir::ops::{Feature, Op};
use crate::ir::types::Type;
use crate::options::Objective;
use crate::rules::{
    Bound, ConstPat, ImmPat, NodeKind, Outcome, Pattern as Term, Phase, Rule, RuleSet, VarKind,
};
use egg::{ENodeOrVar, Id, Pattern, PatternAst, RecExpr, SearchMatches, Searcher, Subst, Var};
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;
use std::sync::Arc;

/// What the variables of a rule stand for in a match.
pub type Bindings = SmallVec<[Bound<Id>; 8]>;

/// A rule ready to run.
pub struct CompiledRule {
    /// The rule.
    pub rule: Rule,
    /// The left side in all orders of commutative operands that have to be looked for.
    patterns: Vec<Pattern<Node>>,
    root: Root,
}

/// What the left side of a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// A value or an effect of this operator.
    Operator(Op),
    /// The condition of a branch.
    Branch,
}

/// All rules of one run, shared by all threads.
pub struct CompiledRules {
    /// In the order of the rule set.
    pub rules: Vec<Arc<CompiledRule>>,
    /// For each phase, the rules by the operator at the root of their left side: indices in ascending order. Most functions
    /// are small and have few operators; what they cost must not grow with the number of rules.
    roots: HashMap<(Phase, Root), Vec<u32>>,
}

impl CompiledRules {
    /// Compiles the rules that this run may use: those for its objective, whose operators the module's features allow
    /// (`has`).
    pub fn new(set: &RuleSet, objective: Objective, has: impl Fn(Feature) -> bool) -> CompiledRules {
        let wanted =
            |r: &&Rule| r.objective.is_none_or(|o| o == objective) && r.needs.iter().all(|&f| has(f));
        // The loader refuses left sides that are neither.
        let compile = |r: &Rule| {
            let root = match (r.outcome, &r.lhs.nodes.last()?.kind) {
                (Some(Outcome::Branch { .. }), _) => Root::Branch,
                (_, NodeKind::Op { op, .. }) => Root::Operator(*op),
                _ => return None,
            };
            let patterns = std::iter::once(&r.lhs).chain(&r.variants).map(pattern).collect();
            Some(Arc::new(CompiledRule { patterns, root, rule: r.clone() }))
        };
        CompiledRules::of(set.rules.iter().filter(wanted).filter_map(compile).collect())
    }

    fn of(rules: Vec<Arc<CompiledRule>>) -> CompiledRules {
        let mut roots: HashMap<(Phase, Root), Vec<u32>> = HashMap::new();
        for (i, r) in rules.iter().enumerate() {
            roots.entry((r.rule.phase, r.root)).or_default().push(i as u32);
        }
        CompiledRules { rules, roots }
    }

    /// The rules whose name or family is listed.
    pub fn only(&self, names: &[String]) -> CompiledRules {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        let wanted = |r: &&Arc<CompiledRule>| {
            names.contains(r.rule.name.as_str()) || names.contains(r.rule.family.as_str())
        };
        CompiledRules::of(self.rules.iter().filter(wanted).cloned().collect())
    }

    /// Indices of the rules of a phase whose left sides have this operator at their root.
    pub fn at_root(&self, phase: Phase, root: Op) -> &[u32] {
        self.of_root(phase, Root::Operator(root))
    }

    /// Indices of the rules about branches.
    pub fn branches(&self) -> &[u32] {
        self.of_root(Phase::Skeleton, Root::Branch)
    }

    fn of_root(&self, phase: Phase, root: Root) -> &[u32] {
        self.roots.get(&(phase, root)).map_or(&[], Vec::as_slice)
    }

    /// Indices of the rules of a phase.
    pub fn phase(&self, phase: Phase) -> impl Iterator<Item = usize> + '_ {
        self.rules.iter().enumerate().filter(move |(_, r)| r.rule.phase == phase).map(|(i, _)| i)
    }
}

/// The egg variable of a rule's variable.
fn variable(index: u32) -> Var {
    Var::from_u32(index)
}

/// A left side as an egg pattern. Bound constants are variables whose class is looked at when the rule is applied.
fn pattern(term: &Term) -> Pattern<Node> {
    let mut ast: PatternAst<Node> = RecExpr::default();
    let mut at: Vec<Id> = Vec::with_capacity(term.nodes.len());
    for node in &term.nodes {
        let id = match &node.kind {
            NodeKind::Var(v) | NodeKind::Const(ConstPat::Var(v)) => ast.add(ENodeOrVar::Var(variable(v.0))),
            NodeKind::Const(ConstPat::Lit(c)) => ast.add(ENodeOrVar::ENode(Node::leaf(Head::Const(*c)))),
            NodeKind::Op { op, imms, args } => {
                let mut children: SmallVec<[Id; 4]> = SmallVec::new();
                for imm in imms {
                    children.push(match imm {
                        ImmPat::Lit(i) => ast.add(ENodeOrVar::ENode(Node::leaf(Head::Imm(*i)))),
                        ImmPat::Var(v) => ast.add(ENodeOrVar::Var(variable(v.0))),
                        ImmPat::Expr(_) => {
                            unreachable!("the checker allows computed immediates on right sides only")
                        }
                    });
                }
                children.extend(args.iter().map(|a| at[a.index()]));
                ast.add(ENodeOrVar::ENode(Node { head: Head::Op(*op), children }))
            }
            NodeKind::Const(ConstPat::Expr(_)) | NodeKind::Version(_) => {
                unreachable!("the checker allows computed parts on right sides only")
            }
        };
        at.push(id);
    }
    Pattern::new(ast)
}

impl CompiledRule {
    /// What the left side is.
    pub fn root(&self) -> Root {
        self.root
    }

    /// All matches in these classes, at most `limit` substitutions for each pattern.
    pub fn search<'a>(
        &'a self,
        graph: &Graph,
        classes: impl Iterator<Item = Id> + Clone,
        limit: usize,
    ) -> Vec<SearchMatches<'a, Node>> {
        let mut found = Vec::new();
        for p in &self.patterns {
            let mut left = limit;
            for id in classes.clone() {
                if left == 0 {
                    break;
                }
                if let Some(m) = p.search_eclass_with_limit(graph, id, left) {
                    left = left.saturating_sub(m.substs.len());
                    found.push(m);
                }
            }
        }
        found
    }

    /// Applies the rule at one match. Returns whether it made two classes one.
    /// `left`: the pattern that matched, for a graph that explains itself.
    pub fn apply(
        &self,
        graph: &mut Graph,
        class: Id,
        subst: &Subst,
        left: Option<&PatternAst<Node>>,
    ) -> bool {
        let Some(bound) = self.licensed(graph, subst) else { return false };
        let Some(right) = self.instantiate(graph, &bound) else { return false };
        let (class, made) = (graph.find(class), graph.find(right));
        if class == made {
            return false;
        }
        let types = (graph[class].data.ty, graph[made].data.ty);
        if let (Some(a), Some(b)) = types
            && a != b
        {
            debug_assert!(false, "rule {} would make {a} and {b} equal", self.rule.name);
            return false;
        }
        match left.filter(|_| graph.are_explanations_enabled()) {
            Some(left) => {
                let left = exactly(graph, left, subst);
                graph.union_trusted(left, right, self.rule.name.as_str())
            }
            None => graph.union(class, made),
        }
    }

    /// The classes that a match has for the variables of the rule.
    pub fn bound(&self, subst: &Subst) -> Box<[Option<Id>]> {
        (0..self.rule.vars.len()).map(|i| subst.get(variable(i as u32)).copied()).collect()
    }

    /// What a match binds, if everything in it has the kind and type that the rule wants and the conditions hold.
    pub fn licensed(&self, graph: &Graph, subst: &Subst) -> Option<Bindings> {
        self.bind(graph, subst).filter(|bound| self.rule.holds(bound, graph))
    }

    fn bind(&self, graph: &Graph, subst: &Subst) -> Option<Bindings> {
        let mut bound = Bindings::new();
        for (i, var) in self.rule.vars.iter().enumerate() {
            let Some(&id) = subst.get(variable(i as u32)) else {
                bound.push(Bound::Unbound);
                continue;
            };
            let id = graph.find(id);
            let fact = &graph[id].data;
            bound.push(match var.kind {
                VarKind::Const => {
                    let c = fact.constant?;
                    if var.ty.is_some_and(|t| t != c.ty()) {
                        return None;
                    }
                    Bound::Const(c)
                }
                VarKind::Imm(_) => Bound::Imm(fact.imm?),
                VarKind::Value => {
                    if var.check_type && var.ty.is_some() && fact.ty != var.ty {
                        return None;
                    }
                    Bound::Class(id)
                }
                VarKind::Version => Bound::Class(id),
            });
        }
        Some(bound)
    }

    fn instantiate(&self, graph: &mut Graph, bound: &[Bound<Id>]) -> Option<Id> {
        self.instances(graph, bound)?.last().copied()
    }

    /// The class of each node of the right side, which is added.
    pub fn instances(&self, graph: &mut Graph, bound: &[Bound<Id>]) -> Option<SmallVec<[Id; 8]>> {
        let rule = &self.rule;
        let mut at: SmallVec<[Id; 8]> = SmallVec::new();
        for node in &rule.rhs.nodes {
            let id = match &node.kind {
                NodeKind::Var(v) => match bound[v.index()] {
                    Bound::Class(id) => id,
                    _ => return None,
                },
                NodeKind::Const(pat) => {
                    let c = match pat {
                        ConstPat::Lit(c) => *c,
                        ConstPat::Var(v) => match bound[v.index()] {
                            Bound::Const(c) => c,
                            _ => return None,
                        },
                        ConstPat::Expr(e) => typed(rule.constant(*e, bound, graph)?, node_type(node)?)?,
                    };
                    put(graph, Node::leaf(Head::Const(c)))
                }
                NodeKind::Op { op, imms, args } => {
                    let mut children: SmallVec<[Id; 4]> = SmallVec::new();
                    for imm in imms {
                        let i = match imm {
                            ImmPat::Lit(i) => *i,
                            ImmPat::Var(v) => match bound[v.index()] {
                                Bound::Imm(i) => i,
                                _ => return None,
                            },
                            ImmPat::Expr(e) => rule.immediate(*e, bound, graph)?,
                        };
                        children.push(graph.add(Node::leaf(Head::Imm(i))));
                    }
                    children.extend(args.iter().map(|a| at[a.index()]));
                    put(graph, Node { head: Head::Op(*op), children })
                }
                NodeKind::Version(e) => rule.version(*e, bound, graph)?,
            };
            at.push(id);
        }
        Some(at)
    }
}

/// The term that a match is, in a graph that explains itself: egg's own way to add it answers with its class.
fn exactly(graph: &mut Graph, left: &PatternAst<Node>, subst: &Subst) -> Id {
    let mut at: SmallVec<[Id; 8]> = SmallVec::new();
    for node in left {
        let id = match node {
            ENodeOrVar::Var(var) => graph.find(subst[*var]),
            ENodeOrVar::ENode(node) => {
                let children = node.children.iter().map(|&c| at[usize::from(c)]).collect();
                put(graph, Node { head: node.head, children })
            }
        };
        at.push(id);
    }
    at.last().copied().expect("a pattern has a root")
}

fn node_type(node: &crate::rules::Node) -> Option<Type> {
    match node.ty {
        crate::rules::NodeType::Value(t) => t,
        crate::rules::NodeType::Version => None,
    }
}

/// A computed constant must have the type of its place.
fn typed(c: Const, ty: Type) -> Option<Const> {
    (c.ty() == ty).then_some(c)
}
