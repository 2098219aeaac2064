//! Facts that the walk of [`super::stackify`] needs, and a copy of the graph in which no edge disturbs another.
//!
//! The moves of an edge are made before the branch, so they happen on the block's other edges too. They do harm only where
//! a parameter of the target is still wanted there: the target is the header of a loop around the block (the lost-copy
//! problem), or is reached with other arguments. Such an edge gets a block of its own. So does an edge that produces
//! values while others to the same target do not.

use super::delay::delay_next_values;
use super::live_in::LiveIn;
use super::overwrite::overwrite_old_values;
use super::scramble::{Order, scramble};
use super::{LowerContext, LowerError};
use crate::analysis::{Cfg, DomTree};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Edge, Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Op};
use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityList, SecondaryMap};
use hashbrown::{HashMap, HashSet};

/// Most steps of all liveness walks of one function here.
pub const MAX_STEPS: usize = 20_000_000;

/// What becomes of a value defined by a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Repeat {
    /// Repeated where an instruction uses it.
    pub at_operands: bool,
    /// Repeated where an edge passes it.
    pub at_edges: bool,
}

pub(super) struct Prepared {
    /// The graph.
    pub f: Function,
    /// Values that something with an effect needs.
    pub live: SecondaryMap<Value, bool>,
    /// Uses by live instructions, terminators, and edges to live parameters (not of a parameter by itself).
    pub uses: SecondaryMap<Value, u32>,
    /// How many leading parameters every edge to a block produces.
    pub produced: SecondaryMap<Block, u32>,
    /// Blocks whose other parameters must be passed in locals.
    pub in_locals: SecondaryMap<Block, bool>,
    /// Block and position of every placed instruction.
    pub position: SecondaryMap<Inst, (Block, u32)>,
    /// Edges to each block.
    pub in_edges: InEdges,
    /// Stands for a loop's parameter where edges write it, when it has to be read from there at the header.
    pub written: SecondaryMap<Value, PackedOption<Value>>,
    /// Constants.
    pub repeat: SecondaryMap<Value, Repeat>,
    /// The order that the instructions had.
    pub order: Order,
}

/// Edges (block and number) by target.
#[derive(Default)]
pub(super) struct InEdges {
    start: Vec<u32>,
    list: Vec<(Block, u32)>,
}

impl InEdges {
    fn compute(f: &Function) -> InEdges {
        let n = f.blocks.len();
        let mut start = vec![0u32; n + 1];
        for &b in &f.layout {
            for e in f.term(b).edges() {
                start[e.block.as_u32() as usize + 1] += 1;
            }
        }
        for i in 0..n {
            start[i + 1] += start[i];
        }
        let mut next = start.clone();
        let mut list = vec![(f.entry, 0); start[n] as usize];
        for &b in &f.layout {
            for (i, e) in f.term(b).edges().enumerate() {
                let at = &mut next[e.block.as_u32() as usize];
                list[*at as usize] = (b, i as u32);
                *at += 1;
            }
        }
        InEdges { start, list }
    }

    pub(super) fn of(&self, b: Block) -> &[(Block, u32)] {
        let i = b.as_u32() as usize;
        &self.list[self.start[i] as usize..self.start[i + 1] as usize]
    }
}

/// The edge of a block.
pub(super) fn edge(f: &Function, block: Block, edge: u32) -> &Edge {
    match f.term(block) {
        Terminator::Table { targets, default, .. } => targets.get(edge as usize).unwrap_or(default),
        term => term.edges().nth(edge as usize).expect("edge of its terminator"),
    }
}

/// `extra` are further edges that shall have blocks of their own.
pub(super) fn prepare(
    f: &Function,
    extra: &[(Block, u32)],
    cx: &LowerContext<'_>,
) -> Result<Prepared, LowerError> {
    let mut f = f.clone();
    let scrambled = scramble(&mut f, cx);
    let cfg = Cfg::compute(&f);
    let delayed = delay_next_values(&mut f, &cfg, cx.caps.parameter_steps, cx.chaos);
    // Blocks get their order back one change after the other, the last one first.
    let mut order = Order::new();
    if cx.costs.for_time() {
        order = overwrite_old_values(&mut f, &cfg, cx.caps.parameter_steps, cx.chaos);
    }
    order.extend(delayed);
    order.extend(scrambled);
    let dom = DomTree::compute(&f, &cfg);
    if !dom.is_reducible() {
        return Err(LowerError::Unsupported("irreducible control flow"));
    }
    f.layout.retain(|&b| cfg.is_reachable(b));
    let (mut splits, lost) = edges_that_disturb(&f, &cfg, &dom, cx.caps.parameter_steps)?;
    splits.extend_from_slice(extra);
    splits.extend(edges_that_produce(&f, &cfg, &splits));
    split(&mut f, &splits);

    let in_edges = InEdges::compute(&f);
    let mut p = Prepared {
        live: SecondaryMap::with_capacity(f.values.len()),
        uses: SecondaryMap::with_capacity(f.values.len()),
        produced: SecondaryMap::new(),
        in_locals: SecondaryMap::new(),
        position: SecondaryMap::with_default((f.entry, 0)),
        in_edges,
        repeat: SecondaryMap::new(),
        written: SecondaryMap::new(),
        order,
        f,
    };
    for v in lost {
        if p.written[v].is_none() {
            let data = p.f.values[v];
            p.written[v] = p.f.values.push(data).into();
        }
    }
    p.find_live();
    p.block_facts();
    p.count_uses(cx);
    Ok(p)
}

impl Prepared {
    /// Pairs of a live parameter of an edge's target and the value moved into it, unless that is the parameter itself and
    /// still in its place.
    pub(super) fn moves(&self, e: &Edge) -> impl Iterator<Item = (Value, Value)> + '_ {
        let params = self.f.block_params(e.block);
        let args = e.args.as_slice(&self.f.pool);
        let skip = params.len().saturating_sub(args.len());
        params[skip..]
            .iter()
            .copied()
            .zip(args.iter().copied())
            .filter(|&(p, a)| self.live[p] && (p != a || self.written[p].is_some()))
    }

    /// The distinct moves of all edges of a terminator that branches many ways.
    pub(super) fn all_moves(&self, block: Block) -> Vec<(Value, Value)> {
        let mut seen = HashSet::new();
        let skip = usize::from(matches!(self.f.term(block), Terminator::Invoke { .. }));
        let taken = match self.f.term(block) {
            Terminator::BrOn { .. } => 1,
            _ => usize::MAX,
        };
        let edges = self.f.term(block).edges().skip(skip).take(taken);
        edges.filter(|e| !e.args.is_empty()).flat_map(|e| self.moves(e)).filter(|m| seen.insert(*m)).collect()
    }

    fn find_live(&mut self) {
        let f = &self.f;
        let mut work: Vec<Value> = Vec::new();
        for &b in &f.layout {
            for &i in f.blocks[b].insts.iter().filter(|&&i| !f.insts[i].op.is_pure()) {
                work.extend_from_slice(f.args(i));
            }
            work.extend_from_slice(f.term(b).operands(&f.pool));
        }
        while let Some(v) = work.pop() {
            if std::mem::replace(&mut self.live[v], true) {
                continue;
            }
            match f.values[v].def {
                ValueDef::Result(i, _) if f.insts[i].op.is_pure() => work.extend_from_slice(f.args(i)),
                ValueDef::Result(..) => {}
                ValueDef::Param(b, n) => {
                    for &(x, e) in self.in_edges.of(b) {
                        let args = edge(f, x, e).args.as_slice(&f.pool);
                        let produced = f.block_params(b).len().saturating_sub(args.len());
                        work.extend((n as usize).checked_sub(produced).and_then(|i| args.get(i)));
                    }
                }
            }
        }
    }

    fn block_facts(&mut self) {
        for i in 0..self.f.layout.len() {
            let b = self.f.layout[i];
            for (n, &inst) in self.f.blocks[b].insts.iter().enumerate() {
                self.position[inst] = (b, n as u32);
            }
            let term = self.f.term(b);
            let locals_only = !matches!(term, Terminator::Jump(_) | Terminator::Branch { .. });
            for e in term.edges() {
                let produced = self.f.produced(e) as u32;
                if produced > 0 {
                    self.produced[e.block] = produced;
                }
                if locals_only || produced > 0 {
                    self.in_locals[e.block] = true;
                }
            }
        }
    }

    fn count_uses(&mut self, cx: &LowerContext<'_>) {
        let mut at_edges: HashMap<Value, (u32, bool)> = HashMap::new();
        for n in 0..self.f.layout.len() {
            let b = self.f.layout[n];
            for &i in &self.f.blocks[b].insts {
                if self.is_dead(i) {
                    continue;
                }
                for &a in self.f.insts[i].args.as_slice(&self.f.pool) {
                    self.uses[a] += 1;
                }
            }
            let term = self.f.term(b);
            for &a in term.operands(&self.f.pool) {
                self.uses[a] += 1;
            }
            let mut moves: Vec<(Value, Value)> = match term {
                Terminator::Jump(_) | Terminator::Branch { .. } => {
                    term.edges().flat_map(|e| self.moves(e)).collect()
                }
                _ => self.all_moves(b),
            };
            match term {
                Terminator::BrOn { els, .. } => moves.extend(self.moves(els)),
                Terminator::Invoke { normal, .. } => moves.extend(self.moves(normal)),
                _ => {}
            }
            for (p, a) in moves {
                self.uses[a] += 1;
                if self.constant(a).is_some() {
                    let entry = at_edges.entry(a).or_insert((0, false));
                    entry.0 += 1;
                    entry.1 |=
                        self.f.values[a].hint.is_some() && self.f.values[a].hint == self.f.values[p].hint;
                }
            }
        }
        for (v, data) in self.f.values.iter() {
            if !self.live[v] {
                continue;
            }
            let ValueDef::Result(i, _) = data.def else { continue };
            let inst = &self.f.insts[i];
            if !inst.op.is_const() {
                continue;
            }
            // The type of its local would be one that only typed function references have.
            if inst.op == Op::RefFunc {
                self.repeat[v] = Repeat { at_operands: true, at_edges: true };
                continue;
            }
            let size = constant_size(&inst.imm);
            let (edges, same_local) = at_edges.get(&v).copied().unwrap_or((0, false));
            let operands = self.uses[v] - edges;
            let zero = self.position[i].0 == self.f.entry
                && data.hint.is_some_and(|h| h as usize >= self.f.params.len())
                && (inst.imm.const_bits() == Some(0) || inst.op == Op::RefNull);
            let at_edges = edges == 0 || !(same_local && (edges > 1 || zero));
            let resident = !at_edges;
            let at_operands = match resident || (zero && size > 2) {
                true => size <= 2,
                false => operands.saturating_sub(1) as usize * size <= 2 * operands as usize,
            };
            self.repeat[v] = Repeat {
                at_operands: cx.chaos.flip("repeat at operands", v, at_operands),
                // What no edge passes needs no home for the edges.
                at_edges: edges == 0 || cx.chaos.flip("repeat at edges", v, at_edges),
            };
        }
    }

    /// Whether the opposite of a block's condition takes an instruction more than the condition: it is neither a comparison
    /// that has an opposite nor one with zero, or its value is wanted elsewhere too.
    pub(super) fn negation_costs(&self, block: Block) -> bool {
        let Terminator::Branch { cond, .. } = *self.f.term(block) else { return false };
        let free = self.uses[cond] == 1
            && self.f.def_inst(cond).is_some_and(|i| {
                let op = self.f.insts[i].op;
                self.position[i].0 == block && (op == Op::I32Eqz || opposite(op).is_some())
            });
        !free
    }

    /// Whether nothing needs an instruction.
    pub(super) fn is_dead(&self, i: Inst) -> bool {
        self.f.insts[i].op.is_pure() && self.f.results(i).iter().all(|&r| !self.live[r])
    }

    fn constant(&self, v: Value) -> Option<Inst> {
        self.f.def_inst(v).filter(|&i| self.f.insts[i].op.is_const())
    }
}

fn leb_len(v: i64) -> usize {
    let bits = 65 - if v < 0 { (!v).leading_zeros() } else { v.leading_zeros() } as usize;
    bits.div_ceil(7)
}

/// Bytes of an instruction without operands.
pub(super) fn constant_size(imm: &Imm) -> usize {
    1 + match *imm {
        Imm::I32(v) => leb_len(v as i64),
        Imm::I64(v) => leb_len(v),
        Imm::F32(_) => 4,
        Imm::F64(_) => 8,
        Imm::V128(_) => 17,
        Imm::Func(f) => leb_len(f.as_u32() as i64),
        _ => 1,
    }
}

/// Gives each of the edges a block of its own, after the block it comes from.
fn split(f: &mut Function, edges: &[(Block, u32)]) {
    if edges.is_empty() {
        return;
    }
    let mut done = HashSet::new();
    let mut after: HashMap<Block, Vec<Block>> = HashMap::new();
    for &(x, n) in edges.iter().filter(|&&e| done.insert(e)) {
        let (to, args) = {
            let e = edge(f, x, n);
            (e.block, f.edge_args(e).to_vec())
        };
        let produced = f.block_params(to).len().saturating_sub(args.len());
        let types: Vec<_> = f.block_params(to)[..produced].iter().map(|&p| f.ty(p)).collect();
        let b = f.add_block();
        f.layout.pop();
        let mut all: Vec<Value> = types.into_iter().map(|ty| f.add_param(b, ty)).collect();
        all.extend(args);
        let jump = f.edge(to, &all);
        f.blocks[b].term = Some(Terminator::Jump(jump));
        if let Some(e) = f.blocks[x].term.as_mut().and_then(|t| t.edges_mut().nth(n as usize)) {
            *e = Edge { block: b, args: EntityList::new() };
        }
        after.entry(x).or_default().push(b);
    }
    let old = std::mem::take(&mut f.layout);
    for b in old {
        f.layout.push(b);
        f.layout.extend(after.remove(&b).unwrap_or_default());
    }
}

/// Edges that produce values for a target that another edge reaches with none, once those in `splits` have blocks of their
/// own, and those to headers of loops.
fn edges_that_produce(f: &Function, cfg: &Cfg, splits: &[(Block, u32)]) -> Vec<(Block, u32)> {
    let mut counts: SecondaryMap<Block, Option<usize>> = SecondaryMap::new();
    let mut mixed: SecondaryMap<Block, bool> = SecondaryMap::new();
    let mut any = false;
    for &b in &f.layout {
        for e in f.term(b).edges() {
            let produced = f.produced(e);
            any |= produced > 0;
            mixed[e.block] |= counts[e.block].is_some_and(|n| n != produced) || cfg.is_back_edge(b, e.block);
            counts[e.block] = Some(produced);
        }
    }
    for &(b, n) in splits {
        mixed[edge(f, b, n).block] = true;
    }
    let mut list = Vec::new();
    if any {
        for &b in &f.layout {
            let term = f.term(b);
            let bad = |e: &Edge| mixed[e.block] && f.produced(e) > 0;
            list.extend(term.edges().enumerate().filter(|(_, e)| bad(e)).map(|(i, _)| (b, i as u32)));
        }
    }
    list
}

/// What [`edges_that_disturb`] finds.
type Disturbances = (Vec<(Block, u32)>, Vec<Value>);

/// Edges whose target another edge of their block reaches with other arguments, and loop parameters that an edge back
/// changes while another edge of the same block needs their old values.
fn edges_that_disturb(
    f: &Function,
    cfg: &Cfg,
    dom: &DomTree,
    max_steps: usize,
) -> Result<Disturbances, LowerError> {
    let mut list = Vec::new();
    // Moves into headers, on edges that are not their block's only one.
    let mut suspects: Vec<(Block, u32, Value)> = Vec::new();
    for &x in &f.layout {
        let term = f.term(x);
        if term.edges().nth(1).is_none() {
            continue;
        }
        let mut first: HashMap<Block, EntityList<Value>> = HashMap::new();
        for (i, e) in term.edges().enumerate().filter(|(_, e)| !e.args.is_empty()) {
            if !matches!(term, Terminator::Branch { .. }) {
                match first.get(&e.block) {
                    // Equal edges make the same moves.
                    Some(other) if other.as_slice(&f.pool) == f.edge_args(e) => continue,
                    Some(_) => {
                        list.push((x, i as u32));
                        continue;
                    }
                    None => drop(first.insert(e.block, e.args)),
                }
            }
            if dom.dominates(e.block, x) {
                let skip = f.produced(e);
                for (&p, &a) in f.block_params(e.block)[skip..].iter().zip(f.edge_args(e)) {
                    if p != a {
                        suspects.push((x, i as u32, p));
                    }
                }
            }
        }
    }
    let mut lost = Vec::new();
    if suspects.is_empty() {
        return Ok((list, lost));
    }
    let mut live_in = LiveIn::new(f, suspects.iter().map(|s| s.2), max_steps);
    let mut ways = Ways::default();
    for (x, i, p) in suspects {
        if ways.block != Some(x) {
            ways = Ways::of(f, x);
        }
        let own = edge(f, x, i);
        if ways.own.0 != i {
            ways.own = (i, f.edge_args(own).iter().copied().collect());
        }
        let here = u32::from(ways.own.1.contains(&p));
        let passed = ways.passed.get(&p).is_some_and(|&n| n > here);
        live_in.count(ways.targets.len())?;
        if passed || {
            let blocks = live_in.blocks(f, cfg, p)?;
            ways.targets.iter().any(|&t| t != own.block && blocks.contains(&t))
        } {
            lost.push(p);
        }
    }
    Ok((list, lost))
}

/// Where the edges of one block lead, and what they pass.
#[derive(Default)]
struct Ways {
    block: Option<Block>,
    /// Without repetition.
    targets: Vec<Block>,
    /// How many edges pass each value.
    passed: HashMap<Value, u32>,
    /// An edge and what it passes.
    own: (u32, HashSet<Value>),
}

impl Ways {
    fn of(f: &Function, x: Block) -> Ways {
        let mut ways = Ways { block: Some(x), own: (u32::MAX, HashSet::new()), ..Ways::default() };
        let mut known = HashSet::new();
        let mut once = HashSet::new();
        for e in f.term(x).edges() {
            if known.insert(e.block) {
                ways.targets.push(e.block);
            }
            once.clear();
            for &a in f.edge_args(e).iter().filter(|&&a| once.insert(a)) {
                *ways.passed.entry(a).or_default() += 1;
            }
        }
        ways
    }
}

/// The operator that computes the opposite of an integer comparison.
pub(crate) fn opposite(op: Op) -> Option<Op> {
    Some(match op {
        Op::I32Eq => Op::I32Ne,
        Op::I32Ne => Op::I32Eq,
        Op::I32LtS => Op::I32GeS,
        Op::I32LtU => Op::I32GeU,
        Op::I32GtS => Op::I32LeS,
        Op::I32GtU => Op::I32LeU,
        Op::I32LeS => Op::I32GtS,
        Op::I32LeU => Op::I32GtU,
        Op::I32GeS => Op::I32LtS,
        Op::I32GeU => Op::I32LtU,
        Op::I64Eq => Op::I64Ne,
        Op::I64Ne => Op::I64Eq,
        Op::I64LtS => Op::I64GeS,
        Op::I64LtU => Op::I64GeU,
        Op::I64GtS => Op::I64LeS,
        Op::I64GtU => Op::I64LeU,
        Op::I64LeS => Op::I64GtS,
        Op::I64LeU => Op::I64GtU,
        Op::I64GeS => Op::I64LtS,
        Op::I64GeU => Op::I64LtU,
        Op::F32Eq => Op::F32Ne,
        Op::F32Ne => Op::F32Eq,
        Op::F64Eq => Op::F64Ne,
        Op::F64Ne => Op::F64Eq,
        _ => return None,
    })
}
