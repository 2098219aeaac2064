//! The levels of a nested copy: which allocation holds copies of what, and where in an element of which other one its address is.

use super::super::objects::{allocates, constant};
use super::super::{Context, edit::position, edit::same};
use crate::analysis::{Cfg, DomTree, Loops};
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Op};
use smallvec::SmallVec;

/// Levels of one copy that are looked at.
const MAX_LEVELS: usize = 16;
/// Operators that an address is taken apart into.
const MAX_TERMS: usize = 64;

/// One allocation of a nested copy.
#[derive(Clone, Debug)]
pub struct Level {
    /// The level in whose elements its address is, and where in an element.
    pub parent: Option<(usize, u32)>,
    /// Bytes of an element that holds addresses; 0 where there is just one.
    pub stride: u32,
    /// Where in an element addresses of further levels are, and which.
    pub children: SmallVec<[(u32, usize); 4]>,
    /// The allocation.
    pub alloc: (Block, Inst),
    /// The copy that fills it.
    pub fill: (Block, Inst),
    /// The store of its address into the parent's element.
    pub patch: Option<(Block, Inst)>,
    /// The load of the address that is copied from, out of the place that is patched.
    pub old: Option<Inst>,
}

impl Level {
    fn new(alloc: (Block, Inst), fill: (Block, Inst)) -> Level {
        Level { parent: None, stride: 0, children: SmallVec::new(), alloc, fill, patch: None, old: None }
    }

    /// The level whose address is at this place of an element.
    pub fn child(&self, at: Option<u32>) -> Option<usize> {
        self.children.iter().find(|&&(field, _)| Some(field) == at).map(|&(_, child)| child)
    }

    /// Whether an access of so many bytes may touch an address in an element.
    pub fn touches_address(&self, at: Option<u32>, width: Option<u32>) -> bool {
        let (Some(at), Some(width)) = (at, width) else { return !self.children.is_empty() };
        let end = u64::from(at) + u64::from(width);
        let wraps = self.stride != 0 && end > self.stride.into() && !self.children.is_empty();
        wraps || self.children.iter().any(|&(field, _)| u64::from(field) < end && at < field + 4)
    }
}

/// A sum of values with factors and a constant, modulo 2^32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Values with their factors, ascending, none of them constant.
    pub terms: SmallVec<[(Value, u32); 4]>,
    /// The constant.
    pub constant: u32,
}

/// Takes an address apart. `None`: it has too many parts.
pub fn sum(f: &Function, address: Value, offset: u32) -> Option<Sum> {
    let mut found = Sum { terms: SmallVec::new(), constant: offset };
    let mut todo: SmallVec<[(Value, u32); 8]> = SmallVec::from_slice(&[(address, 1)]);
    let mut steps = 0;
    while let Some((v, factor)) = todo.pop() {
        steps += 1;
        if steps > MAX_TERMS {
            return None;
        }
        if let Some(c) = constant(f, v) {
            found.constant = found.constant.wrapping_add(c.wrapping_mul(factor));
            continue;
        }
        let parts = f.def_inst(v).map(|i| (f.insts[i].op, f.args(i)));
        match parts {
            Some((Op::I32Add, &[a, b])) => todo.extend([(a, factor), (b, factor)]),
            Some((Op::I32Sub, &[a, b])) => todo.extend([(a, factor), (b, factor.wrapping_neg())]),
            Some((Op::I32Mul, &[a, b])) if constant(f, b).is_some() => {
                todo.push((a, factor.wrapping_mul(constant(f, b).unwrap_or(1))));
            }
            Some((Op::I32Mul, &[a, b])) if constant(f, a).is_some() => {
                todo.push((b, factor.wrapping_mul(constant(f, a).unwrap_or(1))));
            }
            Some((Op::I32Shl, &[a, b])) if constant(f, b).is_some_and(|n| n < 32) => {
                todo.push((a, factor << constant(f, b).unwrap_or(0)));
            }
            _ => match found.terms.iter_mut().find(|(term, _)| *term == v) {
                Some((_, sum)) => *sum = sum.wrapping_add(factor),
                None => found.terms.push((v, factor)),
            },
        }
    }
    found.terms.retain(|(_, factor)| *factor != 0);
    found.terms.sort_unstable();
    Some(found)
}

/// A level and where it was found, while it is looked for.
struct Search<'a> {
    f: &'a Function,
    memory: MemoryId,
    loops: &'a Loops,
    dom: &'a DomTree,
    /// Allocations in the memory.
    allocs: Vec<(Block, Inst)>,
    /// Copies into it from another memory.
    fills: Vec<(Block, Inst)>,
    /// Stores of addresses into it.
    stores: Vec<(Block, Inst)>,
}

/// The levels of the copy into what `root` allocates, that one first. `None`: it is not filled by one copy from another memory.
pub fn levels(
    f: &Function,
    cfg: &Cfg,
    dom: &DomTree,
    loops: &Loops,
    root: (Block, Inst),
    cx: &Context<'_>,
) -> Option<Vec<Level>> {
    let (memory, size) = allocates(f, root.1, cx.knowledge)?;
    let mut search =
        Search { f, memory, loops, dom, allocs: Vec::new(), fills: Vec::new(), stores: Vec::new() };
    for &b in cfg.rpo() {
        for &i in &f.blocks[b].insts {
            match (f.insts[i].op, f.insts[i].imm) {
                (Op::Call, _) if allocates(f, i, cx.knowledge).is_some_and(|(m, _)| m == memory) => {
                    search.allocs.push((b, i));
                }
                (Op::MemoryCopy, Imm::MemCopy { dst, src }) if dst == memory && src != memory => {
                    search.fills.push((b, i));
                }
                (Op::I32Store, Imm::Mem(m)) if m.memory == memory => search.stores.push((b, i)),
                _ => {}
            }
        }
    }
    let fill = search.fill(f.result(root.1)?, size)?;
    let mut levels = vec![Level::new(root, fill)];
    let mut at = 0;
    while at < levels.len() && levels.len() <= MAX_LEVELS {
        search.children(&mut levels, at, cx)?;
        at += 1;
    }
    (at == levels.len()).then_some(levels)
}

impl Search<'_> {
    /// The only copy to an allocation, if it has the allocation's size.
    fn fill(&self, buffer: Value, size: Value) -> Option<(Block, Inst)> {
        let mut all = self.fills.iter().filter(|&&(_, i)| self.f.args(i)[0] == buffer);
        let &(b, i) = all.next()?;
        (all.next().is_none() && same(self.f, self.f.args(i)[2], size, 8)).then_some((b, i))
    }

    /// Adds the levels whose addresses are stored into elements of a level. `None`: what is stored there is not understood.
    fn children(&self, levels: &mut Vec<Level>, parent: usize, cx: &Context<'_>) -> Option<()> {
        let f = self.f;
        let base = f.result(levels[parent].alloc.1)?;
        for &(block, store) in &self.stores {
            let Some(alloc) = self.allocs.iter().find(|&&(_, i)| f.result(i) == Some(f.args(store)[1]))
            else {
                continue;
            };
            let offset = |i: Inst| f.insts[i].imm.memarg().map_or(0, |m| m.offset as u32);
            let Some(mut place) = sum(f, f.args(store)[0], offset(store)) else { continue };
            let whole = place.clone();
            let Some(at) = place.terms.iter().position(|&term| term == (base, 1)) else { continue };
            place.terms.remove(at);
            let stride = match place.terms[..] {
                [] => 0,
                [(_, stride)] => stride,
                _ => return None,
            };
            let field = place.constant;
            let known = &levels[parent];
            let fits = known.children.is_empty() || known.stride == stride;
            let inside = stride == 0 || field.checked_add(4).is_some_and(|end| end <= stride);
            if !fits
                || !inside
                || known.child(Some(field)).is_some()
                || levels.iter().any(|l| l.alloc == *alloc)
            {
                return None;
            }
            let (_, size) = allocates(f, alloc.1, cx.knowledge)?;
            let fill = self.fill(f.args(store)[1], size)?;
            // It is copied from what was there before.
            let from = f.args(fill.1)[1];
            let old = f.def_inst(from).filter(|&i| {
                f.insts[i].op == Op::I32Load
                    && f.insts[i].imm.memarg().map(|m| m.memory) == Some(self.memory)
                    && sum(f, f.args(i)[0], offset(i)).as_ref() == Some(&whole)
            })?;
            let old_block = f.layout.iter().copied().find(|&b| f.blocks[b].insts.contains(&old))?;
            // In the same turn of the loop over the elements, behind the copy of the list.
            let turn = self.loops.innermost(block);
            let in_turn = [old_block, alloc.0, fill.0].iter().all(|&b| self.loops.innermost(b) == turn);
            let ordered = self.before((levels[parent].fill.0, levels[parent].fill.1), (old_block, old))
                && self.before((old_block, old), *alloc)
                && self.before(*alloc, fill)
                && self.before(fill, (block, store));
            if !in_turn || !ordered {
                return None;
            }
            let child = levels.len();
            levels[parent].stride = stride;
            levels[parent].children.push((field, child));
            let mut level = Level::new(*alloc, fill);
            (level.parent, level.patch, level.old) = (Some((parent, field)), Some((block, store)), Some(old));
            levels.push(level);
        }
        Some(())
    }

    fn before(&self, (a, i): (Block, Inst), (b, j): (Block, Inst)) -> bool {
        if a == b { position(self.f, a, i) < position(self.f, b, j) } else { self.dom.dominates(a, b) }
    }
}
