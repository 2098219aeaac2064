//! The e-graph's language: one node type, the opcode as discriminant.

use crate::interp::Const;
use crate::ir::entity::Value;
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use egg::{Id, Language};
use smallvec::SmallVec;
use std::fmt;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Head {
    /// A constant.
    Const(Const),
    /// A bound immediate: memory index, offset, lane, global.
    Imm(u64),
    /// A value that the e-graph does not look into: a block parameter or the result of an instruction that stays in the
    /// skeleton.
    Leaf(Value),
    /// An effect version that is no visible instruction's: at function entry, a join, after a call.
    Version(u32),
    /// An operator whose immediates, if it has any, are children, in the order of [`crate::rules::shape`].
    Op(Op),
    /// A pure operator with an immediate that rules cannot name.
    Opaque(Op, Imm),
}

/// An e-node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// What it is.
    pub head: Head,
    /// Immediates, operands, then effect versions.
    pub children: SmallVec<[Id; 4]>,
}

/// Index of the e-graph's lists of classes by operator: constants by type, leaves, versions and immediates together, each
/// operator on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Discriminant(u16);

impl Node {
    /// A node without children.
    pub fn leaf(head: Head) -> Node {
        Node { head, children: SmallVec::new() }
    }

    /// A node with children.
    pub fn new(head: Head, children: impl IntoIterator<Item = Id>) -> Node {
        Node { head, children: children.into_iter().collect() }
    }

    /// The operator, if it is one whose children rules can match.
    pub fn op(&self) -> Option<Op> {
        match self.head {
            Head::Op(op) => Some(op),
            _ => None,
        }
    }
}

impl Language for Node {
    type Discriminant = Discriminant;

    fn discriminant(&self) -> Discriminant {
        Discriminant(match self.head {
            Head::Op(op) => op as u16,
            Head::Const(c) => match c.ty() {
                Type::I32 => 0x8000,
                Type::I64 => 0x8001,
                Type::F32 => 0x8002,
                Type::F64 => 0x8003,
                _ => 0x8004,
            },
            Head::Imm(_) => 0x8005,
            Head::Leaf(_) => 0x8006,
            Head::Version(_) => 0x8007,
            Head::Opaque(op, _) => 0x4000 | op as u16,
        })
    }

    fn matches(&self, other: &Self) -> bool {
        // Nearly all comparisons are of operators; the derived comparison looks at wide constants first.
        let same = match (&self.head, &other.head) {
            (Head::Op(a), Head::Op(b)) => a == b,
            (a, b) => a == b,
        };
        same && self.children.len() == other.children.len()
    }

    fn children(&self) -> &[Id] {
        &self.children
    }

    fn children_mut(&mut self) -> &mut [Id] {
        &mut self.children
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.head {
            Head::Const(c) => write!(f, "{}.const {c}", c.ty()),
            Head::Imm(i) => write!(f, "{i}"),
            Head::Leaf(v) => write!(f, "{v}"),
            Head::Version(v) => write!(f, "version{v}"),
            Head::Op(op) | Head::Opaque(op, _) => f.write_str(op.name()),
        }
    }
}
