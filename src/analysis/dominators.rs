//! Dominator tree.
//!
//! In a reducible graph the immediate dominator of a block is the nearest common ancestor, in the tree built so far, of
//! its predecessors over forward edges: one pass in reverse postorder. Ancestors are found with skew-binary jump pointers
//! (Myers, "An applicative random-access stack", 1983), so a long chain with many exits to one merge stays `n log n`.
//! Irreducible graphs, which Wasm cannot express, fall back to iteration (Cooper, Harvey, Kennedy, "A Simple, Fast
//! Dominance Algorithm").

use super::Cfg;
use crate::ir::entity::Block;
use crate::ir::function::Function;
use cranelift_entity::{EntityRef, SecondaryMap, packed_option::PackedOption};

/// Immediate dominators of all reachable blocks.
#[derive(Clone, Debug)]
pub struct DomTree {
    idom: SecondaryMap<Block, PackedOption<Block>>,
    children: Vec<Vec<Block>>,
    /// Interval of preorder numbers of the subtree; empty for unreachable blocks.
    pre: SecondaryMap<Block, (u32, u32)>,
    reducible: bool,
}

struct Ancestors {
    parent: Vec<u32>,
    jump: Vec<u32>,
    depth: Vec<u32>,
}

impl Ancestors {
    /// Adds a leaf below `p` (blocks are named by their position in reverse postorder).
    fn attach(&mut self, v: usize, p: usize) {
        self.parent[v] = p as u32;
        self.depth[v] = self.depth[p] + 1;
        let j = self.jump[p] as usize;
        let jj = self.jump[j] as usize;
        self.jump[v] =
            if self.depth[p] - self.depth[j] == self.depth[j] - self.depth[jj] { jj } else { p } as u32;
    }

    fn common(&self, mut a: usize, mut b: usize) -> usize {
        if self.depth[a] < self.depth[b] {
            std::mem::swap(&mut a, &mut b);
        }
        while self.depth[a] > self.depth[b] {
            let j = self.jump[a] as usize;
            a = if self.depth[j] >= self.depth[b] { j } else { self.parent[a] as usize };
        }
        while a != b {
            let (ja, jb) = (self.jump[a], self.jump[b]);
            (a, b) = if ja == jb {
                (self.parent[a] as usize, self.parent[b] as usize)
            } else {
                (ja as usize, jb as usize)
            };
        }
        a
    }
}

impl DomTree {
    /// Computes the tree of the reachable part of `f`.
    pub fn compute(f: &Function, cfg: &Cfg) -> DomTree {
        let rpo = cfg.rpo();
        let n = rpo.len();
        let mut anc = Ancestors { parent: vec![0; n], jump: vec![0; n], depth: vec![0; n] };
        for (i, &b) in rpo.iter().enumerate().skip(1) {
            let common = cfg
                .preds(b)
                .iter()
                .map(|&p| cfg.position(p) as usize)
                .filter(|&p| p < i)
                .reduce(|x, y| anc.common(x, y))
                .unwrap_or(0);
            anc.attach(i, common);
        }
        let mut tree = DomTree::from_parents(f, rpo, &anc.parent);
        if !cfg.back_edges().iter().all(|&(u, h)| tree.dominates(h, u)) {
            let parents = iterate(cfg);
            tree = DomTree::from_parents(f, rpo, &parents);
            tree.reducible = false;
        }
        tree
    }

    fn from_parents(f: &Function, rpo: &[Block], parent: &[u32]) -> DomTree {
        let mut idom = SecondaryMap::with_default(PackedOption::default());
        let mut children = vec![Vec::new(); f.blocks.len()];
        for (i, &b) in rpo.iter().enumerate().skip(1) {
            let p = rpo[parent[i] as usize];
            idom[b] = p.into();
            children[p.index()].push(b);
        }
        let mut pre = SecondaryMap::with_default((1, 0));
        let mut counter = 0;
        let mut stack = vec![(f.entry, 0usize)];
        pre[f.entry] = (0, 0);
        while let Some((b, next)) = stack.last_mut() {
            if let Some(&c) = children[b.index()].get(*next) {
                *next += 1;
                counter += 1;
                pre[c] = (counter, counter);
                stack.push((c, 0));
            } else {
                pre[*b].1 = counter;
                stack.pop();
            }
        }
        DomTree { idom, children, pre, reducible: true }
    }

    /// Immediate dominator; `None` for the entry and unreachable blocks.
    pub fn idom(&self, b: Block) -> Option<Block> {
        self.idom[b].expand()
    }

    /// Blocks immediately dominated, in reverse postorder.
    pub fn children(&self, b: Block) -> &[Block] {
        self.children.get(b.index()).map_or(&[], Vec::as_slice)
    }

    /// Whether `a` dominates `b` (every block dominates itself); false for unreachable blocks.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let ((first, last), (x, y)) = (self.pre[a], self.pre[b]);
        first <= last && x <= y && first <= x && x <= last
    }

    /// Number in a preorder walk of the tree; `None` for unreachable blocks.
    pub fn preorder(&self, b: Block) -> Option<u32> {
        let (first, last) = self.pre[b];
        (first <= last).then_some(first)
    }

    /// Whether every retreating edge leads to a dominator of its source.
    pub fn is_reducible(&self) -> bool {
        self.reducible
    }
}

fn iterate(cfg: &Cfg) -> Vec<u32> {
    let rpo = cfg.rpo();
    let mut parent = vec![u32::MAX; rpo.len()];
    parent[0] = 0;
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (i, &b) in rpo.iter().enumerate().skip(1) {
            let mut new = u32::MAX;
            for p in cfg.preds(b).iter().map(|&p| cfg.position(p)).filter(|&p| parent[p as usize] != u32::MAX)
            {
                if new == u32::MAX {
                    new = p;
                    continue;
                }
                let mut other = p;
                while new != other {
                    if new > other {
                        new = parent[new as usize];
                    } else {
                        other = parent[other as usize];
                    }
                }
            }
            changed |= std::mem::replace(&mut parent[i], new) != new;
        }
    }
    parent
}
