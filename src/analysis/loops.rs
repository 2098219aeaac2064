//! Natural loops of a reducible graph: the loop of a header is the header and all blocks that reach one of its back
//! edges without passing it. Loops of one header are one loop. Inner loops are found first; an outer loop's walk steps over
//! a finished inner loop in one go (by its header), so the whole is close to linear.

use super::{Cfg, DomTree};
use crate::ir::entity::Block;
use cranelift_entity::{SecondaryMap, packed_option::PackedOption};

/// The loop nest.
#[derive(Clone, Debug)]
pub struct Loops {
    /// Innermost loop that contains a block, named by its header.
    innermost: SecondaryMap<Block, PackedOption<Block>>,
    /// By header: the next loop outwards.
    parent: SecondaryMap<Block, PackedOption<Block>>,
    /// By header: 1 for an outermost loop.
    depth: SecondaryMap<Block, u32>,
    headers: Vec<Block>,
}

impl Loops {
    /// Finds the loops. Back edges whose target does not dominate their source (irreducible graphs) are ignored.
    pub fn compute(cfg: &Cfg, dom: &DomTree) -> Loops {
        let mut loops = Loops {
            innermost: SecondaryMap::new(),
            parent: SecondaryMap::new(),
            depth: SecondaryMap::new(),
            headers: Vec::new(),
        };
        let mut latches: Vec<(u32, Block)> = cfg
            .back_edges()
            .iter()
            .filter(|&&(u, h)| dom.dominates(h, u))
            .map(|&(u, h)| (cfg.position(h), u))
            .collect();
        // Union-find over headers: towards the outermost loop found so far.
        let mut top: SecondaryMap<Block, PackedOption<Block>> = SecondaryMap::new();
        latches.sort_by_key(|&(h, u)| (std::cmp::Reverse(h), u));
        for group in latches.chunk_by(|a, b| a.0 == b.0) {
            let header = cfg.rpo()[group[0].0 as usize];
            loops.headers.push(header);
            let mut work: Vec<Block> = group.iter().map(|&(_, u)| u).collect();
            while let Some(b) = work.pop() {
                match loops.innermost(b).map(|h| find(&mut top, h)) {
                    Some(h) if h == header => {}
                    Some(h) => {
                        loops.parent[h] = header.into();
                        top[h] = header.into();
                        work.extend_from_slice(cfg.preds(h));
                    }
                    None => {
                        loops.innermost[b] = header.into();
                        if b != header {
                            work.extend_from_slice(cfg.preds(b));
                        }
                    }
                }
            }
            loops.innermost[header] = header.into();
        }
        loops.headers.reverse();
        for &h in &loops.headers {
            let outer = loops.parent[h].expand().map_or(0, |p| loops.depth[p]);
            loops.depth[h] = outer + 1;
        }
        loops
    }

    /// Headers in reverse postorder: outer loops before their inner ones.
    pub fn headers(&self) -> &[Block] {
        &self.headers
    }

    /// Whether a block is the header of a loop.
    pub fn is_header(&self, b: Block) -> bool {
        self.innermost[b].expand() == Some(b)
    }

    /// Header of the innermost loop that contains a block.
    pub fn innermost(&self, b: Block) -> Option<Block> {
        self.innermost[b].expand()
    }

    /// Header of the loop around the loop of `header`.
    pub fn parent(&self, header: Block) -> Option<Block> {
        self.parent[header].expand()
    }

    /// How many loops contain a block.
    pub fn depth(&self, b: Block) -> u32 {
        self.innermost[b].expand().map_or(0, |h| self.depth[h])
    }

    /// Whether `b` is in the loop of `header`.
    pub fn contains(&self, header: Block, b: Block) -> bool {
        let mut h = self.innermost[b].expand();
        while let Some(x) = h {
            if x == header {
                return true;
            }
            if self.depth[x] <= self.depth[header] {
                return false;
            }
            h = self.parent[x].expand();
        }
        false
    }
}

/// The root above `h`, halving the path to it.
fn find(top: &mut SecondaryMap<Block, PackedOption<Block>>, mut h: Block) -> Block {
    while let Some(p) = top[h].expand() {
        if let Some(pp) = top[p].expand() {
            top[h] = pp.into();
        }
        h = p;
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::entity::FuncId;
    use crate::ir::function::{Function, Terminator};
    use cranelift_entity::EntityRef;

    /// A function with `n` blocks and the given edges (one edge is a jump, two a branch).
    fn graph(n: usize, edges: &[(usize, &[usize])]) -> Function {
        let mut f = Function::new(FuncId::from_u32(0), vec![crate::ir::types::Type::I32], vec![]);
        for _ in 1..n {
            f.add_block();
        }
        let cond = f.block_params(f.entry)[0];
        let mut by_block: Vec<&[usize]> = vec![&[]; n];
        for &(b, to) in edges {
            by_block[b] = to;
        }
        for (b, to) in by_block.into_iter().enumerate() {
            let to: Vec<_> = to.iter().map(|&t| f.edge(Block::new(t), &[])).collect();
            f.blocks[Block::new(b)].term = Some(match to.as_slice() {
                [] => Terminator::Unreachable,
                [e] => Terminator::Jump(e.clone()),
                [a, b] => Terminator::Branch { cond, then: a.clone(), els: b.clone() },
                [rest @ .., d] => {
                    Terminator::Table { index: cond, targets: rest.to_vec(), default: d.clone() }
                }
            });
        }
        f
    }

    #[test]
    fn nested_loops_and_dominators() {
        // 0 → 1 (outer header) → 2 (inner header) → 3 → 2 | 4; 4 → 1 | 5.
        let f = graph(6, &[(0, &[1]), (1, &[2]), (2, &[3]), (3, &[2, 4]), (4, &[1, 5])]);
        let cfg = Cfg::compute(&f);
        let dom = DomTree::compute(&f, &cfg);
        let loops = Loops::compute(&cfg, &dom);
        assert_eq!(cfg.rpo(), f.layout.as_slice());
        assert!(dom.is_reducible());
        let b = Block::new;
        assert_eq!(loops.headers(), &[b(1), b(2)]);
        let depths: Vec<_> = f.layout.iter().map(|&x| loops.depth(x)).collect();
        assert_eq!(depths, [0, 1, 2, 2, 1, 0]);
        assert!(loops.contains(b(1), b(3)) && !loops.contains(b(2), b(4)) && !loops.contains(b(1), b(5)));
        assert_eq!(dom.idom(b(5)), Some(b(4)));
        assert!(dom.dominates(b(1), b(5)) && !dom.dominates(b(5), b(1)));
    }

    #[test]
    fn order_follows_the_layout_where_a_depth_first_order_would_not() {
        let f = graph(5, &[(0, &[1, 2]), (1, &[3]), (2, &[4])]);
        assert_eq!(Cfg::compute(&f).rpo(), f.layout.as_slice());
    }

    #[test]
    fn many_exits_from_a_long_chain_to_one_merge() {
        let n = 200_000;
        let to: Vec<[usize; 2]> = (0..n).map(|i| [i + 1, n + 1]).collect();
        let edges: Vec<(usize, &[usize])> = to.iter().enumerate().map(|(i, t)| (i, t.as_slice())).collect();
        let f = graph(n + 2, &edges);
        let cfg = Cfg::compute(&f);
        let dom = DomTree::compute(&f, &cfg);
        assert_eq!(dom.idom(Block::new(n + 1)), Some(Block::new(0)));
    }

    #[test]
    fn irreducible_graphs_are_recognised() {
        let f = graph(4, &[(0, &[1, 2]), (1, &[2, 3]), (2, &[1, 3])]);
        let cfg = Cfg::compute(&f);
        let dom = DomTree::compute(&f, &cfg);
        assert!(!dom.is_reducible());
        assert_eq!(dom.idom(Block::new(2)), Some(Block::new(0)));
        assert_eq!(dom.idom(Block::new(3)), Some(Block::new(0)));
    }

    #[test]
    fn unreachable_blocks_have_no_place() {
        let f = graph(3, &[(0, &[2]), (1, &[2])]);
        let cfg = Cfg::compute(&f);
        assert!(!cfg.is_reachable(Block::new(1)));
        assert_eq!(cfg.preds(Block::new(2)), &[Block::new(0)]);
    }
}
