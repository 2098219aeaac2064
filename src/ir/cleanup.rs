//! Control flow cleanup that never makes code larger: chains of blocks become one block, blocks that only jump are skipped, branches
//! whose ways are all the same become jumps, unreachable blocks leave the layout.
//!
//! Linear in the size of the graph. Used after lifting and after branches were folded.

use super::entity::{Block, Value};
use super::function::{Edge, Function, Terminator};
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;

/// Cleans up the control flow graph of `f`.
pub fn cleanup(f: &mut Function) {
    remove_unreachable(f);
    skip_empty(f);
    if drop_choices(f) {
        skip_empty(f);
    }
    remove_unreachable(f);
    merge_chains(f);
}

/// Drops blocks that no path from the entry reaches from the layout.
pub fn remove_unreachable(f: &mut Function) {
    let mut reached: SecondaryMap<Block, bool> = SecondaryMap::with_capacity(f.blocks.len());
    let mut work = vec![f.entry];
    reached[f.entry] = true;
    while let Some(b) = work.pop() {
        for e in f.term(b).edges() {
            if !std::mem::replace(&mut reached[e.block], true) {
                work.push(e.block);
            }
        }
    }
    f.layout.retain(|&b| reached[b]);
}

fn edge_counts(f: &Function) -> SecondaryMap<Block, u32> {
    let mut count: SecondaryMap<Block, u32> = SecondaryMap::with_capacity(f.blocks.len());
    for &b in &f.layout {
        for e in f.term(b).edges() {
            count[e.block] += 1;
        }
    }
    count
}

/// Redirects edges to blocks without parameters and instructions that only jump on. Where the jump carries arguments the
/// edge must be the block's only one (otherwise its moves would be copied) and an ordinary one.
fn skip_empty(f: &mut Function) {
    let count = edge_counts(f);
    // Where each block that only jumps (without arguments) leads to in the end.
    let mut skip: SecondaryMap<Block, PackedOption<Block>> = SecondaryMap::with_capacity(f.blocks.len());
    let mut path: Vec<Block> = Vec::new();
    for &b in &f.layout {
        let mut at = b;
        while let (None, Some(next)) = (skip[at].expand(), only_jump(f, at).filter(|e| e.args.is_empty())) {
            // A mark against walking round a loop of empty blocks.
            skip[at] = Some(at).into();
            path.push(at);
            at = next.block;
        }
        let end = skip[at].expand().unwrap_or(at);
        for p in path.drain(..) {
            skip[p] = Some(end).into();
        }
    }
    for b in f.layout.clone() {
        let Some(mut term) = f.blocks[b].term.take() else { continue };
        let ordinary =
            matches!(term, Terminator::Jump(_) | Terminator::Branch { .. } | Terminator::Table { .. });
        for e in term.edges_mut().filter(|e| e.args.is_empty()) {
            while let Some(end) = skip[e.block].expand().filter(|&end| end != e.block) {
                e.block = end;
            }
            if ordinary
                && count[e.block] == 1
                && let Some(next) = only_jump(f, e.block).cloned()
                && !next.args.is_empty()
            {
                *e = Edge { block: next.block, args: next.args.deep_clone(&mut f.pool) };
            }
        }
        f.blocks[b].term = Some(term);
    }
}

/// Branches and tables that lead to one block with the same arguments, whatever they are asked, become jumps; whether there were any.
/// What computed the condition stays where it may trap or has an effect; else it is dead, if nothing else uses it.
///
/// Inner ones first, as what is around one that has become a jump may lead to one block then.
fn drop_choices(f: &mut Function) -> bool {
    let mut any = false;
    for b in f.layout.clone().into_iter().rev() {
        let term = f.term(b);
        if !matches!(term, Terminator::Branch { .. } | Terminator::Table { .. }) {
            continue;
        }
        let end = |e: &Edge| only_jump(f, e.block).filter(|_| e.args.is_empty()).unwrap_or(e).clone();
        let mut edges = term.edges().map(end);
        let Some(first) = edges.next() else { continue };
        if edges.all(|e| e.block == first.block && f.edge_args(&e) == f.edge_args(&first)) {
            drop(edges);
            let args = first.args.deep_clone(&mut f.pool);
            f.blocks[b].term = Some(Terminator::Jump(Edge { block: first.block, args }));
            any = true;
        }
    }
    any
}

/// The edge of a block that does nothing but jump.
fn only_jump(f: &Function, b: Block) -> Option<&Edge> {
    let data = &f.blocks[b];
    match &data.term {
        Some(Terminator::Jump(e)) if b != f.entry && data.insts.is_empty() && data.params.is_empty() => {
            Some(e)
        }
        _ => None,
    }
}

/// Appends to each block that ends in a jump the block it jumps to, when nothing else leads there.
fn merge_chains(f: &mut Function) {
    let count = edge_counts(f);
    let mut replaced: SecondaryMap<Value, PackedOption<Value>> = SecondaryMap::with_capacity(f.values.len());
    let mut gone: SecondaryMap<Block, bool> = SecondaryMap::with_capacity(f.blocks.len());
    let mut any = false;
    for b in f.layout.clone() {
        if gone[b] {
            continue;
        }
        while let Some(Terminator::Jump(e)) = &f.blocks[b].term {
            let (next, args) = (e.block, f.edge_args(e).to_vec());
            if count[next] != 1 || next == b || next == f.entry {
                break;
            }
            for (&p, &a) in f.block_params(next).iter().zip(&args) {
                replaced[p] = Some(a).into();
            }
            let insts = std::mem::take(&mut f.blocks[next].insts);
            f.blocks[b].insts.extend(insts);
            f.blocks[b].term = f.blocks[next].term.take();
            gone[next] = true;
            any = true;
        }
    }
    if !any {
        return;
    }
    f.layout.retain(|&b| !gone[b]);
    substitute(f, &mut replaced);
}

/// Replaces values in all operands, following chains.
pub fn substitute(f: &mut Function, replaced: &mut SecondaryMap<Value, PackedOption<Value>>) {
    for b in f.layout.clone() {
        for i in f.blocks[b].insts.clone() {
            for a in f.insts[i].args.as_mut_slice(&mut f.pool) {
                *a = resolve(replaced, *a);
            }
        }
        if let Some(mut term) = f.blocks[b].term.take() {
            for a in term.operands_mut(&mut f.pool) {
                *a = resolve(replaced, *a);
            }
            for e in term.edges_mut() {
                for a in e.args.as_mut_slice(&mut f.pool) {
                    *a = resolve(replaced, *a);
                }
            }
            f.blocks[b].term = Some(term);
        }
    }
}

/// What a value was replaced by in the end, with path compression.
pub fn resolve(replaced: &mut SecondaryMap<Value, PackedOption<Value>>, value: Value) -> Value {
    let mut root = value;
    while let Some(next) = replaced[root].expand() {
        root = next;
    }
    let mut at = value;
    while let Some(next) = replaced[at].expand() {
        if next != root {
            replaced[at] = Some(root).into();
        }
        at = next;
    }
    root
}

#[cfg(test)]
mod tests;
