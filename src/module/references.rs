//! Who refers to whom outside of function bodies. What bodies refer to is known to the SSA graph, and for raw bodies to
//! [`Module::raw_body_references`].

use super::{ConstExpr, DataMode, ElemItems, ElemMode, Entity, Module};
use crate::ir::entity::FuncId;
use crate::ir::types::{HeapType, RefType, Type};
use cranelift_entity::EntitySet;

fn value_type(ty: Type, visit: &mut dyn FnMut(Entity)) {
    if let Type::Ref(RefType { heap: HeapType::Concrete(t), .. }) = ty {
        visit(Entity::Type(t));
    }
}

fn expression(expr: Option<&ConstExpr>, visit: &mut dyn FnMut(Entity)) {
    if let Some(expr) = expr {
        expr.for_each_entity(visit);
    }
}

impl Module {
    /// Calls `visit` with each entity that is used whatever the bodies do: exports, the start function, and active
    /// segments, whose copying happens (or traps) at instantiation.
    pub fn roots(&self, visit: &mut dyn FnMut(Entity)) {
        for export in &self.exports {
            visit(export.entity);
        }
        if let Some(start) = self.start {
            visit(Entity::Func(start));
        }
        for (id, elem) in &self.elems {
            if let ElemMode::Active { .. } = elem.mode {
                visit(Entity::Elem(id));
            }
        }
        for (id, data) in &self.data {
            if let DataMode::Active { .. } = data.mode {
                visit(Entity::Data(id));
            }
        }
    }

    /// Calls `visit` with each entity that the definition of `entity` names: types, initialisers, the table or memory and
    /// the contents of a segment. Bodies are not looked at.
    pub fn references_of(&self, entity: Entity, visit: &mut dyn FnMut(Entity)) {
        match entity {
            Entity::Type(t) => self.types[t].for_each_type(&mut |t| visit(Entity::Type(t))),
            Entity::Func(f) => visit(Entity::Type(self.funcs[f].ty)),
            Entity::Table(t) => {
                value_type(Type::Ref(self.tables[t].element), visit);
                expression(self.tables[t].init.as_ref(), visit);
            }
            Entity::Memory(_) => {}
            Entity::Global(g) => {
                value_type(self.globals[g].ty, visit);
                expression(self.globals[g].init.as_ref(), visit);
            }
            Entity::Tag(t) => visit(Entity::Type(self.tags[t].ty)),
            Entity::Elem(e) => {
                let segment = &self.elems[e];
                if let ElemMode::Active { table, offset, .. } = &segment.mode {
                    visit(Entity::Table(*table));
                    offset.for_each_entity(visit);
                }
                match &segment.items {
                    ElemItems::Funcs(funcs) => funcs.iter().for_each(|f| visit(Entity::Func(*f))),
                    ElemItems::Exprs(ty, exprs) => {
                        value_type(Type::Ref(*ty), visit);
                        exprs.iter().for_each(|e| e.for_each_entity(visit));
                    }
                }
            }
            Entity::Data(d) => {
                if let DataMode::Active { memory, offset } = &self.data[d].mode {
                    visit(Entity::Memory(*memory));
                    offset.for_each_entity(visit);
                }
            }
        }
    }

    /// Calls `visit` with each reference in the module outside of bodies: the roots, and what every definition names,
    /// whether it is itself used or not.
    pub fn references(&self, visit: &mut dyn FnMut(Entity)) {
        self.roots(visit);
        self.types.keys().for_each(|t| self.references_of(Entity::Type(t), visit));
        self.funcs.keys().for_each(|f| self.references_of(Entity::Func(f), visit));
        self.tables.keys().for_each(|t| self.references_of(Entity::Table(t), visit));
        self.globals.keys().for_each(|g| self.references_of(Entity::Global(g), visit));
        self.tags.keys().for_each(|t| self.references_of(Entity::Tag(t), visit));
        self.elems.keys().for_each(|e| self.references_of(Entity::Elem(e), visit));
        self.data.keys().for_each(|d| self.references_of(Entity::Data(d), visit));
    }

    /// The functions that `ref.func` in a body may name (specification, section 3.4.1: `C.refs`): those named outside of
    /// bodies, the start function excepted.
    pub fn declared_funcs(&self) -> EntitySet<FuncId> {
        let mut declared = EntitySet::new();
        let mut add = |entity| {
            if let Entity::Func(f) = entity {
                declared.insert(f);
            }
        };
        self.exports.iter().for_each(|e| add(e.entity));
        self.tables.keys().for_each(|t| self.references_of(Entity::Table(t), &mut add));
        self.globals.keys().for_each(|g| self.references_of(Entity::Global(g), &mut add));
        self.elems.keys().for_each(|e| self.references_of(Entity::Elem(e), &mut add));
        declared
    }
}
