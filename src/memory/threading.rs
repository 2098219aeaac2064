//! Branches on a discriminant that is known on the way: jump threading.
//!
//! A callee stores the tag of its `result` on each of its ways out, the ways meet, and the caller tests the tag. Once the tag is a
//! parameter of the block where the ways meet, a way that brings a constant goes straight to where the test would lead: with
//! a copy of the block, of [`MAX_COPIED`] instructions at most.
//!
//! A test whose outcome follows from one that was made on the way (the adapter asks for the length that the post-return asked for) is
//! decided in the same way.
//!
//! **Licence.** The copy does what the block does, and its branch is decided by the constant that this edge brings, or by a branch on the
//! same value that this edge comes from, or that has led to where it comes from.
//!
//! **Declines.** Headers of loops (the loop would get a second entry); blocks that are too long; conditions that need more than
//! what the block computes from its parameters.
//!
//! Reference: Bodík, Gupta and Soffa, "Interprocedural Conditional Branch Elimination", PLDI 1997.

use super::edit::{Variable, same, tidy};
use super::{Context, Counts};
use crate::analysis::{Cfg, DomTree, constant};
use crate::interp::{Const, Outcome, eval};
use crate::ir::copy::{copied_term, copy_inst};
use crate::ir::entity::{Block, Value};
use crate::ir::function::{Edge, Function, InstData, Terminator, ValueDef};
use crate::ir::ops::Op;
use cranelift_entity::SecondaryMap;
use hashbrown::HashMap;

/// Instructions of a block that is copied for one of the ways into it.
pub const MAX_COPIED: usize = 24;
/// Ways of one graph that are threaded in one round.
const MAX_THREADS: usize = 32;
/// Blocks above one that are asked what was decided there.
const MAX_TESTS: usize = 24;
/// Operators that two conditions are compared through.
const MAX_DEPTH: u32 = 3;

/// Threads what it can.
pub fn thread_branches(f: &mut Function, _cx: &Context<'_>, _work: &mut usize, counts: &mut Counts) {
    for _ in 0..MAX_THREADS {
        fold_branches(f, counts);
        let cfg = Cfg::compute(f);
        let Some((pred, n, block, target)) = find(f, &cfg) else { return };
        thread(f, pred, n, block, target);
        *counts.entry("threaded-branches").or_default() += 1;
        tidy(f);
    }
}

/// Makes branches on constants jumps.
pub(crate) fn fold_branches(f: &mut Function, counts: &mut Counts) {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    let mut any = false;
    for b in f.layout.clone() {
        let cond = match f.term(b) {
            Terminator::Branch { cond, .. } => *cond,
            Terminator::Table { index, .. } => *index,
            _ => continue,
        };
        let target = decided(f, b, None, cond).or_else(|| follows(f, &cfg, &dom, b, None, cond));
        let edge = target.and_then(|target| f.term(b).edges().nth(target).cloned());
        if let Some(edge) = edge {
            f.blocks[b].term = Some(Terminator::Jump(edge));
            *counts.entry("folded-branches").or_default() += 1;
            any = true;
        }
    }
    if any {
        tidy(f);
    }
}

/// A way that decides a branch: the block it comes from, which of its edges, the block it leads to, and which edge that takes.
fn find(f: &Function, cfg: &Cfg) -> Option<(Block, usize, Block, usize)> {
    let dom = DomTree::compute(f, cfg);
    let mut is_header: SecondaryMap<Block, bool> = SecondaryMap::new();
    for &(_, to) in cfg.back_edges() {
        is_header[to] = true;
    }
    for &block in cfg.rpo() {
        let cond = match f.term(block) {
            Terminator::Branch { cond, .. } => *cond,
            Terminator::Table { index, .. } => *index,
            _ => continue,
        };
        let several = cfg.preds(block).len() > 1;
        if !several || is_header[block] || block == f.entry || f.blocks[block].insts.len() > MAX_COPIED {
            continue;
        }
        for &pred in cfg.preds(block) {
            let ordinary = matches!(
                f.term(pred),
                Terminator::Jump(_) | Terminator::Branch { .. } | Terminator::Table { .. }
            );
            if !ordinary || pred == block {
                continue;
            }
            for (n, edge) in f.term(pred).edges().enumerate().filter(|(_, e)| e.block == block) {
                let target = decided(f, block, Some(edge), cond);
                if let Some(target) = target.or_else(|| follows(f, cfg, &dom, block, Some((pred, n)), cond)) {
                    return Some((pred, n, block, target));
                }
            }
        }
    }
    None
}

/// Which edge of a block is taken, when it is entered through this one or through any.
fn decided(f: &Function, block: Block, edge: Option<&Edge>, cond: Value) -> Option<usize> {
    let c = known(f, block, edge, cond)?;
    Some(match f.term(block) {
        Terminator::Branch { .. } => usize::from(c == 0),
        Terminator::Table { targets, .. } => (c as usize).min(targets.len()),
        _ => return None,
    })
}

/// The integer of 32 bits that a value of a block is, when it is entered through this edge or through any.
pub(super) fn known(f: &Function, block: Block, edge: Option<&Edge>, v: Value) -> Option<u32> {
    let mut known: HashMap<Value, Const> = HashMap::new();
    let args = edge.map_or(&[][..], |e| f.edge_args(e));
    for (&p, &a) in f.block_params(block).iter().zip(args) {
        if let Some(c) = constant(f, a) {
            known.insert(p, c);
        }
    }
    for &i in &f.blocks[block].insts {
        let data = &f.insts[i];
        let Some(result) = f.result(i).filter(|_| data.op.is_pure()) else { continue };
        let args: Option<Vec<Const>> =
            f.args(i).iter().map(|a| known.get(a).copied().or_else(|| constant(f, *a))).collect();
        if let Some(c) = args.and_then(|args| value(data, &args)) {
            known.insert(result, c);
        }
    }
    known.get(&v).copied().or_else(|| constant(f, v))?.as_int().map(|c| c as u32)
}

/// Which edge of a branch is taken because of a branch before it: one that led here through this edge (of this block), or through
/// the only way in.
fn follows(
    f: &Function,
    cfg: &Cfg,
    dom: &DomTree,
    block: Block,
    edge: Option<(Block, usize)>,
    cond: Value,
) -> Option<usize> {
    if !matches!(f.term(block), Terminator::Branch { .. }) {
        return None;
    }
    let (mut asked, negated) = truth(f, cond);
    if let ValueDef::Param(b, n) = f.values[asked].def
        && b == block
    {
        let (pred, e) = edge?;
        let edge = f.term(pred).edges().nth(e)?;
        let made = f.produced(edge);
        asked = *f.edge_args(edge).get((n as usize).checked_sub(made)?)?;
    }
    let tells = |(at, n): (Block, usize)| {
        let Terminator::Branch { cond, .. } = f.term(at) else { return None };
        let (known, flipped) = truth(f, *cond);
        let is_true = (n == 0) != flipped;
        same(f, known, asked, MAX_DEPTH).then(|| usize::from(is_true == negated))
    };
    if let Some(target) = edge.and_then(tells) {
        return Some(target);
    }
    // What was decided on the only way into a block holds in all that it dominates.
    let mut at = edge.map_or(block, |(pred, _)| pred);
    for _ in 0..MAX_TESTS {
        if let Some(target) = only_way(f, cfg, at).and_then(tells) {
            return Some(target);
        }
        at = dom.idom(at)?;
    }
    None
}

/// The only edge into a block: from where, and which it is.
pub(super) fn only_way(f: &Function, cfg: &Cfg, block: Block) -> Option<(Block, usize)> {
    let &[pred] = cfg.preds(block) else { return None };
    let mut edges = f.term(pred).edges().enumerate().filter(|(_, e)| e.block == block);
    let (n, _) = edges.next()?;
    edges.next().is_none().then_some((pred, n))
}

/// The value that a condition asks whether it is null, and whether the condition is that it is.
pub(super) fn truth(f: &Function, cond: Value) -> (Value, bool) {
    let (mut v, mut negated) = (cond, false);
    while let Some(i) = f.def_inst(v) {
        let zero = |a: Value| super::objects::constant(f, a) == Some(0);
        match (f.insts[i].op, f.args(i)) {
            (Op::I32Eqz, &[a]) => (v, negated) = (a, !negated),
            (Op::I32Eq, &[a, b]) if zero(b) => (v, negated) = (a, !negated),
            (Op::I32Ne, &[a, b]) if zero(b) => v = a,
            _ => break,
        }
    }
    (v, negated)
}

fn value(data: &InstData, args: &[Const]) -> Option<Const> {
    match eval(data.op, &data.imm, args) {
        Outcome::Value(c) => Some(c),
        Outcome::Trap | Outcome::Unknown => None,
    }
}

/// Sends the n-th edge of a block to a copy of the block that it leads to, which goes on to one target.
fn thread(f: &mut Function, pred: Block, n: usize, block: Block, target: usize) {
    let copy = super::edit::split(f, block, f.blocks[block].insts.len());
    // `split` moved the end into the new block: it belongs to the old one.
    f.blocks[block].term = f.blocks[copy].term.take();
    let edge = f.term(pred).edges().nth(n).expect("the edge that was found").clone();
    let args = f.edge_args(&edge).to_vec();
    let params = f.block_params(block).to_vec();
    let mut map: HashMap<Value, Value> = params.iter().copied().zip(args).collect();
    for i in f.blocks[block].insts.clone() {
        copy_inst(f, i, copy, &mut map);
    }
    let next = copied_term(f, block, &map).edges().nth(target).expect("the edge that is taken").clone();
    f.blocks[copy].term = Some(Terminator::Jump(next));
    let to_copy = f.edge(copy, &[]);
    let mut term = f.blocks[pred].term.take().expect("a finished block");
    if let Some(e) = term.edges_mut().nth(n) {
        *e = to_copy;
    }
    f.blocks[pred].term = Some(term);
    repair(f, block, copy, &map);
}

/// What was defined in the block has two definitions now: uses behind both get the one that they come from.
pub(crate) fn repair(f: &mut Function, block: Block, copy: Block, map: &HashMap<Value, Value>) {
    let cfg = Cfg::compute(f);
    let mut variables: HashMap<Value, Variable> = HashMap::new();
    for b in f.layout.clone() {
        if b == block || b == copy || !cfg.is_reachable(b) {
            continue;
        }
        let mut used: Vec<Value> = Vec::new();
        for &i in &f.blocks[b].insts {
            used.extend(f.args(i).iter().filter(|a| map.contains_key(*a)));
        }
        let term = f.term(b);
        used.extend(term.operands(&f.pool).iter().filter(|a| map.contains_key(*a)));
        used.extend(term.edges().flat_map(|e| f.edge_args(e)).filter(|a| map.contains_key(*a)));
        used.sort_unstable();
        used.dedup();
        for v in used {
            let ends = HashMap::from([(block, v), (copy, map[&v])]);
            let ty = f.ty(v);
            let variable = variables.entry(v).or_insert_with(|| Variable::new(ends, ty));
            let here = variable.at_start(f, &cfg, b);
            rename(f, b, v, here);
        }
    }
}

/// Replaces a value in one block.
fn rename(f: &mut Function, block: Block, from: Value, to: Value) {
    let swap = |list: &mut [Value]| list.iter_mut().filter(|v| **v == from).for_each(|v| *v = to);
    for i in f.blocks[block].insts.clone() {
        swap(f.insts[i].args.as_mut_slice(&mut f.pool));
    }
    let Some(mut term) = f.blocks[block].term.take() else { return };
    swap(term.operands_mut(&mut f.pool));
    for e in term.edges_mut() {
        swap(e.args.as_mut_slice(&mut f.pool));
    }
    f.blocks[block].term = Some(term);
}
