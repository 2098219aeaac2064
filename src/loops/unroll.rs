//! Unrolling by two: a small loop that counts to an even number tests every second time.
//!
//! **Licence.** The blocks of the loop are copied, and each iteration goes on in the other copy: every instruction runs as often and in the
//! order in which it did. In which iteration the test ends the loop is found by running the counter, from constants; that number
//! is even, so of the two copies only the second can end there, and the first need not ask.
//!
//! **Declines.** Loops with other loops or calls in them, longer than [`MAX_COPIED`], with several ways back, with a counter that does not start
//! at a constant and go on by constants, that ends after an odd number of iterations, or fewer than [`MIN_TRIPS`], or more than
//! [`MAX_TRIPS`]; beyond [`super::MAX_WORK`].

use super::{Counts, MAX_WORK};
use crate::analysis::{Cfg, DomTree, Loops, constant};
use crate::chaos::Chaos;
use crate::interp::{Const, Outcome, eval};
use crate::ir::cleanup::remove_unreachable;
use crate::ir::copy::{copied_term, copy_inst};
use crate::ir::entity::{Block, Value};
use crate::ir::function::{BlockData, Edge, Function, Terminator, ValueDef};
use crate::memory::edit::tidy;
use crate::memory::threading::repair;
use cranelift_entity::EntityList;
use hashbrown::HashMap;

/// Instructions of a loop that is copied.
pub const MAX_COPIED: usize = 40;
/// Blocks of a loop that is copied.
pub const MAX_BLOCKS: usize = 8;
/// Fewer iterations are not worth the bytes.
pub const MIN_TRIPS: u32 = 8;
/// Iterations that are counted.
pub const MAX_TRIPS: u32 = 1 << 12;

/// Its name in the report.
pub const PASS: &str = "unrolled-loops";

/// A loop that can be unrolled.
struct Counted {
    header: Block,
    /// Where the way back starts.
    latch: Block,
    /// In reverse postorder.
    blocks: Vec<Block>,
    /// The block that ends with the test, and which of its edges stays in the loop.
    test: Block,
    stays: usize,
}

/// Unrolls the loops of a graph that count to an even number.
pub(super) fn unroll(f: &mut Function, chaos: Chaos, counts: &mut Counts) {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    if !dom.is_reducible() {
        return;
    }
    let loops = Loops::compute(&cfg, &dom);
    let found: Vec<Counted> =
        loops.headers().iter().filter_map(|&header| counted(f, &cfg, &dom, &loops, header)).collect();
    let size: usize = f.layout.iter().map(|&b| 1 + f.blocks[b].insts.len()).sum();
    let (mut work, mut any) = (0, false);
    // Innermost loops have no block in common.
    for one in found {
        work += size * one.blocks.len();
        if work > MAX_WORK {
            break;
        }
        if chaos.flip("unroll", one.header, true) {
            unroll_one(f, &one);
            *counts.entry(PASS).or_default() += 1;
            any = true;
        }
    }
    if any {
        remove_unreachable(f);
        tidy(f);
    }
}

/// The loop of a header, if it is small and counts to an even number.
fn counted(f: &Function, cfg: &Cfg, dom: &DomTree, loops: &Loops, header: Block) -> Option<Counted> {
    let mut latches = cfg.back_edges().iter().filter(|e| e.1 == header).map(|e| e.0);
    let (Some(latch), None) = (latches.next(), latches.next()) else { return None };
    // Every block on a way from the header to its latch; one of another loop ends the search.
    let mut blocks = vec![header];
    let mut todo = vec![latch];
    while let Some(b) = todo.pop() {
        if blocks.contains(&b) {
            continue;
        }
        if loops.innermost(b) != Some(header) || blocks.len() == MAX_BLOCKS {
            return None;
        }
        blocks.push(b);
        todo.extend_from_slice(cfg.preds(b));
    }
    blocks.sort_unstable_by_key(|&b| cfg.position(b));
    let insts = || blocks.iter().flat_map(|&b| &f.blocks[b].insts);
    let plain = |b: &Block| matches!(f.term(*b), Terminator::Jump(_) | Terminator::Branch { .. });
    if insts().count() > MAX_COPIED
        || insts().any(|&i| f.insts[i].op.is_call())
        || loops.headers().iter().any(|&h| loops.parent(h) == Some(header))
        || !blocks.iter().all(plain)
    {
        return None;
    }
    let back = only_edge(f, latch, header)?;
    let mut entries = cfg.preds(header).iter().copied().filter(|&p| p != latch);
    let (Some(before), None) = (entries.next(), entries.next()) else { return None };
    let start = only_edge(f, before, header)?;
    let always = blocks.iter().copied().filter(|&b| dom.dominates(b, latch));
    for test in always {
        let Terminator::Branch { cond, then, els } = f.term(test) else { continue };
        let inside = |e: &Edge| blocks.contains(&e.block);
        let stays = match (inside(then), inside(els)) {
            (true, false) => 0,
            (false, true) => 1,
            _ => continue,
        };
        for (n, &counter) in f.block_params(header).iter().enumerate() {
            let first = constant(f, f.edge_args(start)[n]);
            let next = f.edge_args(back)[n];
            let trips = first.and_then(|first| trips(f, counter, first, next, *cond, stays == 0));
            if trips.is_some_and(|n| n >= MIN_TRIPS && n.is_multiple_of(2)) {
                return Some(Counted { header, latch, blocks, test, stays });
            }
        }
    }
    None
}

/// The edge from one block to another, if there is just one that passes all its operands itself.
fn only_edge(f: &Function, from: Block, to: Block) -> Option<&Edge> {
    let mut edges = f.term(from).edges().filter(|e| e.block == to);
    edges.next().filter(|e| f.produced(e) == 0 && edges.next().is_none())
}

/// In which iteration a test ends a loop, counted from 1. `next` and `cond` have to be one operator of the counter and constants, or `cond`
/// one of `next`.
fn trips(f: &Function, counter: Value, first: Const, next: Value, cond: Value, on_zero: bool) -> Option<u32> {
    let step = |v: Value, known: &[(Value, Const)]| -> Option<Const> {
        let found = known.iter().find(|k| k.0 == v).map(|k| k.1).or_else(|| constant(f, v));
        if found.is_some() {
            return found;
        }
        let ValueDef::Result(i, _) = f.values[v].def else { return None };
        if !f.insts[i].op.is_pure() {
            return None;
        }
        let operand = |&a: &Value| known.iter().find(|k| k.0 == a).map(|k| k.1).or_else(|| constant(f, a));
        let args: Option<Vec<Const>> = f.args(i).iter().map(operand).collect();
        match eval(f.insts[i].op, &f.insts[i].imm, &args?) {
            Outcome::Value(c) => Some(c),
            _ => None,
        }
    };
    let mut value = first;
    for trip in 1..=MAX_TRIPS {
        let after = step(next, &[(counter, value)])?;
        let decided = step(cond, &[(counter, value), (next, after)])?.as_int()?;
        if (decided == 0) == on_zero {
            return Some(trip);
        }
        value = after;
    }
    None
}

/// Copies the blocks, and leads every way back into the other copy.
fn unroll_one(f: &mut Function, one: &Counted) {
    let mut values: HashMap<Value, Value> = HashMap::new();
    let mut copies: HashMap<Block, Block> = HashMap::new();
    let mut defined: Vec<HashMap<Value, Value>> = Vec::new();
    for &b in &one.blocks {
        let copy = f.blocks.push(BlockData { params: EntityList::new(), insts: Vec::new(), term: None });
        copies.insert(b, copy);
        let mut own: HashMap<Value, Value> = HashMap::new();
        for p in f.block_params(b).to_vec() {
            let v = f.add_param(copy, f.ty(p));
            f.values[v].hint = f.values[p].hint;
            own.insert(p, v);
        }
        values.extend(&own);
        defined.push(own);
    }
    for (&b, own) in one.blocks.iter().zip(&mut defined) {
        for i in f.blocks[b].insts.clone() {
            copy_inst(f, i, copies[&b], &mut values);
            own.extend(f.results(i).iter().map(|r| (*r, values[r])));
        }
    }
    for &b in &one.blocks {
        let mut term = copied_term(f, b, &values);
        for e in term.edges_mut() {
            if e.block != one.header {
                e.block = copies.get(&e.block).copied().unwrap_or(e.block);
            }
        }
        f.blocks[copies[&b]].term = Some(term);
    }
    if let Some(e) =
        f.blocks[one.latch].term.iter_mut().flat_map(|t| t.edges_mut()).find(|e| e.block == one.header)
    {
        e.block = copies[&one.header];
    }
    let kept = f.term(one.test).edges().nth(one.stays).expect("a branch has two edges").clone();
    f.blocks[one.test].term = Some(Terminator::Jump(kept));
    let last = f.layout.iter().rposition(|b| copies.contains_key(b)).expect("the loop is in the layout");
    f.layout.splice(last + 1..last + 1, one.blocks.iter().map(|b| copies[b]));
    for (&b, own) in one.blocks.iter().zip(&defined).filter(|(_, own)| !own.is_empty()) {
        repair(f, b, copies[&b], own);
    }
}
