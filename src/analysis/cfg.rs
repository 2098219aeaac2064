//! Control-flow graph: distinct successors and predecessors, and a reverse postorder that follows the layout.
//!
//! The order is a topological order of the graph without its retreating edges; among the blocks that are ready, the one
//! first in `layout` comes first. A layout that is itself topological (as code read from Wasm is) is thus reproduced.

use crate::ir::entity::Block;
use crate::ir::function::Function;
use cranelift_entity::{EntityRef, SecondaryMap};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Adjacency lists of blocks, each neighbour once.
#[derive(Clone, Debug, Default)]
struct Adjacency {
    start: Vec<u32>,
    list: Vec<Block>,
}

impl Adjacency {
    fn of(&self, b: Block) -> &[Block] {
        let i = b.index();
        match (self.start.get(i), self.start.get(i + 1)) {
            (Some(&s), Some(&e)) => &self.list[s as usize..e as usize],
            _ => &[],
        }
    }
}

/// The control-flow graph of the blocks that the entry reaches.
#[derive(Clone, Debug)]
pub struct Cfg {
    succs: Adjacency,
    preds: Adjacency,
    rpo: Vec<Block>,
    position: SecondaryMap<Block, u32>,
    back_edges: Vec<(Block, Block)>,
}

impl Cfg {
    /// Computes the graph of `f`. A block without a terminator counts as one without successors.
    pub fn compute(f: &Function) -> Cfg {
        let n = f.blocks.len();
        let succs = successors(f);
        let mut place = vec![u32::MAX; n];
        for (i, &b) in f.layout.iter().enumerate() {
            place[b.index()] = i as u32;
        }
        let (reached, back_edges) = depth_first(f.entry, n, &succs);
        let preds = predecessors(n, &succs, &reached);
        let is_back: hashbrown::HashSet<(Block, Block)> = back_edges.iter().copied().collect();

        let mut waiting = vec![0u32; n];
        for b in (0..n).map(Block::new).filter(|b| reached[b.index()]) {
            waiting[b.index()] =
                preds.of(b).iter().filter(|&&p| is_back.is_empty() || !is_back.contains(&(p, b))).count()
                    as u32;
        }
        let mut ready = BinaryHeap::from([Reverse((place[f.entry.index()], f.entry))]);
        let mut rpo = Vec::new();
        let mut position = SecondaryMap::with_default(u32::MAX);
        while let Some(Reverse((_, b))) = ready.pop() {
            position[b] = rpo.len() as u32;
            rpo.push(b);
            for &s in succs.of(b) {
                if is_back.is_empty() || !is_back.contains(&(b, s)) {
                    waiting[s.index()] -= 1;
                    if waiting[s.index()] == 0 {
                        ready.push(Reverse((place[s.index()], s)));
                    }
                }
            }
        }
        Cfg { succs, preds, rpo, position, back_edges }
    }

    /// Distinct successors, in the order of the terminator's edges.
    pub fn succs(&self, b: Block) -> &[Block] {
        self.succs.of(b)
    }

    /// Distinct reachable predecessors.
    pub fn preds(&self, b: Block) -> &[Block] {
        self.preds.of(b)
    }

    /// Reachable blocks in reverse postorder, ties broken by the layout.
    pub fn rpo(&self) -> &[Block] {
        &self.rpo
    }

    /// Position of a block in [`Cfg::rpo`]; `u32::MAX` when the entry does not reach it.
    pub fn position(&self, b: Block) -> u32 {
        self.position[b]
    }

    /// Whether the entry reaches a block.
    pub fn is_reachable(&self, b: Block) -> bool {
        self.position[b] != u32::MAX
    }

    /// Retreating edges (from, to); in a reducible graph exactly the edges to a dominator of their source.
    pub fn back_edges(&self) -> &[(Block, Block)] {
        &self.back_edges
    }

    /// Whether the edge retreats in [`Cfg::rpo`].
    pub fn is_back_edge(&self, from: Block, to: Block) -> bool {
        self.position[to] <= self.position[from]
    }
}

fn successors(f: &Function) -> Adjacency {
    let n = f.blocks.len();
    let mut seen = vec![u32::MAX; n];
    let mut out = Adjacency { start: Vec::with_capacity(n + 1), list: Vec::new() };
    out.start.push(0);
    for (b, data) in f.blocks.iter() {
        for e in data.term.iter().flat_map(|t| t.edges()) {
            if std::mem::replace(&mut seen[e.block.index()], b.as_u32()) != b.as_u32() {
                out.list.push(e.block);
            }
        }
        out.start.push(out.list.len() as u32);
    }
    out
}

fn predecessors(n: usize, succs: &Adjacency, reached: &[bool]) -> Adjacency {
    let mut start = vec![0u32; n + 1];
    let sources = || (0..n).map(Block::new).filter(|b| reached[b.index()]);
    for b in sources() {
        for s in succs.of(b) {
            start[s.index() + 1] += 1;
        }
    }
    for i in 0..n {
        start[i + 1] += start[i];
    }
    let mut next = start.clone();
    let mut list = vec![Block::new(0); start[n] as usize];
    for b in sources() {
        for s in succs.of(b) {
            list[next[s.index()] as usize] = b;
            next[s.index()] += 1;
        }
    }
    Adjacency { start, list }
}

/// Which blocks are reached, and the retreating edges of a depth-first walk.
fn depth_first(entry: Block, n: usize, succs: &Adjacency) -> (Vec<bool>, Vec<(Block, Block)>) {
    let mut reached = vec![false; n];
    let mut active = vec![false; n];
    let mut back_edges = Vec::new();
    let mut stack = vec![(entry, 0usize)];
    reached[entry.index()] = true;
    active[entry.index()] = true;
    while let Some((b, next)) = stack.last_mut() {
        let Some(&s) = succs.of(*b).get(*next) else {
            active[b.index()] = false;
            stack.pop();
            continue;
        };
        *next += 1;
        if active[s.index()] {
            back_edges.push((*b, s));
        } else if !std::mem::replace(&mut reached[s.index()], true) {
            active[s.index()] = true;
            stack.push((s, 0));
        }
    }
    (reached, back_edges)
}
