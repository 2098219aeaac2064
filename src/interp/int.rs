//! Integer operators, parametric in the width (1 to 64 bits). Operands and results are zero-extended.

use crate::ir::ops::Op;

/// An integer operator without its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum IntOp {
    Add,
    Sub,
    Mul,
    DivS,
    DivU,
    RemS,
    RemU,
    And,
    Or,
    Xor,
    Shl,
    ShrS,
    ShrU,
    Rotl,
    Rotr,
    Clz,
    Ctz,
    Popcnt,
    /// Sign extension from the given number of bits.
    Extend(u32),
    Eqz,
    Eq,
    Ne,
    LtS,
    LtU,
    GtS,
    GtU,
    LeS,
    LeU,
    GeS,
    GeU,
}

impl IntOp {
    /// Number of operands.
    pub fn arity(self) -> usize {
        match self {
            IntOp::Clz | IntOp::Ctz | IntOp::Popcnt | IntOp::Extend(_) | IntOp::Eqz => 1,
            _ => 2,
        }
    }

    /// Whether the result is a truth value of type `i32`, whatever the width.
    pub fn is_test(self) -> bool {
        use IntOp::*;
        matches!(self, Eqz | Eq | Ne | LtS | LtU | GtS | GtU | LeS | LeU | GeS | GeU)
    }
}

macro_rules! classify {
    ($op:expr; $($a:ident $b:ident $k:ident;)*) => {
        match $op {
            $(Op::$a => Some((IntOp::$k, 32)), Op::$b => Some((IntOp::$k, 64)),)*
            Op::I32Extend8S => Some((IntOp::Extend(8), 32)),
            Op::I32Extend16S => Some((IntOp::Extend(16), 32)),
            Op::I64Extend8S => Some((IntOp::Extend(8), 64)),
            Op::I64Extend16S => Some((IntOp::Extend(16), 64)),
            Op::I64Extend32S => Some((IntOp::Extend(32), 64)),
            _ => None,
        }
    };
}

/// The integer operator and width behind a scalar operator on integers of one width.
pub fn classify(op: Op) -> Option<(IntOp, u32)> {
    classify! { op;
        I32Add I64Add Add;
        I32Sub I64Sub Sub;
        I32Mul I64Mul Mul;
        I32DivS I64DivS DivS;
        I32DivU I64DivU DivU;
        I32RemS I64RemS RemS;
        I32RemU I64RemU RemU;
        I32And I64And And;
        I32Or I64Or Or;
        I32Xor I64Xor Xor;
        I32Shl I64Shl Shl;
        I32ShrS I64ShrS ShrS;
        I32ShrU I64ShrU ShrU;
        I32Rotl I64Rotl Rotl;
        I32Rotr I64Rotr Rotr;
        I32Clz I64Clz Clz;
        I32Ctz I64Ctz Ctz;
        I32Popcnt I64Popcnt Popcnt;
        I32Eqz I64Eqz Eqz;
        I32Eq I64Eq Eq;
        I32Ne I64Ne Ne;
        I32LtS I64LtS LtS;
        I32LtU I64LtU LtU;
        I32GtS I64GtS GtS;
        I32GtU I64GtU GtU;
        I32LeS I64LeS LeS;
        I32LeU I64LeU LeU;
        I32GeS I64GeS GeS;
        I32GeU I64GeU GeU;
    }
}

/// All ones in the lowest `bits` bits, at most 64.
pub fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// The value of the lowest `bits` bits read as two's complement.
pub fn signed(bits: u32, a: u64) -> i64 {
    let spare = 64 - bits;
    ((a << spare) as i64) >> spare
}

/// Applies `op` at a width of 1 to 64 bits to operands that fit the width (`b` is ignored by unary operators). `None` is a
/// trap. Shift counts are taken modulo the width, which for widths that are no power of two is an extrapolation.
pub fn apply(op: IntOp, bits: u32, a: u64, b: u64) -> Option<u64> {
    let (sa, sb) = (signed(bits, a), signed(bits, b));
    let count = (b % u64::from(bits)) as u32;
    let result = match op {
        IntOp::Add => a.wrapping_add(b),
        IntOp::Sub => a.wrapping_sub(b),
        IntOp::Mul => a.wrapping_mul(b),
        IntOp::DivS if b == 0 || (sb == -1 && sa == signed(bits, 1 << (bits - 1))) => return None,
        IntOp::DivS => sa.wrapping_div(sb) as u64,
        IntOp::DivU => a.checked_div(b)?,
        IntOp::RemS if b == 0 => return None,
        IntOp::RemS => sa.wrapping_rem(sb) as u64,
        IntOp::RemU => a.checked_rem(b)?,
        IntOp::And => a & b,
        IntOp::Or => a | b,
        IntOp::Xor => a ^ b,
        IntOp::Shl => a << count,
        IntOp::ShrS => (sa >> count) as u64,
        IntOp::ShrU => a >> count,
        IntOp::Rotl => rotl(bits, a, count),
        IntOp::Rotr => rotl(bits, a, (bits - count) % bits),
        IntOp::Clz => u64::from(a.leading_zeros() - (64 - bits)),
        IntOp::Ctz => u64::from(a.trailing_zeros().min(bits)),
        IntOp::Popcnt => u64::from(a.count_ones()),
        IntOp::Extend(from) => signed(from.min(bits), a) as u64,
        IntOp::Eqz => u64::from(a == 0),
        IntOp::Eq => u64::from(a == b),
        IntOp::Ne => u64::from(a != b),
        IntOp::LtS => u64::from(sa < sb),
        IntOp::LtU => u64::from(a < b),
        IntOp::GtS => u64::from(sa > sb),
        IntOp::GtU => u64::from(a > b),
        IntOp::LeS => u64::from(sa <= sb),
        IntOp::LeU => u64::from(a <= b),
        IntOp::GeS => u64::from(sa >= sb),
        IntOp::GeU => u64::from(a >= b),
    };
    Some(if op.is_test() { result } else { result & mask(bits) })
}

fn rotl(bits: u32, a: u64, count: u32) -> u64 {
    if count == 0 { a } else { (a << count) | (a >> (bits - count)) }
}
