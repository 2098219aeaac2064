//! What a sample of a rule computes with: values that may be one of a set of NaNs, and memories with a history.

use crate::interp::{Const, Outcome, eval};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use std::rc::Rc;

/// A value of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Val {
    /// Exactly these bits.
    Known(Const),
    /// One of the canonical NaNs of the type: the engine chooses the sign.
    CanonicalNan(Type),
    /// One of the arithmetic NaNs of the type: the engine chooses payload and sign.
    ArithmeticNan(Type),
    /// Not modelled.
    Unknown,
}

/// Whether a NaN's payload is only the quiet bit.
fn is_canonical(c: Const) -> bool {
    match c {
        Const::F32(b) => b & 0x7fff_ffff == 0x7fc0_0000,
        Const::F64(b) => b & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        _ => false,
    }
}

/// Whether a NaN has the quiet bit.
fn is_arithmetic(c: Const) -> bool {
    match c {
        Const::F32(b) => c.is_nan() && b & 0x40_0000 != 0,
        Const::F64(b) => c.is_nan() && b & 0x8_0000_0000_0000 != 0,
        _ => false,
    }
}

/// Whether a float is no signalling NaN.
pub(super) fn is_quiet(c: Const) -> bool {
    !c.is_nan() || is_arithmetic(c)
}

impl Val {
    fn is_nan(self) -> bool {
        match self {
            Val::Known(c) => c.is_nan(),
            Val::CanonicalNan(_) | Val::ArithmeticNan(_) => true,
            Val::Unknown => false,
        }
    }

    /// Whether every value that `self` may be is one that `original` may be. `None`: cannot say.
    pub(super) fn refines(self, original: Val) -> Option<bool> {
        Some(match (original, self) {
            (Val::Unknown, _) | (_, Val::Unknown) => return None,
            (Val::Known(a), Val::Known(b)) => a == b,
            (Val::Known(_), _) => false,
            (Val::CanonicalNan(t), Val::Known(c)) => c.ty() == t && is_canonical(c),
            (Val::CanonicalNan(t), Val::CanonicalNan(u)) => t == u,
            (Val::CanonicalNan(_), Val::ArithmeticNan(_)) => false,
            (Val::ArithmeticNan(t), Val::Known(c)) => c.ty() == t && is_arithmetic(c),
            (Val::ArithmeticNan(t), Val::CanonicalNan(u) | Val::ArithmeticNan(u)) => t == u,
        })
    }
}

/// Evaluates an operator; `None` is a trap.
pub(super) fn apply(op: Op, imm: &Imm, args: &[Val]) -> Option<Val> {
    let mut known = Vec::with_capacity(args.len());
    for a in args {
        known.push(match *a {
            Val::Known(c) => c,
            // Any member of the set stands for it where only being a NaN matters.
            Val::CanonicalNan(t) | Val::ArithmeticNan(t) => nan_of(t),
            Val::Unknown => return Some(Val::Unknown),
        });
    }
    if args.iter().any(|a| !matches!(a, Val::Known(_))) {
        match op {
            Op::Select => {
                let [a, b, Val::Known(Const::I32(c))] = args else { return Some(Val::Unknown) };
                return Some(if *c != 0 { *a } else { *b });
            }
            Op::F32Neg | Op::F64Neg => return Some(args[0]),
            // The sign of the result is known though the payload is not: not one of our sets.
            Op::F32Abs | Op::F64Abs | Op::F32Copysign | Op::F64Copysign => return Some(Val::Unknown),
            // Bits of an unknown NaN.
            Op::I32ReinterpretF32
            | Op::I64ReinterpretF64
            | Op::F32x4Splat
            | Op::F64x2Splat
            | Op::F32x4ReplaceLane
            | Op::F64x2ReplaceLane => return Some(Val::Unknown),
            _ => {}
        }
    }
    match eval(op, imm, &known) {
        Outcome::Trap => None,
        Outcome::Value(c) => Some(Val::Known(c)),
        Outcome::Unknown => Some(nan_result(op, args)),
    }
}

/// The set of NaNs that a float operator may give: canonical if all NaN operands are (or there is none), arithmetic
/// otherwise (specification, section 4.3.3, NaN propagation).
fn nan_result(op: Op, args: &[Val]) -> Val {
    let ty = match op.name().split('.').next() {
        Some("f32") => Type::F32,
        Some("f64") => Type::F64,
        _ => return Val::Unknown,
    };
    let canonical = args.iter().filter(|a| a.is_nan()).all(|a| match a {
        Val::Known(c) => is_canonical(*c),
        Val::CanonicalNan(_) => true,
        _ => false,
    });
    if canonical { Val::CanonicalNan(ty) } else { Val::ArithmeticNan(ty) }
}

fn nan_of(ty: Type) -> Const {
    match ty {
        Type::F32 => Const::F32(0x7fc0_0000),
        _ => Const::F64(0x7ff8_0000_0000_0000),
    }
}

/// The last effect on a resource.
#[derive(Debug)]
pub(super) enum Effect {
    /// The state at the start: contents from a hash of seed and place.
    Start { seed: u64 },
    /// Bytes written.
    Store { at: u128, bytes: Vec<u8> },
    /// One byte repeated.
    Fill { at: u128, len: u128, byte: u8 },
    /// Bytes copied from a state of the same or another memory.
    Copy { at: u128, from: u128, len: u128, source: Rc<State> },
    /// A global or a table slot set.
    Set { index: u128, value: Val },
}

/// A state of a memory, global or table, with its history.
#[derive(Debug)]
pub(super) struct State {
    /// Index of the memory, global or table.
    pub(super) index: u64,
    /// Bytes of the memory or slots of the table.
    pub(super) size: u128,
    /// Whether addresses have 64 bits.
    pub(super) wide: bool,
    /// The last effect.
    effect: Effect,
    /// The state before it; none at the start.
    before: Option<Rc<State>>,
}

impl State {
    /// A first state.
    pub(super) fn start(index: u64, seed: u64, (size, wide): (u128, bool)) -> Rc<State> {
        Rc::new(State { index, size, wide, effect: Effect::Start { seed }, before: None })
    }

    /// The size of a memory in pages.
    pub(super) fn pages(&self) -> Const {
        let pages = (self.size >> 16) as u64;
        if self.wide { Const::I64(pages) } else { Const::I32(pages as u32) }
    }

    /// The state after `effect`; `None` if it is out of bounds.
    pub(super) fn after(self: &Rc<Self>, effect: Effect) -> Option<Rc<State>> {
        let (at, len) = effect.range();
        let source_fits = match &effect {
            Effect::Copy { from, len, source, .. } => from + len <= source.size,
            _ => true,
        };
        (at + len <= self.size && source_fits).then(|| {
            let (index, size, wide) = (self.index, self.size, self.wide);
            Rc::new(State { index, size, wide, effect, before: Some(self.clone()) })
        })
    }

    /// The byte at an address.
    pub(super) fn byte(&self, mut at: u128) -> u8 {
        let mut state = self;
        loop {
            let (start, len) = state.effect.range();
            let inside = at >= start && at - start < len;
            match &state.effect {
                Effect::Start { seed } => return mix(seed ^ at as u64) as u8,
                Effect::Store { bytes, .. } if inside => return bytes[(at - start) as usize],
                Effect::Fill { byte, .. } if inside => return *byte,
                Effect::Copy { from, source, .. } if inside => {
                    at = from + (at - start);
                    state = source;
                    continue;
                }
                _ => {}
            }
            match &state.before {
                Some(b) => state = b,
                None => return 0,
            }
        }
    }

    /// The value of a global or table slot of type `ty`.
    pub(super) fn slot(&self, at: u128, ty: Type) -> Val {
        let mut state = self;
        loop {
            match &state.effect {
                Effect::Set { index, value } if *index == at => return *value,
                Effect::Start { seed } => {
                    let bits = u128::from(mix(seed ^ at as u64));
                    return Const::from_bits(ty, bits).map_or(Val::Unknown, Val::Known);
                }
                _ => {}
            }
            match &state.before {
                Some(b) => state = b,
                None => return Val::Unknown,
            }
        }
    }

    /// Walks back over effects that do not touch `[at, at + len)`.
    pub(super) fn older(self: &Rc<Self>, at: u128, len: u128) -> Option<Rc<State>> {
        let mut state = self;
        while let Some(before) = &state.before {
            let (start, n) = state.effect.range();
            if at < start + n && start < at + len {
                break;
            }
            state = before;
        }
        (!Rc::ptr_eq(state, self)).then(|| state.clone())
    }
}

impl Effect {
    /// First byte and number of bytes touched.
    fn range(&self) -> (u128, u128) {
        match self {
            Effect::Start { .. } => (0, 0),
            Effect::Store { at, bytes } => (*at, bytes.len() as u128),
            Effect::Fill { at, len, .. } | Effect::Copy { at, len, .. } => (*at, *len),
            Effect::Set { index, .. } => (*index, 1),
        }
    }
}

/// SplitMix64's output function.
pub(super) fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The value a load gives for the bytes it reads.
pub(super) fn loaded(op: Op, bytes: &[u8]) -> Val {
    let mut raw = 0u128;
    for (i, b) in bytes.iter().enumerate() {
        raw |= u128::from(*b) << (8 * i);
    }
    let Some((ty, rest)) = op.name().split_once('.') else { return Val::Unknown };
    let ty = match ty {
        "i32" => Type::I32,
        "i64" => Type::I64,
        "f32" => Type::F32,
        "f64" => Type::F64,
        "v128" => return vector_of(rest, bytes).map_or(Val::Unknown, |v| Val::Known(Const::V128(v))),
        _ => return Val::Unknown,
    };
    if rest.ends_with("_s") {
        let bits = 8 * bytes.len() as u32;
        raw = crate::interp::int::signed(bits, raw as u64) as i128 as u128;
    }
    Const::from_bits(ty, raw).map_or(Val::Unknown, Val::Known)
}

/// What `v128.load…` makes of its bytes; `None` for those that take a vector too.
fn vector_of(name: &str, bytes: &[u8]) -> Option<u128> {
    // Lanes of `width` bytes, lane 0 first, each of `wide` bytes in the vector.
    let lanes = |width: usize, wide: usize, signed: bool| {
        bytes.chunks(width).enumerate().fold(0u128, |v, (i, lane)| {
            let raw = lane.iter().rev().fold(0u64, |x, b| x << 8 | u64::from(*b));
            let bits = 8 * width as u32;
            let x = if signed { crate::interp::int::signed(bits, raw) as u64 } else { raw };
            let x = u128::from(x & crate::interp::int::mask(8 * wide as u32));
            v | x << (8 * wide * i)
        })
    };
    let how = name.strip_prefix("load")?;
    if how.is_empty() || how.ends_with("_zero") {
        return Some(lanes(1, 1, false));
    }
    if how.ends_with("_splat") {
        let one = lanes(1, 1, false);
        return Some((0..16 / bytes.len()).fold(0, |v, i| v | one << (8 * bytes.len() * i)));
    }
    let (shape, sign) = how.split_once('_')?;
    let width = shape.split_once('x')?.0.parse::<usize>().ok()? / 8;
    Some(lanes(width, 2 * width, sign == "s"))
}

/// The bytes a store writes.
pub(super) fn stored(op: Op, value: Val) -> Option<Vec<u8>> {
    let width = usize::from(op.info().width);
    match value {
        Val::Known(c) if !op.name().contains("lane") => Some(c.bits().to_le_bytes()[..width].to_vec()),
        _ => None,
    }
}
