//! [`Op`], its immediates and what the op table says about it.

use super::entity::*;
use super::types::{HeapType, Type};
use hashbrown::HashMap;
use std::sync::LazyLock;

/// What kind of effect an operator has; which resources it touches follows from its immediate
/// ([`super::effects`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    /// No operands, no effects: constants, `ref.null`, `ref.func`.
    Const,
    /// A function of its operands, total.
    Pure,
    /// A function of its operands that traps for some of them.
    Trap,
    /// Reads linear memory, traps out of bounds.
    Load,
    /// Writes linear memory, traps out of bounds.
    Store,
    /// An access with ordering that other threads see, or a fence.
    Atomic,
    MemorySize,
    MemoryGrow,
    MemoryCopy,
    MemoryFill,
    MemoryInit,
    DataDrop,
    GlobalGet,
    GlobalSet,
    TableGet,
    TableSet,
    TableSize,
    TableGrow,
    TableFill,
    TableCopy,
    TableInit,
    ElemDrop,
    /// A call, direct or not.
    Call,
    /// Allocates a garbage-collected object: never equal to another one.
    GcNew,
    /// Reads a field or element, traps on null or out of bounds.
    GcRead,
    /// Writes fields or elements, traps on null or out of bounds.
    GcWrite,
}

/// A word of a signature in the op table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum SigType {
    Is(Type),
    /// Index type of the memory in the immediate (the destination's for `memory.copy`).
    Addr,
    /// Index type of the source memory.
    AddrSrc,
    /// The smaller of the two index types.
    AddrMin,
    /// Index type of the table in the immediate (the destination's for `table.copy`).
    TableAddr,
    /// Index type of the source table.
    TableAddrSrc,
    /// The smaller of the two index types.
    TableAddrMin,
    /// Decided by the operands or the immediate.
    Any,
}

/// Operands and results of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Counts are fixed.
    Fixed {
        /// Operands, the deepest on the stack first.
        params: &'static [SigType],
        /// Results, the deepest first.
        results: &'static [SigType],
    },
    /// Counts depend on the immediate: calls, `struct.new`, `array.new_fixed`.
    Custom,
}

/// Address part of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemArg {
    /// Memory accessed.
    pub memory: MemoryId,
    /// Bytes added to the address operand, without wrapping.
    pub offset: u64,
    /// Alignment hint as a power of two.
    pub align: u8,
}

/// Immediate operands. One variant per shape; the op table says which shape an [`Op`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Imm {
    None,
    I32(i32),
    I64(i64),
    /// Bits of the constant.
    F32(u32),
    /// Bits of the constant.
    F64(u64),
    /// Bits of the constant, lane 0 lowest.
    V128(u128),
    Mem(MemArg),
    MemLane(MemArg, u8),
    Lane(u8),
    Shuffle([u8; 16]),
    Memory(MemoryId),
    MemCopy {
        dst: MemoryId,
        src: MemoryId,
    },
    MemInit {
        data: DataId,
        memory: MemoryId,
    },
    Data(DataId),
    Table(TableId),
    TableCopy {
        dst: TableId,
        src: TableId,
    },
    TableInit {
        elem: ElemId,
        table: TableId,
    },
    Elem(ElemId),
    Func(FuncId),
    Global(GlobalId),
    CallIndirect {
        ty: TypeId,
        table: TableId,
    },
    Type(TypeId),
    Field {
        ty: TypeId,
        field: u32,
    },
    ArrayFixed {
        ty: TypeId,
        len: u32,
    },
    ArrayData {
        ty: TypeId,
        data: DataId,
    },
    ArrayElem {
        ty: TypeId,
        elem: ElemId,
    },
    ArrayCopy {
        dst: TypeId,
        src: TypeId,
    },
    Heap(HeapType),
    /// `atomic.fence`: sequentially consistent, the only ordering of the threads proposal.
    Fence,
}

/// Shape of an immediate: [`Imm`] without the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ImmKind {
    None,
    I32,
    I64,
    F32,
    F64,
    V128,
    Mem,
    MemLane,
    Lane,
    Shuffle,
    Memory,
    MemCopy,
    MemInit,
    Data,
    Table,
    TableCopy,
    TableInit,
    Elem,
    Func,
    Global,
    CallIndirect,
    Type,
    Field,
    ArrayFixed,
    ArrayData,
    ArrayElem,
    ArrayCopy,
    Heap,
    Fence,
}

/// The op table tells apart what kind of type an immediate names, for the decoder; the shape is the same.
#[allow(non_upper_case_globals, missing_docs)]
impl ImmKind {
    pub const StructType: ImmKind = ImmKind::Type;
    pub const ArrayType: ImmKind = ImmKind::Type;
}

/// WebAssembly proposals that operators came with; bits of [`OpInfo::feature`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, non_camel_case_types)]
pub enum Feature {
    mvp,
    sign_extension,
    saturating_float_to_int,
    bulk_memory,
    reference_types,
    simd,
    relaxed_simd,
    threads,
    gc,
    function_references,
    wide_arithmetic,
}

/// One row of the op table.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// Name in the text format.
    pub name: &'static str,
    /// Shape of the immediate.
    pub imm: ImmKind,
    /// Operands and results.
    pub signature: Signature,
    /// Kind of effect.
    pub kind: Kind,
    /// Bytes accessed in memory, 0 where none.
    pub width: u8,
    /// Whether the first two operands commute.
    pub commutes: bool,
    /// Proposal.
    pub feature: Feature,
}

macro_rules! sig_type {
    (i32) => {
        SigType::Is(Type::I32)
    };
    (i64) => {
        SigType::Is(Type::I64)
    };
    (f32) => {
        SigType::Is(Type::F32)
    };
    (f64) => {
        SigType::Is(Type::F64)
    };
    (v128) => {
        SigType::Is(Type::V128)
    };
    (addr) => {
        SigType::Addr
    };
    (addr_src) => {
        SigType::AddrSrc
    };
    (addr_min) => {
        SigType::AddrMin
    };
    (taddr) => {
        SigType::TableAddr
    };
    (taddr_src) => {
        SigType::TableAddrSrc
    };
    (taddr_min) => {
        SigType::TableAddrMin
    };
    (any) => {
        SigType::Any
    };
}

macro_rules! signature {
    (custom) => { Signature::Custom };
    (($($p:ident)* -> $($r:ident)*)) => {
        Signature::Fixed { params: &[$(sig_type!($p)),*], results: &[$(sig_type!($r)),*] }
    };
}

macro_rules! commutes {
    (comm) => {
        true
    };
    (-) => {
        false
    };
}

macro_rules! define_ops {
    ($($op:ident $name:literal $imm:ident $sig:tt $kind:ident $width:literal $comm:tt $feature:ident;)*) => {
        /// An operator. The discriminant is its row in the op table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        #[allow(missing_docs)]
        pub enum Op { $($op),* }

        impl Op {
            /// All operators in the order of the table.
            pub const ALL: &'static [Op] = &[$(Op::$op),*];
        }

        static INFO: &[OpInfo] = &[$(OpInfo {
            name: $name,
            imm: ImmKind::$imm,
            signature: signature!($sig),
            kind: Kind::$kind,
            width: $width,
            commutes: commutes!($comm),
            feature: Feature::$feature,
        }),*];
    };
}
crate::for_each_op!(define_ops);

static BY_NAME: LazyLock<HashMap<&'static str, Op>> =
    LazyLock::new(|| Op::ALL.iter().map(|&op| (op.name(), op)).collect());

impl Op {
    /// The operator's row.
    pub fn info(self) -> &'static OpInfo {
        &INFO[self as usize]
    }

    /// Name in the text format.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Kind of effect.
    pub fn kind(self) -> Kind {
        self.info().kind
    }

    /// The operator of that name in the text format.
    pub fn from_name(name: &str) -> Option<Op> {
        BY_NAME.get(name).copied()
    }

    /// Whether it has neither effects nor traps: it can be moved, copied and dropped freely.
    pub fn is_pure(self) -> bool {
        matches!(self.kind(), Kind::Const | Kind::Pure)
    }

    /// Whether it is a constant or other operand-less pure operator.
    pub fn is_const(self) -> bool {
        self.kind() == Kind::Const
    }

    /// Alignment of the bytes accessed as a power of two: the largest that an immediate may name; 0 without access.
    pub fn natural_align(self) -> u8 {
        self.info().width.max(1).trailing_zeros() as u8
    }

    /// Whether it is `call`, `call_indirect` or `call_ref`.
    pub fn is_call(self) -> bool {
        self.kind() == Kind::Call
    }

    /// The constant operator of a number or vector type with the given bits (low bits of `bits`).
    pub fn constant(ty: Type, bits: u128) -> Option<(Op, Imm)> {
        Some(match ty {
            Type::I32 => (Op::I32Const, Imm::I32(bits as u32 as i32)),
            Type::I64 => (Op::I64Const, Imm::I64(bits as u64 as i64)),
            Type::F32 => (Op::F32Const, Imm::F32(bits as u32)),
            Type::F64 => (Op::F64Const, Imm::F64(bits as u64)),
            Type::V128 => (Op::V128Const, Imm::V128(bits)),
            Type::Ref(_) => return None,
        })
    }
}

impl Imm {
    /// Whether two are the same but for the hint of alignment, which changes nothing.
    pub fn is_alike(&self, other: &Imm) -> bool {
        let plain = |imm: &Imm| match *imm {
            Imm::Mem(m) => Imm::Mem(MemArg { align: 0, ..m }),
            Imm::MemLane(m, lane) => Imm::MemLane(MemArg { align: 0, ..m }, lane),
            other => other,
        };
        plain(self) == plain(other)
    }

    /// Shape of this immediate.
    pub fn kind(&self) -> ImmKind {
        match self {
            Imm::None => ImmKind::None,
            Imm::I32(_) => ImmKind::I32,
            Imm::I64(_) => ImmKind::I64,
            Imm::F32(_) => ImmKind::F32,
            Imm::F64(_) => ImmKind::F64,
            Imm::V128(_) => ImmKind::V128,
            Imm::Mem(_) => ImmKind::Mem,
            Imm::MemLane(..) => ImmKind::MemLane,
            Imm::Lane(_) => ImmKind::Lane,
            Imm::Shuffle(_) => ImmKind::Shuffle,
            Imm::Memory(_) => ImmKind::Memory,
            Imm::MemCopy { .. } => ImmKind::MemCopy,
            Imm::MemInit { .. } => ImmKind::MemInit,
            Imm::Data(_) => ImmKind::Data,
            Imm::Table(_) => ImmKind::Table,
            Imm::TableCopy { .. } => ImmKind::TableCopy,
            Imm::TableInit { .. } => ImmKind::TableInit,
            Imm::Elem(_) => ImmKind::Elem,
            Imm::Func(_) => ImmKind::Func,
            Imm::Global(_) => ImmKind::Global,
            Imm::CallIndirect { .. } => ImmKind::CallIndirect,
            Imm::Type(_) => ImmKind::Type,
            Imm::Field { .. } => ImmKind::Field,
            Imm::ArrayFixed { .. } => ImmKind::ArrayFixed,
            Imm::ArrayData { .. } => ImmKind::ArrayData,
            Imm::ArrayElem { .. } => ImmKind::ArrayElem,
            Imm::ArrayCopy { .. } => ImmKind::ArrayCopy,
            Imm::Heap(_) => ImmKind::Heap,
            Imm::Fence => ImmKind::Fence,
        }
    }

    /// The memory argument of a load, store or atomic access.
    pub fn memarg(&self) -> Option<MemArg> {
        match self {
            Imm::Mem(m) | Imm::MemLane(m, _) => Some(*m),
            _ => None,
        }
    }

    /// Bits of a constant, zero-extended.
    pub fn const_bits(&self) -> Option<u128> {
        Some(match *self {
            Imm::I32(v) => v as u32 as u128,
            Imm::I64(v) => v as u64 as u128,
            Imm::F32(v) => v as u128,
            Imm::F64(v) => v as u128,
            Imm::V128(v) => v,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_resolve() {
        for &op in Op::ALL {
            assert_eq!(Op::from_name(op.name()), Some(op), "{}", op.name());
        }
    }

    #[test]
    fn memory_widths_are_given_exactly_where_memory_is_accessed() {
        for &op in Op::ALL {
            let accesses = matches!(op.info().imm, ImmKind::Mem | ImmKind::MemLane);
            assert_eq!(op.info().width != 0, accesses, "{}", op.name());
        }
    }

    #[test]
    fn commuting_operands_have_one_type() {
        for &op in Op::ALL.iter().filter(|o| o.info().commutes) {
            let Signature::Fixed { params, .. } = op.info().signature else { panic!("{}", op.name()) };
            assert_eq!(params[0], params[1], "{}", op.name());
        }
    }
}
