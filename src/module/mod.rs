//! A whole WebAssembly module as entities: decoding, encoding, names, custom sections.
//!
//! **What.** [`decode`] turns bytes into a [`Module`]: one entity per entry of each index space, constant expressions as
//! lists of [`ConstOp`], names as maps, custom sections with their places. Everything but function bodies is validated on
//! the way; each body is handed out with its validator ([`UndecodedBody`]) so that lifting validates and lifts in one pass,
//! in parallel. [`Module::numbering`] fixes the final index of every entity, [`encode`] writes the bytes.
//!
//! **Invariants in.** None: any bytes. **Invariants out** (of `decode`): every entity mentioned anywhere in the [`Module`]
//! exists; imported entities precede defined ones in each index space and [`Module::imports`] names each of them once, in
//! order; recursion groups tile the type space. Bodies are *not* yet validated.
//!
//! **Lossless.** What the module layer does not interpret is kept: unknown custom sections byte for byte and in place, the
//! form in which an element segment was written, explicit recursion groups of one type, the presence of a data count
//! section. A module whose bodies were not touched is written byte for byte as it was, but for overlong integers, empty
//! sections and compact import groups. No encoding is written that the input did not use.
//!
//! **Complexity.** Linear in the size of the input; nothing recurses.
//!
//! Reference: WebAssembly specification 3.0, chapter 5 (binary format) and appendix (custom sections).

mod attestation;
mod const_expr;
mod convert;
mod custom;
mod decode;
mod encode;
mod entities;
mod features;
mod index_map;
mod info;
mod names;
mod numbering;
mod references;
mod remap;
mod types;

pub use attestation::ATTESTATION;
pub use const_expr::{ConstExpr, ConstOp};
pub use convert::TypeMap;
pub use decode::{Decoded, UndecodedBody, accepted_features, decode, decode_with};
pub use encode::{EncodedModule, encode};
pub use entities::{
    Body, DataMode, DataSegment, ElemItems, ElemMode, ElemSegment, Func, Global, Memory, Table, Tag,
};
pub use features::used_features;
pub use index_map::{Identity, IndexMap};
pub use names::{InnerNames, Names};
pub use numbering::{Fate, IndexSpace, Numbering, Plan, REMOVED};
pub use remap::{Use, body_shape, body_uses, remap_body, rewrite_body};
pub use types::{CompositeType, FieldType, FuncType, RecGroup, StorageType, SubType};

use crate::ir::entity::{DataId, ElemId, FuncId, GlobalId, MemoryId, TableId, TagId, TypeId};
use crate::ir::types::{HeapType, RefType, Type};
use cranelift_entity::{EntityRef, PrimaryMap};
use std::collections::HashMap;
use std::sync::Arc;

/// Any entity of a module's index spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Entity {
    Type(TypeId),
    Func(FuncId),
    Table(TableId),
    Memory(MemoryId),
    Global(GlobalId),
    Tag(TagId),
    Elem(ElemId),
    Data(DataId),
}

impl Entity {
    /// Its index in the module's own numbering.
    pub fn index(self) -> u32 {
        match self {
            Entity::Type(e) => e.as_u32(),
            Entity::Func(e) => e.as_u32(),
            Entity::Table(e) => e.as_u32(),
            Entity::Memory(e) => e.as_u32(),
            Entity::Global(e) => e.as_u32(),
            Entity::Tag(e) => e.as_u32(),
            Entity::Elem(e) => e.as_u32(),
            Entity::Data(e) => e.as_u32(),
        }
    }
}

/// One import. The entity it makes carries the type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// First name.
    pub module: String,
    /// Second name.
    pub name: String,
    /// The imported function, table, memory, global or tag.
    pub entity: Entity,
}

/// One export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Name, unique in the module.
    pub name: String,
    /// The exported function, table, memory, global or tag.
    pub entity: Entity,
}

/// A custom section and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomSection {
    /// Section name.
    pub name: String,
    /// Payload after the name. Empty for the section that [`Module::names`] was read from: it is written from there.
    pub data: Vec<u8>,
    /// The non-custom section that it follows, directly or after other custom sections.
    pub after: SectionPlace,
    /// Whether this is the place of the name section held in [`Module::names`].
    pub is_names: bool,
}

/// The non-custom sections in the order in which they stand in a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum SectionPlace {
    Header,
    Type,
    Import,
    Function,
    Table,
    Memory,
    Tag,
    Global,
    Export,
    Start,
    Element,
    DataCount,
    Code,
    Data,
}

impl SectionPlace {
    /// All of them, in order.
    pub const ALL: [SectionPlace; 14] = [
        SectionPlace::Header,
        SectionPlace::Type,
        SectionPlace::Import,
        SectionPlace::Function,
        SectionPlace::Table,
        SectionPlace::Memory,
        SectionPlace::Tag,
        SectionPlace::Global,
        SectionPlace::Export,
        SectionPlace::Start,
        SectionPlace::Element,
        SectionPlace::DataCount,
        SectionPlace::Code,
        SectionPlace::Data,
    ];
}

/// A WebAssembly core module.
///
/// Passes change the fields directly. Entities are never removed from the maps: what a pass wants gone is left out by the
/// [`Numbering`], and new entities are pushed at the end (imports cannot be added).
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// The bytes that [`Body::Raw`] ranges point into.
    pub source: Arc<[u8]>,
    /// All types, counted through the recursion groups. Add function types with [`Module::intern_func_type`].
    pub types: PrimaryMap<TypeId, SubType>,
    /// How the types are grouped; the groups tile `types` in order.
    pub rec_groups: Vec<RecGroup>,
    /// Imports in the input's order.
    pub imports: Vec<Import>,
    /// Functions, imported ones first.
    pub funcs: PrimaryMap<FuncId, Func>,
    /// Tables, imported ones first.
    pub tables: PrimaryMap<TableId, Table>,
    /// Memories, imported ones first.
    pub memories: PrimaryMap<MemoryId, Memory>,
    /// Globals, imported ones first.
    pub globals: PrimaryMap<GlobalId, Global>,
    /// Exception tags, imported ones first.
    pub tags: PrimaryMap<TagId, Tag>,
    /// Exports in the input's order.
    pub exports: Vec<Export>,
    /// The start function.
    pub start: Option<FuncId>,
    /// Element segments.
    pub elems: PrimaryMap<ElemId, ElemSegment>,
    /// Data segments.
    pub data: PrimaryMap<DataId, DataSegment>,
    /// Whether the input had a data count section. It stays; without it no body may name a data segment.
    pub data_count: bool,
    /// The name section, `None` when there was none (or none that could be read).
    pub names: Option<Names>,
    /// Custom sections in the input's order.
    pub customs: Vec<CustomSection>,
    /// Range of the code section's payload in `source`.
    pub code_range: Option<std::ops::Range<usize>>,
    /// For each type of the input the first that is the same type.
    canonical: Vec<TypeId>,
    /// Function types by signature with canonical type indices, for [`Module::intern_func_type`].
    func_types: HashMap<FuncType, TypeId>,
}

impl Module {
    /// The signature of a function.
    pub fn func_type(&self, func: FuncId) -> &FuncType {
        self.signature(self.funcs[func].ty).expect("a function's type is a function type (validated)")
    }

    /// The signature that a type index stands for, `None` when it is not a function type.
    pub fn signature(&self, ty: TypeId) -> Option<&FuncType> {
        match &self.types.get(ty)?.composite {
            CompositeType::Func(f) => Some(f),
            CompositeType::Struct(_) | CompositeType::Array(_) => None,
        }
    }

    /// Number of fields of a structure type, 0 for other types.
    pub fn struct_fields(&self, ty: TypeId) -> usize {
        match self.types.get(ty).map(|t| &t.composite) {
            Some(CompositeType::Struct(fields)) => fields.len(),
            _ => 0,
        }
    }

    /// Number of imported functions, which is also the index of the first defined one.
    pub fn imported_funcs(&self) -> usize {
        self.funcs.values().take_while(|f| f.body.is_none()).count()
    }

    /// Name of a function in the name section.
    pub fn func_name(&self, func: FuncId) -> Option<&str> {
        self.names.as_ref()?.funcs.get(&func).map(String::as_str)
    }

    /// The custom section of that name (the first, if there are several).
    pub fn custom(&self, name: &str) -> Option<&CustomSection> {
        self.customs.iter().find(|c| c.name == name)
    }

    /// A copy that bodies can be lifted from: without names, custom sections and the bytes of data segments.
    pub fn without_bytes(&mut self) -> Module {
        let (names, customs) = (self.names.take(), std::mem::take(&mut self.customs));
        let data: Vec<Vec<u8>> = self.data.values_mut().map(|d| std::mem::take(&mut d.bytes)).collect();
        let copy = self.clone();
        (self.names, self.customs) = (names, customs);
        for (segment, bytes) in self.data.values_mut().zip(data) {
            segment.bytes = bytes;
        }
        copy
    }

    /// The bytes of a body as it was in the input: locals and code without the size. `None` for imported functions and for
    /// bodies made by loom.
    pub fn raw_body(&self, func: FuncId) -> Option<&[u8]> {
        match &self.funcs[func].body {
            Some(Body::Raw(range)) => self.source.get(range.clone()),
            _ => None,
        }
    }

    /// Locals and code of a body, whoever made it, and where they are in the input (0 for loom's own); empty for imported functions.
    pub fn body(&self, func: FuncId) -> (&[u8], usize) {
        match &self.funcs[func].body {
            Some(Body::Raw(range)) => (self.source.get(range.clone()).unwrap_or_default(), range.start),
            Some(Body::Encoded(bytes)) => (bytes, 0),
            None => (&[], 0),
        }
    }

    /// Whether any of its function types has several results.
    pub fn has_multi_value(&self) -> bool {
        self.types.keys().any(|t| self.signature(t).is_some_and(|s| s.results.len() > 1))
    }

    /// Adds a function at the end of the index space: locals and code in the module's own indices. Nothing names it yet, and it has no
    /// name. What was decided about functions before does not know it: a [`Plan`] keeps it unless it says otherwise.
    pub fn add_func(&mut self, ty: TypeId, body: Vec<u8>) -> FuncId {
        self.funcs.push(Func { ty, body: Some(Body::Encoded(body)) })
    }

    /// The type that [`Module::intern_func_type`] would give, if it is there already.
    pub fn find_func_type(&self, params: &[Type], results: &[Type]) -> Option<TypeId> {
        self.func_types.get(&self.canonical_signature(params, results)).copied()
    }

    /// The plain function type (final, without supertype, alone in its group) with this signature; added at the end of the
    /// type space when the module has none. Block types with parameters or several results need one.
    pub fn intern_func_type(&mut self, params: &[Type], results: &[Type]) -> TypeId {
        let signature = self.canonical_signature(params, results);
        if let Some(&ty) = self.func_types.get(&signature) {
            return ty;
        }
        let ty = self.types.push(SubType {
            is_final: true,
            supertype: None,
            composite: CompositeType::Func(signature.clone()),
        });
        self.rec_groups.push(RecGroup { first: ty, len: 1, explicit: false });
        self.func_types.insert(signature, ty);
        ty
    }

    fn canonical_signature(&self, params: &[Type], results: &[Type]) -> FuncType {
        let canonical = |types: &[Type]| {
            types
                .iter()
                .map(|&ty| match ty {
                    Type::Ref(RefType { nullable, heap: HeapType::Concrete(c) }) => {
                        Type::Ref(RefType { nullable, heap: HeapType::Concrete(self.canonical_type(c)) })
                    }
                    other => other,
                })
                .collect()
        };
        FuncType { params: canonical(params), results: canonical(results) }
    }

    /// Fills the indices over the types after they were read.
    fn index_types(&mut self, types: &TypeMap) {
        self.canonical = self.types.keys().map(|t| types.canonical(t)).collect();
        for group in self.rec_groups.iter().filter(|g| g.len == 1) {
            let sub = &self.types[group.first];
            if let (true, None, CompositeType::Func(f)) = (sub.is_final, sub.supertype, &sub.composite)
                && !f.mentions(group.first)
            {
                let signature = self.canonical_signature(&f.params, &f.results);
                // The validator tells equal types apart where no feature in use needs to know that they are.
                let first = *self.func_types.entry(signature).or_insert(group.first);
                self.canonical[group.first.index()] = first;
            }
        }
    }
}
