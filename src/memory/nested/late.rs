//! Where what was copied is given back before the copy is read: the post-return of a callee. It has to wait until the copy would
//! have been given back.

use super::derive::{Derived, Fact};
use super::levels::Level;
use crate::analysis::{Cfg, DomTree, Loops};
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Kind, Op};
use crate::memory::Context;
use crate::memory::edit::{position, same};
use crate::memory::objects::{allocates, constant, frees, other_effects};
use crate::memory::threading::truth;
use cranelift_entity::SecondaryMap;

/// The blocks that give back what was copied.
#[derive(Debug)]
pub struct Region {
    /// All of them, the first one first.
    pub blocks: Vec<Block>,
    /// The edge that leads in: from where, and which.
    pub way_in: (Block, usize),
    /// The edge that leads out.
    pub way_out: (Block, usize),
    /// The block behind it.
    pub behind: Block,
    /// Levels of which allocations are given back.
    pub levels: Vec<bool>,
    /// What it reads: level and place in an element, and how many bytes.
    pub reads: Vec<(usize, Option<u32>, u32)>,
}

/// A graph and the levels of a list in it.
pub struct Flow<'a> {
    /// The graph.
    pub f: &'a Function,
    /// Its control flow.
    pub cfg: &'a Cfg,
    /// Its dominators.
    pub dom: &'a DomTree,
    /// Its loops.
    pub loops: &'a Loops,
    /// The levels.
    pub levels: &'a [Level],
}

impl Flow<'_> {
    /// Finds the region, if what was copied is given back at all between the copy and what is done with it. `derived`: addresses into
    /// what was copied. `between`: how far each block lies between them.
    ///
    /// # Errors
    /// When it is given back in a way that cannot be moved.
    pub fn region(
        &self,
        derived: &Derived,
        memory: MemoryId,
        between: &SecondaryMap<Block, Option<usize>>,
        cx: &Context<'_>,
    ) -> Result<Option<Region>, ()> {
        let Flow { f, cfg, dom, loops, levels } = *self;
        let fill = levels[0].fill;
        let mut given: Vec<Block> = Vec::new();
        let mut freed = vec![false; levels.len()];
        for &b in cfg.rpo().iter().filter(|&&b| dom.dominates(fill.0, b)) {
            for (at, &i) in
                f.blocks[b].insts.iter().enumerate().filter(|(at, _)| between[b].is_some_and(|end| *at < end))
            {
                if let Some((m, p)) = frees(f, i, cx.knowledge)
                    && m == memory
                    && let Fact::Address { level, start: true, .. } = derived.of(p)
                    && (b != fill.0 || at > position(f, b, fill.1))
                {
                    freed[level] = true;
                    given.push(b);
                }
            }
        }
        let Some(&first) = given.first() else { return Ok(None) };
        // The nearest block above all of them that is in no loop but those around the copy.
        let around = loops.innermost(fill.0);
        let mut entry = given.iter().skip(1).fold(first, |a, &b| common(dom, a, b));
        let mut header = loops.innermost(entry);
        while let Some(h) = header.filter(|_| header != around) {
            entry = h;
            header = loops.parent(h);
        }
        if header != around {
            return Err(());
        }
        // With what is only computed for it.
        while let &[before] = &outer_preds(cfg, dom, entry)[..]
            && matches!(f.term(before), Terminator::Jump(_))
            && before != fill.0
            && loops.innermost(before) == around
            && !loops.is_header(before)
            && f.blocks[before].insts.iter().all(|&i| f.insts[i].op.is_pure())
            && cfg.preds(before).len() == 1
        {
            entry = before;
        }
        // What lies between it and where all of its ways meet again.
        let mut blocks: Vec<Block> = Vec::new();
        let behind = meeting(f, cfg, dom, entry, &given).ok_or(())?;
        for &b in cfg.rpo() {
            if dom.dominates(entry, b) && !dom.dominates(behind, b) && b != behind {
                blocks.push(b);
            }
        }
        let inside = |b: Block| blocks.contains(&b);
        if !given.iter().all(|&b| inside(b)) || inside(fill.0) {
            return Err(());
        }
        let mut way_in = None;
        let mut way_out = None;
        for &b in cfg.rpo() {
            for (n, e) in f.term(b).edges().enumerate() {
                match (inside(b), inside(e.block)) {
                    (false, true) if e.block == entry && way_in.is_none() => way_in = Some((b, n)),
                    (true, false) if e.block == behind && way_out.is_none() => way_out = Some((b, n)),
                    (true, true) | (false, false) => {}
                    _ => return Err(()),
                }
            }
        }
        let (way_in, way_out) = (way_in.ok_or(())?, way_out.ok_or(())?);
        let mut reads = Vec::new();
        let mut defined: SecondaryMap<Value, bool> = SecondaryMap::new();
        for &b in &blocks {
            if !matches!(f.term(b), Terminator::Jump(_) | Terminator::Branch { .. }) {
                return Err(());
            }
            f.block_params(b).iter().for_each(|&p| defined[p] = true);
            for &i in &f.blocks[b].insts {
                f.results(i).iter().for_each(|&v| defined[v] = true);
                let place = f.args(i).first().and_then(|&a| derived.place(f, i, a, levels));
                let here = f.insts[i].imm.memarg().map(|m| m.memory) == Some(memory);
                match (f.insts[i].op.kind(), place) {
                    _ if f.insts[i].op.is_pure() => {}
                    (Kind::Load, Some((level, at))) if here => {
                        reads.push((level, at, f.insts[i].op.info().width.into()))
                    }
                    // What is given back afterwards may be overwritten before.
                    (Kind::Store, Some(_)) if here && !f.args(i)[1..].iter().any(|&v| derived.is(v)) => {}
                    (Kind::Call, _)
                        if frees(f, i, cx.knowledge).is_some_and(|(m, p)| {
                            m == memory && matches!(derived.of(p), Fact::Address { start: true, .. })
                        }) => {}
                    _ => return Err(()),
                }
            }
        }
        // Nothing that it computes is used behind it.
        let out = f.term(way_out.0).edges().nth(way_out.1).ok_or(())?;
        let outside = cfg.rpo().iter().filter(|&&b| !inside(b));
        let used = |&b: &Block| {
            let term = f.term(b);
            let args = f.blocks[b].insts.iter().flat_map(|&i| f.args(i));
            args.chain(term.operands(&f.pool))
                .chain(term.edges().flat_map(|e| f.edge_args(e)))
                .any(|&v| defined[v])
        };
        if f.edge_args(out).iter().any(|&v| defined[v]) || outside.copied().any(|b| used(&b)) {
            return Err(());
        }
        if !is_entered(f, way_in, levels) {
            return Err(());
        }
        Ok(Some(Region { blocks, way_in, way_out, behind, levels: freed, reads }))
    }
}

impl Region {
    /// Whether all ways from the copy to a block lead through the region, or past it because the list is empty.
    pub fn is_before(&self, dom: &DomTree, block: Block) -> bool {
        let (way_in, _) = self.way_in;
        block != way_in && dom.dominates(way_in, block) && !self.blocks.contains(&block)
    }
}

/// Whether the region is entered always, or whenever the list is not empty.
fn is_entered(f: &Function, (block, n): (Block, usize), levels: &[Level]) -> bool {
    match f.term(block) {
        Terminator::Jump(_) => true,
        Terminator::Branch { cond, .. } => {
            let (asked, negated) = truth(f, *cond);
            let length = f.args(levels[0].fill.1)[2];
            let factors = f.def_inst(length).filter(|&i| matches!(f.insts[i].op, Op::I32Mul | Op::I32Shl));
            let counts = same(f, length, asked, 4)
                || factors.is_some_and(|i| {
                    same(f, f.args(i)[0], asked, 4) && constant(f, f.args(i)[1]).is_some_and(|c| c != 0)
                });
            (n == 0) != negated && counts
        }
        _ => false,
    }
}

/// What an instruction of the ways from the copy to where its source is given back does to memory, and with it to the source.
pub fn may_write(f: &Function, i: Inst, memory: MemoryId, cx: &Context<'_>) -> bool {
    let op = f.insts[i].op;
    if op.is_pure() || matches!(op.kind(), Kind::Load | Kind::Trap | Kind::MemoryGrow | Kind::MemorySize) {
        return false;
    }
    if op.is_call() && allocates(f, i, cx.knowledge).is_some() {
        return false;
    }
    match (op.kind(), f.insts[i].imm.memarg().map(|m| m.memory)) {
        (Kind::Store, Some(m)) => m == memory,
        _ => match f.insts[i].imm {
            Imm::MemCopy { dst, .. } => dst == memory,
            _ => {
                let effects = cx.summaries.inst(f, i);
                effects.writes_data(memory) || (!op.is_call() && other_effects(f, i, memory, cx.summaries))
            }
        },
    }
}

/// Where a block is entered from, loops around it left aside.
fn outer_preds(cfg: &Cfg, dom: &DomTree, block: Block) -> Vec<Block> {
    cfg.preds(block).iter().copied().filter(|&p| !dom.dominates(block, p)).collect()
}

/// The nearest block that dominates both.
fn common(dom: &DomTree, mut a: Block, mut b: Block) -> Block {
    while a != b {
        let (x, y) = (dom.preorder(a), dom.preorder(b));
        if x > y {
            a = dom.idom(a).unwrap_or(b);
        } else {
            b = dom.idom(b).unwrap_or(a);
        }
    }
    a
}

/// Where all ways from the blocks meet: behind the last of them, or the only block outside of what `entry` dominates.
fn meeting(f: &Function, cfg: &Cfg, dom: &DomTree, entry: Block, blocks: &[Block]) -> Option<Block> {
    let last = *blocks.iter().max_by_key(|b| cfg.position(**b))?;
    if let &[next] = cfg.succs(last)
        && dom.dominates(entry, next)
        && blocks.iter().all(|&b| !dom.dominates(next, b))
    {
        return Some(next);
    }
    let mut outside: Vec<Block> = Vec::new();
    for &b in cfg.rpo().iter().filter(|&&b| dom.dominates(entry, b)) {
        for e in f.term(b).edges().filter(|e| !dom.dominates(entry, e.block)) {
            if !outside.contains(&e.block) {
                outside.push(e.block);
            }
        }
    }
    match outside[..] {
        [only] if cfg.position(only) > cfg.position(last) => Some(only),
        _ => None,
    }
}

/// Whether a value is there at the end of a block.
pub fn is_there(f: &Function, dom: &DomTree, v: Value, block: Block) -> bool {
    match f.values[v].def {
        ValueDef::Param(b, _) => dom.dominates(b, block),
        ValueDef::Result(i, _) => {
            f.layout.iter().any(|&b| dom.dominates(b, block) && f.blocks[b].insts.contains(&i))
        }
    }
}
