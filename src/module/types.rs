//! Defined types (specification, section 2.3.9 to 2.3.13).

use crate::ir::entity::TypeId;
use crate::ir::types::{HeapType, RefType, Type};

/// A run of types that may refer to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecGroup {
    /// First type of the group.
    pub first: TypeId,
    /// Number of types, possibly 0.
    pub len: u32,
    /// Whether the input wrote `(rec …)`; only an implicit group of one type has another encoding.
    pub explicit: bool,
}

/// A defined type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubType {
    /// Whether no type may declare this one its supertype.
    pub is_final: bool,
    /// Declared supertype.
    pub supertype: Option<TypeId>,
    /// Structure.
    pub composite: CompositeType,
}

/// Structure of a defined type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeType {
    /// Function signature.
    Func(FuncType),
    /// Structure with fields.
    Struct(Box<[FieldType]>),
    /// Array of one element type.
    Array(FieldType),
}

/// Function signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FuncType {
    /// Parameter types.
    pub params: Box<[Type]>,
    /// Result types.
    pub results: Box<[Type]>,
}

impl FuncType {
    /// Whether the signature refers to a type: such a type inside its own definition makes it recursive.
    pub(super) fn mentions(&self, ty: TypeId) -> bool {
        self.params
            .iter()
            .chain(&self.results)
            .any(|t| matches!(t, Type::Ref(RefType { heap: HeapType::Concrete(c), .. }) if *c == ty))
    }
}

/// Type of a field of a structure or of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// What is stored.
    pub storage: StorageType,
    /// Whether it can be written.
    pub mutable: bool,
}

/// Storage of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// 8 bits.
    I8,
    /// 16 bits.
    I16,
    /// A value.
    Val(Type),
}

impl StorageType {
    /// Type of the value on the stack.
    pub fn unpack(self) -> Type {
        match self {
            StorageType::I8 | StorageType::I16 => Type::I32,
            StorageType::Val(t) => t,
        }
    }
}

impl SubType {
    /// Calls `visit` with each type that this one refers to, its supertype included.
    pub fn for_each_type(&self, visit: &mut dyn FnMut(TypeId)) {
        if let Some(s) = self.supertype {
            visit(s);
        }
        let mut value = |t: &Type| {
            if let Type::Ref(RefType { heap: HeapType::Concrete(c), .. }) = t {
                visit(*c);
            }
        };
        match &self.composite {
            CompositeType::Func(f) => f.params.iter().chain(&f.results).for_each(value),
            CompositeType::Struct(fields) => fields.iter().for_each(|f| value(&f.storage.unpack())),
            CompositeType::Array(f) => value(&f.storage.unpack()),
        }
    }
}
