//! Live ranges of the locals of linear stack code.
//!
//! A local is live after an operation when some path from there reads it before it is written again. Its range is a sorted
//! list of half-open intervals of operation numbers; number 0 stands for the entry of the function, operation `i` of the code has
//! number `i + 1`. Moves that belong on an edge of a many-way branch have numbers beyond the code, in a piece of their own
//! between the branch and its target. Two locals that are never live after the same operation can share one. Found by walking from each read
//! backwards to the writes, block by block, so time is proportional to the blocks that all ranges cover.

use super::LowerError;
use super::code::StackOp;
use crate::ir::entity::Block;
use crate::ir::function::{Function, Terminator};
use crate::structure::FrameId;
use hashbrown::{HashMap, HashSet};

/// Most blocks that the live ranges of one function may cover together.
pub const MAX_LIVENESS_STEPS: usize = 10_000_000;

/// Sorted, disjoint, not touching.
pub(super) type Range = Vec<(u32, u32)>;

/// A read or write of a local.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// Number of the operation.
    pub at: u32,
    /// Whether it writes.
    pub def: bool,
}

/// Moves on the edge from a branch to a block: reads and writes of locals, in order.
pub(super) struct EdgeMoves<L> {
    /// Position of the branch.
    pub branch: u32,
    /// Block that the edge leads to.
    pub to: Block,
    /// A read or write of a local each.
    pub ops: Vec<StackOp<L>>,
    /// Number of the first of them.
    pub first: u32,
}

/// What liveness finds out.
pub(super) struct Liveness {
    /// By local.
    pub ranges: Vec<Range>,
    /// By local: its reads and writes in order.
    pub events: Vec<Vec<Event>>,
    /// By operation number: whether what it writes is read.
    pub read: Vec<bool>,
    /// By operation number: how many loops are around it.
    pub depth: Vec<u16>,
}

/// Straight pieces of the linear code.
struct Pieces {
    /// First operation number of each piece, and one past the last.
    start: Vec<u32>,
    preds: Vec<Vec<u32>>,
    depth: Vec<u16>,
}

impl Pieces {
    /// The piece of an operation, among the first `n`, which are those of the code.
    fn of_code(&self, at: u32, n: usize) -> usize {
        self.start[..n].partition_point(|&s| s <= at) - 1
    }
}

/// Whether a terminator written out is followed by code that it can reach.
fn falls_through(f: &Function, b: Block) -> bool {
    matches!(f.term(b), Terminator::BrOn { .. } | Terminator::Invoke { .. })
}

fn pieces<L>(
    f: &Function,
    ops: &[StackOp<L>],
    frames: usize,
    labels: &HashMap<Block, Vec<FrameId>>,
    edges: &mut [EdgeMoves<L>],
) -> Pieces {
    // First pass: where pieces start.
    let mut start = vec![0u32];
    let cut = |at: usize, start: &mut Vec<u32>| {
        let at = at as u32 + 1;
        if start.last() != Some(&at) {
            start.push(at);
        }
    };
    let mut label_at = vec![0u32; frames];
    let mut else_at = vec![u32::MAX; frames];
    for (i, op) in ops.iter().enumerate() {
        match op {
            StackOp::Loop(id) => {
                cut(i, &mut start);
                label_at[*id as usize] = i as u32 + 1;
            }
            StackOp::End(id) => {
                cut(i, &mut start);
                if label_at[*id as usize] == 0 {
                    label_at[*id as usize] = i as u32 + 1;
                }
            }
            StackOp::Else(id) => {
                cut(i + 1, &mut start);
                else_at[*id as usize] = i as u32 + 2;
            }
            StackOp::If { .. }
            | StackOp::Br { .. }
            | StackOp::BrIf { .. }
            | StackOp::Term(_)
            | StackOp::Dead => cut(i + 1, &mut start),
            _ => {}
        }
    }
    let end = ops.len() as u32 + 1;
    if start.last() != Some(&end) {
        start.push(end);
    }
    let n = start.len() - 1;
    // Pieces of edges are appended after those of the code.
    let mut p = Pieces { start, preds: vec![Vec::new(); n + 1], depth: vec![0; n + 1] };
    // Edges with moves, by the branch they leave from.
    let mut edges_at: HashMap<u32, Vec<usize>> = HashMap::new();
    for (i, e) in edges.iter().enumerate() {
        edges_at.entry(e.branch).or_default().push(i);
    }
    // Second pass: who leads where.
    let mut depth = 0u16;
    let mut is_loop = vec![false; frames];
    for piece in 0..n {
        let (from, to) = (p.start[piece].max(1) as usize, p.start[piece + 1] as usize);
        let mut falls = true;
        for op in &ops[from - 1..to - 1] {
            match op {
                StackOp::Loop(id) => {
                    is_loop[*id as usize] = true;
                    depth = depth.saturating_add(1);
                }
                StackOp::End(id) if is_loop[*id as usize] => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        p.depth[piece] = depth;
        let mut goes: Vec<u32> = Vec::new();
        if to > from {
            match &ops[to - 2] {
                StackOp::If { frame, .. } => {
                    let i = *frame as usize;
                    goes.push(if else_at[i] == u32::MAX { label_at[i] } else { else_at[i] });
                }
                StackOp::Else(id) => {
                    goes.push(label_at[*id as usize]);
                    falls = false;
                }
                StackOp::Br { frame, .. } => {
                    goes.extend(label_at.get(*frame as usize));
                    falls = false;
                }
                StackOp::BrIf { frame, .. } => goes.extend(label_at.get(*frame as usize)),
                StackOp::Term(b) => {
                    let frames = labels.get(b).into_iter().flatten();
                    goes.extend(frames.filter_map(|&id| label_at.get(id as usize)));
                    falls = falls_through(f, *b);
                }
                StackOp::Dead => falls = false,
                _ => {}
            }
        }
        if falls && piece + 1 < n {
            p.preds[piece + 1].push(piece as u32);
        }
        let moves = match to > from {
            true => edges_at.get(&(to as u32 - 2)).map_or(&[][..], Vec::as_slice),
            false => &[],
        };
        // Labels by target, for there may be as many moves as edges.
        let mut label_of: HashMap<Block, u32> = HashMap::new();
        match ops[..to - 1].last() {
            Some(StackOp::Term(b)) if !moves.is_empty() => {
                for (block, &id) in many_way_edges(f, *b).zip(labels.get(b).into_iter().flatten()) {
                    if let Some(&label) = label_at.get(id as usize) {
                        label_of.entry(block).or_insert(label);
                    }
                }
            }
            _ => label_of.extend(moves.iter().zip(&goes).map(|(&i, &label)| (edges[i].to, label))),
        }
        goes.sort_unstable();
        goes.dedup();
        let mut by_moves: HashSet<u32> = HashSet::new();
        for &i in moves {
            let Some(&label) = label_of.get(&edges[i].to) else { continue };
            by_moves.insert(label);
            let target = p.of_code(label, n);
            let (at, own) = (p.start[p.start.len() - 1], p.start.len() as u32 - 1);
            edges[i].first = at;
            p.start.push(at + edges[i].ops.len() as u32);
            p.preds.resize(own as usize + 1, Vec::new());
            p.preds[own as usize] = vec![piece as u32];
            p.preds[target].push(own);
            p.depth.resize(own as usize + 1, 0);
            p.depth[own as usize] = depth;
        }
        for to in goes.into_iter().filter(|to| !by_moves.contains(to)) {
            let target = p.of_code(to, n);
            p.preds[target].push(piece as u32);
        }
    }
    p
}

/// The code whose liveness is asked for.
pub(super) struct CodeRef<'a, L> {
    pub f: &'a Function,
    pub ops: &'a [StackOp<L>],
    /// How many frames there are.
    pub frames: usize,
    pub labels: &'a HashMap<Block, Vec<FrameId>>,
    /// By position: operations that do not count, for their moves belong on edges.
    pub skip: &'a [bool],
}

/// Targets of the edges that a terminator's labels stand for.
fn many_way_edges(f: &Function, b: Block) -> impl Iterator<Item = Block> {
    let (skip, take) = match f.term(b) {
        Terminator::Invoke { .. } => (1, usize::MAX),
        Terminator::BrOn { .. } => (0, 1),
        _ => (0, usize::MAX),
    };
    f.term(b).edges().skip(skip).take(take).map(|e| e.block)
}

/// Computes the live ranges of `count` locals; `local` names them densely, the first `params` are parameters.
pub(super) fn liveness<L: Copy>(
    code: CodeRef<'_, L>,
    edges: &mut [EdgeMoves<L>],
    count: usize,
    local: impl Fn(L) -> u32,
    max_steps: usize,
) -> Result<Liveness, LowerError> {
    let CodeRef { f, ops, frames, labels, skip } = code;
    let p = pieces(f, ops, frames, labels, edges);
    let end = p.start[p.start.len() - 1] as usize;
    let mut events: Vec<Vec<Event>> = vec![Vec::new(); count];
    let mut depth = vec![0u16; end];
    let mut piece_of = vec![0u32; end];
    for i in 0..p.start.len() - 1 {
        for at in p.start[i]..p.start[i + 1] {
            piece_of[at as usize] = i as u32;
            depth[at as usize] = p.depth[i];
        }
    }
    let mut note = |op: &StackOp<L>, at: u32| match *op {
        StackOp::Get(l) => events[local(l) as usize].push(Event { at, def: false }),
        StackOp::Set(l) | StackOp::Tee(l) => events[local(l) as usize].push(Event { at, def: true }),
        _ => {}
    };
    for (i, op) in ops.iter().enumerate() {
        if !skip.get(i).is_some_and(|&s| s) {
            note(op, i as u32 + 1);
        }
    }
    let mut order: Vec<&EdgeMoves<L>> = edges.iter().collect();
    order.sort_by_key(|e| e.first);
    for e in order {
        for (i, op) in e.ops.iter().enumerate() {
            note(op, e.first + i as u32);
        }
    }
    let mut read = vec![false; end];
    let mut seen = vec![u32::MAX; p.start.len()];
    let mut steps = 0;
    let mut ranges = Vec::with_capacity(count);
    let mut work: Vec<u32> = Vec::new();
    for (v, list) in events.iter().enumerate() {
        let mut range: Range = Vec::new();
        for (i, e) in list.iter().enumerate() {
            if e.def {
                range.push((e.at, e.at + 1));
                continue;
            }
            let piece = piece_of[e.at as usize];
            match i.checked_sub(1).map(|i| list[i]).filter(|before| piece_of[before.at as usize] == piece) {
                Some(before) => {
                    read[before.at as usize] |= before.def;
                    range.push((before.at, e.at));
                }
                None => {
                    range.push((p.start[piece as usize], e.at));
                    work.extend_from_slice(&p.preds[piece as usize]);
                }
            }
            while let Some(q) = work.pop() {
                let q = q as usize;
                if seen[q] == v as u32 {
                    continue;
                }
                seen[q] = v as u32;
                steps += 1 + p.preds[q].len();
                if steps > max_steps {
                    return Err(LowerError::Limit("live ranges"));
                }
                let (from, to) = (p.start[q], p.start[q + 1]);
                let last = list.partition_point(|e| e.at < to).checked_sub(1).map(|i| list[i]);
                match last.filter(|e| e.at >= from) {
                    Some(e) => {
                        read[e.at as usize] |= e.def;
                        range.push((e.at, to));
                    }
                    None => {
                        range.push((from, to));
                        work.extend_from_slice(&p.preds[q]);
                    }
                }
            }
        }
        ranges.push(normalize(range));
    }
    Ok(Liveness { ranges, events, read, depth })
}

/// Sorts and joins intervals.
fn normalize(mut range: Range) -> Range {
    range.retain(|r| r.0 < r.1);
    // Walks leave long runs, which the stable sort makes use of.
    range.sort();
    let mut out: Range = Vec::with_capacity(range.len());
    for (a, b) in range {
        match out.last_mut() {
            Some(last) if a <= last.1 => last.1 = last.1.max(b),
            _ => out.push((a, b)),
        }
    }
    out
}
