//! The typed syntax tree of a rule. Terms are arenas in post-order: children come before their parent and the root is
//! last, so that every walk is a loop.

use super::sexpr::Pos;
use super::vocab::Func;
use crate::interp::Const;
use crate::ir::ops::{Feature, ImmKind, Kind, Op, Signature};
use crate::ir::types::Type;
use crate::options::Objective;
use std::sync::Arc;

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Position in its arena.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// A variable of one rule: an index into [`Rule::vars`].
    VarId;
    /// A node of one pattern: an index into [`Pattern::nodes`].
    NodeId;
    /// A computed constant, condition or version of one rule: an index into [`Rule::exprs`].
    ExprId;
}

/// When a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// One way to write each thing; terminating, run to the fixpoint.
    Canon,
    /// The right side is cheaper.
    Simplify,
    /// Loads see through effects.
    Memory,
    /// The right side may be larger and enables others; bounded.
    Expand,
    /// Last: forms that encode shorter or run faster.
    Lower,
    /// Effects and branches, once what values are equal is known ([`Outcome`]).
    Skeleton,
}

impl Phase {
    /// All phases in the order of use, with their names in rule files.
    pub const NAMES: [(Phase, &'static str); 6] = [
        (Phase::Canon, "canon"),
        (Phase::Simplify, "simplify"),
        (Phase::Memory, "memory"),
        (Phase::Expand, "expand"),
        (Phase::Lower, "lower"),
        (Phase::Skeleton, "skeleton"),
    ];

    /// Name in rule files.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }
}

/// How a rule's correctness is established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verify {
    /// By the evaluator on edge and random operands.
    Sample,
    /// By the evaluator on all operands at 8 bits, and samples at full width.
    Exhaustive,
    /// By an SMT solver, and samples.
    Smt,
}

impl Verify {
    /// All tags with their names in rule files.
    pub const NAMES: [(Verify, &'static str); 3] =
        [(Verify::Sample, "sample"), (Verify::Exhaustive, "exhaustive"), (Verify::Smt, "smt")];

    /// Name in rule files.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }
}

/// What a variable stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VarKind {
    /// A value: an e-class.
    Value,
    /// The bits of a constant.
    Const,
    /// An effect version: an e-class that no program contains.
    Version,
    /// An immediate.
    Imm(ImmSort),
}

/// Sorts of immediates that a rule can bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ImmSort {
    Memory,
    Offset,
    Lane,
    Global,
    Table,
    Data,
}

/// A variable of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Var {
    /// Name with its question mark.
    pub name: String,
    /// What it stands for.
    pub kind: VarKind,
    /// Type of a value or constant; `None` if the rule holds for every type.
    pub ty: Option<Type>,
    /// Whether the matcher must compare the bound class's type with `ty`, because the operators of the left side alone do
    /// not imply it (addresses of 32- or 64-bit memories, operands of `select`).
    pub check_type: bool,
}

/// A constant in a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstPat {
    /// This one.
    Lit(Const),
    /// Binds or uses a variable of kind [`VarKind::Const`].
    Var(VarId),
    /// Computed; only on right sides.
    Expr(ExprId),
}

/// An immediate in a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImmPat {
    /// This one.
    Lit(u64),
    /// Binds or uses a variable of kind [`VarKind::Imm`].
    Var(VarId),
    /// Computed; only on right sides.
    Expr(ExprId),
}

/// What stands at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A variable of kind [`VarKind::Value`] or [`VarKind::Version`].
    Var(VarId),
    /// `i32.const` and its like.
    Const(ConstPat),
    /// An operator.
    Op {
        /// Which one.
        op: Op,
        /// Its immediates in the order of [`Shape::imms`].
        imms: Vec<ImmPat>,
        /// Operands, then [`Shape::versions`] effect versions.
        args: Vec<NodeId>,
    },
    /// A computed effect version (`older`); only on right sides.
    Version(ExprId),
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeType {
    /// A value of this type; `None` where the rule holds for every type.
    Value(Option<Type>),
    /// An effect version.
    Version,
}

/// A node of a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What stands there.
    pub kind: NodeKind,
    /// What it is.
    pub ty: NodeType,
    /// Where it was read.
    pub pos: Pos,
}

/// A term. The nodes are in post-order and the root is the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The nodes.
    pub nodes: Vec<Node>,
}

impl Pattern {
    /// The term of a node, alone.
    pub fn part(&self, id: NodeId) -> Pattern {
        let mut wanted = vec![false; self.nodes.len()];
        wanted[id.index()] = true;
        // Operands come before what they are operands of.
        for n in (0..=id.index()).rev() {
            if let (true, NodeKind::Op { args, .. }) = (wanted[n], &self.nodes[n].kind) {
                args.iter().for_each(|a| wanted[a.index()] = true);
            }
        }
        let mut names = vec![NodeId(0); self.nodes.len()];
        let mut nodes = Vec::new();
        for (n, node) in self.nodes[..=id.index()].iter().enumerate().filter(|&(n, _)| wanted[n]) {
            let mut node = node.clone();
            if let NodeKind::Op { args, .. } = &mut node.kind {
                args.iter_mut().for_each(|a| *a = names[a.index()]);
            }
            names[n] = NodeId(nodes.len() as u32);
            nodes.push(node);
        }
        Pattern { nodes }
    }

    /// The operator at the root with its immediates and operands, if there is one.
    pub fn root_operator(&self) -> Option<(Op, &[ImmPat], &[NodeId])> {
        match &self.nodes.last()?.kind {
            NodeKind::Op { op, imms, args } => Some((*op, imms, args)),
            _ => None,
        }
    }

    /// The root.
    pub fn root(&self) -> NodeId {
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Number of operators that a program would have to execute: constants and variables are free.
    pub fn operators(&self) -> usize {
        let counts = |n: &&Node| matches!(n.kind, NodeKind::Op { .. }) && n.ty != NodeType::Version;
        self.nodes.iter().filter(counts).count()
    }

    /// The operators in it.
    pub fn ops(&self) -> impl Iterator<Item = Op> + '_ {
        self.nodes.iter().filter_map(|n| match n.kind {
            NodeKind::Op { op, .. } => Some(op),
            _ => None,
        })
    }
}

/// A computed constant, immediate, version or condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A literal. Numbers in place of immediates are `I64`.
    Lit(Const),
    /// A variable of any kind.
    Var(VarId),
    /// A function of the vocabulary.
    Call {
        /// Which one.
        func: Func,
        /// Its arguments.
        args: Vec<ExprId>,
    },
}

/// A worked instance of a rule, which is also a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Before.
    pub before: Pattern,
    /// After.
    pub after: Pattern,
    /// The example's own variables.
    pub vars: Vec<Var>,
}

/// What a skeleton rule makes of the effect or the branch that its left side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The effect goes, where it cannot trap: it leaves everything as it was. The right side is the state before it.
    Remove,
    /// The instruction goes, and the right side is its result. It changes nothing where the conditions hold.
    Value,
    /// The right side does the same in another way: to the same bytes, so that it traps where the left side does.
    Effect,
    /// The branch tests the right side, a value, instead of the left side, a value too.
    Branch {
        /// Whether it is taken where the right side is zero.
        negated: bool,
    },
}

/// One rule; an instance of a family if it has a `:for`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Unique name; instances of a family are called `NAME@32`, `NAME@64`.
    pub name: String,
    /// Name as written, common to all instances.
    pub family: String,
    /// File it comes from.
    pub file: Arc<str>,
    /// Theme: the file's name without folder and extension.
    pub theme: Arc<str>,
    /// Where it starts.
    pub pos: Pos,
    /// When it runs.
    pub phase: Phase,
    /// How it is verified.
    pub verify: Verify,
    /// Of a rule about an effect or a branch, what becomes of it; none of a rule about values.
    pub outcome: Option<Outcome>,
    /// The only objective under which it runs, if it is not for both.
    pub objective: Option<Objective>,
    /// Proposals of the right side's operators that the left side does not have: the rule is for modules that use them.
    pub needs: Vec<Feature>,
    /// Its variables.
    pub vars: Vec<Var>,
    /// The left side as written.
    pub lhs: Pattern,
    /// Other orders of the left side's commutative operands that a matcher has to look for, besides `lhs`.
    pub variants: Vec<Pattern>,
    /// The right side.
    pub rhs: Pattern,
    /// Computed parts of right side and conditions.
    pub exprs: Vec<Expr>,
    /// Conditions, all of which must hold.
    pub conditions: Vec<ExprId>,
    /// Examples, as written; for families those that fit this instance's types are tested.
    pub examples: Vec<Example>,
}

impl Rule {
    /// A variable.
    pub fn var(&self, id: VarId) -> &Var {
        &self.vars[id.index()]
    }

    /// A computed part.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }

    /// The variable of that name, with its question mark.
    pub fn find_var(&self, name: &str) -> Option<VarId> {
        self.vars.iter().position(|v| v.name == name).map(|i| VarId(i as u32))
    }

    /// Whether it deals with effect versions.
    pub fn has_versions(&self) -> bool {
        self.vars.iter().any(|v| v.kind == VarKind::Version)
    }

    /// `file:line`.
    pub fn location(&self) -> String {
        format!("{}:{}", self.file, self.pos.line)
    }
}

/// How an operator is written in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Immediates, first.
    pub imms: &'static [ImmSort],
    /// Number of value operands, next.
    pub operands: usize,
    /// Number of effect versions, last.
    pub versions: usize,
    /// Whether the term is an effect version rather than a value.
    pub makes_version: bool,
}

/// How `op` is written in a rule; `None` for constants (see [`NodeKind::Const`]) and for what rules cannot talk about:
/// calls, atomics, allocation, control, several results. `memory.grow` is its result, where nothing changes; only what a skeleton rule
/// matches may be one.
pub fn shape(op: Op) -> Option<Shape> {
    use ImmSort::*;
    let info = op.info();
    let imms: &'static [ImmSort] = match info.imm {
        ImmKind::None => &[],
        ImmKind::Mem => &[Memory, Offset],
        ImmKind::MemLane => &[Memory, Offset, Lane],
        ImmKind::Lane => &[Lane],
        ImmKind::Shuffle => &[Lane; 16],
        ImmKind::Memory => &[Memory],
        ImmKind::MemCopy => &[Memory, Memory],
        ImmKind::MemInit => &[Memory, Data],
        ImmKind::Table => &[Table],
        ImmKind::Global => &[Global],
        _ => return None,
    };
    let (versions, makes_version) = match info.kind {
        Kind::Pure | Kind::Trap => (0, false),
        Kind::Load
        | Kind::MemorySize
        | Kind::MemoryGrow
        | Kind::GlobalGet
        | Kind::TableGet
        | Kind::TableSize => (1, false),
        Kind::Store | Kind::MemoryFill | Kind::MemoryInit | Kind::GlobalSet | Kind::TableSet => (1, true),
        Kind::MemoryCopy => (2, true),
        _ => return None,
    };
    // A result of unknown type that does not follow from an operand or index cannot be typed.
    if op == Op::RefAsNonNull {
        return None;
    }
    match info.signature {
        Signature::Fixed { params, results } if results.len() == usize::from(!makes_version) => {
            Some(Shape { imms, operands: params.len(), versions, makes_version })
        }
        _ => None,
    }
}
