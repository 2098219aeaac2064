//! What is known of a class, from its terms, and the questions of rules.

use super::closure::Closure;
use crate::analysis::bits::{self, width_mask};
use crate::egraph::facts::is_arithmetic;
use crate::egraph::node::{Head, Node};
use crate::interp::{self, Const, Outcome};
use crate::ir::ops::{Imm, ImmKind, Kind, Op, SigType, Signature};
use crate::ir::types::Type;
use crate::rules::{Facts, Length, shape};
use egg::Id;
use smallvec::SmallVec;

/// Most sums that one address is looked at as.
const MAX_SUMS: usize = 16;

/// Most effects that are stepped back over for one load.
const MAX_OLDER_STEPS: usize = 256;

/// What is known of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The type of a value.
    pub ty: Option<Type>,
    /// The constant that it is.
    pub constant: Option<Const>,
    /// The immediate that it is.
    pub imm: Option<u64>,
    /// Bits of an integer that are 0.
    pub zeros: u64,
    /// It is an integer and not 0.
    pub nonzero: bool,
    /// It is a float, and no signalling NaN.
    pub quiet: bool,
}

impl Known {
    /// Adds what else is known; whether anything was new.
    pub fn join(&mut self, more: &Known) -> Result<bool, &'static str> {
        let before = self.clone();
        let differ = |a: bool, why| if a { Err(why) } else { Ok(()) };
        differ(matches!((self.ty, more.ty), (Some(a), Some(b)) if a != b), "two types would be one")?;
        differ(
            matches!((self.constant, more.constant), (Some(a), Some(b)) if a != b),
            "two constants would be one",
        )?;
        differ(matches!((self.imm, more.imm), (Some(a), Some(b)) if a != b), "two immediates would be one")?;
        self.ty = self.ty.or(more.ty);
        self.constant = self.constant.or(more.constant);
        self.imm = self.imm.or(more.imm);
        self.zeros |= more.zeros;
        self.nonzero |= more.nonzero;
        self.quiet |= more.quiet;
        Ok(*self != before)
    }
}

/// What a term says of its class.
pub(super) fn known(terms: &Closure, node: &Node) -> Known {
    let mut k = Known::default();
    match node.head {
        Head::Const(c) => k.constant = Some(c),
        Head::Imm(i) => k.imm = Some(i),
        Head::Leaf(v) => k.ty = terms.leaf_type(v.as_u32()),
        Head::Version(_) | Head::Opaque(..) => {}
        Head::Op(op) => {
            let child = |i: usize| node.children.get(i).map(|&c| terms.known(c));
            let nonzero = |i: usize| child(i).is_some_and(|k| k.nonzero);
            k.constant = folded(terms, op, node);
            k.ty = match op.info().signature {
                Signature::Fixed { results: [SigType::Is(t)], .. } => Some(*t),
                _ if op == Op::Select => child(0).and_then(|k| k.ty).or(child(1).and_then(|k| k.ty)),
                _ => None,
            };
            let integer = |i: usize| child(i).and_then(|k| k.constant).and_then(Const::as_int);
            k.zeros = bits::zeros(op, |i| child(i).map_or(0, |k| k.zeros), integer) & width_mask(k.ty);
            k.nonzero = match op {
                Op::I32Or | Op::I64Or => nonzero(0) || nonzero(1),
                Op::I64ExtendI32U | Op::I64ExtendI32S => nonzero(0),
                Op::Select => nonzero(0) && nonzero(1),
                _ => false,
            };
            k.quiet = is_arithmetic(op);
        }
    }
    if let Some(c) = k.constant {
        k.ty = Some(c.ty());
        if let Some(i) = c.as_int() {
            k.zeros = !i & width_mask(k.ty);
            k.nonzero = i != 0;
        }
    }
    k
}

/// The value of an operator on constants.
fn folded(terms: &Closure, op: Op, node: &Node) -> Option<Const> {
    if op.info().imm != ImmKind::None || !matches!(op.kind(), Kind::Pure | Kind::Trap) {
        return None;
    }
    let args: Option<SmallVec<[Const; 3]>> = node.children.iter().map(|&c| terms.known(c).constant).collect();
    match interp::eval(op, &Imm::None, &args?) {
        Outcome::Value(c) => Some(c),
        Outcome::Trap | Outcome::Unknown => None,
    }
}

impl Closure {
    fn integer(&self, id: Id) -> Option<u64> {
        self.known(id).constant.and_then(Const::as_int)
    }

    /// Classes and constants whose sums, wrapping at the width, a class is; itself first.
    pub fn sums(&self, id: Id) -> SmallVec<[(Id, u64); 4]> {
        let mut found: SmallVec<[(Id, u64); 4]> = SmallVec::from_slice(&[(self.find(id), 0)]);
        let mask = width_mask(self.known(id).ty);
        let mut next = 0;
        while let Some(&(at, k)) = found.get(next) {
            next += 1;
            for node in self.members(at).filter(|n| matches!(n.head, Head::Op(Op::I32Add | Op::I64Add))) {
                let &[a, b] = node.children.as_slice() else { continue };
                for (base, addend) in [(a, b), (b, a)] {
                    let Some(c) = self.integer(addend) else { continue };
                    let sum = (self.find(base), k.wrapping_add(c) & mask);
                    if found.len() < MAX_SUMS && !found.iter().any(|f| f.0 == sum.0) {
                        found.push(sum);
                    }
                }
            }
        }
        found
    }

    /// The least and the greatest that `(a + o) - (b + p)` can be as an exact integer, and nothing between them.
    fn apart(&self, a: Id, o: u64, b: Id, p: u64) -> Option<(i128, i128)> {
        let bits = self.known(a).ty.or(self.known(b).ty).and_then(Type::bits).filter(|&n| n <= 64)?;
        let offsets = i128::from(o) - i128::from(p);
        if let (Some(x), Some(y)) = (self.integer(a), self.integer(b)) {
            let exact = i128::from(x) - i128::from(y) + offsets;
            return Some((exact, exact));
        }
        let others = self.sums(b);
        let ours = self.sums(a);
        let common = ours
            .iter()
            .find_map(|&(base, x)| others.iter().find(|other| other.0 == base).map(|&(_, y)| (x, y)));
        let (x, y) = common?;
        // The addresses differ by that modulo the width: either of them may have wrapped.
        let up = (i128::from(x) - i128::from(y)).rem_euclid(1i128 << bits);
        let down = if up == 0 { 0 } else { up - (1i128 << bits) };
        Some((down + offsets, up + offsets))
    }
}

impl Facts for Closure {
    type Class = Id;

    fn constant(&self, class: Id) -> Option<Const> {
        self.known(class).constant
    }

    /// What a rule says does not rest on it.
    fn not_const(&self, _: Id) -> bool {
        true
    }

    fn zero_bits(&self, value: Id, mask: u64) -> bool {
        let k = self.known(value);
        k.ty.is_some_and(|t| width_mask(Some(t)) != 0) && mask & width_mask(k.ty) & !k.zeros == 0
    }

    fn nonzero(&self, value: Id) -> bool {
        self.known(value).nonzero
    }

    fn nonneg(&self, value: Id) -> bool {
        let k = self.known(value);
        let sign = width_mask(k.ty) ^ (width_mask(k.ty) >> 1);
        sign != 0 && k.zeros & sign != 0
    }

    fn quiet(&self, value: Id) -> bool {
        self.known(value).quiet
    }

    fn no_wrap_add(&self, value: Id, addend: u64) -> bool {
        let k = self.known(value);
        let all = width_mask(k.ty);
        let greatest = all & !k.zeros;
        all != 0 && addend <= all - greatest
    }

    fn distance(&self, a: Id, o: u64, b: Id, p: u64) -> Option<i64> {
        let (least, greatest) = self.apart(a, o, b, p)?;
        (least == greatest).then(|| i64::try_from(least).ok()).flatten()
    }

    fn disjoint(&self, a: Id, o: u64, n: u64, b: Id, p: u64, k: Length<Id>) -> bool {
        let Length::Bytes(k) = k else { return false };
        let clear = |d: i128| d >= i128::from(k) || -d >= i128::from(n);
        n == 0 || k == 0 || self.apart(a, o, b, p).is_some_and(|(x, y)| clear(x) && clear(y))
    }

    /// The bytes at `to` are there, so `to` and what lies less than their length behind it does not wrap: of the two distances the one upwards
    /// is right if it is that small.
    fn within(&self, a: Id, o: u64, n: u64, to: Id, len: Length<Id>) -> bool {
        let Length::Bytes(len) = len else { return false };
        n > 0
            && self.apart(a, o, to, 0).is_some_and(|(_, up)| up >= 0 && up + i128::from(n) <= i128::from(len))
    }

    fn inside(&self, a: Id, o: u64, n: u64, to: Id, len: Length<Id>) -> Option<i64> {
        let (_, up) = self.apart(a, o, to, 0).filter(|_| self.within(a, o, n, to, len))?;
        i64::try_from(up).ok()
    }

    fn unchanged(&self, older: Id, newer: Id, memory: u64, a: Id, o: u64, n: u64) -> bool {
        let older = self.find(older);
        let mut at = self.find(newer);
        for _ in 0..MAX_OLDER_STEPS {
            if at == older {
                return true;
            }
            let next = self.members(at).find_map(|node| self.before(node, memory, a, o, n));
            match next {
                Some(next) => at = self.find(next),
                None => return false,
            }
        }
        false
    }

    fn older(&self, version: Id, memory: u64, a: Id, o: u64, n: u64) -> Option<Id> {
        let start = self.find(version);
        let mut at = start;
        for _ in 0..MAX_OLDER_STEPS {
            let Some(next) = self.members(at).find_map(|node| self.before(node, memory, a, o, n)) else {
                break;
            };
            at = self.find(next);
        }
        (at != start).then_some(at)
    }
}

impl Closure {
    /// The state before an effect on a memory that cannot touch these bytes.
    fn before(&self, effect: &Node, memory: u64, a: Id, o: u64, n: u64) -> Option<Id> {
        let op = effect.op()?;
        let shape = shape(op)?;
        let imm = |i: usize| effect.children.get(i).and_then(|&c| self.known(c).imm);
        let operand = |i: usize| effect.children.get(shape.imms.len() + i).copied();
        // Of a copy the first memory is the one that is written.
        if imm(0)? != memory {
            return None;
        }
        let (at, length) = match op.kind() {
            Kind::Store => (imm(1)?, Length::Bytes(u64::from(op.info().width))),
            Kind::MemoryFill | Kind::MemoryCopy => (0, Length::Bytes(self.integer(operand(2)?)?)),
            _ => return None,
        };
        self.disjoint(a, o, n, operand(0)?, at, length).then(|| operand(shape.operands)).flatten()
    }
}
