//! The walk from the end of the structured code to its beginning, with a stack of demands.
//!
//! **State.** `demands`: what the code already made expects on the operand stack at this point, topmost last; the part
//! above the innermost frame's `base` belongs to that frame. `remaining[v]`: uses of `v` not yet made, that is operands of
//! instructions further up and outstanding demands. `out`: the code made so far, last operation first.
//!
//! **Step** ([`body`]). Let `L` be the last instruction of the block not yet made. If its result is the topmost demand, it
//! goes here and its operands become demands: a tree grows. If it has no result that is demanded, it goes here as a
//! statement, above whatever is demanded: values may wait on the operand stack across statements, as the input had them.
//! If its result is demanded below others, these are satisfied first: by moving their instructions down past `L` where the
//! effects allow, else by `local.get`. So the order of the input is kept unless a move saves a local.
//!
//! **Across blocks.** A demand left over at the start of a block stays: the block before may fall into this one, or the
//! value may be pushed before the frame whose end this is ([`head`]). Values passed to a merge of several edges can be
//! demanded by it and become the result of the frame that ends there; the estimate of bytes decides.
//!
//! A `block` that stands before a body is opened as late as possible within it: once no demand of its frame is left.

mod body;
mod edges;
mod head;

use super::code::{Move, StackOp, VirtualCode};
use super::prepare::{Prepared, edge};
use super::{LowerContext, LowerError};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Terminator, ValueDef};
use crate::ir::types::Type;
use crate::structure::{FrameId, Item, Resolver, Structured};
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;

/// A value expected on the operand stack.
#[derive(Clone, Copy, Debug)]
struct Demand {
    value: Value,
    /// What is expected is whether it is zero.
    negate: bool,
    /// It is passed along an edge.
    edge: bool,
    /// Position in `out` of the `set` or `tee` that takes it.
    set: Option<u32>,
}

struct Active {
    id: FrameId,
    /// Demands below this belong to outer frames.
    base: usize,
}

/// Facts about the items.
struct Layout {
    /// Position of each block's body.
    body: SecondaryMap<Block, u32>,
    /// Position where each frame opens.
    open: Vec<u32>,
    /// For each `block`: the position of the first item after it that opens no `block`.
    run_end: Vec<u32>,
    /// The block and edge that skips an `if`.
    skips: Vec<Option<(Block, u32)>>,
    has_else: Vec<bool>,
    /// How each edge of a jump or branch is made.
    forms: SecondaryMap<Block, [Form; 2]>,
}

/// How an edge is made, as far as passing values on the stack is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    /// `br` or falling through.
    #[default]
    Plain,
    /// `br_if`: what falls through has to drop the values.
    BrIf,
    /// Skips an `if` without `else`, which would need one.
    Skip,
    /// Leads to an else arm.
    Else,
}

struct Stackify<'a> {
    p: &'a Prepared,
    s: &'a Structured,
    cx: &'a LowerContext<'a>,
    layout: Layout,
    out: Vec<StackOp<Value>>,
    moves: Vec<Move>,
    demands: Vec<Demand>,
    frames: Vec<Active>,
    resolver: Resolver,
    remaining: SecondaryMap<Value, u32>,
    /// Outstanding demands of a value.
    pending: SecondaryMap<Value, u32>,
    needs_local: SecondaryMap<Value, bool>,
    done: SecondaryMap<Inst, bool>,
    /// Parameters passed on the stack, the deepest first.
    on_stack: SecondaryMap<Block, SmallVec<[Value; 1]>>,
    frame_results: Vec<Vec<Type>>,
    labels: hashbrown::HashMap<Block, Vec<FrameId>>,
    /// Block whose code follows here by falling through; `None` is the function's end.
    follow: Option<Block>,
    /// What follows each open frame.
    frame_follow: Vec<Option<Block>>,
    /// Block whose instructions are being made, and how many of them are left.
    current: Block,
    cursor: usize,
    /// The function's results cannot be results of a frame.
    explicit_return: bool,
}

pub(super) fn stackify(
    p: &Prepared,
    s: &Structured,
    cx: &LowerContext<'_>,
) -> Result<VirtualCode, LowerError> {
    let n = s.frames.len();
    let mut walk = Stackify {
        p,
        s,
        cx,
        layout: layout(s),
        out: Vec::new(),
        moves: Vec::new(),
        demands: Vec::new(),
        frames: Vec::new(),
        resolver: Resolver::default(),
        remaining: p.uses.clone(),
        pending: SecondaryMap::with_capacity(p.f.values.len()),
        needs_local: SecondaryMap::with_capacity(p.f.values.len()),
        done: SecondaryMap::with_capacity(p.f.insts.len()),
        on_stack: SecondaryMap::new(),
        frame_results: vec![Vec::new(); n],
        labels: hashbrown::HashMap::new(),
        follow: None,
        frame_follow: vec![None; n],
        current: p.f.entry,
        cursor: 0,
        explicit_return: p.f.results.len() > 1 && !cx.multi_value,
    };
    walk.run()?;
    walk.finish()
}

fn layout(s: &Structured) -> Layout {
    let n = s.frames.len();
    let mut l = Layout {
        body: SecondaryMap::new(),
        open: vec![0; n],
        run_end: vec![0; n],
        skips: vec![None; n],
        has_else: vec![false; n],
        forms: SecondaryMap::new(),
    };
    for (i, item) in s.items.iter().enumerate() {
        let i = i as u32;
        match *item {
            Item::Block(id) | Item::Loop(id) => l.open[id as usize] = i,
            Item::If { frame, block, skip } => {
                l.open[frame as usize] = i;
                l.skips[frame as usize] = Some((block, skip));
                l.forms[block][skip as usize] = Form::Skip;
            }
            Item::Else(id) => {
                l.has_else[id as usize] = true;
                if let Some((block, skip)) = l.skips[id as usize] {
                    l.forms[block][skip as usize] = Form::Else;
                }
            }
            Item::Body(b) => l.body[b] = i,
            Item::BrIf { block, edge } => l.forms[block][edge as usize] = Form::BrIf,
            Item::End(_) | Item::Br { .. } | Item::Fall { .. } | Item::Term(_) => {}
        }
    }
    let mut run_end = s.items.len() as u32;
    for (i, item) in s.items.iter().enumerate().rev() {
        match *item {
            Item::Block(id) => l.run_end[id as usize] = run_end,
            _ => run_end = i as u32,
        }
    }
    l
}

impl Stackify<'_> {
    fn run(&mut self) -> Result<(), LowerError> {
        let items = &self.s.items;
        let mut i = items.len();
        if self.explicit_return && !items.last().is_some_and(|item| matches!(item, Item::Term(_))) {
            self.out.push(StackOp::Dead);
        }
        while i > 0 {
            i -= 1;
            match items[i] {
                Item::End(id) => self.enter(id),
                Item::Else(id) => {
                    self.satisfy_frame();
                    if let Some((block, edge)) = self.layout.skips[id as usize] {
                        self.out.push(StackOp::Fall { block, edge });
                    }
                    self.out.push(StackOp::Else(id));
                    self.follow = self.frame_follow[id as usize];
                }
                Item::Block(id) | Item::Loop(id) => {
                    self.satisfy_frame();
                    self.leave(match items[i] {
                        Item::Block(_) => StackOp::Block(id),
                        _ => StackOp::Loop(id),
                    });
                    // One frame directly after another: no body stands between them whose head would see to this.
                    if let Some(Item::End(before)) = i.checked_sub(1).map(|n| items[n]) {
                        self.satisfy_late(None, before);
                    }
                }
                Item::If { frame, block, skip } => {
                    self.satisfy_frame();
                    let mut skip = skip;
                    if self.empty_arm_first(frame) {
                        self.out.push(StackOp::Else(frame));
                        self.empty_arm(block, skip);
                        skip = 1 - skip;
                    }
                    let branch = self.out.len() as u32;
                    self.leave(StackOp::If { frame, block, skip });
                    self.current = block;
                    if !self.adds_else(frame) {
                        let moves = self.local_moves(block, skip);
                        self.condition(block, skip == 0, None);
                        self.emit_moves(block, moves, true, Some(branch));
                    } else {
                        self.condition(block, skip == 0, None);
                    }
                }
                Item::Br { block, edge } => {
                    let frame = self.label(block, edge)?;
                    self.out.push(StackOp::Br { frame, block, edge });
                    self.pass(block, edge);
                }
                Item::Fall { block, edge } => {
                    self.out.push(StackOp::Fall { block, edge });
                    self.pass(block, edge);
                }
                Item::BrIf { block, edge } => self.branch_if(block, edge)?,
                Item::Term(block) => self.terminator(block)?,
                Item::Body(block) => {
                    let floats = items[..i].iter().rev().take_while(|x| matches!(x, Item::Block(_))).count();
                    self.body(block, floats)?;
                    i -= floats;
                    self.head(block, i)?;
                    self.out.push(StackOp::Mark(block));
                    self.follow = Some(block);
                }
            }
        }
        self.satisfy_frame();
        Ok(())
    }

    fn finish(mut self) -> Result<VirtualCode, LowerError> {
        let n = self.out.len() as u32;
        self.out.reverse();
        for m in &mut self.moves {
            m.get = n - 1 - m.get;
            m.set = n - 1 - m.set;
            m.branch = m.branch.map(|b| n - 1 - b);
        }
        self.moves.reverse();
        let mut zeros = Vec::new();
        for &i in &self.p.f.blocks[self.p.f.entry].insts {
            if let Some(v) = self.p.f.result(i)
                && self.p.f.insts[i].op.is_const()
                && self.needs_local[v]
            {
                zeros.push(v);
            }
        }
        Ok(VirtualCode {
            ops: self.out,
            moves: self.moves,
            frame_results: self.frame_results,
            labels: self.labels,
            zeros,
        })
    }

    fn base(&self) -> usize {
        self.frames.last().map_or(0, |f| f.base)
    }

    /// Walks into a frame from its end.
    fn enter(&mut self, id: FrameId) {
        let results: Vec<Type> = match self.follow {
            Some(b) => self.on_stack[b].iter().map(|&v| self.p.f.ty(v)).collect(),
            None if self.explicit_return => Vec::new(),
            None => self.p.f.results.clone(),
        };
        self.frame_results[id as usize] = results;
        self.frame_follow[id as usize] = self.follow;
        self.resolver.open(id, self.s.frames[id as usize]);
        self.frames.push(Active { id, base: self.demands.len() });
        self.out.push(StackOp::End(id));
        if self.adds_else(id)
            && !self.empty_arm_first(id)
            && let Some((block, skip)) = self.layout.skips[id as usize]
        {
            self.empty_arm(block, skip);
            self.out.push(StackOp::Else(id));
        }
    }

    /// The arm that only passes the values of the edge that skips an `if`.
    fn empty_arm(&mut self, block: Block, skip: u32) {
        self.out.push(StackOp::Fall { block, edge: skip });
        self.current = block;
        self.pass(block, skip);
        self.satisfy_frame();
    }

    /// Whether the arm added to an `if` without else arm comes first, because the condition is there and its opposite is not.
    fn empty_arm_first(&self, id: FrameId) -> bool {
        let Some((block, skip)) = self.layout.skips[id as usize] else { return false };
        let usual = skip == 0 && self.p.negation_costs(block);
        self.adds_else(id) && self.cx.chaos.flip("empty arm first", id, usual)
    }

    /// Whether an `if` without else arm needs one, to pass values on the stack.
    fn adds_else(&self, id: FrameId) -> bool {
        let i = id as usize;
        !self.layout.has_else[i]
            && self.layout.skips[i]
                .is_some_and(|_| self.frame_follow[i].is_some_and(|b| !self.on_stack[b].is_empty()))
    }

    /// Walks out of a frame at its beginning.
    fn leave(&mut self, op: StackOp<Value>) {
        self.out.push(op);
        if let Some(frame) = self.frames.pop() {
            self.resolver.close(self.s.frames[frame.id as usize]);
        }
    }

    /// Satisfies all demands of the innermost frame.
    fn satisfy_frame(&mut self) {
        while self.demands.len() > self.base() {
            self.satisfy_top();
        }
    }

    fn demand(&mut self, demand: Demand) {
        self.pending[demand.value] += 1;
        self.demands.push(demand);
    }

    /// Whether a demand is satisfied by repeating a constant.
    fn repeats(&self, d: &Demand) -> bool {
        let repeat = self.p.repeat[d.value];
        if d.edge { repeat.at_edges } else { repeat.at_operands }
    }

    /// Satisfies the topmost demand without a tree: from a local, or by a constant.
    fn satisfy_top(&mut self) {
        let Some(d) = self.demands.pop() else { return };
        self.pending[d.value] -= 1;
        self.remaining[d.value] -= 1;
        if d.negate {
            self.out.push(StackOp::Eqz);
        }
        if self.repeats(&d)
            && let ValueDef::Result(inst, _) = self.p.f.values[d.value].def
        {
            self.out.push(StackOp::Inst(inst));
            return;
        }
        self.needs_local[d.value] = true;
        self.moved(&d);
        self.out.push(StackOp::Get(d.value));
    }

    /// Notes a move whose `get` or `tee` comes next.
    fn moved(&mut self, d: &Demand) {
        if let Some(set) = d.set
            && let StackOp::Set(to) | StackOp::Tee(to) = self.out[set as usize]
        {
            self.moves.push(Move { get: self.out.len() as u32, set, from: d.value, to, branch: None });
        }
    }

    fn find_label(&self, target: Block) -> Result<FrameId, LowerError> {
        self.resolver.find(target).ok_or(LowerError::Unsupported("branch without a label"))
    }

    fn label(&self, block: Block, n: u32) -> Result<FrameId, LowerError> {
        self.find_label(edge(&self.p.f, block, n).block)
    }

    /// Demands the condition of a two-way branch, which a `tee` may take on its way.
    fn condition(&mut self, block: Block, negate: bool, set: Option<u32>) {
        if let Terminator::Branch { cond, .. } = *self.p.f.term(block) {
            self.demand(Demand { value: cond, negate, edge: false, set });
        }
    }
}
