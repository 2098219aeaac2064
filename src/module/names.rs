//! The name section as maps from entities, so that names follow what they name.

use super::{Body, IndexSpace, Module, Numbering};
use crate::ir::entity::{DataId, ElemId, FuncId, GlobalId, MemoryId, TableId, TagId, TypeId};
use cranelift_entity::{EntityRef, PrimaryMap};
use std::collections::BTreeMap;
use wasmparser::{BinaryReader, IndirectNameMap, Name, NameMap, NameSectionReader};

/// Names by index inside one entity: locals, labels, fields, parameters.
pub type InnerNames = BTreeMap<u32, String>;

/// The name section (specification, appendix; and the extended name section proposal).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Name of the module.
    pub module: Option<String>,
    /// Functions.
    pub funcs: BTreeMap<FuncId, String>,
    /// Parameters and locals of functions.
    pub locals: BTreeMap<FuncId, InnerNames>,
    /// Labels of functions, in the order in which their blocks start.
    pub labels: BTreeMap<FuncId, InnerNames>,
    /// Types.
    pub types: BTreeMap<TypeId, String>,
    /// Tables.
    pub tables: BTreeMap<TableId, String>,
    /// Memories.
    pub memories: BTreeMap<MemoryId, String>,
    /// Globals.
    pub globals: BTreeMap<GlobalId, String>,
    /// Element segments.
    pub elems: BTreeMap<ElemId, String>,
    /// Data segments.
    pub data: BTreeMap<DataId, String>,
    /// Fields of structure types.
    pub fields: BTreeMap<TypeId, InnerNames>,
    /// Tags.
    pub tags: BTreeMap<TagId, String>,
    /// Parameters of function types.
    pub params: BTreeMap<TypeId, InnerNames>,
    /// Parameters of tags.
    pub tag_params: BTreeMap<TagId, InnerNames>,
    /// Subsections that nobody knows: number and bytes. They are dropped when indices change.
    pub unknown: Vec<(u8, Vec<u8>)>,
}

fn inner(map: NameMap<'_>) -> wasmparser::Result<InnerNames> {
    map.into_iter().map(|n| n.map(|n| (n.index, n.name.to_owned()))).collect()
}

/// Names of existing entities; a name for an index out of range is left out.
fn flat<E: EntityRef + Ord, V>(
    map: NameMap<'_>,
    space: &PrimaryMap<E, V>,
) -> wasmparser::Result<BTreeMap<E, String>> {
    let mut names = BTreeMap::new();
    for (index, name) in inner(map)? {
        if (index as usize) < space.len() {
            names.insert(E::new(index as usize), name);
        }
    }
    Ok(names)
}

fn nested<E: EntityRef + Ord, V>(
    map: IndirectNameMap<'_>,
    space: &PrimaryMap<E, V>,
) -> wasmparser::Result<BTreeMap<E, InnerNames>> {
    let mut names = BTreeMap::new();
    for entry in map {
        let entry = entry?;
        let map = inner(entry.names)?;
        if (entry.index as usize) < space.len() {
            names.insert(E::new(entry.index as usize), map);
        }
    }
    Ok(names)
}

impl Names {
    /// Reads the payload of a name section; `module` must hold all index spaces already.
    ///
    /// # Errors
    /// When the section is malformed, which does not make the module invalid.
    pub(super) fn read(data: &[u8], module: &Module) -> wasmparser::Result<Names> {
        let mut names = Names::default();
        for subsection in NameSectionReader::new(BinaryReader::new(data, 0)) {
            match subsection? {
                Name::Module { name, .. } => names.module = Some(name.to_owned()),
                Name::Function(m) => names.funcs = flat(m, &module.funcs)?,
                Name::Local(m) => names.locals = nested(m, &module.funcs)?,
                Name::Label(m) => names.labels = nested(m, &module.funcs)?,
                Name::Type(m) => names.types = flat(m, &module.types)?,
                Name::Table(m) => names.tables = flat(m, &module.tables)?,
                Name::Memory(m) => names.memories = flat(m, &module.memories)?,
                Name::Global(m) => names.globals = flat(m, &module.globals)?,
                Name::Element(m) => names.elems = flat(m, &module.elems)?,
                Name::Data(m) => names.data = flat(m, &module.data)?,
                Name::Field(m) => names.fields = nested(m, &module.types)?,
                Name::Tag(m) => names.tags = flat(m, &module.tags)?,
                Name::Parameter(m) => names.params = nested(m, &module.types)?,
                Name::TagParameter(m) => names.tag_params = nested(m, &module.tags)?,
                Name::Unknown { ty, data, .. } => names.unknown.push((ty, data.to_vec())),
            }
        }
        Ok(names)
    }
}

fn write_flat<E: EntityRef + Ord>(
    names: &BTreeMap<E, String>,
    space: &IndexSpace<E>,
) -> Option<wasm_encoder::NameMap> {
    let mut map = wasm_encoder::NameMap::new();
    for (index, entity) in space.order().iter().enumerate() {
        if let Some(name) = names.get(entity) {
            map.append(index as u32, name);
        }
    }
    (!map.is_empty()).then_some(map)
}

/// Names inside entities; `keep` says which of the inner names of an entity still mean something.
fn write_nested<E: EntityRef + Ord>(
    names: &BTreeMap<E, InnerNames>,
    space: &IndexSpace<E>,
    keep: impl Fn(E, u32) -> bool,
) -> Option<wasm_encoder::IndirectNameMap> {
    let mut outer = wasm_encoder::IndirectNameMap::new();
    let mut any = false;
    for (index, &entity) in space.order().iter().enumerate() {
        let Some(inner) = names.get(&entity) else { continue };
        let mut map = wasm_encoder::NameMap::new();
        for (&inner_index, name) in inner {
            if keep(entity, inner_index) {
                map.append(inner_index, name);
            }
        }
        if !map.is_empty() || inner.is_empty() {
            outer.append(index as u32, &map);
            any = true;
        }
    }
    any.then_some(outer)
}

impl Names {
    /// Payload of the name section under a numbering. Functions with a body made by loom keep the names of their
    /// parameters; their other locals and their labels are new.
    pub(super) fn write(&self, module: &Module, numbering: &Numbering) -> Vec<u8> {
        let mut section = wasm_encoder::NameSection::new();
        let is_new = |f: FuncId| matches!(module.funcs[f].body, Some(Body::Encoded(_)));
        let keep_local = |f: FuncId, i: u32| !is_new(f) || (i as usize) < module.func_type(f).params.len();
        let n = numbering;
        if let Some(name) = &self.module {
            section.module(name);
        }
        write_flat(&self.funcs, &n.funcs).iter().for_each(|m| section.functions(m));
        write_nested(&self.locals, &n.funcs, keep_local).iter().for_each(|m| section.locals(m));
        write_nested(&self.labels, &n.funcs, |f, _| !is_new(f)).iter().for_each(|m| section.labels(m));
        write_flat(&self.types, &n.types).iter().for_each(|m| section.types(m));
        write_flat(&self.tables, &n.tables).iter().for_each(|m| section.tables(m));
        write_flat(&self.memories, &n.memories).iter().for_each(|m| section.memories(m));
        write_flat(&self.globals, &n.globals).iter().for_each(|m| section.globals(m));
        write_flat(&self.elems, &n.elems).iter().for_each(|m| section.elements(m));
        write_flat(&self.data, &n.data).iter().for_each(|m| section.data(m));
        write_nested(&self.fields, &n.types, |_, _| true).iter().for_each(|m| section.fields(m));
        write_flat(&self.tags, &n.tags).iter().for_each(|m| section.tags(m));
        write_nested(&self.params, &n.types, |_, _| true).iter().for_each(|m| section.parameters(m));
        write_nested(&self.tag_params, &n.tags, |_, _| true).iter().for_each(|m| section.tag_parameters(m));
        if numbering.is_identity() {
            self.unknown.iter().for_each(|(id, data)| section.raw(*id, data));
        }
        section.as_custom().data.into_owned()
    }
}
