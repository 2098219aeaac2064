//! What operands a rule is tried on.

use super::model::{Effect, State, Val, is_quiet, mix};
use crate::interp::{Const, int};
use crate::ir::ops::{Op, SigType, Signature};
use crate::ir::types::Type;
use crate::rules::*;
use std::cell::RefCell;
use std::rc::Rc;

/// What a variable or node stands for in a sample.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Val(Val),
    State(Rc<State>),
}

/// Facts that are true of the operands drawn. A class is an index into `items`.
pub(super) struct Concrete {
    items: RefCell<Vec<Item>>,
}

impl Concrete {
    fn add(&self, item: Item) -> usize {
        let mut items = self.items.borrow_mut();
        items.push(item);
        items.len() - 1
    }

    /// What a class stands for.
    pub(super) fn item(&self, class: usize) -> Item {
        self.items.borrow()[class].clone()
    }

    fn int(&self, class: usize) -> Option<(u64, u32)> {
        match self.item(class) {
            Item::Val(Val::Known(c)) => Some((c.as_int()?, c.ty().bits()?)),
            _ => None,
        }
    }

    /// Base plus offset, which does not wrap.
    fn effective(&self, class: usize, offset: u64) -> Option<u128> {
        Some(u128::from(self.int(class)?.0) + u128::from(offset))
    }

    fn length(&self, n: Length<usize>) -> Option<u128> {
        match n {
            Length::Bytes(n) => Some(n.into()),
            Length::Value(c) => Some(self.int(c)?.0.into()),
        }
    }
}

impl Facts for Concrete {
    type Class = usize;

    fn zero_bits(&self, value: usize, mask: u64) -> bool {
        self.int(value).is_some_and(|(v, _)| v & mask == 0)
    }
    fn nonzero(&self, value: usize) -> bool {
        self.int(value).is_some_and(|(v, _)| v != 0)
    }
    fn nonneg(&self, value: usize) -> bool {
        self.int(value).is_some_and(|(v, bits)| int::signed(bits, v) >= 0)
    }
    fn quiet(&self, value: usize) -> bool {
        matches!(self.item(value), Item::Val(Val::Known(c)) if is_quiet(c))
    }
    fn no_wrap_add(&self, value: usize, addend: u64) -> bool {
        self.int(value).is_some_and(|(v, bits)| v.checked_add(addend).is_some_and(|s| s <= int::mask(bits)))
    }
    fn distance(&self, a: usize, o: u64, b: usize, p: u64) -> Option<i64> {
        let d = self.effective(a, o)? as i128 - self.effective(b, p)? as i128;
        i64::try_from(d).ok()
    }
    fn disjoint(&self, a: usize, o: u64, n: u64, b: usize, p: u64, k: Length<usize>) -> bool {
        let (Some(x), Some(y), Some(k)) = (self.effective(a, o), self.effective(b, p), self.length(k)) else {
            return false;
        };
        x + u128::from(n) <= y || y + k <= x
    }
    fn within(&self, a: usize, o: u64, n: u64, to: usize, len: Length<usize>) -> bool {
        let (Some(x), Some(to), Some(len)) = (self.effective(a, o), self.effective(to, 0), self.length(len))
        else {
            return false;
        };
        to <= x && x + u128::from(n) <= to + len
    }
    fn unchanged(&self, older: usize, newer: usize, memory: u64, a: usize, o: u64, n: u64) -> bool {
        let (Item::State(x), Item::State(y)) = (self.item(older), self.item(newer)) else { return false };
        let Some(at) = self.effective(a, o) else { return false };
        let is_memory = |s: &State| s.index == memory && s.size == x.size;
        is_memory(&x)
            && is_memory(&y)
            && (0..n).all(|i| x.byte(at + u128::from(i)) == y.byte(at + u128::from(i)))
    }
    fn older(&self, version: usize, memory: u64, a: usize, o: u64, n: u64) -> Option<usize> {
        let Item::State(s) = self.item(version) else { return None };
        if s.index != memory {
            return None;
        }
        let older = s.older(self.effective(a, o)?, n.into())?;
        Some(self.add(Item::State(older)))
    }
}

/// What is drawn for a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Value(Type),
    /// A value of the rule's undetermined type.
    Any,
    Address,
    Memory,
    Offset,
    Lane(u64),
    Index,
    /// A state of what the left side's operator names.
    Version(ImmPat),
}

/// A `memory.copy` on the left side: its memories, and its versions where they are variables.
struct Copy {
    memories: [ImmPat; 2],
    versions: [Option<VarId>; 2],
}

/// What is drawn for a rule.
pub(super) struct Plan {
    roles: Vec<Role>,
    /// Literals of the rule and their neighbours.
    literals: Vec<u64>,
    copies: Vec<Copy>,
    /// The width of addresses, where the rule says it.
    address: Option<Type>,
}

impl Plan {
    pub(super) fn of(rule: &Rule) -> Plan {
        let roles = rule.vars.iter().map(|v| match (v.kind, v.ty) {
            (VarKind::Value | VarKind::Const, Some(t)) => Role::Value(t),
            (VarKind::Value | VarKind::Const, None) => Role::Any,
            (VarKind::Version, _) => Role::Version(ImmPat::Lit(0)),
            (VarKind::Imm(ImmSort::Memory), _) => Role::Memory,
            (VarKind::Imm(ImmSort::Offset), _) => Role::Offset,
            (VarKind::Imm(ImmSort::Lane), _) => Role::Lane(1),
            (VarKind::Imm(_), _) => Role::Index,
        });
        let mut plan =
            Plan { roles: roles.collect(), literals: Vec::new(), copies: Vec::new(), address: None };
        for node in &rule.lhs.nodes {
            if let NodeKind::Op { op, imms, args } = &node.kind {
                plan.note_operator(rule, *op, imms, args);
            }
        }
        let in_terms = rule.lhs.nodes.iter().chain(&rule.rhs.nodes).filter_map(|n| match n.kind {
            NodeKind::Const(ConstPat::Lit(c)) => c.as_int(),
            _ => None,
        });
        let in_exprs = rule.exprs.iter().filter_map(|e| match e {
            Expr::Lit(c) => c.as_int(),
            _ => None,
        });
        let literals = in_terms.chain(in_exprs);
        plan.literals = literals.flat_map(|v| [v, v.wrapping_add(1), v.wrapping_sub(1)]).collect();
        plan
    }

    fn note_operator(&mut self, rule: &Rule, op: Op, imms: &[ImmPat], args: &[NodeId]) {
        let var = |id: NodeId| match rule.lhs.node(id).kind {
            NodeKind::Var(v) => Some(v),
            _ => None,
        };
        if let Signature::Fixed { params, .. } = op.info().signature {
            for (p, a) in params.iter().zip(args) {
                let address =
                    matches!(p, SigType::Addr | SigType::AddrSrc | SigType::AddrMin | SigType::TableAddr);
                if !address {
                    continue;
                }
                if let NodeType::Value(Some(ty)) = rule.lhs.node(*a).ty {
                    self.address = Some(ty);
                }
                if let Some(v) = var(*a) {
                    self.roles[v.index()] = Role::Address;
                }
            }
        }
        for i in imms {
            if let ImmPat::Var(v) = i
                && let Role::Lane(n) = &mut self.roles[v.index()]
            {
                *n = lanes(op);
            }
        }
        let versions = shape(op).map_or(0, |s| s.versions);
        for (&index, &arg) in imms.iter().zip(&args[args.len() - versions..]) {
            if let Some(v) = var(arg) {
                self.roles[v.index()] = Role::Version(index);
            }
        }
        if op == Op::MemoryCopy {
            self.copies.push(Copy { memories: [imms[0], imms[1]], versions: [var(args[3]), var(args[4])] });
        }
    }

    /// Draws all variables.
    pub(super) fn draw(&self, rule: &Rule, rng: &mut Random) -> Option<(Concrete, Vec<Bound<usize>>)> {
        let facts = Concrete { items: RefCell::new(Vec::new()) };
        let any = [Type::I32, Type::I64, Type::F32, Type::F64][rng.below(4) as usize];
        let wide = self.address.map_or(rng.below(4) == 0, |t| t == Type::I64);
        let address_type = if wide { Type::I64 } else { Type::I32 };
        // A memory with 32-bit addresses has at most 4 GiB.
        let size = 1u128 << [6, 16, 32, if wide { 33 } else { 32 }][rng.below(4) as usize];
        let style = Style { literals: &self.literals, narrow: rng.below(3) == 0, near: rng.below(2) == 0 };
        let mut drawn: Vec<u64> = Vec::new();
        let mut bound = vec![Bound::Unbound; rule.vars.len()];
        for (i, role) in self.roles.iter().enumerate() {
            let var = &rule.vars[i];
            let value = |c: Const| match var.kind {
                VarKind::Const => Bound::Const(c),
                _ => Bound::Class(facts.add(Item::Val(Val::Known(c)))),
            };
            bound[i] = match role {
                Role::Value(t) => value(style.constant(rng, *t, &mut drawn)),
                Role::Any => value(style.constant(rng, any, &mut drawn)),
                Role::Address => value(Const::from_bits(address_type, style.address(rng, size).into())?),
                Role::Memory => Bound::Imm(rng.below(2)),
                Role::Offset => Bound::Imm(style.offset(rng, wide, &drawn)),
                Role::Lane(n) => Bound::Imm(rng.below(*n)),
                Role::Index => Bound::Imm(rng.below(3)),
                // Its index may be drawn after it.
                Role::Version(_) => continue,
            };
            if let Bound::Imm(v) = bound[i] {
                drawn.push(v);
            }
        }
        for (i, role) in self.roles.iter().enumerate() {
            if let Role::Version(index) = role {
                let index = immediate(*index, rule, &bound, &facts)?;
                bound[i] = Bound::Class(facts.add(Item::State(history(rng, index, (size, wide)))));
            }
        }
        for c in &self.copies {
            let [d, s] = c.memories.map(|m| immediate(m, rule, &bound, &facts));
            if d == s {
                // A copy within one memory reads the state that it changes.
                let [Some(vd), Some(vs)] = c.versions else { return None };
                bound[vs.index()] = bound[vd.index()];
            }
        }
        satisfy(rule, rng, &facts, &mut bound);
        Some((facts, bound))
    }
}

/// Makes conditions true that few random operands meet, most of the time: bits that have to be clear, places that have to
/// be at a certain distance.
fn satisfy(rule: &Rule, rng: &mut Random, facts: &Concrete, bound: &mut [Bound<usize>]) {
    for &c in &rule.conditions {
        let Expr::Call { func, args } = rule.expr(c) else { continue };
        if rng.below(8) == 0 {
            continue;
        }
        match (func, rule.expr(args[0])) {
            (Func::ZeroBits | Func::NonNeg, Expr::Var(v)) => {
                let Bound::Class(class) = bound[v.index()] else { continue };
                let Some((x, bits)) = facts.int(class) else { continue };
                let mask = match args.get(1) {
                    Some(&mask) => rule.constant(mask, bound, facts).and_then(Const::as_int),
                    None => Some(1 << (bits - 1)),
                };
                let ty = if bits == 32 { Type::I32 } else { Type::I64 };
                if let Some(c) = mask.and_then(|m| Const::from_bits(ty, (x & !m).into())) {
                    facts.items.borrow_mut()[class] = Item::Val(Val::Known(c));
                }
            }
            (Func::Eq | Func::LeU, Expr::Call { func: Func::Distance, args: places }) => {
                let [Expr::Var(b), Expr::Var(p), Expr::Var(a), Expr::Var(o)] =
                    places[..].iter().map(|&e| rule.expr(e)).collect::<Vec<_>>()[..]
                else {
                    continue;
                };
                let limit = rule.immediate(args[1], bound, facts).unwrap_or(0);
                let distance = if *func == Func::Eq { limit } else { rng.below(limit.saturating_add(1)) };
                if let Bound::Imm(offset) = bound[o.index()] {
                    bound[b.index()] = bound[a.index()];
                    bound[p.index()] = Bound::Imm(offset.wrapping_add(distance));
                }
            }
            (Func::Unchanged, Expr::Var(older)) => {
                let (Bound::Class(x), Expr::Var(newer)) = (bound[older.index()], rule.expr(args[1])) else {
                    continue;
                };
                if let (Item::State(old), Bound::Class(y)) = (facts.item(x), bound[newer.index()]) {
                    // Around the place that is asked about, where an effect makes a difference.
                    let place = match (rule.expr(args[3]), rule.expr(args[4])) {
                        (Expr::Var(a), Expr::Var(o)) => match (bound[a.index()], bound[o.index()]) {
                            (Bound::Class(a), Bound::Imm(o)) => facts.effective(a, o),
                            _ => None,
                        },
                        _ => None,
                    };
                    facts.items.borrow_mut()[y] = Item::State(later(rng, old, place));
                }
            }
            _ => {}
        }
    }
}

/// A state with a few effects in its past, so that `older` has something to walk over.
fn history(rng: &mut Random, index: u64, (size, wide): (u128, bool)) -> Rc<State> {
    let start = State::start(index, rng.next(), (size, wide));
    later(rng, start, None)
}

/// A state some effects after another, half of them around a place.
fn later(rng: &mut Random, mut state: Rc<State>, place: Option<u128>) -> Rc<State> {
    let size = state.size;
    for _ in 0..rng.below(4) {
        let at: u128 = rng.below(64).into();
        let at = match (place, rng.below(2)) {
            (Some(place), 0) => (place + at % 24).saturating_sub(8),
            (_, 0) => at,
            _ => size.saturating_sub(at),
        };
        let effect = match rng.below(3) {
            0 => Effect::Fill { at, len: rng.below(12).into(), byte: rng.next() as u8 },
            1 => Effect::Copy {
                at,
                from: rng.below(64).into(),
                len: rng.below(12).into(),
                source: state.clone(),
            },
            _ => Effect::Store { at, bytes: rng.next().to_le_bytes()[..1 << rng.below(4)].to_vec() },
        };
        if let Some(next) = state.after(effect) {
            state = next;
        }
    }
    state
}

/// The number at an immediate.
pub(super) fn immediate(p: ImmPat, rule: &Rule, bound: &[Bound<usize>], facts: &Concrete) -> Option<u64> {
    match p {
        ImmPat::Lit(v) => Some(v),
        ImmPat::Var(v) => match bound[v.index()] {
            Bound::Imm(i) => Some(i),
            _ => None,
        },
        ImmPat::Expr(e) => rule.immediate(e, bound, facts),
    }
}

/// Deterministic random numbers.
pub(super) struct Random(u64);

impl Random {
    /// Seeded by a name.
    pub(super) fn of(name: &str) -> Random {
        Random(name.bytes().fold(0, |h, b| mix(h ^ u64::from(b))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

/// How the constants of one sample are drawn.
struct Style<'a> {
    literals: &'a [u64],
    /// All small: the interesting cases of an 8-bit machine.
    narrow: bool,
    /// Addresses near 0, otherwise near the end of the memory.
    near: bool,
}

impl Style<'_> {
    fn address(&self, rng: &mut Random, size: u128) -> u64 {
        match rng.below(16) {
            0 => 0u64.wrapping_sub(rng.below(40)),
            1 => rng.next(),
            _ if self.near => rng.below(24),
            _ => (size as u64).wrapping_sub(rng.below(32)),
        }
    }

    fn offset(&self, rng: &mut Random, wide: bool, drawn: &[u64]) -> u64 {
        match rng.below(8) {
            0 => u64::from(u32::MAX) - rng.below(40),
            1 if wide => u64::MAX - rng.below(40),
            2..=4 => rng.below(32),
            _ => drawn.last().map_or(0, |d| d.wrapping_add(rng.below(9))) & 0xff,
        }
    }

    fn constant(&self, rng: &mut Random, ty: Type, drawn: &mut Vec<u64>) -> Const {
        let v = match ty {
            Type::F32 => return Const::F32(float(rng, |x| (x as f32).to_bits().into(), 0xff << 23) as u32),
            Type::F64 => return Const::F64(float(rng, f64::to_bits, 0x7ff << 52)),
            Type::I32 => self.bits(rng, 32, drawn) & int::mask(32),
            Type::I64 => self.bits(rng, 64, drawn),
            _ => {
                let (high, low) = (self.bits(rng, 64, drawn), self.bits(rng, 64, drawn));
                return Const::V128(u128::from(high) << 64 | u128::from(low));
            }
        };
        drawn.push(v);
        if ty == Type::I32 { Const::I32(v as u32) } else { Const::I64(v) }
    }

    fn bits(&self, rng: &mut Random, bits: u32, drawn: &[u64]) -> u64 {
        let pick = |rng: &mut Random, list: &[u64]| list.get(rng.below(list.len() as u64) as usize).copied();
        if self.narrow {
            return rng.below(17).wrapping_sub(8);
        }
        let power = 1u64 << rng.below(bits.into());
        match rng.below(12) {
            0 => rng.below(5).wrapping_sub(2),
            1 => rng.below(u64::from(bits) + 2),
            // Powers of two, masks and their complements, the borders of signed and unsigned.
            2 => power,
            3 => power.wrapping_sub(1),
            4 => !power.wrapping_sub(1),
            5 if rng.below(2) == 0 => power.wrapping_add(rng.below(3)).wrapping_sub(1),
            // Where one more byte is needed to write the number.
            5 => {
                let border = (64u64 << (7 * rng.below(9))).wrapping_add(rng.below(3)).wrapping_sub(1);
                if rng.below(2) == 0 { border } else { border.wrapping_neg() }
            }
            6 => (1u64 << (bits - 1)).wrapping_add(rng.below(5)).wrapping_sub(2),
            7 | 8 => pick(rng, self.literals).unwrap_or(0),
            // Something that has to do with what was drawn before.
            9 => {
                let near = pick(rng, drawn).unwrap_or(1);
                match rng.below(5) {
                    0 => near.wrapping_neg(),
                    1 => !near,
                    2 => u64::from(bits).wrapping_sub(near),
                    _ => near.wrapping_add(rng.below(5)).wrapping_sub(2),
                }
            }
            10 if rng.below(2) == 0 => rng.next() >> rng.below(64),
            // Halfway between two floats, or next to it: where rounding twice differs from rounding once.
            10 => {
                let top = bits - 1 - rng.below(3) as u32;
                let half = top.saturating_sub(if rng.below(2) == 0 { 24 } else { 53 });
                ((1u64 << top) | (1 << half)).wrapping_add(rng.below(3)).wrapping_sub(1)
            }
            _ => rng.next(),
        }
    }
}

/// Bits of a float whose exponent field is `exponent`.
fn float(rng: &mut Random, bits: impl Fn(f64) -> u64, exponent: u64) -> u64 {
    const EDGES: [f64; 20] = [
        0.0,
        1.0,
        2.0,
        0.5,
        1.5,
        2.5,
        3.0,
        0.1,
        1e10,
        1e-40,
        1e-310,
        1e38,
        1e308,
        f64::INFINITY,
        f64::MAX,
        4294967296.0,
        2147483648.0,
        9007199254740993.0,
        16777217.0,
        f64::MIN_POSITIVE,
    ];
    let lowest = exponent & exponent.wrapping_neg();
    let sign = (exponent << 1) & !exponent;
    let quiet = lowest >> 1;
    let magnitude = match rng.below(8) {
        0..=2 => bits(EDGES[rng.below(EDGES.len() as u64) as usize]),
        3 => bits(rng.below(64) as f64 / 4.0),
        // NaNs: canonical, signalling, with a payload.
        4 => exponent | [quiet, 1, quiet | 1, quiet >> 1][rng.below(4) as usize],
        // Powers of two.
        5 => bits(f64::from_bits((1023 + rng.below(64) - 32) << 52)),
        _ => rng.next() & (exponent | (lowest - 1)),
    };
    magnitude | if rng.below(2) == 0 { sign } else { 0 }
}
