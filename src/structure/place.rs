//! Placement of blocks: dominator tree to nested `block`s and `loop`s.

use super::{Frame, FrameId, Item, Structured};
use crate::analysis::{Cfg, DomTree, Loops};
use crate::chaos::Chaos;
use crate::ir::entity::Block;
use crate::ir::function::{Function, Terminator};
use cranelift_entity::SecondaryMap;

enum Task {
    Place(Block),
    Emit(Item),
}

struct Placer<'a> {
    f: &'a Function,
    cfg: &'a Cfg,
    dom: &'a DomTree,
    loops: &'a Loops,
    /// How many forward edges lead to a block.
    forward: SecondaryMap<Block, u32>,
    chaos: Chaos,
    out: Structured,
}

pub(super) fn place(f: &Function, cfg: &Cfg, dom: &DomTree, loops: &Loops, chaos: Chaos) -> Structured {
    let mut forward: SecondaryMap<Block, u32> = SecondaryMap::with_capacity(f.blocks.len());
    for &b in cfg.rpo() {
        for e in f.term(b).edges().filter(|e| !cfg.is_back_edge(b, e.block)) {
            forward[e.block] += 1;
        }
    }
    let mut depth = SecondaryMap::with_capacity(f.blocks.len());
    for &b in cfg.rpo() {
        depth[b] = loops.depth(b);
    }
    let out = Structured { items: Vec::new(), frames: Vec::new(), depth };
    let mut placer = Placer { f, cfg, dom, loops, forward, chaos, out };
    let mut tasks = vec![Task::Place(f.entry)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Emit(item) => placer.out.items.push(item),
            Task::Place(b) => placer.place(b, &mut tasks),
        }
    }
    placer.out
}

impl Placer<'_> {
    fn frame(&mut self, is_loop: bool, target: Block) -> FrameId {
        self.out.frames.push(Frame { is_loop, target });
        self.out.frames.len() as u32 - 1
    }

    /// Emits a block's frames and body, and schedules what it dominates: the first of these directly after the body
    /// where the only edge to it can fall through, each other one after the end of a frame of its own.
    fn place(&mut self, x: Block, tasks: &mut Vec<Task>) {
        let kids = self.dom.children(x);
        let inline = kids.first().copied();
        let inline = inline.filter(|&k| self.falls(x, k) && self.chaos.flip("place right after", k, true));
        let is_header = self.loops.is_header(x);
        let inside = match is_header {
            true => kids.iter().rposition(|&k| self.loops.contains(x, k)).map_or(0, |i| i + 1),
            false => kids.len(),
        };
        let framed = |from: usize, to: usize| kids[from..to].iter().copied().filter(|&k| Some(k) != inline);

        let mut after: Vec<Task> = Vec::new();
        let mut head: Vec<Item> = Vec::new();
        // Falling out of a loop leads to what follows it, so the frame of that can as well be inside, where it may become
        // an `if`.
        let moved = kids.get(inside).copied().filter(|&k| is_header && Some(k) != inline);
        let moved = moved.filter(|&k| self.chaos.flip("frame of what follows inside the loop", k, true));
        for (from, to) in [(0, inside), (inside, kids.len())] {
            if kids[from..to].first().is_some_and(|&k| Some(k) == inline) {
                after.push(Task::Place(kids[from]));
            }
            for k in framed(from, to) {
                if Some(k) != moved {
                    let id = self.frame(false, k);
                    after.push(Task::Emit(Item::End(id)));
                    head.push(Item::Block(id));
                }
                after.push(Task::Place(k));
            }
            if from == 0 && is_header {
                if let Some(k) = moved {
                    let id = self.frame(false, k);
                    after.push(Task::Emit(Item::End(id)));
                    head.push(Item::Block(id));
                }
                let id = self.frame(true, x);
                after.push(Task::Emit(Item::End(id)));
                head.push(Item::Loop(id));
            }
        }
        self.out.items.extend(head.into_iter().rev());
        self.out.items.push(Item::Body(x));
        self.terminator(x, inline);
        tasks.extend(after.into_iter().rev());
    }

    /// Whether the only edge to `k` comes from `x` and can be a fall-through.
    fn falls(&self, x: Block, k: Block) -> bool {
        self.forward[k] == 1
            && match self.f.term(x) {
                Terminator::Jump(e) => e.block == k,
                Terminator::Branch { then, els, .. } => then.block == k || els.block == k,
                Terminator::BrOn { els, .. } => els.block == k,
                Terminator::Invoke { normal, .. } => normal.block == k,
                _ => false,
            }
    }

    fn terminator(&mut self, x: Block, inline: Option<Block>) {
        let go = |edge: u32, target: Block| match Some(target) == inline {
            true => Item::Fall { block: x, edge },
            false => Item::Br { block: x, edge },
        };
        match self.f.term(x) {
            Terminator::Jump(e) => self.out.items.push(go(0, e.block)),
            Terminator::Branch { then, els, .. } => {
                let last = if Some(then.block) == inline { 0 } else { 1 };
                self.out.items.push(Item::BrIf { block: x, edge: 1 - last });
                self.out.items.push(go(last, if last == 0 { then.block } else { els.block }));
            }
            Terminator::BrOn { els, .. } => self.out.items.extend([Item::Term(x), go(1, els.block)]),
            Terminator::Invoke { normal, .. } => {
                self.out.items.extend([Item::Term(x), go(0, normal.block)]);
            }
            _ => self.out.items.push(Item::Term(x)),
        }
        debug_assert!(self.cfg.is_reachable(x));
    }
}
