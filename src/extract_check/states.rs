//! Which state of each resource is the present one, by a forward dataflow of the checker's own.
//!
//! A state is named by what made it. At a block all of whose predecessors end in one state that is the state at its start,
//! otherwise the block makes one; a predecessor that ends in the very state that the block makes does not count. Every fixed
//! point of these equations is sound; the iteration starts with nothing known, so that it finds one with few joins.

use crate::ir::effects::{EffectSet, STATE};
use crate::ir::entity::{Block, Inst};
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::{Imm, Op};
use cranelift_entity::SecondaryMap;

/// Most blocks times resources times passes over them.
pub const MAX_WORK: usize = 200_000_000;

/// Most states kept.
const MAX_STATES: usize = 1 << 23;

/// What made the present state of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// No path found yet.
    #[default]
    Unknown,
    /// The call of the function.
    Entry,
    /// An instruction that writes it, or may.
    Inst(Inst),
    /// A terminator that writes it, or may.
    Term(Block),
    /// A join of different states.
    Join(Block),
}

/// Effects of calls and all else.
pub(super) type Effects<'a> = &'a dyn Fn(Op, &Imm) -> EffectSet;

/// States at the starts of blocks.
pub(super) struct States<'a> {
    /// One bit for each resource that is followed.
    pub followed: Vec<u128>,
    effects: Effects<'a>,
    /// A row of states for each block in `order`.
    rows: Vec<State>,
    place: SecondaryMap<Block, u32>,
}

/// Blocks in reverse postorder of a depth-first search.
pub(super) fn reverse_postorder(f: &Function) -> Vec<Block> {
    let mut order = Vec::new();
    let mut seen: SecondaryMap<Block, bool> = SecondaryMap::with_capacity(f.blocks.len());
    let mut work = vec![(f.entry, false)];
    while let Some((b, done)) = work.pop() {
        if done {
            order.push(b);
            continue;
        }
        if std::mem::replace(&mut seen[b], true) {
            continue;
        }
        work.push((b, true));
        for e in f.blocks[b].term.iter().flat_map(Terminator::edges) {
            if !seen[e.block] {
                work.push((e.block, false));
            }
        }
    }
    order.reverse();
    order
}

impl<'a> States<'a> {
    /// Follows the resources in `mask`; `None` when that would take too long.
    pub(super) fn compute(
        f: &Function,
        order: &[Block],
        mask: u128,
        effects: Effects<'a>,
        max_work: usize,
    ) -> Option<States<'a>> {
        let followed: Vec<u128> =
            (0..128).map(|i| 1u128 << i).filter(|bit| mask & STATE & bit != 0).collect();
        let width = followed.len();
        if order.len().checked_mul(width)? > MAX_STATES {
            return None;
        }
        let mut s = States {
            followed,
            effects,
            rows: vec![State::Unknown; order.len() * width],
            place: SecondaryMap::with_default(u32::MAX),
        };
        let mut preds: Vec<Vec<u32>> = vec![Vec::new(); order.len()];
        for (i, &b) in order.iter().enumerate() {
            s.place[b] = i as u32;
        }
        for (i, &b) in order.iter().enumerate() {
            for e in f.term(b).edges() {
                preds[s.place[e.block] as usize].push(i as u32);
            }
        }
        // What each block makes of each resource, if it writes it.
        let mut made: Vec<State> = vec![State::Unknown; order.len() * width];
        for (i, &b) in order.iter().enumerate() {
            let row = &mut made[i * width..][..width];
            for &inst in &f.blocks[b].insts {
                s.write(f, inst, row);
            }
            let writes = s.term_writes(f, b);
            for (state, bit) in row.iter_mut().zip(&s.followed) {
                if writes & bit != 0 {
                    *state = State::Term(b);
                }
            }
        }
        let mut work = 0;
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for (i, &b) in order.iter().enumerate() {
                work += width * (1 + preds[i].len());
                for r in 0..width {
                    let mut new = if b == f.entry { State::Entry } else { State::Unknown };
                    for &p in &preds[i] {
                        let at = p as usize * width + r;
                        let out = if made[at] == State::Unknown { s.rows[at] } else { made[at] };
                        new = match (new, out) {
                            // Nothing known yet, or a way round that leaves the block's own state as it is.
                            (x, State::Unknown) => x,
                            (x, y) if y == State::Join(b) => x,
                            (State::Unknown, x) => x,
                            (x, y) if x == y => x,
                            _ => State::Join(b),
                        };
                    }
                    if s.rows[i * width + r] != new {
                        s.rows[i * width + r] = new;
                        changed = true;
                    }
                }
            }
            if work > max_work {
                return None;
            }
        }
        Some(s)
    }

    fn term_writes(&self, f: &Function, b: Block) -> u128 {
        match f.term(b) {
            Terminator::Invoke { op, imm, .. } => (self.effects)(*op, imm).writes,
            _ => 0,
        }
    }

    /// The states at the start of a block that the entry reaches, in the order of `followed`.
    pub(super) fn at_start(&self, b: Block) -> Option<&[State]> {
        let at = self.place[b] as usize * self.followed.len();
        self.rows.get(at..at + self.followed.len())
    }

    /// Changes a row of states as an instruction does.
    pub(super) fn write(&self, f: &Function, inst: Inst, row: &mut [State]) {
        let data = &f.insts[inst];
        if data.op.is_pure() {
            return;
        }
        let writes = (self.effects)(data.op, &data.imm).writes;
        for (state, bit) in row.iter_mut().zip(&self.followed) {
            if writes & bit != 0 {
                *state = State::Inst(inst);
            }
        }
    }

    /// The state of one resource in a row.
    pub(super) fn of(&self, row: &[State], bit: u128) -> Option<State> {
        self.followed.iter().position(|&b| b == bit).map(|i| row[i])
    }
}
