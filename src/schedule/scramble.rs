//! What is free in a graph that is about to be lowered, and may be anything under chaos: the hints of values, the order of
//! the layout, and the order of instructions that do not depend on each other.

use super::LowerContext;
use crate::ir::effects::EffectSet;
use crate::ir::entity::{Block, Inst};
use crate::ir::function::Function;

/// How far an instruction may be moved. Also bounds what the checker has to remember.
const WINDOW: usize = 24;

/// The order of instructions that a graph had; the graph that code refers to keeps it, so that the checker sees what moved.
pub(super) type Order = Vec<(Block, Vec<Inst>)>;

/// Scrambles what is free. Nothing happens without chaos.
pub(super) fn scramble(f: &mut Function, cx: &LowerContext<'_>) -> Order {
    if !cx.chaos.is_on() {
        return Order::new();
    }
    let locals = f.params.len() as u32 + 8;
    for (v, data) in f.values.iter_mut() {
        data.hint = match cx.chaos.pick("hint", v, 3, 0) {
            0 => data.hint,
            1 => None,
            _ => Some(cx.chaos.pick("wrong hint", v, locals as usize, 0) as u32),
        };
    }
    if let Some((_, rest)) = f.layout.split_first_mut() {
        cx.chaos.shuffle("layout", (), rest);
    }
    let layout = f.layout.clone();
    layout.into_iter().map(|b| (b, reorder(f, b, cx))).collect()
}

/// Puts the instructions of a block in another order that their operands and effects allow; returns the one they had.
fn reorder(f: &mut Function, b: Block, cx: &LowerContext<'_>) -> Vec<Inst> {
    let old = std::mem::take(&mut f.blocks[b].insts);
    let mut new = Vec::with_capacity(old.len());
    for window in old.chunks(WINDOW) {
        let effects: Vec<EffectSet> =
            window.iter().map(|&i| (cx.effects)(f.insts[i].op, &f.insts[i].imm)).collect();
        let must_follow = |later: usize, earlier: usize| {
            let results = f.results(window[earlier]);
            effects[later].conflicts(effects[earlier])
                || f.args(window[later]).iter().any(|a| results.contains(a))
        };
        // How many others have to come before each one.
        let mut waits: Vec<usize> =
            (0..window.len()).map(|n| (0..n).filter(|&m| must_follow(n, m)).count()).collect();
        let mut left: Vec<usize> = (0..window.len()).collect();
        while !left.is_empty() {
            let ready: Vec<usize> = (0..left.len()).filter(|&k| waits[left[k]] == 0).collect();
            let place = (b, new.len());
            let next = left.remove(ready[cx.chaos.pick("next instruction", place, ready.len(), 0)]);
            for &other in left.iter().filter(|&&other| other > next && must_follow(other, next)) {
                waits[other] -= 1;
            }
            new.push(window[next]);
        }
    }
    f.blocks[b].insts = new;
    old
}

/// Puts the instructions back into the order that they had.
pub(super) fn restore(f: &mut Function, order: Order) {
    for (b, insts) in order {
        f.blocks[b].insts = insts;
    }
}
