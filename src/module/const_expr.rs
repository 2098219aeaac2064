//! Constant expressions as instruction lists, so that references in them can be seen and renumbered.

use super::{Entity, TypeMap};
use crate::Error;
use crate::ir::entity::{FuncId, GlobalId, TypeId};
use crate::ir::types::HeapType;
use cranelift_entity::EntityRef;
use smallvec::{SmallVec, smallvec};
use wasmparser::Operator;

/// One instruction of a constant expression. Floats are bit patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ConstOp {
    I32Const(i32),
    I64Const(i64),
    F32Const(u32),
    F64Const(u64),
    V128Const(i128),
    I32Add,
    I32Sub,
    I32Mul,
    I64Add,
    I64Sub,
    I64Mul,
    GlobalGet(GlobalId),
    RefNull(HeapType),
    RefFunc(FuncId),
    RefI31,
    StructNew(TypeId),
    StructNewDefault(TypeId),
    ArrayNew(TypeId),
    ArrayNewDefault(TypeId),
    ArrayNewFixed(TypeId, u32),
    AnyConvertExtern,
    ExternConvertAny,
}

/// A constant expression: instructions in stack order, without the final `end`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConstExpr {
    /// The instructions.
    pub ops: SmallVec<[ConstOp; 1]>,
}

impl ConstExpr {
    /// An expression of one instruction.
    pub fn new(op: ConstOp) -> Self {
        ConstExpr { ops: smallvec![op] }
    }

    /// The value when the expression is a plain `i32.const`.
    pub fn as_i32(&self) -> Option<i32> {
        match self.ops[..] {
            [ConstOp::I32Const(v)] => Some(v),
            _ => None,
        }
    }

    /// The function when the expression is a plain `ref.func`.
    pub fn as_ref_func(&self) -> Option<FuncId> {
        match self.ops[..] {
            [ConstOp::RefFunc(f)] => Some(f),
            _ => None,
        }
    }

    /// Calls `visit` with each entity named in the expression.
    pub fn for_each_entity(&self, visit: &mut dyn FnMut(Entity)) {
        for op in &self.ops {
            match *op {
                ConstOp::GlobalGet(g) => visit(Entity::Global(g)),
                ConstOp::RefFunc(f) => visit(Entity::Func(f)),
                ConstOp::RefNull(HeapType::Concrete(t))
                | ConstOp::StructNew(t)
                | ConstOp::StructNewDefault(t)
                | ConstOp::ArrayNew(t)
                | ConstOp::ArrayNewDefault(t)
                | ConstOp::ArrayNewFixed(t, _) => visit(Entity::Type(t)),
                ConstOp::RefNull(HeapType::Abstract(_))
                | ConstOp::I32Const(_)
                | ConstOp::I64Const(_)
                | ConstOp::F32Const(_)
                | ConstOp::F64Const(_)
                | ConstOp::V128Const(_)
                | ConstOp::I32Add
                | ConstOp::I32Sub
                | ConstOp::I32Mul
                | ConstOp::I64Add
                | ConstOp::I64Sub
                | ConstOp::I64Mul
                | ConstOp::RefI31
                | ConstOp::AnyConvertExtern
                | ConstOp::ExternConvertAny => {}
            }
        }
    }

    /// Reads a validated expression.
    pub(super) fn read(expr: &wasmparser::ConstExpr<'_>, types: &TypeMap) -> Result<Self, Error> {
        let mut ops = SmallVec::new();
        let mut reader = expr.get_operators_reader();
        while !reader.is_end_then_eof() {
            let (op, offset) = reader.read_with_offset()?;
            let ty = |index: u32| TypeId::new(index as usize);
            ops.push(match op {
                Operator::I32Const { value } => ConstOp::I32Const(value),
                Operator::I64Const { value } => ConstOp::I64Const(value),
                Operator::F32Const { value } => ConstOp::F32Const(value.bits()),
                Operator::F64Const { value } => ConstOp::F64Const(value.bits()),
                Operator::V128Const { value } => ConstOp::V128Const(value.i128()),
                Operator::I32Add => ConstOp::I32Add,
                Operator::I32Sub => ConstOp::I32Sub,
                Operator::I32Mul => ConstOp::I32Mul,
                Operator::I64Add => ConstOp::I64Add,
                Operator::I64Sub => ConstOp::I64Sub,
                Operator::I64Mul => ConstOp::I64Mul,
                Operator::GlobalGet { global_index } => {
                    ConstOp::GlobalGet(GlobalId::new(global_index as usize))
                }
                Operator::RefNull { hty } => ConstOp::RefNull(types.heap_type(hty)?),
                Operator::RefFunc { function_index } => {
                    ConstOp::RefFunc(FuncId::new(function_index as usize))
                }
                Operator::RefI31 => ConstOp::RefI31,
                Operator::StructNew { struct_type_index } => ConstOp::StructNew(ty(struct_type_index)),
                Operator::StructNewDefault { struct_type_index } => {
                    ConstOp::StructNewDefault(ty(struct_type_index))
                }
                Operator::ArrayNew { array_type_index } => ConstOp::ArrayNew(ty(array_type_index)),
                Operator::ArrayNewDefault { array_type_index } => {
                    ConstOp::ArrayNewDefault(ty(array_type_index))
                }
                Operator::ArrayNewFixed { array_type_index, array_size } => {
                    ConstOp::ArrayNewFixed(ty(array_type_index), array_size)
                }
                Operator::AnyConvertExtern => ConstOp::AnyConvertExtern,
                Operator::ExternConvertAny => ConstOp::ExternConvertAny,
                other => {
                    return Err(Error::at(offset, format!("operator in a constant expression: {other:?}")));
                }
            });
        }
        Ok(ConstExpr { ops })
    }
}
