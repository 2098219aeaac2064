//! Which state of each resource is the present one, by a forward dataflow of the checker's own.
//!
//! A state is named by what made it. At first every block that several edges lead to makes one; then a block all of whose
//! predecessors end in one state, or in the one that the block itself makes, is found to make none. On reducible graphs this
//! leaves the fewest joins (Braun et al., "Simple and Efficient Construction of Static Single Assignment Form", 2013).

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
    /// Not said.
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
pub(crate) fn reverse_postorder(f: &Function) -> Vec<Block> {
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
        s.start_from_joins(f, order, &preds, &made);
        s.drop_joins(f, order, &preds, &made, max_work).then_some(s)
    }

    /// What a block ends in, as far as its start is known.
    fn out(&self, made: &[State], block: u32, r: usize) -> State {
        let at = block as usize * self.followed.len() + r;
        if made[at] == State::Unknown { self.rows[at] } else { made[at] }
    }

    /// A join at every block with several edges to it; all others begin as their predecessor ends.
    fn start_from_joins(&mut self, f: &Function, order: &[Block], preds: &[Vec<u32>], made: &[State]) {
        let width = self.followed.len();
        for (i, &b) in order.iter().enumerate() {
            for r in 0..width {
                self.rows[i * width + r] = match preds[i].as_slice() {
                    _ if b == f.entry => State::Entry,
                    // It comes earlier in the order.
                    &[p] if (p as usize) < i => self.out(made, p, r),
                    _ => State::Join(b),
                };
            }
        }
    }

    /// Takes a join whose edges all bring one state, or itself, for that state, until there are no more such. Returns
    /// whether that was done within the cap.
    fn drop_joins(
        &mut self,
        f: &Function,
        order: &[Block],
        preds: &[Vec<u32>],
        made: &[State],
        max_work: usize,
    ) -> bool {
        let width = self.followed.len();
        // What each block's join of each resource stands for.
        let mut stands: Vec<State> = order.iter().flat_map(|&b| vec![State::Join(b); width]).collect();
        let mut work = 0;
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for (i, &b) in order.iter().enumerate().filter(|(_, b)| **b != f.entry) {
                work += width * (1 + preds[i].len());
                for r in 0..width {
                    let own = State::Join(b);
                    if self.rows[i * width + r] != own || stands[i * width + r] != own {
                        continue;
                    }
                    let mut only = None;
                    let one = preds[i].iter().all(|&p| {
                        let out = self.resolve(&mut stands, self.out(made, p, r), r);
                        out == own || *only.get_or_insert(out) == out
                    });
                    if let (true, Some(state)) = (one, only) {
                        stands[i * width + r] = state;
                        changed = true;
                    }
                }
            }
            if work > max_work {
                return false;
            }
        }
        for i in 0..self.rows.len() {
            self.rows[i] = self.resolve(&mut stands, self.rows[i], i % width);
        }
        true
    }

    /// What a state stands for in the end, with path compression.
    fn resolve(&self, stands: &mut [State], state: State, r: usize) -> State {
        let width = self.followed.len();
        let at = |b: Block| self.place[b] as usize * width + r;
        let mut end = state;
        while let State::Join(b) = end
            && stands[at(b)] != end
        {
            end = stands[at(b)];
        }
        let mut here = state;
        while let State::Join(b) = here
            && stands[at(b)] != here
        {
            here = std::mem::replace(&mut stands[at(b)], end);
        }
        end
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
