//! Verifier of function graphs: everything that the stages may take for granted, checked.
//!
//! Invariants (the same list, with the reasons, is in `docs/ir.md`):
//!
//! 1. `layout` starts with `entry`, names no block twice, and lists exactly the blocks that a path from the entry reaches;
//!    no edge leads to the entry.
//! 2. Every block in `layout` has a terminator. No instruction stands in two places.
//! 3. Every parameter of such a block and every result of an instruction in it is defined there only, and its
//!    [`ValueDef`] says so. Every value used is defined that way, and its definition dominates the use.
//! 4. The entry's parameters have the types of the function's parameters.
//! 5. Immediates have the shape that the op table names; the entities in them exist in the module and are of the right
//!    kind; lanes, alignments and offsets are in range; what is written is mutable.
//! 6. Operand and result counts are those of the signature. Each operand's type is a subtype of the one that the operator
//!    takes, each result's declared type a supertype of the one that it gives ([`types`]).
//! 7. An edge carries exactly the target's parameters: first the values that the terminator produces on it, then its
//!    arguments, each of a subtype ([`terminators`]).
//! 8. `return` and tail calls give the function's result types.
//!
//! The verifier shares no code with the analyses: an error in one cannot hide in the other. It takes any graph whose lists
//! belong to its pool, however broken otherwise, does not panic and does not recurse. Time is near linear in the size of
//! the graph.

pub(crate) mod dominance;
mod terminators;
#[cfg(test)]
mod tests;
mod types;

use super::entity::*;
use super::function::{Function, ValueDef};
use super::info::ModuleInfo;
use super::print;
use super::types::Type;
use cranelift_entity::SecondaryMap;
use dominance::Dominance;

/// Errors reported for one function at most; the first one matters.
pub const MAX_ERRORS: usize = 50;

/// Checks all invariants of a function graph.
///
/// # Errors
/// One sentence for each violation, at most [`MAX_ERRORS`].
pub fn verify(f: &Function, module: &dyn ModuleInfo) -> Result<(), Vec<String>> {
    let mut v = Verifier { f, module, errors: Vec::new(), place: Place::Function };
    v.structure();
    if v.errors.is_empty() {
        v.definitions();
    }
    // Types of values and targets of edges may be looked up from here on.
    if v.errors.is_empty() {
        v.uses();
        v.all_types();
    }
    if v.errors.is_empty() { Ok(()) } else { Err(v.errors) }
}

/// What is being checked, for the messages.
#[derive(Clone, Copy)]
enum Place {
    Function,
    Inst(Block, Inst),
    Term(Block),
}

struct Verifier<'a> {
    f: &'a Function,
    module: &'a dyn ModuleInfo,
    errors: Vec<String>,
    place: Place,
}

/// Where a value is defined: its block, and the position of the instruction in it plus one (0 for parameters).
type DefSite = Option<(Block, u32)>;

impl<'a> Verifier<'a> {
    fn error(&mut self, message: impl AsRef<str>) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        let place = match self.place {
            Place::Function => self.f.id.to_string(),
            Place::Inst(b, i) => format!("{} {b}: `{}`", self.f.id, print::inst(self.f, i)),
            Place::Term(b) => format!("{} {b}: `{}`", self.f.id, print::terminator(self.f, b)),
        };
        self.errors.push(format!("{place}: {}", message.as_ref()));
    }

    /// Invariants 1 and 2, and that every entity in a live block exists.
    fn structure(&mut self) {
        let f = self.f;
        if f.layout.first() != Some(&f.entry) {
            self.error("the layout does not start with the entry block");
        }
        let mut listed: SecondaryMap<Block, bool> = SecondaryMap::new();
        let mut placed: SecondaryMap<Inst, bool> = SecondaryMap::new();
        for &b in &f.layout {
            self.place = Place::Function;
            let Some(data) = f.blocks.get(b) else {
                self.error(format!("{b} is in the layout but does not exist"));
                continue;
            };
            if std::mem::replace(&mut listed[b], true) {
                self.error(format!("{b} is in the layout twice"));
                continue;
            }
            if f.block_params(b).iter().any(|&v| !f.values.is_valid(v)) {
                self.error(format!("{b} has a parameter that does not exist"));
            }
            for &i in &data.insts {
                let Some(inst) = f.insts.get(i) else {
                    self.error(format!("{b} contains {i}, which does not exist"));
                    continue;
                };
                if std::mem::replace(&mut placed[i], true) {
                    self.error(format!("{i} stands in two places, the second of them in {b}"));
                }
                let lists = [inst.args.as_slice(&f.pool), inst.results.as_slice(&f.pool)];
                if lists.iter().any(|l| l.iter().any(|&v| !f.values.is_valid(v))) {
                    self.error(format!("{i} in {b} has an operand or result that does not exist"));
                }
            }
            let Some(term) = &data.term else {
                self.error(format!("{b} has no terminator"));
                continue;
            };
            let mut values = term.operands(&f.pool).iter().chain(term.edges().flat_map(|e| f.edge_args(e)));
            if values.any(|&v| !f.values.is_valid(v)) {
                self.error(format!("{b}'s terminator has an operand that does not exist"));
            }
            for e in term.edges() {
                if !f.blocks.is_valid(e.block) {
                    self.error(format!("{b} leads to {}, which does not exist", e.block));
                } else if e.block == f.entry {
                    self.error(format!("{b} leads to the entry block"));
                }
            }
        }
        if self.errors.is_empty() {
            self.reachability(&listed);
        }
    }

    fn reachability(&mut self, listed: &SecondaryMap<Block, bool>) {
        let f = self.f;
        let mut reached: SecondaryMap<Block, bool> = SecondaryMap::new();
        reached[f.entry] = true;
        let mut work = vec![f.entry];
        while let Some(b) = work.pop() {
            for e in f.blocks[b].term.iter().flat_map(|t| t.edges()) {
                if std::mem::replace(&mut reached[e.block], true) {
                    continue;
                }
                if !listed[e.block] {
                    self.error(format!("{b} leads to {}, which is not in the layout", e.block));
                } else {
                    work.push(e.block);
                }
            }
        }
        for &b in &f.layout {
            if !reached[b] {
                self.error(format!("{b} is in the layout but cannot be reached"));
            }
        }
    }

    /// Invariant 3, definitions.
    fn definitions(&mut self) {
        let f = self.f;
        let mut defined: SecondaryMap<Value, bool> = SecondaryMap::new();
        for &b in &f.layout {
            self.place = Place::Function;
            for (n, &v) in f.block_params(b).iter().enumerate() {
                self.definition(&mut defined, v, ValueDef::Param(b, n as u32));
            }
            for &i in &f.blocks[b].insts {
                self.place = Place::Inst(b, i);
                for (n, &v) in f.results(i).iter().enumerate() {
                    self.definition(&mut defined, v, ValueDef::Result(i, n as u32));
                }
            }
        }
    }

    fn definition(&mut self, defined: &mut SecondaryMap<Value, bool>, v: Value, def: ValueDef) {
        if std::mem::replace(&mut defined[v], true) {
            self.error(format!("{v} is defined twice"));
        } else if self.f.values[v].def != def {
            self.error(format!("{v} is defined as {def:?} but records {:?}", self.f.values[v].def));
        }
    }

    /// Invariant 3, uses.
    fn uses(&mut self) {
        let f = self.f;
        let mut sites: SecondaryMap<Value, DefSite> = SecondaryMap::new();
        for &b in &f.layout {
            for &v in f.block_params(b) {
                sites[v] = Some((b, 0));
            }
            for (n, &i) in f.blocks[b].insts.iter().enumerate() {
                for &v in f.results(i) {
                    sites[v] = Some((b, n as u32 + 1));
                }
            }
        }
        let dominance = Dominance::compute(f);
        for &b in &f.layout {
            for (n, &i) in f.blocks[b].insts.iter().enumerate() {
                self.place = Place::Inst(b, i);
                for &v in f.args(i) {
                    self.value_use(&sites, &dominance, v, (b, n as u32 + 1));
                }
            }
            self.place = Place::Term(b);
            let term = f.term(b);
            for &v in term.operands(&f.pool).iter().chain(term.edges().flat_map(|e| f.edge_args(e))) {
                self.value_use(&sites, &dominance, v, (b, u32::MAX));
            }
        }
    }

    fn value_use(
        &mut self,
        sites: &SecondaryMap<Value, DefSite>,
        dominance: &Dominance,
        v: Value,
        at: (Block, u32),
    ) {
        match sites[v] {
            None => self.error(format!("{v} is used, but nothing in a live block defines it")),
            Some((b, n)) if b == at.0 => {
                if n >= at.1 {
                    self.error(format!("{v} is used before its definition"));
                }
            }
            Some((b, _)) => {
                if !dominance.dominates(b, at.0) {
                    self.error(format!("{v} is used where its definition in {b} does not dominate"));
                }
            }
        }
    }

    /// Invariants 4 to 8.
    fn all_types(&mut self) {
        let f = self.f;
        self.place = Place::Function;
        let entry = self.value_types(f.block_params(f.entry));
        if entry != f.params {
            self.error("the entry block's parameters do not have the types of the function's");
        }
        for &b in &f.layout {
            for &i in &f.blocks[b].insts {
                self.place = Place::Inst(b, i);
                self.instruction(i);
            }
            self.place = Place::Term(b);
            self.terminator(f.term(b));
        }
    }

    fn value_types(&self, list: &[Value]) -> Vec<Type> {
        list.iter().map(|&v| self.f.ty(v)).collect()
    }
}
