//! Operator tables of the generator, by signature.

use wasm_encoder::Instruction as I;

pub(crate) const I32_BINARY: &[I<'static>] = &[
    I::I32Add,
    I::I32Sub,
    I::I32Mul,
    I::I32And,
    I::I32Or,
    I::I32Xor,
    I::I32Shl,
    I::I32ShrS,
    I::I32ShrU,
    I::I32Rotl,
    I::I32Rotr,
    I::I32Add,
    I::I32Sub,
];
pub(crate) const I64_BINARY: &[I<'static>] = &[
    I::I64Add,
    I::I64Sub,
    I::I64Mul,
    I::I64And,
    I::I64Or,
    I::I64Xor,
    I::I64Shl,
    I::I64ShrS,
    I::I64ShrU,
    I::I64Rotl,
    I::I64Rotr,
    I::I64Add,
    I::I64Sub,
];
pub(crate) const I32_DIVIDE: &[I<'static>] = &[I::I32DivS, I::I32DivU, I::I32RemS, I::I32RemU];
pub(crate) const I64_DIVIDE: &[I<'static>] = &[I::I64DivS, I::I64DivU, I::I64RemS, I::I64RemU];
pub(crate) const I32_UNARY: &[I<'static>] =
    &[I::I32Clz, I::I32Ctz, I::I32Popcnt, I::I32Eqz, I::I32Extend8S, I::I32Extend16S];
pub(crate) const I64_UNARY: &[I<'static>] =
    &[I::I64Clz, I::I64Ctz, I::I64Popcnt, I::I64Extend8S, I::I64Extend16S, I::I64Extend32S];
pub(crate) const I32_COMPARE: &[I<'static>] = &[
    I::I32Eq,
    I::I32Ne,
    I::I32LtS,
    I::I32LtU,
    I::I32GtS,
    I::I32GtU,
    I::I32LeS,
    I::I32LeU,
    I::I32GeS,
    I::I32GeU,
];
pub(crate) const I64_COMPARE: &[I<'static>] = &[
    I::I64Eq,
    I::I64Ne,
    I::I64LtS,
    I::I64LtU,
    I::I64GtS,
    I::I64GtU,
    I::I64LeS,
    I::I64LeU,
    I::I64GeS,
    I::I64GeU,
];
pub(crate) const F32_COMPARE: &[I<'static>] = &[I::F32Eq, I::F32Ne, I::F32Lt, I::F32Gt, I::F32Le, I::F32Ge];
pub(crate) const F64_COMPARE: &[I<'static>] = &[I::F64Eq, I::F64Ne, I::F64Lt, I::F64Gt, I::F64Le, I::F64Ge];
pub(crate) const F32_BINARY: &[I<'static>] =
    &[I::F32Add, I::F32Sub, I::F32Mul, I::F32Div, I::F32Min, I::F32Max];
pub(crate) const F64_BINARY: &[I<'static>] =
    &[I::F64Add, I::F64Sub, I::F64Mul, I::F64Div, I::F64Min, I::F64Max];
pub(crate) const F32_UNARY: &[I<'static>] =
    &[I::F32Ceil, I::F32Floor, I::F32Trunc, I::F32Nearest, I::F32Sqrt];
pub(crate) const F64_UNARY: &[I<'static>] =
    &[I::F64Ceil, I::F64Floor, I::F64Trunc, I::F64Nearest, I::F64Sqrt];
pub(crate) const I32_FROM_F32: &[I<'static>] =
    &[I::I32TruncSatF32S, I::I32TruncSatF32U, I::I32TruncSatF32S, I::I32TruncF32S, I::I32TruncF32U];
pub(crate) const I32_FROM_F64: &[I<'static>] =
    &[I::I32TruncSatF64S, I::I32TruncSatF64U, I::I32TruncSatF64U, I::I32TruncF64S, I::I32TruncF64U];
pub(crate) const I64_FROM_F32: &[I<'static>] =
    &[I::I64TruncSatF32S, I::I64TruncSatF32U, I::I64TruncSatF32U, I::I64TruncF32S, I::I64TruncF32U];
pub(crate) const I64_FROM_F64: &[I<'static>] =
    &[I::I64TruncSatF64S, I::I64TruncSatF64U, I::I64TruncSatF64S, I::I64TruncF64S, I::I64TruncF64U];
