//! Loops that do nothing any more: only read, and end.
//!
//! **Licence.** Nothing that the loop computes is used behind it; it writes nothing that is still looked at, its reads cannot trap, and
//! it comes to its end: some exit that every turn passes waits for a counter that moves by one to reach a value that stays.

use crate::analysis::{Cfg, DomTree, Loops};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::Op;
use crate::memory::objects::constant;

/// The loop that can go whole around a block, the outermost: its header, and the edge that leaves it (from where, and which).
/// `harmless`: instructions with an effect that may go with it.
pub fn idle_loop(
    f: &Function,
    cfg: &Cfg,
    dom: &DomTree,
    loops: &Loops,
    block: Block,
    harmless: &dyn Fn(Inst) -> bool,
) -> Option<(Block, (Block, usize))> {
    let mut header = loops.innermost(block)?;
    let mut found = None;
    loop {
        match leaves_at(f, cfg, dom, loops, header, harmless) {
            Some(exit) => found = Some((header, exit)),
            None => return found,
        }
        match loops.parent(header) {
            Some(outer) => header = outer,
            None => return found,
        }
    }
}

fn leaves_at(
    f: &Function,
    cfg: &Cfg,
    dom: &DomTree,
    loops: &Loops,
    header: Block,
    harmless: &dyn Fn(Inst) -> bool,
) -> Option<(Block, usize)> {
    let inside = |b: Block| loops.contains(header, b);
    let defined = |v: Value| match f.values[v].def {
        ValueDef::Param(b, _) => inside(b),
        ValueDef::Result(i, _) => f.layout.iter().any(|&b| inside(b) && f.blocks[b].insts.contains(&i)),
    };
    let mut exit: Option<(Block, usize)> = None;
    for &b in cfg.rpo().iter().filter(|&&b| inside(b)) {
        if !matches!(f.term(b), Terminator::Jump(_) | Terminator::Branch { .. }) {
            return None;
        }
        if !f.blocks[b].insts.iter().all(|&i| f.insts[i].op.is_pure() || harmless(i)) {
            return None;
        }
        for (n, e) in f.term(b).edges().enumerate().filter(|(_, e)| !inside(e.block)) {
            if f.edge_args(e).iter().any(|&v| defined(v)) {
                return None;
            }
            if let Some((at, m)) = exit {
                let known = f.term(at).edges().nth(m)?;
                if known.block != e.block || f.edge_args(known) != f.edge_args(e) {
                    return None;
                }
            } else {
                exit = Some((b, n));
            }
        }
    }
    let exit = exit?;
    let behind = |b: &Block| !inside(*b);
    for &b in cfg.rpo().iter().filter(|b| behind(b)) {
        let used = f.blocks[b].insts.iter().flat_map(|&i| f.args(i));
        let term = f.term(b);
        let mut all = used.chain(term.operands(&f.pool)).chain(term.edges().flat_map(|e| f.edge_args(e)));
        if all.any(|&v| defined(v)) {
            return None;
        }
    }
    let inner = cfg.rpo().iter().filter(|&&b| loops.is_header(b) && inside(b));
    inner.copied().all(|h| is_counted(f, cfg, dom, loops, h)).then_some(exit)
}

/// Whether a loop surely ends.
fn is_counted(f: &Function, cfg: &Cfg, dom: &DomTree, loops: &Loops, header: Block) -> bool {
    let inside = |b: Block| loops.contains(header, b);
    let latches: Vec<Block> = cfg.preds(header).iter().copied().filter(|&p| inside(p)).collect();
    let &[latch] = &latches[..] else { return false };
    let Some(back) = f.term(latch).edges().find(|e| e.block == header) else { return false };
    let stays = |v: Value| match f.values[v].def {
        ValueDef::Param(b, _) => !inside(b),
        ValueDef::Result(i, _) => {
            constant(f, v).is_some() || !f.layout.iter().any(|&b| inside(b) && f.blocks[b].insts.contains(&i))
        }
    };
    // A counter, as it is at the start of the turn or at its end, and which way it moves.
    let counter = |v: Value| -> Option<u32> {
        for (n, &p) in f.block_params(header).iter().enumerate() {
            let next = *f.edge_args(back).get(n)?;
            let step = f.def_inst(next).and_then(|i| match (f.insts[i].op, f.args(i)) {
                (Op::I32Add, &[a, c]) if a == p => constant(f, c),
                (Op::I32Add, &[c, a]) if a == p => constant(f, c),
                (Op::I32Sub, &[a, c]) if a == p => constant(f, c).map(u32::wrapping_neg),
                _ => None,
            });
            if (v == p || v == next) && matches!(step, Some(1 | u32::MAX)) {
                return step;
            }
        }
        None
    };
    cfg.rpo().iter().filter(|&&b| inside(b) && dom.dominates(b, latch)).any(|&b| {
        let Terminator::Branch { cond, then, els } = f.term(b) else { return false };
        // Of an inner loop it may be passed never.
        if loops.innermost(b) != Some(header) || inside(then.block) == inside(els.block) {
            return false;
        }
        let stays_if_true = inside(then.block);
        if counter(*cond).is_some() {
            // Goes on while it is not null.
            return stays_if_true;
        }
        let Some(i) = f.def_inst(*cond) else { return false };
        let args = f.args(i);
        // The lower one rises, or the upper one falls.
        let meets = |low: Value, high: Value| {
            counter(low) == Some(1) && stays(high) || counter(high) == Some(u32::MAX) && stays(low)
        };
        match (f.insts[i].op, args) {
            (Op::I32Eqz, &[v]) => counter(v).is_some() && !stays_if_true,
            (Op::I32Eq, &[a, b]) => {
                !stays_if_true && (counter(a).is_some() && stays(b) || counter(b).is_some() && stays(a))
            }
            (Op::I32Ne, &[a, b]) => {
                stays_if_true && (counter(a).is_some() && stays(b) || counter(b).is_some() && stays(a))
            }
            (Op::I32LtU, &[a, b]) => stays_if_true && meets(a, b),
            (Op::I32GeU, &[a, b]) => !stays_if_true && meets(a, b),
            (Op::I32GtU, &[a, b]) => stays_if_true && meets(b, a),
            (Op::I32LeU, &[a, b]) => !stays_if_true && meets(b, a),
            _ => false,
        }
    })
}
