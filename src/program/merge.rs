//! Equal functions become one.
//!
//! Two functions are equal when they have the same type, and their bodies are the same byte for byte but for the functions
//! that they name, and those are pairwise equal too: the coarsest partition with that property, so functions that call
//! themselves or each other are found as well. Everything else that a body names (memories, globals, tables) must be
//! the same entity; of types, the same type.
//!
//! **Licence.** Nothing in a program can tell two functions apart that do the same, but an embedder can compare the function
//! objects that it gets ("WebAssembly JavaScript Interface", section 5.6, `Exported Functions`). So an exported function is
//! never replaced by another, and one whose reference is taken only where no reference leaves the module: it neither exports nor
//! imports a table or a global of references, and no function or tag that crosses its border has one among its types.
//!
//! Complexity: O(c log n) for n functions with c calls among those that may be equal, after one walk over the code.
//!
//! Reference: John Hopcroft, "An n log n algorithm for minimizing states in a finite automaton", 1971; LLVM's MergeFunctions.

use super::reach::Live;
use crate::Error;
use crate::ir::entity::{FuncId, TypeId};
use crate::ir::types::Type;
use crate::module::{Entity, Fate, Module, Plan, body_shape};
use cranelift_entity::{EntityRef, EntitySet};
use hashbrown::HashMap;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// What has to be the same for functions to be equal, and what has to be equal.
struct Shape {
    /// Of the type and the body without the functions that it names.
    hash: [u8; 32],
    /// Those functions, in order.
    named: Vec<FuncId>,
}

/// Lets every function that is equal to another one and may be replaced be written as that one. Returns how many.
///
/// # Errors
/// When a body is malformed, which validation rules out.
pub fn merge_functions(module: &Module, live: &Live, plan: &mut Plan) -> Result<u64, Error> {
    let defined: Vec<FuncId> = module
        .funcs
        .keys()
        .filter(|&f| module.funcs[f].body.is_some() && live.funcs.contains(f))
        .filter(|&f| plan.funcs[f] == Fate::Keep)
        .collect();
    let shapes: Vec<(FuncId, Shape)> =
        defined.into_par_iter().map(|f| Ok((f, shape(module, f)?))).collect::<Result<_, Error>>()?;
    let classes = Partition::new(module.funcs.len(), shapes).refined();
    let fixed = named_outside(module, live);
    let mut merged = 0;
    for mut class in classes {
        // What has to stay represents the others; of several that have to, the first.
        class.sort_unstable_by_key(|&f| (!fixed.contains(f), f));
        let Some((&first, others)) = class.split_first() else { continue };
        for &other in others.iter().filter(|&&f| !fixed.contains(f)) {
            plan.funcs[other] = Fate::Merge(first);
            merged += 1;
        }
    }
    Ok(merged)
}

/// Functions that someone outside of the module may hold.
fn named_outside(module: &Module, live: &Live) -> EntitySet<FuncId> {
    let mut fixed = EntitySet::new();
    let mut add = |entity| {
        if let Entity::Func(f) = entity {
            fixed.insert(f);
        }
    };
    module.exports.iter().for_each(|e| add(e.entity));
    if references_leave(module) {
        live.ref_funcs.iter().map(Entity::Func).for_each(&mut add);
        module.globals.keys().for_each(|g| module.references_of(Entity::Global(g), &mut add));
        module.tables.keys().for_each(|t| module.references_of(Entity::Table(t), &mut add));
        module.elems.keys().for_each(|e| module.references_of(Entity::Elem(e), &mut add));
    }
    fixed
}

/// Whether a reference to a function can get over the border of the module.
fn references_leave(module: &Module) -> bool {
    let crosses = |entity: Entity| match entity {
        Entity::Table(_) => true,
        Entity::Global(g) => is_reference(&module.globals[g].ty),
        Entity::Func(f) => has_references(module, module.funcs[f].ty),
        Entity::Tag(t) => has_references(module, module.tags[t].ty),
        Entity::Type(_) | Entity::Memory(_) | Entity::Elem(_) | Entity::Data(_) => false,
    };
    module.exports.iter().map(|e| e.entity).chain(module.imports.iter().map(|i| i.entity)).any(crosses)
}

fn is_reference(ty: &Type) -> bool {
    matches!(ty, Type::Ref(_))
}

fn has_references(module: &Module, ty: TypeId) -> bool {
    module.signature(ty).is_none_or(|s| s.params.iter().chain(&s.results).any(is_reference))
}

fn shape(module: &Module, func: FuncId) -> Result<Shape, Error> {
    let (bytes, offset) = module.body(func);
    let (body, named) = body_shape(bytes, offset, &|ty| module.canonical_type(ty))?;
    let mut hash = Sha256::new();
    hash.update(module.canonical_type(module.funcs[func].ty).as_u32().to_le_bytes());
    hash.update(&body);
    Ok(Shape { hash: hash.finalize().into(), named })
}

/// Functions in classes, which get smaller until the members of each name equal functions.
struct Partition {
    /// Class of each function. Functions without a shape are alone in theirs.
    class: Vec<u32>,
    /// Members of the classes that have more than one.
    members: HashMap<u32, Vec<FuncId>>,
    named: HashMap<FuncId, Vec<FuncId>>,
    /// Functions that name a function, of those in `members`.
    users: HashMap<FuncId, Vec<FuncId>>,
    next: u32,
}

impl Partition {
    fn new(functions: usize, shapes: Vec<(FuncId, Shape)>) -> Partition {
        let mut by_hash: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (n, (_, shape)) in shapes.iter().enumerate() {
            by_hash.entry(shape.hash).or_default().push(n);
        }
        let mut p = Partition {
            class: (0..functions as u32).collect(),
            members: HashMap::new(),
            named: HashMap::new(),
            users: HashMap::new(),
            next: functions as u32,
        };
        let mut shapes: Vec<_> = shapes.into_iter().map(Some).collect();
        let mut groups: Vec<Vec<usize>> = by_hash.into_values().filter(|group| group.len() > 1).collect();
        groups.sort_unstable();
        for group in groups {
            let class = p.next;
            p.next += 1;
            let mut members = Vec::with_capacity(group.len());
            for (func, shape) in group.into_iter().filter_map(|n| shapes[n].take()) {
                members.push(func);
                p.class[func.index()] = class;
                for &callee in &shape.named {
                    p.users.entry(callee).or_default().push(func);
                }
                p.named.insert(func, shape.named);
            }
            p.members.insert(class, members);
        }
        p
    }

    /// The classes with more than one member, in the order of their first ones.
    fn refined(mut self) -> Vec<Vec<FuncId>> {
        let mut work: Vec<u32> = self.members.keys().copied().collect();
        work.sort_unstable();
        while let Some(class) = work.pop() {
            self.split(class, &mut work);
        }
        let mut classes: Vec<Vec<FuncId>> = self.members.into_values().filter(|m| m.len() > 1).collect();
        classes.sort_unstable();
        classes
    }

    /// Splits a class by the classes of what its members name. The largest part keeps the name of the class, so that a function
    /// changes its class at most log n times; who names one of those that do is looked at again.
    fn split(&mut self, class: u32, work: &mut Vec<u32>) {
        let Some(members) = self.members.remove(&class) else { return };
        let mut parts: HashMap<Vec<u32>, Vec<FuncId>> = HashMap::new();
        for &func in &members {
            let key = self.named[&func].iter().map(|f| self.class[f.index()]).collect();
            parts.entry(key).or_default().push(func);
        }
        let mut parts: Vec<Vec<FuncId>> = parts.into_values().collect();
        parts.sort_unstable_by_key(|part| (std::cmp::Reverse(part.len()), part[0]));
        let mut parts = parts.into_iter();
        self.members.extend(parts.next().map(|largest| (class, largest)));
        for part in parts {
            let new = self.next;
            self.next += 1;
            for &func in &part {
                self.class[func.index()] = new;
            }
            for user in part.iter().filter_map(|f| self.users.get(f)).flatten() {
                work.push(self.class[user.index()]);
            }
            self.members.insert(new, part);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::caps::Caps;
    use crate::program::inline::InlineCaps;
    use crate::{Options, optimize};

    /// How many functions are merged in a module with these fields, whose memories the host reads.
    fn merged(fields: &str) -> u64 {
        let wasm =
            wat::parse_str(format!("(module (memory (export \"m\") 1) (memory (export \"n\") 1) {fields})"))
                .expect("the text parses");
        // Bodies stay as they are written here.
        let caps = Caps { inline: InlineCaps::OFF, ..Caps::default() };
        let options = Options { effort: 1, caps, ..Options::default() };
        let output = optimize(&wasm, &options).expect("the module is valid");
        output.report.passes.get("equal-functions").copied().unwrap_or(0)
    }

    /// Two functions, called by others that are exported and differ.
    fn pair(f: &str, g: &str) -> u64 {
        merged(&format!(
            "(func $f {f}) (func $g {g})
             (func (export \"a\") (param i32) (call $f (local.get 0)) (call $g (local.get 0)))"
        ))
    }

    const STORE: &str = "(param i32) (i32.store (local.get 0) (i32.const 7))";

    #[test]
    fn equal_functions_become_one() {
        assert_eq!(pair(STORE, STORE), 1);
    }

    #[test]
    fn what_differs_stays() {
        assert_eq!(pair(STORE, "(param i32) (i32.store (local.get 0) (i32.const 8))"), 0);
        assert_eq!(pair(STORE, "(param i32) (i32.store 1 (local.get 0) (i32.const 7))"), 0);
        assert_eq!(pair(STORE, "(param i32) (i32.store offset=4 (local.get 0) (i32.const 7))"), 0);
    }

    #[test]
    fn the_type_must_be_the_same() {
        // In a table, so that the parameters stay.
        let fields = "(type $i (func (param i32))) (type $j (func (param i64)))
            (table 2 funcref) (elem (i32.const 0) $f $g)
            (func $f (type $i) (i32.store (i32.const 0) (i32.const 7)))
            (func $g (type $j) (i32.store (i32.const 0) (i32.const 7)))
            (func (export \"a\") (param i32)
              (call_indirect (type $i) (i32.const 1) (local.get 0))
              (call_indirect (type $j) (i64.const 1) (local.get 0)))";
        assert_eq!(merged(fields), 0);
    }

    #[test]
    fn functions_that_call_equal_ones_are_equal() {
        let fields = "
            (func $f (param i32) (if (local.get 0) (then (call $f2 (i32.load (local.get 0))))))
            (func $f2 (param i32) (i32.store (i32.const 4) (local.get 0)) (call $f (local.get 0)))
            (func $g (param i32) (if (local.get 0) (then (call $g2 (i32.load (local.get 0))))))
            (func $g2 (param i32) (i32.store (i32.const 4) (local.get 0)) (call $g (local.get 0)))
            (func (export \"a\") (call $f (i32.const 1)) (call $g (i32.const 2)))";
        assert_eq!(merged(fields), 2);
    }

    #[test]
    fn functions_that_call_different_ones_differ() {
        let fields = "
            (func $f (param i32) (if (local.get 0) (then (call $f2 (i32.load (local.get 0))))))
            (func $f2 (param i32) (i32.store (i32.const 4) (local.get 0)) (call $f (local.get 0)))
            (func $g (param i32) (if (local.get 0) (then (call $g2 (i32.load (local.get 0))))))
            (func $g2 (param i32) (i32.store (i32.const 8) (local.get 0)) (call $g (local.get 0)))
            (func (export \"a\") (call $f (i32.const 1)) (call $g (i32.const 2)))";
        assert_eq!(merged(fields), 0);
    }

    #[test]
    fn exported_functions_stay_apart() {
        let fields = format!("(func (export \"a\") {STORE}) (func (export \"b\") {STORE})");
        assert_eq!(merged(&fields), 0);
    }

    #[test]
    fn an_exported_function_stands_for_others() {
        let fields = format!(
            "(func $f {STORE}) (func (export \"b\") {STORE}) (func (export \"a\") (param i32) (call $f (local.get 0)))"
        );
        assert_eq!(merged(&fields), 1);
    }

    /// Two equal functions in a table.
    fn in_table(table: &str, more: &str) -> u64 {
        merged(&format!(
            "(type $t (func (param i32))) (table {table} 2 funcref) (elem (i32.const 0) $f $g)
             (func $f {STORE}) (func $g {STORE})
             (func (export \"a\") (param i32) (call_indirect (type $t) (i32.const 1) (local.get 0)))
             {more}"
        ))
    }

    #[test]
    fn functions_whose_references_stay_inside_become_one() {
        assert_eq!(in_table("", ""), 1);
    }

    #[test]
    fn functions_whose_references_may_leave_stay_apart() {
        assert_eq!(in_table("(export \"t\")", ""), 0);
        let getter = "(func (export \"get\") (param i32) (result funcref) (table.get 0 (local.get 0)))";
        assert_eq!(in_table("", getter), 0);
        let global = "(global (export \"g\") funcref (ref.null func))";
        assert_eq!(in_table("", global), 0);
    }
}
