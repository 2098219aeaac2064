//! Rules about effects and branches, applied to the function that an e-graph was made of.
//!
//! **In:** a function, its saturated e-graph, memory SSA and dominators, and compiled rules. **Out:** the function without the effects that
//! rules of the phase `skeleton` remove, with what they put in the place of others, with other conditions or ends of branches, and for each
//! change the rule and the match that licensed it ([`Change`]). The e-graph says what is equal; it is out of date afterwards, so
//! the caller makes another one of the function that comes out.
//!
//! The left side of such a rule is a term of the e-graph like any other: the class of the state that an effect makes holds the effect as a node, so
//! it is looked for there, and a condition in the class of the value that is tested. Of a `memory.grow` a node is made for the search. An
//! effect goes only where it cannot trap ([`crate::egraph::bounds`]): the rule says that it changes nothing, not that it may be left out.
//! What is put in the place of something is a value of the function that is there already, a constant, or made of such values by pure
//! operators ([`edit`]); where it cannot be had, and where what is written or tested now is needed elsewhere too, nothing is changed.
//!
//! **Complexity:** linear in the instructions times the rules of their operators; each looks at most at [`MAX_MATCHES`] matches.
//! Reference: Cranelift's `simplify_skeleton` (`opts/skeleton.isle`).

mod edit;

use crate::analysis::memory_ssa::{MemorySsa, Resource};
use crate::analysis::{Cfg, DomTree};
use crate::chaos::Chaos;
use crate::egraph::bounds::Bounds;
use crate::egraph::build::{Built, written};
use crate::egraph::compile::{Bindings, CompiledRules};
use crate::egraph::node::{Head, Node};
use crate::interp::Const;
use crate::ir::entity::{Block, Inst};
use crate::ir::function::{Function, Terminator};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, Op};
use crate::rules::{Outcome, Phase};
use cranelift_entity::EntityRef;
use egg::Id;
use hashbrown::HashMap;

/// Most matches of one rule at one place that are looked at.
pub const MAX_MATCHES: usize = 16;

/// How often one function is changed in this way at most: a change can make another one possible.
pub const MAX_ROUNDS: usize = 3;

/// Where a rule changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An instruction of the function before.
    Inst(Inst),
    /// The end of a block.
    End(Block),
}

/// What one match of a rule has changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Where.
    pub place: Place,
    /// The rule, by its index in the compiled rules.
    pub rule: u32,
    /// What it makes of the place.
    pub outcome: Outcome,
    /// What each of its variables stands for, in their order; none where the left side does not have it.
    pub bound: Box<[Option<Id>]>,
    /// The class of what is written, tested, or the result, after; none where an effect goes.
    pub operand: Option<Id>,
}

/// A change and what allows it, for who follows it: without the rule.
#[derive(Clone, Copy, Debug)]
pub struct Licence {
    /// Where.
    pub place: Place,
    /// What becomes of the place.
    pub outcome: Outcome,
    /// The class of the value that is written, tested, or the result after.
    pub operand: Option<Id>,
    /// The operator of an effect after.
    pub op: Option<Op>,
}

impl Change {
    /// What a checker of the function that comes out is told of it.
    pub fn licence(&self, rules: &CompiledRules) -> Licence {
        let right = rules.rules[self.rule as usize].rule.rhs.root_operator();
        let Change { place, outcome, operand, .. } = *self;
        Licence { place, outcome, operand, op: right.map(|(op, ..)| op) }
    }
}

/// What the function is looked at with.
pub struct Context<'a, I> {
    /// The function that the e-graph was built from.
    pub f: &'a Function,
    /// Its control-flow graph.
    pub cfg: &'a Cfg,
    /// Its dominator tree.
    pub dom: &'a DomTree,
    /// Its memory SSA.
    pub memory: &'a MemorySsa,
    /// The rules.
    pub rules: &'a CompiledRules,
    /// The module around it.
    pub info: &'a I,
    /// Where choices come from.
    pub chaos: Chaos,
}

/// A match before it is known whether its right side can be had.
struct Found {
    change: Change,
    bindings: Bindings,
    /// The class of each node of the right side.
    right: Vec<Id>,
}

/// Applies the rules about effects and branches. `None`: nothing changed.
pub fn rewritten<I: ModuleInfo>(cx: &Context<'_, I>, built: &mut Built) -> Option<(Function, Vec<Change>)> {
    let grown = grow_nodes(cx, built);
    let mut found = matches(cx, built, &grown);
    if found.is_empty() {
        return None;
    }
    for one in &mut found {
        if one.change.outcome != Outcome::Remove {
            let rule = &cx.rules.rules[one.change.rule as usize];
            one.right = rule.instances(&mut built.graph, &one.bindings)?.to_vec();
        }
    }
    built.graph.rebuild();
    edit::edited(cx, built, found)
}

/// A node for each `memory.grow` that a rule is about, with its class.
fn grow_nodes<I: ModuleInfo>(cx: &Context<'_, I>, built: &mut Built) -> HashMap<Inst, Id> {
    let mut nodes = HashMap::new();
    if cx.rules.at_root(Phase::Skeleton, Op::MemoryGrow).is_empty() {
        return nodes;
    }
    for &b in cx.cfg.rpo() {
        for &i in cx.f.blocks[b].insts.iter().filter(|&&i| cx.f.insts[i].op == Op::MemoryGrow) {
            let (Imm::Memory(m), &[n]) = (cx.f.insts[i].imm, cx.f.args(i)) else { continue };
            let Some(before) = cx.memory.before(i, Resource::size(m)).filter(|_| !cx.info.is_shared(m))
            else {
                continue;
            };
            let version = built.name_version(before);
            let memory = built.graph.add(Node::leaf(Head::Imm(m.index() as u64)));
            let node = Node::new(Head::Op(Op::MemoryGrow), [memory, built.class(n), version]);
            nodes.insert(i, built.graph.add(node));
        }
    }
    // Rebuilding walks over all classes; most functions ask for no memory.
    if !nodes.is_empty() {
        built.graph.rebuild();
    }
    nodes
}

/// The matches that may be applied, at most one a place.
fn matches<I: ModuleInfo>(cx: &Context<'_, I>, built: &Built, grown: &HashMap<Inst, Id>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut bounds = Bounds::new(&built.graph, cx.info, cx.dom);
    // Dominators first, as the bounds want it.
    let mut work = vec![cx.f.entry];
    while let Some(b) = work.pop() {
        for &i in &cx.f.blocks[b].insts {
            let op = cx.f.insts[i].op;
            let rules = cx.rules.at_root(Phase::Skeleton, op);
            let class = match grown.get(&i) {
                _ if rules.is_empty() => None,
                Some(&class) => Some(class),
                None => {
                    let made = written(cx.f, i).and_then(|r| cx.memory.made_by(i, r));
                    made.and_then(|v| built.version(v))
                }
            };
            if let Some(class) = class {
                let mut may_go = || bounds.effect_cannot_trap(cx.f, built, b, i);
                found.extend(first(cx, built, rules, Place::Inst(i), class, &mut may_go));
            }
            bounds.executed(cx.f, built, b, i);
        }
        if let Terminator::Branch { cond, .. } = cx.f.term(b) {
            let class = built.class(*cond);
            // A branch on a constant folds without a rule.
            if built.graph[class].data.constant.is_none() {
                found.extend(first(cx, built, cx.rules.branches(), Place::End(b), class, &mut || true));
            }
        }
        work.extend(cx.dom.children(b).iter().rev());
    }
    found
}

/// The first match at a place that changes something there.
fn first<I: ModuleInfo>(
    cx: &Context<'_, I>,
    built: &Built,
    rules: &[u32],
    place: Place,
    class: Id,
    may_go: &mut dyn FnMut() -> bool,
) -> Option<Found> {
    for &index in rules {
        let rule = &cx.rules.rules[index as usize];
        let Some(outcome) = rule.rule.outcome else { continue };
        for m in rule.search(&built.graph, std::iter::once(built.graph.find(class)), MAX_MATCHES) {
            for subst in &m.substs {
                let Some(bindings) = rule.licensed(&built.graph, subst) else { continue };
                let left_out = cx.chaos.rarely("leave a match out", (place_key(place), index), false);
                if left_out || (outcome == Outcome::Remove && !may_go()) {
                    continue;
                }
                let bound = rule.bound(subst);
                let change = Change { place, rule: index, outcome, bound, operand: None };
                return Some(Found { change, bindings, right: Vec::new() });
            }
        }
    }
    None
}

/// A place as a number.
fn place_key(place: Place) -> (bool, usize) {
    match place {
        Place::Inst(i) => (false, i.index()),
        Place::End(b) => (true, b.index()),
    }
}

/// The constant that a class is.
fn constant(built: &Built, class: Id) -> Option<Const> {
    built.graph[built.graph.find(class)].data.constant
}

/// Whether an operator may be made anew wherever its operands are.
fn is_free(op: Op) -> bool {
    op.info().kind == Kind::Pure
}
