//! What function graphs ask of the module around them ([`ModuleInfo`]).

use super::{CompositeType, FieldType, Module, StorageType};
use crate::ir::effects::Aliases;
use crate::ir::entity::*;
use crate::ir::info::{Composite, Field, ModuleInfo};
use crate::ir::types::{RefType, Type};
use cranelift_entity::EntityRef;

fn field(f: &FieldType) -> Field {
    Field {
        ty: f.storage.unpack(),
        packed: matches!(f.storage, StorageType::I8 | StorageType::I16),
        mutable: f.mutable,
    }
}

impl Module {
    /// The first type of the module that is the same type as `ty`: its recursion group is equal and it stands at the same
    /// place in it.
    pub fn canonical_type(&self, ty: TypeId) -> TypeId {
        self.canonical.get(ty.index()).copied().unwrap_or(ty)
    }

    /// Which imported entities a host may supply as one: memories, tables, and mutable globals of the same type. What the module
    /// defines itself is nothing else.
    pub fn aliases(&self) -> Aliases {
        let memories: Vec<MemoryId> =
            self.memories.iter().filter(|(_, m)| m.imported).map(|(id, _)| id).collect();
        let tables = self.tables.iter().filter(|(_, t)| t.imported).map(|(id, _)| id).collect();
        // One reference type can be written in many ways.
        let kind = |ty: Type| Some(ty).filter(|t| !matches!(t, Type::Ref(_)));
        let kinds =
            [Type::I32, Type::I64, Type::F32, Type::F64, Type::V128].map(Some).into_iter().chain([None]);
        let globals = kinds.map(|of| {
            let imported = self.globals.iter().filter(|(_, g)| g.mutable && g.init.is_none());
            imported.filter(|(_, g)| kind(g.ty) == of).map(|(id, _)| id).collect()
        });
        Aliases::new(&memories, [tables], globals)
    }
}

impl ModuleInfo for Module {
    fn memory64(&self, memory: MemoryId) -> Option<bool> {
        Some(self.memories.get(memory)?.memory64)
    }

    fn is_shared(&self, memory: MemoryId) -> bool {
        self.memories.get(memory).is_none_or(|m| m.shared)
    }

    fn page_size(&self, memory: MemoryId) -> u64 {
        self.memories.get(memory).map_or(1 << 16, crate::module::entities::Memory::page_size)
    }

    fn memory_min_bytes(&self, memory: MemoryId) -> u128 {
        self.memories.get(memory).map_or(0, |m| u128::from(m.initial) * u128::from(m.page_size()))
    }

    fn table_type(&self, table: TableId) -> Option<(RefType, bool)> {
        self.tables.get(table).map(|t| (t.element, t.table64))
    }

    fn elem_type(&self, elem: ElemId) -> Option<RefType> {
        Some(self.elems.get(elem)?.element_type())
    }

    fn has_data(&self, data: DataId) -> bool {
        self.data.is_valid(data)
    }

    fn global_type(&self, global: GlobalId) -> Option<(Type, bool)> {
        self.globals.get(global).map(|g| (g.ty, g.mutable))
    }

    fn func_type(&self, func: FuncId) -> Option<TypeId> {
        Some(self.funcs.get(func)?.ty)
    }

    fn tag_type(&self, tag: TagId) -> Option<TypeId> {
        Some(self.tags.get(tag)?.ty)
    }

    fn composite(&self, ty: TypeId) -> Option<Composite<'_>> {
        Some(match &self.types.get(ty)?.composite {
            CompositeType::Func(f) => Composite::Func(&f.params, &f.results),
            CompositeType::Struct(fields) => Composite::Struct(fields.len() as u32),
            CompositeType::Array(element) => Composite::Array(field(element)),
        })
    }

    fn field(&self, ty: TypeId, index: u32) -> Option<Field> {
        match &self.types.get(ty)?.composite {
            CompositeType::Struct(fields) => fields.get(index as usize).map(field),
            CompositeType::Func(_) | CompositeType::Array(_) => None,
        }
    }

    fn supertype(&self, ty: TypeId) -> Option<TypeId> {
        self.types.get(ty)?.supertype
    }

    fn same_type(&self, a: TypeId, b: TypeId) -> bool {
        self.canonical_type(a) == self.canonical_type(b)
    }
}
