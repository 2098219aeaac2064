//! The decoder half of the op table: `wasmparser::Operator` to [`Op`] and [`Imm`].

use crate::Error;
use crate::ir::ops::{Imm, MemArg, Op};
use crate::module::TypeMap;
use cranelift_entity::EntityRef;
use wasmparser::{MemArgTarget, Operator, Ordering};

/// Why an operator could not be decoded.
pub enum DecodeError {
    /// It is a control operator or one that the op table does not have.
    NotInTable,
    /// A type inside it cannot be converted.
    Type(Error),
}

fn memarg(m: &wasmparser::MemArg) -> Result<MemArg, DecodeError> {
    match (m.target, m.ordering) {
        (MemArgTarget::Memory(memory), None) => {
            Ok(MemArg { memory: id(&memory), offset: m.offset, align: m.align })
        }
        _ => Err(DecodeError::NotInTable),
    }
}

fn id<T: EntityRef>(index: &u32) -> T {
    T::new(*index as usize)
}

/// The immediate of an operator that is known to be `$op`. Names bound by a pattern are visible only in the same macro
/// rule, hence the second look at the operator.
macro_rules! immediate {
    ($operator:ident $types:ident $op:ident None) => {
        Imm::None
    };
    ($operator:ident $types:ident $op:ident I32) => {{
        let Operator::$op { value } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::I32(*value)
    }};
    ($operator:ident $types:ident $op:ident I64) => {{
        let Operator::$op { value } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::I64(*value)
    }};
    ($operator:ident $types:ident $op:ident F32) => {{
        let Operator::$op { value } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::F32(value.bits())
    }};
    ($operator:ident $types:ident $op:ident F64) => {{
        let Operator::$op { value } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::F64(value.bits())
    }};
    ($operator:ident $types:ident $op:ident V128) => {{
        let Operator::$op { value } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::V128(u128::from_le_bytes(*value.bytes()))
    }};
    ($operator:ident $types:ident $op:ident Mem) => {{
        let Operator::$op { memarg: m } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Mem(memarg(m)?)
    }};
    ($operator:ident $types:ident $op:ident MemLane) => {{
        let Operator::$op { memarg: m, lane } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::MemLane(memarg(m)?, *lane)
    }};
    ($operator:ident $types:ident $op:ident Lane) => {{
        let Operator::$op { lane } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Lane(*lane)
    }};
    ($operator:ident $types:ident $op:ident Shuffle) => {{
        let Operator::$op { lanes } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Shuffle(*lanes)
    }};
    ($operator:ident $types:ident $op:ident Memory) => {{
        let Operator::$op { mem } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Memory(id(mem))
    }};
    ($operator:ident $types:ident $op:ident MemCopy) => {{
        let Operator::$op { dst_mem, src_mem } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::MemCopy { dst: id(dst_mem), src: id(src_mem) }
    }};
    ($operator:ident $types:ident $op:ident MemInit) => {{
        let Operator::$op { data_index, mem } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::MemInit { data: id(data_index), memory: id(mem) }
    }};
    ($operator:ident $types:ident $op:ident Data) => {{
        let Operator::$op { data_index } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Data(id(data_index))
    }};
    ($operator:ident $types:ident $op:ident Table) => {{
        let Operator::$op { table } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Table(id(table))
    }};
    ($operator:ident $types:ident $op:ident TableCopy) => {{
        let Operator::$op { dst_table, src_table } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::TableCopy { dst: id(dst_table), src: id(src_table) }
    }};
    ($operator:ident $types:ident $op:ident TableInit) => {{
        let Operator::$op { elem_index, table } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::TableInit { elem: id(elem_index), table: id(table) }
    }};
    ($operator:ident $types:ident $op:ident Elem) => {{
        let Operator::$op { elem_index } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Elem(id(elem_index))
    }};
    ($operator:ident $types:ident $op:ident Func) => {{
        let Operator::$op { function_index } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Func(id(function_index))
    }};
    ($operator:ident $types:ident $op:ident Global) => {{
        let Operator::$op { global_index } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Global(id(global_index))
    }};
    ($operator:ident $types:ident $op:ident CallIndirect) => {{
        let Operator::$op { type_index, table_index } = $operator else {
            return Err(DecodeError::NotInTable);
        };
        Imm::CallIndirect { ty: id(type_index), table: id(table_index) }
    }};
    ($operator:ident $types:ident $op:ident Field) => {{
        let Operator::$op { struct_type_index, field_index } = $operator else {
            return Err(DecodeError::NotInTable);
        };
        Imm::Field { ty: id(struct_type_index), field: *field_index }
    }};
    ($operator:ident $types:ident $op:ident ArrayFixed) => {{
        let Operator::$op { array_type_index, array_size } = $operator else {
            return Err(DecodeError::NotInTable);
        };
        Imm::ArrayFixed { ty: id(array_type_index), len: *array_size }
    }};
    ($operator:ident $types:ident $op:ident ArrayData) => {{
        let Operator::$op { array_type_index, array_data_index } = $operator else {
            return Err(DecodeError::NotInTable);
        };
        Imm::ArrayData { ty: id(array_type_index), data: id(array_data_index) }
    }};
    ($operator:ident $types:ident $op:ident ArrayElem) => {{
        let Operator::$op { array_type_index, array_elem_index } = $operator else {
            return Err(DecodeError::NotInTable);
        };
        Imm::ArrayElem { ty: id(array_type_index), elem: id(array_elem_index) }
    }};
    ($operator:ident $types:ident $op:ident ArrayCopy) => {{
        let Operator::$op { array_type_index_dst, array_type_index_src } = $operator else {
            return Err(DecodeError::NotInTable);
        };
        Imm::ArrayCopy { dst: id(array_type_index_dst), src: id(array_type_index_src) }
    }};
    ($operator:ident $types:ident $op:ident Fence) => {{
        let Operator::$op { ordering: Ordering::SeqCst } = $operator else {
            return Err(DecodeError::NotInTable);
        };
        Imm::Fence
    }};
    ($operator:ident $types:ident $op:ident Type) => {{
        let Operator::$op { type_index } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Type(id(type_index))
    }};
    ($operator:ident $types:ident $op:ident StructType) => {{
        let Operator::$op { struct_type_index } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Type(id(struct_type_index))
    }};
    ($operator:ident $types:ident $op:ident ArrayType) => {{
        let Operator::$op { array_type_index } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Type(id(array_type_index))
    }};
    ($operator:ident $types:ident $op:ident Heap) => {{
        let Operator::$op { hty } = $operator else { return Err(DecodeError::NotInTable) };
        Imm::Heap($types.heap_type(*hty).map_err(DecodeError::Type)?)
    }};
}

macro_rules! define_decode {
    ($($op:ident $name:literal $imm:ident $sig:tt $kind:ident $width:literal $comm:tt $feature:ident;)*) => {
        /// Decodes one operator.
        ///
        /// # Errors
        /// [`DecodeError::NotInTable`] for control operators and whatever the SSA does not model.
        pub fn decode(operator: &Operator<'_>, types: &TypeMap) -> Result<(Op, Imm), DecodeError> {
            Ok(match operator {
                $(Operator::$op { .. } => (Op::$op, immediate!(operator types $op $imm)),)*
                _ => return Err(DecodeError::NotInTable),
            })
        }
    };
}
crate::for_each_op!(define_decode);
