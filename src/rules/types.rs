//! Type slots: unknown types that become equal or known as a rule is read (unification without structure).

use crate::ir::types::Type;
use std::collections::BTreeMap;

/// A type that may not be known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

/// What two occurrences of an immediate have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shared {
    /// Address type of a memory, by the text of its index.
    Memory(String),
    /// Type of a global's value.
    Global(String),
    /// Index type of a table.
    TableIndex(String),
    /// Type of a table's elements.
    TableElement(String),
}

/// All slots of one rule.
#[derive(Default)]
pub(super) struct Slots {
    parent: Vec<usize>,
    known: Vec<Option<Type>>,
    shared: BTreeMap<Shared, Slot>,
}

impl Slots {
    /// A new, unknown type.
    pub(super) fn fresh(&mut self) -> Slot {
        self.parent.push(self.parent.len());
        self.known.push(None);
        Slot(self.parent.len() - 1)
    }

    /// A known type.
    pub(super) fn of(&mut self, ty: Type) -> Slot {
        let s = self.fresh();
        self.known[s.0] = Some(ty);
        s
    }

    /// The type that belongs to an index, the same each time.
    pub(super) fn shared(&mut self, key: Shared) -> Slot {
        if let Some(&s) = self.shared.get(&key) {
            return s;
        }
        let s = self.fresh();
        self.shared.insert(key, s);
        s
    }

    fn root(&self, s: Slot) -> usize {
        let mut i = s.0;
        while self.parent[i] != i {
            i = self.parent[i];
        }
        i
    }

    /// The type, if known by now.
    pub(super) fn get(&self, s: Slot) -> Option<Type> {
        self.known[self.root(s)]
    }

    /// Makes both equal, or returns the two types that are not.
    pub(super) fn unify(&mut self, a: Slot, b: Slot) -> Result<(), (Type, Type)> {
        let (a, b) = (self.root(a), self.root(b));
        if let (Some(x), Some(y)) = (self.known[a], self.known[b])
            && x != y
        {
            return Err((x, y));
        }
        self.known[a] = self.known[a].or(self.known[b]);
        if a != b {
            self.parent[b] = a;
        }
        Ok(())
    }
}
