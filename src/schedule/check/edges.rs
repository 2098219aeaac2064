//! Control flow of the checker: edges, labels, frames, terminators.

use super::{Checker, FUNCTION_FRAME, Open, Outcome, Phase, State};
use crate::ir::entity::{Block, Value};
use crate::ir::function::{BrOnKind, Edge, Terminator};
use crate::ir::ops::Op;
use crate::structure::FrameId;
use hashbrown::HashMap;
use smallvec::SmallVec;

/// Not a value of any graph: from here on numbers stand for what an edge is about to produce.
const PRODUCED: u32 = u32::MAX - 0x10000;

fn produced_value(i: usize) -> Value {
    Value::from_u32(PRODUCED + (i as u32).min(0xffff))
}

impl Checker<'_> {
    /// Pops the condition of a two-way branch: the code branches when edge `taken` is to be taken.
    pub(super) fn test(&mut self, block: Block, taken: u32) -> Outcome {
        let s = self.pop()?;
        self.finish_block(block)?;
        let Terminator::Branch { cond, .. } = *self.f.term(block) else {
            return Err("not a two-way branch".into());
        };
        let cond = self.canonical[cond].unwrap_or(cond);
        let negate = taken == 1;
        let direct = s.negated == negate && self.symbols.contains(s, cond);
        let through_eqz = s.negated != negate
            && self.f.def_inst(cond).is_some_and(|i| {
                self.f.insts[i].op == Op::I32Eqz
                    && self
                        .f
                        .args(i)
                        .iter()
                        .all(|&a| self.symbols.contains(s, self.canonical[a].unwrap_or(a)))
            });
        if direct || through_eqz { Ok(()) } else { Err(format!("condition {cond} expected")) }
    }

    /// Goes along an edge, to a label or by falling through: the parameters of its target are where its arguments were.
    pub(super) fn leave_by(&mut self, block: Block, n: u32, label: Option<FrameId>) -> Outcome {
        match &self.state()?.phase.clone() {
            Phase::Left { block: b, edge } if *b == block && *edge == n => {}
            Phase::In { .. } if matches!(self.f.term(block), Terminator::Jump(_)) && n == 0 => {
                self.finish_block(block)?;
            }
            phase => return Err(format!("edge {n} of {block} taken in {phase:?}")),
        }
        let edge = self.f.term(block).edges().nth(n as usize).ok_or("no such edge")?;
        self.cross(edge, label)
    }

    /// Values of the blocks inside of a loop belong to one iteration: they are forgotten on the way back to its head.
    fn iteration(&self, label: Option<FrameId>) -> Option<(u32, u32)> {
        let frame = label.filter(|&id| id != FUNCTION_FRAME)?;
        self.loop_range[frame as usize]
    }

    fn cross(&mut self, edge: &Edge, label: Option<FrameId>) -> Outcome {
        let iteration = self.iteration(label);
        let to = edge.block;
        let params = self.f.block_params(to);
        let args = self.f.edge_args(edge);
        let produced = params.len() - args.len();
        let mut more: HashMap<Value, SmallVec<[Value; 2]>> = HashMap::new();
        for (&p, &a) in params[produced..].iter().zip(args) {
            more.entry(self.canonical[a].unwrap_or(a)).or_default().push(p);
        }
        if iteration.is_none() && more.is_empty() && produced == 0 {
            self.state()?.phase = Phase::To(to);
            return Ok(());
        }
        let mut state = self.state.take().ok_or("unreachable code")?;
        let bottom = state.stack.len().checked_sub(produced).ok_or("produced value missing")?;
        let tops = bottom..state.stack.len();
        for (i, &s) in state.stack[bottom..].iter().enumerate() {
            if !self.symbols.holds(s, produced_value(i)) {
                return Err("produced value missing".into());
            }
        }
        let (home, mark, dom) = (&self.home, &self.mark_at, &self.dom);
        let keep = |v: Value| match home[v] {
            // Only what dominates the target can be used from there on.
            Some(b) => dom.dominates(b, to) && !iteration.is_some_and(|(x, y)| x <= mark[b] && mark[b] < y),
            None => v.as_u32() < PRODUCED,
        };
        self.work += self.symbols.rewrite(state.locals.iter_mut().chain(&mut state.stack), keep, &more);
        for (at, &p) in tops.into_iter().zip(&params[..produced]) {
            state.stack[at] = self.symbols.of(&[p]);
        }
        state.phase = Phase::To(to);
        self.state = Some(state);
        Ok(())
    }

    /// A branch to a label.
    pub(super) fn arrive(&mut self, frame: FrameId, mut state: State) -> Outcome {
        if frame == FUNCTION_FRAME {
            keep_results(&mut state, 0, self.f.results.len())?;
            let exit = self.exit.take();
            self.exit = self.join(exit, Some(state));
            return Ok(());
        }
        let n = self.level[frame as usize] as usize;
        let Some((id, open)) = self.open.get(n) else { return Err("label of a closed frame".into()) };
        if *id != frame {
            return Err("label of a closed frame".into());
        }
        let base = open.base;
        if open.is_loop {
            keep_results(&mut state, base, 0)?;
            return self.at_head(frame, state);
        }
        keep_results(&mut state, base, self.code.frame_results[frame as usize].len())?;
        let known = self.open[n].1.at_end.take();
        if known.is_none() {
            self.held += state.size();
        }
        self.open[n].1.at_end = self.join(known, Some(state));
        Ok(())
    }

    /// What is known of two paths that join. Both must be on the way to the same block; if they are not, nothing is known
    /// and the block's start will refuse it.
    pub(super) fn join(&mut self, a: Option<State>, b: Option<State>) -> Option<State> {
        let (mut a, b) = match (a, b) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.or(b),
        };
        if a.phase != b.phase || a.stack.len() != b.stack.len() {
            a.phase = Phase::Left { block: self.f.entry, edge: u32::MAX };
            return Some(a);
        }
        let known = a.locals.iter_mut().chain(&mut a.stack);
        self.work += self.symbols.meet(known, b.locals.into_iter().chain(b.stack));
        Some(a)
    }

    pub(super) fn enter(&mut self, id: FrameId, is_loop: bool, otherwise: Option<State>) {
        let base = self.state.as_ref().map_or(0, |s| s.stack.len());
        self.level[id as usize] = self.open.len() as u32;
        self.open.push((id, Open { base, otherwise, at_end: None, is_loop, seen_else: false }));
    }

    pub(super) fn enter_loop(&mut self, id: FrameId) -> Outcome {
        self.enter(id, true, None);
        if let Some(state) = self.state.take() {
            self.at_head(id, state)?;
            self.state = self.heads.get(&id).cloned();
        }
        Ok(())
    }

    /// Meets what is known at the head of a loop with another way to it.
    fn at_head(&mut self, id: FrameId, state: State) -> Outcome {
        let Some(old) = self.heads.remove(&id) else {
            self.held += state.size();
            self.heads.insert(id, state);
            return Ok(());
        };
        if old.phase != state.phase || old.stack.len() != state.stack.len() {
            return Err(format!("loop entered in {:?} and {:?}", old.phase, state.phase));
        }
        let (locals, stack) = (old.locals.clone(), old.stack.clone());
        if let Some(new) = self.join(Some(old), Some(state)) {
            self.changed |= new.locals != locals || new.stack != stack;
            self.heads.insert(id, new);
        }
        Ok(())
    }

    pub(super) fn enter_if(&mut self, id: FrameId, block: Block, skip: u32) -> Outcome {
        self.test(block, 1 - skip)?;
        let mut otherwise = self.copied()?;
        self.held += otherwise.size();
        otherwise.phase = Phase::Left { block, edge: skip };
        self.state()?.phase = Phase::Left { block, edge: 1 - skip };
        self.enter(id, false, Some(otherwise));
        Ok(())
    }

    pub(super) fn otherwise(&mut self, id: FrameId) -> Outcome {
        self.fall_into_end(id)?;
        let Some((_, open)) = self.open.last_mut() else { return Err("else without if".into()) };
        open.seen_else = true;
        self.state = open.otherwise.take();
        self.held = self.held.saturating_sub(self.state.as_ref().map_or(0, State::size));
        Ok(())
    }

    /// The code of a frame, or of its first arm, is over.
    fn fall_into_end(&mut self, id: FrameId) -> Outcome {
        let Some((top, open)) = self.open.last() else { return Err("end without a frame".into()) };
        if *top != id {
            return Err("frames do not nest".into());
        }
        let (base, n) = (open.base, self.code.frame_results[id as usize].len());
        if let Some(s) = &self.state
            && s.stack.len() != base + n
        {
            return Err("wrong height of the stack at an end".into());
        }
        let now = self.state.take();
        if let Some((_, open)) = self.open.last_mut() {
            let known = open.at_end.take();
            if known.is_none() {
                self.held += now.as_ref().map_or(0, State::size);
            }
            let joined = self.join(known, now);
            if let Some((_, open)) = self.open.last_mut() {
                open.at_end = joined;
            }
        }
        Ok(())
    }

    pub(super) fn end(&mut self, id: FrameId) -> Outcome {
        if let Some((_, open)) = self.open.last_mut()
            && !open.seen_else
            && let Some(otherwise) = open.otherwise.take()
        {
            self.fall_into_end(id)?;
            // The edge that skips the `if`.
            let Phase::Left { block, edge } = otherwise.phase else {
                return Err("if without an edge".into());
            };
            self.held = self.held.saturating_sub(otherwise.size());
            self.state = Some(otherwise);
            self.leave_by(block, edge, None)?;
        }
        self.fall_into_end(id)?;
        self.state = self.open.pop().and_then(|(_, o)| o.at_end);
        self.held = self.held.saturating_sub(self.state.as_ref().map_or(0, State::size));
        Ok(())
    }

    pub(super) fn terminator(&mut self, b: Block) -> Outcome {
        self.finish_block(b)?;
        let term = self.f.term(b);
        let handlers = match term {
            Terminator::Invoke { handlers, .. }
            | Terminator::Throw { handlers, .. }
            | Terminator::ThrowRef { handlers, .. } => handlers.as_slice(),
            Terminator::Jump(_) | Terminator::Branch { .. } => return Err("branch expected".into()),
            _ => &[],
        };
        if self.in_try != (!handlers.is_empty()).then_some(b) {
            return Err("handlers without their try_table".into());
        }
        self.operands(term.operands(&self.f.pool), None)?;
        let labels = self.code.labels.get(&b).map_or(&[][..], Vec::as_slice);
        match term {
            Terminator::Table { targets, default, .. } => {
                if labels.len() != targets.len() + 1 {
                    return Err("labels missing".into());
                }
                // Equal edges to one label arrive once.
                let mut seen = hashbrown::HashSet::new();
                for (e, &frame) in targets.iter().chain([default]).zip(labels) {
                    if seen.insert((e.block, self.f.edge_args(e), frame)) {
                        self.side_edge(e, frame, 0)?;
                    }
                }
                self.state = None;
            }
            Terminator::BrOn { kind, taken, els, .. } => {
                let (on_taken, on_els) = match kind {
                    BrOnKind::Null => (0, 1),
                    BrOnKind::NonNull => (1, 0),
                    BrOnKind::Cast(..) | BrOnKind::CastFail(..) => (1, 1),
                };
                let &[frame] = labels else { return Err("label missing".into()) };
                if self.f.produced(taken) != on_taken || self.f.produced(els) != on_els {
                    return Err("edge produces other values".into());
                }
                self.side_edge(taken, frame, on_taken)?;
                self.produce(on_els)?;
                self.state()?.phase = Phase::Left { block: b, edge: 1 };
            }
            Terminator::Invoke { normal, .. } => {
                self.handlers(handlers, labels)?;
                self.produce(self.f.produced(normal))?;
                self.state()?.phase = Phase::Left { block: b, edge: 0 };
            }
            _ => {
                self.handlers(handlers, labels)?;
                self.state = None;
            }
        }
        Ok(())
    }

    fn handlers(&mut self, list: &[crate::ir::function::Handler], labels: &[FrameId]) -> Outcome {
        if labels.len() != list.len() {
            return Err("labels missing".into());
        }
        for (h, &frame) in list.iter().zip(labels) {
            self.side_edge(&h.edge, frame, self.f.produced(&h.edge))?;
        }
        Ok(())
    }

    fn produce(&mut self, n: usize) -> Outcome {
        for i in 0..n {
            let s = self.symbols.of(&[produced_value(i)]);
            self.push(s)?;
        }
        Ok(())
    }

    /// An edge taken by the instruction itself, to a label.
    fn side_edge(&mut self, e: &Edge, frame: FrameId, produced: usize) -> Outcome {
        let here = self.copied()?;
        self.produce(produced)?;
        self.cross(e, Some(frame))?;
        let state = self.state.take().ok_or("unreachable code")?;
        self.arrive(frame, state)?;
        self.state = Some(here);
        Ok(())
    }
}

/// Cuts the stack down to the height of a frame and its results.
fn keep_results(state: &mut State, base: usize, n: usize) -> Outcome {
    let at =
        state.stack.len().checked_sub(n).filter(|&at| at >= base).ok_or("stack underflow at a branch")?;
    state.stack.drain(base..at);
    Ok(())
}
