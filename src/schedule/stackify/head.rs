//! The start of a block: which parameters arrive on the operand stack, and which demands are left to the code before.

use super::Stackify;
use crate::ir::entity::{Block, Value};
use crate::ir::function::ValueDef;
use crate::schedule::LowerError;
use crate::schedule::code::{Move, StackOp};
use crate::schedule::prepare::edge;
use crate::structure::Item;
use smallvec::SmallVec;

impl Stackify<'_> {
    /// Ends the walk over a block's code. `at` is the position of its first item (a `block` opened inside it, or its body).
    pub(super) fn head(&mut self, block: Block, at: usize) -> Result<(), LowerError> {
        let before = at.checked_sub(1).map(|i| self.s.items[i]);
        // First, for what is pushed here lies above what arrives on the stack.
        match before {
            Some(Item::End(frame)) => self.satisfy_late(Some(block), frame),
            Some(Item::Fall { .. }) => {}
            _ => self.satisfy_frame(),
        }
        for &p in self.p.f.block_params(block).iter().rev() {
            if let Some(from) = self.p.written[p].expand().filter(|_| self.needs_local[p]) {
                self.out.push(StackOp::Set(p));
                let (get, set) = (self.out.len() as u32, self.out.len() as u32 - 1);
                self.moves.push(Move { get, set, from, to: p, branch: None });
                self.out.push(StackOp::Get(from));
            }
        }
        let produced = self.p.produced[block] as usize;
        if produced > 0 {
            self.produced_params(block, produced);
        } else if matches!(before, Some(Item::End(_) | Item::Fall { .. })) && !self.p.in_locals[block] {
            self.choose_params(block);
        } else {
            self.satisfy_params(block, 0);
        }
        if matches!(before, Some(Item::Fall { .. })) {
            self.satisfy_behind_loop(block);
        }
        Ok(())
    }

    /// Behind the last branch of a loop, which goes on where it is taken: what waits here below the code of the way out is
    /// pushed in every iteration. For time that is only done with what the loop computes.
    fn satisfy_behind_loop(&mut self, block: Block) {
        let depth = self.s.depth[block];
        let leaves = || self.p.in_edges.of(block).iter().all(|&(from, _)| self.s.depth[from] > depth);
        if !self.cx.costs.for_time() || !self.on_stack[block].is_empty() || !leaves() {
            return;
        }
        while self.demands.len() > self.base() {
            let d = self.demands[self.demands.len() - 1];
            let inside = match self.p.f.values[d.value].def {
                ValueDef::Result(i, _) => self.s.depth[self.p.position[i].0] > depth && !self.repeats(&d),
                ValueDef::Param(..) => false,
            };
            if self.cx.chaos.flip("wait in a loop", (block, self.demands.len()), inside) {
                break;
            }
            self.satisfy_top();
        }
    }

    /// Values that every edge brings on the stack.
    fn produced_params(&mut self, block: Block, n: usize) {
        let params: SmallVec<[Value; 1]> = self.p.f.block_params(block)[..n].iter().copied().collect();
        let top = self.demands.len();
        let on_top = top >= self.base() + n
            && self.demands[top - n..].iter().zip(&params).all(|(d, &p)| {
                d.value == p
                    && !d.negate
                    && self.pending[p] == 1
                    && self.remaining[p] == 1
                    && !self.needs_local[p]
            });
        if on_top {
            let rest = top - n;
            self.satisfy_others(block, rest);
        }
        // Satisfying the others may have had to satisfy these too.
        if on_top && self.demands.len() == top {
            for &p in &params {
                self.pending[p] -= 1;
                self.remaining[p] -= 1;
            }
            self.demands.truncate(top - n);
        } else {
            self.satisfy_params(block, 0);
            for &p in &params {
                let op = if self.needs_local[p] { StackOp::Set(p) } else { StackOp::Drop };
                self.out.push(op);
            }
        }
        self.on_stack[block] = params;
    }

    /// Decides by bytes which parameters of a merge are passed on the stack.
    fn choose_params(&mut self, block: Block) {
        let params = self.p.f.block_params(block);
        if params.is_empty() {
            return;
        }
        // The parameters demanded on top of the stack, each of them once and for the last time.
        let top = self.demands.len();
        let mut n = 0;
        while top - n > self.base() {
            let d = self.demands[top - n - 1];
            let mine = matches!(self.p.f.values[d.value].def, ValueDef::Param(b, _) if b == block);
            let whole = self.pending[d.value] == 1 && self.remaining[d.value] == 1 && !d.negate;
            if !mine || !whole || (n > 0 && !self.cx.multi_value) {
                break;
            }
            n += 1;
            if self.needs_local[d.value] {
                break;
            }
        }
        let mut chosen: SmallVec<[Value; 1]> = SmallVec::new();
        while n > 0 {
            let values = &self.demands[top - n..];
            let first_only = values.iter().enumerate().all(|(i, d)| i + 1 == n || !self.needs_local[d.value]);
            let saving: Option<i32> = values.iter().map(|d| self.saving(block, d.value)).sum();
            if first_only
                && saving.is_some_and(|s| self.cx.chaos.flip("pass on the stack", (block, n), s > 0))
                && self.others_are_above(block, top - n)
            {
                chosen.extend(values.iter().map(|d| d.value));
                break;
            }
            n -= 1;
        }
        if !chosen.is_empty() {
            for (i, &v) in chosen.iter().enumerate().rev() {
                self.pending[v] -= 1;
                self.remaining[v] -= 1;
                if i + 1 == chosen.len() && self.needs_local[v] {
                    let d = self.demands[top - 1];
                    self.moved(&d);
                    self.out.push(StackOp::Tee(v));
                }
            }
            self.demands.truncate(top - chosen.len());
            self.on_stack[block] = chosen;
            return;
        }
        self.satisfy_params(block, 0);
        // A parameter that only locals hold may still be cheaper to receive on the stack and to store here.
        let best = params
            .iter()
            .copied()
            .filter(|&p| self.p.live[p] && self.needs_local[p])
            .filter_map(|p| Some((self.saving(block, p)?, p)))
            .max_by_key(|&(saving, p)| (saving, std::cmp::Reverse(p)));
        if let Some((saving, p)) = best
            && self.cx.chaos.flip("receive on the stack", p, saving > 0)
        {
            self.out.push(StackOp::Set(p));
            self.on_stack[block] = SmallVec::from_slice(&[p]);
        }
    }

    /// Bytes saved by passing a parameter on the stack; `None` if it cannot be passed there.
    fn saving(&self, block: Block, p: Value) -> Option<i32> {
        let ValueDef::Param(_, n) = self.p.f.values[p].def else { return None };
        let mut saving = if self.pending[p] > 0 { 2 } else { 0 };
        if self.needs_local[p] {
            saving -= 2;
        }
        for &(x, i) in self.p.in_edges.of(block) {
            let e = edge(&self.p.f, x, i);
            let &a = self.p.f.edge_args(e).get(n as usize)?;
            if a == p {
                return None;
            }
            if !self.cx.chaos.flip("value over the exit of a loop", (x, i), self.may_wait(x, i, a)) {
                return None;
            }
            let (local, stack) = self.edge_costs(x, i, p, a);
            saving += local - stack;
        }
        Some(saving)
    }

    /// Whether no demand below position `rest` in this frame is for a parameter of the block.
    fn others_are_above(&self, block: Block, rest: usize) -> bool {
        self.demands[self.base()..rest]
            .iter()
            .all(|d| !matches!(self.p.f.values[d.value].def, ValueDef::Param(b, _) if b == block))
    }

    /// Satisfies demands from the top until none in this frame is for a parameter of the block (those from position
    /// `rest` on aside).
    fn satisfy_others(&mut self, block: Block, rest: usize) {
        if !self.others_are_above(block, rest) {
            self.satisfy_params(block, 0);
        }
    }

    /// Satisfies demands from the top until none in this frame, from `from` on, is for a parameter of the block.
    fn satisfy_params(&mut self, block: Block, from: usize) {
        let base = self.base().max(from);
        let lowest = self.demands[base..]
            .iter()
            .position(|d| matches!(self.p.f.values[d.value].def, ValueDef::Param(b, _) if b == block));
        if let Some(lowest) = lowest {
            while self.demands.len() > base + lowest {
                self.satisfy_top();
            }
        }
    }

    /// After the end of a frame: demands that can be pushed before the frame stay, the others are satisfied here. `own` is
    /// the block whose body follows the end, if one does directly.
    pub(super) fn satisfy_late(&mut self, own: Option<Block>, frame: u32) {
        let open = self.layout.open[frame as usize];
        // A `block` is opened within the body it stands before.
        let floats = matches!(self.s.items[open as usize], Item::Block(_));
        let body = self.layout.run_end[frame as usize];
        let limit = match self.s.items.get(body as usize) {
            Some(Item::Body(_)) if floats => body,
            _ => open.saturating_sub(1),
        };
        let base = self.base();
        let late = self.demands[base..].iter().position(|d| {
            let block = match self.p.f.values[d.value].def {
                // Parameters of this block are seen to next.
                ValueDef::Param(b, _) if Some(b) == own => return false,
                ValueDef::Param(b, _) => b,
                ValueDef::Result(i, _) => self.p.position[i].0,
            };
            self.layout.body[block] > limit && !self.repeats(d)
        });
        if let Some(late) = late {
            while self.demands.len() > base + late {
                self.satisfy_top();
            }
        }
    }
}
