//! Rotation: the test of a loop goes from its beginning to its end, and a copy of it guards the loop.
//!
//! `loop { if (!c) break; body }` pays for the test and for the jump back; `if (c) loop { body; if (!c) break }` for the test only.
//!
//! **Licence.** The ways into the loop go through a copy of its header, which does what the header does; each way still runs
//! the header's instructions, and decides, as often as before. The block behind the header becomes the new header: no
//! other way leads into the loop, so the graph stays reducible.
//!
//! **Declines.** Headers longer than [`MAX_COPIED`]; loops without a way out of the header, or with two ways into the body; a block
//! behind the header that something else leads to as well; several ways back; where no jump goes: the way back ends with a
//! test already whose opposite costs nothing; beyond [`super::MAX_WORK`].

use super::{Counts, MAX_WORK};
use crate::analysis::{Cfg, DomTree, Loops};
use crate::chaos::Chaos;
use crate::ir::cleanup::remove_unreachable;
use crate::ir::copy::{copied_term, copy_inst};
use crate::ir::entity::{Block, Value};
use crate::ir::function::{BlockData, Function, Terminator};
use crate::ir::ops::Op;
use crate::memory::edit::tidy;
use crate::memory::threading::{fold_branches, repair};
use crate::schedule::opposite;
use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityList, SecondaryMap};
use hashbrown::HashMap;

/// Instructions of a header that is copied.
pub const MAX_COPIED: usize = 10;

/// Its name in the report.
pub const PASS: &str = "rotated-loops";

/// Copies of headers, with the header.
type Copies = SecondaryMap<Block, PackedOption<Block>>;

/// Rotates the loops of a graph for which it saves a jump.
pub(super) fn rotate(f: &mut Function, chaos: Chaos, counts: &mut Counts) {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    if !dom.is_reducible() {
        return;
    }
    let loops = Loops::compute(&cfg, &dom);
    let size: usize = f.layout.iter().map(|&b| 1 + f.blocks[b].insts.len()).sum();
    let mut work = 0;
    let mut copies = Copies::new();
    // What one rotation changes is not what another one asks for: entries, header and the block behind it of its own loop.
    let found: Vec<Block> = loops
        .headers()
        .iter()
        .copied()
        .filter(|&h| {
            is_rotatable(f, &cfg, &loops, h) && chaos.flip("rotate", h, saves_a_jump(f, &cfg, &loops, h))
        })
        .collect();
    let mut any = false;
    // Inner loops first.
    for header in found.into_iter().rev() {
        work += size;
        if work > MAX_WORK {
            break;
        }
        rotate_one(f, &loops, &mut copies, header);
        *counts.entry(PASS).or_default() += 1;
        any = true;
    }
    if any {
        let mut folded = Counts::new();
        fold_branches(f, &mut folded);
        remove_unreachable(f);
        tidy(f);
    }
}

/// Whether the graph stays reducible and the copy is small.
fn is_rotatable(f: &Function, cfg: &Cfg, loops: &Loops, header: Block) -> bool {
    let Terminator::Branch { then, els, .. } = f.term(header) else { return false };
    let inside = |b: Block| loops.contains(header, b);
    let body = match (inside(then.block), inside(els.block)) {
        (true, false) => then.block,
        (false, true) => els.block,
        _ => return false,
    };
    body != header
        && cfg.preds(body).len() == 1
        && !loops.is_header(body)
        && f.blocks[header].insts.len() <= MAX_COPIED
}

/// Whether there is one way back, which does not end with a test that could as well be taken the other way round. Of several ways
/// back only one could fall into the test; the others jump as before.
fn saves_a_jump(f: &Function, cfg: &Cfg, loops: &Loops, header: Block) -> bool {
    let mut back = cfg.preds(header).iter().copied().filter(|&p| loops.contains(header, p));
    let (Some(latch), None) = (back.next(), back.next()) else { return false };
    match f.term(latch) {
        Terminator::Jump(_) => true,
        Terminator::Branch { cond, then, els } if then.block != els.block => {
            let (mut cond, mut on_zero) = (*cond, els.block == header);
            while let Some(i) = f.def_inst(cond).filter(|&i| f.insts[i].op == Op::I32Eqz) {
                (cond, on_zero) = (f.args(i)[0], !on_zero);
            }
            on_zero && f.def_inst(cond).is_none_or(|i| opposite(f.insts[i].op).is_none())
        }
        _ => false,
    }
}

/// Whether a loop has a block; the copy of a header is in the loops around that header's own.
fn is_inside(loops: &Loops, copies: &Copies, header: Block, b: Block) -> bool {
    match copies[b].expand() {
        Some(h) => h != header && loops.contains(header, h),
        None => loops.contains(header, b),
    }
}

/// Sends the ways into a loop through a copy of its header.
fn rotate_one(f: &mut Function, loops: &Loops, copies: &mut Copies, header: Block) {
    let entries: Vec<Block> = f
        .layout
        .iter()
        .copied()
        .filter(|&b| !is_inside(loops, copies, header, b) && f.term(b).edges().any(|e| e.block == header))
        .collect();
    let copy = f.blocks.push(BlockData { params: EntityList::new(), insts: Vec::new(), term: None });
    let mut map: HashMap<Value, Value> = HashMap::new();
    for p in f.block_params(header).to_vec() {
        let v = f.add_param(copy, f.ty(p));
        f.values[v].hint = f.values[p].hint;
        map.insert(p, v);
    }
    for i in std::mem::take(&mut f.blocks[header].insts) {
        let op = f.insts[i].op;
        // What is the same in every iteration is computed before the loop only; constants would become parameters.
        if op.is_pure() && f.args(i).iter().all(|a| !map.contains_key(a)) {
            f.blocks[copy].insts.push(i);
            continue;
        }
        f.blocks[header].insts.push(i);
        copy_inst(f, i, copy, &mut map);
    }
    let term = copied_term(f, header, &map);
    f.blocks[copy].term = Some(term);
    for b in entries {
        let mut term = f.blocks[b].term.take();
        for e in term.iter_mut().flat_map(|t| t.edges_mut()).filter(|e| e.block == header) {
            e.block = copy;
        }
        f.blocks[b].term = term;
    }
    // The copy stands where the header stood, the header behind the last block of the loop.
    let last = f
        .layout
        .iter()
        .rposition(|&b| is_inside(loops, copies, header, b))
        .expect("the header is in the layout");
    f.layout.insert(last + 1, header);
    let at = f.layout.iter().position(|&b| b == header).expect("the header is in the layout");
    f.layout[at] = copy;
    copies[copy] = Some(header).into();
    repair(f, header, copy, &map);
}
