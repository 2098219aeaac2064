//! Final indices. A [`Plan`] says what becomes of each entity; a [`Numbering`] is the plan carried out: the final index of
//! every entity, and the order in which the kept ones are written.

use super::{Entity, Module};
use crate::ir::entity::{DataId, ElemId, FuncId, GlobalId, MemoryId, TableId, TagId, TypeId};
use cranelift_entity::{EntityRef, SecondaryMap};

/// Index of a removed entity. A module that still refers to one does not validate, whatever its size.
pub const REMOVED: u32 = u32::MAX;

/// What becomes of an entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate<E> {
    /// It is written.
    #[default]
    Keep,
    /// It is left out; nothing may refer to it.
    Remove,
    /// It is left out; what refers to it refers to the other one instead.
    Merge(E),
}

/// Fates of all entities; [`Fate::Keep`] unless said otherwise.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Plan {
    pub types: SecondaryMap<TypeId, Fate<TypeId>>,
    pub funcs: SecondaryMap<FuncId, Fate<FuncId>>,
    pub tables: SecondaryMap<TableId, Fate<TableId>>,
    pub memories: SecondaryMap<MemoryId, Fate<MemoryId>>,
    pub globals: SecondaryMap<GlobalId, Fate<GlobalId>>,
    pub tags: SecondaryMap<TagId, Fate<TagId>>,
    pub elems: SecondaryMap<ElemId, Fate<ElemId>>,
    pub data: SecondaryMap<DataId, Fate<DataId>>,
}

/// Final indices of one index space.
#[derive(Clone, Debug)]
pub struct IndexSpace<E> {
    /// Final index by entity.
    index: Vec<u32>,
    /// The entities that are written, in order.
    order: Vec<E>,
    identity: bool,
}

impl<E: EntityRef> IndexSpace<E> {
    /// Numbers `count` entities. `written` overrides the fate for what is written (types live in groups).
    fn new(count: usize, fate: &SecondaryMap<E, Fate<E>>, written: impl Fn(E) -> bool) -> Self {
        let order: Vec<E> = (0..count).map(E::new).filter(|&e| written(e)).collect();
        let mut own = vec![REMOVED; count];
        for (i, entity) in order.iter().enumerate() {
            own[entity.index()] = i as u32;
        }
        let final_index = |entity: usize| {
            // Merges may be chained; a cycle of merges ends nowhere and counts as removed.
            let mut target = E::new(entity);
            let mut steps = 0;
            while let Fate::Merge(next) = fate[target]
                && steps <= count
            {
                target = next;
                steps += 1;
            }
            let end = (steps <= count).then_some(target.index());
            end.and_then(|t| own.get(t)).copied().unwrap_or(REMOVED)
        };
        let index: Vec<u32> = (0..count).map(final_index).collect();
        let identity = index.iter().enumerate().all(|(i, &n)| i as u32 == n);
        IndexSpace { index, order, identity }
    }

    /// Final index of an entity, [`REMOVED`] when it is left out.
    pub fn get(&self, entity: E) -> u32 {
        self.index.get(entity.index()).copied().unwrap_or(REMOVED)
    }

    /// Whether an entity is written under an index of its own.
    pub fn is_written(&self, entity: E) -> bool {
        let index = self.get(entity);
        index != REMOVED && self.order[index as usize].index() == entity.index()
    }

    /// What an entity is in the module that is written; `None` when it has no index of its own there.
    pub fn renumbered(&self, entity: E) -> Option<E> {
        self.is_written(entity).then(|| E::new(self.get(entity) as usize))
    }

    /// The entities that are written, in order.
    pub fn order(&self) -> &[E] {
        &self.order
    }

    /// Whether every entity keeps its index.
    pub fn is_identity(&self) -> bool {
        self.identity
    }
}

/// Final indices of all index spaces.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Numbering {
    pub types: IndexSpace<TypeId>,
    pub funcs: IndexSpace<FuncId>,
    pub tables: IndexSpace<TableId>,
    pub memories: IndexSpace<MemoryId>,
    pub globals: IndexSpace<GlobalId>,
    pub tags: IndexSpace<TagId>,
    pub elems: IndexSpace<ElemId>,
    pub data: IndexSpace<DataId>,
}

impl Module {
    /// The numbering that keeps everything in its place.
    pub fn numbering(&self) -> Numbering {
        self.numbering_of(&Plan::default())
    }

    /// The numbering that a plan asks for. Types are left out only by whole recursion groups, because a smaller group is
    /// another type.
    pub fn numbering_of(&self, plan: &Plan) -> Numbering {
        let mut in_live_group = vec![false; self.types.len()];
        for group in &self.rec_groups {
            let members = group.first.index()..group.first.index() + group.len as usize;
            if members.clone().any(|t| plan.types[TypeId::new(t)] == Fate::Keep) {
                in_live_group[members].fill(true);
            }
        }
        fn space<E: EntityRef>(count: usize, fate: &SecondaryMap<E, Fate<E>>) -> IndexSpace<E> {
            IndexSpace::new(count, fate, |e| fate[e] == Fate::Keep)
        }
        Numbering {
            types: IndexSpace::new(self.types.len(), &plan.types, |t| in_live_group[t.index()]),
            funcs: space(self.funcs.len(), &plan.funcs),
            tables: space(self.tables.len(), &plan.tables),
            memories: space(self.memories.len(), &plan.memories),
            globals: space(self.globals.len(), &plan.globals),
            tags: space(self.tags.len(), &plan.tags),
            elems: space(self.elems.len(), &plan.elems),
            data: space(self.data.len(), &plan.data),
        }
    }
}

impl Numbering {
    /// Whether every entity of every index space keeps its index, so that raw bodies can be copied.
    pub fn is_identity(&self) -> bool {
        self.types.identity
            && self.funcs.identity
            && self.tables.identity
            && self.memories.identity
            && self.globals.identity
            && self.tags.identity
            && self.elems.identity
            && self.data.identity
    }

    /// Final index of any entity, [`REMOVED`] when it is left out.
    pub fn entity(&self, entity: Entity) -> u32 {
        match entity {
            Entity::Type(t) => self.types.get(t),
            Entity::Func(f) => self.funcs.get(f),
            Entity::Table(t) => self.tables.get(t),
            Entity::Memory(m) => self.memories.get(m),
            Entity::Global(g) => self.globals.get(g),
            Entity::Tag(t) => self.tags.get(t),
            Entity::Elem(e) => self.elems.get(e),
            Entity::Data(d) => self.data.get(d),
        }
    }

    /// Whether an entity is written under an index of its own.
    pub fn is_written(&self, entity: Entity) -> bool {
        match entity {
            Entity::Type(t) => self.types.is_written(t),
            Entity::Func(f) => self.funcs.is_written(f),
            Entity::Table(t) => self.tables.is_written(t),
            Entity::Memory(m) => self.memories.is_written(m),
            Entity::Global(g) => self.globals.is_written(g),
            Entity::Tag(t) => self.tags.is_written(t),
            Entity::Elem(e) => self.elems.is_written(e),
            Entity::Data(d) => self.data.is_written(d),
        }
    }
}
