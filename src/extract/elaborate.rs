//! Elaboration: the function is built anew along the dominator tree, each class computed where its original instruction
//! stood or where it is first used.

use super::choose::{Choice, is_placed};
use super::{Context, Elaborated, ExtractError};
use crate::analysis::memory_ssa::Resource;
use crate::chaos::Chaos;
use crate::cost::const_bytes;
use crate::egraph::bounds::Bounds;
use crate::egraph::build::immediate;
use crate::egraph::node::{Head, Node};
use crate::interp::Const;
use crate::ir::entity::{Block, GlobalId, Inst, MemoryId, Value};
use crate::ir::function::{Edge, Function, Handler, Terminator, ValueDef};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, ImmKind, Kind, Op, SigType, Signature};
use crate::ir::types::Type;
use crate::rules::shape;
use cranelift_entity::{EntityRef, SecondaryMap};
use egg::Id;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::rc::Rc;

/// How deep an expression may be that is computed at one place; deeper ones have their parts elsewhere.
pub const MAX_DEPTH: u32 = 100;
/// Most attempts for one place of use.
pub const MAX_STEPS: u32 = 2_000;
/// Most attempts for one function, beyond which only the first few nodes of a class are tried.
pub const MAX_ATTEMPTS: u32 = 20_000_000;
/// Attempts for one place of use once [`MAX_ATTEMPTS`] are made.
const FEW_STEPS: u32 = 16;
/// How many places above are looked at, where an expression may be computed at any of them.
const MAX_ABOVE: usize = 32;
/// Classes that cost at most this much are computed again rather than kept.
const CHEAP: u64 = 4;

/// Where a class's value can be read.
type Places = SmallVec<[(Block, Value); 2]>;

pub(super) struct Elaborator<'a, I> {
    cx: &'a Context<'a, I>,
    choice: &'a Choice<'a>,
    removable: &'a SecondaryMap<Inst, bool>,
    /// Where choices of places come from.
    chaos: Chaos,
    bounds: Bounds<'a, I>,
    /// The function being built; its blocks have the numbers of the original's.
    out: Function,
    /// The value that stands for an original leaf: a kept parameter or a result of the skeleton.
    placed: SecondaryMap<Value, Option<Value>>,
    /// Values of classes, the latest last.
    available: HashMap<Id, Places>,
    /// Block of each new value.
    homes: SecondaryMap<Value, Option<Block>>,
    /// The nodes tried for each class, computed once.
    candidates: HashMap<Id, Rc<[(u64, Node)]>>,
    /// Classes bound and leaves placed since the start of an attempt, to take them back.
    journal: Vec<(Id, Option<Value>)>,
    /// Uses of each original value, for constants that the input shared.
    uses: SecondaryMap<Value, u32>,
    block: Block,
    /// The original instruction being replaced, and its position for questions about versions.
    at: Option<Inst>,
    steps: u32,
    /// All steps of the function.
    attempts: u32,
    too_deep: bool,
    too_many_steps: bool,
}

impl<'a, I: ModuleInfo> Elaborator<'a, I> {
    pub(super) fn new(
        cx: &'a Context<'a, I>,
        choice: &'a Choice<'a>,
        removable: &'a SecondaryMap<Inst, bool>,
        chaos: Chaos,
    ) -> Self {
        let f = cx.f;
        let mut out = Function::new(f.id, f.params.clone(), f.results.clone());
        while out.blocks.len() < f.blocks.len() {
            out.add_block();
        }
        out.layout = f.layout.clone();
        let mut uses: SecondaryMap<Value, u32> = SecondaryMap::with_capacity(f.values.len());
        for &b in &f.layout {
            let term = f.term(b);
            let insts = f.blocks[b].insts.iter().flat_map(|&i| f.args(i));
            let edges = term.edges().flat_map(|e| f.edge_args(e));
            for &v in insts.chain(term.operands(&f.pool)).chain(edges) {
                uses[v] += 1;
            }
        }
        Elaborator {
            cx,
            choice,
            removable,
            chaos,
            bounds: Bounds::new(&cx.built.graph, cx.info, cx.dom),
            out,
            placed: SecondaryMap::with_capacity(f.values.len()),
            available: HashMap::new(),
            homes: SecondaryMap::new(),
            candidates: HashMap::new(),
            journal: Vec::new(),
            uses,
            block: f.entry,
            at: None,
            steps: 0,
            attempts: 0,
            too_deep: false,
            too_many_steps: false,
        }
    }

    /// Builds the whole function.
    pub(super) fn run(mut self) -> Result<Elaborated, ExtractError> {
        self.params();
        let mut work = vec![self.cx.f.entry];
        while let Some(b) = work.pop() {
            self.block(b)?;
            work.extend(self.cx.dom.children(b).iter().rev());
        }
        let mut origin = SecondaryMap::with_capacity(self.out.values.len());
        for v in self.cx.f.values.keys() {
            if let Some(new) = self.placed[v] {
                origin[new] = Some(v).into();
            }
        }
        Ok(Elaborated { f: self.out, origin, too_deep: self.too_deep, too_many_steps: self.too_many_steps })
    }

    fn class(&self, v: Value) -> Id {
        self.cx.built.class(v)
    }

    /// Number of parameters of each block that edges produce.
    fn produced(&self) -> SecondaryMap<Block, usize> {
        let f = self.cx.f;
        let mut produced: SecondaryMap<Block, usize> = SecondaryMap::new();
        for &b in &f.layout {
            for e in f.term(b).edges() {
                produced[e.block] = produced[e.block].max(f.produced(e));
            }
        }
        produced
    }

    /// Gives the blocks those of their parameters that are needed.
    fn params(&mut self) {
        let f = self.cx.f;
        let produced = self.produced();
        for &b in &f.layout {
            for (i, &p) in f.block_params(b).iter().enumerate() {
                let new = if b == f.entry {
                    self.out.block_params(b)[i]
                } else if i < produced[b] || produced[b] > 0 || self.choice.is_param_needed(p) {
                    self.out.add_param(b, f.ty(p))
                } else {
                    continue;
                };
                self.out.values[new].hint = f.values[p].hint;
                self.placed[p] = Some(new);
            }
        }
    }

    fn block(&mut self, b: Block) -> Result<(), ExtractError> {
        let f = self.cx.f;
        self.block = b;
        for &p in f.block_params(b) {
            if let Some(new) = self.placed[p] {
                self.bind(self.class(p), b, new);
            }
        }
        for &inst in &f.blocks[b].insts {
            self.at = Some(inst);
            self.inst(inst)?;
            self.bounds.executed(f, self.cx.built, b, inst);
        }
        self.at = None;
        let term = self.terminator(f.term(b))?;
        self.out.blocks[b].term = Some(term);
        Ok(())
    }

    fn bind(&mut self, class: Id, block: Block, v: Value) {
        self.available.entry(class).or_default().push((block, v));
        self.journal.push((class, None));
    }

    /// The latest value of a class that can be read in the current block.
    fn lookup(&mut self, class: Id) -> Option<Value> {
        let places = self.available.get_mut(&class)?;
        if self.chaos.is_on() {
            let mut legal = places.iter().rev().filter(|(b, _)| self.cx.dom.dominates(*b, self.block));
            let n = legal.clone().count();
            let which = self.chaos.pick("which of equal values", (class, self.block), n, 0);
            return legal.nth(which).map(|&(_, v)| v);
        }
        // The walk is in preorder: what does not dominate this block will not dominate a later one, and goes for good.
        while places.last().is_some_and(|&(b, _)| !self.cx.dom.dominates(b, self.block)) {
            places.pop();
        }
        places.last().map(|&(_, v)| v)
    }

    fn inst(&mut self, inst: Inst) -> Result<(), ExtractError> {
        let f = self.cx.f;
        let data = &f.insts[inst];
        let results = f.results(inst);
        let pure = data.op.is_pure();
        if !pure && !self.removable[inst] {
            return self.keep(inst);
        }
        if results.len() != 1 {
            // Several results, no effect: all or nothing.
            return if results.iter().any(|&r| self.choice.is_needed(self.class(r))) {
                self.keep(inst)
            } else {
                Ok(())
            };
        }
        let class = self.class(results[0]);
        if let Some(c) = self.choice.constant(class) {
            // Constants are made where they are used, unless the input shared a long one.
            let share = self.uses[results[0]] > 1 && const_bytes(c) > 3;
            if data.op.is_const()
                && self.chaos.flip("share a constant", inst, share)
                && self.choice.is_needed(class)
            {
                let v = self.constant(c);
                self.out.values[v].hint = f.values[results[0]].hint;
                self.bind(class, self.block, v);
            }
            return Ok(());
        }
        if !self.choice.is_needed(class) {
            return Ok(());
        }
        let again = !self.removable[inst]
            && is_exact(f.ty(results[0]))
            && self.chaos.flip("compute again", inst, self.choice.cost(class) <= CHEAP);
        if !again && self.lookup(class).is_some() {
            return Ok(());
        }
        let later = match self.removable[inst] {
            true => self.chaos.rarely("leave a read to its uses", inst, false),
            false => self.chaos.flip("leave to the uses", inst, false),
        };
        if later {
            return Ok(());
        }
        self.steps = 0;
        match self.compute(class, 0) {
            Some(v) => {
                if let Some(new) = self.out.def_inst(v)
                    && self.out.values[v].hint.is_none()
                    && self.out.blocks[self.block].insts.last() == Some(&new)
                {
                    self.out.values[v].hint = f.values[results[0]].hint;
                }
                Ok(())
            }
            None => self.keep(inst),
        }
    }

    /// Emits an instruction as it is, on the new values of its operands.
    fn keep(&mut self, inst: Inst) -> Result<(), ExtractError> {
        let f = self.cx.f;
        let mut args: SmallVec<[Value; 4]> = SmallVec::new();
        for &a in f.args(inst) {
            args.push(self.operand(a)?);
        }
        let types: SmallVec<[Type; 2]> = f.results(inst).iter().map(|&r| f.ty(r)).collect();
        let data = &f.insts[inst];
        let new = self.emit(self.block, data.op, data.imm, &args, &types);
        for (i, &r) in f.results(inst).iter().enumerate() {
            let v = self.out.results(new)[i];
            self.out.values[v].hint = f.values[r].hint;
            self.placed[r] = Some(v);
            if self.choice.constant(self.class(r)).is_none() {
                self.bind(self.class(r), self.block, v);
            }
        }
        Ok(())
    }

    /// The new value for an original operand at the current place.
    fn operand(&mut self, v: Value) -> Result<Value, ExtractError> {
        let class = self.class(v);
        self.steps = 0;
        match self.value(class, 0) {
            Some(new) => Ok(new),
            None => self.original(v, 0),
        }
    }

    /// Computes a value as the original function did, where nothing else worked.
    fn original(&mut self, v: Value, depth: u32) -> Result<Value, ExtractError> {
        if let Some(new) = self.placed[v] {
            return Ok(new);
        }
        let f = self.cx.f;
        let ValueDef::Result(inst, 0) = f.values[v].def else {
            return Err(ExtractError::Unavailable(v));
        };
        let data = &f.insts[inst];
        if depth > self.cx.caps.expression_depth || !data.op.is_pure() || f.results(inst).len() != 1 {
            return Err(ExtractError::Unavailable(v));
        }
        let mut args: SmallVec<[Value; 4]> = SmallVec::new();
        for &a in f.args(inst) {
            let class = self.class(a);
            self.steps = 0;
            args.push(match self.value(class, 0) {
                Some(new) => new,
                None => self.original(a, depth + 1)?,
            });
        }
        let new = self.emit(self.block, data.op, data.imm, &args, &[f.ty(v)]);
        let result = self.out.results(new)[0];
        self.bind(self.class(v), self.block, result);
        Ok(result)
    }

    fn constant(&mut self, c: Const) -> Value {
        let (op, imm) = c.to_op();
        let inst = self.emit(self.block, op, imm, &[], &[c.ty()]);
        self.out.results(inst)[0]
    }

    /// A value of the class at the current place: one that is there already, or a new one.
    fn value(&mut self, class: Id, depth: u32) -> Option<Value> {
        let class = self.cx.built.graph.find(class);
        let fact = &self.cx.built.graph[class].data;
        let found = self.lookup(class);
        let again = || {
            fact.ty.is_some_and(is_exact)
                && self.chaos.rarely("compute again at a use", (class, self.block, depth), false)
        };
        if found.is_some() && !again() {
            return found;
        }
        if let Some(c) = self.choice.constant(class) {
            return Some(self.constant(c));
        }
        let constant = fact.constant;
        self.compute(class, depth).or(found).or_else(|| constant.map(|c| self.constant(c)))
    }

    /// Computes a class at the current place by the cheapest node that works here.
    fn compute(&mut self, class: Id, depth: u32) -> Option<Value> {
        if depth > self.cx.caps.expression_depth {
            self.too_deep = true;
            return None;
        }
        // A leaf that was chosen is there already, unless it is a read that has to be done here.
        if self.choice.is_leaf(class)
            && let Some(v) = self.lookup(class)
        {
            return Some(v);
        }
        let others = match self.candidates.get(&class) {
            Some(list) => Rc::clone(list),
            None => {
                let list: Rc<[(u64, Node)]> = self.choice.candidates(class).into();
                self.candidates.insert(class, Rc::clone(&list));
                list
            }
        };
        // Of the other leaves, only the read at this very place is a way to have the value.
        let here = self.at.filter(|&i| self.removable[i]).and_then(|i| self.cx.f.result(i));
        let here = here.filter(|&v| self.class(v) == class).map(|v| Node::leaf(Head::Leaf(v)));
        let at = here.as_ref().map_or(0, |leaf| {
            let cost = self.choice.leaf_cost(class, leaf);
            others.partition_point(|(c, _)| *c < cost)
        });
        let (cheaper, dearer) = others.split_at(at);
        let nodes = cheaper.iter().map(|(_, n)| n).chain(here.as_ref()).chain(dearer.iter().map(|(_, n)| n));
        for node in nodes {
            self.steps += 1;
            self.attempts += 1;
            let caps = &self.cx.caps;
            let most =
                if self.attempts > caps.expression_attempts { FEW_STEPS } else { caps.expression_steps };
            if self.steps > most {
                self.too_many_steps = true;
                return None;
            }
            let (mark, insts) = (self.journal.len(), self.out.blocks[self.block].insts.len());
            if let Some(v) = self.node(class, node, depth) {
                return Some(v);
            }
            for (class, leaf) in self.journal.drain(mark..) {
                if let Some(places) = self.available.get_mut(&class) {
                    places.pop();
                }
                if let Some(leaf) = leaf {
                    self.placed[leaf] = None;
                }
            }
            self.out.blocks[self.block].insts.truncate(insts);
        }
        None
    }

    fn node(&mut self, class: Id, node: &Node, depth: u32) -> Option<Value> {
        let f = self.cx.f;
        let (op, imm, operands): (Op, Imm, SmallVec<[Id; 4]>) = match node.head {
            Head::Leaf(v) => {
                if let Some(new) = self.placed[v] {
                    let home = self.home(new);
                    return self.cx.dom.dominates(home, self.block).then_some(new);
                }
                let ValueDef::Result(inst, _) = f.values[v].def else { return None };
                if self.at != Some(inst) || !self.removable[inst] {
                    return None;
                }
                // The instruction's own place: it can always be done here.
                let args = f.args(inst).iter().map(|&a| self.class(a)).collect();
                (f.insts[inst].op, f.insts[inst].imm, args)
            }
            Head::Opaque(op, imm) if op.is_pure() => (op, imm, node.children.clone()),
            Head::Op(op) => {
                let shape = shape(op)?;
                if is_placed(node) && !self.may_read(op, node, self.block, self.at) {
                    return None;
                }
                let graph = &self.cx.built.graph;
                let mut imms: SmallVec<[u64; 4]> = SmallVec::new();
                for &c in &node.children[..shape.imms.len()] {
                    imms.push(graph[graph.find(c)].data.imm?);
                }
                let operands = &node.children[shape.imms.len()..shape.imms.len() + shape.operands];
                (op, immediate(op, &imms)?, operands.into())
            }
            _ => return None,
        };
        let mut args: SmallVec<[Value; 4]> = SmallVec::new();
        for &c in &operands {
            args.push(self.value(c, depth + 1)?);
        }
        let ty = self.result_type(class, op, &args)?;
        let block = self.hoist(op, node, &mut args);
        let inst = self.emit(block, op, imm, &args, &[ty]);
        let v = self.out.results(inst)[0];
        self.bind(class, block, v);
        if let Head::Leaf(original) = node.head {
            self.placed[original] = Some(v);
            if let Some(last) = self.journal.last_mut() {
                last.1 = Some(original);
            }
        }
        Some(v)
    }

    fn emit(&mut self, block: Block, op: Op, imm: Imm, args: &[Value], types: &[Type]) -> Inst {
        let inst = self.out.append(block, op, imm, args, types);
        for &v in self.out.results(inst) {
            self.homes[v] = Some(block);
        }
        inst
    }

    /// The block that a new value is defined in.
    fn home(&self, new: Value) -> Block {
        match self.out.values[new].def {
            ValueDef::Param(b, _) => b,
            ValueDef::Result(..) => self.homes[new].unwrap_or(self.block),
        }
    }

    /// Where an expression is computed: here or, when time counts and it takes some, before the outermost loop in which its
    /// operands do not change. Constants among the operands are made anew there.
    fn hoist(&mut self, op: Op, node: &Node, args: &mut [Value]) -> Block {
        let (dom, loops) = (self.cx.dom, self.cx.loops);
        let mut block = self.block;
        if op.is_pure() && self.cx.costs.hoists(op) {
            while let Some(header) = loops.innermost(block) {
                let Some(before) = dom.idom(header) else { break };
                let enters = matches!(self.cx.f.term(before), Terminator::Jump(e) if e.block == header);
                if !enters || !self.can_hoist(args, before) {
                    break;
                }
                block = before;
            }
        }
        if self.chaos.is_on() {
            let above = self.dominators(op, node, args);
            let usual = above.iter().position(|&b| b == block).unwrap_or(0);
            block = above[self.chaos.pick("how early", (node, self.block), above.len(), usual)];
        }
        if block != self.block {
            for a in args.iter_mut() {
                if let Some(i) = self.out.def_inst(*a).filter(|&i| self.out.insts[i].op.is_const()) {
                    let (op, imm, ty) = (self.out.insts[i].op, self.out.insts[i].imm, self.out.ty(*a));
                    let copy = self.emit(block, op, imm, &[], &[ty]);
                    *a = self.out.results(copy)[0];
                }
            }
        }
        block
    }

    /// Whether operands can be had at the end of a block above.
    fn can_hoist(&self, args: &[Value], block: Block) -> bool {
        let is_constant = |v: Value| self.out.def_inst(v).is_some_and(|i| self.out.insts[i].op.is_const());
        args.iter().all(|&a| is_constant(a) || self.cx.dom.dominates(self.home(a), block))
    }

    /// This block and those above at whose ends an expression on these operands can be computed as well.
    fn dominators(&mut self, op: Op, node: &Node, args: &[Value]) -> SmallVec<[Block; 4]> {
        let mut list: SmallVec<[Block; 4]> = SmallVec::from_slice(&[self.block]);
        // A leaf is an instruction done in its own place.
        while list.len() < MAX_ABOVE
            && !matches!(node.head, Head::Leaf(_))
            && let Some(above) = list.last().and_then(|&b| self.cx.dom.idom(b))
            && self.can_hoist(args, above)
            && (!is_placed(node) || self.may_read(op, node, above, None))
        {
            list.push(above);
        }
        list
    }

    fn result_type(&self, class: Id, op: Op, args: &[Value]) -> Option<Type> {
        match op.info().signature {
            Signature::Fixed { results: [SigType::Is(t)], .. } => Some(*t),
            // References may have a wider type than the arm: only the original instruction knows it.
            Signature::Fixed { results: [_], .. } if op == Op::Select => {
                Some(self.out.ty(args[0])).filter(|t| !matches!(t, Type::Ref(_)))
            }
            _ => self.cx.built.graph[class].data.ty,
        }
    }

    /// Whether a read may be done at a place (before `at`, else at the end of the block): what it reads is in the state that
    /// it names, and it cannot trap.
    fn may_read(&mut self, op: Op, node: &Node, block: Block, at: Option<Inst>) -> bool {
        let cx = self.cx;
        let graph = &cx.built.graph;
        let imm = |i: usize| graph[graph.find(node.children[i])].data.imm;
        let resource = match op.kind() {
            Kind::Load => imm(0).map(|m| Resource::data(MemoryId::new(m as usize))),
            Kind::MemorySize => imm(0).map(|m| Resource::size(MemoryId::new(m as usize))),
            Kind::GlobalGet => {
                let g = imm(0).map(|g| GlobalId::new(g as usize));
                if g.is_some_and(|g| !self.cx.info.is_mutable(g)) {
                    return true;
                }
                g.map(Resource::global)
            }
            _ => None,
        };
        let Some(resource) = resource else { return false };
        let live = match at {
            Some(inst) => self.cx.memory.before(inst, resource),
            None => self.cx.memory.before_term(self.cx.f, block, resource),
        };
        let Some(live) = live.and_then(|v| self.cx.built.version(v)) else { return false };
        if node.children.last().map(|&v| graph.find(v)) != Some(live) {
            return false;
        }
        if op.kind() != Kind::Load {
            return true;
        }
        let (Some(memory), Some(offset)) = (imm(0), imm(1)) else { return false };
        let address = node.children[if op.info().imm == ImmKind::MemLane { 3 } else { 2 }];
        self.bounds.in_bounds(
            block,
            MemoryId::new(memory as usize),
            address,
            offset,
            u64::from(op.info().width),
        )
    }

    fn terminator(&mut self, term: &Terminator) -> Result<Terminator, ExtractError> {
        Ok(match term {
            Terminator::Jump(e) => Terminator::Jump(self.edge(e)?),
            Terminator::Branch { cond, then, els } => {
                let (class, negated) = self.choice.condition(self.class(*cond));
                let (then, els) = if negated { (els, then) } else { (then, els) };
                if let Some(c) = self.choice.constant(class) {
                    return Ok(Terminator::Jump(self.edge(if c.bits() != 0 { then } else { els })?));
                }
                self.steps = 0;
                let (cond, then, els) = match self.value(class, 0) {
                    Some(v) => (v, then, els),
                    None if negated => (self.operand(*cond)?, els, then),
                    None => (self.operand(*cond)?, then, els),
                };
                Terminator::Branch { cond, then: self.edge(then)?, els: self.edge(els)? }
            }
            Terminator::Table { index, targets, default } => {
                if let Some(c) = self.choice.constant(self.class(*index)) {
                    let target = targets.get(c.bits() as usize).unwrap_or(default);
                    return Ok(Terminator::Jump(self.edge(target)?));
                }
                let index = self.operand(*index)?;
                let mut edges = Vec::with_capacity(targets.len());
                for e in targets {
                    edges.push(self.edge(e)?);
                }
                Terminator::Table { index, targets: edges, default: self.edge(default)? }
            }
            Terminator::Return(_) => Terminator::Return(self.list(term)?),
            Terminator::Unreachable => Terminator::Unreachable,
            Terminator::TailCall { callee, .. } => {
                Terminator::TailCall { callee: *callee, args: self.list(term)? }
            }
            Terminator::BrOn { kind, arg, taken, els } => Terminator::BrOn {
                kind: *kind,
                arg: self.operand(*arg)?,
                taken: self.edge(taken)?,
                els: self.edge(els)?,
            },
            Terminator::Invoke { op, imm, normal, handlers, .. } => Terminator::Invoke {
                op: *op,
                imm: *imm,
                args: self.list(term)?,
                normal: self.edge(normal)?,
                handlers: self.handlers(handlers)?,
            },
            Terminator::Throw { tag, handlers, .. } => {
                Terminator::Throw { tag: *tag, args: self.list(term)?, handlers: self.handlers(handlers)? }
            }
            Terminator::ThrowRef { arg, handlers } => {
                Terminator::ThrowRef { arg: self.operand(*arg)?, handlers: self.handlers(handlers)? }
            }
        })
    }

    fn list(&mut self, term: &Terminator) -> Result<cranelift_entity::EntityList<Value>, ExtractError> {
        let mut args: SmallVec<[Value; 4]> = SmallVec::new();
        for &a in term.operands(&self.cx.f.pool) {
            args.push(self.operand(a)?);
        }
        Ok(self.out.list(&args))
    }

    fn handlers(&mut self, handlers: &[Handler]) -> Result<Vec<Handler>, ExtractError> {
        handlers.iter().map(|h| Ok(Handler { kind: h.kind, edge: self.edge(&h.edge)? })).collect()
    }

    /// An edge with the arguments for the parameters that are left.
    fn edge(&mut self, edge: &Edge) -> Result<Edge, ExtractError> {
        let f = self.cx.f;
        let produced = f.produced(edge);
        let mut args: SmallVec<[Value; 4]> = SmallVec::new();
        for (&p, &a) in f.block_params(edge.block)[produced..].iter().zip(f.edge_args(edge)) {
            if self.placed[p].is_some() {
                args.push(self.operand(a)?);
            }
        }
        Ok(self.out.edge(edge.block, &args))
    }
}

/// Whether a value of this type computed twice is the same twice. A float may be two NaNs.
fn is_exact(ty: Type) -> bool {
    matches!(ty, Type::I32 | Type::I64)
}
