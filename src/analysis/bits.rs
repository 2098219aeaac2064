//! Bits known to be zero in integers: of an operator's result from those of its operands ([`zeros`], shared with the facts of
//! the e-graph), and of all values of a graph ([`Bits`]). They bound a value from above, unsigned.
//!
//! Through block parameters the optimistic form is taken: all bits of a parameter are zero until an edge says otherwise, and what
//! edges bring is joined in until nothing changes. When something still changes after [`MAX_PASSES`] walks over the graph, all
//! parameters are taken for unknown, so the time is linear in the graph.
//!
//! Reference: Henry S. Warren, "Hacker's Delight", chapter 4 (bounds of sums); LLVM's `KnownBits`.

use super::Cfg;
use crate::interp::{self, Const};
use crate::ir::entity::{Inst, Value};
use crate::ir::function::{Function, Terminator, ValueDef};
use crate::ir::ops::{Op, SigType, Signature};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;

/// Walks over a graph after which all block parameters are taken for unknown when one still changed.
pub const MAX_PASSES: usize = 4;

/// All bits of an integer type; none for other types.
pub fn width_mask(ty: Option<Type>) -> u64 {
    match ty {
        Some(Type::I32) => u64::from(u32::MAX),
        Some(Type::I64) => u64::MAX,
        _ => 0,
    }
}

/// Bits above the highest one of `bound`: zero in every number up to it.
pub fn above(bound: u64) -> u64 {
    match bound.checked_ilog2() {
        None => u64::MAX,
        Some(63) => 0,
        Some(n) => u64::MAX << (n + 1),
    }
}

/// Bits that are zero in the result of an operator. `z`: bits that are zero in its n-th operand; `k`: the constant that operand
/// is. Bits beyond the width of the result say nothing.
pub fn zeros(op: Op, z: impl Fn(usize) -> u64, k: impl Fn(usize) -> Option<u64>) -> u64 {
    let ty = match op.info().signature {
        Signature::Fixed { results: [SigType::Is(t)], .. } => Some(*t),
        _ => None,
    };
    let bits: u32 = ty.and_then(Type::bits).unwrap_or(0);
    let full = if bits == 64 { u64::MAX } else { u64::from(u32::MAX) };
    if ty == Some(Type::I32) && is_test(op) {
        return !1;
    }
    match op {
        Op::I32And | Op::I64And => z(0) | z(1),
        Op::I32Or | Op::I64Or | Op::I32Xor | Op::I64Xor => z(0) & z(1),
        Op::I32Add | Op::I64Add => {
            let (a, b) = (full & !z(0), full & !z(1));
            // Without a bit in common nothing is carried.
            if a & b == 0 {
                return z(0) & z(1);
            }
            let low = u64::MAX.checked_shl(z(0).trailing_ones().min(z(1).trailing_ones()));
            let high = a.checked_add(b).filter(|&sum| sum <= full).map_or(0, above);
            high | !low.unwrap_or(0)
        }
        Op::I32Shl | Op::I64Shl => k(1).map_or(0, |c| {
            let s = c as u32 % bits;
            (z(0) << s) | !(u64::MAX << s)
        }),
        Op::I32ShrU | Op::I64ShrU => k(1).map_or(0, |c| {
            let s = c as u32 % bits;
            ((z(0) & full) >> s) | (full & !(full >> s))
        }),
        Op::I32ShrS | Op::I64ShrS => k(1).map_or(0, |c| {
            let s = c as u32 % bits;
            // With a clear sign bit it is the unsigned shift.
            if z(0) >> (bits - 1) & 1 == 1 { ((z(0) & full) >> s) | (full & !(full >> s)) } else { 0 }
        }),
        Op::I32RemU | Op::I64RemU => k(1).map_or(0, |c| if c == 0 { 0 } else { above(c - 1) }),
        Op::I32DivU | Op::I64DivU => k(1).map_or(0, |c| match (full & !z(0)).checked_div(c) {
            Some(bound) => above(bound),
            None => 0,
        }),
        Op::I64ExtendI32U => z(0) | !u64::from(u32::MAX),
        Op::I32WrapI64 => z(0),
        // With a clear sign bit it is the unsigned extension.
        Op::I64ExtendI32S if z(0) >> 31 & 1 == 1 => z(0) | !u64::from(u32::MAX),
        Op::I32Load8U | Op::I64Load8U => !0xff,
        Op::I32Load16U | Op::I64Load16U => !0xffff,
        Op::I64Load32U => !u64::from(u32::MAX),
        Op::I32Clz | Op::I32Ctz | Op::I32Popcnt => above(32),
        Op::I64Clz | Op::I64Ctz | Op::I64Popcnt => above(64),
        Op::Select => z(0) & z(1),
        _ => 0,
    }
}

/// Whether the result is 0 or 1.
fn is_test(op: Op) -> bool {
    interp::int::classify(op).is_some_and(|(o, _)| o.is_test())
        || matches!(
            op,
            Op::F32Eq
                | Op::F32Ne
                | Op::F32Lt
                | Op::F32Gt
                | Op::F32Le
                | Op::F32Ge
                | Op::F64Eq
                | Op::F64Ne
                | Op::F64Lt
                | Op::F64Gt
                | Op::F64Le
                | Op::F64Ge
                | Op::RefIsNull
                | Op::RefEq
        )
}

/// Bits known to be zero in every value of a graph.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    zeros: SecondaryMap<Value, u64>,
}

impl Bits {
    /// Of a graph. `outside`: what is known of parameters of the function and of results of direct calls; 0 is nothing.
    pub fn compute(f: &Function, cfg: &Cfg, outside: &dyn Fn(&Function, ValueDef) -> u64) -> Bits {
        let mut bits = Bits { zeros: SecondaryMap::with_default(u64::MAX) };
        for &v in f.block_params(f.entry) {
            bits.zeros[v] = outside(f, f.values[v].def);
        }
        for pass in 0.. {
            if pass == MAX_PASSES {
                for &b in cfg.rpo().iter().filter(|&&b| b != f.entry) {
                    f.block_params(b).iter().for_each(|&p| bits.zeros[p] = 0);
                }
            }
            let mut changed = false;
            for &b in cfg.rpo() {
                for &i in &f.blocks[b].insts {
                    for &v in f.results(i) {
                        let new = bits.of_result(f, i, v, outside);
                        changed |= std::mem::replace(&mut bits.zeros[v], new) != new;
                    }
                }
                changed |= bits.pass_on(f, f.term(b));
            }
            // When all parameters are unknown, or nothing leads back, one walk says all there is to say.
            if !changed || pass == MAX_PASSES || cfg.back_edges().is_empty() {
                break;
            }
        }
        bits
    }

    fn of_result(
        &self,
        f: &Function,
        i: Inst,
        v: Value,
        outside: &dyn Fn(&Function, ValueDef) -> u64,
    ) -> u64 {
        if let Some(c) = Const::from_imm(&f.insts[i].imm).filter(|c| c.to_op().0 == f.insts[i].op) {
            return c.as_int().map_or(0, |c| !c);
        }
        if f.insts[i].op == Op::Call {
            return outside(f, f.values[v].def);
        }
        if f.results(i).len() != 1 {
            return 0;
        }
        let args = f.args(i);
        let z = |n: usize| args.get(n).map_or(0, |&a| self.zeros[a]);
        let k = |n: usize| args.get(n).and_then(|&a| constant(f, a));
        zeros(f.insts[i].op, z, k)
    }

    /// Joins what the edges of a terminator bring into the parameters of their targets; whether one changed.
    fn pass_on(&mut self, f: &Function, term: &Terminator) -> bool {
        let mut changed = false;
        for edge in term.edges() {
            let params = f.block_params(edge.block);
            let (produced, rest) = params.split_at(f.produced(edge));
            for &p in produced {
                changed |= std::mem::replace(&mut self.zeros[p], 0) != 0;
            }
            for (&p, &arg) in rest.iter().zip(f.edge_args(edge)) {
                let joined = self.zeros[p] & self.zeros[arg];
                changed |= std::mem::replace(&mut self.zeros[p], joined) != joined;
            }
        }
        changed
    }

    /// Bits of an integer known to be zero; those beyond its width say nothing.
    pub fn zeros(&self, v: Value) -> u64 {
        self.zeros[v]
    }

    /// The largest number, unsigned, that an integer can be.
    pub fn max(&self, f: &Function, v: Value) -> u64 {
        width_mask(Some(f.ty(v))) & !self.zeros[v]
    }
}

/// The constant that an integer is.
fn constant(f: &Function, v: Value) -> Option<u64> {
    super::constant(f, v)?.as_int()
}
