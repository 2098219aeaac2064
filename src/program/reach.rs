//! Reachability over every index space: what can still be used once only the roots are.
//!
//! In: the facts of all bodies and the exports that are kept. Out: [`Live`], what must be written. Everything starts dead; a
//! worklist marks what the roots use, and what that uses. Beyond the plain closure:
//!
//! - An active segment that surely fits is kept only with its table or memory: nobody can see it otherwise. One that may be
//!   out of range traps at instantiation, and one into an import is seen by whoever made that; both are roots.
//! - A function that is only named by a slot of a table is *named*, not *called*, as long as nothing can call it from there:
//!   the table is the module's own, its elements are never taken out, and no `call_indirect` through it has a type that the
//!   function's is a subtype of. Such a function keeps its type, for the trap of a call with another type, but no body.
//!
//! Linear in the references, but for the pairs of types called through a table and types in its slots.
//! ("Mark and sweep": McCarthy, "Recursive functions of symbolic expressions", Communications of the ACM 1960.)

use super::facts::BodyFacts;
use crate::ir::effects::EffectSet;
use crate::ir::entity::{DataId, ElemId, FuncId, GlobalId, MemoryId, TableId, TagId, TypeId};
use crate::ir::info::ModuleInfo;
use crate::ir::types::HeapType;
use crate::module::{ConstExpr, ConstOp, DataMode, ElemItems, ElemMode, ElemSegment, Entity, Module, Use};
use cranelift_entity::{EntityRef, EntitySet};
use hashbrown::{HashMap, HashSet};

/// What is reachable.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Live {
    /// Types, by the first of those that are the same type, with whole recursion groups.
    pub types: EntitySet<TypeId>,
    /// Functions that something names.
    pub funcs: EntitySet<FuncId>,
    /// Functions that can be called.
    pub called: EntitySet<FuncId>,
    pub tables: EntitySet<TableId>,
    pub memories: EntitySet<MemoryId>,
    pub globals: EntitySet<GlobalId>,
    /// Globals whose value somebody may see.
    pub read_globals: EntitySet<GlobalId>,
    pub tags: EntitySet<TagId>,
    pub elems: EntitySet<ElemId>,
    pub data: EntitySet<DataId>,
    /// Data segments that a body names.
    pub named_data: EntitySet<DataId>,
    /// Data segments that a body drops.
    pub dropped_data: EntitySet<DataId>,
    /// Functions that `ref.func` in a body names.
    pub ref_funcs: EntitySet<FuncId>,
}

/// The value of a constant offset, `None` when it is only known at instantiation.
pub(super) fn constant(offset: &ConstExpr) -> Option<u64> {
    match offset.ops[..] {
        [ConstOp::I32Const(v)] => Some(u64::from(v as u32)),
        [ConstOp::I64Const(v)] => Some(v as u64),
        _ => None,
    }
}

/// Whether copying `len` elements to `offset` of something with `size` of them surely succeeds.
pub(super) fn fits(offset: &ConstExpr, len: usize, size: u128) -> bool {
    constant(offset).is_some_and(|at| u128::from(at) + len as u128 <= size)
}

/// Whether evaluating an expression does nothing but give a value. Allocating an array may exhaust the engine.
fn is_plain(expr: &ConstExpr) -> bool {
    !expr.ops.iter().any(|op| matches!(op, ConstOp::ArrayNew(_) | ConstOp::ArrayNewDefault(_)))
}

/// What is known of a table's slots.
#[derive(Default)]
struct Slots {
    /// Whether elements may be taken out, so that every function in it counts as called.
    escapes: bool,
    /// Types that it is called with, one of those that are the same.
    called_types: HashSet<TypeId>,
    /// Functions in it by their types.
    funcs: HashMap<TypeId, Vec<FuncId>>,
    /// Active segments that go with the table.
    segments: Vec<ElemId>,
}

struct Reach<'a> {
    module: &'a Module,
    facts: &'a [BodyFacts],
    live: Live,
    tables: Vec<Slots>,
    /// Data segments that go with their memory.
    data_of: Vec<Vec<DataId>>,
    /// First type and length of the recursion group of each type.
    group_of: Vec<(u32, u32)>,
    work: Vec<Work>,
}

enum Work {
    /// Marked; what its definition names is not.
    Definition(Entity),
    /// Called; what its body uses is not marked.
    Body(FuncId),
}

/// Marks what is reachable. `exported` says of each export whether it is kept; imports are roots when `keep_imports` says so,
/// and the start function when `keep_start` does.
pub fn reach(
    module: &Module,
    facts: &[BodyFacts],
    exported: &[bool],
    keep_imports: bool,
    keep_start: bool,
) -> Live {
    let mut r = Reach {
        module,
        facts,
        live: Live::default(),
        tables: module.tables.keys().map(|_| Slots::default()).collect(),
        data_of: vec![Vec::new(); module.memories.len()],
        group_of: vec![(0, 0); module.types.len()],
        work: Vec::new(),
    };
    for group in &module.rec_groups {
        let first = group.first.index();
        r.group_of[first..first + group.len as usize].fill((first as u32, group.len));
    }
    r.segments();
    for (export, kept) in module.exports.iter().zip(exported) {
        if *kept {
            r.mark(export.entity);
        }
    }
    if keep_imports {
        module.imports.iter().for_each(|i| r.mark(i.entity));
    }
    if let (Some(start), true) = (module.start, keep_start) {
        r.mark(Entity::Func(start));
    }
    r.run();
    r.live
}

/// Whether the start function does nothing that anybody could see.
pub fn start_is_idle(summary: EffectSet) -> bool {
    summary.writes == 0
}

impl Reach<'_> {
    /// Active segments: roots, or to be kept with what they are copied into.
    fn segments(&mut self) {
        let module = self.module;
        for (id, elem) in &module.elems {
            let ElemMode::Active { table, offset, .. } = &elem.mode else { continue };
            let t = &module.tables[*table];
            let plain = match &elem.items {
                ElemItems::Funcs(_) => true,
                ElemItems::Exprs(_, exprs) => exprs.iter().all(is_plain),
            };
            if plain && !t.imported && fits(offset, elem.len(), t.initial.into()) {
                self.tables[table.index()].segments.push(id);
            } else {
                self.mark(Entity::Elem(id));
            }
        }
        for (id, data) in &module.data {
            let DataMode::Active { memory, offset } = &data.mode else { continue };
            let m = &module.memories[*memory];
            let size = u128::from(m.initial) * u128::from(m.page_size());
            if !m.imported && fits(offset, data.bytes.len(), size) {
                self.data_of[memory.index()].push(id);
            } else {
                self.mark(Entity::Data(id));
            }
        }
    }

    fn mark(&mut self, entity: Entity) {
        let new = match entity {
            Entity::Type(t) => return self.mark_type(t),
            Entity::Func(f) => return self.call(f),
            Entity::Table(t) => {
                self.escape(t);
                return self.mark_table(t);
            }
            Entity::Memory(m) => self.live.memories.insert(m),
            Entity::Global(g) => {
                self.live.read_globals.insert(g);
                self.live.globals.insert(g)
            }
            Entity::Tag(t) => self.live.tags.insert(t),
            Entity::Elem(e) => self.live.elems.insert(e),
            Entity::Data(d) => self.live.data.insert(d),
        };
        if new {
            self.work.push(Work::Definition(entity));
        }
    }

    fn mark_type(&mut self, ty: TypeId) {
        let (first, len) = self.group_of[self.module.canonical_type(ty).index()];
        for t in (first..first + len).map(TypeId::from_u32) {
            if self.live.types.insert(t) {
                self.work.push(Work::Definition(Entity::Type(t)));
            }
        }
    }

    fn mark_table(&mut self, table: TableId) {
        if self.live.tables.insert(table) {
            self.work.push(Work::Definition(Entity::Table(table)));
        }
    }

    /// The function must be there under an index, with its type.
    fn name(&mut self, func: FuncId) {
        if self.live.funcs.insert(func) {
            self.work.push(Work::Definition(Entity::Func(func)));
        }
    }

    fn call(&mut self, func: FuncId) {
        self.name(func);
        if self.live.called.insert(func) {
            self.work.push(Work::Body(func));
        }
    }

    /// Elements of the table may be taken out of it.
    fn escape(&mut self, table: TableId) {
        let slots = &mut self.tables[table.index()];
        if !std::mem::replace(&mut slots.escapes, true) {
            let funcs: Vec<FuncId> = slots.funcs.drain().flat_map(|(_, funcs)| funcs).collect();
            funcs.into_iter().for_each(|f| self.call(f));
        }
    }

    /// Whether a call with type `called` can reach a function of type `ty`.
    fn callable(&self, ty: TypeId, called: TypeId) -> bool {
        self.module.is_heap_subtype(HeapType::Concrete(ty), HeapType::Concrete(called))
    }

    fn indirect(&mut self, table: TableId, ty: TypeId) {
        self.mark_type(ty);
        self.mark_table(table);
        let ty = self.module.canonical_type(ty);
        if !self.tables[table.index()].called_types.insert(ty) {
            return;
        }
        let there: Vec<TypeId> = self.tables[table.index()].funcs.keys().copied().collect();
        for found in there {
            if !self.callable(found, ty) {
                continue;
            }
            let funcs = self.tables[table.index()].funcs.remove(&found).unwrap_or_default();
            funcs.into_iter().for_each(|f| self.call(f));
        }
    }

    /// A function stands in a slot of the table.
    fn slot(&mut self, table: TableId, func: FuncId) {
        self.name(func);
        let ty = self.module.canonical_type(self.module.funcs[func].ty);
        let slots = &self.tables[table.index()];
        if slots.escapes || slots.called_types.iter().any(|&called| self.callable(ty, called)) {
            self.call(func);
        } else {
            self.tables[table.index()].funcs.entry(ty).or_default().push(func);
        }
    }

    fn run(&mut self) {
        while let Some(work) = self.work.pop() {
            match work {
                Work::Definition(entity) => self.definition(entity),
                Work::Body(func) => {
                    let facts = self.facts;
                    facts
                        .get(func.index())
                        .map_or(&[][..], BodyFacts::uses)
                        .iter()
                        .for_each(|u| self.used(*u));
                }
            }
        }
    }

    fn used(&mut self, u: Use) {
        match u {
            Use::Of(entity) => {
                if let Entity::Data(d) = entity {
                    self.live.named_data.insert(d);
                }
                self.mark(entity);
            }
            Use::Indirect(table, ty) => self.indirect(table, ty),
            Use::TableSize(table) => self.mark_table(table),
            Use::GlobalSet(g) => {
                if self.live.globals.insert(g) {
                    self.work.push(Work::Definition(Entity::Global(g)));
                }
            }
            Use::DataDrop(d) => {
                self.live.dropped_data.insert(d);
                self.used(Use::Of(Entity::Data(d)));
            }
            Use::RefFunc(f) => {
                self.live.ref_funcs.insert(f);
                self.call(f);
            }
        }
    }

    fn definition(&mut self, entity: Entity) {
        let module = self.module;
        match entity {
            Entity::Elem(e) => return self.elem(&module.elems[e]),
            Entity::Table(t) => {
                if module.tables[t].imported {
                    self.escape(t);
                }
                let segments = std::mem::take(&mut self.tables[t.index()].segments);
                segments.into_iter().for_each(|e| self.mark(Entity::Elem(e)));
            }
            Entity::Memory(m) => {
                let segments = std::mem::take(&mut self.data_of[m.index()]);
                segments.into_iter().for_each(|d| self.mark(Entity::Data(d)));
            }
            _ => {}
        }
        module.references_of(entity, &mut |e| self.mark(e));
    }

    fn elem(&mut self, segment: &ElemSegment) {
        let table = match &segment.mode {
            // A declared one comes here only when a body names it.
            ElemMode::Declared | ElemMode::Passive => None,
            ElemMode::Active { table, offset, .. } => {
                self.mark_table(*table);
                offset.for_each_entity(&mut |e| self.mark(e));
                Some(*table)
            }
        };
        let place = |r: &mut Self, func: FuncId| match table {
            Some(table) => r.slot(table, func),
            None => r.call(func),
        };
        match &segment.items {
            ElemItems::Funcs(funcs) => funcs.iter().for_each(|&f| place(self, f)),
            ElemItems::Exprs(ty, exprs) => {
                if let HeapType::Concrete(t) = ty.heap {
                    self.mark_type(t);
                }
                for expr in exprs {
                    match expr.as_ref_func() {
                        Some(f) => place(self, f),
                        None => expr.for_each_entity(&mut |e| self.mark(e)),
                    }
                }
            }
        }
    }
}
