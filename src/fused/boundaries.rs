//! The boundary report: what became of each boundary that meld's attestation names.
//!
//! meld writes its adapters behind all other functions, as many as the attestation's `metadata.adapters_generated`, in the order of
//! `metadata.boundaries`. What is left in a graph remembers which function it came from when that was inlined
//! ([`Function::origin`](crate::ir::function::Function::origin)), so each is told of the right boundary.
//!
//! Further rounds start from written bodies, in which that is forgotten. Known is then how many copies and allocations of which boundary each
//! function has. Where they are all of one boundary, they stay that, however often a later round copies them; where they are of several, each
//! has as many as before at most, and what was copied is told of the first. Accesses are those that the first round told, where as many are
//! still there. Why allocations stay, and where, is what the first round said: its places are those of the input.

use crate::ir::entity::{FuncId, MemoryId};
use crate::memory::{Left, Reason};
use crate::module::{ATTESTATION, Module, Numbering};
use crate::report::{Boundary, Fate};
use cranelift_entity::EntityRef;
use std::collections::{BTreeMap, BTreeSet};

/// The boundaries of a program, from round to round.
#[derive(Clone, Debug, Default)]
pub struct Boundaries {
    list: Vec<Tracked>,
    /// What is left that no boundary is told of: of other adapters, or a component's own.
    others: LeftIn,
    /// What the memories were in the input.
    memories: BTreeMap<MemoryId, u32>,
    /// Rounds that were told of.
    rounds: u32,
}

/// How much of what is left in which function.
type LeftIn = BTreeMap<(FuncId, What), u64>;

/// What is counted one by one, with memories of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Copy { dst: u32, src: u32 },
    Allocation { memory: u32 },
}

/// A boundary.
#[derive(Clone, Debug)]
struct Tracked {
    told: Boundary,
    /// Its adapter's index in the input, and where its body stands there.
    place: (u32, usize),
    /// Its adapter, while that is there.
    adapter: Option<FuncId>,
    /// Functions that have something of it, the adapter included.
    holders: BTreeSet<FuncId>,
    /// Copies and allocations that are left.
    left: LeftIn,
    /// Why allocations are left.
    why: Vec<String>,
}

/// What one round did.
#[derive(Clone, Copy)]
pub struct Round<'a> {
    /// The names of functions.
    pub names: &'a dyn Fn(FuncId) -> Option<&'a str>,
    /// What is left: in which function, of which function's body, what.
    pub left: &'a [(FuncId, FuncId, Left)],
    /// Whether a function can be called at all.
    pub is_called: &'a dyn Fn(FuncId) -> bool,
    /// Whether it is in the output.
    pub stays: &'a dyn Fn(FuncId) -> bool,
    /// Who calls it directly.
    pub callers: &'a dyn Fn(FuncId) -> Vec<FuncId>,
    /// Whether allocators are known: without them allocations are not seen.
    pub knows_allocators: bool,
}

impl Boundaries {
    /// The boundaries of a module, in the order of the attestation; none where it has no attestation of meld.
    pub fn of(module: &Module) -> Boundaries {
        let list = tracked(module).unwrap_or_default();
        let memories = module.memories.keys().map(|m| (m, m.as_u32())).collect();
        Boundaries { list, others: LeftIn::new(), memories, rounds: 0 }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// For the report.
    pub fn told(&self) -> Vec<Boundary> {
        self.list.iter().map(|t| t.told.clone()).collect()
    }

    /// Takes in what a round did.
    pub fn tell(&mut self, round: &Round<'_>) {
        let first = self.rounds == 0;
        let (mut parts, others) = self.divided(round, first);
        self.others = others;
        for (tracked, left) in self.list.iter_mut().zip(&mut parts) {
            if first || tracked.told.fate != Fate::Erased {
                tracked.tell(round, std::mem::take(left), &self.memories, first);
            }
        }
        self.rounds += 1;
    }

    /// The copies and allocations that are left now: of each boundary, and of none.
    fn divided(&self, round: &Round<'_>, first: bool) -> (Vec<LeftIn>, LeftIn) {
        // By the function in which they are now, and the one in which they were.
        let mut now: BTreeMap<(FuncId, FuncId, What), u64> = BTreeMap::new();
        for (func, origin, left) in round.left.iter().filter(|(func, ..)| (round.stays)(*func)) {
            let index = |m: &MemoryId| self.memories.get(m).copied().unwrap_or(m.as_u32());
            let what = match left {
                Left::Copy { dst, src } => What::Copy { dst: index(dst), src: index(src) },
                Left::Allocation(memory, _) => What::Allocation { memory: index(memory) },
                Left::Accesses(..) => continue,
            };
            *now.entry((*func, *origin, what)).or_default() += 1;
        }
        let mut parts = vec![LeftIn::new(); self.list.len() + 1];
        for ((func, origin, what), n) in now {
            let had = |tracked: &Tracked| match first {
                true if tracked.adapter == Some(origin) => n,
                true => 0,
                false => tracked.left.get(&(origin, what)).copied().unwrap_or(0),
            };
            let mut claims: Vec<u64> = self.list.iter().map(had).collect();
            claims.push(self.others.get(&(origin, what)).copied().unwrap_or(0));
            let last = claims.len() - 1;
            let whose = claims.iter().position(|&c| c > 0).unwrap_or(last);
            if claims.iter().filter(|&&c| c > 0).count() < 2 {
                claims[whose] = n;
            } else {
                claims.iter_mut().for_each(|c| *c = n.min(*c));
                claims[whose] += n.saturating_sub(claims.iter().sum());
            }
            for (part, claim) in parts.iter_mut().zip(claims).filter(|(_, claim)| *claim > 0) {
                *part.entry((func, what)).or_default() += claim;
            }
        }
        let others = parts.pop().unwrap_or_default();
        (parts, others)
    }

    /// In the indices of the output.
    #[must_use]
    pub fn renumbered(mut self, numbering: &Numbering) -> Boundaries {
        let new = |f: FuncId| numbering.funcs.renumbered(f);
        let renumbered = |left: &LeftIn| -> LeftIn {
            left.iter().filter_map(|(&(f, what), &n)| Some(((new(f)?, what), n))).collect()
        };
        self.others = renumbered(&self.others);
        for t in &mut self.list {
            t.left = renumbered(&t.left);
            t.adapter = t.adapter.and_then(new);
            t.holders = t.holders.iter().filter_map(|&f| new(f)).collect();
        }
        let memory = |(m, was): (MemoryId, u32)| Some((numbering.memories.renumbered(m)?, was));
        self.memories = self.memories.into_iter().filter_map(memory).collect();
        self
    }
}

/// The boundaries with their adapters. `None`: there is no attestation of meld, or which adapter is whose cannot be told.
fn tracked(module: &Module) -> Option<Vec<Tracked>> {
    let section = module.custom(ATTESTATION)?;
    let json: serde_json::Value = serde_json::from_slice(&section.data).ok()?;
    let metadata = json.get("metadata")?;
    let list = metadata.get("boundaries").and_then(|b| b.as_array()).map_or(&[][..], Vec::as_slice);
    let count = metadata.get("adapters_generated").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let first = module.funcs.len().checked_sub(usize::try_from(count).ok()?)?;
    if list.len() as u64 > count || first < module.imported_funcs() {
        return None;
    }
    let one = |(n, entry): (usize, &serde_json::Value)| {
        let text = |key: &str| match entry.get(key) {
            Some(serde_json::Value::String(s)) => s.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let told = Boundary {
            from: text("from_component"),
            to: text("to_component"),
            function: text("function"),
            lowering: text("lowering"),
            ..Boundary::default()
        };
        let adapter = FuncId::new(first + n);
        let holders = BTreeSet::from([adapter]);
        let place = (adapter.as_u32(), module.body(adapter).1);
        Tracked { told, place, adapter: Some(adapter), holders, left: LeftIn::new(), why: Vec::new() }
    };
    Some(list.iter().enumerate().map(one).collect())
}

impl Tracked {
    /// Takes in what a round did. `now`: the copies and allocations that are left.
    fn tell(&mut self, round: &Round<'_>, now: LeftIn, memories: &BTreeMap<MemoryId, u32>, first: bool) {
        let is_called = self.holders.iter().any(|&f| (round.is_called)(f));
        let adapter = self.adapter.filter(|&f| is_called && (round.stays)(f));
        let mut holders: BTreeSet<FuncId> = adapter.into_iter().collect();
        holders.extend(now.keys().map(|(func, _)| func));
        let mut accesses = BTreeMap::new();
        for (func, origin, left) in round.left {
            if !(round.stays)(*func) || !self.holders.contains(origin) {
                continue;
            }
            holders.insert(*func);
            match left {
                Left::Accesses(m, n) => {
                    *accesses.entry(memories.get(m).copied().unwrap_or(m.as_u32())).or_default() += n;
                }
                Left::Allocation(_, reason) if first => {
                    let text = text(reason, round);
                    if !self.why.contains(&text) {
                        self.why.push(text);
                    }
                }
                Left::Allocation(..) | Left::Copy { .. } => {}
            }
        }
        if first {
            self.told.accesses = accesses;
        } else {
            at_most(&mut self.told.accesses, &accesses);
        }
        let is_copy = |what: &What| matches!(what, What::Copy { .. });
        let count =
            |copies: bool| now.iter().filter(|((_, w), _)| is_copy(w) == copies).map(|(_, n)| n).sum();
        self.told.copies = count(true);
        self.told.allocations = match round.knows_allocators || holders.is_empty() {
            true => count(false),
            false => self.told.allocations,
        };
        self.left = now;
        self.holders = holders;
        self.adapter = adapter;
        let left =
            if self.told.copies + self.told.allocations == 0 { None } else { Some(self.what_is_left()) };
        (self.told.fate, self.told.reason) = match (adapter, left) {
            _ if !is_called => (Fate::Erased, "nothing calls it".to_owned()),
            (None, None) => (Fate::Erased, "inlined, without copies or allocations".to_owned()),
            (None, Some(left)) => (Fate::Reduced, left),
            (Some(adapter), left) => {
                let left = left.map_or_else(String::new, |left| format!("; {left}"));
                let (index, at) = self.place;
                let why = why_called(adapter, round, first);
                (Fate::Kept, format!("its adapter, function {index} at {at:#x}, is {why}{left}"))
            }
        };
        self.told.erased = self.told.fate == Fate::Erased;
    }

    /// What is left, in words.
    fn what_is_left(&self) -> String {
        let count = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let mut copies: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (&(_, what), n) in &self.left {
            if let What::Copy { dst, src } = what {
                *copies.entry((dst, src)).or_default() += n;
            }
        }
        let from_to = copies.iter().map(|(&(dst, src), &n)| format!("{n} from memory {src} to {dst}"));
        let by_memory =
            self.told.accesses.iter().map(|(m, n)| format!("{n} of memory {m}")).collect::<Vec<_>>();
        let mut parts = Vec::new();
        if self.told.copies > 0 {
            let list = from_to.collect::<Vec<_>>().join(", ");
            parts.push(format!("{} ({list})", count(self.told.copies, "copy", "copies")));
        }
        if self.told.allocations > 0 {
            parts.push(count(self.told.allocations, "allocation", "allocations"));
        }
        if !by_memory.is_empty() {
            let n = self.told.accesses.values().sum();
            parts.push(format!("{} ({})", count(n, "access", "accesses"), by_memory.join(", ")));
        }
        let why = match self.told.allocations {
            0 => String::new(),
            _ => self.why.iter().map(|why| format!("; {why}")).collect(),
        };
        format!("left: {}{why}", parts.join(", "))
    }
}

/// Of what was left before, no more than is seen now.
fn at_most<K: Ord>(before: &mut BTreeMap<K, u64>, now: &BTreeMap<K, u64>) {
    before.retain(|key, n| {
        *n = now.get(key).map_or(0, |&now| now.min(*n));
        *n > 0
    });
}

/// A function for a user: by its name, and by its index where that is the one of the input.
fn name(func: FuncId, round: &Round<'_>, is_input: bool) -> String {
    match ((round.names)(func), is_input) {
        (Some(name), true) => format!("function {} `{name}`", func.as_u32()),
        (Some(name), false) => format!("`{name}`"),
        (None, true) => format!("function {}", func.as_u32()),
        (None, false) => "a function without a name".to_owned(),
    }
}

/// Why an allocation stays, in words.
fn text(reason: &Reason, round: &Round<'_>) -> String {
    let callee = reason.callee.map_or_else(String::new, |f| format!(" to {}", name(f, round, true)));
    let at = reason.at.map_or_else(String::new, |at| {
        let offset = at.offset.map_or_else(String::new, |n| format!(" at {n:#x}"));
        format!("{offset} in {}", name(at.func, round, true))
    });
    format!("{}{callee}{at}", reason.what)
}

/// Why an adapter is there, in words.
fn why_called(adapter: FuncId, round: &Round<'_>, is_input: bool) -> String {
    let mut callers = (round.callers)(adapter).into_iter().filter(|&f| (round.is_called)(f));
    match (callers.next(), callers.count()) {
        (Some(f), 0) => format!("still called by {}", name(f, round, is_input)),
        (Some(f), more) => {
            format!("still called by {} and {more} more", name(f, round, is_input))
        }
        (None, _) => "reached through a table, an export or a reference".to_owned(),
    }
}
