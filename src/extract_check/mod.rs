//! Translation validation of extraction: the function after does what the function before did, given what the e-graph says
//! is equal.
//!
//! **In:** the function before extraction, the function that elaboration made (same blocks, before cleanup), which value of
//! the one each parameter and opaque result of the other stands for, and the saturated e-graph. **Out:** nothing, or why the
//! graph is refused. Nothing is shared with the extractor: not its choices, costs, bounds or tables, nor dominators
//! and memory SSA, on which it relies. What is derived anew:
//!
//! - **Values.** Each new instruction is looked up as a node of the e-graph over the classes of its operands; so every new
//!   value has a class, and each operand of an effect, edge and terminator must be in the class of the one before.
//!   Definitions dominate uses ([`crate::ir::verify::dominance`]).
//! - **Effects.** All that is not pure, a read or a division is there, once, in the same order with the same
//!   immediates and types. What may trap is in that order too, unless [`traps`] proves that it cannot.
//! - **States.** A read's node names a state; it is looked up with the one that is present where the read stands, by a
//!   dataflow over the effects of the function before ([`states`]). The same is done for the reads and writes of the function
//!   before, so that an error of memory SSA shows as well.
//! - **Control flow.** The same blocks and edges; a branch may be folded where the e-graph knows the constant, and turned
//!   round where it knows the condition to be the negation.
//!
//! Not derived anew: that two values of one class are equal (the rules' and the facts' business), and that a float operation
//! done twice gives the same NaN. Cleanup and removal of dead code, which follow, are left to [`crate::ir::verify`].
//!
//! Near linear, but for states (blocks times resources read, capped) and the search of proofs. Reference: Pnueli, Siegel,
//! Singerman, "Translation Validation" (TACAS 1998).

pub use equalities::Equalities;
pub use states::MAX_WORK;
pub(crate) use states::reverse_postorder;

mod control;
mod equalities;
pub mod skeleton;
mod states;
#[cfg(test)]
mod tests;
pub mod tidied;
mod traps;

use crate::analysis::memory_ssa::VersionDef;
use crate::egraph::build::{NEVER, immediates};
use crate::egraph::node::{Head, Node};
use crate::interp::Const;
use crate::ir::effects::{EffectSet, data_mask, effects, global_mask, size_mask};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::verify::dominance::Dominance;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use egg::Id;
use hashbrown::HashMap;
use smallvec::SmallVec;
use states::{State, States};
use traps::Proofs;

/// What is checked, and against what.
pub struct Subject<'a, I> {
    /// The function before extraction.
    pub before: &'a Function,
    /// What elaboration made of it.
    pub after: &'a Function,
    /// The value before that a parameter or an opaque result after stands for. A witness: it is checked.
    pub origin: &'a SecondaryMap<Value, PackedOption<Value>>,
    /// Which terms are equal: the saturated e-graph, or what [`crate::replay`] derives anew of it.
    pub equal: &'a dyn Equalities,
    /// What each version named in the e-graph is, with its class.
    pub versions: &'a [(VersionDef, Id)],
    /// Effects of calls; [`crate::ir::effects::effects`] for all else.
    pub effects: &'a dyn Fn(Op, &Imm) -> EffectSet,
    /// The module around it.
    pub info: &'a I,
    /// Blocks times resources times passes, at most.
    pub max_work: usize,
}

/// Why a graph is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is wrong, or cannot be followed.
    Wrong(String),
    /// It is too large to be followed.
    TooLarge,
}

type Outcome = Result<(), String>;

/// Checks an extracted function.
///
/// # Errors
/// When it is refused, with the reason.
pub fn check<I: ModuleInfo>(subject: &Subject<'_, I>) -> Result<(), Refusal> {
    let (f, g) = (subject.before, subject.after);
    let shape = f.entry == g.entry
        && f.params == g.params
        && f.results == g.results
        && f.blocks.len() == g.blocks.len()
        && f.block_params(f.entry).len() == g.block_params(g.entry).len();
    if !shape {
        return Err(Refusal::Wrong("another signature or other blocks".into()));
    }
    let (order, new_order) = (reverse_postorder(f), reverse_postorder(g));
    if let Some(b) = new_order.iter().find(|&&b| g.blocks[b].term.is_none() || f.blocks[b].term.is_none()) {
        return Err(Refusal::Wrong(format!("{b} has no end")));
    }
    let mut checker = Checker::new(subject, &order)?;
    checker.run(&order, &new_order).map_err(Refusal::Wrong)
}

/// The classes that a value is in.
type Classes = SmallVec<[Id; 1]>;

/// Most ways to name the operands of one instruction that are tried.
const MAX_NAMES: usize = 16;

/// The classes of a list of values of the function before.
fn classes(equal: &dyn Equalities, values: &[Value]) -> SmallVec<[Id; 4]> {
    values.iter().map(|&v| equal.class(v)).collect()
}

/// The classes in the e-graph that name each state of each resource.
type Named = HashMap<(u128, State), SmallVec<[Id; 1]>>;

fn named<I>(s: &Subject<'_, I>, states: &States<'_>) -> Named {
    let mut named = Named::new();
    for &(def, class) in s.versions {
        let bit = def.resource().mask();
        let state = match def {
            VersionDef::Entry(_) => Some(State::Entry),
            VersionDef::Inst(i, _) => Some(State::Inst(i)),
            VersionDef::Term(b, _) => Some(State::Term(b)),
            VersionDef::Phi(b, _) => states.at_start(b).and_then(|row| states.of(row, bit)),
        };
        if let Some(state) = state {
            let list = named.entry((bit, state)).or_default();
            let class = s.equal.find(class);
            if !list.contains(&class) {
                list.push(class);
            }
        }
    }
    named
}

struct Checker<'a, I> {
    s: &'a Subject<'a, I>,
    f: &'a Function,
    g: &'a Function,
    states: States<'a>,
    proofs: Proofs<'a, I>,
    named: Named,
    /// Dominance in the function after.
    dom: Dominance,
    /// Classes and block of each value after, once its definition was seen. A read has several where a state has several
    /// names.
    class: SecondaryMap<Value, Classes>,
    home: SecondaryMap<Value, PackedOption<Block>>,
    /// How many effects stand before each instruction in its block of the function before.
    gap: SecondaryMap<Inst, Option<(Block, u32)>>,
}

/// How an instruction has to reappear.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Wherever its operands are.
    Pure,
    /// Where the state that it reads is present, and where it cannot trap, or in its place.
    Read,
    /// In its place.
    Effect,
}

fn role(op: Op) -> Role {
    match op.kind() {
        Kind::Const | Kind::Pure => Role::Pure,
        Kind::Trap | Kind::Load | Kind::GlobalGet | Kind::MemorySize => Role::Read,
        _ => Role::Effect,
    }
}

impl<'a, I: ModuleInfo> Checker<'a, I> {
    /// `order` has dominators first.
    fn new(subject: &'a Subject<'a, I>, order: &[Block]) -> Result<Self, Refusal> {
        let (f, g) = (subject.before, subject.after);
        let read = order.iter().flat_map(|&b| &f.blocks[b].insts).fold(0, |all, &i| {
            let data = &f.insts[i];
            let is_call = matches!(data.op.kind(), Kind::Call | Kind::Atomic) || data.op.is_pure();
            if is_call {
                all
            } else {
                all | effects(data.op, &data.imm).reads | effects(data.op, &data.imm).writes
            }
        });
        let states =
            States::compute(f, order, read, subject.effects, subject.max_work).ok_or(Refusal::TooLarge)?;
        Ok(Checker {
            s: subject,
            f,
            g,
            proofs: Proofs::collect(f, order, subject.equal, subject.info),
            named: named(subject, &states),
            states,
            dom: Dominance::compute(g),
            class: SecondaryMap::with_capacity(g.values.len()),
            home: SecondaryMap::with_capacity(g.values.len()),
            gap: SecondaryMap::with_capacity(f.insts.len()),
        })
    }

    fn run(&mut self, order: &[Block], new_order: &[Block]) -> Outcome {
        for &b in order {
            self.old_block(b)?;
        }
        for &b in new_order {
            self.params(b)?;
        }
        for &b in new_order {
            self.block(b).map_err(|e| format!("{b}: {e}"))?;
        }
        Ok(())
    }

    /// The reads and writes of the function before name the states that are present there.
    fn old_block(&mut self, b: Block) -> Outcome {
        let f = self.f;
        let mut row = self.states.at_start(b).ok_or("block without states")?.to_vec();
        let mut gap = 0;
        for &i in &f.blocks[b].insts {
            self.gap[i] = Some((b, gap));
            let data = &f.insts[i];
            let args = classes(self.s.equal, f.args(i));
            let resource = self.resource(data.op, &data.imm);
            let expected: Classes = match data.op.kind() {
                Kind::Load | Kind::MemorySize | Kind::GlobalGet => {
                    f.result(i).map(|v| self.s.equal.class(v)).into_iter().collect()
                }
                // The e-graph does not look into what comes out of a shared memory.
                Kind::MemoryCopy if self.reads_shared(&data.imm) => Classes::new(),
                Kind::Store | Kind::GlobalSet | Kind::MemoryCopy | Kind::MemoryFill => {
                    resource.map_or_else(Classes::new, |bit| self.made(bit, i))
                }
                _ => Classes::new(),
            };
            let followed = resource.and_then(|bit| self.states.of(&row, bit)).is_some();
            if !expected.is_empty()
                && followed
                && !self.s.versions.is_empty()
                && !self.nodes(data.op, &data.imm, &args, &row).any(|found| expected.contains(&found))
            {
                return Err(format!("{b}: {i} does not name the state that it finds"));
            }
            self.states.write(f, i, &mut row);
            gap += u32::from(role(data.op) == Role::Effect);
        }
        Ok(())
    }

    /// Whether a copy reads a memory that other threads write.
    fn reads_shared(&self, imm: &Imm) -> bool {
        matches!(*imm, Imm::MemCopy { src, .. } if self.s.info.is_shared(src))
    }

    /// The names of the state that an instruction makes, where the e-graph has any.
    fn made(&self, bit: u128, i: Inst) -> Classes {
        self.named.get(&(bit, State::Inst(i))).cloned().unwrap_or_default()
    }

    /// The resource whose state decides what an operator gives or makes, if the e-graph looks into it.
    fn resource(&self, op: Op, imm: &Imm) -> Option<u128> {
        let unshared = |m| Some(m).filter(|&m| !self.s.info.is_shared(m));
        match (op.kind(), imm) {
            (Kind::Load | Kind::Store, _) => imm.memarg().and_then(|a| unshared(a.memory)).map(data_mask),
            (Kind::MemorySize, &Imm::Memory(m)) => unshared(m).map(size_mask),
            (Kind::MemoryFill, &Imm::Memory(m)) => unshared(m).map(data_mask),
            (Kind::MemoryCopy, &Imm::MemCopy { dst, .. }) => unshared(dst).map(data_mask),
            (Kind::GlobalGet | Kind::GlobalSet, &Imm::Global(g)) => {
                Some(global_mask(g)).filter(|_| self.s.info.is_mutable(g))
            }
            _ => None,
        }
    }

    /// The classes of an operator on operands of these classes, in these states. There may be several names for a state.
    fn nodes(&self, op: Op, imm: &Imm, args: &[Id], row: &[State]) -> impl Iterator<Item = Id> + use<'_, I> {
        let graph = self.s.equal;
        let mut made: SmallVec<[Node; 1]> = SmallVec::new();
        let imms = immediates(op, imm);
        let imms: Option<SmallVec<[Id; 4]>> = imms.and_then(|list| {
            list.iter().map(|&i| graph.lookup(Node::leaf(Head::Imm(i)))).collect::<Option<_>>()
        });
        let with = |versions: &[Id]| {
            imms.as_ref()
                .map(|imms| Node::new(Head::Op(op), imms.iter().chain(args).chain(versions).copied()))
        };
        let present = |bit: Option<u128>| -> &[Id] {
            let state = bit.and_then(|bit| Some((bit, self.states.of(row, bit)?)));
            state.and_then(|at| self.named.get(&at)).map_or(&[][..], SmallVec::as_slice)
        };
        match (op.kind(), imm) {
            (Kind::Const, _) => made.push(Node::leaf(match Const::from_imm(imm) {
                Some(c) => Head::Const(c),
                None => Head::Opaque(op, *imm),
            })),
            (Kind::Pure, _) if immediates(op, imm).is_none() => {
                made.push(Node::new(Head::Opaque(op, *imm), args.iter().copied()));
            }
            (Kind::Pure | Kind::Trap, _) => made.extend(with(&[])),
            (Kind::GlobalGet, &Imm::Global(g)) if !self.s.info.is_mutable(g) => {
                made.extend(graph.lookup(Node::leaf(Head::Version(NEVER))).and_then(|never| with(&[never])));
            }
            (Kind::MemoryCopy, &Imm::MemCopy { src, .. }) => {
                let source = Some(src).filter(|&m| !self.s.info.is_shared(m)).map(data_mask);
                for &before in present(self.resource(op, imm)) {
                    made.extend(present(source).iter().filter_map(|&read| with(&[before, read])));
                }
            }
            _ => made.extend(present(self.resource(op, imm)).iter().filter_map(|&v| with(&[v]))),
        }
        made.into_iter().filter_map(|node| graph.lookup(node))
    }

    /// The parameters of a block are some of those before, in the same order.
    fn params(&mut self, b: Block) -> Outcome {
        let mut next = 0;
        for &p in self.g.block_params(b) {
            let wrong = || format!("{b}: parameter {p} is none of the input's");
            let o = self.s.origin[p].expand().ok_or_else(wrong)?;
            match self.f.values[o].def {
                ValueDef::Param(home, n) if home == b && n >= next && self.f.ty(o) == self.g.ty(p) => {
                    next = n + 1
                }
                _ => return Err(wrong()),
            }
            self.class[p] = Classes::from_slice(&[self.s.equal.class(o)]);
            self.home[p] = Some(b).into();
        }
        Ok(())
    }

    /// The classes of a value used in a block.
    fn used(&self, v: Value, b: Block) -> Result<&Classes, String> {
        match self.home[v].expand() {
            Some(home) if home == b || self.dom.dominates(home, b) => Ok(&self.class[v]),
            _ => Err(format!("{v} is used where it is not defined")),
        }
    }

    fn block(&mut self, b: Block) -> Outcome {
        let (f, g) = (self.f, self.g);
        let old = &f.blocks[b].insts;
        let mut row = self.states.at_start(b).ok_or("not a block of the input")?.to_vec();
        // How many instructions of the block before are accounted for, and how many effects among them.
        let (mut at, mut gap) = (0, 0);
        for &n in &g.blocks[b].insts {
            let data = &g.insts[n];
            let mut args: SmallVec<[Classes; 4]> = SmallVec::new();
            for &a in g.args(n) {
                args.push(self.used(a, b)?.clone());
            }
            let role = role(data.op);
            if role != Role::Pure {
                at = self.skip(old, at);
            }
            let matching = old.get(at).copied().filter(|&i| role != Role::Pure && self.same(i, n, &args));
            let found = match (role, matching) {
                (Role::Effect, None) => {
                    return Err(format!("{n} is not the effect of the input that comes next"));
                }
                (_, Some(i)) => Some(i),
                (Role::Read, None) if !self.is_safe(data.op, &data.imm, &args, (b, at as u32)) => {
                    return Err(format!("{n} may trap where the input does not"));
                }
                _ => None,
            };
            let results: SmallVec<[Classes; 2]> = match found {
                Some(i) => {
                    at += 1;
                    gap += u32::from(role == Role::Effect);
                    self.states.write(f, i, &mut row);
                    classes(self.s.equal, f.results(i))
                        .into_iter()
                        .map(|c| Classes::from_slice(&[c]))
                        .collect()
                }
                None => self.computed(n, &args, &row, (b, gap))?,
            };
            for (&v, class) in g.results(n).iter().zip(results) {
                if self.home[v].is_some() {
                    return Err(format!("{v} is defined twice"));
                }
                self.class[v] = class;
                self.home[v] = Some(b).into();
            }
        }
        let at = self.skip(old, at);
        if let Some(i) = old.get(at) {
            return Err(format!("{i} of the input is missing"));
        }
        self.terminator(b)
    }

    /// Past what need not reappear.
    fn skip(&self, old: &[Inst], mut at: usize) -> usize {
        while let Some(&i) = old.get(at) {
            let op = self.f.insts[i].op;
            let needed = match role(op) {
                Role::Pure => false,
                Role::Read => matches!(op.kind(), Kind::Load | Kind::Trap) && !self.proofs.cannot[i],
                Role::Effect => true,
            };
            if needed {
                break;
            }
            at += 1;
        }
        at
    }

    /// Whether a read or division cannot trap at a place of the function before.
    fn is_safe(&self, op: Op, imm: &Imm, args: &[Classes], place: (Block, u32)) -> bool {
        combinations(args).any(|args| self.proofs.cannot_trap(op, imm, &args, place))
    }

    /// Whether two instructions do the same.
    fn same(&self, i: Inst, n: Inst, args: &[Classes]) -> bool {
        let (f, g) = (self.f, self.g);
        let (p, q) = (&f.insts[i], &g.insts[n]);
        let old = classes(self.s.equal, f.args(i));
        p.op == q.op
            && p.imm.is_alike(&q.imm)
            && old.len() == args.len()
            && old.iter().zip(args).all(|(class, list)| list.contains(class))
            && f.results(i).iter().map(|&v| f.ty(v)).eq(g.results(n).iter().map(|&v| g.ty(v)))
    }

    /// The classes of what an instruction without a partner gives: it is a node, or the witness says what it repeats.
    fn computed(
        &self,
        n: Inst,
        args: &[Classes],
        row: &[State],
        place: (Block, u32),
    ) -> Result<SmallVec<[Classes; 2]>, String> {
        let (f, g) = (self.f, self.g);
        let data = &g.insts[n];
        if g.results(n).len() == 1 {
            let mut found = Classes::new();
            for args in combinations(args) {
                for class in self.nodes(data.op, &data.imm, &args, row) {
                    if !found.contains(&class) {
                        found.push(class);
                    }
                }
            }
            if !found.is_empty() {
                return Ok(SmallVec::from_iter([found]));
            }
        }
        let first = g.results(n).first().and_then(|&v| self.s.origin[v].expand());
        let from = first.and_then(|v| f.def_inst(v)).filter(|&i| {
            let placed = role(data.op) == Role::Pure || self.gap[i] == Some(place);
            placed && self.same(i, n, args)
        });
        match from {
            Some(i) => {
                Ok(f.results(i).iter().map(|&v| Classes::from_slice(&[self.s.equal.class(v)])).collect())
            }
            None => Err(format!("{n} ({}) is nothing that the e-graph has in this state", data.op.name())),
        }
    }

    /// Whether values used in a block are of the classes of these values before.
    fn same_values(&self, new: &[Value], old: &[Value], b: Block) -> Outcome {
        if new.len() != old.len() {
            return Err("another number of values".into());
        }
        for (&v, &o) in new.iter().zip(old) {
            if !self.used(v, b)?.contains(&self.s.equal.class(o)) {
                return Err(format!("{v} is not {o} of the input"));
            }
        }
        Ok(())
    }

    fn operands(&self, b: Block, s: &Terminator, t: &Terminator) -> Outcome {
        self.same_values(t.operands(&self.g.pool), s.operands(&self.f.pool), b)
    }
}

/// The ways to name operands, the first ones.
fn combinations(args: &[Classes]) -> impl Iterator<Item = SmallVec<[Id; 4]>> + use<'_> {
    let all = args.iter().map(|list| list.len()).try_fold(1usize, usize::checked_mul).unwrap_or(MAX_NAMES);
    (0..all.min(MAX_NAMES)).map(move |mut n| {
        args.iter()
            .map(|list| {
                let id = list[n % list.len()];
                n /= list.len();
                id
            })
            .collect()
    })
}
