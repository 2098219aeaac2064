//! Stores to globals that nobody reads: `global.set` of a global of the module's own goes, and with it what only computed the
//! value, and the global when no `global.set` is left.
//!
//! Linear in the code of the functions that have such a store.

use super::reach::Live;
use crate::ir::dce::dce;
use crate::ir::entity::GlobalId;
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Kind};
use crate::module::Module;
use cranelift_entity::EntitySet;

/// The module's own globals that are written and never read.
pub fn unread_globals(module: &Module, live: &Live) -> EntitySet<GlobalId> {
    let unread = |g: &GlobalId| {
        module.globals[*g].init.is_some() && live.globals.contains(*g) && !live.read_globals.contains(*g)
    };
    let mut found = EntitySet::new();
    found.extend(module.globals.keys().filter(unread));
    found
}

/// Removes the stores to these globals from a graph; how many there were.
pub fn remove_stores(f: &mut Function, unread: &EntitySet<GlobalId>) -> u64 {
    let mut removed = 0;
    for b in f.layout.clone() {
        let mut insts = std::mem::take(&mut f.blocks[b].insts);
        insts.retain(|&i| {
            let dead = match (f.insts[i].op.kind(), f.insts[i].imm) {
                (Kind::GlobalSet, Imm::Global(g)) => unread.contains(g),
                _ => false,
            };
            removed += u64::from(dead);
            !dead
        });
        f.blocks[b].insts = insts;
    }
    if removed > 0 {
        dce(f);
    }
    removed
}
