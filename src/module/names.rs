//! The name section as maps from entities, so that names follow what they name.

use super::Module;
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
        let entity = E::new(index as usize);
        if space.is_valid(entity) {
            names.insert(entity, name);
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
        let entity = E::new(entry.index as usize);
        let map = inner(entry.names)?;
        if space.is_valid(entity) {
            names.insert(entity, map);
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
