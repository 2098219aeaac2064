//! The end of a lift: operands of block parameters, removal of what is trivial or dead, edges, and cleanup.

use super::control::Lifter;
use super::ssa::{Phi, Ssa};
use crate::caps::Caps;
use crate::ir::cleanup::{cleanup, resolve, substitute};
use crate::ir::dce::roots;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, InstData, ValueDef};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityList, SecondaryMap};
use smallvec::SmallVec;

type Replaced = SecondaryMap<Value, PackedOption<Value>>;

/// Most edge arguments that one function may have; beyond it the function is kept raw.
pub const MAX_EDGE_ARGS: usize = 1_000_000;

pub(super) fn finish(lifter: Lifter<'_>, caps: &Caps) -> Result<Function, &'static str> {
    let Lifter { mut f, mut ssa, started, .. } = lifter;
    f.layout = started;
    params_to_phis(&mut f, &mut ssa);
    ssa.fill(&mut f, caps.phi_operands).map_err(|_| "too many block parameters")?;
    let mut replaced = ssa.remove_trivial(&f);
    let live = live_values(&f, &ssa, &mut replaced);
    initial_values(&mut f, &ssa, &live)?;
    rewrite_operands(&mut f, &mut replaced, &live);
    write_edges(&mut f, &ssa, &mut replaced, &live, caps.edge_args)?;
    cleanup(&mut f);
    Ok(f)
}

/// For each edge in layout order, the position of its source among the predecessors of its target.
fn pred_positions(f: &Function) -> Vec<u32> {
    let mut stamp: SecondaryMap<Block, u32> = SecondaryMap::new();
    let mut count: SecondaryMap<Block, u32> = SecondaryMap::new();
    let mut positions = Vec::new();
    for (n, &b) in f.layout.iter().enumerate() {
        for e in f.term(b).edges() {
            if stamp[e.block] != n as u32 + 1 {
                stamp[e.block] = n as u32 + 1;
                count[e.block] += 1;
            }
            positions.push(count[e.block] - 1);
        }
    }
    positions
}

/// Turns the parameters that stand for operand stack values into the same form as those for locals, unless an edge
/// produces them. All edges between the same two blocks carry the same stack values, so one operand for each predecessor
/// is enough. Predecessors are recorded anew, in layout order.
fn params_to_phis(f: &mut Function, ssa: &mut Ssa) {
    let mut pinned: SecondaryMap<Block, bool> = SecondaryMap::new();
    for &b in &f.layout {
        for e in f.term(b).edges() {
            pinned[e.block] |= f.produced(e) > 0;
        }
    }
    let mut made: Vec<Phi> = Vec::new();
    let mut first: SecondaryMap<Block, u32> = SecondaryMap::with_default(u32::MAX);
    for &block in &f.layout {
        if block != f.entry && !pinned[block] && !f.block_params(block).is_empty() {
            first[block] = made.len() as u32;
            for &value in f.block_params(block) {
                made.push(Phi { value, block, var: u32::MAX, operands: SmallVec::new() });
            }
        }
    }
    let mut preds: SecondaryMap<Block, SmallVec<[Block; 2]>> = SecondaryMap::new();
    let mut stamp: SecondaryMap<Block, u32> = SecondaryMap::new();
    for (n, &b) in f.layout.iter().enumerate() {
        for e in f.term(b).edges() {
            if stamp[e.block] == n as u32 + 1 {
                continue;
            }
            stamp[e.block] = n as u32 + 1;
            preds[e.block].push(b);
            let start = first[e.block];
            if start != u32::MAX {
                for (i, &a) in f.edge_args(e).iter().enumerate() {
                    made[start as usize + i].operands.push(a);
                }
            }
        }
    }
    for b in f.layout.clone() {
        if first[b] != u32::MAX {
            f.blocks[b].params = EntityList::new();
        }
        for e in f.blocks[b].term.iter_mut().flat_map(|t| t.edges_mut()) {
            if first[e.block] != u32::MAX {
                e.args = EntityList::new();
            }
        }
    }
    ssa.set_preds(preds);
    ssa.prepend(made);
}

/// Marks the values that something with an effect needs, directly or not.
fn live_values(f: &Function, ssa: &Ssa, replaced: &mut Replaced) -> SecondaryMap<Value, bool> {
    let mut live: SecondaryMap<Value, bool> = SecondaryMap::with_capacity(f.values.len());
    let mut phi_of: SecondaryMap<Value, u32> = SecondaryMap::with_default(u32::MAX);
    for (i, phi) in ssa.phis().iter().enumerate() {
        phi_of[phi.value] = i as u32;
    }
    let mut work = roots(f);
    for &b in &f.layout {
        for e in f.term(b).edges() {
            work.extend_from_slice(f.edge_args(e));
        }
    }
    while let Some(v) = work.pop() {
        let v = resolve(replaced, v);
        if std::mem::replace(&mut live[v], true) {
            continue;
        }
        if phi_of[v] != u32::MAX {
            work.extend_from_slice(&ssa.phis()[phi_of[v] as usize].operands);
        } else if let ValueDef::Result(i, _) = f.values[v].def
            && f.insts[i].op.is_pure()
        {
            work.extend_from_slice(f.args(i));
        }
    }
    live
}

/// Puts the zeros of locals that are read before they are written at the top of the entry block.
fn initial_values(f: &mut Function, ssa: &Ssa, live: &SecondaryMap<Value, bool>) -> Result<(), &'static str> {
    let mut zeros: Vec<Inst> = Vec::new();
    for &(var, v) in ssa.initial.iter().filter(|(_, v)| live[*v]) {
        let (op, imm) = match ssa.locals[var as usize] {
            Type::Ref(r) if r.nullable => (Op::RefNull, Imm::Heap(r.heap)),
            ty => Op::constant(ty, 0).ok_or("read of an uninitialised local")?,
        };
        let results = EntityList::from_slice(&[v], &mut f.pool);
        let inst = f.insts.push(InstData { op, imm, args: EntityList::new(), results });
        f.values[v].def = ValueDef::Result(inst, 0);
        zeros.push(inst);
    }
    let entry = f.entry;
    f.blocks[entry].insts.splice(0..0, zeros);
    Ok(())
}

/// Replaces trivial parameters in all operands and drops pure instructions without a use.
fn rewrite_operands(f: &mut Function, replaced: &mut Replaced, live: &SecondaryMap<Value, bool>) {
    for b in f.layout.clone() {
        let mut insts = std::mem::take(&mut f.blocks[b].insts);
        insts.retain(|&i| !f.insts[i].op.is_pure() || f.results(i).iter().any(|&v| live[v]));
        f.blocks[b].insts = insts;
    }
    substitute(f, replaced);
}

/// Makes the live parameters real: at the end of their block's list, with an argument on every edge.
fn write_edges(
    f: &mut Function,
    ssa: &Ssa,
    replaced: &mut Replaced,
    live: &SecondaryMap<Value, bool>,
    max_args: usize,
) -> Result<(), &'static str> {
    let mut phis: SecondaryMap<Block, SmallVec<[u32; 4]>> = SecondaryMap::new();
    for (i, phi) in ssa.phis().iter().enumerate().filter(|(_, p)| live[p.value]) {
        let n = f.block_params(phi.block).len() as u32;
        f.blocks[phi.block].params.push(phi.value, &mut f.pool);
        f.values[phi.value].def = ValueDef::Param(phi.block, n);
        phis[phi.block].push(i as u32);
    }
    let mut positions = pred_positions(f).into_iter();
    let mut total = 0usize;
    for b in f.layout.clone() {
        let Some(mut term) = f.blocks[b].term.take() else { continue };
        for e in term.edges_mut() {
            let position = positions.next().expect("one for each edge") as usize;
            total += phis[e.block].len();
            if total > max_args {
                return Err("too many edge arguments");
            }
            for &p in &phis[e.block] {
                let v = resolve(replaced, ssa.phis()[p as usize].operands[position]);
                e.args.push(v, &mut f.pool);
            }
        }
        f.blocks[b].term = Some(term);
    }
    Ok(())
}
