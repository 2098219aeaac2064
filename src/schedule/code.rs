//! Stack code with virtual locals: what [`super::stackify`] makes and [`super::locals`] numbers.

use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::Function;
use crate::ir::types::Type;
use crate::structure::FrameId;
use cranelift_entity::SecondaryMap;
use hashbrown::HashMap;

/// An operation of stack code. `L` names locals: SSA values before numbering, indices after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackOp<L> {
    /// The code of a block starts here. Not an instruction.
    Mark(Block),
    /// An instruction of the graph.
    Inst(Inst),
    /// An integer comparison with the opposite operator.
    Inverted(Inst),
    /// `i32.eqz`, to negate a condition.
    Eqz,
    /// `local.get`.
    Get(L),
    /// `local.set`.
    Set(L),
    /// `local.tee`.
    Tee(L),
    /// `drop`.
    Drop,
    /// `ref.as_non_null` after reading a local whose declared type had to be nullable.
    AsNonNull,
    /// `block`.
    Block(FrameId),
    /// `loop`.
    Loop(FrameId),
    /// `if` on the condition of a block; edge `skip` leads to the else arm or the end.
    If {
        /// The frame.
        frame: FrameId,
        /// Block that ends here.
        block: Block,
        /// Edge not entered.
        skip: u32,
    },
    /// `else`.
    Else(FrameId),
    /// `end` of a frame.
    End(FrameId),
    /// `br`.
    Br {
        /// Frame branched to.
        frame: FrameId,
        /// Block that ends here.
        block: Block,
        /// Edge taken.
        edge: u32,
    },
    /// `br_if`.
    BrIf {
        /// Frame branched to.
        frame: FrameId,
        /// Block that ends here.
        block: Block,
        /// Edge taken.
        edge: u32,
    },
    /// Goes along an edge by falling through. Not an instruction.
    Fall {
        /// Block that ends here.
        block: Block,
        /// Edge taken.
        edge: u32,
    },
    /// The terminator of a block, written out: `br_table`, `br_on_*`, `return`, `unreachable`, tail calls, `throw`, a call
    /// with handlers in its `try_table`.
    Term(Block),
    /// Returns by falling off the end of the function. Not an instruction.
    FallReturn(Block),
    /// Opens the `try_table` around the terminator of a block.
    Try(Block),
    /// Closes it.
    EndTry(Block),
    /// Where the label of the function body leads. Not an instruction.
    Exit,
    /// `unreachable` where control cannot come, for the validator.
    Dead,
}

impl<L> StackOp<L> {
    /// Renames the local.
    pub fn map<M>(self, mut rename: impl FnMut(L) -> M) -> StackOp<M> {
        match self {
            StackOp::Get(l) => StackOp::Get(rename(l)),
            StackOp::Set(l) => StackOp::Set(rename(l)),
            StackOp::Tee(l) => StackOp::Tee(rename(l)),
            StackOp::Mark(b) => StackOp::Mark(b),
            StackOp::Inst(i) => StackOp::Inst(i),
            StackOp::Inverted(i) => StackOp::Inverted(i),
            StackOp::Eqz => StackOp::Eqz,
            StackOp::Drop => StackOp::Drop,
            StackOp::AsNonNull => StackOp::AsNonNull,
            StackOp::Block(id) => StackOp::Block(id),
            StackOp::Loop(id) => StackOp::Loop(id),
            StackOp::If { frame, block, skip } => StackOp::If { frame, block, skip },
            StackOp::Else(id) => StackOp::Else(id),
            StackOp::End(id) => StackOp::End(id),
            StackOp::Br { frame, block, edge } => StackOp::Br { frame, block, edge },
            StackOp::BrIf { frame, block, edge } => StackOp::BrIf { frame, block, edge },
            StackOp::Fall { block, edge } => StackOp::Fall { block, edge },
            StackOp::Term(b) => StackOp::Term(b),
            StackOp::FallReturn(b) => StackOp::FallReturn(b),
            StackOp::Try(b) => StackOp::Try(b),
            StackOp::EndTry(b) => StackOp::EndTry(b),
            StackOp::Exit => StackOp::Exit,
            StackOp::Dead => StackOp::Dead,
        }
    }

    /// Whether it stands for no instruction.
    pub fn is_note(&self) -> bool {
        matches!(self, StackOp::Mark(_) | StackOp::Fall { .. } | StackOp::FallReturn(_) | StackOp::Exit)
    }
}

/// Label of the function body.
pub const FUNCTION_FRAME: FrameId = FrameId::MAX;

/// Stack code of one function, with numbered locals.
#[derive(Clone, Debug)]
pub struct StackCode {
    /// The graph that the operations refer to: the one lowered, with some edges split.
    pub f: Function,
    /// The operations.
    pub ops: Vec<StackOp<u32>>,
    /// Types of the locals after the parameters.
    pub locals: Vec<Type>,
    /// Result types of each frame.
    pub frame_results: Vec<Vec<Type>>,
    /// Frames that the edges of many-way terminators lead to, as in [`VirtualCode::labels`].
    pub labels: HashMap<Block, Vec<FrameId>>,
    /// How many loops are around each block, as in [`crate::structure::Structured::depth`].
    pub depth: SecondaryMap<Block, u32>,
    /// Whether the checker refused the first way to write the function and accepted a plainer one.
    pub second_way: bool,
}

/// A move of a value into a block parameter that vanishes when both get the same local.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// Position of the `get` (or `tee`).
    pub get: u32,
    /// Position of the `set`.
    pub set: u32,
    /// Value moved.
    pub from: Value,
    /// Parameter it is moved to.
    pub to: Value,
    /// Position of the branch that the move is made for, when other edges leave there too: the move belongs on the edge.
    pub branch: Option<u32>,
}

/// Stack code with one local for each value that needs one.
#[derive(Clone, Debug, Default)]
pub struct VirtualCode {
    /// The operations.
    pub ops: Vec<StackOp<Value>>,
    /// Moves that might vanish.
    pub moves: Vec<Move>,
    /// Result types of each frame.
    pub frame_results: Vec<Vec<Type>>,
    /// For each `br_table`, `br_on_*` and terminator with handlers: the frames that its edges lead to (without the one
    /// that falls through), in order.
    pub labels: HashMap<Block, Vec<FrameId>>,
    /// Values defined by the zero of a local.
    pub zeros: Vec<Value>,
}
