//! [`Module`] and [`Numbering`] to bytes.

use super::custom::{CodeMap, WrittenBody, write_customs};
use super::types::{CompositeType, FieldType, StorageType, SubType};
use super::{
    Body, ConstExpr, ConstOp, DataMode, ElemItems, ElemMode, Entity, IndexMap, Memory, Module, Numbering,
    SectionPlace, Table,
};
use crate::Error;
use cranelift_entity::EntityRef;
use rayon::prelude::*;
use std::borrow::Cow;
use wasm_encoder::{ElementMode, Encode, EntityType, ExportKind, InstructionSink, Section};

/// An encoded module.
#[derive(Clone, Debug)]
pub struct EncodedModule {
    /// The bytes. They are valid when the bodies made by loom are.
    pub wasm: Vec<u8>,
    /// Size of the code section's payload.
    pub code_bytes: u64,
    /// Sentences about custom sections that were updated or dropped.
    pub notes: Vec<String>,
}

/// Encodes a module under a numbering. Bodies made by loom have been given this numbering already; raw bodies are copied
/// when it is the identity and re-encoded otherwise.
///
/// # Errors
/// When a raw body is malformed, which validation rules out.
pub fn encode(module: &Module, numbering: &Numbering) -> Result<EncodedModule, Error> {
    let bodies = bodies(module, numbering)?;
    let (code, ranges) = code_section(&bodies);
    let mut sections: Vec<(SectionPlace, Vec<u8>)> = Vec::new();
    let mut code_start = 0;
    for place in SectionPlace::ALL {
        let mut out = Vec::new();
        if place == SectionPlace::Header {
            out.extend_from_slice(b"\0asm\x01\0\0\0");
        } else if place == SectionPlace::Code {
            if !bodies.is_empty() {
                wasm_encoder::RawSection { id: 10, data: &code }.append_to(&mut out);
                code_start = out.len() - code.len();
            }
        } else {
            write_section(module, numbering, place, &mut out);
        }
        sections.push((place, out));
    }
    let code_map = CodeMap { bodies: &bodies, ranges: &ranges, code_start, code_len: code.len() };
    let (wasm, notes) = write_customs(module, numbering, &code_map, &sections);
    Ok(EncodedModule { wasm, code_bytes: code.len() as u64, notes })
}

/// Each written body, in order.
fn bodies<'a>(module: &'a Module, numbering: &Numbering) -> Result<Vec<WrittenBody<'a>>, Error> {
    let identity = numbering.is_identity();
    numbering
        .funcs
        .order()
        .par_iter()
        .filter_map(|&func| match &module.funcs[func].body {
            None => None,
            Some(Body::Encoded(bytes)) => {
                Some(Ok(WrittenBody { bytes: Cow::Borrowed(&bytes[..]), is_input: false }))
            }
            Some(Body::Raw(range)) => {
                let raw = module.source.get(range.clone()).unwrap_or_default();
                if identity {
                    return Some(Ok(WrittenBody { bytes: Cow::Borrowed(raw), is_input: true }));
                }
                Some(module.remapped_body(func, numbering).map(|bytes| {
                    let bytes = bytes.unwrap_or_default();
                    let is_input = bytes == raw;
                    WrittenBody { bytes: Cow::Owned(bytes), is_input }
                }))
            }
        })
        .collect()
}

/// Payload of the code section, and the range of each body in it.
fn code_section(bodies: &[WrittenBody<'_>]) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
    let mut payload = Vec::with_capacity(bodies.iter().map(|b| b.bytes.len() + 5).sum::<usize>() + 5);
    let mut ranges = Vec::with_capacity(bodies.len());
    bodies.len().encode(&mut payload);
    for WrittenBody { bytes, .. } in bodies {
        bytes.len().encode(&mut payload);
        ranges.push(payload.len()..payload.len() + bytes.len());
        payload.extend_from_slice(bytes);
    }
    (payload, ranges)
}

/// Appends a section, unless it would be empty.
fn write_section(module: &Module, numbering: &Numbering, place: SectionPlace, out: &mut Vec<u8>) {
    match place {
        SectionPlace::Header | SectionPlace::Code => {}
        SectionPlace::Type => types(module, numbering, out),
        SectionPlace::Import => imports(module, numbering, out),
        SectionPlace::Function => {
            let mut section = wasm_encoder::FunctionSection::new();
            for &func in numbering.funcs.order() {
                if module.funcs[func].body.is_some() {
                    section.function(numbering.types.get(module.funcs[func].ty));
                }
            }
            append(&section, section.is_empty(), out);
        }
        SectionPlace::Table => {
            let mut section = wasm_encoder::TableSection::new();
            for table in numbering.tables.order().iter().map(|&t| &module.tables[t]).filter(|t| !t.imported) {
                match &table.init {
                    None => section.table(table_type(table, numbering)),
                    Some(init) => {
                        section.table_with_init(table_type(table, numbering), &const_expr(init, numbering))
                    }
                };
            }
            append(&section, section.is_empty(), out);
        }
        SectionPlace::Memory => {
            let mut section = wasm_encoder::MemorySection::new();
            for memory in numbering.memories.order().iter().map(|&m| &module.memories[m]) {
                if !memory.imported {
                    section.memory(memory_type(memory));
                }
            }
            append(&section, section.is_empty(), out);
        }
        SectionPlace::Tag => {
            let mut section = wasm_encoder::TagSection::new();
            for tag in numbering.tags.order().iter().map(|&t| &module.tags[t]).filter(|t| !t.imported) {
                section.tag(tag_type(numbering.types.get(tag.ty)));
            }
            append(&section, section.is_empty(), out);
        }
        SectionPlace::Global => {
            let mut section = wasm_encoder::GlobalSection::new();
            for &id in numbering.globals.order() {
                if let Some(init) = &module.globals[id].init {
                    section.global(global_type(module, id, numbering), &const_expr(init, numbering));
                }
            }
            append(&section, section.is_empty(), out);
        }
        SectionPlace::Export => {
            let mut section = wasm_encoder::ExportSection::new();
            for export in &module.exports {
                let kind = match export.entity {
                    Entity::Func(_) => ExportKind::Func,
                    Entity::Table(_) => ExportKind::Table,
                    Entity::Memory(_) => ExportKind::Memory,
                    Entity::Global(_) => ExportKind::Global,
                    Entity::Tag(_) => ExportKind::Tag,
                    Entity::Type(_) | Entity::Elem(_) | Entity::Data(_) => continue,
                };
                section.export(&export.name, kind, numbering.entity(export.entity));
            }
            append(&section, section.is_empty(), out);
        }
        SectionPlace::Start => {
            if let Some(start) = module.start {
                wasm_encoder::StartSection { function_index: numbering.funcs.get(start) }.append_to(out);
            }
        }
        SectionPlace::Element => elements(module, numbering, out),
        SectionPlace::DataCount => {
            if module.data_count {
                let count = numbering.data.order().len() as u32;
                wasm_encoder::DataCountSection { count }.append_to(out);
            }
        }
        SectionPlace::Data => data(module, numbering, out),
    }
}

fn append(section: &impl Section, is_empty: bool, out: &mut Vec<u8>) {
    if !is_empty {
        section.append_to(out);
    }
}

fn types(module: &Module, numbering: &Numbering, out: &mut Vec<u8>) {
    let mut section = wasm_encoder::TypeSection::new();
    for group in &module.rec_groups {
        let members = group.first.index()..group.first.index() + group.len as usize;
        let written = |t: &usize| numbering.types.order().binary_search(&EntityRef::new(*t)).is_ok();
        // A group is written whole or not at all; an empty one defines nothing but is kept.
        if !members.is_empty() && !members.clone().any(|t| written(&t)) {
            continue;
        }
        let mut encoded = members.map(|t| sub_type(&module.types[EntityRef::new(t)], numbering));
        if group.explicit {
            section.ty().rec(encoded.collect::<Vec<_>>());
        } else if let Some(ty) = encoded.next() {
            section.ty().subtype(&ty);
        }
    }
    append(&section, section.is_empty(), out);
}

fn sub_type(ty: &SubType, numbering: &Numbering) -> wasm_encoder::SubType {
    use wasm_encoder::CompositeInnerType as Inner;
    let field = |f: &FieldType| wasm_encoder::FieldType {
        element_type: match f.storage {
            StorageType::I8 => wasm_encoder::StorageType::I8,
            StorageType::I16 => wasm_encoder::StorageType::I16,
            StorageType::Val(v) => wasm_encoder::StorageType::Val(numbering.val_type(v)),
        },
        mutable: f.mutable,
    };
    let inner = match &ty.composite {
        CompositeType::Func(f) => Inner::Func(wasm_encoder::FuncType::new(
            f.params.iter().map(|t| numbering.val_type(*t)),
            f.results.iter().map(|t| numbering.val_type(*t)),
        )),
        CompositeType::Array(f) => Inner::Array(wasm_encoder::ArrayType(field(f))),
        CompositeType::Struct(fields) => {
            Inner::Struct(wasm_encoder::StructType { fields: fields.iter().map(field).collect() })
        }
    };
    wasm_encoder::SubType {
        is_final: ty.is_final,
        supertype_idxs: ty.supertype.iter().map(|t| numbering.types.get(*t)).collect(),
        composite_type: wasm_encoder::CompositeType {
            inner,
            shared: false,
            descriptor: None,
            describes: None,
        },
    }
}

fn imports(module: &Module, numbering: &Numbering, out: &mut Vec<u8>) {
    let mut section = wasm_encoder::ImportSection::new();
    for import in module.imports.iter().filter(|i| numbering.is_written(i.entity)) {
        let ty = match import.entity {
            Entity::Func(f) => EntityType::Function(numbering.types.get(module.funcs[f].ty)),
            Entity::Table(t) => EntityType::Table(table_type(&module.tables[t], numbering)),
            Entity::Memory(m) => EntityType::Memory(memory_type(&module.memories[m])),
            Entity::Global(g) => EntityType::Global(global_type(module, g, numbering)),
            Entity::Tag(t) => EntityType::Tag(tag_type(numbering.types.get(module.tags[t].ty))),
            Entity::Type(_) | Entity::Elem(_) | Entity::Data(_) => continue,
        };
        section.import(&import.module, &import.name, ty);
    }
    append(&section, section.is_empty(), out);
}

fn table_type(table: &Table, numbering: &Numbering) -> wasm_encoder::TableType {
    wasm_encoder::TableType {
        element_type: numbering.ref_type(table.element),
        table64: table.table64,
        minimum: table.initial,
        maximum: table.maximum,
        shared: false,
    }
}

fn memory_type(memory: &Memory) -> wasm_encoder::MemoryType {
    wasm_encoder::MemoryType {
        minimum: memory.initial,
        maximum: memory.maximum,
        memory64: memory.memory64,
        shared: memory.shared,
        page_size_log2: memory.page_size_log2,
    }
}

fn global_type(
    module: &Module,
    id: crate::ir::entity::GlobalId,
    numbering: &Numbering,
) -> wasm_encoder::GlobalType {
    let global = &module.globals[id];
    wasm_encoder::GlobalType {
        val_type: numbering.val_type(global.ty),
        mutable: global.mutable,
        shared: false,
    }
}

fn tag_type(func_type_idx: u32) -> wasm_encoder::TagType {
    wasm_encoder::TagType { kind: wasm_encoder::TagKind::Exception, func_type_idx }
}

fn elements(module: &Module, numbering: &Numbering, out: &mut Vec<u8>) {
    let mut section = wasm_encoder::ElementSection::new();
    for segment in numbering.elems.order().iter().map(|&e| &module.elems[e]) {
        let elements = match &segment.items {
            ElemItems::Funcs(funcs) => wasm_encoder::Elements::Functions(
                funcs.iter().map(|f| numbering.funcs.get(*f)).collect::<Vec<_>>().into(),
            ),
            ElemItems::Exprs(ty, exprs) => wasm_encoder::Elements::Expressions(
                numbering.ref_type(*ty),
                exprs.iter().map(|e| const_expr(e, numbering)).collect::<Vec<_>>().into(),
            ),
        };
        let start;
        let mode = match &segment.mode {
            ElemMode::Passive => ElementMode::Passive,
            ElemMode::Declared => ElementMode::Declared,
            ElemMode::Active { table, offset, explicit_table } => {
                start = const_expr(offset, numbering);
                let table = numbering.tables.get(*table);
                ElementMode::Active {
                    table: (*explicit_table || table != 0).then_some(table),
                    offset: &start,
                }
            }
        };
        section.segment(wasm_encoder::ElementSegment { mode, elements });
    }
    append(&section, section.is_empty(), out);
}

fn data(module: &Module, numbering: &Numbering, out: &mut Vec<u8>) {
    let mut section = wasm_encoder::DataSection::new();
    for segment in numbering.data.order().iter().map(|&d| &module.data[d]) {
        let bytes = segment.bytes.iter().copied();
        match &segment.mode {
            DataMode::Passive => section.passive(bytes),
            DataMode::Active { memory, offset } => {
                section.active(numbering.memories.get(*memory), &const_expr(offset, numbering), bytes)
            }
        };
    }
    append(&section, section.is_empty(), out);
}

fn const_expr(expr: &ConstExpr, numbering: &Numbering) -> wasm_encoder::ConstExpr {
    let mut bytes = Vec::new();
    let mut sink = InstructionSink::new(&mut bytes);
    for op in &expr.ops {
        match *op {
            ConstOp::I32Const(v) => sink.i32_const(v),
            ConstOp::I64Const(v) => sink.i64_const(v),
            ConstOp::F32Const(v) => sink.f32_const(wasm_encoder::Ieee32::new(v)),
            ConstOp::F64Const(v) => sink.f64_const(wasm_encoder::Ieee64::new(v)),
            ConstOp::V128Const(v) => sink.v128_const(v),
            ConstOp::I32Add => sink.i32_add(),
            ConstOp::I32Sub => sink.i32_sub(),
            ConstOp::I32Mul => sink.i32_mul(),
            ConstOp::I64Add => sink.i64_add(),
            ConstOp::I64Sub => sink.i64_sub(),
            ConstOp::I64Mul => sink.i64_mul(),
            ConstOp::GlobalGet(g) => sink.global_get(numbering.globals.get(g)),
            ConstOp::RefNull(h) => sink.ref_null(numbering.heap_type(h)),
            ConstOp::RefFunc(f) => sink.ref_func(numbering.funcs.get(f)),
            ConstOp::RefI31 => sink.ref_i31(),
            ConstOp::StructNew(t) => sink.struct_new(numbering.types.get(t)),
            ConstOp::StructNewDefault(t) => sink.struct_new_default(numbering.types.get(t)),
            ConstOp::ArrayNew(t) => sink.array_new(numbering.types.get(t)),
            ConstOp::ArrayNewDefault(t) => sink.array_new_default(numbering.types.get(t)),
            ConstOp::ArrayNewFixed(t, n) => sink.array_new_fixed(numbering.types.get(t), n),
            ConstOp::AnyConvertExtern => sink.any_convert_extern(),
            ConstOp::ExternConvertAny => sink.extern_convert_any(),
        };
    }
    wasm_encoder::ConstExpr::raw(bytes)
}
