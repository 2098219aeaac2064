//! Translation validation of stack code against its graph, in the style of regalloc2's checker.
//!
//! The code is executed on symbols: each local and stack slot is known to hold certain SSA values. Every operation has to
//! consume exactly the operands that its instruction has, every block's instructions with effects have to run exactly once
//! in an order that the effects allow, every branch has to test the right condition and to be one of the block's edges, and
//! the target has to find its parameters where the edge's arguments were. Facts are met where paths join; passes over the
//! code repeat until those at the loops' heads are stable. Values defined inside of a loop are forgotten on the way back to its
//! head, so a value of an earlier iteration is never taken for the present one.
//!
//! Nothing is shared with the scheduler but the vocabulary ([`StackOp`]).

mod edges;
mod graph;
mod symbols;

use super::code::{FUNCTION_FRAME, StackCode, StackOp};
use crate::analysis::{Cfg, DomTree};
use crate::caps::Caps;
use crate::ir::effects::EffectSet;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use crate::structure::FrameId;
use cranelift_entity::SecondaryMap;
use hashbrown::HashMap;
use smallvec::SmallVec;
use symbols::{Symbol, Symbols};

/// Most passes over one function.
pub const MAX_PASSES: usize = 64;

/// Most locations looked at for one function.
pub const MAX_WORK: usize = 200_000_000;

/// Most locations in all states that are kept at the same time: those of arms and labels of open frames, of loops' heads.
pub const MAX_HELD: usize = 25_000_000;

/// What [`check`] says beyond [`MAX_WORK`] or [`MAX_HELD`]: nothing is wrong with the code then, it is only not known.
pub(super) const TOO_MUCH: &str = "too much work";

/// Where the execution stands with respect to the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// In a block: of its instructions with effects, those before `next` have run, and the later ones in `early`.
    In { block: Block, next: u32, early: SmallVec<[u32; 2]> },
    /// A block is done and this edge is the only way left.
    Left { block: Block, edge: u32 },
    /// On the way to a block.
    To(Block),
    /// The function's results are on the stack and nothing is left to do.
    Returned,
}

#[derive(Clone, Debug)]
struct State {
    phase: Phase,
    locals: Vec<Symbol>,
    stack: Vec<Symbol>,
}

impl State {
    fn size(&self) -> usize {
        self.locals.len() + self.stack.len()
    }
}

struct Open {
    /// Height of the stack below the frame.
    base: usize,
    /// What is known on the else arm.
    otherwise: Option<State>,
    /// What is known after its end, from the branches seen.
    at_end: Option<State>,
    is_loop: bool,
    seen_else: bool,
}

struct Checker<'a> {
    code: &'a StackCode,
    f: &'a Function,
    effects: &'a dyn Fn(Op, &Imm) -> EffectSet,
    symbols: Symbols,
    /// Instructions with effects of each block, in order.
    ordered: SecondaryMap<Block, Vec<Inst>>,
    /// Where each block's code starts.
    mark_at: SecondaryMap<Block, u32>,
    /// First and last operation of each loop.
    loop_range: Vec<Option<(u32, u32)>>,
    dom: DomTree,
    /// The first of equal constants, which stands for all of them.
    canonical: SecondaryMap<Value, Option<Value>>,
    /// Where a value that can change is defined.
    home: SecondaryMap<Value, Option<Block>>,
    place: SecondaryMap<Inst, Option<(Block, u32)>>,
    state: Option<State>,
    open: Vec<(FrameId, Open)>,
    level: Vec<u32>,
    /// What is known at the head of each loop, over all passes.
    heads: HashMap<FrameId, State>,
    changed: bool,
    exit: Option<State>,
    in_try: Option<Block>,
    work: usize,
    max_work: usize,
    /// Locations in the states of open frames and heads.
    held: usize,
    max_held: usize,
}

type Outcome = Result<(), String>;

/// Checks that `code` does what `f` does.
///
/// # Errors
/// What is wrong, with the number of the operation.
pub fn check(f: &Function, code: &StackCode, effects: &dyn Fn(Op, &Imm) -> EffectSet) -> Outcome {
    check_capped(f, code, effects, &Caps::default())
}

/// [`check`] under caps of the caller's.
pub(super) fn check_capped(
    f: &Function,
    code: &StackCode,
    effects: &dyn Fn(Op, &Imm) -> EffectSet,
    caps: &Caps,
) -> Outcome {
    graph::same_but_for_splits(f, &code.f)?;
    let f = &code.f;
    let mut c = Checker {
        code,
        f,
        effects,
        symbols: Symbols::new(),
        ordered: SecondaryMap::new(),
        mark_at: SecondaryMap::with_default(u32::MAX),
        loop_range: vec![None; code.frame_results.len()],
        dom: DomTree::compute(f, &Cfg::compute(f)),
        canonical: SecondaryMap::with_capacity(f.values.len()),
        home: SecondaryMap::with_capacity(f.values.len()),
        place: SecondaryMap::with_capacity(f.insts.len()),
        state: None,
        open: Vec::new(),
        level: vec![0; code.frame_results.len()],
        heads: HashMap::new(),
        changed: false,
        exit: None,
        in_try: None,
        work: 0,
        max_work: caps.check_work,
        held: 0,
        max_held: caps.check_held,
    };
    c.prepare();
    let start = c.start();
    for _ in 0..caps.check_passes {
        c.changed = false;
        c.pass(start.clone())?;
        if !c.changed {
            return Ok(());
        }
    }
    Err("no fixed point".into())
}

impl Checker<'_> {
    fn prepare(&mut self) {
        for (i, op) in self.code.ops.iter().enumerate() {
            let i = i as u32;
            match *op {
                StackOp::Mark(b) => self.mark_at[b] = i,
                StackOp::Loop(id) => self.loop_range[id as usize] = Some((i, i)),
                StackOp::End(id) => {
                    if let Some((_, end)) = &mut self.loop_range[id as usize] {
                        *end = i;
                    }
                }
                _ => {}
            }
        }
        let mut constants: HashMap<(Op, Imm, Type), Value> = HashMap::new();
        for (v, data) in self.f.values.iter() {
            if let ValueDef::Result(i, _) = data.def
                && self.f.insts[i].op.is_const()
            {
                let inst = &self.f.insts[i];
                self.canonical[v] = Some(*constants.entry((inst.op, inst.imm, data.ty)).or_insert(v));
            }
        }
        for &b in &self.f.layout {
            for &p in self.f.block_params(b) {
                self.home[p] = Some(b);
            }
            for &i in &self.f.blocks[b].insts {
                let op = self.f.insts[i].op;
                if !op.is_pure() {
                    self.place[i] = Some((b, self.ordered[b].len() as u32));
                    self.ordered[b].push(i);
                }
                if !op.is_const() {
                    for &r in self.f.results(i) {
                        self.home[r] = Some(b);
                    }
                }
            }
        }
    }

    /// On entry: parameters hold themselves, other locals equal every zero of their type.
    fn start(&mut self) -> State {
        let mut locals: Vec<Symbol> = Vec::new();
        for &p in self.f.block_params(self.f.entry) {
            locals.push(self.symbols.of(&[p]));
        }
        let mut zeros: HashMap<Type, Value> = HashMap::new();
        for (v, data) in self.f.values.iter().filter(|(v, _)| self.canonical[*v] == Some(*v)) {
            if let ValueDef::Result(i, _) = data.def {
                let inst = &self.f.insts[i];
                // A null of the local's own type; others are not looked for.
                if inst.imm.const_bits() == Some(0) || inst.op == Op::RefNull {
                    zeros.insert(data.ty, v);
                }
            }
        }
        for ty in &self.code.locals {
            let zero = zeros.get(ty).copied();
            locals.push(self.symbols.of(zero.as_slice()));
        }
        State { phase: Phase::To(self.f.entry), locals, stack: Vec::new() }
    }

    fn pass(&mut self, start: State) -> Outcome {
        self.state = Some(start);
        self.exit = None;
        self.open.clear();
        self.held = self.heads.values().map(State::size).sum();
        let ops = &self.code.ops;
        for (i, op) in ops.iter().enumerate() {
            self.op(*op).map_err(|e| format!("op {i} {op:?}: {e}"))?;
            if self.work > self.max_work || self.held > self.max_held {
                return Err(TOO_MUCH.into());
            }
        }
        if self.exit.is_some() {
            return Err("branch to an exit that is not marked".into());
        }
        if !self.open.is_empty() {
            return Err("frame left open".into());
        }
        match &self.state {
            Some(s) if s.phase != Phase::Returned => Err(format!("falls off the end in {:?}", s.phase)),
            Some(s) if s.stack.len() != self.f.results.len() => Err("wrong number of results".into()),
            _ => Ok(()),
        }
    }

    fn merge_exit(&mut self) {
        let exit = self.exit.take();
        let now = self.state.take();
        self.state = self.join(now, exit);
    }

    fn state(&mut self) -> Result<&mut State, String> {
        self.state.as_mut().ok_or_else(|| "unreachable code".into())
    }

    /// A copy of the state. Copying is cheap compared with the other work.
    fn copied(&mut self) -> Result<State, String> {
        let state = self.state()?.clone();
        self.work += state.size() / 8;
        Ok(state)
    }

    fn pop(&mut self) -> Result<Symbol, String> {
        let base = self.open.last().map_or(0, |(_, o)| o.base);
        let state = self.state()?;
        if matches!(state.phase, Phase::Returned) {
            return Err("code after the return".into());
        }
        match state.stack.pop() {
            Some(s) if state.stack.len() >= base => Ok(s),
            _ => Err("stack underflow".into()),
        }
    }

    fn push(&mut self, s: Symbol) -> Outcome {
        let state = self.state()?;
        if matches!(state.phase, Phase::Returned) {
            return Err("code after the return".into());
        }
        state.stack.push(s);
        Ok(())
    }

    fn op(&mut self, op: StackOp<u32>) -> Outcome {
        match op {
            StackOp::Mark(b) => self.mark(b),
            StackOp::Inst(i) => self.inst(i, false),
            StackOp::Inverted(i) => self.inst(i, true),
            StackOp::Eqz => {
                let s = self.pop()?;
                let s = if s.negated { Symbol::UNKNOWN } else { Symbol { negated: true, ..s } };
                self.push(s)
            }
            StackOp::Get(l) => {
                let s = self.state()?.locals.get(l as usize).copied().ok_or("no such local")?;
                self.push(s)
            }
            StackOp::Set(l) | StackOp::Tee(l) => {
                let s = self.pop()?;
                *self.state()?.locals.get_mut(l as usize).ok_or("no such local")? = s;
                if matches!(op, StackOp::Tee(_)) { self.push(s) } else { Ok(()) }
            }
            StackOp::Drop => self.pop().map(|_| ()),
            StackOp::AsNonNull => {
                let s = self.pop()?;
                // Sound only where it cannot trap.
                let safe =
                    !s.negated && self.symbols.values(s).iter().any(|&v| !self.f.ty(v).is_defaultable());
                if !safe {
                    return Err("ref.as_non_null of what may be null".into());
                }
                self.push(s)
            }
            StackOp::Block(id) => {
                self.enter(id, false, None);
                Ok(())
            }
            StackOp::Loop(id) => self.enter_loop(id),
            StackOp::If { frame, block, skip } => self.enter_if(frame, block, skip),
            StackOp::Else(id) => self.otherwise(id),
            StackOp::End(id) => self.end(id),
            StackOp::Br { frame, block, edge } => {
                self.leave_by(block, edge, Some(frame))?;
                let state = self.state.take().ok_or("unreachable code")?;
                self.arrive(frame, state)
            }
            StackOp::BrIf { frame, block, edge } => {
                self.test(block, edge)?;
                let mut state = self.copied()?;
                state.phase = Phase::Left { block, edge };
                let rest = self.state.replace(state);
                self.leave_by(block, edge, Some(frame))?;
                let taken = self.state.take().ok_or("unreachable code")?;
                self.arrive(frame, taken)?;
                self.state = rest;
                self.state()?.phase = Phase::Left { block, edge: 1 - edge };
                Ok(())
            }
            StackOp::Fall { block, edge } => match self.state {
                Some(_) => self.leave_by(block, edge, None),
                None => Ok(()),
            },
            StackOp::Term(b) => self.terminator(b),
            StackOp::FallReturn(b) => {
                if self.state.is_none() {
                    return Ok(());
                }
                let Terminator::Return(values) = self.f.term(b) else { return Err("not a return".into()) };
                self.finish_block(b)?;
                let values = values.as_slice(&self.f.pool);
                self.operands(values, None)?;
                for &v in values {
                    let s = self.symbols.of(&[v]);
                    self.push(s)?;
                }
                self.state()?.phase = Phase::Returned;
                Ok(())
            }
            StackOp::Try(b) => {
                if self.in_try.replace(b).is_some() {
                    return Err("nested try_table".into());
                }
                Ok(())
            }
            StackOp::EndTry(b) => match self.in_try.take() {
                Some(x) if x == b => Ok(()),
                _ => Err("try_table does not match".into()),
            },
            StackOp::Exit => {
                if !self.open.is_empty() {
                    return Err("exit inside of a frame".into());
                }
                self.merge_exit();
                Ok(())
            }
            StackOp::Dead => match self.state {
                Some(_) => Err("reachable".into()),
                None => Ok(()),
            },
        }
    }

    /// The code of a block starts.
    fn mark(&mut self, b: Block) -> Outcome {
        let Some(state) = &mut self.state else { return Ok(()) };
        if state.phase != Phase::To(b) {
            return Err(format!("arrived in {:?}", state.phase));
        }
        state.phase = Phase::In { block: b, next: 0, early: SmallVec::new() };
        Ok(())
    }

    fn inst(&mut self, i: Inst, inverted: bool) -> Outcome {
        let data = &self.f.insts[i];
        if !data.op.is_pure() {
            self.effect(i)?;
        }
        let commutes = data.op.info().commutes;
        self.operands(self.f.args(i), commutes.then_some(()))?;
        if inverted && super::prepare::opposite(data.op).is_none() {
            return Err("no opposite operator".into());
        }
        for &r in self.f.results(i) {
            let s = self.symbols.of(&[self.canonical[r].unwrap_or(r)]);
            self.push(Symbol { negated: inverted, ..s })?;
        }
        Ok(())
    }

    /// An instruction with effects: of this block, not run before, and nothing it must follow is still to come.
    fn effect(&mut self, i: Inst) -> Outcome {
        if self.in_try.is_some() {
            return Err("instruction inside of a try_table that it was not in".into());
        }
        let Some((home, k)) = self.place[i] else { return Err("instruction of no block".into()) };
        let Phase::In { block, next, early } = &mut self.state.as_mut().ok_or("unreachable code")?.phase
        else {
            return Err("instruction between blocks".into());
        };
        if *block != home {
            return Err(format!("instruction of {home} in {block}"));
        }
        if k < *next || early.contains(&k) {
            return Err("instruction runs twice".into());
        }
        let list = &self.ordered[home];
        let effect = |n: u32| {
            let data = &self.f.insts[list[n as usize]];
            (self.effects)(data.op, &data.imm)
        };
        if k == *next {
            *next += 1;
            while let Some(at) = early.iter().position(|&e| e == *next) {
                early.swap_remove(at);
                *next += 1;
            }
        } else {
            let own = effect(k);
            if (*next..k).any(|n| !early.contains(&n) && own.conflicts(effect(n))) {
                return Err("effects out of order".into());
            }
            early.push(k);
        }
        Ok(())
    }

    /// Pops the operands, the last one first.
    fn operands(&mut self, values: &[Value], commutes: Option<()>) -> Outcome {
        let mut found: SmallVec<[Symbol; 4]> = SmallVec::new();
        for _ in values {
            found.push(self.pop()?);
        }
        found.reverse();
        let ok = |order: &[usize]| {
            order
                .iter()
                .zip(values)
                .all(|(&n, &v)| self.symbols.holds(found[n], self.canonical[v].unwrap_or(v)))
        };
        let straight: SmallVec<[usize; 8]> = (0..values.len()).collect();
        if ok(&straight) {
            return Ok(());
        }
        if commutes.is_some() && values.len() >= 2 {
            let mut swapped = straight;
            swapped.swap(0, 1);
            if ok(&swapped) {
                return Ok(());
            }
        }
        let sets: Vec<_> = found.iter().map(|&s| (s.negated, self.symbols.values(s).to_vec())).collect();
        Err(format!("operands {values:?} expected, {sets:?} found"))
    }

    /// Leaves a block: all its instructions with effects have run.
    fn finish_block(&mut self, b: Block) -> Outcome {
        let n = self.ordered[b].len() as u32;
        match &self.state()?.phase {
            Phase::In { block, next, early } if *block == b && *next == n && early.is_empty() => Ok(()),
            phase => Err(format!("{b} ends in {phase:?}, {n} instructions expected")),
        }
    }
}
