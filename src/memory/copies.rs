//! Small copies written as loads and stores of the widths that the data is written and read with.
//!
//! An engine calls a function for `memory.copy`, and a load narrower or wider than the store before it waits for that store. So a
//! copy of constant size becomes loads of all of it, then stores, in the pieces in which what it copies was stored or what it
//! wrote is loaded, otherwise in the largest that fit.
//!
//! **Licence.** All is loaded before anything is stored, so overlapping ranges are copied as `memory.copy` does; the store that
//! reaches farthest comes first, so what traps has written nothing.
//!
//! **Declines.** More than [`MAX_BYTES`] bytes; lengths that are not constant; memories with 64-bit addresses, and shared ones,
//! where others may see the pieces.

use super::objects::{Access, Objects};
use super::{Context, Counts};
use crate::analysis::Cfg;
use crate::ir::entity::{Block, Inst, MemoryId};
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Kind, MemArg, Op};
use crate::ir::types::Type;
use hashbrown::HashMap;

/// Largest copy that is written in pieces.
pub const MAX_BYTES: u32 = 64;

/// Widths of the accesses at each place, by memory.
type Widths = HashMap<(MemoryId, super::objects::Place), u32>;

/// Expands the copies of a graph.
pub fn expand_small_copies(f: &mut Function, cx: &Context<'_>, counts: &mut Counts) {
    let cfg = Cfg::compute(f);
    let objects = Objects::compute(f, &cfg, cx.knowledge);
    let (mut loads, mut stores) = (Widths::new(), Widths::new());
    let mut copies: Vec<(Block, Inst, Access, Access, u32)> = Vec::new();
    let plain = |m: MemoryId| cx.info.memory64(m) == Some(false) && !cx.info.is_shared(m);
    for &b in cfg.rpo() {
        for &i in &f.blocks[b].insts {
            let (read, written) = (objects.read(f, i), objects.written(f, i));
            match (f.insts[i].op.kind(), read, written) {
                (Kind::Load, Some(a), _) => {
                    _ = loads.entry((a.memory, a.place)).or_insert(a.width.unwrap_or(0))
                }
                (Kind::Store, _, Some(a)) => {
                    _ = stores.entry((a.memory, a.place)).or_insert(a.width.unwrap_or(0));
                }
                (Kind::MemoryCopy, Some(from), Some(to)) => {
                    let n = to.width.filter(|n| (1..=MAX_BYTES).contains(n));
                    if let Some(n) = n.filter(|_| plain(from.memory) && plain(to.memory)) {
                        copies.push((b, i, from, to, n));
                    }
                }
                _ => {}
            }
        }
    }
    for (block, copy, from, to, n) in copies {
        let mut pieces = Vec::new();
        let mut at = 0;
        let known = |at: u32| {
            let fits = |w: &&u32| matches!(w, 1 | 2 | 4 | 8) && at + **w <= n;
            let read = loads.get(&(to.memory, to.place.plus(at))).filter(fits);
            let written = stores.get(&(from.memory, from.place.plus(at))).filter(fits);
            // What is read in parts is taken apart as a value.
            read.max(written).copied()
        };
        while at < n {
            // What nobody names, padding mostly, goes as far as the next thing that is named.
            let end = (at + 1..n).find(|&next| known(next).is_some()).unwrap_or(n);
            let natural = || [8, 4, 2].into_iter().find(|w| at % w == 0 && at + w <= end).unwrap_or(1);
            let width = known(at).unwrap_or_else(natural);
            pieces.push((at, width));
            at += width;
        }
        expand(f, block, copy, &pieces);
        *counts.entry("expanded-copies").or_default() += 1;
    }
}

fn expand(f: &mut Function, block: Block, copy: Inst, pieces: &[(u32, u32)]) {
    let Imm::MemCopy { dst, src } = f.insts[copy].imm else { return };
    let (to, from) = (f.args(copy)[0], f.args(copy)[1]);
    let at = super::edit::position(f, block, copy);
    let operators = |width: u32| match width {
        1 => (Op::I32Load8U, Op::I32Store8, Type::I32),
        2 => (Op::I32Load16U, Op::I32Store16, Type::I32),
        4 => (Op::I32Load, Op::I32Store, Type::I32),
        _ => (Op::I64Load, Op::I64Store, Type::I64),
    };
    let mut insts = Vec::with_capacity(2 * pieces.len());
    let mut values = Vec::with_capacity(pieces.len());
    for &(offset, width) in pieces {
        let (load, _, ty) = operators(width);
        let imm = Imm::Mem(MemArg { memory: src, offset: offset.into(), align: 0 });
        let inst = f.make_inst(load, imm, &[from], &[ty]);
        values.push(f.results(inst)[0]);
        insts.push(inst);
    }
    for (&(offset, width), &v) in pieces.iter().zip(&values).rev() {
        let imm = Imm::Mem(MemArg { memory: dst, offset: offset.into(), align: 0 });
        insts.push(f.make_inst(operators(width).1, imm, &[to, v], &[]));
    }
    f.blocks[block].insts.splice(at..=at, insts);
}
