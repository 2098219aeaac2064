//! What the writers of code and sections need to know about final indices.

use super::Numbering;
use crate::ir::entity::*;
use crate::ir::types::{AbstractHeap, HeapType, RefType, Type};
use wasm_encoder::AbstractHeapType;

/// Final index of every entity, and types written with such indices.
#[allow(missing_docs)]
pub trait IndexMap {
    fn ty(&self, e: TypeId) -> u32;
    fn func(&self, e: FuncId) -> u32;
    fn table(&self, e: TableId) -> u32;
    fn memory(&self, e: MemoryId) -> u32;
    fn global(&self, e: GlobalId) -> u32;
    fn tag(&self, e: TagId) -> u32;
    fn elem(&self, e: ElemId) -> u32;
    fn data(&self, e: DataId) -> u32;

    /// A heap type for wasm-encoder.
    fn heap_type(&self, heap: HeapType) -> wasm_encoder::HeapType {
        match heap {
            HeapType::Concrete(ty) => wasm_encoder::HeapType::Concrete(self.ty(ty)),
            HeapType::Abstract(ty) => wasm_encoder::HeapType::Abstract {
                shared: false,
                ty: match ty {
                    AbstractHeap::Func => AbstractHeapType::Func,
                    AbstractHeap::Extern => AbstractHeapType::Extern,
                    AbstractHeap::Any => AbstractHeapType::Any,
                    AbstractHeap::None => AbstractHeapType::None,
                    AbstractHeap::NoExtern => AbstractHeapType::NoExtern,
                    AbstractHeap::NoFunc => AbstractHeapType::NoFunc,
                    AbstractHeap::Eq => AbstractHeapType::Eq,
                    AbstractHeap::Struct => AbstractHeapType::Struct,
                    AbstractHeap::Array => AbstractHeapType::Array,
                    AbstractHeap::I31 => AbstractHeapType::I31,
                    AbstractHeap::Exn => AbstractHeapType::Exn,
                    AbstractHeap::NoExn => AbstractHeapType::NoExn,
                },
            },
        }
    }

    /// A reference type for wasm-encoder.
    fn ref_type(&self, ty: RefType) -> wasm_encoder::RefType {
        wasm_encoder::RefType { nullable: ty.nullable, heap_type: self.heap_type(ty.heap) }
    }

    /// A value type for wasm-encoder.
    fn val_type(&self, ty: Type) -> wasm_encoder::ValType {
        match ty {
            Type::I32 => wasm_encoder::ValType::I32,
            Type::I64 => wasm_encoder::ValType::I64,
            Type::F32 => wasm_encoder::ValType::F32,
            Type::F64 => wasm_encoder::ValType::F64,
            Type::V128 => wasm_encoder::ValType::V128,
            Type::Ref(r) => wasm_encoder::ValType::Ref(self.ref_type(r)),
        }
    }
}

/// Every entity keeps its index: for code that is looked at before the module is assembled.
pub struct Identity;

impl IndexMap for Identity {
    fn ty(&self, e: TypeId) -> u32 {
        e.as_u32()
    }
    fn func(&self, e: FuncId) -> u32 {
        e.as_u32()
    }
    fn table(&self, e: TableId) -> u32 {
        e.as_u32()
    }
    fn memory(&self, e: MemoryId) -> u32 {
        e.as_u32()
    }
    fn global(&self, e: GlobalId) -> u32 {
        e.as_u32()
    }
    fn tag(&self, e: TagId) -> u32 {
        e.as_u32()
    }
    fn elem(&self, e: ElemId) -> u32 {
        e.as_u32()
    }
    fn data(&self, e: DataId) -> u32 {
        e.as_u32()
    }
}

impl IndexMap for Numbering {
    fn ty(&self, e: TypeId) -> u32 {
        self.types.get(e)
    }
    fn func(&self, e: FuncId) -> u32 {
        self.funcs.get(e)
    }
    fn table(&self, e: TableId) -> u32 {
        self.tables.get(e)
    }
    fn memory(&self, e: MemoryId) -> u32 {
        self.memories.get(e)
    }
    fn global(&self, e: GlobalId) -> u32 {
        self.globals.get(e)
    }
    fn tag(&self, e: TagId) -> u32 {
        self.tags.get(e)
    }
    fn elem(&self, e: ElemId) -> u32 {
        self.elems.get(e)
    }
    fn data(&self, e: DataId) -> u32 {
        self.data.get(e)
    }
}
