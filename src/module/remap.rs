//! Bodies kept as bytes: their references seen, and their indices replaced, through one walk over the operators.

use super::{Entity, Module, Numbering, accepted_features};
use crate::Error;
use crate::ir::entity::{DataId, ElemId, FuncId, GlobalId, MemoryId, TableId, TagId, TypeId};
use cranelift_entity::EntityRef;
use std::convert::Infallible;
use wasm_encoder::reencode::{self, Reencode};
use wasmparser::{BinaryReader, FunctionBody};

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

/// Re-encodes a body at `offset` of the input; the result has no size in front.
fn reencode_body(
    bytes: &[u8],
    offset: usize,
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
        function.instruction(&remapper.parse_instruction(&mut reader).map_err(fail)?);
    }
    Ok(function)
}

impl Module {
    /// A raw body with its indices replaced by final ones. `None` when the function has no raw body.
    ///
    /// # Errors
    /// When the body is malformed, which validation rules out.
    pub fn remapped_body(&self, func: FuncId, numbering: &Numbering) -> Result<Option<Vec<u8>>, Error> {
        let Some(super::Body::Raw(range)) = &self.funcs[func].body else { return Ok(None) };
        let bytes = self.source.get(range.clone()).unwrap_or_default();
        let function = reencode_body(bytes, range.start, &mut |entity| numbering.entity(entity))?;
        Ok(Some(function.into_raw_body()))
    }

    /// A body made by loom with the indices of this module, with final ones instead.
    ///
    /// # Errors
    /// When the body is malformed.
    pub fn remapped_bytes(bytes: &[u8], numbering: &Numbering) -> Result<Vec<u8>, Error> {
        Ok(reencode_body(bytes, 0, &mut |entity| numbering.entity(entity))?.into_raw_body())
    }

    /// Calls `visit` with each entity that a raw body names, types included, as often as it does. Nothing for functions
    /// without a raw body.
    ///
    /// # Errors
    /// When the body is malformed, which validation rules out.
    pub fn raw_body_references(&self, func: FuncId, visit: &mut dyn FnMut(Entity)) -> Result<(), Error> {
        let Some(super::Body::Raw(range)) = &self.funcs[func].body else { return Ok(()) };
        let bytes = self.source.get(range.clone()).unwrap_or_default();
        reencode_body(bytes, range.start, &mut |entity| {
            visit(entity);
            0
        })?;
        Ok(())
    }
}
