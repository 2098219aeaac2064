//! Which functions may run, and who may call, read or write from where it is not seen. Coarse on purpose: what is stored in tables may be called as
//! soon as anything that may run names a table or a segment, or a table is somebody else's too.
//!
//! Linear in the bodies that may run.

use crate::Error;
use crate::ir::entity::{FuncId, GlobalId};
use crate::module::{Entity, Module, Use, body_uses};
use cranelift_entity::{EntityRef, EntitySet};

/// What was found.
#[derive(Default)]
pub(super) struct Reached {
    /// Functions that may run.
    pub runs: EntitySet<FuncId>,
    /// Functions that may be called other than by a direct call of a graph: exported, the start function, those to which there is a
    /// reference, and those that a body kept as bytes names.
    pub open: EntitySet<FuncId>,
    /// Functions whose body is not seen: imported, or kept as bytes.
    pub unseen: EntitySet<FuncId>,
    /// Globals that others may read and write: imported and exported ones.
    pub open_globals: EntitySet<GlobalId>,
    /// Globals that a body which may run writes.
    pub written: EntitySet<GlobalId>,
    /// Globals that such a body, or an initialiser, reads.
    pub read: EntitySet<GlobalId>,
}

impl Reached {
    /// Of a module. `has_graph`: the functions that are not kept as bytes.
    pub fn of(module: &Module, has_graph: &[bool], kept: &dyn Fn(usize) -> bool) -> Result<Reached, Error> {
        let mut found = Reached::default();
        for func in module.funcs.keys().filter(|f| !has_graph[f.index()]) {
            found.unseen.insert(func);
        }
        for (g, global) in &module.globals {
            if global.init.is_none() {
                found.open_globals.insert(g);
            }
        }
        let mut work: Vec<FuncId> = Vec::new();
        // Whether what tables hold may be called.
        let mut tables = module.tables.values().any(|t| t.imported);
        for (_, export) in module.exports.iter().enumerate().filter(|(n, _)| kept(*n)) {
            match export.entity {
                Entity::Func(f) => {
                    found.open.insert(f);
                    work.push(f);
                }
                Entity::Global(g) => {
                    found.open_globals.insert(g);
                }
                Entity::Table(_) => tables = true,
                _ => {}
            }
        }
        if let Some(f) = module.start {
            found.open.insert(f);
            work.push(f);
        }
        let mut stored = Vec::new();
        found.initialisers(module, &mut work, &mut stored);
        let mut are_stored = false;
        loop {
            while let Some(func) = work.pop() {
                if !found.runs.insert(func) {
                    continue;
                }
                let (bytes, offset) = module.body(func);
                if bytes.is_empty() {
                    continue;
                }
                let is_seen = has_graph[func.index()];
                body_uses(bytes, offset, &mut |u| {
                    tables |= found.uses(u, is_seen, &mut work);
                })?;
            }
            if !tables || std::mem::replace(&mut are_stored, true) {
                return Ok(found);
            }
            found.open.extend(stored.iter().copied());
            work.extend_from_slice(&stored);
        }
    }

    /// What initialisers of globals refer to may be called; so may, through tables, what those of tables and segments do.
    fn initialisers(&mut self, module: &Module, work: &mut Vec<FuncId>, stored: &mut Vec<FuncId>) {
        let globals = module.globals.keys().map(|g| (Entity::Global(g), false));
        let tables = module.tables.keys().map(|t| (Entity::Table(t), true));
        let elems = module.elems.keys().map(|e| (Entity::Elem(e), true));
        let datas = module.data.keys().map(|d| (Entity::Data(d), true));
        for (entity, is_stored) in globals.chain(tables).chain(elems).chain(datas) {
            module.references_of(entity, &mut |named| match named {
                Entity::Func(f) if is_stored => stored.push(f),
                Entity::Func(f) => {
                    self.open.insert(f);
                    work.push(f);
                }
                Entity::Global(g) => {
                    self.read.insert(g);
                }
                _ => {}
            });
        }
    }

    /// A body that may run uses something; whether it is a table or a segment of one.
    fn uses(&mut self, used: Use, is_seen: bool, work: &mut Vec<FuncId>) -> bool {
        match used {
            Use::Of(Entity::Func(f)) => {
                if !is_seen {
                    self.open.insert(f);
                }
                work.push(f);
            }
            Use::RefFunc(f) => {
                self.open.insert(f);
                work.push(f);
            }
            Use::GlobalSet(g) => {
                self.written.insert(g);
            }
            Use::Of(Entity::Global(g)) => {
                self.read.insert(g);
            }
            Use::Of(Entity::Table(_) | Entity::Elem(_)) | Use::Indirect(..) | Use::TableSize(_) => {
                return true;
            }
            Use::Of(_) | Use::DataDrop(_) => {}
        }
        false
    }
}
