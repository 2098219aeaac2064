//! The closed vocabulary of conditions and computed constants. Each function is declared once, with its types and one line
//! of documentation; the pure ones are evaluated here, the others ask [`Facts`].

use crate::interp::{Const, int};
use crate::ir::types::Type;

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// An integer constant of the call's common type.
    Same,
    /// A float constant of the call's common type.
    Float,
    /// An `i32` constant.
    I32,
    /// An `i64` constant, offset, lane or count of bytes.
    I64,
    /// A value of the call's common type.
    Value,
    /// A value that is an address of a memory.
    Address,
    /// A count of bytes: an `i64` constant or a value.
    Length,
    /// A memory index.
    Memory,
    /// An effect version.
    Version,
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// A constant of the call's common type.
    Same,
    /// An `i32` constant.
    I32,
    /// An `i64` constant.
    I64,
    /// A truth value: the function is a condition.
    Truth,
    /// An effect version.
    Version,
}

/// One row of the vocabulary.
#[derive(Clone, Copy, Debug)]
pub struct FuncInfo {
    /// Name in rule files.
    pub name: &'static str,
    /// Parameters.
    pub params: &'static [Param],
    /// Result.
    pub gives: Gives,
    /// Whether [`Facts`] answers it.
    pub fact: bool,
    /// One line of documentation.
    pub doc: &'static str,
}

macro_rules! vocabulary {
    ($($func:ident $name:literal ($($p:ident)*) -> $gives:ident $fact:literal $doc:literal;)*) => {
        /// A function of the vocabulary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Func { $(#[doc = $doc] $func),* }

        impl Func {
            /// All functions in the order of the documentation.
            pub const ALL: &'static [Func] = &[$(Func::$func),*];

            /// The function's row.
            pub fn info(self) -> FuncInfo {
                match self {
                    $(Func::$func => FuncInfo {
                        name: $name, params: &[$(Param::$p),*], gives: Gives::$gives, fact: $fact, doc: $doc,
                    }),*
                }
            }
        }
    };
}

vocabulary! {
    Add "iadd" (Same Same) -> Same false "sum, wrapping";
    Sub "isub" (Same Same) -> Same false "difference, wrapping";
    Mul "imul" (Same Same) -> Same false "product, wrapping";
    DivU "idiv_u" (Same Same) -> Same false "unsigned quotient; no match if the divisor is 0";
    And "iand" (Same Same) -> Same false "bitwise and";
    Or "ior" (Same Same) -> Same false "bitwise or";
    Xor "ixor" (Same Same) -> Same false "bitwise exclusive or";
    Shl "ishl" (Same Same) -> Same false "shift left, count modulo the width";
    ShrU "ishr_u" (Same Same) -> Same false "logical shift right, count modulo the width";
    ShrS "ishr_s" (Same Same) -> Same false "arithmetic shift right, count modulo the width";
    Rotl "irotl" (Same Same) -> Same false "rotation left";
    Neg "ineg" (Same) -> Same false "two's complement";
    Not "inot" (Same) -> Same false "all bits flipped";
    Clz "iclz" (Same) -> Same false "leading zero bits";
    Ctz "ictz" (Same) -> Same false "trailing zero bits; of a power of two, its logarithm";
    Popcnt "ipopcnt" (Same) -> Same false "one bits";
    Wrap "wrap" (I64) -> I32 false "low half of an i64";
    ExtendU "extend_u" (I32) -> I64 false "zero extension";
    ExtendS "extend_s" (I32) -> I64 false "sign extension";
    MagicMulU "magic_mul_u" (I32) -> I64 false "multiplier M with x / c = (x * M) >> magic_shift_u c for all unsigned 32-bit x; no match unless M * x fits 64 bits";
    MagicShiftU "magic_shift_u" (I32) -> I64 false "the shift that belongs to magic_mul_u";
    MagicMulS "magic_mul_s" (I32) -> I64 false "multiplier for signed division by c > 1: x / c = ((x * M) >> magic_shift_s c) - (x >> 31)";
    MagicShiftS "magic_shift_s" (I32) -> I64 false "the shift that belongs to magic_mul_s";
    Recip "recip" (Float) -> Same false "reciprocal of a power of two whose reciprocal is normal and exact; no match otherwise";
    Eq "eq" (Same Same) -> Truth false "equal";
    Ne "ne" (Same Same) -> Truth false "not equal";
    LtU "lt_u" (Same Same) -> Truth false "unsigned less";
    LeU "le_u" (Same Same) -> Truth false "unsigned less or equal";
    LtS "lt_s" (Same Same) -> Truth false "signed less";
    LeS "le_s" (Same Same) -> Truth false "signed less or equal";
    IsPow2 "is_pow2" (Same) -> Truth false "exactly one bit is set";
    IsMask "is_mask" (Same) -> Truth false "not zero, and of the form 0…01…1";
    UaddOk "uadd_ok" (Same Same) -> Truth false "the unsigned sum does not wrap";
    SaddOk "sadd_ok" (Same Same) -> Truth false "the signed sum does not wrap";
    UmulOk "umul_ok" (Same Same) -> Truth false "the unsigned product does not wrap";
    Shorter "shorter" (Same Same) -> Truth false "the first encodes in fewer bytes (signed LEB128) than the second";
    ZeroBits "zero_bits" (Value Same) -> Truth true "every bit of the mask is known to be 0 in the value";
    NonZero "nonzero" (Value) -> Truth true "the value is known not to be 0";
    NonNeg "nonneg" (Value) -> Truth true "the value's sign bit is known to be 0";
    Quiet "quiet" (Value) -> Truth true "the float is the result of arithmetic: if it is a NaN, it is not a signalling one";
    NoWrapAdd "no_wrap_add" (Value Same) -> Truth true "value + constant is known not to wrap as an unsigned sum";
    Distance "distance" (Address I64 Address I64) -> I64 true "(a + o) - (b + p) for effective addresses, where known to be one constant";
    Inside "inside" (Address I64 I64 Address Length) -> I64 true "(a + o) - to, where `within` holds and it is known to be one constant";
    NotConst "not_const" (Value) -> Truth true "the value is not known to be a constant: keeps rules that move constants from doing so twice";
    Disjoint "disjoint" (Address I64 I64 Address I64 Length) -> Truth true "the bytes [a+o, a+o+n) and [b+p, b+p+k) do not overlap; sums do not wrap";
    Within "within" (Address I64 I64 Address Length) -> Truth true "the bytes [a+o, a+o+n) lie inside [to, to+len); sums do not wrap";
    Older "older" (Version Memory Address I64 I64) -> Version true "the version before all latest effects that cannot touch [a+o, a+o+n) of the memory; no match if there is none";
    Unchanged "unchanged" (Version Version Memory Address I64 I64) -> Truth true "the bytes [a+o, a+o+n) of the memory are in the second version what they are in the first";
}

impl Func {
    /// Name in rule files.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The function of that name.
    pub fn from_name(name: &str) -> Option<Func> {
        Func::ALL.iter().copied().find(|f| f.name() == name)
    }
}

/// A count of bytes given to a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length<C> {
    /// A known count.
    Bytes(u64),
    /// The value of a class that is no constant, zero-extended.
    Value(C),
}

/// What a rule may ask of the program around a match. `false` and `None` mean "not known", which is always a correct
/// answer; that is what the defaults say.
///
/// Addresses are unsigned and the offset is added without wrapping, so effective addresses have 33 (or 65) bits.
pub trait Facts {
    /// Names a value or an effect version.
    type Class: Copy;

    /// The class's constant.
    fn constant(&self, _class: Self::Class) -> Option<Const> {
        None
    }
    /// Whether the class is not known to be a constant. It keeps rules from being applied; what they say does not rest on it.
    fn not_const(&self, class: Self::Class) -> bool {
        self.constant(class).is_none()
    }
    /// Whether all bits of `mask` are 0 in the integer.
    fn zero_bits(&self, _value: Self::Class, _mask: u64) -> bool {
        false
    }
    /// Whether the integer is not 0.
    fn nonzero(&self, _value: Self::Class) -> bool {
        false
    }
    /// Whether the integer's sign bit is 0.
    fn nonneg(&self, _value: Self::Class) -> bool {
        false
    }
    /// Whether the float, if it is a NaN, is one that arithmetic gives.
    fn quiet(&self, _value: Self::Class) -> bool {
        false
    }
    /// Whether `value + addend` does not wrap as an unsigned sum of the value's width.
    fn no_wrap_add(&self, _value: Self::Class, _addend: u64) -> bool {
        false
    }
    /// `(a + o) - (b + p)` if it is one constant that fits an `i64`.
    fn distance(&self, _a: Self::Class, _o: u64, _b: Self::Class, _p: u64) -> Option<i64> {
        None
    }
    /// `(a + o) - to` if it is one constant and [`Facts::within`] holds. Where the bytes at `to` are known to be in bounds,
    /// an implementation can know more of it than of [`Facts::distance`], because `to + distance` cannot wrap.
    fn inside(
        &self,
        a: Self::Class,
        o: u64,
        n: u64,
        to: Self::Class,
        len: Length<Self::Class>,
    ) -> Option<i64> {
        if self.within(a, o, n, to, len) { self.distance(a, o, to, 0) } else { None }
    }
    /// Whether `[a+o, a+o+n)` and `[b+p, b+p+k)` have no byte in common.
    fn disjoint(
        &self,
        _a: Self::Class,
        _o: u64,
        _n: u64,
        _b: Self::Class,
        _p: u64,
        _k: Length<Self::Class>,
    ) -> bool {
        false
    }
    /// Whether `[a+o, a+o+n)` lies inside `[to, to+len)`.
    fn within(&self, _a: Self::Class, _o: u64, _n: u64, _to: Self::Class, _len: Length<Self::Class>) -> bool {
        false
    }
    /// The version of `memory` that results from walking back from `version` over effects that cannot touch
    /// `[a+o, a+o+n)`; `None` if the first one may.
    fn older(
        &self,
        _version: Self::Class,
        _memory: u64,
        _a: Self::Class,
        _o: u64,
        _n: u64,
    ) -> Option<Self::Class> {
        None
    }
    /// Whether the bytes `[a+o, a+o+n)` of `memory` are the same in two versions of it, of which `newer` may be the later one.
    fn unchanged(
        &self,
        _older: Self::Class,
        _newer: Self::Class,
        _memory: u64,
        _a: Self::Class,
        _o: u64,
        _n: u64,
    ) -> bool {
        false
    }
}

/// Evaluates a function that asks no facts. `None` means that the rule does not match. Truth values are `I32` 0 and 1.
pub fn eval_const_fn(func: Func, args: &[Const]) -> Option<Const> {
    let first = *args.first()?;
    if func == Func::Recip {
        return reciprocal(first);
    }
    let (ty, a) = (first.ty(), first.as_int()?);
    let b = match args.get(1) {
        Some(b) if b.ty() == ty => b.as_int()?,
        Some(_) => return None,
        None => 0,
    };
    let bits = ty.bits()?;
    if let Some(v) = eval_int_fn(func, bits, a, b) {
        let ty = if func.info().gives == Gives::Truth { Type::I32 } else { ty };
        return Const::from_bits(ty, v.into());
    }
    match (func, first) {
        (Func::Wrap, Const::I64(a)) => Some(Const::I32(a as u32)),
        (Func::ExtendU, Const::I32(a)) => Some(Const::I64(a.into())),
        (Func::ExtendS, Const::I32(a)) => Some(Const::I64(a as i32 as u64)),
        (Func::MagicMulU, Const::I32(d)) => magic_u(d).map(|m| Const::I64(m.0)),
        (Func::MagicShiftU, Const::I32(d)) => magic_u(d).map(|m| Const::I64(m.1)),
        (Func::MagicMulS, Const::I32(d)) => magic_s(d).map(|m| Const::I64(m.0)),
        (Func::MagicShiftS, Const::I32(d)) => magic_s(d).map(|m| Const::I64(m.1)),
        _ => None,
    }
}

/// The functions on integers of one width (1 to 64 bits), parametric in it. `b` is ignored by unary functions; truth values
/// are 0 and 1. `None` for other functions, and where the rule does not match.
pub fn eval_int_fn(func: Func, bits: u32, a: u64, b: u64) -> Option<u64> {
    use int::IntOp;
    let mask = int::mask(bits);
    let apply = |op: IntOp| int::apply(op, bits, a, b);
    let (sa, sb) = (int::signed(bits, a), int::signed(bits, b));
    let truth = |b: bool| Some(u64::from(b));
    match func {
        Func::Add => apply(IntOp::Add),
        Func::Sub => apply(IntOp::Sub),
        Func::Mul => apply(IntOp::Mul),
        Func::DivU => apply(IntOp::DivU),
        Func::And => apply(IntOp::And),
        Func::Or => apply(IntOp::Or),
        Func::Xor => apply(IntOp::Xor),
        Func::Shl => apply(IntOp::Shl),
        Func::ShrU => apply(IntOp::ShrU),
        Func::ShrS => apply(IntOp::ShrS),
        Func::Rotl => apply(IntOp::Rotl),
        Func::Neg => Some(a.wrapping_neg() & mask),
        Func::Not => Some(!a & mask),
        Func::Clz => apply(IntOp::Clz),
        Func::Ctz => apply(IntOp::Ctz),
        Func::Popcnt => apply(IntOp::Popcnt),
        Func::Eq => truth(a == b),
        Func::Ne => truth(a != b),
        Func::LtU => truth(a < b),
        Func::LeU => truth(a <= b),
        Func::LtS => truth(sa < sb),
        Func::LeS => truth(sa <= sb),
        Func::IsPow2 => truth(a.is_power_of_two()),
        Func::IsMask => truth(a != 0 && a & a.wrapping_add(1) == 0),
        Func::UaddOk => truth(a.checked_add(b).is_some_and(|s| s <= mask)),
        Func::SaddOk => truth(sa.checked_add(sb).is_some_and(|s| s == int::signed(bits, s as u64))),
        Func::UmulOk => truth(a.checked_mul(b).is_some_and(|s| s <= mask)),
        Func::Shorter => truth(leb_bytes(sa) < leb_bytes(sb)),
        _ => None,
    }
}

/// Bytes of a number in signed LEB128.
fn leb_bytes(v: i64) -> u32 {
    // Seven bits a byte, of which one is the sign.
    let significant = 65 - if v < 0 { v.leading_ones() } else { v.leading_zeros() };
    significant.div_ceil(7)
}

/// Multiplier and shift for unsigned 32-bit division by `d` through a 64-bit product (Granlund and Montgomery 1994;
/// Warren, *Hacker's Delight*, chapter 10): the least shift whose rounding error stays below one unit in the last place.
fn magic_u(d: u32) -> Option<(u64, u64)> {
    if d < 2 || d.is_power_of_two() {
        return None;
    }
    for shift in 32..64u32 {
        let power = 1u128 << shift;
        let m = power.div_ceil(u128::from(d));
        let error = m * u128::from(d) - power;
        // m·x must not pass 64 bits for any 32-bit x, that is, m must fit 32 bits.
        if m > u128::from(u32::MAX) {
            return None;
        }
        if error << 32 <= power {
            return Some((m as u64, shift.into()));
        }
    }
    None
}

/// Multiplier and shift for signed 32-bit division by `d >= 2` through a 64-bit product.
fn magic_s(d: u32) -> Option<(u64, u64)> {
    if d < 2 || d > i32::MAX as u32 || d.is_power_of_two() {
        return None;
    }
    for shift in 32..63u32 {
        let power = 1u128 << shift;
        let m = power / u128::from(d) + 1;
        let error = m * u128::from(d) - power;
        // |x| is at most 2³¹, and m·|x| must stay below 2⁶³.
        if m > u128::from(u32::MAX) {
            return None;
        }
        if error << 31 <= power {
            return Some((m as u64, shift.into()));
        }
    }
    None
}

fn reciprocal(c: Const) -> Option<Const> {
    match c {
        Const::F32(bits) => {
            let x = f32::from_bits(bits);
            let r = 1.0 / x;
            (x.is_normal() && r.is_normal() && bits & 0x7f_ffff == 0).then(|| Const::F32(r.to_bits()))
        }
        Const::F64(bits) => {
            let x = f64::from_bits(bits);
            let r = 1.0 / x;
            (x.is_normal() && r.is_normal() && bits & 0xf_ffff_ffff_ffff == 0)
                .then(|| Const::F64(r.to_bits()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        for &f in Func::ALL {
            assert_eq!(Func::from_name(f.name()), Some(f));
            assert!(!f.info().doc.is_empty());
        }
    }

    #[test]
    fn leb_sizes() {
        for (v, n) in
            [(0, 1), (63, 1), (64, 2), (-64, 1), (-65, 2), (8191, 2), (8192, 3), (-8192, 2), (i64::MIN, 10)]
        {
            assert_eq!(leb_bytes(v), n, "{v}");
        }
    }

    #[test]
    fn magic_division_is_exact_at_the_edges() {
        let mut found = 0;
        for d in (2..2000u32).chain([641, 65537, 1_000_000_007, i32::MAX as u32, u32::MAX, u32::MAX - 1]) {
            // The worst dividends are just below and at multiples of the divisor.
            let top = u32::MAX / d * d;
            let xs = [
                0,
                1,
                d - 1,
                d,
                d.wrapping_add(1),
                top,
                top.wrapping_sub(1),
                u32::MAX,
                u32::MAX - 1,
                1 << 31,
            ];
            if let Some((m, s)) = magic_u(d) {
                found += 1;
                for x in xs {
                    assert_eq!(((u64::from(x) * m) >> s) as u32, x / d, "{x} / {d}");
                }
            }
            if let Some((m, s)) = magic_s(d) {
                let top = i32::MAX / d as i32 * d as i32;
                for x in [0, 1, -1, top, top - 1, -top, 1 - top, i32::MAX, i32::MIN, d as i32, -(d as i32)] {
                    let q = ((i64::from(x).wrapping_mul(m as i64)) >> s) as i32 - (x >> 31);
                    assert_eq!(q, x / d as i32, "{x} / {d}");
                }
            }
        }
        assert!(found > 500);
    }
}
