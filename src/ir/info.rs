//! What a function graph needs to know of the module around it, behind one trait: the module layer implements it, tests
//! use [`Declarations`].

use super::entity::*;
use super::types::{AbstractHeap, HeapType, RefType, Type};
use cranelift_entity::EntityRef;

/// Structure of a defined type, without the fields of structures ([`ModuleInfo::field`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Composite<'a> {
    /// A function signature: parameters and results.
    Func(&'a [Type], &'a [Type]),
    /// A structure with this many fields.
    Struct(u32),
    /// An array.
    Array(Field),
}

/// A field of a structure or the elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Type of the value on the stack (`i32` for packed fields).
    pub ty: Type,
    /// Whether it is stored as `i8` or `i16`.
    pub packed: bool,
    /// Whether it can be written.
    pub mutable: bool,
}

/// Types of the entities of a module. `None` means that there is no such entity, or that it is of another kind.
pub trait ModuleInfo {
    /// Whether a memory is indexed with `i64`.
    fn memory64(&self, memory: MemoryId) -> Option<bool>;
    /// Element type of a table, and whether it is indexed with `i64`.
    fn table_type(&self, table: TableId) -> Option<(RefType, bool)>;
    /// Type of the elements of a segment.
    fn elem_type(&self, elem: ElemId) -> Option<RefType>;
    /// Whether there is such a data segment.
    fn has_data(&self, data: DataId) -> bool;
    /// Type of a global, and whether it can be written.
    fn global_type(&self, global: GlobalId) -> Option<(Type, bool)>;
    /// Type of a function.
    fn func_type(&self, func: FuncId) -> Option<TypeId>;
    /// Type of an exception tag.
    fn tag_type(&self, tag: TagId) -> Option<TypeId>;
    /// Structure of a defined type.
    fn composite(&self, ty: TypeId) -> Option<Composite<'_>>;
    /// A field of a structure.
    fn field(&self, ty: TypeId, index: u32) -> Option<Field>;
    /// Declared supertype of a type.
    fn supertype(&self, ty: TypeId) -> Option<TypeId>;
    /// Whether two defined types are the same type (specification, section 3.1.2: equal recursion groups).
    fn same_type(&self, a: TypeId, b: TypeId) -> bool;

    /// Whether threads share a memory.
    fn is_shared(&self, memory: MemoryId) -> bool;
    /// Size in bytes that a memory has at least, always.
    fn memory_min_bytes(&self, memory: MemoryId) -> u128;

    /// Bytes of a page of a memory (custom-page-sizes proposal).
    fn page_size(&self, _memory: MemoryId) -> u64 {
        1 << 16
    }

    /// Whether a global can be written; unknown ones can.
    fn is_mutable(&self, global: GlobalId) -> bool {
        self.global_type(global).is_none_or(|(_, mutable)| mutable)
    }

    /// Parameters and results of a function type.
    fn type_sig(&self, ty: TypeId) -> Option<(&[Type], &[Type])> {
        match self.composite(ty)? {
            Composite::Func(params, results) => Some((params, results)),
            _ => None,
        }
    }

    /// Parameters and results of a function.
    fn func_sig(&self, func: FuncId) -> Option<(&[Type], &[Type])> {
        self.type_sig(self.func_type(func)?)
    }

    /// Types of an exception's payload.
    fn tag_params(&self, tag: TagId) -> Option<&[Type]> {
        self.type_sig(self.tag_type(tag)?).map(|(params, _)| params)
    }

    /// Elements of an array type.
    fn array_elem(&self, ty: TypeId) -> Option<Field> {
        match self.composite(ty)? {
            Composite::Array(field) => Some(field),
            _ => None,
        }
    }

    /// Type of an address in a memory.
    fn memory_index(&self, memory: MemoryId) -> Option<Type> {
        self.memory64(memory).map(index_type)
    }

    /// Type of an index into a table.
    fn table_index(&self, table: TableId) -> Option<Type> {
        self.table_type(table).map(|(_, is64)| index_type(is64))
    }

    /// Whether a value of type `a` can be used as one of type `b` (specification, section 3.3.3).
    fn is_subtype(&self, a: Type, b: Type) -> bool {
        match (a, b) {
            _ if a == b => true,
            (Type::Ref(a), Type::Ref(b)) => self.is_ref_subtype(a, b),
            _ => false,
        }
    }

    /// [`ModuleInfo::is_subtype`] of reference types.
    fn is_ref_subtype(&self, a: RefType, b: RefType) -> bool {
        (b.nullable || !a.nullable) && self.is_heap_subtype(a.heap, b.heap)
    }

    /// Subtyping of heap types (specification, section 3.3.2).
    fn is_heap_subtype(&self, a: HeapType, b: HeapType) -> bool {
        use AbstractHeap as H;
        match (a, b) {
            (HeapType::Abstract(a), HeapType::Abstract(b)) => is_abstract_subtype(a, b),
            (HeapType::Concrete(a), HeapType::Abstract(b)) => {
                let of = match self.composite(a) {
                    Some(Composite::Func(..)) => H::Func,
                    Some(Composite::Struct(_)) => H::Struct,
                    Some(Composite::Array(_)) => H::Array,
                    None => return false,
                };
                is_abstract_subtype(of, b)
            }
            (HeapType::Abstract(a), HeapType::Concrete(b)) => match self.composite(b) {
                Some(Composite::Func(..)) => a == H::NoFunc,
                Some(Composite::Struct(_) | Composite::Array(_)) => a == H::None,
                None => false,
            },
            (HeapType::Concrete(mut a), HeapType::Concrete(b)) => {
                // Valid modules have chains of at most 63 supertypes; the bound ends a cycle of an invalid one.
                for _ in 0..=64 {
                    if self.same_type(a, b) {
                        return true;
                    }
                    match self.supertype(a) {
                        Some(s) => a = s,
                        None => return false,
                    }
                }
                false
            }
        }
    }
}

fn index_type(is64: bool) -> Type {
    if is64 { Type::I64 } else { Type::I32 }
}

fn is_abstract_subtype(a: AbstractHeap, b: AbstractHeap) -> bool {
    use AbstractHeap::*;
    a == b
        || match a {
            None => matches!(b, I31 | Struct | Array | Eq | Any),
            I31 | Struct | Array => matches!(b, Eq | Any),
            Eq => b == Any,
            NoFunc => b == Func,
            NoExtern => b == Extern,
            NoExn => b == Exn,
            Func | Extern | Any | Exn => false,
        }
}

/// A defined type of [`Declarations`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredType {
    /// A function signature: parameters and results.
    Func(Vec<Type>, Vec<Type>),
    /// A structure.
    Struct(Vec<Field>),
    /// An array.
    Array(Field),
}

/// A module that consists of declarations only, for tests and tools that have a graph but no module.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// For each memory whether it is indexed with `i64`.
    pub memories: Vec<bool>,
    /// For each table its element type and whether it is indexed with `i64`.
    pub tables: Vec<(RefType, bool)>,
    /// Types of the element segments.
    pub elems: Vec<RefType>,
    /// Number of data segments.
    pub datas: usize,
    /// For each global its type and whether it can be written.
    pub globals: Vec<(Type, bool)>,
    /// Types of the functions.
    pub funcs: Vec<TypeId>,
    /// Types of the tags.
    pub tags: Vec<TypeId>,
    /// Types with their supertypes; no two of them are the same.
    pub types: Vec<(DeclaredType, Option<TypeId>)>,
}

impl ModuleInfo for Declarations {
    fn memory64(&self, memory: MemoryId) -> Option<bool> {
        self.memories.get(memory.index()).copied()
    }

    fn is_shared(&self, _memory: MemoryId) -> bool {
        false
    }

    fn memory_min_bytes(&self, _memory: MemoryId) -> u128 {
        0
    }

    fn table_type(&self, table: TableId) -> Option<(RefType, bool)> {
        self.tables.get(table.index()).copied()
    }

    fn elem_type(&self, elem: ElemId) -> Option<RefType> {
        self.elems.get(elem.index()).copied()
    }

    fn has_data(&self, data: DataId) -> bool {
        data.index() < self.datas
    }

    fn global_type(&self, global: GlobalId) -> Option<(Type, bool)> {
        self.globals.get(global.index()).copied()
    }

    fn func_type(&self, func: FuncId) -> Option<TypeId> {
        self.funcs.get(func.index()).copied()
    }

    fn tag_type(&self, tag: TagId) -> Option<TypeId> {
        self.tags.get(tag.index()).copied()
    }

    fn composite(&self, ty: TypeId) -> Option<Composite<'_>> {
        Some(match &self.types.get(ty.index())?.0 {
            DeclaredType::Func(params, results) => Composite::Func(params, results),
            DeclaredType::Struct(fields) => Composite::Struct(fields.len() as u32),
            DeclaredType::Array(field) => Composite::Array(*field),
        })
    }

    fn field(&self, ty: TypeId, index: u32) -> Option<Field> {
        match &self.types.get(ty.index())?.0 {
            DeclaredType::Struct(fields) => fields.get(index as usize).copied(),
            _ => None,
        }
    }

    fn supertype(&self, ty: TypeId) -> Option<TypeId> {
        self.types.get(ty.index())?.1
    }

    fn same_type(&self, a: TypeId, b: TypeId) -> bool {
        a == b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtyping() {
        let fun = DeclaredType::Func(vec![], vec![]);
        let stru = DeclaredType::Struct(vec![]);
        let m = Declarations {
            types: vec![
                (fun, None),
                (stru.clone(), None),
                (stru.clone(), Some(TypeId::from_u32(1))),
                (stru, Some(TypeId::from_u32(3))),
            ],
            ..Declarations::default()
        };
        let concrete = |n| HeapType::Concrete(TypeId::from_u32(n));
        let abs = HeapType::Abstract;
        assert!(m.is_heap_subtype(concrete(0), abs(AbstractHeap::Func)));
        assert!(m.is_heap_subtype(abs(AbstractHeap::NoFunc), concrete(0)));
        assert!(!m.is_heap_subtype(concrete(0), abs(AbstractHeap::Any)));
        assert!(m.is_heap_subtype(concrete(2), concrete(1)));
        assert!(!m.is_heap_subtype(concrete(1), concrete(2)));
        assert!(m.is_heap_subtype(concrete(2), abs(AbstractHeap::Eq)));
        assert!(m.is_heap_subtype(abs(AbstractHeap::None), concrete(2)));
        assert!(!m.is_heap_subtype(concrete(3), concrete(1)), "a cyclic chain ends");
        assert!(!m.is_heap_subtype(concrete(9), abs(AbstractHeap::Any)));
        let null = Type::Ref(RefType::FUNCREF);
        let non_null = Type::Ref(RefType { nullable: false, ..RefType::FUNCREF });
        assert!(m.is_subtype(non_null, null) && !m.is_subtype(null, non_null));
        assert!(m.is_subtype(Type::I32, Type::I32) && !m.is_subtype(Type::I32, Type::I64));
    }
}
