//! The graph that stack code refers to is the one that was lowered, but for edges that got a block of their own.

use crate::ir::entity::Block;
use crate::ir::function::{Edge, Function, Terminator};

pub(super) fn same_but_for_splits(a: &Function, b: &Function) -> Result<(), String> {
    let known = a.blocks.len();
    let fail = |block: Block| Err(format!("{block} of the graph changed"));
    if a.entry != b.entry || a.params != b.params || a.results != b.results {
        return Err("the function's type changed".into());
    }
    let reachable: Vec<Block> = b.layout.iter().copied().filter(|x| (x.as_u32() as usize) < known).collect();
    for x in reachable {
        let (p, q) = (&a.blocks[x], &b.blocks[x]);
        if a.block_params(x) != b.block_params(x) || p.insts != q.insts {
            return fail(x);
        }
        for &i in &p.insts {
            let (m, n) = (&a.insts[i], &b.insts[i]);
            if m.op != n.op || m.imm != n.imm || a.args(i) != b.args(i) || a.results(i) != b.results(i) {
                return fail(x);
            }
        }
        let (s, t) = (a.term(x), b.term(x));
        if s.operands(&a.pool) != t.operands(&b.pool) || !s.is_alike(t) {
            return fail(x);
        }
        if s.edges().count() != t.edges().count()
            || !s.edges().zip(t.edges()).all(|(e, g)| same_edge(a, e, b, g, known))
        {
            return fail(x);
        }
    }
    Ok(())
}

/// Whether edge `g` is `e`, or leads there through a new block that passes on what it produces.
fn same_edge(a: &Function, e: &Edge, b: &Function, g: &Edge, known: usize) -> bool {
    if (g.block.as_u32() as usize) < known {
        return e.block == g.block && a.edge_args(e) == b.edge_args(g);
    }
    let n = g.block;
    let Some(Terminator::Jump(on)) = &b.blocks[n].term else { return false };
    let produced = b.block_params(n);
    let args = b.edge_args(on);
    b.blocks[n].insts.is_empty()
        && b.edge_args(g).is_empty()
        && on.block == e.block
        && produced.len() == a.produced(e)
        && args.len() == produced.len() + a.edge_args(e).len()
        && args.starts_with(produced)
        && args[produced.len()..] == *a.edge_args(e)
}
