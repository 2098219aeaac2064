//! Value types (specification, section 2.3.1 to 2.3.5), with type indices as entities.

use super::entity::TypeId;
use std::fmt;

/// The abstract heap types, named as in the text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum AbstractHeap {
    Func,
    Extern,
    Any,
    None,
    NoExtern,
    NoFunc,
    Eq,
    Struct,
    Array,
    I31,
    Exn,
    NoExn,
}

impl AbstractHeap {
    /// All of them with their names in the text format.
    pub const NAMES: [(AbstractHeap, &'static str); 12] = [
        (AbstractHeap::Func, "func"),
        (AbstractHeap::Extern, "extern"),
        (AbstractHeap::Any, "any"),
        (AbstractHeap::None, "none"),
        (AbstractHeap::NoExtern, "noextern"),
        (AbstractHeap::NoFunc, "nofunc"),
        (AbstractHeap::Eq, "eq"),
        (AbstractHeap::Struct, "struct"),
        (AbstractHeap::Array, "array"),
        (AbstractHeap::I31, "i31"),
        (AbstractHeap::Exn, "exn"),
        (AbstractHeap::NoExn, "noexn"),
    ];

    /// Name in the text format.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(a, _)| *a == self).expect("NAMES is complete").1
    }
}

/// What a reference points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeapType {
    /// One of the abstract types.
    Abstract(AbstractHeap),
    /// A defined type.
    Concrete(TypeId),
}

/// A reference type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefType {
    /// Whether null belongs to it.
    pub nullable: bool,
    /// What it points at.
    pub heap: HeapType,
}

impl RefType {
    /// `funcref`.
    pub const FUNCREF: RefType = RefType { nullable: true, heap: HeapType::Abstract(AbstractHeap::Func) };
    /// `externref`.
    pub const EXTERNREF: RefType = RefType { nullable: true, heap: HeapType::Abstract(AbstractHeap::Extern) };
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Type {
    I32,
    I64,
    F32,
    F64,
    V128,
    Ref(RefType),
}

impl Type {
    /// Whether a local of this type needs no initialisation before its first read.
    pub fn is_defaultable(self) -> bool {
        !matches!(self, Type::Ref(RefType { nullable: false, .. }))
    }

    /// Width in bits of a number or vector type, `None` for references.
    pub fn bits(self) -> Option<u32> {
        Some(match self {
            Type::I32 | Type::F32 => 32,
            Type::I64 | Type::F64 => 64,
            Type::V128 => 128,
            Type::Ref(_) => return None,
        })
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeapType::Abstract(a) => f.write_str(a.name()),
            HeapType::Concrete(t) => write!(f, "{t}"),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(ref {}{})", if self.nullable { "null " } else { "" }, self.heap)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::I32 => f.write_str("i32"),
            Type::I64 => f.write_str("i64"),
            Type::F32 => f.write_str("f32"),
            Type::F64 => f.write_str("f64"),
            Type::V128 => f.write_str("v128"),
            Type::Ref(r) => r.fmt(f),
        }
    }
}
