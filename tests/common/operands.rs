//! Operands on which the evaluator is compared with an engine, one instruction a module: edges, pseudo-random ones, traps.

use loom_wasm::interp::{Const, Outcome, eval};
use loom_wasm::ir::ops::{Imm, ImmKind, Op, SigType, Signature};
use loom_wasm::ir::types::Type;
use std::fmt::Write;

/// SplitMix64: the operands are the same on every run.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Values at which operators change what they do.
pub fn edges(ty: Type) -> Vec<Const> {
    let ints: [i64; 22] = [
        0,
        1,
        -1,
        2,
        -2,
        3,
        7,
        31,
        32,
        33,
        63,
        64,
        65,
        127,
        128,
        -128,
        255,
        32768,
        -32769,
        i64::from(i32::MAX),
        i64::from(i32::MIN),
        i64::MIN,
    ];
    let floats: [f64; 26] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        0.9999999,
        1e30,
        1e-310,
        -1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        2147483647.0,
        2147483648.0,
        -2147483648.0,
        -2147483649.0,
        4294967295.0,
        4294967296.0,
        9223372036854775808.0,
        -9223372036854775808.0,
        18446744073709551615.0,
        16777217.0,
    ];
    match ty {
        Type::I32 => ints.iter().map(|&v| Const::I32(v as u32)).chain([Const::I32(u32::MAX - 1)]).collect(),
        Type::I64 => {
            ints.iter().map(|&v| Const::I64(v as u64)).chain([Const::I64(i64::MAX as u64)]).collect()
        }
        Type::F32 => floats
            .iter()
            .map(|&v| Const::F32((v as f32).to_bits()))
            .chain([Const::F32(0x7fa0_0001), Const::F32(0x4f7f_ffff), Const::F32(0x5eff_ffff), Const::F32(1)])
            .collect(),
        Type::F64 => floats
            .iter()
            .map(|&v| Const::F64(v.to_bits()))
            .chain([
                Const::F64(0x7ff4_0000_0000_0001),
                Const::F64(0x43df_ffff_ffff_ffff),
                Const::F64(0x41ef_ffff_ffff_ffff),
                Const::F64(1),
            ])
            .collect(),
        Type::V128 => vec![
            Const::V128(0),
            Const::V128(u128::MAX),
            Const::V128(0x8000_7fff_ff80_7f01_0000_8000_0000_0001),
        ],
        Type::Ref(_) => vec![],
    }
}

/// A value of any size.
pub fn random(rng: &mut Random, ty: Type) -> Const {
    let bits = u128::from(rng.next()) << 64 | u128::from(rng.next());
    let bits = match rng.next() % 4 {
        0 => bits & 0xff,
        1 => bits >> (rng.next() % 128),
        2 => (bits as u8 as i8 as i128) as u128,
        _ => bits,
    };
    let c = Const::from_bits(ty, bits).expect("a number type");
    // Random bits are almost always huge or tiny floats: mix in floats near the integers.
    match (c, rng.next() % 2) {
        (Const::F32(b), 0) => Const::F32(((b as i32 as f32) / 256.0).to_bits()),
        (Const::F64(b), 0) => Const::F64(((b as i64 as f64) / 65536.0).to_bits()),
        _ => c,
    }
}

fn name(ty: Type) -> String {
    ty.to_string()
}

/// A module with a function `f` that applies the operator, and a memory `m`. Vectors travel through the memory, because they are
/// no parameters that an engine's API passes around easily: operand `i` lies at `16 * (i + 1)`, the result at 0.
fn module(op: Op, params: &[Type], result: Type, lane: Option<u8>) -> String {
    let mut s = String::from("(module (memory (export \"m\") 1) (func (export \"f\")");
    for p in params.iter().filter(|p| **p != Type::V128) {
        write!(s, " (param {})", name(*p)).expect("writing to a string");
    }
    if result != Type::V128 {
        write!(s, " (result {})", name(result)).expect("writing to a string");
    } else {
        s.push_str(" i32.const 0");
    }
    let mut local = 0;
    for (i, p) in params.iter().enumerate() {
        if *p == Type::V128 {
            write!(s, " (v128.load (i32.const {}))", 16 * (i + 1)).expect("writing to a string");
        } else {
            write!(s, " local.get {local}").expect("writing to a string");
            local += 1;
        }
    }
    write!(s, " {}", op.name()).expect("writing to a string");
    if let Some(l) = lane {
        write!(s, " {l}").expect("writing to a string");
    }
    if result == Type::V128 {
        s.push_str(" v128.store");
    }
    s.push_str("))");
    s
}

/// The number or vector type of a signature's word.
pub fn number(s: &SigType) -> Option<Type> {
    match s {
        SigType::Is(t) => Some(*t),
        _ => None,
    }
}

/// An engine with one module of one operator.
pub trait Machine {
    /// Loads the module given as text; its function is `f`, its memory `m`.
    fn load(text: &str) -> Self;
    /// Writes to the memory.
    fn write(&mut self, at: usize, bytes: [u8; 16]);
    /// Reads from the memory.
    fn read(&mut self, at: usize) -> [u8; 16];
    /// Calls the function with scalar arguments; `None` is a trap, and a vector result is in the memory.
    fn call(&mut self, args: &[Const], result: Type) -> Option<Option<Const>>;
}

/// Compares one operator; returns how many results were known.
fn compare<M: Machine>(op: Op, params: &[Type], result: Type, lane: Option<u8>) -> usize {
    let imm = lane.map_or(Imm::None, Imm::Lane);
    let mut machine = M::load(&module(op, params, result, lane));
    let mut rng = Random(op as u64);
    let mut samples: Vec<Vec<Const>> = vec![vec![]];
    for &p in params {
        let edges = edges(p);
        samples = samples.iter().flat_map(|s| edges.iter().map(|e| [&s[..], &[*e]].concat())).collect();
        samples.truncate(3000);
    }
    for _ in 0..300 {
        samples.push(params.iter().map(|&p| random(&mut rng, p)).collect());
    }

    let mut known = 0;
    for args in samples {
        let mut passed = Vec::new();
        for (i, a) in args.iter().enumerate() {
            match a {
                Const::V128(v) => machine.write(16 * (i + 1), v.to_le_bytes()),
                a => passed.push(*a),
            }
        }
        let engine_says = match machine.call(&passed, result) {
            Some(Some(c)) => Outcome::Value(c),
            Some(None) => Outcome::Value(Const::V128(u128::from_le_bytes(machine.read(0)))),
            None => Outcome::Trap,
        };
        match eval(op, &imm, &args) {
            // A NaN need not be known; everything else that is scalar must be.
            Outcome::Unknown => {
                if let Outcome::Value(c) = engine_says {
                    let vector = result == Type::V128 || params.contains(&Type::V128);
                    assert!(c.is_nan() || vector, "{} {args:?} is {c:?}, not unknown", op.name());
                }
            }
            ours => {
                known += 1;
                assert_eq!(ours, engine_says, "{} {args:?}", op.name());
            }
        }
    }
    known
}

/// Compares every operator that takes and gives numbers or vectors and has no other immediate than a lane.
pub fn compare_all<M: Machine>() {
    let (mut scalar, mut vector) = (0, 0);
    for &op in Op::ALL {
        let info = op.info();
        let Signature::Fixed { params, results: [result] } = info.signature else { continue };
        let lane = (info.imm == ImmKind::Lane).then_some(1);
        if (info.imm != ImmKind::None && lane.is_none()) || params.is_empty() || op.name().contains("relaxed")
        {
            continue;
        }
        if op == Op::Select {
            continue;
        }
        let Some(params) = params.iter().map(number).collect::<Option<Vec<_>>>() else { continue };
        let Some(result) = number(result) else { continue };
        let has_vector = result == Type::V128 || params.contains(&Type::V128);
        let known = compare::<M>(op, &params, result, lane);
        if has_vector {
            vector += usize::from(known > 0);
        } else {
            assert!(known > 0, "{} is never known", op.name());
            scalar += 1;
        }
    }
    // 123 numeric operators of the MVP that take operands, 5 sign extensions, 8 saturating truncations.
    assert_eq!(scalar, 136);
    assert!(vector >= 90, "{vector} vector operators are modelled");
}
