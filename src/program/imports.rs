//! Imports of functions with the same names and type, in a closed world, become one.
//!
//! **Licence.** In a closed world imports that nothing uses are left out, so a host cannot supply them by position: it goes by their
//! two names, and the same names are the same function. Calls of one are calls of the other.
//!
//! **Declines.** In an open world. Functions of which somebody may hold a reference (an export, a table, a global, `ref.func`), the start
//! function: an embedder can tell function objects apart. Imports of memories, tables, globals and tags: they stand for state, or
//! for the identity of an exception, and nothing here says whether two of them are the same.
//!
//! Complexity: linear in the imports and in what names functions outside of bodies.

use super::reach::Live;
use crate::ir::entity::{FuncId, TypeId};
use crate::module::{Entity, Fate, Module, Plan};
use cranelift_entity::EntitySet;
use hashbrown::HashMap;

/// Lets every such import be written as the first one that is the same; how many.
pub fn merge(module: &Module, live: &Live, plan: &mut Plan) -> u64 {
    let mut held: EntitySet<FuncId> = live.ref_funcs.clone();
    let mut hold = |entity| {
        if let Entity::Func(f) = entity {
            held.insert(f);
        }
    };
    module.exports.iter().for_each(|e| hold(e.entity));
    module.start.into_iter().for_each(|f| hold(Entity::Func(f)));
    module.globals.keys().for_each(|g| module.references_of(Entity::Global(g), &mut hold));
    module.tables.keys().for_each(|t| module.references_of(Entity::Table(t), &mut hold));
    module.elems.keys().for_each(|e| module.references_of(Entity::Elem(e), &mut hold));
    let mut first: HashMap<(&str, &str, TypeId), FuncId> = HashMap::new();
    let mut merged = 0;
    for import in &module.imports {
        let Entity::Func(func) = import.entity else { continue };
        if !live.funcs.contains(func) || held.contains(func) {
            continue;
        }
        let ty = module.canonical_type(module.funcs[func].ty);
        let same = *first.entry((&import.module, &import.name, ty)).or_insert(func);
        if same != func {
            plan.funcs[func] = Fate::Merge(same);
            merged += 1;
        }
    }
    merged
}
