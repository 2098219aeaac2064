//! Dominance by Lengauer and Tarjan's algorithm with path compression: O(edges · log blocks) on any graph, so that no
//! input makes the verifier slow. ("A Fast Algorithm for Finding Dominators in a Flowgraph", TOPLAS 1979.)

use super::super::entity::Block;
use super::super::function::Function;
use cranelift_entity::SecondaryMap;

const NONE: u32 = u32::MAX;

/// Which block dominates which. Blocks that cannot be reached dominate nothing and are dominated by nothing.
pub(crate) struct Dominance {
    /// Position in a preorder of the dominator tree, and the size of the subtree.
    intervals: SecondaryMap<Block, (u32, u32)>,
}

/// Lengauer and Tarjan's forest. Blocks are numbered in preorder of a depth-first search.
struct Forest {
    ancestor: Vec<u32>,
    /// The node with the least semidominator on the compressed path above each node.
    best: Vec<u32>,
    semi: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    fn eval(&mut self, v: u32) -> u32 {
        let mut at = v;
        while self.ancestor[at as usize] != NONE && self.ancestor[self.ancestor[at as usize] as usize] != NONE
        {
            self.path.push(at);
            at = self.ancestor[at as usize];
        }
        while let Some(w) = self.path.pop() {
            let above = self.ancestor[w as usize] as usize;
            if self.semi[self.best[above] as usize] < self.semi[self.best[w as usize] as usize] {
                self.best[w as usize] = self.best[above];
            }
            self.ancestor[w as usize] = self.ancestor[above];
        }
        self.best[v as usize]
    }
}

impl Dominance {
    /// Dominance of the blocks that the entry reaches.
    pub(crate) fn compute(f: &Function) -> Dominance {
        let (order, number, parent) = preorder(f);
        let n = order.len();
        let mut preds: Vec<Vec<u32>> = vec![Vec::new(); n];
        for (i, &b) in order.iter().enumerate() {
            for e in f.term(b).edges() {
                preds[number[e.block] as usize].push(i as u32);
            }
        }
        let mut forest = Forest {
            ancestor: vec![NONE; n],
            best: (0..n as u32).collect(),
            semi: (0..n as u32).collect(),
            path: Vec::new(),
        };
        let mut idom = vec![0u32; n];
        let mut bucket: Vec<Vec<u32>> = vec![Vec::new(); n];
        for w in (1..n).rev() {
            for &p in &preds[w] {
                let u = forest.eval(p) as usize;
                forest.semi[w] = forest.semi[w].min(forest.semi[u]);
            }
            bucket[forest.semi[w] as usize].push(w as u32);
            let up = parent[w];
            forest.ancestor[w] = up;
            for v in std::mem::take(&mut bucket[up as usize]) {
                let u = forest.eval(v);
                idom[v as usize] = if forest.semi[u as usize] < forest.semi[v as usize] { u } else { up };
            }
        }
        for w in 1..n {
            if idom[w] != forest.semi[w] {
                idom[w] = idom[idom[w] as usize];
            }
        }
        // A node's dominator has a smaller number, so sizes and positions need no walk over the tree.
        let mut size = vec![1u32; n];
        for w in (1..n).rev() {
            size[idom[w] as usize] += size[w];
        }
        let mut intervals = SecondaryMap::new();
        let mut next = vec![1u32; n];
        if n > 0 {
            intervals[order[0]] = (0, size[0]);
        }
        for w in 1..n {
            let up = idom[w] as usize;
            let position = next[up];
            next[up] += size[w];
            next[w] = position + 1;
            intervals[order[w]] = (position, size[w]);
        }
        Dominance { intervals }
    }

    /// Whether every path from the entry to `b` goes through `a`; every reachable block dominates itself.
    pub(crate) fn dominates(&self, a: Block, b: Block) -> bool {
        let ((a, size), (b, reached)) = (self.intervals[a], self.intervals[b]);
        reached > 0 && a <= b && b - a < size
    }
}

/// Blocks in preorder of a depth-first search from the entry, their numbers and the numbers of their parents.
fn preorder(f: &Function) -> (Vec<Block>, SecondaryMap<Block, u32>, Vec<u32>) {
    let mut order = Vec::new();
    let mut parent = Vec::new();
    let mut number: SecondaryMap<Block, u32> = SecondaryMap::with_default(NONE);
    let mut work = vec![(f.entry, 0)];
    while let Some((b, from)) = work.pop() {
        if number[b] != NONE {
            continue;
        }
        let n = order.len() as u32;
        number[b] = n;
        order.push(b);
        parent.push(from);
        work.extend(f.term(b).edges().map(|e| (e.block, n)));
    }
    (order, number, parent)
}

#[cfg(test)]
mod tests {
    use super::super::super::parse;
    use super::*;

    /// Dominance by its definition: `a` dominates `b` when the entry cannot reach `b` without `a`.
    fn by_removal(f: &Function, a: Block, b: Block) -> bool {
        let reach = |without: Option<Block>| {
            let mut seen = vec![false; f.blocks.len()];
            let mut work = vec![f.entry];
            while let Some(at) = work.pop() {
                if Some(at) != without && !std::mem::replace(&mut seen[at.as_u32() as usize], true) {
                    work.extend(f.term(at).edges().map(|e| e.block));
                }
            }
            seen[b.as_u32() as usize]
        };
        reach(None) && !reach(Some(a))
    }

    #[test]
    fn agrees_with_the_definition_on_random_graphs() {
        let mut state = 7u64;
        let mut random = move |n: u32| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as u32 % n
        };
        for _ in 0..400 {
            let n = 2 + random(12);
            let mut text = "function func0 (i32) -> () {\nb0(v0: i32):\n".to_string();
            for b in 0..n {
                if b > 0 {
                    text += &format!("b{b}():\n");
                }
                let mut to = || 1 + random(n - 1);
                text += &match to() % 3 {
                    0 => "return\n".to_string(),
                    1 => format!("br b{}()\n", to()),
                    _ => format!("br_table v0 [b{}(), b{}()] default b{}()\n", to(), to(), to()),
                };
            }
            let f = parse::function(&(text + "}")).expect("generated text parses");
            let d = Dominance::compute(&f);
            for a in f.blocks.keys() {
                for b in f.blocks.keys() {
                    assert_eq!(d.dominates(a, b), by_removal(&f, a, b), "{a} {b}\n{f}");
                }
            }
        }
    }
}
