//! From virtual locals to numbered ones: coalescing, colouring, numbering.
//!
//! Values connected by a move share a local when their live ranges allow (those from the same local of the input first,
//! then those in the innermost loops; for speed the loops decide first), and the move vanishes. The classes are then coloured, the most used first, each
//! with the local of the input that most of its values came from where that is free. A class written with zero at the start
//! of the function keeps its local to itself from the entry on and needs no code: Wasm locals start as zero. Numbers go to
//! the most used locals first, in runs of one type.

use super::code::{StackOp, VirtualCode};
use super::liveness::{CodeRef, EdgeMoves, Liveness, liveness};
use super::{LowerContext, LowerError};
use crate::chaos::Chaos;
use crate::ir::entity::{Block, Value};
use crate::ir::function::{Function, ValueDef};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;

/// How many colours are tried for a class whose own is taken.
const TRIES: usize = 64;

/// With this many locals, a new one is no longer a choice where an old one is free.
const MANY: usize = 1_000;

/// How often the moves on edges that did not vanish are put before their branches and everything is tried again; after
/// that all are.
const ROUNDS: usize = 4;

/// Stack code with numbered locals.
pub(super) struct Numbered {
    pub ops: Vec<StackOp<u32>>,
    /// Types of the locals after the parameters.
    pub locals: Vec<Type>,
    /// Edges with moves that did not vanish where the edge would have needed a place of its own.
    pub crowded: Vec<(Block, u32)>,
}

struct Class {
    parent: u32,
    range: Cover,
    ty: Type,
    /// Parameter of the function that it is.
    pinned: Option<u32>,
    /// Reads and writes.
    weight: u32,
    /// Locals of the input with the weight of the values that came from them.
    hints: BTreeMap<u32, u32>,
}

/// The range of a class: disjoint half-open intervals, start to end. Joining inserts the smaller range into the larger one,
/// so that all joins together are near linear.
#[derive(Default)]
struct Cover(BTreeMap<u32, u32>);

impl Cover {
    fn of(range: &[(u32, u32)]) -> Cover {
        Cover(range.iter().copied().collect())
    }

    fn overlaps(&self, (a, b): (u32, u32)) -> bool {
        a < b && self.0.range(..b).next_back().is_some_and(|(_, &end)| end > a)
    }

    fn overlaps_any(&self, smaller: &Cover) -> bool {
        smaller.0.iter().any(|(&a, &b)| self.overlaps((a, b)))
    }

    /// Adds an interval; what it overlaps or touches becomes one with it.
    fn add(&mut self, (mut a, mut b): (u32, u32)) {
        if a >= b {
            return;
        }
        while let Some((&from, &to)) = self.0.range(..=b).next_back().filter(|&(_, &to)| to >= a) {
            self.0.remove(&from);
            (a, b) = (a.min(from), b.max(to));
        }
        self.0.insert(a, b);
    }
}

struct Classes {
    list: Vec<Class>,
    /// Pairs of roots whose ranges were found to overlap: they are not compared again for the next move between them.
    apart: HashSet<(u32, u32)>,
}

impl Classes {
    fn find(&mut self, mut c: u32) -> u32 {
        while self.list[c as usize].parent != c {
            let up = self.list[c as usize].parent;
            self.list[c as usize].parent = self.list[up as usize].parent;
            c = self.list[c as usize].parent;
        }
        c
    }

    /// Joins two classes, covering a gap between a read and a write, if they can share a local.
    fn join(&mut self, a: u32, b: u32, gap: (u32, u32)) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        let (x, y) = (&self.list[a as usize], &self.list[b as usize]);
        if x.ty != y.ty || (x.pinned.is_some() && y.pinned.is_some() && a != b) {
            return false;
        }
        if x.range.overlaps(gap) || y.range.overlaps(gap) {
            return false;
        }
        if a == b {
            self.list[a as usize].range.add(gap);
            return true;
        }
        let (small, big) = if x.range.0.len() < y.range.0.len() { (a, b) } else { (b, a) };
        if self.apart.contains(&(small, big)) {
            return false;
        }
        if self.list[big as usize].range.overlaps_any(&self.list[small as usize].range) {
            self.apart.extend([(small, big), (big, small)]);
            return false;
        }
        let gone = &mut self.list[small as usize];
        gone.parent = big;
        let (range, mut hints) = (std::mem::take(&mut gone.range), std::mem::take(&mut gone.hints));
        let (pinned, weight) = (gone.pinned, gone.weight);
        let root = &mut self.list[big as usize];
        range.0.into_iter().for_each(|i| root.range.add(i));
        root.range.add(gap);
        root.pinned = root.pinned.or(pinned);
        root.weight += weight;
        if root.hints.len() < hints.len() {
            std::mem::swap(&mut root.hints, &mut hints);
        }
        for (h, w) in hints {
            *root.hints.entry(h).or_default() += w;
        }
        true
    }
}

pub(super) fn number(
    f: &Function,
    code: &VirtualCode,
    cx: &LowerContext<'_>,
) -> Result<Numbered, LowerError> {
    let (max_steps, chaos) = (cx.caps.liveness_steps, cx.chaos);
    let (dense, values) = name_locals(f, code);
    let mut on_edge: Vec<bool> = code.moves.iter().map(|m| m.branch.is_some()).collect();
    let mut round = 0;
    let mut crowded = Vec::new();
    let (mut classes, zeros, joined) = loop {
        let (live, edges) = live_with_edges(f, code, &on_edge, values.len(), &dense, max_steps)?;
        let mut classes = classes(f, &values, &live);
        let zeros = extend_zeros(f, code, &dense, &live, &mut classes, chaos);
        let joined = coalesce(f, code, &dense, &live, &edges, &mut classes, cx);
        round += 1;
        if round == 1 {
            crowded = crowded_edges(f, code, &edges, &joined);
        }
        if !make_inline(f, code, &edges, &joined, &mut on_edge, round >= ROUNDS) {
            break (classes, zeros, joined);
        }
    };
    let (class_color, colors) = color(f, &mut classes, chaos);
    let (index, locals) = order(f, &colors, chaos);

    let mut remove = vec![false; code.ops.len()];
    let mut to_set = vec![false; code.ops.len()];
    for &m in &joined {
        let m = &code.moves[m];
        remove[m.set as usize] = true;
        match (code.ops[m.set as usize], code.ops[m.get as usize]) {
            // What follows wants the value on the stack.
            (StackOp::Tee(_), _) => {}
            (_, StackOp::Tee(_)) => to_set[m.get as usize] = true,
            _ => remove[m.get as usize] = true,
        }
    }
    let mut local = |v: Value| index[class_color[classes.find(dense[v]) as usize] as usize];
    for (v, at) in zeros {
        if local(v) as usize >= f.params.len() {
            remove[at] = true;
            remove[at - 1] = true;
        }
    }
    let mut ops = Vec::with_capacity(code.ops.len());
    for (i, &op) in code.ops.iter().enumerate().filter(|(i, _)| !remove[*i]) {
        let op = match op {
            StackOp::Tee(v) if to_set[i] => StackOp::Set(v),
            op => op,
        };
        ops.push(op.map(&mut local));
        // The declared type is nullable.
        if let StackOp::Get(v) | StackOp::Tee(v) = op
            && !f.ty(v).is_defaultable()
            && local(v) as usize >= f.params.len()
        {
            ops.push(StackOp::AsNonNull);
        }
    }
    Ok(Numbered { ops, locals, crowded })
}

/// Dense numbers for the values that have a virtual local: the function's parameters, then in order of appearance.
fn name_locals(f: &Function, code: &VirtualCode) -> (SecondaryMap<Value, u32>, Vec<Value>) {
    let mut dense = SecondaryMap::with_default(u32::MAX);
    let mut values: Vec<Value> = f.block_params(f.entry).to_vec();
    for (i, &v) in values.iter().enumerate() {
        dense[v] = i as u32;
    }
    for op in &code.ops {
        if let StackOp::Get(v) | StackOp::Set(v) | StackOp::Tee(v) = *op
            && dense[v] == u32::MAX
        {
            dense[v] = values.len() as u32;
            values.push(v);
        }
    }
    (dense, values)
}

/// Moves that are on an edge, by their number, with the numbers of their read and write.
type EdgePlaces = HashMap<usize, (u32, u32)>;

/// Liveness with the chosen moves on their edges.
fn live_with_edges(
    f: &Function,
    code: &VirtualCode,
    on_edge: &[bool],
    count: usize,
    dense: &SecondaryMap<Value, u32>,
    max_steps: usize,
) -> Result<(Liveness, EdgePlaces), LowerError> {
    let mut skip = vec![false; code.ops.len()];
    let mut groups: BTreeMap<(u32, Block), Vec<usize>> = BTreeMap::new();
    for (i, m) in code.moves.iter().enumerate().filter(|(i, _)| on_edge[*i]) {
        skip[m.get as usize] = true;
        skip[m.set as usize] = true;
        if let (Some(branch), ValueDef::Param(to, _)) = (m.branch, f.values[m.to].def) {
            groups.entry((branch, to)).or_default().push(i);
        }
    }
    let mut edges = Vec::with_capacity(groups.len());
    for (&(branch, to), moves) in &groups {
        let mut ops: Vec<(u32, StackOp<Value>)> = Vec::with_capacity(moves.len() * 2);
        for &i in moves {
            let m = &code.moves[i];
            ops.push((m.get, StackOp::Get(m.from)));
            ops.push((m.set, StackOp::Set(m.to)));
        }
        ops.sort_by_key(|o| o.0);
        edges.push((EdgeMoves { branch, to, ops: ops.iter().map(|o| o.1).collect(), first: 0 }, ops));
    }
    let (mut list, places): (Vec<_>, Vec<_>) = edges.into_iter().unzip();
    let view =
        CodeRef { f, ops: &code.ops, frames: code.frame_results.len(), labels: &code.labels, skip: &skip };
    let live = liveness(view, &mut list, count, |v| dense[v], max_steps)?;
    let mut result = EdgePlaces::new();
    for ((edge, moves), ops) in list.iter().zip(groups.values()).zip(&places) {
        let number: HashMap<u32, u32> =
            ops.iter().enumerate().map(|(n, o)| (o.0, edge.first + n as u32)).collect();
        for &i in moves {
            result.insert(i, (number[&code.moves[i].get], number[&code.moves[i].set]));
        }
    }
    Ok((live, result))
}

/// Edges with moves that did not vanish.
fn crowded_edges(
    f: &Function,
    code: &VirtualCode,
    edges: &EdgePlaces,
    joined: &[usize],
) -> Vec<(Block, u32)> {
    let vanished: HashSet<usize> = joined.iter().copied().collect();
    let mut list = Vec::new();
    // Targets by the block of a many-way branch, whose edges are gone through once.
    let mut many: HashMap<Block, HashSet<Block>> = HashMap::new();
    for &i in edges.keys().filter(|i| !vanished.contains(*i)) {
        let m = &code.moves[i];
        let (Some(branch), ValueDef::Param(to, _)) = (m.branch, f.values[m.to].def) else { continue };
        match code.ops[branch as usize] {
            StackOp::BrIf { block, edge, .. } | StackOp::If { block, skip: edge, .. } => {
                list.push((block, edge))
            }
            StackOp::Term(block) => {
                many.entry(block).or_default().insert(to);
            }
            _ => {}
        }
    }
    for (block, to) in many {
        let all = f.term(block).edges().enumerate().filter(|(_, e)| to.contains(&e.block));
        list.extend(all.map(|(n, _)| (block, n as u32)));
    }
    list.sort_unstable();
    list.dedup();
    list
}

/// Moves on edges that did not vanish go before their branches, with all others of the same edge. Returns whether there
/// are any, so that liveness has changed.
fn make_inline(
    f: &Function,
    code: &VirtualCode,
    edges: &EdgePlaces,
    joined: &[usize],
    on_edge: &mut [bool],
    all: bool,
) -> bool {
    let vanished: HashSet<usize> = joined.iter().copied().collect();
    let edge = |m: &super::code::Move| match f.values[m.to].def {
        ValueDef::Param(to, _) => (m.branch, Some(to)),
        ValueDef::Result(..) => (m.branch, None),
    };
    let bad: HashSet<_> =
        edges.keys().filter(|i| !vanished.contains(*i)).map(|&i| edge(&code.moves[i])).collect();
    let mut changed = false;
    for (i, m) in code.moves.iter().enumerate() {
        if on_edge[i] && !bad.is_empty() && (all || bad.contains(&edge(m))) {
            on_edge[i] = false;
            changed = true;
        }
    }
    changed
}

fn classes(f: &Function, values: &[Value], live: &Liveness) -> Classes {
    let list = values
        .iter()
        .enumerate()
        .map(|(i, &v)| {
            let pinned = (i < f.params.len()).then_some(i as u32);
            let weight = live.events[i].len() as u32;
            let mut range = Cover::of(&live.ranges[i]);
            if pinned.is_some() {
                range.add((0, 1));
            }
            let hints = f.values[v].hint.map(|h| (h, weight)).into_iter().collect();
            Class { parent: i as u32, range, ty: f.ty(v), pinned, weight, hints }
        })
        .collect();
    Classes { list, apart: HashSet::new() }
}

/// Values that are the zero of a local, written at the start of the function: their range begins at the entry. Returns
/// them with the position of the write.
fn extend_zeros(
    f: &Function,
    code: &VirtualCode,
    dense: &SecondaryMap<Value, u32>,
    live: &Liveness,
    classes: &mut Classes,
    chaos: Chaos,
) -> Vec<(Value, usize)> {
    let mut list = Vec::new();
    for &v in code.zeros.iter().filter(|&v| chaos.flip("zero of a local", v, true)) {
        let ValueDef::Result(inst, _) = f.values[v].def else { continue };
        let data = &f.insts[inst];
        if !matches!(data.imm.const_bits(), Some(0)) && data.op != crate::ir::ops::Op::RefNull {
            continue;
        }
        let i = dense[v];
        if i == u32::MAX {
            continue;
        }
        let mut writes = live.events[i as usize].iter().filter(|e| e.def);
        if let (Some(e), None) = (writes.next(), writes.next()) {
            let at = e.at as usize - 1;
            if at > 0 && code.ops[at] == StackOp::Set(v) && code.ops[at - 1] == StackOp::Inst(inst) {
                let class = &mut classes.list[i as usize];
                class.range.add((0, e.at));
                list.push((v, at));
            }
        }
    }
    list
}

/// Joins the classes of moves; returns the moves that vanish.
fn coalesce(
    f: &Function,
    code: &VirtualCode,
    dense: &SecondaryMap<Value, u32>,
    live: &Liveness,
    edges: &EdgePlaces,
    classes: &mut Classes,
    cx: &LowerContext<'_>,
) -> Vec<usize> {
    let chaos = cx.chaos;
    let by_depth = cx.costs.for_time();
    let place = |i: usize| {
        let m = &code.moves[i];
        edges.get(&i).copied().unwrap_or((m.get + 1, m.set + 1))
    };
    let mut order: Vec<usize> = (0..code.moves.len()).collect();
    let key = |&i: &usize| {
        let m = &code.moves[i];
        let (a, p) = (f.values[m.from].hint, f.values[m.to].hint);
        let same = a.is_some() && a == p;
        let depth = std::cmp::Reverse(live.depth[place(i).1 as usize]);
        (by_depth.then_some(depth), !same, depth, m.set)
    };
    order.sort_by_key(key);
    chaos.shuffle("order of moves", (), &mut order);
    order.retain(|&i| {
        let m = &code.moves[i];
        chaos.flip("share a local", (m.from, m.to), true)
            && classes.join(dense[m.from], dense[m.to], place(i))
    });
    order
}

/// A final local before numbering.
struct Color {
    ty: Type,
    taken: BTreeMap<u32, u32>,
    weight: u32,
}

impl Color {
    fn free_for(&self, range: &Cover) -> bool {
        range.0.iter().all(|(&a, &b)| self.taken.range(..b).next_back().is_none_or(|(_, &end)| end <= a))
    }

    fn take(&mut self, class: &Class) {
        self.taken.extend(class.range.0.iter().map(|(&a, &b)| (a, b)));
        self.weight += class.weight;
    }
}

/// Chooses a colour for each class: its number by class, and the colours, the first of which are the parameters.
fn color(f: &Function, classes: &mut Classes, chaos: Chaos) -> (Vec<u32>, Vec<Color>) {
    let n = classes.list.len();
    let mut chosen = vec![u32::MAX; n];
    let mut colors: Vec<Color> =
        f.params.iter().map(|&ty| Color { ty, taken: BTreeMap::new(), weight: 0 }).collect();
    let mut by_hint: HashMap<(Type, u32), u32> = HashMap::new();
    for (i, &ty) in f.params.iter().enumerate() {
        by_hint.insert((ty, i as u32), i as u32);
    }
    let mut by_type: HashMap<Type, Vec<u32>> = HashMap::new();
    for (i, &ty) in f.params.iter().enumerate() {
        by_type.entry(ty).or_default().push(i as u32);
    }
    let mut roots: Vec<u32> = (0..n as u32).filter(|&i| classes.list[i as usize].parent == i).collect();
    roots.sort_by_key(|&i| {
        let c = &classes.list[i as usize];
        (c.pinned.is_none(), std::cmp::Reverse(c.weight), i)
    });
    let free = roots.partition_point(|&i| classes.list[i as usize].pinned.is_some());
    chaos.shuffle("order of colouring", (), &mut roots[free..]);
    for i in roots {
        let c = &classes.list[i as usize];
        let color = match c.pinned {
            Some(p) => p,
            None => {
                let mut hints: Vec<(u32, u32)> = c.hints.iter().map(|(&h, &w)| (h, w)).collect();
                hints.sort_by_key(|&(h, w)| (std::cmp::Reverse(w), h));
                let hinted = hints.iter().take(TRIES).find_map(|&(h, _)| {
                    let color = *by_hint.get(&(c.ty, h))?;
                    colors[color as usize].free_for(&c.range).then_some(color)
                });
                let fresh = hints.first().is_none_or(|&(h, _)| !by_hint.contains_key(&(c.ty, h)));
                let any = || {
                    let list = by_type.get(&c.ty)?;
                    list.iter().copied().take(TRIES).find(|&k| colors[k as usize].free_for(&c.range))
                };
                let reuse = if fresh && !hints.is_empty() { None } else { any() };
                let any_legal = |usual: Option<u32>| {
                    let list = by_type.get(&c.ty).into_iter().flatten().copied();
                    let free = |&k: &u32| colors[k as usize].free_for(&c.range);
                    let mut legal: Vec<Option<u32>> = list.filter(free).take(TRIES).map(Some).collect();
                    if legal.is_empty() || colors.len() < MANY {
                        legal.push(None);
                    }
                    let at = legal.iter().position(|&k| k == usual).unwrap_or(0);
                    legal[chaos.pick("colour", i, legal.len(), at)]
                };
                let usual = hinted.or(reuse);
                let chosen = if chaos.is_on() { any_legal(usual) } else { usual };
                chosen.unwrap_or_else(|| {
                    let k = colors.len() as u32;
                    colors.push(Color { ty: c.ty, taken: BTreeMap::new(), weight: 0 });
                    by_type.entry(c.ty).or_default().push(k);
                    if let Some(&(h, _)) = hints.first() {
                        by_hint.entry((c.ty, h)).or_insert(k);
                    }
                    k
                })
            }
        };
        colors[color as usize].take(c);
        chosen[i as usize] = color;
    }
    (chosen, colors)
}

/// Final index of each colour, and the types of the declared locals.
fn order(f: &Function, colors: &[Color], chaos: Chaos) -> (Vec<u32>, Vec<Type>) {
    let params = f.params.len();
    let mut rest: Vec<usize> = (params..colors.len()).collect();
    rest.sort_by_key(|&i| (std::cmp::Reverse(colors[i].weight), i));
    // The locals with short indices, then the others, each part in runs of one type.
    let short = 128usize.saturating_sub(params).min(rest.len());
    let (hot, cold) = rest.split_at_mut(short);
    for part in [hot, cold] {
        let mut weight: HashMap<Type, u32> = HashMap::new();
        for &i in part.iter() {
            *weight.entry(colors[i].ty).or_default() += colors[i].weight;
        }
        part.sort_by_key(|&i| {
            let c = &colors[i];
            (std::cmp::Reverse(weight[&c.ty]), c.ty, std::cmp::Reverse(c.weight), i)
        });
    }
    chaos.shuffle("numbers of locals", (), &mut rest);
    let mut index: Vec<u32> = (0..colors.len() as u32).collect();
    let mut locals = Vec::new();
    for i in rest {
        index[i] = (params + locals.len()) as u32;
        locals.push(match colors[i].ty {
            Type::Ref(r) => Type::Ref(crate::ir::types::RefType { nullable: true, ..r }),
            ty => ty,
        });
    }
    (index, locals)
}
