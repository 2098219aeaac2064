//! Liveness of values at block boundaries.
//!
//! Only values used in another block than the one that defines them (or on an edge) can be live across a boundary; they
//! alone get a bit. Backward data flow in postorder with a worklist; time and memory are blocks times such values over
//! 64, which [`MAX_WORDS`] bounds.

use super::Cfg;
use crate::ir::entity::{Block, Value};
use crate::ir::function::{Function, ValueDef};
use cranelift_entity::SecondaryMap;
use std::collections::BinaryHeap;

/// Most 64-bit words of the live-in sets; a function that needs more gets no liveness.
pub const MAX_WORDS: usize = 1 << 21;

const LOCAL: u32 = u32::MAX;

/// Which values are live at the start and at the end of each block. Parameters of a block are not live at its start,
/// arguments of an edge are live at the end of its source only if something else keeps them so.
#[derive(Clone, Debug)]
pub struct Liveness {
    /// Bit of each value, [`LOCAL`] when it has none.
    bits: SecondaryMap<Value, u32>,
    values: Vec<Value>,
    /// Words in a row.
    width: usize,
    /// One row for each block in reverse postorder.
    live_in: Vec<u64>,
    live_out: Vec<u64>,
    positions: SecondaryMap<Block, u32>,
}

impl Liveness {
    /// Computes liveness; `None` when it would take more than [`MAX_WORDS`].
    pub fn compute(f: &Function, cfg: &Cfg) -> Option<Liveness> {
        let mut l = Liveness {
            bits: SecondaryMap::with_default(LOCAL),
            values: Vec::new(),
            width: 0,
            live_in: Vec::new(),
            live_out: Vec::new(),
            positions: SecondaryMap::with_default(u32::MAX),
        };
        let mut block_of: SecondaryMap<Value, Option<Block>> = SecondaryMap::with_capacity(f.values.len());
        for (n, &b) in cfg.rpo().iter().enumerate() {
            l.positions[b] = n as u32;
            for &v in f.block_params(b).iter().chain(f.blocks[b].insts.iter().flat_map(|&i| f.results(i))) {
                block_of[v] = Some(b);
            }
        }
        // Values used outside of their block, and where.
        let mut upward: Vec<(u32, u32)> = Vec::new();
        for (n, &b) in cfg.rpo().iter().enumerate() {
            let insts = f.blocks[b].insts.iter().flat_map(|&i| f.args(i));
            let term = f.blocks[b].term.iter();
            let ends =
                term.flat_map(|t| t.operands(&f.pool).iter().chain(t.edges().flat_map(|e| f.edge_args(e))));
            for &v in insts.chain(ends).filter(|&&v| block_of[v] != Some(b)) {
                if l.bits[v] == LOCAL {
                    l.bits[v] = l.values.len() as u32;
                    l.values.push(v);
                }
                upward.push((n as u32, l.bits[v]));
            }
        }
        l.width = l.values.len().div_ceil(64);
        let words = l.width.saturating_mul(cfg.rpo().len());
        if words > MAX_WORDS {
            return None;
        }
        l.live_in = vec![0; words];
        l.live_out = vec![0; words];
        l.solve(f, cfg, &upward);
        Some(l)
    }

    fn solve(&mut self, f: &Function, cfg: &Cfg, upward: &[(u32, u32)]) {
        let (width, blocks) = (self.width, cfg.rpo().len());
        // What a block defines is never live at its start.
        let mut keep = vec![!0u64; self.live_in.len()];
        for &v in &self.values {
            let block = match f.values[v].def {
                ValueDef::Param(b, _) => Some(b),
                ValueDef::Result(..) => None,
            };
            if let Some(n) = block.map(|b| self.positions[b]).filter(|&n| n != u32::MAX) {
                keep[n as usize * width + self.bits[v] as usize / 64] &= !(1 << (self.bits[v] % 64));
            }
        }
        for (n, &b) in cfg.rpo().iter().enumerate() {
            for &v in f.blocks[b].insts.iter().flat_map(|&i| f.results(i)) {
                if self.bits[v] != LOCAL {
                    keep[n * width + self.bits[v] as usize / 64] &= !(1 << (self.bits[v] % 64));
                }
            }
        }
        for &(n, bit) in upward {
            self.live_in[n as usize * width + bit as usize / 64] |= 1 << (bit % 64);
        }
        let mut waiting = vec![true; blocks];
        // Later blocks first: without loops one visit each is enough.
        let mut work: BinaryHeap<u32> = (0..blocks as u32).collect();
        while let Some(n) = work.pop() {
            let n = n as usize;
            if !std::mem::replace(&mut waiting[n], false) {
                continue;
            }
            let b = cfg.rpo()[n];
            for &s in cfg.succs(b) {
                let from = self.positions[s] as usize * width;
                for w in 0..width {
                    self.live_out[n * width + w] |= self.live_in[from + w];
                }
            }
            let mut changed = false;
            let row = n * width..(n + 1) * width;
            let sets = self.live_out[row.clone()].iter().zip(&keep[row.clone()]);
            for (live, (out, keep)) in self.live_in[row].iter_mut().zip(sets) {
                let new = *live | out & keep;
                changed |= new != *live;
                *live = new;
            }
            // Nothing new at the start of `b`: what its predecessors have seen or will see is complete.
            if !changed {
                continue;
            }
            for &p in cfg.preds(b) {
                let n = self.positions[p];
                if !std::mem::replace(&mut waiting[n as usize], true) {
                    work.push(n);
                }
            }
        }
    }

    fn row(&self, rows: &[u64], b: Block, v: Value) -> bool {
        let (n, bit) = (self.positions[b], self.bits[v]);
        n != u32::MAX
            && bit != LOCAL
            && rows[n as usize * self.width + bit as usize / 64] >> (bit % 64) & 1 != 0
    }

    fn list(&self, rows: &[u64], b: Block) -> Vec<Value> {
        let n = self.positions[b];
        if n == u32::MAX {
            return Vec::new();
        }
        let mut list = Vec::new();
        let row = &rows[n as usize * self.width..(n as usize + 1) * self.width];
        for (w, &word) in row.iter().enumerate() {
            let mut rest = word;
            while rest != 0 {
                list.push(self.values[w * 64 + rest.trailing_zeros() as usize]);
                rest &= rest - 1;
            }
        }
        list
    }

    /// Whether a value is live at the start of a block.
    pub fn is_live_in(&self, b: Block, v: Value) -> bool {
        self.row(&self.live_in, b, v)
    }

    /// Whether a value is live at the end of a block, after its terminator.
    pub fn is_live_out(&self, b: Block, v: Value) -> bool {
        self.row(&self.live_out, b, v)
    }

    /// The values live at the start of a block, in a fixed order.
    pub fn live_in(&self, b: Block) -> Vec<Value> {
        self.list(&self.live_in, b)
    }

    /// The values live at the end of a block, in a fixed order.
    pub fn live_out(&self, b: Block) -> Vec<Value> {
        self.list(&self.live_out, b)
    }

    /// How many values are live at the start of a block.
    pub fn pressure_in(&self, b: Block) -> usize {
        let n = self.positions[b];
        if n == u32::MAX {
            return 0;
        }
        let row = &self.live_in[n as usize * self.width..(n as usize + 1) * self.width];
        row.iter().map(|w| w.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;

    /// Liveness by its definition: a path from here to a use that does not pass the definition's block.
    fn by_search(f: &Function, from: &[Block], v: Value, home: Block) -> bool {
        let mut seen = vec![false; f.blocks.len()];
        let mut work = from.to_vec();
        while let Some(b) = work.pop() {
            if b == home || std::mem::replace(&mut seen[b.as_u32() as usize], true) {
                continue;
            }
            let term = f.term(b);
            let mut uses = f.blocks[b].insts.iter().flat_map(|&i| f.args(i)).chain(term.operands(&f.pool));
            if uses.any(|&u| u == v) || term.edges().any(|e| f.edge_args(e).contains(&v)) {
                return true;
            }
            work.extend(term.edges().map(|e| e.block));
        }
        false
    }

    #[test]
    fn agrees_with_the_definition() {
        let text = "function func0 (i32) -> (i32) {
            b0(v0: i32):
                v1: i32 = i32.const 1
                v2: i32 = i32.add v1, v0
                br b1(v2)
            b1(v3: i32):
                v4: i32 = i32.add v3, v1
                br_if v4, b2(), b4(v3)
            b2():
                v5: i32 = i32.eqz v4
                br_if v5, b1(v5), b3()
            b3():
                br_if v0, b2(), b4(v1)
            b4(v6: i32):
                return v6
            }";
        let f = parse::function(text).expect("parses");
        let cfg = Cfg::compute(&f);
        let live = Liveness::compute(&f, &cfg).expect("small");
        for &home in &f.layout {
            let defined = f.block_params(home).iter();
            for &v in defined.chain(f.blocks[home].insts.iter().flat_map(|&i| f.results(i))) {
                for &b in &f.layout {
                    assert_eq!(
                        live.is_live_in(b, v),
                        by_search(&f, &[b], v, home),
                        "{v} at the start of {b}"
                    );
                    let out = by_search(&f, cfg.succs(b), v, home);
                    assert_eq!(live.is_live_out(b, v), out, "{v} at the end of {b}");
                }
            }
        }
        assert_eq!(live.live_in(Block::from_u32(4)), []);
        assert_eq!(live.pressure_in(Block::from_u32(2)), live.live_in(Block::from_u32(2)).len());
    }
}
