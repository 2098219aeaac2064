//! Bodies kept as bytes: their references seen, and their indices replaced, through one walk over the operators.

use super::{Entity, Module, Numbering, accepted_features};
use crate::Error;
use crate::ir::entity::{DataId, ElemId, FuncId, GlobalId, MemoryId, TableId, TagId, TypeId};
use cranelift_entity::EntityRef;
use std::convert::Infallible;
use wasm_encoder::reencode::{self, Reencode};
use wasmparser::{BinaryReader, FunctionBody, Operator};

/// Re-encodes operators, asking `map` for the new index of each entity.
struct Remapper<'a> {
    map: &'a mut dyn FnMut(Entity) -> u32,
}

macro_rules! index_methods {
    ($($method:ident: $variant:ident($id:ident);)*) => {$(
        fn $method(&mut self, index: u32) -> Result<u32, reencode::Error<Infallible>> {
            Ok((self.map)(Entity::$variant($id::new(index as usize))))
        }
    )*};
}

impl Reencode for Remapper<'_> {
    type Error = Infallible;

    index_methods! {
        data_index: Data(DataId);
        element_index: Elem(ElemId);
        function_index: Func(FuncId);
        global_index: Global(GlobalId);
        memory_index: Memory(MemoryId);
        table_index: Table(TableId);
        tag_index: Tag(TagId);
        type_index: Type(TypeId);
    }
}

/// How an operator of a body uses something of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use {
    /// In any way that no other variant says.
    Of(Entity),
    /// A call through a table with a callee of this type: nothing but a call happens to what is found there.
    Indirect(TableId, TypeId),
    /// The size of a table is asked for.
    TableSize(TableId),
    /// A global is written.
    GlobalSet(GlobalId),
    /// `ref.func`: the function must be declared outside of bodies.
    RefFunc(FuncId),
    /// A data segment is dropped.
    DataDrop(DataId),
}

/// Re-encodes a body at `offset` of the input; the result has no size in front. `special` is asked first: what it takes is
/// not given to `map`, and it writes instead of it what it wants.
fn reencode_body(
    bytes: &[u8],
    offset: usize,
    special: &mut dyn FnMut(&Operator<'_>, &mut wasm_encoder::Function) -> bool,
    map: &mut dyn FnMut(Entity) -> u32,
) -> Result<wasm_encoder::Function, Error> {
    let fail = |e: reencode::Error<Infallible>| match e {
        reencode::Error::ParseError(e) => Error::from(e),
        other => Error::at(offset as u64, other.to_string()),
    };
    let body = FunctionBody::new(BinaryReader::new_features(bytes, offset as u64, accepted_features()));
    let mut remapper = Remapper { map };
    let mut function = remapper.new_function_with_parsed_locals(&body).map_err(fail)?;
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        let operator = reader.read()?;
        if !special(&operator, &mut function) {
            function.instruction(&remapper.instruction(operator).map_err(fail)?);
        }
    }
    Ok(function)
}

/// A body (locals and code) with its indices replaced by final ones.
///
/// # Errors
/// When the body is malformed.
pub fn remap_body(bytes: &[u8], offset: usize, numbering: &Numbering) -> Result<Vec<u8>, Error> {
    let function = reencode_body(bytes, offset, &mut |_, _| false, &mut |entity| numbering.entity(entity))?;
    Ok(function.into_raw_body())
}

/// A body (locals and code) in which `replace` writes what it wants in place of the operators that it takes (it says so), and the
/// others name what `map` says.
///
/// # Errors
/// When the body is malformed.
pub fn rewrite_body(
    bytes: &[u8],
    offset: usize,
    replace: &mut dyn FnMut(&Operator<'_>, &mut wasm_encoder::Function) -> bool,
    map: &mut dyn FnMut(Entity) -> u32,
) -> Result<Vec<u8>, Error> {
    Ok(reencode_body(bytes, offset, replace, map)?.into_raw_body())
}

/// Calls `visit` with each use that a body (locals and code) makes of the module, types included, as often as it does.
///
/// # Errors
/// When the body is malformed.
pub fn body_uses(bytes: &[u8], offset: usize, visit: &mut dyn FnMut(Use)) -> Result<(), Error> {
    let visit = std::cell::RefCell::new(visit);
    let mut special = |operator: &Operator<'_>, _: &mut _| {
        let (ty, table, global) = (TypeId::from_u32, TableId::from_u32, GlobalId::from_u32);
        let found = match *operator {
            Operator::CallIndirect { type_index, table_index }
            | Operator::ReturnCallIndirect { type_index, table_index } => {
                Use::Indirect(table(table_index), ty(type_index))
            }
            Operator::TableSize { table: index } => Use::TableSize(table(index)),
            Operator::GlobalSet { global_index } => Use::GlobalSet(global(global_index)),
            Operator::DataDrop { data_index } => Use::DataDrop(DataId::from_u32(data_index)),
            Operator::RefFunc { function_index } => Use::RefFunc(FuncId::from_u32(function_index)),
            _ => return false,
        };
        (visit.borrow_mut())(found);
        true
    };
    reencode_body(bytes, offset, &mut special, &mut |entity| {
        (visit.borrow_mut())(Use::Of(entity));
        0
    })?;
    Ok(())
}

/// A body without the functions that it names, and those in order. Types have the index of the first type that is the same
/// (`canonical`), so that equal bodies have equal bytes.
///
/// # Errors
/// When the body is malformed.
pub fn body_shape(
    bytes: &[u8],
    offset: usize,
    canonical: &dyn Fn(TypeId) -> TypeId,
) -> Result<(Vec<u8>, Vec<FuncId>), Error> {
    let mut named = Vec::new();
    let function = reencode_body(bytes, offset, &mut |_, _| false, &mut |entity| match entity {
        Entity::Func(f) => {
            named.push(f);
            0
        }
        Entity::Type(t) => canonical(t).as_u32(),
        other => other.index(),
    })?;
    Ok((function.into_raw_body(), named))
}

impl Module {
    /// A raw body with its indices replaced by final ones. `None` when the function has no raw body.
    ///
    /// # Errors
    /// When the body is malformed, which validation rules out.
    pub fn remapped_body(&self, func: FuncId, numbering: &Numbering) -> Result<Option<Vec<u8>>, Error> {
        let Some(super::Body::Raw(range)) = &self.funcs[func].body else { return Ok(None) };
        let bytes = self.source.get(range.clone()).unwrap_or_default();
        remap_body(bytes, range.start, numbering).map(Some)
    }

    /// Calls `visit` with each entity that a raw body names, types included, as often as it does. Nothing for functions
    /// without a raw body.
    ///
    /// # Errors
    /// When the body is malformed, which validation rules out.
    pub fn raw_body_references(&self, func: FuncId, visit: &mut dyn FnMut(Entity)) -> Result<(), Error> {
        let Some(super::Body::Raw(range)) = &self.funcs[func].body else { return Ok(()) };
        let bytes = self.source.get(range.clone()).unwrap_or_default();
        reencode_body(bytes, range.start, &mut |_, _| false, &mut |entity| {
            visit(entity);
            0
        })?;
        Ok(())
    }
}
