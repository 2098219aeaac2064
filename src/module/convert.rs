//! From wasmparser's types to ours. wasmparser names a defined type either by its index in the module (in the binary) or
//! by a canonical `CoreTypeId` (in what its validator answers); several indices can have one id.

use super::types::{CompositeType, FieldType, FuncType, StorageType, SubType};
use crate::Error;
use crate::ir::entity::TypeId;
use crate::ir::types::{AbstractHeap, HeapType, RefType, Type};
use cranelift_entity::EntityRef;
use std::collections::HashMap;
use wasmparser::types::CoreTypeId;
use wasmparser::{AbstractHeapType, CompositeInnerType, UnpackedIndex};

/// Converts wasmparser's types. Shared by all threads that lift bodies.
#[derive(Debug, Default)]
pub struct TypeMap {
    /// The first type of the module with each canonical id.
    first: HashMap<CoreTypeId, TypeId>,
    /// The canonical id of each type.
    ids: Vec<CoreTypeId>,
}

impl TypeMap {
    /// Records the canonical id of the next type of the module.
    pub(super) fn push(&mut self, id: CoreTypeId) {
        self.first.entry(id).or_insert(TypeId::new(self.ids.len()));
        self.ids.push(id);
    }

    /// The canonical id of a type of the input.
    pub fn core_id(&self, ty: TypeId) -> Option<CoreTypeId> {
        self.ids.get(ty.index()).copied()
    }

    /// Number of types of the input.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the input has no types.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The first type of the module with this canonical id.
    ///
    /// # Errors
    /// When the module does not define it.
    pub fn type_id(&self, id: CoreTypeId) -> Result<TypeId, Error> {
        self.first.get(&id).copied().ok_or_else(|| Error::new("type that the module does not define"))
    }

    /// The first type of the module that is the same type as `ty`.
    pub fn canonical(&self, ty: TypeId) -> TypeId {
        self.ids.get(ty.index()).and_then(|id| self.first.get(id)).copied().unwrap_or(ty)
    }

    /// A type index in any of wasmparser's forms.
    ///
    /// # Errors
    /// When the module does not define it.
    pub fn index(&self, index: UnpackedIndex) -> Result<TypeId, Error> {
        match index {
            UnpackedIndex::Module(i) => Ok(TypeId::new(i as usize)),
            UnpackedIndex::Id(id) => self.type_id(id),
            UnpackedIndex::RecGroup(_) => Err(Error::new("type index relative to its recursion group")),
        }
    }

    /// Converts a heap type.
    ///
    /// # Errors
    /// For shared, exact and continuation types, which belong to proposals that are not accepted.
    pub fn heap_type(&self, ty: wasmparser::HeapType) -> Result<HeapType, Error> {
        Ok(match ty {
            wasmparser::HeapType::Concrete(index) => HeapType::Concrete(self.index(index)?),
            wasmparser::HeapType::Exact(_) => return Err(Error::new("exact heap types are not supported")),
            wasmparser::HeapType::Abstract { shared: true, .. } => {
                return Err(Error::new("shared heap types are not supported"));
            }
            wasmparser::HeapType::Abstract { shared: false, ty } => HeapType::Abstract(match ty {
                AbstractHeapType::Func => AbstractHeap::Func,
                AbstractHeapType::Extern => AbstractHeap::Extern,
                AbstractHeapType::Any => AbstractHeap::Any,
                AbstractHeapType::None => AbstractHeap::None,
                AbstractHeapType::NoExtern => AbstractHeap::NoExtern,
                AbstractHeapType::NoFunc => AbstractHeap::NoFunc,
                AbstractHeapType::Eq => AbstractHeap::Eq,
                AbstractHeapType::Struct => AbstractHeap::Struct,
                AbstractHeapType::Array => AbstractHeap::Array,
                AbstractHeapType::I31 => AbstractHeap::I31,
                AbstractHeapType::Exn => AbstractHeap::Exn,
                AbstractHeapType::NoExn => AbstractHeap::NoExn,
                AbstractHeapType::Cont | AbstractHeapType::NoCont => {
                    return Err(Error::new("continuation types are not supported"));
                }
            }),
        })
    }

    /// Converts a reference type.
    ///
    /// # Errors
    /// As [`TypeMap::heap_type`].
    pub fn ref_type(&self, ty: wasmparser::RefType) -> Result<RefType, Error> {
        Ok(RefType { nullable: ty.is_nullable(), heap: self.heap_type(ty.heap_type())? })
    }

    /// Converts a value type.
    ///
    /// # Errors
    /// As [`TypeMap::heap_type`].
    pub fn val_type(&self, ty: wasmparser::ValType) -> Result<Type, Error> {
        Ok(match ty {
            wasmparser::ValType::I32 => Type::I32,
            wasmparser::ValType::I64 => Type::I64,
            wasmparser::ValType::F32 => Type::F32,
            wasmparser::ValType::F64 => Type::F64,
            wasmparser::ValType::V128 => Type::V128,
            wasmparser::ValType::Ref(r) => Type::Ref(self.ref_type(r)?),
        })
    }

    /// Converts a function signature.
    ///
    /// # Errors
    /// As [`TypeMap::heap_type`].
    pub fn func_type(&self, ty: &wasmparser::FuncType) -> Result<FuncType, Error> {
        let convert = |types: &[wasmparser::ValType]| -> Result<Box<[Type]>, Error> {
            types.iter().map(|t| self.val_type(*t)).collect()
        };
        Ok(FuncType { params: convert(ty.params())?, results: convert(ty.results())? })
    }

    fn field_type(&self, ty: wasmparser::FieldType) -> Result<FieldType, Error> {
        let storage = match ty.element_type {
            wasmparser::StorageType::I8 => StorageType::I8,
            wasmparser::StorageType::I16 => StorageType::I16,
            wasmparser::StorageType::Val(v) => StorageType::Val(self.val_type(v)?),
        };
        Ok(FieldType { storage, mutable: ty.mutable })
    }

    /// Converts a defined type.
    pub(super) fn sub_type(&self, ty: &wasmparser::SubType) -> Result<SubType, Error> {
        let supertype = match ty.supertype_idxs[..] {
            [] => None,
            [index] => Some(self.index(index.unpack())?),
            _ => return Err(Error::new("type with several supertypes")),
        };
        let composite = match &ty.composite_type.inner {
            CompositeInnerType::Func(f) => CompositeType::Func(self.func_type(f)?),
            CompositeInnerType::Array(a) => CompositeType::Array(self.field_type(a.0)?),
            CompositeInnerType::Struct(s) => {
                CompositeType::Struct(s.fields.iter().map(|f| self.field_type(*f)).collect::<Result<_, _>>()?)
            }
            CompositeInnerType::Cont(_) => return Err(Error::new("continuation types are not supported")),
        };
        Ok(SubType { is_final: ty.is_final, supertype, composite })
    }
}
