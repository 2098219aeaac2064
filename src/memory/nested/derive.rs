//! Which values of a graph are addresses into which level, and where in an element.

use super::levels::Level;
use crate::analysis::{Cfg, Loops};
use crate::ir::entity::{Inst, MemoryId, Value};
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Op};
use crate::memory::objects::constant;
use cranelift_entity::SecondaryMap;
use hashbrown::HashMap;

/// What is known of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fact {
    /// Nothing was found yet: it is not computed before itself.
    #[default]
    Unseen,
    /// It comes from no level.
    Number,
    /// It is an address into one.
    Address {
        /// Which.
        level: usize,
        /// Where in an element, if that is always the same.
        at: Option<u32>,
        /// The value that gave the address of the allocation, if it is one and belongs to this turn of each loop.
        base: Option<Value>,
        /// Whether it is the address of the allocation itself.
        start: bool,
    },
    /// It may be this or that.
    Mixed,
}

impl Fact {
    fn meet(self, other: Fact) -> Fact {
        match (self, other) {
            (Fact::Unseen, x) | (x, Fact::Unseen) => x,
            (Fact::Number, Fact::Number) => Fact::Number,
            (
                Fact::Address { level, at, base, start },
                Fact::Address { level: l, at: a, base: b, start: s },
            ) if level == l => Fact::Address {
                level,
                at: at.filter(|_| at == a),
                base: base.filter(|_| base == b),
                start: start && s,
            },
            _ => Fact::Mixed,
        }
    }
}

/// Facts of all values.
pub struct Derived {
    facts: SecondaryMap<Value, Fact>,
}

impl Derived {
    /// What is known of a value.
    pub fn of(&self, v: Value) -> Fact {
        self.facts[v]
    }

    /// Whether a value comes from a level.
    pub fn is(&self, v: Value) -> bool {
        !matches!(self.facts[v], Fact::Number | Fact::Unseen)
    }

    /// The level and the place in an element that an access of an instruction with this address names.
    pub fn place(
        &self,
        f: &Function,
        inst: Inst,
        address: Value,
        levels: &[Level],
    ) -> Option<(usize, Option<u32>)> {
        let Fact::Address { level, at, .. } = self.facts[address] else { return None };
        let offset = f.insts[inst].imm.memarg().map_or(0, |m| m.offset as u32);
        let at = at.map(|at| at.wrapping_add(offset)).map(|at| match levels[level].stride {
            0 => at,
            stride => at % stride,
        });
        Some((level, at))
    }
}

/// Finds the addresses into levels in one memory. `starts`: values that are the address of a level; `skip`: loads out of elements that
/// give something else.
pub fn derive(
    f: &Function,
    cfg: &Cfg,
    loops: &Loops,
    levels: &[Level],
    memory: MemoryId,
    starts: &[(Value, usize)],
    skip: &[Inst],
) -> Derived {
    let mut residues: HashMap<u32, SecondaryMap<Value, Residue>> = HashMap::new();
    for level in levels.iter().filter(|l| l.stride != 0) {
        residues.entry(level.stride).or_insert_with(|| residues_of(f, cfg, level.stride));
    }
    let mut known = Derived { facts: SecondaryMap::with_capacity(f.values.len()) };
    let start_of = |v: Value| starts.iter().find(|s| s.0 == v).map(|s| s.1);
    let start = |level: usize, v: Value| Fact::Address { level, at: Some(0), base: Some(v), start: true };
    let transfer = |known: &Derived, i: Inst, v: Value| {
        if let Some(level) = start_of(v) {
            return start(level, v);
        }
        let args = f.args(i);
        let residue = |level: usize, y: Value| match levels[level].stride {
            0 => constant(f, y),
            stride => match residues[&stride][y] {
                Residue::Known(r) => Some(r),
                _ => None,
            },
        };
        let moved = |level: usize, at: Option<u32>, by: Option<u32>, down: bool| {
            let (at, by) = (at?, by?);
            Some(match (levels[level].stride, down) {
                (0, false) => at.wrapping_add(by),
                (0, true) => at.wrapping_sub(by),
                (stride, false) => (at + by) % stride,
                (stride, true) => (at + stride - by) % stride,
            })
        };
        match (f.insts[i].op, args) {
            (Op::I32Load, &[address]) if !skip.contains(&i) => {
                let here = f.insts[i].imm.memarg().map(|m| m.memory) == Some(memory);
                let place = known.place(f, i, address, levels).filter(|_| here);
                match place.and_then(|(level, at)| levels[level].child(at)) {
                    Some(child) => start(child, v),
                    None => Fact::Number,
                }
            }
            (Op::I32Add, &[a, b]) => match (known.of(a), known.of(b)) {
                (Fact::Address { level, at, base, .. }, Fact::Number) => Fact::Address {
                    level,
                    at: moved(level, at, residue(level, b), false),
                    base,
                    start: false,
                },
                (Fact::Number, Fact::Address { level, at, base, .. }) => Fact::Address {
                    level,
                    at: moved(level, at, residue(level, a), false),
                    base,
                    start: false,
                },
                (Fact::Unseen, _) | (_, Fact::Unseen) => Fact::Unseen,
                (Fact::Number, Fact::Number) => Fact::Number,
                _ => Fact::Mixed,
            },
            (Op::I32Sub, &[a, b]) => match (known.of(a), known.of(b)) {
                (Fact::Address { level, at, base, .. }, Fact::Number) => {
                    Fact::Address { level, at: moved(level, at, residue(level, b), true), base, start: false }
                }
                (Fact::Unseen, _) | (_, Fact::Unseen) => Fact::Unseen,
                (Fact::Mixed, _) | (_, Fact::Mixed) => Fact::Mixed,
                // A distance.
                _ => Fact::Number,
            },
            (Op::Select, &[a, b, _]) => known.of(a).meet(known.of(b)),
            // What else is done with addresses is looked at where uses are.
            _ => Fact::Number,
        }
    };
    for &p in f.block_params(f.entry) {
        known.facts[p] = start_of(p).map_or(Fact::Number, |level| start(level, p));
    }
    loop {
        let mut changed = false;
        let mut set = |known: &mut Derived, v: Value, fact: Fact| {
            let new = known.facts[v].meet(fact);
            changed |= new != known.facts[v];
            known.facts[v] = new;
        };
        for &b in cfg.rpo() {
            for &i in &f.blocks[b].insts {
                for &v in f.results(i) {
                    let fact = transfer(&known, i, v);
                    // Transfer is monotone, except that a meet must not fix what was only seen in part.
                    if fact != Fact::Unseen {
                        set(&mut known, v, fact);
                    }
                }
            }
            for e in f.term(b).edges() {
                let made = f.produced(e);
                for (n, &p) in f.block_params(e.block).iter().enumerate() {
                    let fact = match n.checked_sub(made) {
                        _ if start_of(p).is_some() => start(start_of(p).unwrap_or(0), p),
                        None => Fact::Number,
                        Some(n) => known.of(f.edge_args(e)[n]),
                    };
                    // An address that one turn of a loop hands to the next may come from another allocation than that of this turn.
                    let fact = match fact {
                        Fact::Address { level, at, base: Some(base), start }
                            if loops.is_header(e.block) && base != p && is_in(f, loops, e.block, base) =>
                        {
                            Fact::Address { level, at, base: None, start }
                        }
                        other => other,
                    };
                    set(&mut known, p, fact);
                }
            }
        }
        if !changed {
            return known;
        }
    }
}

/// Whether a value is defined in a loop.
fn is_in(f: &Function, loops: &Loops, header: crate::ir::entity::Block, v: Value) -> bool {
    use crate::ir::function::ValueDef;
    match f.values[v].def {
        ValueDef::Param(b, _) => loops.contains(header, b),
        ValueDef::Result(i, _) => {
            f.layout.iter().any(|&b| loops.contains(header, b) && f.blocks[b].insts.contains(&i))
        }
    }
}

/// The rest of a number divided by a stride, its sign taken into account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Residue {
    #[default]
    Unseen,
    Known(u32),
    Unknown,
}

impl Residue {
    fn meet(self, other: Residue) -> Residue {
        match (self, other) {
            (Residue::Unseen, x) | (x, Residue::Unseen) => x,
            (a, b) if a == b => a,
            _ => Residue::Unknown,
        }
    }
}

/// Residues of all numbers of a graph. Sums are taken as whole numbers: an index that wraps around does not lead back into the
/// allocation.
fn residues_of(f: &Function, cfg: &Cfg, stride: u32) -> SecondaryMap<Value, Residue> {
    let mut known: SecondaryMap<Value, Residue> = SecondaryMap::with_capacity(f.values.len());
    let rest = |c: u32| i64::from(c as i32).rem_euclid(stride.into()) as u32;
    let wide = u64::from(stride);
    for &p in f.block_params(f.entry) {
        known[p] = Residue::Unknown;
    }
    loop {
        let mut changed = false;
        let mut set = |known: &mut SecondaryMap<Value, Residue>, v: Value, r: Residue| {
            let new = known[v].meet(r);
            changed |= new != known[v];
            known[v] = new;
        };
        for &b in cfg.rpo() {
            for &i in &f.blocks[b].insts {
                for &v in f.results(i) {
                    let both = |combine: &dyn Fn(u64, u64) -> u64| {
                        let args = f.args(i);
                        match (known[args[0]], known[args[1]]) {
                            (Residue::Known(a), Residue::Known(b)) => {
                                Residue::Known((combine(a.into(), b.into()) % wide) as u32)
                            }
                            (Residue::Unseen, _) | (_, Residue::Unseen) => Residue::Unseen,
                            _ => Residue::Unknown,
                        }
                    };
                    let r = match (f.insts[i].op, f.insts[i].imm) {
                        (Op::I32Const, Imm::I32(c)) => Residue::Known(rest(c as u32)),
                        (Op::I32Add, _) => both(&|a, b| a + b),
                        (Op::I32Sub, _) => both(&|a, b| a + wide - b),
                        (Op::I32Mul, _) => {
                            let zero =
                                f.args(i).iter().any(|&a| constant(f, a).is_some_and(|c| rest(c) == 0));
                            if zero { Residue::Known(0) } else { both(&|a, b| a * b) }
                        }
                        (Op::I32Shl, _) => match constant(f, f.args(i)[1]).filter(|&n| n < 31) {
                            Some(n) if (1u64 << n).is_multiple_of(wide) => Residue::Known(0),
                            Some(n) => match known[f.args(i)[0]] {
                                Residue::Known(a) => Residue::Known(((u64::from(a) << n) % wide) as u32),
                                other => other,
                            },
                            None => Residue::Unknown,
                        },
                        _ => Residue::Unknown,
                    };
                    set(&mut known, v, r);
                }
            }
            for e in f.term(b).edges() {
                let made = f.produced(e);
                for (n, &p) in f.block_params(e.block).iter().enumerate() {
                    let r = match n.checked_sub(made) {
                        None => Residue::Unknown,
                        Some(n) => known[f.edge_args(e)[n]],
                    };
                    set(&mut known, p, r);
                }
            }
        }
        if !changed {
            return known;
        }
    }
}
