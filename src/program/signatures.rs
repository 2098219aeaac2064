//! Parameters and results that nobody needs are taken out of signatures, and with them arguments out of calls and values out of
//! returns.
//!
//! **What.** A parameter is needed when the body uses it for anything but an argument of a direct call or a value that it returns, or
//! for one that is needed itself; one that is always the same constant is not ([`Constants`]). A result is needed when a caller
//! uses it in that way; one that is always the same constant, or the same parameter, is not, for callers were given that.
//! Functions that end in a call of each other (`return_call`) keep or lose a result together. What only computed what goes, goes
//! with it.
//!
//! **Licence.** Every call of the function is a direct one in this module and seen, as for [`Constants`]: the signature is nobody
//! else's business.
//!
//! **Declines.** Functions that are exported, the start function, named by a table, a global, a `ref.func` or a body kept as bytes; functions
//! kept as bytes; parameters and results beyond the 64th; results of a function that is called inside `try_table`, or that
//! ends in an indirect tail call or one of an import; a signature that the module does not have, for fewer than [`NEW_TYPE`]
//! arguments and results of calls.
//!
//! Old bodies do not fit the new signatures. Where one is needed all the same, the module is optimized again without this
//! pass (`signatures-undone` among the limits).
//!
//! Complexity: linear in calls, their arguments and results.
//!
//! Reference: Binaryen's DeadArgumentElimination; LLVM's `deadargelim`.

use super::constants::Constants;
use super::interface::{CallConstants, Known, TRACKED};
use crate::ir::dce::dce;
use crate::ir::entity::{FuncId, Value};
use crate::ir::function::{Function, TailCallee, Terminator, ValueDef};
use crate::ir::ops::{Imm, Op};
use crate::module::Module;
use cranelift_entity::{EntityList, EntityRef, EntitySet, ListPool, SecondaryMap};

/// A new function type takes about as many bytes as this many arguments.
pub const NEW_TYPE: usize = 3;
/// How often what is worth it is decided anew, because of what was not, before all signatures stay.
const MAX_SCANS: u32 = 16;

/// A parameter or a result of a function: the n-th parameter is `n`, the n-th result `RESULTS + n`.
type Place = u32;
/// The first of the places that are results.
const RESULTS: Place = TRACKED;

/// Which parameters and results go.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// The places that go, as bits, by function.
    dropped: Vec<u128>,
    /// The functions whose bodies change with it: those whose parameters or results go, and who calls them.
    touched: EntitySet<FuncId>,
}

/// How many parameters and results go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Parameters.
    pub params: u64,
    /// Results.
    pub results: u64,
}

/// What needs what.
struct Needs<'a> {
    facts: &'a [Option<CallConstants>],
    constants: &'a Constants,
    /// The places that are needed, as bits, by function.
    needed: Vec<u128>,
    /// By function: a place of it, and what is needed with that.
    feeds: Vec<Vec<(u8, FuncId, u8)>>,
    calls: Vec<usize>,
}

impl Needs<'_> {
    fn need(&mut self, (func, place): (FuncId, Place)) {
        self.needed[func.index()] |= 1 << place;
    }

    /// The place that a value comes from, once constants are put in, if it may go.
    fn place(&self, func: FuncId, mut known: Known) -> Option<(FuncId, Place)> {
        let facts = self.facts[func.index()].as_ref()?;
        loop {
            match known {
                Known::Parameter(n @ 0..TRACKED) => {
                    let constant = self.constants.constant_params(func) >> n & 1 == 1;
                    return (!constant).then_some((func, n));
                }
                Known::Result(call, n) => {
                    let (callee, args) = facts.call(call as usize);
                    match self.constants.result(callee, n) {
                        Known::Constant(..) => return None,
                        // A result is defined behind the arguments of its call, so this ends.
                        Known::Parameter(p) => known = *args.get(p as usize)?,
                        Known::Result(..) | Known::Other => {
                            return (n < TRACKED).then_some((callee, RESULTS + n));
                        }
                    }
                }
                Known::Parameter(_) | Known::Constant(..) | Known::Other => return None,
            }
        }
    }

    /// A value is needed where `to` is.
    fn feed(&mut self, (func, known): (FuncId, Known), to: (FuncId, Place)) {
        let Some(from) = self.place(func, known) else { return };
        let (callee, at) = to;
        if at < 2 * TRACKED {
            self.feeds[callee.index()].push((at as u8, from.0, from.1 as u8));
        } else {
            self.need(from);
        }
    }

    /// What one function needs, and passes on.
    fn add(&mut self, func: FuncId, known: &CallConstants, results: usize) {
        for n in (0..TRACKED).filter(|n| known.used() >> n & 1 == 1) {
            self.place(func, Known::Parameter(n)).into_iter().for_each(|p| self.need(p));
        }
        for &(call, used) in known.used_results() {
            for n in (0..TRACKED).filter(|n| used >> n & 1 == 1) {
                self.place(func, Known::Result(call, n)).into_iter().for_each(|p| self.need(p));
            }
        }
        for (callee, args) in known.calls() {
            self.calls[callee.index()] += 1;
            for (at, &arg) in (0..).zip(args) {
                self.feed((func, arg), (callee, if at < TRACKED { at } else { Place::MAX }));
            }
        }
        for &(n, value) in known.returned() {
            self.feed((func, value), (func, if n < TRACKED { RESULTS + n } else { Place::MAX }));
        }
        for callee in known.invoked() {
            self.needed[callee.index()] |= !u128::from(u64::MAX);
        }
        // Functions that end in calls of each other have the same results.
        for &callee in known.tails().unwrap_or_default() {
            for n in 0..results.min(TRACKED as usize) as u8 {
                let place = RESULTS as u8 + n;
                self.feeds[func.index()].push((place, callee, place));
                self.feeds[callee.index()].push((place, func, place));
            }
        }
        if known.tails().is_none() {
            self.needed[func.index()] |= !u128::from(u64::MAX);
        }
    }

    /// What is needed because of what is needed by `work`.
    fn close(&mut self, mut work: Vec<usize>) {
        while let Some(func) = work.pop() {
            for n in 0..self.feeds[func].len() {
                let (at, from, place) = self.feeds[func][n];
                let bit = 1u128 << place;
                if self.needed[func] >> at & 1 == 1 && self.needed[from.index()] & bit == 0 {
                    self.needed[from.index()] |= bit;
                    work.push(from.index());
                }
            }
        }
    }
}

impl Signatures {
    /// Decides. `facts` are by function, `None` for what is imported, kept as bytes or never called; `fixed` functions keep their
    /// signatures.
    pub fn solve(
        module: &Module,
        facts: &[Option<CallConstants>],
        constants: &Constants,
        fixed: impl Fn(FuncId) -> bool,
    ) -> Signatures {
        let all = |n: usize| {
            let ty = module.func_type(FuncId::new(n));
            first_bits(ty.params.len()) | first_bits(ty.results.len()) << RESULTS
        };
        let stays = |n: usize| facts[n].is_none() || fixed(FuncId::new(n));
        let needed = (0..facts.len()).map(|n| if stays(n) { u128::MAX } else { 0 }).collect();
        let (feeds, calls) = (vec![Vec::new(); facts.len()], vec![0; facts.len()]);
        let mut needs = Needs { facts, constants, needed, feeds, calls };
        for (n, known) in facts.iter().enumerate() {
            if let Some(known) = known {
                needs.add(FuncId::new(n), known, module.func_type(FuncId::new(n)).results.len());
            }
        }
        let mut work: Vec<usize> = (0..facts.len()).collect();
        for _ in 0..MAX_SCANS {
            needs.close(work);
            let dropped: Vec<u128> = (0..facts.len()).map(|n| !needs.needed[n] & all(n)).collect();
            // What is not worth a type needs its arguments, and so may callers need theirs.
            work = (0..facts.len())
                .filter(|&n| dropped[n] != 0 && !pays(module, n, dropped[n], needs.calls[n]))
                .collect();
            if work.is_empty() {
                return Signatures::of_dropped(dropped, facts);
            }
            work.iter().for_each(|&n| needs.needed[n] = u128::MAX);
        }
        Signatures::default()
    }

    fn of_dropped(dropped: Vec<u128>, facts: &[Option<CallConstants>]) -> Signatures {
        let mut signatures = Signatures { dropped, touched: EntitySet::new() };
        for n in (0..facts.len()).filter(|&n| signatures.dropped[n] != 0) {
            signatures.touched.insert(FuncId::new(n));
        }
        for (n, known) in facts.iter().enumerate() {
            let mut calls = known.iter().flat_map(CallConstants::calls);
            if calls.any(|(callee, _)| signatures.dropped[callee.index()] != 0) {
                signatures.touched.insert(FuncId::new(n));
            }
        }
        signatures
    }

    /// Whether all signatures stay.
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// Whether the old body of a function does not fit any more.
    pub fn touches(&self, func: FuncId) -> bool {
        self.touched.contains(func)
    }

    /// The parameters and the results of a function that go.
    pub(super) fn of(&self, func: FuncId) -> (u64, u64) {
        let dropped = self.dropped.get(func.index()).copied().unwrap_or(0);
        (dropped as u64, (dropped >> RESULTS) as u64)
    }

    /// Gives the functions their new types, and the names of their parameters new places; how much goes.
    pub fn change_types(&self, module: &mut Module) -> Dropped {
        let mut count = Dropped::default();
        for (n, _) in self.dropped.iter().enumerate().filter(|(_, d)| **d != 0) {
            let func = FuncId::new(n);
            let (params, results) = self.of(func);
            let ty = module.func_type(func).clone();
            module.funcs[func].ty =
                module.intern_func_type(&left(&ty.params, params), &left(&ty.results, results));
            count.params += u64::from(params.count_ones());
            count.results += u64::from(results.count_ones());
            if let Some(names) = module.names.as_mut().and_then(|names| names.locals.get_mut(&func)) {
                let old = std::mem::take(names).into_iter();
                let of_params =
                    old.filter(|(i, _)| (*i as usize) < ty.params.len() && !drops(params, *i as usize));
                *names = of_params.map(|(i, name)| (i - before(params, i), name)).collect();
            }
        }
        count
    }

    /// Takes the parameters and the arguments, the results and what is returned out of a graph. Whether nothing is left that
    /// uses what is gone, as it has to be.
    #[must_use]
    pub fn apply(&self, f: &mut Function) -> bool {
        if !self.touches(f.id) {
            return true;
        }
        let (params, results) = self.of(f.id);
        let mut gone: Vec<Value> = Vec::new();
        if params != 0 {
            gone.extend(dropped(f.block_params(f.entry), params));
            let kept: Vec<Value> = left(f.block_params(f.entry), params);
            for (n, &p) in kept.iter().enumerate() {
                f.values[p].def = ValueDef::Param(f.entry, n as u32);
                f.values[p].hint = Some(n as u32);
            }
            f.blocks[f.entry].params = f.list(&kept);
            f.params = left(&f.params, params);
        }
        f.results = left(&f.results, results);
        for n in 0..f.layout.len() {
            let b = f.layout[n];
            for k in 0..f.blocks[b].insts.len() {
                let inst = f.blocks[b].insts[k];
                if let (Op::Call, Imm::Func(callee)) = (f.insts[inst].op, f.insts[inst].imm) {
                    let (params, results) = self.of(callee);
                    if results != 0 {
                        gone.extend(dropped(f.results(inst), results));
                        let kept = left(f.results(inst), results);
                        for (n, &v) in kept.iter().enumerate() {
                            f.values[v].def = ValueDef::Result(inst, n as u32);
                        }
                        f.insts[inst].results = f.list(&kept);
                    }
                    shorten(&mut f.insts[inst].args, params, &mut f.pool);
                }
            }
            let pool = &mut f.pool;
            match &mut f.blocks[b].term {
                Some(Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), args, .. })
                | Some(Terminator::TailCall { callee: TailCallee::Direct(callee), args }) => {
                    shorten(args, self.of(*callee).0, pool);
                }
                Some(Terminator::Return(values)) => shorten(values, results, pool),
                _ => {}
            }
        }
        dce(f);
        let mut is_gone: SecondaryMap<Value, bool> = SecondaryMap::new();
        gone.into_iter().for_each(|v| is_gone[v] = true);
        !f.layout.iter().any(|&b| {
            let term = f.term(b);
            let edges = term.edges().flat_map(|e| f.edge_args(e));
            let args = f.blocks[b].insts.iter().flat_map(|&i| f.args(i));
            args.chain(term.operands(&f.pool)).chain(edges).any(|&v| is_gone[v])
        })
    }
}

fn shorten(args: &mut EntityList<Value>, dropped: u64, pool: &mut ListPool<Value>) {
    if dropped != 0 {
        let rest = left(args.as_slice(pool), dropped);
        *args = EntityList::from_slice(&rest, pool);
    }
}

/// Whether taking these places out of a function with so many calls is worth its type.
fn pays(module: &Module, n: usize, dropped: u128, calls: usize) -> bool {
    let ty = module.func_type(FuncId::new(n));
    let (params, results) = (dropped as u64, (dropped >> RESULTS) as u64);
    calls.saturating_mul(dropped.count_ones() as usize) >= NEW_TYPE
        || module.find_func_type(&left(&ty.params, params), &left(&ty.results, results)).is_some()
}

fn first_bits(count: usize) -> u128 {
    u64::MAX.checked_shr(64 - count.min(64) as u32).unwrap_or(0).into()
}

fn drops(dropped: u64, n: usize) -> bool {
    n < TRACKED as usize && dropped >> n & 1 == 1
}

/// How many go before place `n`.
fn before(dropped: u64, n: u32) -> u32 {
    (0..n as usize).filter(|&i| drops(dropped, i)).count() as u32
}

fn left<T: Copy>(list: &[T], dropped: u64) -> Vec<T> {
    list.iter().enumerate().filter(|(n, _)| !drops(dropped, *n)).map(|(_, &t)| t).collect()
}

fn dropped<T: Copy>(list: &[T], dropped: u64) -> Vec<T> {
    list.iter().enumerate().filter(|(n, _)| drops(dropped, *n)).map(|(_, &t)| t).collect()
}
