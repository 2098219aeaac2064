//! From what is reachable to what is written: the fates of all entities, and the few changes of the module itself.
//!
//! In: [`Live`]. Out: a [`Plan`], under which nothing written refers to anything left out. In the module, exports that do not
//! stay are gone, functions that are named but cannot be called have an empty body, and every function that a `ref.func`
//! in a body names is still declared (specification, section 3.4.1). Linear in the module without its code.

use super::data;
use super::reach::Live;
use super::seen::Seen;
use crate::ir::entity::{ElemId, FuncId};
use crate::ir::types::{RefType, Type};
use crate::module::{
    Body, ConstExpr, ConstOp, ElemItems, ElemMode, ElemSegment, Entity, Fate, Global, Module, Plan,
};
use cranelift_entity::{EntityRef, EntitySet, PrimaryMap, SecondaryMap};
use std::collections::BTreeMap;

/// No locals, `unreachable`, `end`.
const TRAP_BODY: [u8; 3] = [0, 0x00, 0x0b];

fn fates<E: EntityRef, V>(
    what: &'static str,
    of: &PrimaryMap<E, V>,
    live: &EntitySet<E>,
    fates: &mut SecondaryMap<E, Fate<E>>,
    counts: &mut BTreeMap<String, u64>,
) {
    let mut removed = 0;
    for e in of.keys().filter(|&e| !live.contains(e)) {
        fates[e] = Fate::Remove;
        removed += 1;
    }
    if removed > 0 {
        counts.insert(format!("dead-{what}"), removed);
    }
}

/// The plan that writes what is live.
pub struct Planned {
    /// It.
    pub plan: Plan,
    /// What it leaves out, by kind.
    pub passes: BTreeMap<String, u64>,
    /// Memories whose data would have been cut into too many segments.
    pub limited: u64,
}

/// Plans.
pub fn plan(module: &mut Module, live: &mut Live, seen: &Seen) -> Planned {
    let (mut plan, mut all) = (Plan::default(), BTreeMap::new());
    let counts = &mut all;
    let (mut packed, limited) = data::pack(module, live, seen);
    counts.append(&mut packed);
    let declared = declare(module, live);
    let mut elems = live.elems.clone();
    elems.extend(declared);
    fates("functions", &module.funcs, &live.funcs, &mut plan.funcs, counts);
    fates("tables", &module.tables, &live.tables, &mut plan.tables, counts);
    fates("memories", &module.memories, &live.memories, &mut plan.memories, counts);
    fates("globals", &module.globals, &live.globals, &mut plan.globals, counts);
    fates("tags", &module.tags, &live.tags, &mut plan.tags, counts);
    fates("element-segments", &module.elems, &elems, &mut plan.elems, counts);
    fates("data-segments", &module.data, &live.data, &mut plan.data, counts);
    fates("types", &module.types, &live.types, &mut plan.types, counts);
    for ty in module.types.keys().filter(|&t| !live.types.contains(t)) {
        // Equal to a type that is written: what names the one names the other then.
        let same = module.canonical_type(ty);
        if same != ty && live.types.contains(same) {
            plan.types[ty] = Fate::Merge(same);
        }
    }
    let mut emptied = 0;
    for (func, f) in &mut module.funcs {
        if f.body.is_some() && live.funcs.contains(func) && !live.called.contains(func) {
            f.body = Some(Body::Encoded(TRAP_BODY.to_vec()));
            emptied += 1;
        }
    }
    if emptied > 0 {
        counts.insert("emptied-bodies".to_owned(), emptied);
    }
    Planned { plan, passes: all, limited }
}

/// Sees to it that every function which a `ref.func` names is declared: declared segments are cut down to what needs them,
/// and when something else that declared a function is gone, a new one is added, or a global for each function where the
/// input has no segment of that kind. Returns the segments to write.
fn declare(module: &mut Module, live: &mut Live) -> Vec<ElemId> {
    let mut missing = live.ref_funcs.clone();
    let mut found = |entity| {
        if let Entity::Func(f) = entity {
            missing.remove(f);
        }
    };
    module.exports.iter().for_each(|e| found(e.entity));
    let globals = module.globals.keys().filter(|&g| live.globals.contains(g)).map(Entity::Global);
    let tables = module.tables.keys().filter(|&t| live.tables.contains(t)).map(Entity::Table);
    let elems = module.elems.keys().filter(|&e| live.elems.contains(e)).map(Entity::Elem);
    for entity in globals.chain(tables).chain(elems) {
        module.references_of(entity, &mut found);
    }
    let mut written = Vec::new();
    for (id, segment) in &mut module.elems {
        if !matches!(segment.mode, ElemMode::Declared) || live.elems.contains(id) {
            continue;
        }
        let funcs: Vec<FuncId> = match &segment.items {
            ElemItems::Funcs(funcs) => funcs.clone(),
            ElemItems::Exprs(_, exprs) => exprs.iter().filter_map(|e| e.as_ref_func()).collect(),
        };
        let needed: Vec<FuncId> = funcs.iter().copied().filter(|&f| missing.remove(f)).collect();
        if needed.is_empty() {
            continue;
        }
        // The type that a segment of expressions says need not be live.
        if needed.len() < segment.len() || matches!(segment.items, ElemItems::Exprs(..)) {
            segment.items = ElemItems::Funcs(needed);
        }
        written.push(id);
    }
    let rest: Vec<FuncId> = missing.iter().collect();
    // Declared segments came with the bulk memory proposal, which the input need not use.
    let has_modes =
        module.data_count || module.elems.values().any(|e| !matches!(e.mode, ElemMode::Active { .. }));
    if has_modes && !rest.is_empty() {
        let id = module.elems.push(ElemSegment { mode: ElemMode::Declared, items: ElemItems::Funcs(rest) });
        written.push(id);
    } else {
        for func in rest {
            let init = Some(ConstExpr::new(ConstOp::RefFunc(func)));
            let id = module.globals.push(Global { ty: Type::Ref(RefType::FUNCREF), mutable: false, init });
            live.globals.insert(id);
        }
    }
    written
}
