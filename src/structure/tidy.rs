//! From `block` and `br_if` to `if` and `else`; branches to what follows anyway; blocks without a branch.
//!
//! Each pass is one scan; passes repeat while they change something, at most [`ROUNDS`] times. Sizes in bytes: `block`,
//! `br_if` and `end` take 5, `if` and `end` 3, so a frame whose first branch is a `br_if` directly in it always becomes an
//! `if`; a `br` over the code that follows becomes `else`, one byte less. The `if` is entered on the opposite of the condition
//! of the `br_if`; where that takes an `i32.eqz`, the `if` is still a byte shorter but executes one instruction more, so the
//! caller may have such a `br_if` kept.

use super::{Frame, FrameId, Item, Structured};
use crate::chaos::Chaos;
use crate::ir::entity::Block;
use crate::ir::function::{Function, Terminator};
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;

const ROUNDS: usize = 6;

pub(super) fn tidy(
    f: &Function,
    mut s: Structured,
    chaos: Chaos,
    keep_branch: &dyn Fn(Block) -> bool,
) -> Structured {
    for _ in 0..ROUNDS {
        let falls = fall_through(f, &mut s, chaos);
        let ifs = make_ifs(f, &mut s, chaos, keep_branch);
        let elses = make_elses(f, &mut s, chaos);
        if !(falls | ifs | elses) {
            break;
        }
    }
    s
}

/// Target of an edge.
pub(super) fn target(f: &Function, block: Block, edge: u32) -> Block {
    f.term(block).edges().nth(edge as usize).expect("edge of its terminator").block
}

/// The block that falling through after each item leads to; `None` is the end of the function.
fn continuations(s: &Structured) -> Vec<Option<Block>> {
    let mut after = vec![None; s.items.len()];
    let mut follow = vec![None; s.frames.len()];
    let mut at = None;
    for (i, item) in s.items.iter().enumerate().rev() {
        after[i] = at;
        match *item {
            Item::Body(b) => at = Some(b),
            Item::End(id) => follow[id as usize] = at,
            Item::Else(id) => at = follow[id as usize],
            _ => {}
        }
    }
    after
}

/// Branches to what follows fall through; of a two-way branch, the half that leads elsewhere is the one that branches.
fn fall_through(f: &Function, s: &mut Structured, chaos: Chaos) -> bool {
    let after = continuations(s);
    let mut changed = false;
    for (i, &next) in after.iter().enumerate() {
        let Item::Br { block, edge } = s.items[i] else { continue };
        if !chaos.flip("fall through", (block, edge), true) {
            continue;
        }
        if next == Some(target(f, block, edge)) {
            s.items[i] = Item::Fall { block, edge };
            changed = true;
        } else if let Some(&Item::BrIf { block: b, edge: other }) = i.checked_sub(1).map(|p| &s.items[p])
            && b == block
            && next == Some(target(f, block, other))
        {
            s.items[i - 1] = Item::BrIf { block, edge };
            s.items[i] = Item::Fall { block, edge: other };
            changed = true;
        }
    }
    changed
}

/// Finds the innermost open frame that leads to a block.
#[derive(Default)]
pub struct Resolver {
    forward: SecondaryMap<Block, SmallVec<[FrameId; 2]>>,
    loops: SecondaryMap<Block, SmallVec<[FrameId; 2]>>,
}

impl Resolver {
    /// Notes that a frame was entered.
    pub fn open(&mut self, id: FrameId, frame: Frame) {
        let map = if frame.is_loop { &mut self.loops } else { &mut self.forward };
        map[frame.target].push(id);
    }

    /// Notes that the innermost frame with this target was left.
    pub fn close(&mut self, frame: Frame) {
        let map = if frame.is_loop { &mut self.loops } else { &mut self.forward };
        map[frame.target].pop();
    }

    /// The frame to branch to for a target.
    pub fn find(&self, target: Block) -> Option<FrameId> {
        self.loops[target].last().or_else(|| self.forward[target].last()).copied()
    }

    fn step(&mut self, s: &Structured, item: Item) {
        match item {
            Item::Block(id) | Item::Loop(id) | Item::If { frame: id, .. } => {
                self.open(id, s.frames[id as usize]);
            }
            Item::End(id) => self.close(s.frames[id as usize]),
            _ => {}
        }
    }
}

/// Targets that an item branches to (not by falling through).
fn branches(f: &Function, item: Item) -> SmallVec<[Block; 4]> {
    match item {
        Item::Br { block, edge } | Item::BrIf { block, edge } => {
            SmallVec::from_slice(&[target(f, block, edge)])
        }
        Item::Term(b) => match f.term(b) {
            Terminator::BrOn { taken, .. } => SmallVec::from_slice(&[taken.block]),
            Terminator::Invoke { handlers, .. } => handlers.iter().map(|h| h.edge.block).collect(),
            term => {
                let mut list: SmallVec<[Block; 4]> = term.edges().map(|e| e.block).collect();
                list.dedup();
                list
            }
        },
        _ => SmallVec::new(),
    }
}

/// How many branches use each frame's label.
fn uses(f: &Function, s: &Structured) -> Vec<u32> {
    let mut resolver = Resolver::default();
    let mut count = vec![0; s.frames.len()];
    for &item in &s.items {
        resolver.step(s, item);
        for t in branches(f, item) {
            if let Some(id) = resolver.find(t) {
                count[id as usize] += 1;
            }
        }
    }
    count
}

/// Opens every `block` as late as possible: before the body that ends in the first branch to it, or, where that is a
/// `br_if`, as an `if` in its place. Frames without a branch go.
fn make_ifs(f: &Function, s: &mut Structured, chaos: Chaos, keep_branch: &dyn Fn(Block) -> bool) -> bool {
    let count = uses(f, s);
    let mut resolver = Resolver::default();
    let mut out: Vec<Item> = Vec::with_capacity(s.items.len());
    // Open frames; those from `opened` on are not written yet.
    let mut stack: Vec<FrameId> = Vec::new();
    let mut place = vec![0usize; s.frames.len()];
    let mut opened = 0;
    // Where to insert a `block` for what ends in the current item.
    let mut body = 0;
    let mut dropped = vec![false; s.frames.len()];
    let mut changed = false;
    for &item in &s.items {
        resolver.step(s, item);
        let open_to =
            |n: usize, opened: &mut usize, out: &mut Vec<Item>, at: &mut usize, stack: &[FrameId]| {
                if n > *opened {
                    out.splice(*at..*at, stack[*opened..n].iter().map(|&id| Item::Block(id)));
                    *at += n - *opened;
                    *opened = n;
                }
            };
        match item {
            Item::Block(id) | Item::Loop(id)
                if count[id as usize] == 0 && chaos.flip("drop a frame", id, true) =>
            {
                dropped[id as usize] = true;
                changed = true;
                continue;
            }
            Item::Block(id) => {
                place[id as usize] = stack.len();
                stack.push(id);
                // Without a branch there is no later place.
                if count[id as usize] == 0 || !chaos.flip("open a block late", id, true) {
                    let mut end = out.len();
                    open_to(stack.len(), &mut opened, &mut out, &mut end, &stack);
                }
                continue;
            }
            Item::Loop(id) | Item::If { frame: id, .. } => {
                let mut end = out.len();
                let at = if matches!(item, Item::Loop(_)) { &mut end } else { &mut body };
                open_to(stack.len(), &mut opened, &mut out, at, &stack);
                place[id as usize] = stack.len();
                stack.push(id);
                opened += 1;
            }
            Item::End(id) => {
                if dropped[id as usize] {
                    continue;
                }
                stack.pop();
                opened = opened.min(stack.len());
            }
            Item::BrIf { block, edge } => {
                let id = resolver.find(target(f, block, edge)).expect("label of a branch is open");
                let n = place[id as usize];
                let usual = edge == 1 || !keep_branch(block);
                if n >= opened && chaos.flip("make an if", (block, edge), usual) {
                    open_to(n, &mut opened, &mut out, &mut body, &stack);
                    opened = n + 1;
                    out.push(Item::If { frame: id, block, skip: edge });
                    body = out.len();
                    changed = true;
                    continue;
                }
                open_to(n + 1, &mut opened, &mut out, &mut body, &stack);
            }
            Item::Br { .. } | Item::Term(_) => {
                for t in branches(f, item) {
                    let id = resolver.find(t).expect("label of a branch is open");
                    open_to(place[id as usize] + 1, &mut opened, &mut out, &mut body, &stack);
                }
            }
            Item::Body(_) => body = out.len(),
            Item::Else(_) | Item::Fall { .. } => {}
        }
        out.push(item);
        if matches!(item, Item::If { .. }) {
            body = out.len();
        }
    }
    s.items = out;
    changed
}

/// Turns `if … br M end … end M` into `if … else … end end M`.
fn make_elses(f: &Function, s: &mut Structured, chaos: Chaos) -> bool {
    struct Entry {
        id: FrameId,
        /// An `if` without `else` so far.
        plain_if: bool,
        /// Its end was moved to the end of the frame around it.
        deferred: bool,
    }
    let count = uses(f, s);
    let after = continuations(s);
    let mut follow = vec![None; s.frames.len()];
    let mut has_else = vec![false; s.frames.len()];
    for (i, item) in s.items.iter().enumerate() {
        match *item {
            Item::End(id) => follow[id as usize] = after[i],
            Item::Else(id) => has_else[id as usize] = true,
            _ => {}
        }
    }
    let mut out: Vec<Item> = Vec::with_capacity(s.items.len());
    let mut stack: Vec<Entry> = Vec::new();
    let mut changed = false;
    let mut i = 0;
    while let Some(&item) = s.items.get(i) {
        i += 1;
        match item {
            Item::Block(id) | Item::Loop(id) => stack.push(Entry { id, plain_if: false, deferred: false }),
            Item::If { frame: id, .. } => {
                stack.push(Entry { id, plain_if: !has_else[id as usize], deferred: false });
            }
            Item::End(_) | Item::Else(_) => {
                while stack.last().is_some_and(|e| e.deferred) {
                    out.extend(stack.pop().map(|e| Item::End(e.id)));
                }
                if matches!(item, Item::End(_)) {
                    stack.pop();
                }
            }
            Item::Br { block, edge } => {
                let n = stack.len();
                if let Some(Item::End(id)) = s.items.get(i).copied()
                    && n >= 2
                    && stack[n - 1].plain_if
                    && stack[n - 1].id == id
                    && count[id as usize] == 0
                    && follow[stack[n - 2].id as usize] == Some(target(f, block, edge))
                    && chaos.flip("make an else", (block, edge), true)
                {
                    out.extend([Item::Fall { block, edge }, Item::Else(id)]);
                    stack[n - 1].plain_if = false;
                    stack[n - 1].deferred = true;
                    let to = target(f, block, edge);
                    s.frames[id as usize].target = to;
                    follow[id as usize] = Some(to);
                    changed = true;
                    i += 1;
                    continue;
                }
            }
            _ => {}
        }
        out.push(item);
    }
    s.items = out;
    changed
}
