//! What the values of one graph are when claims are taken for true: constants, other values of the same graph, and bits known to be
//! zero or one.
//!
//! Bits are computed forwards in reverse postorder. Block parameters start as values that never come (all bits are zero and one), and what edges
//! bring is joined in until nothing changes: then every value is as said, by induction over a run. When something still changes after
//! [`MAX_PASSES`] walks, parameters are taken for unknown. Operators that are not listed are unknown, unless all operands are constants.
//!
//! Linear in the graph.

use super::{Claims, Same};
use crate::extract_check::reverse_postorder;
use crate::interp::int::{IntOp, classify};
use crate::interp::{Const, Outcome, eval};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, ValueDef};
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;

/// Walks over a graph after which block parameters are taken for unknown.
const MAX_PASSES: usize = 5;

/// All bits of an integer type; none for other types.
pub(super) fn width(ty: Type) -> u64 {
    match ty {
        Type::I32 => u64::from(u32::MAX),
        Type::I64 => u64::MAX,
        _ => 0,
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    Constant(Const),
    Value(Value),
}

/// Bits of an integer known to be zero, and to be one. A value that never comes has bits that are both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bits {
    zeros: u64,
    ones: u64,
}

impl Bits {
    const NEVER: Bits = Bits { zeros: u64::MAX, ones: u64::MAX };
    const UNKNOWN: Bits = Bits { zeros: 0, ones: 0 };

    fn of(constant: u64) -> Bits {
        Bits { zeros: !constant, ones: constant }
    }

    fn zeros(zeros: u64) -> Bits {
        Bits { zeros, ones: 0 }
    }

    /// Of every number up to this one.
    fn up_to(bound: u64) -> Bits {
        Bits::zeros(u64::MAX.checked_shl(u64::BITS - bound.leading_zeros()).unwrap_or(0))
    }

    fn join(self, other: Bits) -> Bits {
        Bits { zeros: self.zeros & other.zeros, ones: self.ones & other.ones }
    }

    fn and(self, other: Bits) -> Bits {
        Bits { zeros: self.zeros | other.zeros, ones: self.ones & other.ones }
    }

    /// The one number of these bits, of so many.
    fn constant(self, mask: u64) -> Option<u64> {
        let (zeros, ones) = (self.zeros & mask, self.ones & mask);
        (zeros ^ ones == mask && zeros & ones == 0).then_some(ones)
    }
}

/// The values of a graph.
pub(super) struct Values<'a> {
    f: &'a Function,
    claims: &'a Claims,
    bits: SecondaryMap<Value, Bits>,
}

impl<'a> Values<'a> {
    /// Of a graph as it was lifted.
    pub fn of(f: &'a Function, claims: &'a Claims) -> Values<'a> {
        let mut values = Values { f, claims, bits: SecondaryMap::with_default(Bits::NEVER) };
        for (n, &v) in f.block_params(f.entry).iter().enumerate() {
            let claim = claims.param(f.id, n);
            let constant = claimed(claim.is).and_then(Const::as_int).map_or(Bits::UNKNOWN, Bits::of);
            values.bits[v] = Bits { zeros: constant.zeros | claim.zeros, ..constant };
        }
        let order = reverse_postorder(f);
        for pass in 0..=MAX_PASSES {
            if pass == MAX_PASSES {
                for &b in order.iter().filter(|&&b| b != f.entry) {
                    f.block_params(b).iter().for_each(|&p| values.bits[p] = Bits::UNKNOWN);
                }
            }
            let mut changed = false;
            for &b in &order {
                changed |= values.block(b);
            }
            if !changed {
                break;
            }
        }
        values
    }

    /// Walks over a block; whether anything changed.
    fn block(&mut self, b: Block) -> bool {
        let f = self.f;
        let mut changed = false;
        for &i in &f.blocks[b].insts {
            for (n, &v) in f.results(i).iter().enumerate() {
                let new = self.result(i, n, f.ty(v));
                changed |= std::mem::replace(&mut self.bits[v], new) != new;
            }
        }
        for edge in f.term(b).edges() {
            let (produced, rest) = f.block_params(edge.block).split_at(f.produced(edge));
            let brought = rest.iter().zip(f.edge_args(edge)).map(|(&p, &a)| (p, self.bits[a]));
            let brought: SmallVec<[(Value, Bits); 4]> =
                produced.iter().map(|&p| (p, Bits::UNKNOWN)).chain(brought).collect();
            for (p, bits) in brought {
                let joined = self.bits[p].join(bits);
                changed |= std::mem::replace(&mut self.bits[p], joined) != joined;
            }
        }
        changed
    }

    fn result(&self, i: Inst, n: usize, ty: Type) -> Bits {
        let (f, data) = (self.f, &self.f.insts[i]);
        if width(ty) == 0 {
            return Bits::UNKNOWN;
        }
        match (data.op, data.imm) {
            (Op::Call, Imm::Func(callee)) => {
                let claim = self.claims.result(callee, n);
                let same = match claim.is {
                    Some(Same::Constant(c)) => c.as_int().map(Bits::of),
                    Some(Same::Parameter(p)) => f.args(i).get(p as usize).map(|&a| self.bits[a]),
                    None => None,
                }
                .unwrap_or(Bits::UNKNOWN);
                Bits { zeros: same.zeros | claim.zeros, ..same }
            }
            (op, Imm::Global(g)) if op.kind() == Kind::GlobalGet => {
                self.claims.globals[g].and_then(Const::as_int).map_or(Bits::UNKNOWN, Bits::of)
            }
            (op, _) if f.results(i).len() == 1 => self.operator(op, i),
            _ => Bits::UNKNOWN,
        }
    }

    /// Bits of the only result of an operator.
    fn operator(&self, op: Op, i: Inst) -> Bits {
        let (f, data) = (self.f, &self.f.insts[i]);
        let args = f.args(i);
        if op.is_pure()
            && let Some(constants) = args.iter().map(|&a| self.constant(a)).collect::<Option<Vec<Const>>>()
            && let Outcome::Value(c) = eval(op, &data.imm, &constants)
        {
            return c.as_int().map_or(Bits::UNKNOWN, Bits::of);
        }
        let bits = |n: usize| args.get(n).map_or(Bits::UNKNOWN, |&a| self.bits[a]);
        let full = args.first().map_or(0, |&a| width(f.ty(a)));
        match op {
            Op::Select => bits(0).join(bits(1)),
            Op::I32WrapI64 => bits(0),
            Op::I64ExtendI32U => Bits { zeros: bits(0).zeros | !full, ones: bits(0).ones & full },
            Op::I64ExtendI32S if bits(0).zeros >> 31 & 1 == 1 => {
                Bits { zeros: bits(0).zeros | !full, ones: bits(0).ones & full }
            }
            Op::I32Load8U | Op::I64Load8U => Bits::up_to(0xff),
            Op::I32Load16U | Op::I64Load16U => Bits::up_to(0xffff),
            Op::I64Load32U => Bits::up_to(u32::MAX.into()),
            Op::RefIsNull | Op::RefEq => Bits::up_to(1),
            _ => match classify(op) {
                Some((op, width)) => integer(op, width, [bits(0), bits(1)], full),
                None if is_float_test(op) => Bits::up_to(1),
                None => Bits::UNKNOWN,
            },
        }
    }

    /// The constant that a value is.
    fn constant(&self, v: Value) -> Option<Const> {
        let f = self.f;
        let stands = match f.values[v].def {
            ValueDef::Param(b, n) if b == f.entry => claimed(self.claims.param(f.id, n as usize).is),
            ValueDef::Param(..) => None,
            ValueDef::Result(i, n) => match (f.insts[i].op, f.insts[i].imm) {
                (Op::Call, Imm::Func(callee)) => claimed(self.claims.result(callee, n as usize).is),
                (op, Imm::Global(g)) if op.kind() == Kind::GlobalGet => self.claims.globals[g],
                (op, ref imm) => Const::from_imm(imm).filter(|c| c.to_op().0 == op),
            },
        };
        let of_bits = || self.bits[v].constant(width(f.ty(v)));
        stands.or_else(|| match f.ty(v) {
            Type::I32 | Type::I64 => Const::from_bits(f.ty(v), of_bits()?.into()),
            _ => None,
        })
    }

    /// An earlier value that a value is: an argument that its call gives back, or what a mask leaves as it is.
    fn earlier(&self, v: Value) -> Option<Value> {
        let f = self.f;
        let ValueDef::Result(i, n) = f.values[v].def else { return None };
        match (f.insts[i].op, f.insts[i].imm, f.args(i)) {
            (Op::Call, Imm::Func(callee), args) => match self.claims.result(callee, n as usize).is {
                Some(Same::Parameter(p)) => args.get(p as usize).copied(),
                _ => None,
            },
            (Op::I32And | Op::I64And, _, &[a, b]) => {
                let mask = width(f.ty(v));
                let leaves = |a: Value, b: Value| mask & !self.bits[a].zeros & !self.bits[b].ones == 0;
                if leaves(a, b) { Some(a) } else { leaves(b, a).then_some(b) }
            }
            _ => None,
        }
    }

    /// What a value is, as far back as it can be followed.
    pub fn is(&self, v: Value) -> Is {
        let mut v = v;
        for _ in 0..=self.f.values.len() {
            if let Some(c) = self.constant(v) {
                return Is::Constant(c);
            }
            match self.earlier(v) {
                Some(earlier) => v = earlier,
                None => break,
            }
        }
        Is::Value(v)
    }

    /// Bits of an integer that are zero; those beyond its width say nothing.
    pub fn zeros(&self, v: Value) -> u64 {
        self.bits[v].zeros & width(self.f.ty(v))
    }
}

fn claimed(same: Option<Same>) -> Option<Const> {
    match same {
        Some(Same::Constant(c)) => Some(c),
        _ => None,
    }
}

/// Bits of what an operator on integers of one width gives; `full`: all bits of an operand.
fn integer(op: IntOp, width: u32, [a, b]: [Bits; 2], full: u64) -> Bits {
    let count = b.constant(full).map(|c| c % u64::from(width));
    let (max_a, max_b) = (full & !a.zeros, full & !b.zeros);
    match op {
        IntOp::And => a.and(b),
        IntOp::Or => Bits { zeros: a.zeros & b.zeros, ones: a.ones | b.ones },
        IntOp::Xor => {
            Bits { zeros: a.zeros & b.zeros | a.ones & b.ones, ones: a.zeros & b.ones | a.ones & b.zeros }
        }
        IntOp::Add => {
            let low = a.zeros.trailing_ones().min(b.zeros.trailing_ones());
            let low = !u64::MAX.checked_shl(low).unwrap_or(0);
            // Without a common bit there is no carry; without a carry out of the width the sum is bounded.
            let sum = match max_a & max_b {
                0 => a.zeros & b.zeros,
                _ => max_a.checked_add(max_b).filter(|&s| s <= full).map_or(0, |s| Bits::up_to(s).zeros),
            };
            Bits::zeros(low | sum)
        }
        IntOp::Shl => count.map_or(Bits::UNKNOWN, |s| Bits {
            zeros: a.zeros << s | !(u64::MAX << s),
            ones: (a.ones << s) & full,
        }),
        IntOp::ShrU => shifted(a, count, full),
        IntOp::ShrS if a.zeros >> (width - 1) & 1 == 1 => shifted(a, count, full),
        IntOp::DivU => {
            let bound = b.constant(full).and_then(|c| max_a.checked_div(c));
            bound.map_or(Bits::UNKNOWN, Bits::up_to)
        }
        IntOp::RemU => {
            let bound = b.constant(full).and_then(|c| c.checked_sub(1));
            bound.map_or(Bits::UNKNOWN, Bits::up_to)
        }
        IntOp::Clz | IntOp::Ctz | IntOp::Popcnt => Bits::up_to(width.into()),
        _ if op.is_test() => test(op, width, [a, b], full).map_or(Bits::up_to(1), |t| Bits::of(t.into())),
        _ => Bits::UNKNOWN,
    }
}

fn shifted(a: Bits, count: Option<u64>, full: u64) -> Bits {
    count.map_or(Bits::UNKNOWN, |s| Bits {
        zeros: (a.zeros & full) >> s | !(full >> s),
        ones: (a.ones & full) >> s,
    })
}

/// What a test gives, where bits decide.
fn test(op: IntOp, width: u32, [a, b]: [Bits; 2], full: u64) -> Option<bool> {
    let (min_a, max_a) = (full & a.ones, full & !a.zeros);
    let (min_b, max_b) = (full & b.ones, full & !b.zeros);
    let less = if max_a < min_b {
        Some(true)
    } else if min_a >= max_b {
        Some(false)
    } else {
        None
    };
    let more = if max_b < min_a {
        Some(true)
    } else if min_b >= max_a {
        Some(false)
    } else {
        None
    };
    let apart = max_a < min_b || max_b < min_a || full & (a.zeros & b.ones | a.ones & b.zeros) != 0;
    // Of two numbers that are not negative the order is that without signs.
    let signed = a.zeros & b.zeros & 1 << (width - 1) != 0;
    match op {
        IntOp::Eqz => (min_a > 0).then_some(false).or_else(|| (max_a == 0).then_some(true)),
        IntOp::Eq => apart.then_some(false),
        IntOp::Ne => apart.then_some(true),
        IntOp::LtU => less,
        IntOp::GtU => more,
        IntOp::LeU => more.map(|m| !m),
        IntOp::GeU => less.map(|l| !l),
        IntOp::LtS if signed => less,
        IntOp::GtS if signed => more,
        IntOp::LeS if signed => more.map(|m| !m),
        IntOp::GeS if signed => less.map(|l| !l),
        _ => None,
    }
}

fn is_float_test(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        F32Eq | F32Ne | F32Lt | F32Gt | F32Le | F32Ge | F64Eq | F64Ne | F64Lt | F64Gt | F64Le | F64Ge
    )
}
