//! Translation validation of cleanup and of the removal of dead code, which change a graph in place: instructions, values and
//! blocks that stay keep their names.
//!
//! Each block that is left stands for a chain of blocks before, joined by jumps. Its instructions are those of the chain in the same order, without
//! pure ones whose results are gone, its operands the same values with parameters inside of the chain replaced by what their only
//! jump brings, and its edges lead to the same places: past blocks that only jump, with what the parameters that are left there get. So wherever both
//! are at the start of such a block and the values that are left are equal, they do the same and are so again at the next one. That
//! each value used is defined where it is used, [`crate::ir::verify`] says.
//!
//! Linear in the size of the graph, but for the walks past empty blocks.

use crate::ir::entity::{Block, Value};
use crate::ir::function::{Edge, Function, Terminator};
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use smallvec::SmallVec;

/// Whether `g` is what cleanup may make of `f`.
///
/// # Errors
/// With what differs.
pub fn check(f: &Function, g: &Function) -> Result<(), String> {
    let shape = f.entry == g.entry
        && f.params == g.params
        && f.results == g.results
        && f.block_params(f.entry) == g.block_params(g.entry)
        && g.layout.contains(&g.entry);
    if !shape {
        return Err("another signature or another start".into());
    }
    let mut c = Cleanup {
        f,
        g,
        stays: SecondaryMap::with_capacity(f.blocks.len()),
        joined: SecondaryMap::with_capacity(f.blocks.len()),
        stands: SecondaryMap::with_capacity(f.values.len()),
        left: SecondaryMap::with_capacity(g.values.len()),
    };
    for &b in &g.layout {
        c.stays[b] = true;
        for &v in g.block_params(b) {
            c.left[v] = true;
        }
        for &i in &g.blocks[b].insts {
            for &v in g.results(i) {
                c.left[v] = true;
            }
        }
    }
    let mut chains = Vec::with_capacity(g.layout.len());
    for &b in &g.layout {
        chains.push(c.chain(b)?);
    }
    g.layout
        .iter()
        .zip(&chains)
        .try_for_each(|(&b, chain)| c.block(b, chain).map_err(|e| format!("{b}: {e}")))
}

struct Cleanup<'a> {
    f: &'a Function,
    g: &'a Function,
    /// Blocks that are left.
    stays: SecondaryMap<Block, bool>,
    /// Blocks that stand in the chain of another one.
    joined: SecondaryMap<Block, bool>,
    /// What a parameter inside of a chain is.
    stands: SecondaryMap<Value, PackedOption<Value>>,
    /// Values that are defined after cleanup.
    left: SecondaryMap<Value, bool>,
}

/// Where an edge leads in the end, and what it brings.
type End = (Block, SmallVec<[Value; 4]>);

impl Cleanup<'_> {
    /// The one way on from the end of a block, where there is no choice.
    fn only_way(&self, b: Block) -> Option<Edge> {
        match self.f.blocks[b].term.as_ref()? {
            Terminator::Jump(e) => Some(e.clone()),
            term @ (Terminator::Branch { .. } | Terminator::Table { .. }) => {
                let mut ends = term.edges().map(|e| self.end(e));
                let first = ends.next()?;
                ends.all(|end| end == first).then(|| term.edges().next().cloned()).flatten()
            }
            _ => None,
        }
    }

    /// Past blocks that do nothing but jump. A ring of such blocks ends where it was entered.
    fn end(&self, edge: &Edge) -> End {
        let mut at = edge.block;
        let mut args: SmallVec<[Value; 4]> = SmallVec::from_slice(self.f.edge_args(edge));
        let mut steps = 0;
        while args.is_empty() && !self.stays[at] && steps <= self.f.layout.len() {
            steps += 1;
            let data = &self.f.blocks[at];
            match &data.term {
                Some(Terminator::Jump(e)) if data.insts.is_empty() && self.f.block_params(at).is_empty() => {
                    at = e.block;
                    args = SmallVec::from_slice(self.f.edge_args(e));
                }
                _ => break,
            }
        }
        (at, args)
    }

    /// The blocks that a block that is left stands for.
    fn chain(&mut self, b: Block) -> Result<Vec<Block>, String> {
        let mut chain = vec![b];
        let mut at = b;
        while let Some(edge) = self.only_way(at) {
            let (next, args) = self.end(&edge);
            if self.stays[next] {
                break;
            }
            if std::mem::replace(&mut self.joined[next], true) {
                return Err(format!("{next} stands in two places"));
            }
            let params = self.f.block_params(next);
            if params.len() != args.len() {
                return Err(format!("{next} gets another number of values"));
            }
            for (&p, &a) in params.iter().zip(&args) {
                self.stands[p] = Some(a).into();
            }
            chain.push(next);
            at = next;
        }
        Ok(chain)
    }

    /// What a value is called after cleanup. Parameters inside of chains are defined once and by values before them.
    fn after(&self, v: Value) -> Value {
        let mut v = v;
        for _ in 0..self.f.values.len() {
            match self.stands[v].expand() {
                Some(next) => v = next,
                None => break,
            }
        }
        v
    }

    fn same(&self, old: &[Value], new: &[Value]) -> bool {
        old.len() == new.len() && old.iter().zip(new).all(|(&o, &n)| self.after(o) == n && self.left[n])
    }

    fn block(&self, b: Block, chain: &[Block]) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let kept: Vec<Value> = f.block_params(b).iter().copied().filter(|&p| self.left[p]).collect();
        if kept != g.block_params(b) {
            return Err("other parameters".into());
        }
        let mut new = g.blocks[b].insts.iter().peekable();
        for &i in chain.iter().flat_map(|&part| &f.blocks[part].insts) {
            if new.peek() != Some(&&i) {
                if f.insts[i].op.is_pure() && f.results(i).iter().all(|&v| !self.left[v]) {
                    continue;
                }
                return Err(format!("{i} is missing"));
            }
            new.next();
            let (p, q) = (&f.insts[i], &g.insts[i]);
            let same = p.op == q.op
                && p.imm.is_alike(&q.imm)
                && f.results(i) == g.results(i)
                && f.results(i).iter().all(|&v| f.ty(v) == g.ty(v))
                && self.same(f.args(i), g.args(i));
            if !same {
                return Err(format!("{i} is another instruction"));
            }
        }
        if let Some(i) = new.next() {
            return Err(format!("{i} was not there"));
        }
        let last = chain.last().copied().unwrap_or(b);
        let (Some(s), Some(t)) = (&f.blocks[last].term, &g.blocks[b].term) else {
            return Err("has no end".into());
        };
        if let (Some(e), Terminator::Jump(n)) = (self.only_way(last), t) {
            return self.edge(&e, n);
        }
        if !s.is_alike(t) {
            return Err("ends in another way".into());
        }
        if !self.same(s.operands(&f.pool), t.operands(&g.pool)) {
            return Err("ends on other values".into());
        }
        if s.edges().count() != t.edges().count() {
            return Err("another number of edges".into());
        }
        s.edges().zip(t.edges()).try_for_each(|(e, n)| self.edge(e, n))
    }

    fn edge(&self, old: &Edge, new: &Edge) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let (block, args) = self.end(old);
        if block != new.block {
            return Err(format!("an edge leads to {} instead of {block}", new.block));
        }
        let params = f.block_params(block);
        let produced = params.len().saturating_sub(args.len());
        // What an edge produces itself comes first, and all of it stays.
        let (made, given) = params.split_at(produced);
        let kept = given.iter().zip(&args).filter(|(p, _)| self.left[**p]);
        let expected: SmallVec<[Value; 4]> = kept.map(|(_, &a)| a).collect();
        if made.iter().any(|&p| !self.left[p]) || !self.same(&expected, g.edge_args(new)) {
            return Err(format!("an edge to {block} brings other values"));
        }
        Ok(())
    }
}
