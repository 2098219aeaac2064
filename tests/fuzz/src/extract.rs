//! Takes single functions out of real modules, as seeds of mutations: `tests/fuzz/seeds/functions.bin` is made by
//! `loom-fuzz extract`.
//!
//! Each becomes a module of its own: the function exported, what it calls imported (a logging host), its memories small and
//! exported, its globals set to addresses inside them, its tables filled with the imports.

use crate::seeds;
use std::collections::BTreeSet;
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    FunctionSection, GlobalSection, ImportSection, MemorySection, Module, RefType, TableSection, TableType,
    TypeSection,
};
use wasmparser::{
    CompositeInnerType, FuncType, FunctionBody, GlobalType, MemoryType, Parser, Payload, TypeRef,
};

/// Bodies of other sizes in bytes are left out.
const SIZES: std::ops::RangeInclusive<usize> = 40..=420;

/// Everything of a module that functions refer to.
#[derive(Default)]
struct Source<'a> {
    types: Vec<Option<FuncType>>,
    functions: Vec<u32>,
    imported: usize,
    globals: Vec<GlobalType>,
    memories: Vec<MemoryType>,
    tables: usize,
    bodies: Vec<FunctionBody<'a>>,
}

fn read(wasm: &[u8]) -> Option<Source<'_>> {
    let mut s = Source::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.ok()? {
            Payload::TypeSection(reader) => {
                for group in reader {
                    s.types.extend(group.ok()?.into_types().map(|t| match t.composite_type.inner {
                        CompositeInnerType::Func(f) => Some(f),
                        _ => None,
                    }));
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    match import.ok()?.ty {
                        TypeRef::Func(ty) => s.functions.push(ty),
                        TypeRef::Global(ty) => s.globals.push(ty),
                        TypeRef::Memory(ty) => s.memories.push(ty),
                        TypeRef::Table(_) => s.tables += 1,
                        _ => return None,
                    }
                }
                s.imported = s.functions.len();
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    s.functions.push(ty.ok()?);
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    s.globals.push(global.ok()?.ty);
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    s.memories.push(memory.ok()?);
                }
            }
            Payload::TableSection(reader) => s.tables += reader.count() as usize,
            Payload::CodeSectionEntry(body) => s.bodies.push(body),
            _ => {}
        }
    }
    Some(s)
}

/// Gives what a body refers to new indices, in the order of appearance.
#[derive(Default)]
struct Used {
    types: Vec<u32>,
    functions: Vec<u32>,
    globals: Vec<u32>,
    memories: Vec<u32>,
    table: bool,
}

/// A body that needs what a small module cannot have.
struct Unfit;

fn intern(list: &mut Vec<u32>, old: u32) -> u32 {
    let found = list.iter().position(|o| *o == old);
    found.unwrap_or_else(|| {
        list.push(old);
        list.len() - 1
    }) as u32
}

impl Reencode for Used {
    type Error = Unfit;

    fn type_index(&mut self, ty: u32) -> Result<u32, Error<Unfit>> {
        Ok(intern(&mut self.types, ty))
    }
    fn function_index(&mut self, func: u32) -> Result<u32, Error<Unfit>> {
        Ok(intern(&mut self.functions, func))
    }
    fn global_index(&mut self, global: u32) -> Result<u32, Error<Unfit>> {
        Ok(intern(&mut self.globals, global))
    }
    fn memory_index(&mut self, memory: u32) -> Result<u32, Error<Unfit>> {
        Ok(intern(&mut self.memories, memory))
    }
    fn table_index(&mut self, table: u32) -> Result<u32, Error<Unfit>> {
        self.table = true;
        if table == 0 { Ok(0) } else { Err(Error::UserError(Unfit)) }
    }
    fn data_index(&mut self, _: u32) -> Result<u32, Error<Unfit>> {
        Err(Error::UserError(Unfit))
    }
    fn element_index(&mut self, _: u32) -> Result<u32, Error<Unfit>> {
        Err(Error::UserError(Unfit))
    }
    fn tag_index(&mut self, _: u32) -> Result<u32, Error<Unfit>> {
        Err(Error::UserError(Unfit))
    }
}

/// The module of function `index` (among those with bodies). `None` when it needs too much of its surroundings.
fn module(s: &Source<'_>, index: usize) -> Option<Vec<u8>> {
    let mut used = Used::default();
    let mut code = CodeSection::new();
    used.parse_function_body(&mut code, s.bodies[index].clone()).ok()?;
    let own = *s.functions.get(s.imported + index)?;
    let own = intern(&mut used.types, own);
    let mut imports = ImportSection::new();
    for (i, f) in used.functions.iter().enumerate() {
        let ty = intern(&mut used.types, s.functions[*f as usize]);
        // Now and then a callee that writes memory.
        let name = if i % 4 == 3 { format!("poke{i}") } else { format!("call{i}") };
        imports.import("env", &name, EntityType::Function(ty));
    }
    let mut types = TypeSection::new();
    let mut plain = RoundtripReencoder;
    for ty in &used.types {
        let ty = s.types.get(*ty as usize)?.as_ref()?;
        types.ty().func_type(&plain.func_type(ty.clone()).ok()?);
    }
    let mut functions = FunctionSection::new();
    functions.function(own);
    let mut exports = ExportSection::new();
    exports.export("f", ExportKind::Func, used.functions.len() as u32);
    let mut memories = MemorySection::new();
    let mut data = DataSection::new();
    for (i, m) in used.memories.iter().enumerate() {
        let memory64 = s.memories.get(*m as usize)?.memory64;
        memories.memory(wasm_encoder::MemoryType {
            minimum: 2,
            maximum: Some(4),
            memory64,
            shared: false,
            page_size_log2: None,
        });
        exports.export(&format!("m{i}"), ExportKind::Memory, i as u32);
        let at = if memory64 { ConstExpr::i64_const(0) } else { ConstExpr::i32_const(0) };
        // Mostly small numbers, so that loaded pointers and lengths are often usable.
        let bytes: Vec<u8> = (0..256u32).map(|k| if k % 4 == 0 { (k * 37 % 251) as u8 } else { 0 }).collect();
        data.active(i as u32, &at, bytes);
    }
    let mut globals = GlobalSection::new();
    for (i, g) in used.globals.iter().enumerate() {
        let ty = plain.global_type(*s.globals.get(*g as usize)?).ok()?;
        let init = match ty.val_type {
            wasm_encoder::ValType::I32 => ConstExpr::i32_const(4096),
            wasm_encoder::ValType::I64 => ConstExpr::i64_const(4096),
            wasm_encoder::ValType::F32 => ConstExpr::f32_const(1.5.into()),
            wasm_encoder::ValType::F64 => ConstExpr::f64_const(1.5.into()),
            _ => return None,
        };
        globals.global(ty, &init);
        exports.export(&format!("g{i}"), ExportKind::Global, i as u32);
    }
    let mut tables = TableSection::new();
    let mut elements = ElementSection::new();
    if used.table {
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            minimum: 16,
            maximum: Some(16),
            table64: false,
            shared: false,
        });
        let all: Vec<u32> = (0..=used.functions.len().min(15) as u32).collect();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions(all.into()));
    }
    let mut out = Module::new();
    out.section(&types).section(&imports).section(&functions).section(&tables).section(&memories);
    out.section(&globals).section(&exports).section(&elements).section(&code).section(&data);
    let out = out.finish();
    seeds::runs(&out).then_some(out)
}

/// About `count` functions of a module, spread over it, no two with the same body.
pub fn functions(wasm: &[u8], count: usize) -> Vec<Vec<u8>> {
    let Some(source) = read(wasm) else { return Vec::new() };
    let fitting: Vec<usize> =
        (0..source.bodies.len()).filter(|i| SIZES.contains(&source.bodies[*i].as_bytes().len())).collect();
    let mut seen = BTreeSet::new();
    let step = (fitting.len() / count.max(1)).max(1);
    let mut out = Vec::new();
    for start in fitting.chunks(step) {
        let found = start.iter().find_map(|i| module(&source, *i).filter(|m| seen.insert(m.clone())));
        out.extend(found);
        if out.len() == count {
            break;
        }
    }
    out
}
