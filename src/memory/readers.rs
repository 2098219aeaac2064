//! Callees that read the caller's memory: copies of functions in which what leads from some parameters reads another memory.
//!
//! A buffer that is passed to a function which stays a function keeps its allocation and its copy, even if that function only reads
//! it. A copy of the function that reads the caller's memory instead takes the address of what was copied.
//!
//! **Licence** (assumption `canonical-abi`). What the caller does with the buffer is the licence of [`super::buffers`]; the
//! callee does the same with its parameter: it reads through it, compares it with null or another address in the buffer, gives it back, and
//! passes it to functions of which the same is true. That it does not write the memory that is read instead, with all that it calls, is looked
//! at where it is called.
//!
//! [`solve`] finds the functions, [`Reader::make`] makes the copies, and [`Readers`] says which one to call. All of that needs functions
//! that are not there yet, so it happens between two rounds (`pipeline/specialised.rs`).
//!
//! **Complexity.** Each function is looked at once for each set of moved parameters, at most [`MAX_READERS`] in all.
//!
//! Reference: procedure cloning: Cooper, Hall, Kennedy, "A Methodology for Procedure Cloning", Computer Languages 1993.

use super::Context;
use super::buffer_uses::{Passed, Uses, erase, read_instead, settle_branches, uses};
use super::buffers::Declined;
use super::objects::Objects;
use crate::analysis::Cfg;
use crate::ir::cleanup::cleanup;
use crate::ir::dce::dce;
use crate::ir::entity::{FuncId, Inst, MemoryId};
use crate::ir::function::Function;
use crate::ir::ops::Imm;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// The name in the report: calls of copies that read the caller's memory.
pub const PASS: &str = "specialised-callees";
/// Copies that are made at most.
pub const MAX_READERS: usize = 64;
/// Parameters of one function that may be moved: all sets of them get a copy, of which those that are called stay.
pub const MAX_MOVES: usize = 3;

/// A parameter that leads into a buffer of one memory and is to lead into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Move {
    /// Which parameter.
    pub param: u32,
    /// The memory of the buffer.
    pub from: MemoryId,
    /// The memory that it was copied from.
    pub to: MemoryId,
}

/// A function with some of its parameters moved, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moved {
    /// The function.
    pub func: FuncId,
    /// Its parameters.
    pub moves: Vec<Move>,
}

/// Calls that alone keep buffers in a graph: the functions that would have to read other memories.
pub(super) fn wanted(calls: impl IntoIterator<Item = (Passed, Move)>) -> Vec<Moved> {
    let mut by_call: BTreeMap<Inst, Moved> = BTreeMap::new();
    for (passed, moved) in calls {
        let entry =
            by_call.entry(passed.call).or_insert_with(|| Moved { func: passed.callee, moves: Vec::new() });
        entry.moves.push(moved);
    }
    let mut list: Vec<Moved> = by_call.into_values().collect();
    list.iter_mut().for_each(|w| w.moves.sort_unstable());
    list.retain(|w| w.moves.len() <= MAX_MOVES);
    list.sort_unstable();
    list.dedup();
    list
}

/// The callee of each call, with all the parameters that are moved there.
fn by_call(calls: impl IntoIterator<Item = (Passed, Move)>) -> BTreeMap<Inst, Moved> {
    let mut by_call: BTreeMap<Inst, Moved> = BTreeMap::new();
    for (passed, moved) in calls {
        let none = || Moved { func: passed.callee, moves: Vec::new() };
        by_call.entry(passed.call).or_insert_with(none).moves.push(moved);
    }
    by_call.values_mut().for_each(|moved| moved.moves.sort_unstable());
    by_call
}

/// A function that only reads through the parameters that are moved.
pub struct Reader {
    /// Which function, and what is moved.
    pub moved: Moved,
    f: Box<Function>,
    /// What is done with each parameter.
    uses: Vec<Uses>,
}

impl Reader {
    fn of(moved: Moved, f: Box<Function>, cx: &Context<'_>) -> Result<Reader, Declined> {
        let cfg = Cfg::compute(&f);
        if !cfg.preds(f.entry).is_empty() {
            return Err(Declined::Address);
        }
        let params: Vec<(u32, MemoryId)> = moved.moves.iter().map(|m| (m.param, m.from)).collect();
        let objects = Objects::compute_with(&f, &cfg, cx.knowledge, &params);
        let of = |(bit, m): (usize, &Move)| {
            let set = 1 << bit;
            if objects.kept & set != 0 {
                return Err(Declined::Escapes);
            }
            let uses = uses(&f, &cfg, &objects, set, m.from, cx)?;
            if uses.fill.is_some() { Err(Declined::Written) } else { Ok(uses) }
        };
        let uses = moved.moves.iter().enumerate().map(of).collect::<Result<_, _>>()?;
        Ok(Reader { moved, f, uses })
    }

    /// The functions that it passes moved parameters to, by call.
    fn passes(&self) -> BTreeMap<Inst, Moved> {
        let of = |(m, uses): (&Move, &Uses)| -> Vec<(Passed, Move)> {
            uses.passed.iter().map(|&p| (p, Move { param: p.param, ..*m })).collect()
        };
        by_call(self.moved.moves.iter().zip(&self.uses).flat_map(of))
    }

    /// How many instructions the copy has.
    pub fn size(&self) -> usize {
        self.f.layout.iter().map(|&b| self.f.blocks[b].insts.len()).sum()
    }

    /// The copy, as a function of that index. `ids`: the indices of all copies.
    pub fn make(self, id: FuncId, ids: &BTreeMap<Moved, FuncId>) -> Function {
        let calls = self.passes();
        let Reader { moved, mut f, uses } = self;
        f.id = id;
        for (call, callee) in calls {
            f.insts[call].imm = Imm::Func(ids[&callee]);
        }
        for (m, uses) in moved.moves.iter().zip(&uses) {
            for &(_, read) in &uses.reads {
                read_instead(&mut f, read, m.from, m.to);
            }
            let entry = f.entry;
            let constants = settle_branches(&mut f, (entry, 0), uses);
            erase(&mut f, uses, constants, None, Vec::new());
        }
        dce(&mut f);
        cleanup(&mut f);
        *f
    }
}

/// Finds which of the functions that are wanted, with what they pass their parameters to, only read. `graph` gives the graph of a function
/// that has one.
pub fn solve(
    wanted: &[Moved],
    mut graph: impl FnMut(FuncId) -> Option<Box<Function>>,
    cx: &Context<'_>,
) -> BTreeMap<Moved, Reader> {
    let mut todo: Vec<Moved> = wanted.iter().flat_map(parts).collect();
    let mut found: BTreeMap<Moved, Option<Reader>> = BTreeMap::new();
    while let Some(moved) = todo.pop() {
        if found.contains_key(&moved) {
            continue;
        }
        let allowed = found.len() < MAX_READERS && moved.moves.len() <= MAX_MOVES;
        let read = graph(moved.func).filter(|_| allowed);
        let reader = read.and_then(|f| Reader::of(moved.clone(), f, cx).ok());
        todo.extend(reader.iter().flat_map(|r| r.passes().into_values()));
        found.insert(moved, reader);
    }
    // Who passes on to one that does more than read does more than read.
    let mut readers: BTreeMap<Moved, Reader> =
        found.into_iter().filter_map(|(moved, r)| Some((moved, r?))).collect();
    loop {
        let refused = readers.values().find(|r| r.passes().values().any(|m| !readers.contains_key(m)));
        let Some(moved) = refused.map(|r| r.moved.clone()) else { return readers };
        readers.remove(&moved);
    }
}

/// All that is left of a set of moved parameters when some of them stay.
fn parts(moved: &Moved) -> Vec<Moved> {
    let of = |bits: u32| {
        let kept = moved.moves.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1);
        Moved { func: moved.func, moves: kept.map(|(_, &m)| m).collect() }
    };
    (1..1 << moved.moves.len()).map(of).collect()
}

/// Which function to call where a parameter is moved.
#[derive(Clone, Debug, Default)]
pub struct Readers {
    of: HashMap<(FuncId, Move), FuncId>,
}

impl Readers {
    /// From the copies that were made.
    pub fn new(ids: &BTreeMap<Moved, FuncId>) -> Readers {
        let mut of = HashMap::new();
        for (moved, &id) in ids {
            for (n, &last) in moved.moves.iter().enumerate() {
                let mut rest = moved.clone();
                rest.moves.remove(n);
                // One parameter after the other: the first one starts from the function itself.
                let before = if rest.moves.is_empty() { Some(moved.func) } else { ids.get(&rest).copied() };
                if let Some(before) = before {
                    of.insert((before, last), id);
                }
            }
        }
        Readers { of }
    }

    /// Lets calls that a buffer is passed to call copies that read another memory. Whether there are such for all of them; else
    /// nothing is changed.
    pub(super) fn call_instead(
        &self,
        f: &mut Function,
        passed: &[Passed],
        from: MemoryId,
        to: MemoryId,
    ) -> bool {
        let mut calls: BTreeMap<Inst, FuncId> = BTreeMap::new();
        for p in passed {
            let callee = calls.get(&p.call).copied().unwrap_or(p.callee);
            let Some(&copy) = self.of.get(&(callee, Move { param: p.param, from, to })) else { return false };
            calls.insert(p.call, copy);
        }
        for (call, copy) in calls {
            f.insts[call].imm = Imm::Func(copy);
        }
        true
    }
}
