//! The last reads of a loop's old values before the next values are computed, for speed.
//!
//! The next value of a loop's parameter can be written into the local of the parameter only if nothing reads the old one any more;
//! otherwise each iteration ends with a copy. Where the operands allow it, the instructions of a block are put in an order in
//! which all that read the old value come first: `(x', y') = (x * x - y, x * y)` has to compute one of the two first, and it
//! matters which. The other instructions keep their order.

use super::delay::ends_with;
use super::live_in::LiveIn;
use super::scramble::Order;
use crate::analysis::Cfg;
use crate::chaos::Chaos;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::Function;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Instructions of a block that may be put in another order. Also bounds what the checker has to remember.
pub const MAX_REORDERED: usize = 128;

/// Puts the reads of old values before their next values. Returns the order that the blocks it changed had. Linear in the
/// instructions, times the loop parameters of blocks of at most [`MAX_REORDERED`], and in the extent of the old values, which
/// `max_steps` caps.
pub(super) fn overwrite_old_values(f: &mut Function, cfg: &Cfg, max_steps: usize, chaos: Chaos) -> Order {
    let found = candidates(f, cfg);
    let mut live = LiveIn::new(f, found.values().flatten().map(|c| c.1), max_steps);
    let mut changed = Order::new();
    for (b, pairs) in found {
        let mut block = Dependences::of(f, b);
        for (next, old) in pairs {
            match ends_with(f, cfg, &mut live, b, old) {
                Ok(true) if chaos.flip("old value read first", next, true) => block.put_first(f, next, old),
                Ok(_) => {}
                // Too much work: the rest stays as it is.
                Err(_) => return changed,
            }
        }
        let order: Vec<Inst> = block.order.iter().map(|&n| block.insts[n]).collect();
        if order != f.blocks[b].insts {
            changed.push((b, std::mem::replace(&mut f.blocks[b].insts, order)));
        }
    }
    changed
}

/// By block, the instructions that compute next values, with the old values that are still read behind them.
fn candidates(f: &Function, cfg: &Cfg) -> BTreeMap<Block, Vec<(Inst, Value)>> {
    let mut pairs: Vec<(Inst, Value)> = Vec::new();
    for &(latch, header) in cfg.back_edges() {
        for e in f.term(latch).edges().filter(|e| e.block == header) {
            let params = &f.block_params(header)[f.produced(e)..];
            for (&old, &next) in params.iter().zip(f.edge_args(e)) {
                let inst = f.def_inst(next).filter(|&i| f.insts[i].op.is_pure() && !f.insts[i].op.is_const());
                pairs.extend(inst.map(|i| (i, old)));
            }
        }
    }
    if pairs.is_empty() {
        return BTreeMap::new();
    }
    let mut home: SecondaryMap<Inst, PackedOption<Block>> = SecondaryMap::new();
    let mut at: SecondaryMap<Inst, u32> = SecondaryMap::new();
    // The last place in each block that reads an old value.
    let mut last: HashMap<(Block, Value), u32> = HashMap::new();
    let mut is_old: SecondaryMap<Value, bool> = SecondaryMap::new();
    for &(_, old) in &pairs {
        is_old[old] = true;
    }
    for &b in &f.layout {
        for (n, &i) in f.blocks[b].insts.iter().enumerate() {
            home[i] = Some(b).into();
            at[i] = n as u32;
            for &a in f.args(i).iter().filter(|&&a| is_old[a]) {
                last.insert((b, a), n as u32);
            }
        }
    }
    let mut found: BTreeMap<Block, Vec<(Inst, Value)>> = BTreeMap::new();
    let mut late: BTreeSet<Block> = BTreeSet::new();
    for (next, old) in pairs {
        let Some(b) = home[next].expand() else { continue };
        if last.get(&(b, old)).is_some_and(|&n| n > at[next]) {
            late.insert(b);
        }
        let list = found.entry(b).or_default();
        if !list.contains(&(next, old)) {
            list.push((next, old));
        }
    }
    // Where nothing is read late all stays; elsewhere what is read in time must stay so as well.
    found.retain(|b, _| late.contains(b) && f.blocks[*b].insts.len() <= MAX_REORDERED);
    found
}

/// The instructions of a block and what has to stand before each.
struct Dependences {
    insts: Vec<Inst>,
    /// Numbers of those that come before each one.
    before: Vec<BTreeSet<usize>>,
    /// What goes to the end of the block as far as it can.
    late: Vec<bool>,
    /// All numbers, in an order that keeps to that.
    order: Vec<usize>,
}

impl Dependences {
    /// Operands come first; what has an effect keeps its order.
    fn of(f: &Function, b: Block) -> Dependences {
        let insts = f.blocks[b].insts.clone();
        let mut defined: HashMap<Value, usize> = HashMap::new();
        let mut effect = None;
        let mut before = Vec::with_capacity(insts.len());
        for (n, &i) in insts.iter().enumerate() {
            let mut set: BTreeSet<usize> = f.args(i).iter().filter_map(|a| defined.get(a).copied()).collect();
            if !f.insts[i].op.is_pure() {
                set.extend(effect.replace(n));
            }
            defined.extend(f.results(i).iter().map(|&r| (r, n)));
            before.push(set);
        }
        let order = (0..insts.len()).collect();
        Dependences { late: vec![false; insts.len()], insts, before, order }
    }

    /// Puts what reads an old value before the next one, if nothing of that needs the next one. What is pure and needs the next one
    /// goes along with it: otherwise the expressions that read the old value would be computed behind it, where they are used.
    fn put_first(&mut self, f: &Function, next: Inst, old: Value) {
        let Some(at) = self.insts.iter().position(|&i| i == next) else { return };
        let reads = |n: &usize| *n != at && f.args(self.insts[*n]).contains(&old);
        let readers: Vec<usize> = (0..self.insts.len()).filter(reads).collect();
        let mut needs = vec![false; self.insts.len()];
        needs[at] = true;
        for &n in &self.order {
            needs[n] |= self.before[n].iter().any(|&m| needs[m]);
        }
        if readers.iter().any(|&n| needs[n]) {
            return;
        }
        let place = |n: usize| self.order.iter().position(|&m| m == n);
        let pure = |n: usize| f.insts[self.insts[n]].op.is_pure();
        if readers.iter().any(|&n| place(n) > place(at)) && (0..needs.len()).all(|n| !needs[n] || pure(n)) {
            self.late.iter_mut().zip(&needs).for_each(|(late, needs)| *late |= needs);
        }
        self.before[at].extend(readers);
        self.order = self.sorted();
    }

    /// The order in which the instructions stood, as far as it keeps to what has to stand before what.
    fn sorted(&self) -> Vec<usize> {
        let mut waits: Vec<usize> = self.before.iter().map(BTreeSet::len).collect();
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); self.insts.len()];
        for (n, set) in self.before.iter().enumerate() {
            set.iter().for_each(|&m| after[m].push(n));
        }
        let mut ready: BTreeSet<(bool, usize)> =
            (0..waits.len()).filter(|&n| waits[n] == 0).map(|n| (self.late[n], n)).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some((_, n)) = ready.pop_first() {
            order.push(n);
            for &m in &after[n] {
                waits[m] -= 1;
                if waits[m] == 0 {
                    ready.insert((self.late[m], m));
                }
            }
        }
        order
    }
}
