//! Removal of pure instructions and block parameters whose values nobody uses.
//!
//! Linear in the size of the graph.

use super::entity::{Block, Value};
use super::function::{Edge, Function, ValueDef};
use cranelift_entity::{EntityList, SecondaryMap};
use smallvec::SmallVec;

/// Removes what is dead. Parameters that edges produce stay.
pub fn dce(f: &mut Function) {
    let live = live(f);
    let mut produced: SecondaryMap<Block, u32> = SecondaryMap::new();
    for &b in &f.layout {
        for e in f.term(b).edges() {
            produced[e.block] = produced[e.block].max(f.produced(e) as u32);
        }
    }
    let keeps =
        |f: &Function, b: Block, n: usize, v: Value| b == f.entry || n < produced[b] as usize || live[v];
    for b in f.layout.clone() {
        let mut insts = std::mem::take(&mut f.blocks[b].insts);
        insts.retain(|&i| !f.insts[i].op.is_pure() || f.results(i).iter().any(|&v| live[v]));
        f.blocks[b].insts = insts;
        let Some(mut term) = f.blocks[b].term.take() else { continue };
        for e in term.edges_mut() {
            let made = f.produced(e);
            let args: SmallVec<[Value; 4]> = f.block_params(e.block)[made..]
                .iter()
                .zip(f.edge_args(e))
                .enumerate()
                .filter(|(i, (p, _))| keeps(f, e.block, made + i, **p))
                .map(|(_, (_, &a))| a)
                .collect();
            if args.len() != e.args.len(&f.pool) {
                e.args = EntityList::from_slice(&args, &mut f.pool);
            }
        }
        f.blocks[b].term = Some(term);
    }
    for b in f.layout.clone() {
        let all = f.block_params(b);
        let kept: SmallVec<[Value; 4]> =
            all.iter().enumerate().filter(|(n, v)| keeps(f, b, *n, **v)).map(|(_, &v)| v).collect();
        if kept.len() == all.len() {
            continue;
        }
        for (n, &v) in kept.iter().enumerate() {
            f.values[v].def = ValueDef::Param(b, n as u32);
        }
        f.blocks[b].params = EntityList::from_slice(&kept, &mut f.pool);
    }
}

/// The values that something with an effect, or the choice of a branch, takes as it is.
pub fn roots(f: &Function) -> Vec<Value> {
    let mut roots = Vec::new();
    for &b in &f.layout {
        for &i in f.blocks[b].insts.iter().filter(|&&i| !f.insts[i].op.is_pure()) {
            roots.extend_from_slice(f.args(i));
        }
        roots.extend_from_slice(f.term(b).operands(&f.pool));
    }
    roots
}

/// The values that something with an effect needs, directly or not.
fn live(f: &Function) -> SecondaryMap<Value, bool> {
    let mut incoming: SecondaryMap<Block, SmallVec<[Edge; 2]>> = SecondaryMap::new();
    let mut work = roots(f);
    for &b in &f.layout {
        for e in f.term(b).edges() {
            if !e.args.is_empty() {
                incoming[e.block].push(e.clone());
            }
        }
    }
    let mut live: SecondaryMap<Value, bool> = SecondaryMap::with_capacity(f.values.len());
    while let Some(v) = work.pop() {
        if std::mem::replace(&mut live[v], true) {
            continue;
        }
        match f.values[v].def {
            ValueDef::Result(i, _) if f.insts[i].op.is_pure() => work.extend_from_slice(f.args(i)),
            ValueDef::Result(..) => {}
            ValueDef::Param(b, n) => {
                for e in &incoming[b] {
                    let made = f.produced(e);
                    work.extend((n as usize).checked_sub(made).and_then(|k| f.edge_args(e).get(k)));
                }
            }
        }
    }
    live
}

#[cfg(test)]
mod tests;
