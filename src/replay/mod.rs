//! Saturation done again by somebody else: which equalities of an e-graph follow from proved rules.
//!
//! **In:** a function, the e-graph that was saturated for it, and the record of the matches that made unions in it. **Out:**
//! [`Replayed`], a congruence closure over the terms of the function in which two terms are equal only for a reason that was looked
//! at again, in the order in which it arose:
//!
//! - a rule that the caller takes for proved: its left side is there, its conditions hold by facts that are derived here, and its right side is
//!   built here ([`rules`]);
//! - an operator on constants, by the reference evaluator; operands that are equal; operands exchanged where the operator allows it
//!   ([`closure`]);
//! - an instruction and the term that it computes.
//!
//! [`crate::extract_check`], asked to follow the extracted function through these equalities instead of those of the e-graph, then shows that the
//! new function does what the old one did. What saturation found and this does not only makes that fail; what it should not have
//! found is not here. So egg, the matcher, the rules' compiled form, the e-graph's facts, its budgets and its schedule need not be trusted.
//! Trusted are: the ledger of proofs with the solver behind it, the evaluator, the known bits of operators ([`crate::analysis::bits`]), and
//! the vocabulary's evaluator, which the proofs rest on too. What the states are that reads and writes name is for the checker to find out.
//!
//! A rule is proved as a refinement, and is an equality here as it is in the e-graph: where its sides may give different NaNs, what is derived
//! holds up to that choice.
//!
//! The terms that a match binds are read from the e-graph as syntax. There a term's operands are older terms, so they have no rings.
//!
//! Complexity: that of congruence closure (Downey, Sethi and Tarjan, "Variations on the Common Subexpression Problem", JACM 1980), and of
//! facts that can change a bounded number of times each; at most [`MAX_TERMS`] terms. Reference: Flatt et al., "Small Proofs from Congruence Closure"
//! (FMCAD 2022), whose proofs egg gives; their steps are the matches recorded, which is why no proof of theirs is needed here.

mod closure;
mod facts;
mod rules;
#[cfg(test)]
mod tests;

use crate::analysis::memory_ssa::{MemorySsa, Resource, VersionDef};
use crate::egraph::build::{Built, NEVER, immediates};
use crate::egraph::compile::CompiledRules;
use crate::egraph::node::{Head, Node};
use crate::egraph::saturate::Applied;
use crate::extract_check::{Equalities, reverse_postorder};
use crate::interp::Const;
use crate::ir::entity::{Inst, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind};
use crate::rules::Facts;
use crate::skeleton::{Change, Licence, Place};
use closure::Closure;
use cranelift_entity::SecondaryMap;
use egg::Id;
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

/// Most terms of one function.
pub const MAX_TERMS: usize = 2_000_000;

/// What is done again.
pub struct Subject<'a, I> {
    /// The function that the e-graph was built from.
    pub before: &'a Function,
    /// The e-graph. Only terms are read from it.
    pub built: &'a Built,
    /// The function's memory SSA, for the names of states in the e-graph.
    pub memory: &'a MemorySsa,
    /// The matches that made unions, in order.
    pub log: &'a [Applied],
    /// What rules made of effects and branches after that.
    pub changes: &'a [Change],
    /// The rules that the log and the changes are about.
    pub rules: &'a CompiledRules,
    /// Whether a rule, by its index, may be relied on.
    pub proved: &'a dyn Fn(u32) -> bool,
    /// The module around the function.
    pub info: &'a I,
    /// Most terms.
    pub max_terms: usize,
}

/// The equalities that were found again.
pub struct Replayed {
    closure: Closure,
    class_of: SecondaryMap<Value, Option<Id>>,
    /// What each version is, with its class.
    versions: Vec<(VersionDef, Id)>,
    /// How many matches were found again.
    derived: usize,
    /// Rules with matches that were not, by index, in order: they are not proved, or a match could not be followed.
    left_out: Vec<u32>,
    /// Of each change that was found again, what allows it.
    licences: Vec<Licence>,
}

impl Replayed {
    /// What each version is, with its class, for the checker.
    pub fn versions(&self) -> Vec<(VersionDef, Id)> {
        self.versions.iter().map(|&(def, id)| (def, self.closure.find(id))).collect()
    }

    /// How many matches were found again.
    pub fn derived(&self) -> usize {
        self.derived
    }

    /// What allows the changes of effects and branches, of those that were found again.
    pub fn licences(&self) -> &[Licence] {
        &self.licences
    }

    /// Rules with matches that were not found again.
    pub fn left_out(&self) -> &[u32] {
        &self.left_out
    }
}

/// Finds the equalities of an e-graph again.
///
/// # Errors
/// When that cannot be done: there are too many terms, the e-graph has no term for what it must have one, or two different constants
/// would be equal.
pub fn replay<I: ModuleInfo>(subject: &Subject<'_, I>) -> Result<Replayed, String> {
    let mut r = Replay {
        s: subject,
        closure: Closure::new(subject.before, subject.max_terms),
        terms: HashMap::new(),
        class_of: SecondaryMap::with_capacity(subject.before.values.len()),
    };
    let versions = r.versions()?;
    r.function()?;
    let (mut derived, mut left_out) = (0, Vec::new());
    for applied in subject.log {
        let rule = &subject.rules.rules[applied.rule as usize].rule;
        let followed = (subject.proved)(applied.rule)
            && r.terms_of(&applied.bound).is_some_and(|bound| rules::derive(&mut r.closure, rule, &bound));
        if followed {
            derived += 1;
        } else if !left_out.contains(&applied.rule) {
            left_out.push(applied.rule);
        }
        if let Some(why) = r.closure.failed() {
            return Err(why.to_owned());
        }
    }
    let mut licences = Vec::new();
    for change in subject.changes {
        let licence = (subject.proved)(change.rule).then(|| r.licence(change, &versions)).flatten();
        match licence {
            Some(licence) => licences.push(licence),
            None if !left_out.contains(&change.rule) => left_out.push(change.rule),
            None => {}
        }
    }
    left_out.sort_unstable();
    Ok(Replayed { closure: r.closure, class_of: r.class_of, versions, derived, left_out, licences })
}

struct Replay<'a, I> {
    s: &'a Subject<'a, I>,
    closure: Closure,
    /// Terms of the e-graph here.
    terms: HashMap<Id, Id>,
    class_of: SecondaryMap<Value, Option<Id>>,
}

impl<I: ModuleInfo> Replay<'_, I> {
    /// A term of the e-graph, as it was made. `None` if an operand of a term is not older than it.
    fn term(&mut self, id: Id) -> Option<Id> {
        let graph = &self.s.built.graph;
        let mut work = vec![id];
        while let Some(&at) = work.last() {
            if self.terms.contains_key(&at) {
                work.pop();
                continue;
            }
            let node = graph.id_to_node(at);
            if node.children.iter().any(|&c| c >= at) {
                return None;
            }
            let missing: SmallVec<[Id; 4]> =
                node.children.iter().copied().filter(|c| !self.terms.contains_key(c)).collect();
            if missing.is_empty() {
                let children = node.children.iter().map(|c| self.terms[c]);
                let made = self.closure.add(Node::new(node.head, children));
                self.terms.insert(at, made);
                work.pop();
            } else {
                work.extend(missing);
            }
        }
        self.terms.get(&id).copied()
    }

    /// The terms that a match binds. `None` if one of them cannot be had.
    fn terms_of(&mut self, bound: &[Option<Id>]) -> Option<SmallVec<[Option<Id>; 8]>> {
        bound.iter().map(|id| id.map_or(Some(None), |id| self.term(id).map(Some))).collect()
    }

    /// What allows a change: its rule matches what is at its place.
    fn licence(&mut self, change: &Change, versions: &[(VersionDef, Id)]) -> Option<Licence> {
        let at = match change.place {
            Place::Inst(i) if self.s.before.insts[i].op.kind() == Kind::MemoryGrow => self.grow(i)?,
            Place::Inst(i) => {
                versions.iter().find(|(def, _)| matches!(def, VersionDef::Inst(j, _) if *j == i))?.1
            }
            Place::End(b) => match self.s.before.term(b) {
                Terminator::Branch { cond, .. } => self.class_of[*cond]?,
                _ => return None,
            },
        };
        let rule = &self.s.rules.rules[change.rule as usize].rule;
        let bound = self.terms_of(&change.bound)?;
        let (left, operand) = rules::licence(&mut self.closure, rule, &bound)?;
        let op = rule.rhs.root_operator().map(|(op, ..)| op);
        let Change { place, outcome, .. } = *change;
        let is_there = self.closure.find(left) == self.closure.find(at);
        is_there.then_some(Licence { place, outcome, operand, op })
    }

    /// A `memory.grow` as a term, which no value is.
    fn grow(&mut self, i: Inst) -> Option<Id> {
        let f = self.s.before;
        let &Imm::Memory(m) = &f.insts[i].imm else { return None };
        let before = self.s.memory.before(i, Resource::size(m)).filter(|_| !self.s.info.is_shared(m))?;
        let state = self.term(self.s.built.added_version(before)?)?;
        let pages = self.class_of[*f.args(i).first()?]?;
        let imms = immediates(f.insts[i].op, &f.insts[i].imm)?;
        let node = self.over(Head::Op(f.insts[i].op), &imms, &[pages, state]);
        Some(self.closure.add(node))
    }

    /// What the versions are: a name that no other one has, or an effect, which the checker compares with its instruction.
    fn versions(&mut self) -> Result<Vec<(VersionDef, Id)>, String> {
        let added = self.s.built.added_versions(self.s.memory);
        let mut versions = Vec::with_capacity(added.len());
        let mut names = HashSet::new();
        for (def, id) in added {
            let node = self.s.built.graph.id_to_node(id);
            let good = match (node.head, def) {
                (Head::Version(n), _) => n != NEVER && names.insert(n),
                (Head::Op(_), VersionDef::Inst(i, _)) => {
                    let data = &self.s.before.insts[i];
                    match (data.op.kind(), data.imm) {
                        (Kind::MemoryCopy, Imm::MemCopy { src, .. }) => !self.s.info.is_shared(src),
                        (kind, _) => matches!(kind, Kind::Store | Kind::GlobalSet | Kind::MemoryFill),
                    }
                }
                _ => false,
            };
            if !good {
                return Err(format!("{def:?} is named by no state"));
            }
            let term = self.term(id).ok_or("a term with itself as an operand")?;
            versions.push((def, term));
        }
        Ok(versions)
    }

    /// The terms of the function's values.
    fn function(&mut self) -> Result<(), String> {
        let f = self.s.before;
        for b in reverse_postorder(f) {
            for &p in f.block_params(b) {
                self.class_of[p] = Some(self.closure.add(Node::leaf(Head::Leaf(p))));
            }
            for &i in &f.blocks[b].insts {
                let term = match f.results(i) {
                    [_] => self.instruction(i)?,
                    _ => None,
                };
                for &v in f.results(i) {
                    let leaf = self.closure.add(Node::leaf(Head::Leaf(v)));
                    if let Some(term) = term {
                        self.closure.unite(term, leaf);
                    }
                    self.class_of[v] = Some(leaf);
                }
            }
            if let Some(why) = self.closure.failed() {
                return Err(why.to_owned());
            }
        }
        Ok(())
    }

    /// The term that an instruction computes; `None` where it is only its own result.
    fn instruction(&mut self, i: Inst) -> Result<Option<Id>, String> {
        let f = self.s.before;
        let data = &f.insts[i];
        let mut args: SmallVec<[Id; 4]> = SmallVec::new();
        for &a in f.args(i) {
            args.push(self.class_of[a].ok_or("a use before its definition")?);
        }
        let imms = immediates(data.op, &data.imm);
        let node = match (data.op.kind(), &data.imm) {
            (Kind::Const, imm) => match Const::from_imm(imm) {
                Some(c) => Node::leaf(Head::Const(c)),
                None => Node::leaf(Head::Opaque(data.op, *imm)),
            },
            (Kind::Pure | Kind::Trap, imm) => match imms {
                Some(imms) => self.over(Head::Op(data.op), &imms, &args),
                None if data.op.kind() == Kind::Pure => Node::new(Head::Opaque(data.op, *imm), args),
                None => return Ok(None),
            },
            (Kind::GlobalGet, &Imm::Global(g)) if !self.s.info.is_mutable(g) => {
                let never = self.closure.add(Node::leaf(Head::Version(NEVER)));
                self.over(Head::Op(data.op), &imms.unwrap_or_default(), &[never])
            }
            // Whether that is the state that it reads the checker finds out.
            (_, imm) => {
                let unshared = |m| Some(m).filter(|&m| !self.s.info.is_shared(m));
                let resource = match (data.op.kind(), imm) {
                    (Kind::Load, _) => imm.memarg().and_then(|a| unshared(a.memory)).map(Resource::data),
                    (Kind::MemorySize, &Imm::Memory(m)) => unshared(m).map(Resource::size),
                    (Kind::GlobalGet, &Imm::Global(g)) => Some(Resource::global(g)),
                    _ => None,
                };
                let before = resource.and_then(|r| self.s.memory.before(i, r));
                let state = before.and_then(|v| self.s.built.added_version(v));
                let (Some(imms), Some(state)) = (imms, state) else { return Ok(None) };
                args.push(self.term(state).ok_or("a term with itself as an operand")?);
                self.over(Head::Op(data.op), &imms, &args)
            }
        };
        Ok(Some(self.closure.add(node)))
    }

    fn over(&mut self, head: Head, imms: &[u64], rest: &[Id]) -> Node {
        let mut children: SmallVec<[Id; 4]> =
            imms.iter().map(|&i| self.closure.add(Node::leaf(Head::Imm(i)))).collect();
        children.extend_from_slice(rest);
        Node { head, children }
    }
}

impl Equalities for Replayed {
    fn class(&self, v: Value) -> Id {
        self.closure.find(self.class_of[v].expect("every value of a live block has a term"))
    }

    fn find(&self, id: Id) -> Id {
        self.closure.find(id)
    }

    fn lookup(&self, node: Node) -> Option<Id> {
        self.closure.lookup(&node)
    }

    fn constant(&self, id: Id) -> Option<Const> {
        Facts::constant(&self.closure, id)
    }

    fn nonzero(&self, id: Id) -> bool {
        Facts::nonzero(&self.closure, id)
    }

    fn nonneg(&self, id: Id) -> bool {
        Facts::nonneg(&self.closure, id)
    }

    fn bases(&self, id: Id) -> SmallVec<[(Id, u64); 4]> {
        self.closure.sums(id)
    }
}
