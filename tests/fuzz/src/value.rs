//! Values as the oracle sees them: plain bits, so that comparing them is exact and needs no store.

use crate::rng::Rng;
use wasmi::{AsContextMut, ExternRef, F32, F64, Ref, V128, Val, ValType};

/// Types that the oracle passes in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// Function reference.
    FuncRef,
    /// Host reference.
    ExternRef,
    /// Any other reference; only null can be passed in.
    OtherRef,
}

impl Ty {
    /// From wasmi's type.
    pub fn of(ty: ValType) -> Self {
        match ty {
            ValType::I32 => Ty::I32,
            ValType::I64 => Ty::I64,
            ValType::F32 => Ty::F32,
            ValType::F64 => Ty::F64,
            ValType::V128 => Ty::V128,
            ValType::FuncRef => Ty::FuncRef,
            ValType::ExternRef => Ty::ExternRef,
        }
    }

    /// Name in the text format.
    pub fn name(self) -> &'static str {
        match self {
            Ty::I32 => "i32",
            Ty::I64 => "i64",
            Ty::F32 => "f32",
            Ty::F64 => "f64",
            Ty::V128 => "v128",
            Ty::FuncRef => "funcref",
            Ty::ExternRef => "externref",
            Ty::OtherRef => "ref",
        }
    }

    /// A random argument with a bias to edges; references are null half of the time where the host can make one.
    pub fn edge(self, rng: &mut Rng) -> Seen {
        match self {
            Ty::I32 => Seen::I32(rng.edge_int(32) as u32),
            Ty::I64 => Seen::I64(rng.edge_int(64)),
            Ty::F32 => Seen::F32(rng.edge_f32()),
            Ty::F64 => Seen::F64(rng.edge_f64()),
            Ty::V128 => {
                let lane = |rng: &mut Rng| match rng.below(3) {
                    0 => rng.edge_int(64),
                    1 => rng.edge_int(32) << 32 | rng.edge_int(32),
                    _ => rng.edge_f64(),
                };
                Seen::V128(u128::from(lane(rng)) << 64 | u128::from(lane(rng)))
            }
            Ty::FuncRef | Ty::OtherRef => Seen::Null(self),
            Ty::ExternRef if rng.percent(50) => Seen::Ref(Ty::ExternRef),
            Ty::ExternRef => Seen::Null(Ty::ExternRef),
        }
    }

    /// What the host answers at position `n` of the log.
    pub fn host_answer(self, n: u64) -> Seen {
        self.edge(&mut Rng::new(n ^ 0xa5a5))
    }
}

/// One value, bit for bit; of references only whether they are null, of `i31`s the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Bits of an `i32`.
    I32(u32),
    /// Bits of an `i64`.
    I64(u64),
    /// Bits of an `f32`.
    F32(u32),
    /// Bits of an `f64`.
    F64(u64),
    /// Bits of a `v128`.
    V128(u128),
    /// A null reference.
    Null(Ty),
    /// A reference that is not null.
    Ref(Ty),
    /// An unboxed integer.
    I31(u32),
}

impl Seen {
    /// What is seen of a wasmi value.
    pub fn of(val: &Val) -> Self {
        match val {
            Val::I32(v) => Seen::I32(*v as u32),
            Val::I64(v) => Seen::I64(*v as u64),
            Val::F32(v) => Seen::F32(v.to_bits()),
            Val::F64(v) => Seen::F64(v.to_bits()),
            Val::V128(v) => Seen::V128(v.as_u128()),
            Val::FuncRef(Ref::Null) => Seen::Null(Ty::FuncRef),
            Val::FuncRef(_) => Seen::Ref(Ty::FuncRef),
            Val::ExternRef(Ref::Null) => Seen::Null(Ty::ExternRef),
            Val::ExternRef(_) => Seen::Ref(Ty::ExternRef),
        }
    }

    /// The value for one store.
    pub fn to_val(self, ctx: impl AsContextMut) -> Val {
        match self {
            Seen::I32(v) => Val::I32(v as i32),
            Seen::I64(v) => Val::I64(v as i64),
            Seen::F32(v) => Val::F32(F32::from_bits(v)),
            Seen::F64(v) => Val::F64(F64::from_bits(v)),
            Seen::V128(v) => Val::V128(V128::from(v)),
            Seen::Ref(Ty::ExternRef) => Val::ExternRef(Ref::Val(ExternRef::new(ctx, 7u32))),
            Seen::Null(Ty::ExternRef) => Val::ExternRef(Ref::Null),
            Seen::Null(_) | Seen::Ref(_) | Seen::I31(_) => Val::FuncRef(Ref::Null),
        }
    }

    /// Bits mixed into one word.
    pub fn hash(self) -> u64 {
        match self {
            Seen::I32(v) | Seen::F32(v) => u64::from(v),
            Seen::I64(v) | Seen::F64(v) => v,
            Seen::V128(v) => (v >> 64) as u64 ^ (v as u64).rotate_left(17),
            Seen::Null(_) => 1,
            Seen::Ref(_) => 2,
            Seen::I31(v) => u64::from(v) << 2 | 3,
        }
    }
}
