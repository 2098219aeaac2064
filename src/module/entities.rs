//! What the index spaces of a module hold.

use super::ConstExpr;
use crate::ir::entity::{FuncId, MemoryId, TableId, TypeId};
use crate::ir::types::{RefType, Type};
use std::ops::Range;

/// A function.
#[derive(Clone, Debug)]
pub struct Func {
    /// Its type, a function type.
    pub ty: TypeId,
    /// Locals and code; `None` for an imported function.
    pub body: Option<Body>,
}

/// The body of a defined function: the vector of locals and the code, without the size in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// As in the input: a range of [`super::Module::source`]. Its indices are those of the input and are remapped when the
    /// numbering changes them.
    Raw(Range<usize>),
    /// Made by loom, with final indices.
    Encoded(Vec<u8>),
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Element type.
    pub element: RefType,
    /// Whether it is indexed with `i64`.
    pub table64: bool,
    /// Initial number of elements.
    pub initial: u64,
    /// Largest number of elements.
    pub maximum: Option<u64>,
    /// What the elements are at first; null when absent.
    pub init: Option<ConstExpr>,
    /// Whether it is imported.
    pub imported: bool,
}

impl Table {
    /// Type of an index into it.
    pub fn index_type(&self) -> Type {
        if self.table64 { Type::I64 } else { Type::I32 }
    }
}

/// A linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Whether it is indexed with `i64`.
    pub memory64: bool,
    /// Whether threads share it.
    pub shared: bool,
    /// Initial size in pages.
    pub initial: u64,
    /// Largest size in pages.
    pub maximum: Option<u64>,
    /// Logarithm of the page size where the input says it; 16 otherwise.
    pub page_size_log2: Option<u32>,
    /// Whether it is imported.
    pub imported: bool,
}

impl Memory {
    /// Type of an address in it.
    pub fn index_type(&self) -> Type {
        if self.memory64 { Type::I64 } else { Type::I32 }
    }

    /// Size of a page in bytes.
    pub fn page_size(&self) -> u64 {
        1u64.checked_shl(self.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX)
    }
}

/// A global.
#[derive(Clone, Debug)]
pub struct Global {
    /// Type of the value.
    pub ty: Type,
    /// Whether it can be written.
    pub mutable: bool,
    /// Initial value; `None` for an imported global.
    pub init: Option<ConstExpr>,
}

/// An exception tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its type, a function type without results.
    pub ty: TypeId,
    /// Whether it is imported.
    pub imported: bool,
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElemSegment {
    /// When it is used.
    pub mode: ElemMode,
    /// What it holds.
    pub items: ElemItems,
}

impl ElemSegment {
    /// Type of the elements.
    pub fn element_type(&self) -> RefType {
        match &self.items {
            ElemItems::Funcs(_) => RefType { nullable: false, ..RefType::FUNCREF },
            ElemItems::Exprs(ty, _) => *ty,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match &self.items {
            ElemItems::Funcs(f) => f.len(),
            ElemItems::Exprs(_, e) => e.len(),
        }
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// When an element segment is used.
#[derive(Clone, Debug)]
pub enum ElemMode {
    /// By `table.init` and `array.new_elem`.
    Passive,
    /// Only to declare functions for `ref.func`.
    Declared,
    /// Copied into a table when the module is instantiated.
    Active {
        /// The table.
        table: TableId,
        /// Where.
        offset: ConstExpr,
        /// Whether the input wrote the table index out.
        explicit_table: bool,
    },
}

/// Contents of an element segment, as written.
#[derive(Clone, Debug)]
pub enum ElemItems {
    /// References to functions.
    Funcs(Vec<FuncId>),
    /// Constant expressions of a type.
    Exprs(RefType, Vec<ConstExpr>),
}

/// A data segment.
#[derive(Clone, Debug)]
pub struct DataSegment {
    /// When it is used.
    pub mode: DataMode,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// When a data segment is used.
#[derive(Clone, Debug)]
pub enum DataMode {
    /// By `memory.init`, `array.new_data` and `array.init_data`.
    Passive,
    /// Copied into a memory when the module is instantiated.
    Active {
        /// The memory.
        memory: MemoryId,
        /// Where.
        offset: ConstExpr,
    },
}
