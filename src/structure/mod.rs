//! Structurization: the control-flow graph to nested Wasm control flow.
//!
//! **In:** a [`Function`] whose graph is reducible. **Out:** [`Structured`], a linear list of [`Item`]s: block bodies in code
//! order, the opening and closing of frames, and one item for each branch. **Invariants out:** every reachable block has
//! exactly one [`Item::Body`]; frames nest; every branch has an enclosing frame that leads to its target; a fall-through
//! ([`Item::Fall`]) is followed, up to frame ends, by its target's body.
//!
//! Placement ([`place`]) is Ramsey's "Beyond Relooper: Recursive Translation of Unstructured Control Flow to Structured
//! Control Flow" (ICFP 2022) with an explicit stack: a block is placed inside the frame of its immediate dominator, in
//! reverse postorder, which follows the layout of the input. It makes `block`s and `loop`s only; [`tidy`] then turns
//! `block` and `br_if` into `if`, jumps over code into `else`, moves every `block` to just before its first branch and drops
//! those without one. Linear, but for sorting.

mod place;
mod tidy;

pub use tidy::Resolver;

use crate::analysis::{Cfg, DomTree, Loops};
use crate::chaos::Chaos;
use crate::ir::entity::Block;
use crate::ir::function::Function;
use cranelift_entity::SecondaryMap;

/// A frame: index into [`Structured::frames`].
pub type FrameId = u32;

/// What a frame's label leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether the label is at the start (`loop`).
    pub is_loop: bool,
    /// The header of a loop, else the block whose body follows the frame's end.
    pub target: Block,
}

/// A part of the structured code. Edges are numbered as by `Terminator::edges`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// `block`.
    Block(FrameId),
    /// `loop`.
    Loop(FrameId),
    /// `if`, on the condition of `block`: edge `1 - skip` leads into it, edge `skip` to its else arm or its end.
    If {
        /// The frame.
        frame: FrameId,
        /// Block that ends here.
        block: Block,
        /// The edge that does not enter.
        skip: u32,
    },
    /// `else`.
    Else(FrameId),
    /// `end`.
    End(FrameId),
    /// The instructions of a block.
    Body(Block),
    /// `br` along edge `edge` of `block`, which has it as its last or only way out.
    Br {
        /// Block that ends here.
        block: Block,
        /// Edge taken.
        edge: u32,
    },
    /// Goes along an edge to what follows.
    Fall {
        /// Block that ends here.
        block: Block,
        /// Edge taken.
        edge: u32,
    },
    /// `br_if` along edge 0 or, negated, edge 1 of a two-way branch.
    BrIf {
        /// Block that ends here.
        block: Block,
        /// Edge taken.
        edge: u32,
    },
    /// Any other terminator: `br_table`, `br_on_*` (edge 1 follows), calls with handlers (edge 0 follows), returns, traps.
    Term(Block),
}

/// Structured code.
#[derive(Clone, Debug)]
pub struct Structured {
    /// The parts, in code order.
    pub items: Vec<Item>,
    /// What each frame leads to.
    pub frames: Vec<Frame>,
    /// How many loops are around each block.
    pub depth: SecondaryMap<Block, u32>,
}

/// Structures `f`. Blocks for which `keep_branch` holds stay `br_if` where an `if` would need the opposite of their condition.
///
/// # Errors
/// A reason, when the graph is not reducible.
pub fn structure(
    f: &Function,
    chaos: Chaos,
    keep_branch: &dyn Fn(Block) -> bool,
) -> Result<Structured, &'static str> {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    if !dom.is_reducible() {
        return Err("irreducible control flow");
    }
    let loops = Loops::compute(&cfg, &dom);
    let placed = place::place(f, &cfg, &dom, &loops, chaos);
    Ok(tidy::tidy(f, placed, chaos, keep_branch))
}
