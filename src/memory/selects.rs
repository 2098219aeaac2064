//! Selects whose condition is known on every way to them: they become branches, which [`super::threading`] then decides.
//!
//! A callee stores the payload of an `option` where there is one, the ways meet, and the caller loads the payload and takes it or something
//! else by the tag. As a select it loads on every way; with a branch in its place each way goes where its tag leads, and the load is
//! on the way of the store only.
//!
//! **Licence.** A branch to one place with one or the other operand is the select. Both were computed before, and still are.
//!
//! **Declines.** Conditions that are not known on some way into the block, or the same on all; operands that do not depend on a load of the block:
//! nothing would be forwarded; headers of loops; blocks that are too long to be copied; for size.

use super::edit::{split, tidy};
use super::threading::{MAX_COPIED, known};
use super::{Context, Counts};
use crate::analysis::Cfg;
use crate::ir::cleanup::substitute;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::{Kind, Op};
use cranelift_entity::SecondaryMap;
use hashbrown::HashSet;

/// Its name in the report.
pub const PASS: &str = "unfolded-selects";
/// Selects of one graph in one round.
const MAX_SELECTS: usize = 16;

/// Makes branches of the selects of a graph that its memory gains from.
pub fn unfold_selects(f: &mut Function, cx: &Context<'_>, _work: &mut usize, counts: &mut Counts) {
    if !cx.speed {
        return;
    }
    for _ in 0..MAX_SELECTS {
        let Some((block, at)) = find(f, &Cfg::compute(f)) else { return };
        unfold(f, block, at);
        *counts.entry(PASS).or_default() += 1;
        tidy(f);
        super::threading::thread_branches(f, cx, &mut 0, counts);
    }
}

/// A block and the position of a select in it.
fn find(f: &Function, cfg: &Cfg) -> Option<(Block, usize)> {
    let is_header = |b: Block| cfg.back_edges().iter().any(|&(_, to)| to == b);
    for &block in cfg.rpo() {
        let insts = &f.blocks[block].insts;
        let selects =
            insts.iter().take(MAX_COPIED).enumerate().filter(|(_, i)| f.insts[**i].op == Op::Select);
        let mut selects = selects.peekable();
        if selects.peek().is_none() || cfg.preds(block).len() < 2 || block == f.entry || is_header(block) {
            continue;
        }
        for (at, &select) in selects {
            if decides(f, cfg, block, f.args(select)[2]) && loads(f, &insts[..at], select) {
                return Some((block, at));
            }
        }
    }
    None
}

/// Whether each way into a block decides a condition, and not all in the same way.
fn decides(f: &Function, cfg: &Cfg, block: Block, cond: Value) -> bool {
    let (mut ways, mut taken) = (0, 0);
    for &pred in cfg.preds(block) {
        let ordinary = matches!(
            f.term(pred),
            Terminator::Jump(_) | Terminator::Branch { .. } | Terminator::Table { .. }
        );
        if !ordinary || pred == block {
            return false;
        }
        for edge in f.term(pred).edges().filter(|e| e.block == block) {
            let Some(c) = known(f, block, Some(edge), cond) else { return false };
            ways += 1;
            taken += u32::from(c != 0);
        }
    }
    taken > 0 && taken < ways
}

/// Whether an operand of a select depends on a load among the instructions before it.
fn loads(f: &Function, before: &[Inst], select: Inst) -> bool {
    let mut needed: HashSet<Value> = f.args(select)[..2].iter().copied().collect();
    before.iter().rev().any(|&i| {
        let used = f.results(i).iter().any(|r| needed.contains(r));
        if used {
            needed.extend(f.args(i));
        }
        used && f.insts[i].op.kind() == Kind::Load
    })
}

/// Ends a block with a branch in place of a select.
fn unfold(f: &mut Function, block: Block, at: usize) {
    let select = f.blocks[block].insts[at];
    let args = f.args(select);
    let (then, els, cond) = (args[0], args[1], args[2]);
    let old = f.results(select)[0];
    let rest = split(f, block, at + 1);
    f.blocks[block].insts.pop();
    let new = f.add_param(rest, f.ty(old));
    f.values[new].hint = f.values[old].hint;
    let (then, els) = (f.edge(rest, &[then]), f.edge(rest, &[els]));
    f.blocks[block].term = Some(Terminator::Branch { cond, then, els });
    let mut replaced = SecondaryMap::new();
    replaced[old] = new.into();
    substitute(f, &mut replaced);
}
