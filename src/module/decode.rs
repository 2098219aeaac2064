//! Bytes to [`Module`], validating on the way.

use super::types::RecGroup;
use super::{
    Body, ConstExpr, CustomSection, DataMode, DataSegment, ElemItems, ElemMode, ElemSegment, Entity, Export,
    Func, Global, Import, Memory, Module, Names, SectionPlace, Table, Tag, TypeMap,
};
use crate::Error;
use crate::ir::entity::{FuncId, GlobalId, MemoryId, TableId, TagId, TypeId};
use cranelift_entity::EntityRef;
use wasmparser::{
    DataKind, ElementItems, ElementKind, Encoding, ExternalKind, FuncToValidate, FunctionBody, Parser,
    Payload, TableInit, TypeRef, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

/// A decoded module whose bodies wait for their validation.
pub struct Decoded<'a> {
    /// The module; every body is [`Body::Raw`].
    pub module: Module,
    /// One entry per defined function, in order. **Each must be validated**, by the lifter or by
    /// [`Decoded::validate_bodies`], before the module counts as valid.
    pub bodies: Vec<UndecodedBody<'a>>,
    /// Conversion of wasmparser's types.
    pub types: TypeMap,
}

/// A function body with the validator made for it.
pub struct UndecodedBody<'a> {
    /// The function.
    pub func: FuncId,
    /// Its validator.
    pub validator: FuncToValidate<ValidatorResources>,
    /// Locals and code, positions relative to the input.
    pub body: FunctionBody<'a>,
}

impl Clone for UndecodedBody<'_> {
    fn clone(&self) -> Self {
        let FuncToValidate { resources, index, ty, features } = &self.validator;
        let validator =
            FuncToValidate { resources: resources.clone(), index: *index, ty: *ty, features: *features };
        UndecodedBody { func: self.func, validator, body: self.body.clone() }
    }
}

impl Decoded<'_> {
    /// Validates all bodies without looking at them otherwise, and returns the module.
    ///
    /// # Errors
    /// The first fault, with its offset.
    pub fn validate_bodies(self) -> Result<Module, Error> {
        let mut allocations = Default::default();
        for entry in self.bodies {
            let mut validator = entry.validator.into_validator(allocations);
            validator.validate(&entry.body)?;
            allocations = validator.into_allocations();
        }
        Ok(self.module)
    }
}

/// The features that inputs may use: WebAssembly 3.0, threads, legacy exceptions, wide arithmetic, custom page sizes.
pub fn accepted_features() -> WasmFeatures {
    let extra = WasmFeatures::THREADS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::CUSTOM_PAGE_SIZES;
    let refused = WasmFeatures::COMPONENT_MODEL
        | WasmFeatures::SHARED_EVERYTHING_THREADS
        | WasmFeatures::STACK_SWITCHING
        | WasmFeatures::CUSTOM_DESCRIPTORS
        | WasmFeatures::MULTIBYTE_ARRAY_ACCESS;
    (WasmFeatures::default() | extra) - refused
}

/// Decodes a core module and validates everything but its function bodies.
///
/// # Errors
/// With a byte offset when the input is malformed or invalid, or is a component.
pub fn decode(input: &[u8]) -> Result<Decoded<'_>, Error> {
    decode_with(input, accepted_features())
}

/// [`decode`] where only these features are known.
///
/// # Errors
/// As for [`decode`].
pub fn decode_with(input: &[u8], features: WasmFeatures) -> Result<Decoded<'_>, Error> {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut decoder = Decoder {
        validator: Validator::new_with_features(features),
        module: Module { source: input.into(), ..Module::default() },
        types: TypeMap::default(),
        bodies: Vec::new(),
        place: SectionPlace::Header,
        ended: false,
    };
    for payload in parser.parse_all(input) {
        decoder.payload(&payload?)?;
    }
    if !decoder.ended {
        return Err(Error::at(input.len() as u64, "unexpected end of the module"));
    }
    let Decoder { mut module, types, bodies, .. } = decoder;
    module.index_types(&types);
    read_names(&mut module);
    Ok(Decoded { module, bodies, types })
}

/// The name section may stand before the sections it names, so it is read last. One that is malformed stays a custom
/// section like any other.
fn read_names(module: &mut Module) {
    if let Some(at) = module.customs.iter().position(|c| c.name == "name")
        && let Ok(names) = Names::read(&module.customs[at].data, module)
    {
        module.names = Some(names);
        module.customs[at].is_names = true;
        module.customs[at].data = Vec::new();
    }
}

struct Decoder<'a> {
    validator: Validator,
    module: Module,
    types: TypeMap,
    bodies: Vec<UndecodedBody<'a>>,
    place: SectionPlace,
    ended: bool,
}

fn type_id(index: u32) -> TypeId {
    TypeId::new(index as usize)
}

impl<'a> Decoder<'a> {
    fn payload(&mut self, payload: &Payload<'a>) -> Result<(), Error> {
        if let Payload::Version { encoding: Encoding::Component, .. } = payload {
            return Err(Error::at(4, "a component, not a core module: fuse it first"));
        }
        let mut body = None;
        match self.validator.payload(payload)? {
            ValidPayload::Func(validator, function) => body = Some((validator, function)),
            ValidPayload::Ok | ValidPayload::End(_) => {}
            ValidPayload::Parser(_) => return Err(Error::new("nested module or component")),
        }
        match payload {
            Payload::Version { .. } => {}
            Payload::TypeSection(s) => self.types(s.clone())?,
            Payload::ImportSection(s) => self.imports(s.clone())?,
            Payload::FunctionSection(s) => {
                self.place = SectionPlace::Function;
                // The bodies follow with the code section; until then an empty range keeps the index space complete.
                for ty in s.clone() {
                    self.module.funcs.push(Func { ty: type_id(ty?), body: Some(Body::Raw(0..0)) });
                }
            }
            Payload::TableSection(s) => {
                self.place = SectionPlace::Table;
                for table in s.clone() {
                    let table = table?;
                    let init = match &table.init {
                        TableInit::RefNull => None,
                        TableInit::Expr(e) => Some(ConstExpr::read(e, &self.types)?),
                    };
                    let table = self.table(table.ty, init, false)?;
                    self.module.tables.push(table);
                }
            }
            Payload::MemorySection(s) => {
                self.place = SectionPlace::Memory;
                for memory in s.clone() {
                    self.module.memories.push(memory_of(memory?, false));
                }
            }
            Payload::TagSection(s) => {
                self.place = SectionPlace::Tag;
                for tag in s.clone() {
                    self.module.tags.push(Tag { ty: type_id(tag?.func_type_idx), imported: false });
                }
            }
            Payload::GlobalSection(s) => {
                self.place = SectionPlace::Global;
                for global in s.clone() {
                    let global = global?;
                    let ty = self.types.val_type(global.ty.content_type)?;
                    let init = Some(ConstExpr::read(&global.init_expr, &self.types)?);
                    self.module.globals.push(Global { ty, mutable: global.ty.mutable, init });
                }
            }
            Payload::ExportSection(s) => self.exports(s.clone())?,
            Payload::StartSection { func, .. } => {
                self.place = SectionPlace::Start;
                self.module.start = Some(FuncId::new(*func as usize));
            }
            Payload::ElementSection(s) => {
                self.place = SectionPlace::Element;
                for element in s.clone() {
                    let segment = self.element(element?)?;
                    self.module.elems.push(segment);
                }
            }
            Payload::DataCountSection { .. } => {
                self.place = SectionPlace::DataCount;
                self.module.data_count = true;
            }
            Payload::CodeSectionStart { unchecked_range: range, .. } => {
                self.place = SectionPlace::Code;
                self.module.code_range = Some(range.start as usize..range.end as usize);
            }
            Payload::CodeSectionEntry(_) => {
                let (validator, body) = body.ok_or_else(|| Error::new("function body without validator"))?;
                let func = FuncId::new(validator.index as usize);
                let range = body.range();
                self.module.funcs[func].body = Some(Body::Raw(range.start as usize..range.end as usize));
                self.bodies.push(UndecodedBody { func, validator, body });
            }
            Payload::DataSection(s) => {
                self.place = SectionPlace::Data;
                for data in s.clone() {
                    let data = data?;
                    let mode = match &data.kind {
                        DataKind::Passive => DataMode::Passive,
                        DataKind::Active { memory_index, offset_expr } => DataMode::Active {
                            memory: MemoryId::new(*memory_index as usize),
                            offset: ConstExpr::read(offset_expr, &self.types)?,
                        },
                    };
                    self.module.data.push(DataSegment { mode, bytes: data.data.to_vec() });
                }
            }
            Payload::CustomSection(s) => self.module.customs.push(CustomSection {
                name: s.name().to_owned(),
                data: s.data().to_vec(),
                after: self.place,
                is_names: false,
            }),
            Payload::End(_) => self.ended = true,
            _ => return Err(Error::new("section that is not part of a core module")),
        }
        Ok(())
    }

    fn types(&mut self, section: wasmparser::TypeSectionReader<'a>) -> Result<(), Error> {
        self.place = SectionPlace::Type;
        let validated = self.validator.types(0).ok_or_else(|| Error::new("types of no module"))?;
        for index in 0..validated.core_type_count_in_module() {
            self.types.push(validated.core_type_at_in_module(index));
        }
        for group in section {
            let group = group?;
            let first = self.module.types.next_key();
            for ty in group.types() {
                let ty = self.types.sub_type(ty)?;
                self.module.types.push(ty);
            }
            self.module.rec_groups.push(RecGroup {
                first,
                len: group.types().len() as u32,
                explicit: group.is_explicit_rec_group(),
            });
        }
        Ok(())
    }

    fn imports(&mut self, section: wasmparser::ImportSectionReader<'a>) -> Result<(), Error> {
        self.place = SectionPlace::Import;
        for import in section.into_imports() {
            let import = import?;
            let module = &mut self.module;
            let entity = match import.ty {
                TypeRef::Func(ty) => Entity::Func(module.funcs.push(Func { ty: type_id(ty), body: None })),
                TypeRef::Table(ty) => {
                    let table = self.table(ty, None, true)?;
                    Entity::Table(self.module.tables.push(table))
                }
                TypeRef::Memory(ty) => Entity::Memory(module.memories.push(memory_of(ty, true))),
                TypeRef::Global(ty) => {
                    let value = self.types.val_type(ty.content_type)?;
                    Entity::Global(module.globals.push(Global { ty: value, mutable: ty.mutable, init: None }))
                }
                TypeRef::Tag(ty) => {
                    Entity::Tag(module.tags.push(Tag { ty: type_id(ty.func_type_idx), imported: true }))
                }
                TypeRef::FuncExact(_) => return Err(Error::new("exact function imports are not supported")),
            };
            self.module.imports.push(Import {
                module: import.module.to_owned(),
                name: import.name.to_owned(),
                entity,
            });
        }
        Ok(())
    }

    fn exports(&mut self, section: wasmparser::ExportSectionReader<'a>) -> Result<(), Error> {
        self.place = SectionPlace::Export;
        for export in section {
            let export = export?;
            let index = export.index as usize;
            let entity = match export.kind {
                ExternalKind::Func => Entity::Func(FuncId::new(index)),
                ExternalKind::Table => Entity::Table(TableId::new(index)),
                ExternalKind::Memory => Entity::Memory(MemoryId::new(index)),
                ExternalKind::Global => Entity::Global(GlobalId::new(index)),
                ExternalKind::Tag => Entity::Tag(TagId::new(index)),
                ExternalKind::FuncExact => return Err(Error::new("exact exports are not supported")),
            };
            self.module.exports.push(Export { name: export.name.to_owned(), entity });
        }
        Ok(())
    }

    fn element(&self, element: wasmparser::Element<'a>) -> Result<ElemSegment, Error> {
        let mode = match &element.kind {
            ElementKind::Passive => ElemMode::Passive,
            ElementKind::Declared => ElemMode::Declared,
            ElementKind::Active { table_index, offset_expr } => ElemMode::Active {
                table: TableId::new(table_index.unwrap_or(0) as usize),
                offset: ConstExpr::read(offset_expr, &self.types)?,
                explicit_table: table_index.is_some(),
            },
        };
        let items = match element.items {
            ElementItems::Functions(funcs) => ElemItems::Funcs(
                funcs
                    .into_iter()
                    .map(|f| f.map(|f| FuncId::new(f as usize)))
                    .collect::<wasmparser::Result<_>>()?,
            ),
            ElementItems::Expressions(ty, exprs) => {
                let ty = self.types.ref_type(ty)?;
                let mut items = Vec::new();
                for expr in exprs {
                    items.push(ConstExpr::read(&expr?, &self.types)?);
                }
                ElemItems::Exprs(ty, items)
            }
        };
        Ok(ElemSegment { mode, items })
    }

    fn table(
        &self,
        ty: wasmparser::TableType,
        init: Option<ConstExpr>,
        imported: bool,
    ) -> Result<Table, Error> {
        Ok(Table {
            element: self.types.ref_type(ty.element_type)?,
            table64: ty.table64,
            initial: ty.initial,
            maximum: ty.maximum,
            init,
            imported,
        })
    }
}

fn memory_of(ty: wasmparser::MemoryType, imported: bool) -> Memory {
    Memory {
        memory64: ty.memory64,
        shared: ty.shared,
        initial: ty.initial,
        maximum: ty.maximum,
        page_size_log2: ty.page_size_log2,
        imported,
    }
}
