//! What a local or stack slot is known to hold: a set of SSA values, all of them equal to it. Sets are interned.

use crate::ir::entity::Value;
use hashbrown::HashMap;
use smallvec::SmallVec;

type Set = SmallVec<[Value; 2]>;

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

    /// What is known of a location that is one or the other.
    pub fn meet(&mut self, a: Symbol, b: Symbol) -> Symbol {
        if a == b {
            return a;
        }
        if a.negated != b.negated {
            return Symbol::UNKNOWN;
        }
        let set: Set = self.values(a).iter().copied().filter(|&v| self.contains(b, v)).collect();
        if set.is_empty() {
            return Symbol::UNKNOWN;
        }
        Symbol { set: self.intern(set), negated: a.negated }
    }

    /// Replaces the members: those that `keep` refuses go, those that `more` maps bring others along.
    pub fn rewrite(
        &mut self,
        s: Symbol,
        keep: impl Fn(Value) -> bool,
        more: &HashMap<Value, SmallVec<[Value; 2]>>,
    ) -> Symbol {
        let old = self.values(s);
        let grows = !s.negated && !more.is_empty() && old.iter().any(|v| more.contains_key(v));
        if !grows && old.iter().all(|&v| keep(v)) {
            return s;
        }
        let mut set: Set = old.iter().copied().filter(|&v| keep(v)).collect();
        if grows {
            set.extend(old.iter().filter_map(|v| more.get(v)).flatten().copied());
        }
        set.sort_unstable();
        set.dedup();
        if set.is_empty() {
            return Symbol::UNKNOWN;
        }
        Symbol { set: self.intern(set), negated: s.negated }
    }
}
