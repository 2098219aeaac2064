//! What a local or stack slot is known to hold: a set of SSA values, all of them equal to it. Sets are interned.

use crate::ir::entity::Value;
use hashbrown::HashMap;
use smallvec::SmallVec;

type Set = SmallVec<[Value; 2]>;

/// What becomes of a larger set is remembered while the locations of one state are rewritten.
const SMALL: usize = 2;

/// An interned set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SetId(u32);

/// Contents of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Symbol {
    /// Values that it equals, or whose being zero it tells.
    pub set: SetId,
    /// It is not zero exactly when the values are zero.
    pub negated: bool,
}

impl Symbol {
    /// Nothing is known.
    pub const UNKNOWN: Symbol = Symbol { set: SetId(0), negated: false };
}

pub(super) struct Symbols {
    sets: Vec<Set>,
    index: HashMap<Set, SetId>,
}

impl Symbols {
    pub fn new() -> Self {
        let mut s = Symbols { sets: Vec::new(), index: HashMap::new() };
        s.intern(Set::new());
        s
    }

    fn intern(&mut self, set: Set) -> SetId {
        if let Some(&id) = self.index.get(&set) {
            return id;
        }
        let id = SetId(self.sets.len() as u32);
        self.sets.push(set.clone());
        self.index.insert(set, id);
        id
    }

    /// The symbol that equals all of the values.
    pub fn of(&mut self, values: &[Value]) -> Symbol {
        let mut set: Set = values.iter().copied().collect();
        set.sort_unstable();
        set.dedup();
        Symbol { set: self.intern(set), negated: false }
    }

    pub fn values(&self, s: Symbol) -> &[Value] {
        &self.sets[s.set.0 as usize]
    }

    /// Whether the location is known to hold a value.
    pub fn holds(&self, s: Symbol, v: Value) -> bool {
        !s.negated && self.contains(s, v)
    }

    pub fn contains(&self, s: Symbol, v: Value) -> bool {
        self.values(s).binary_search(&v).is_ok()
    }

    /// What is known of locations that are as in `a` or as in `b`: replaces the symbols of `a`. Returns how many members it
    /// looked at.
    pub fn meet<'a>(
        &mut self,
        a: impl Iterator<Item = &'a mut Symbol>,
        b: impl Iterator<Item = Symbol>,
    ) -> usize {
        let mut known: HashMap<(Symbol, Symbol), Symbol> = HashMap::new();
        let mut work = 0;
        for (x, y) in a.zip(b) {
            work += 1;
            if *x == y {
                continue;
            }
            let few = self.values(*x).len().min(self.values(y).len());
            if few <= SMALL {
                *x = self.meet_one(*x, y);
                continue;
            }
            let pair = (*x, y);
            *x = match known.get(&pair) {
                Some(&s) => s,
                None => {
                    work += few;
                    let s = self.meet_one(*x, y);
                    known.insert(pair, s);
                    s
                }
            };
        }
        work
    }

    fn meet_one(&mut self, a: Symbol, b: Symbol) -> Symbol {
        if a.negated != b.negated {
            return Symbol::UNKNOWN;
        }
        let (few, many) = if self.values(a).len() <= self.values(b).len() { (a, b) } else { (b, a) };
        let set: Set = self.values(few).iter().copied().filter(|&v| self.contains(many, v)).collect();
        if set.is_empty() {
            return Symbol::UNKNOWN;
        }
        Symbol { set: self.intern(set), negated: a.negated }
    }

    /// Replaces the members of all symbols in `locations`: those that `keep` refuses go, those that `more` maps bring others
    /// along. Returns how many members it looked at.
    pub fn rewrite<'a>(
        &mut self,
        locations: impl Iterator<Item = &'a mut Symbol>,
        keep: impl Fn(Value) -> bool,
        more: &HashMap<Value, SmallVec<[Value; 2]>>,
    ) -> usize {
        // Many locations may hold the same large set, all zero for example.
        let mut known: HashMap<Symbol, Symbol> = HashMap::new();
        let mut work = 0;
        for s in locations {
            if !known.is_empty()
                && let Some(&new) = known.get(s)
            {
                *s = new;
                continue;
            }
            let new = self.rewrite_one(*s, &keep, more, &mut work);
            if self.values(*s).len().max(self.values(new).len()) > SMALL {
                known.insert(*s, new);
            }
            *s = new;
        }
        work
    }

    fn rewrite_one(
        &mut self,
        s: Symbol,
        keep: impl Fn(Value) -> bool,
        more: &HashMap<Value, SmallVec<[Value; 2]>>,
        work: &mut usize,
    ) -> Symbol {
        let old = self.values(s);
        *work += 1 + old.len();
        let grows = !s.negated && !more.is_empty() && old.iter().any(|v| more.contains_key(v));
        if !grows && old.iter().all(|&v| keep(v)) {
            return s;
        }
        let mut set: Set = old.iter().copied().filter(|&v| keep(v)).collect();
        if grows {
            set.extend(old.iter().filter_map(|v| more.get(v)).flatten().copied());
        }
        *work += set.len();
        set.sort_unstable();
        set.dedup();
        if set.is_empty() {
            return Symbol::UNKNOWN;
        }
        Symbol { set: self.intern(set), negated: s.negated }
    }
}
