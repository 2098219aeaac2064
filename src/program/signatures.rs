//! Parameters that nobody needs are taken out of signatures, and their arguments out of the calls.
//!
//! **What.** A parameter is needed when the body uses it for anything but an argument of a direct call, or for an argument that is
//! needed itself; one that is always the same constant is not ([`Constants`]). What only computed an argument goes with it.
//!
//! **Licence.** Every call of the function is a direct one in this module and seen, as for [`Constants`]: the signature is nobody
//! else's business.
//!
//! **Declines.** Functions that are exported, the start function, named by a table, a global, a `ref.func` or a body kept as bytes; functions
//! kept as bytes; parameters beyond the 64th; a signature that the module does not have, for fewer than [`NEW_TYPE`]
//! arguments.
//!
//! Old bodies do not fit the new signatures. Where one is needed all the same, the module is optimized again without this
//! pass (`signatures-undone` among the limits).
//!
//! Complexity: linear in calls and their arguments.
//!
//! Reference: Binaryen's DeadArgumentElimination; LLVM's `deadargelim`.

use super::constants::{CallConstants, Constants, Known};
use crate::ir::dce::dce;
use crate::ir::entity::{FuncId, Value};
use crate::ir::function::{Function, TailCallee, Terminator, ValueDef};
use crate::ir::ops::{Imm, Op};
use crate::ir::types::Type;
use crate::module::Module;
use cranelift_entity::{EntityList, EntityRef, EntitySet, ListPool};

/// A new function type takes about as many bytes as this many arguments.
pub const NEW_TYPE: usize = 3;
/// How often what is worth it is decided anew, because of what was not, before all signatures stay.
const MAX_SCANS: u32 = 16;

/// Which parameters go.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// The parameters that go, as bits, by function.
    dropped: Vec<u64>,
    /// The functions whose bodies change with it: those whose parameters go, and who calls them.
    touched: EntitySet<FuncId>,
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
        let count = |f: usize| module.func_type(FuncId::new(f)).params.len();
        // Arguments that are parameters of the caller: by callee, with the place of the argument.
        let mut feeds: Vec<Vec<(u8, FuncId, u8)>> = vec![Vec::new(); facts.len()];
        let mut calls = vec![0usize; facts.len()];
        let mut needed = vec![u64::MAX; facts.len()];
        for (n, known) in facts.iter().enumerate() {
            let (func, Some(known)) = (FuncId::new(n), known) else { continue };
            if !fixed(func) {
                needed[n] = known.used() & !constants.constant_params(func);
            }
            for (callee, args) in known.calls() {
                calls[callee.index()] += 1;
                for (at, arg) in args.iter().enumerate() {
                    match *arg {
                        Known::Parameter(p @ 0..64) if at < 64 => {
                            feeds[callee.index()].push((at as u8, func, p as u8));
                        }
                        Known::Parameter(p @ 0..64) => {
                            needed[n] |= 1 << p & !constants.constant_params(func);
                        }
                        _ => {}
                    }
                }
            }
        }
        let mut work: Vec<usize> = (0..facts.len()).collect();
        for _ in 0..MAX_SCANS {
            while let Some(callee) = work.pop() {
                for &(at, caller, p) in &feeds[callee] {
                    let c = caller.index();
                    let bit = 1 << p & !constants.constant_params(caller);
                    if needed[callee] >> at & 1 == 1 && needed[c] & bit != bit {
                        needed[c] |= bit;
                        work.push(c);
                    }
                }
            }
            let dropped: Vec<u64> = (0..facts.len()).map(|n| !needed[n] & first_bits(count(n))).collect();
            // What is not worth a type needs its arguments, and so may callers need theirs.
            work = (0..facts.len())
                .filter(|&n| dropped[n] != 0 && !pays(module, n, dropped[n], calls[n]))
                .collect();
            if work.is_empty() {
                return Signatures::of_dropped(dropped, facts);
            }
            work.iter().for_each(|&n| needed[n] = u64::MAX);
        }
        Signatures::default()
    }

    fn of_dropped(dropped: Vec<u64>, facts: &[Option<CallConstants>]) -> Signatures {
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

    fn of(&self, func: FuncId) -> u64 {
        self.dropped.get(func.index()).copied().unwrap_or(0)
    }

    /// Gives the functions their new types, and the names of their parameters new places; how many parameters go.
    pub fn change_types(&self, module: &mut Module) -> u64 {
        let mut count = 0;
        for (n, &dropped) in self.dropped.iter().enumerate().filter(|(_, d)| **d != 0) {
            let func = FuncId::new(n);
            let ty = module.func_type(func).clone();
            module.funcs[func].ty = module.intern_func_type(&left(&ty.params, dropped), &ty.results);
            count += u64::from(dropped.count_ones());
            if let Some(names) = module.names.as_mut().and_then(|names| names.locals.get_mut(&func)) {
                let old = std::mem::take(names).into_iter();
                let of_params =
                    old.filter(|(i, _)| (*i as usize) < ty.params.len() && !drops(dropped, *i as usize));
                *names = of_params.map(|(i, name)| (i - before(dropped, i), name)).collect();
            }
        }
        count
    }

    /// Takes the parameters and the arguments out of a graph.
    pub fn apply(&self, f: &mut Function) {
        if !self.touches(f.id) {
            return;
        }
        let dropped = self.of(f.id);
        if dropped != 0 {
            let params: Vec<Value> = left(f.block_params(f.entry), dropped);
            for (n, &p) in params.iter().enumerate() {
                f.values[p].def = ValueDef::Param(f.entry, n as u32);
                f.values[p].hint = Some(n as u32);
            }
            f.blocks[f.entry].params = f.list(&params);
            f.params = left(&f.params, dropped);
        }
        for n in 0..f.layout.len() {
            let b = f.layout[n];
            for k in 0..f.blocks[b].insts.len() {
                let inst = f.blocks[b].insts[k];
                if let (Op::Call, Imm::Func(callee)) = (f.insts[inst].op, f.insts[inst].imm)
                    && self.of(callee) != 0
                {
                    let args = left(f.args(inst), self.of(callee));
                    f.insts[inst].args = f.list(&args);
                }
            }
            let pool = &mut f.pool;
            match &mut f.blocks[b].term {
                Some(Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), args, .. })
                | Some(Terminator::TailCall { callee: TailCallee::Direct(callee), args }) => {
                    shorten(args, self.of(*callee), pool);
                }
                _ => {}
            }
        }
        dce(f);
    }
}

fn shorten(args: &mut EntityList<Value>, dropped: u64, pool: &mut ListPool<Value>) {
    if dropped != 0 {
        let rest = left(args.as_slice(pool), dropped);
        *args = EntityList::from_slice(&rest, pool);
    }
}

/// Whether taking these parameters out of a function with so many calls is worth its type.
fn pays(module: &Module, n: usize, dropped: u64, calls: usize) -> bool {
    let ty = module.func_type(FuncId::new(n));
    calls.saturating_mul(dropped.count_ones() as usize) >= NEW_TYPE
        || module.find_func_type(&left(&ty.params, dropped), &ty.results).is_some()
}

fn first_bits(count: usize) -> u64 {
    u64::MAX.checked_shr(64 - count.min(64) as u32).unwrap_or(0)
}

fn drops(dropped: u64, n: usize) -> bool {
    n < 64 && dropped >> n & 1 == 1
}

/// How many go before place `n`.
fn before(dropped: u64, n: u32) -> u32 {
    (0..n as usize).filter(|&i| drops(dropped, i)).count() as u32
}

fn left<T: Copy>(list: &[T], dropped: u64) -> Vec<T> {
    list.iter().enumerate().filter(|(n, _)| !drops(dropped, *n)).map(|(_, &t)| t).collect()
}

/// The parameters of a graph that it uses for anything but arguments of direct calls, as bits; all beyond the 64th count as used.
pub fn used_params(f: &Function) -> u64 {
    let mut used = 0u64;
    let mut mark = |v: Value, is_argument: bool| {
        if let ValueDef::Param(b, n) = f.values[v].def
            && b == f.entry
            && n < 64
            && (!is_argument || matches!(f.ty(v), Type::Ref(_)))
        {
            used |= 1 << n;
        }
    };
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            let direct = f.insts[i].op == Op::Call;
            f.args(i).iter().for_each(|&v| mark(v, direct));
        }
        let term = f.term(b);
        let direct = matches!(
            term,
            Terminator::Invoke { op: Op::Call, .. }
                | Terminator::TailCall { callee: TailCallee::Direct(_), .. }
        );
        term.operands(&f.pool).iter().for_each(|&v| mark(v, direct));
        term.edges().for_each(|e| f.edge_args(e).iter().for_each(|&v| mark(v, false)));
    }
    used
}
