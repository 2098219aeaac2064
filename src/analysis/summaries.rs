//! Effect summaries of calls: what a direct call may read and write, bottom-up over the call graph.
//!
//! In: for each defined function the effects of its own instructions and its direct callees ([`CallFacts`]). Out: for each
//! function an [`EffectSet`] that covers everything that happens until it returns. Imported functions, indirect calls and
//! functions that were not lifted may do anything: an import can call back into any export. A function that loops or
//! takes part in a recursion may not return, which counts as an effect on the host (what would follow must not be done
//! earlier); one without either always returns, traps or throws.
//!
//! Linear in functions plus call sites ([`components`]).

use super::{Cfg, components};
use crate::ir::effects::{Aliases, EffectSet, data_mask, effects};
use crate::ir::entity::{Block, FuncId, Inst, MemoryId};
use crate::ir::function::{Function, TailCallee, Terminator};
use crate::ir::ops::{Imm, Op};
use cranelift_entity::{EntityRef, SecondaryMap};

/// What a summary is computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFacts {
    /// Effects of everything in the body but direct calls.
    pub own: EffectSet,
    /// Functions called directly, each once, in ascending order.
    pub callees: Vec<FuncId>,
}

impl CallFacts {
    /// Of an imported function or a body that is kept as bytes.
    pub fn unknown() -> CallFacts {
        CallFacts { own: EffectSet::ALL, callees: Vec::new() }
    }

    /// Of a function graph.
    pub fn of(f: &Function) -> CallFacts {
        let cfg = Cfg::compute(f);
        let mut own = if cfg.back_edges().is_empty() { EffectSet::NONE } else { EffectSet::NONE.as_call() };
        let mut callees = Vec::new();
        for &b in cfg.rpo() {
            for &i in &f.blocks[b].insts {
                match (f.insts[i].op, f.insts[i].imm) {
                    (Op::Call, Imm::Func(callee)) => callees.push(callee),
                    (op, imm) => own = own.union(effects(op, &imm)),
                }
            }
            match f.term(b) {
                Terminator::TailCall { callee: TailCallee::Direct(callee), .. }
                | Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), .. } => callees.push(*callee),
                term => own = own.union(term_effects(term)),
            }
        }
        callees.sort_unstable();
        callees.dedup();
        CallFacts { own, callees }
    }
}

/// Effects of a terminator, calls unknown.
fn term_effects(term: &Terminator) -> EffectSet {
    match term {
        Terminator::Jump(_)
        | Terminator::Branch { .. }
        | Terminator::Table { .. }
        | Terminator::Return(_)
        | Terminator::BrOn { .. } => EffectSet::NONE,
        Terminator::Unreachable => EffectSet::TRAPS,
        Terminator::Throw { .. } => EffectSet::THROWS,
        // `throw_ref` traps on null.
        Terminator::ThrowRef { .. } => EffectSet::THROWS.union(EffectSet::TRAPS),
        Terminator::TailCall { .. } | Terminator::Invoke { .. } => EffectSet::ALL,
    }
}

/// The summaries of a module's functions.
#[derive(Clone, Debug)]
pub struct Summaries {
    of: SecondaryMap<FuncId, EffectSet>,
    aliases: Aliases,
}

impl Default for Summaries {
    fn default() -> Self {
        Summaries::unknown()
    }
}

impl Summaries {
    /// Without knowledge: every call may do anything.
    pub fn unknown() -> Summaries {
        Summaries { of: SecondaryMap::with_default(EffectSet::ALL), aliases: Aliases::default() }
    }

    /// From the facts about each function, by index. Functions beyond the end are unknown.
    pub fn compute(facts: &[CallFacts], aliases: Aliases) -> Summaries {
        let mut summaries = Summaries { aliases, ..Summaries::unknown() };
        components(
            facts.len(),
            |f| &facts[f.index()].callees,
            |component| {
                let looping = match component {
                    [one] => facts[one.index()].callees.binary_search(one).is_ok(),
                    _ => true,
                };
                let mut all = if looping { EffectSet::NONE.as_call() } else { EffectSet::NONE };
                for func in component {
                    let facts = &facts[func.index()];
                    all = all.union(facts.own);
                    for callee in facts.callees.iter().filter(|c| component.binary_search(c).is_err()) {
                        all = all.union(summaries.of[*callee]);
                    }
                }
                all = summaries.aliases.widen(all);
                for &func in component {
                    summaries.of[func] = all;
                }
            },
        );
        summaries
    }

    /// Adds a function that does what another one does, and reads these memories besides.
    pub fn add_copy(&mut self, copy: FuncId, of: FuncId, reads: impl IntoIterator<Item = MemoryId>) {
        let reads = reads.into_iter().fold(0, |mask, memory| mask | data_mask(memory));
        let more = EffectSet { reads, ..EffectSet::NONE };
        self.of[copy] = self.aliases.widen(self.of[of].union(more));
    }

    /// Summary of a function.
    pub fn function(&self, func: FuncId) -> EffectSet {
        self.of[func]
    }

    /// Effects of an operator with its immediate, calls by their summary.
    pub fn effects(&self, op: Op, imm: &Imm) -> EffectSet {
        match (op, imm) {
            (Op::Call, Imm::Func(callee)) => self.of[*callee],
            _ => self.aliases.widen(effects(op, imm)),
        }
    }

    /// What may be the same although its index differs.
    pub fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Effects of an instruction.
    pub fn inst(&self, f: &Function, inst: Inst) -> EffectSet {
        self.effects(f.insts[inst].op, &f.insts[inst].imm)
    }

    /// Effects of a block's terminator.
    pub fn term(&self, f: &Function, block: Block) -> EffectSet {
        match f.term(block) {
            Terminator::TailCall { callee: TailCallee::Direct(callee), .. } => self.of[*callee],
            Terminator::Invoke { op, imm, .. } => self.effects(*op, imm),
            term => term_effects(term),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::effects::{data_mask, size_mask};
    use crate::ir::entity::MemoryId;
    use crate::ir::parse;

    fn facts(text: &str) -> Vec<CallFacts> {
        parse::functions(text).expect("parses").iter().map(|p| CallFacts::of(&p.function)).collect()
    }

    #[test]
    fn a_call_has_the_effects_of_what_it_reaches() {
        let text = "
            function func0 (i32) -> () {
            b0(v0: i32):
                i32.store mem1 v0, v0
                return
            }
            function func1 (i32) -> (i32) {
            b0(v0: i32):
                call func0 v0
                v1: i32 = i32.load mem0 v0
                return v1
            }
            function func2 (i32) -> (i32) {
            b0(v0: i32):
                invoke call func1(v0) normal b1()
            b1(v1: i32):
                return_call func3(v1)
            }
            function func3 (i32) -> (i32) {
            b0(v0: i32):
                return v0
            }";
        let s = Summaries::compute(&facts(text), Aliases::default());
        let (m0, m1) = (MemoryId::from_u32(0), MemoryId::from_u32(1));
        let f = |n| s.function(FuncId::from_u32(n));
        assert_eq!(f(3), EffectSet::NONE);
        assert!(f(0).writes_data(m1) && !f(0).writes_data(m0) && f(0).can_trap());
        assert_eq!(f(1).reads, data_mask(m0) | size_mask(m0) | size_mask(m1));
        assert_eq!(f(1).writes & data_mask(m0), 0);
        assert_eq!(f(2), f(1));
        assert_eq!(f(4), EffectSet::ALL, "beyond the end");
        assert_eq!(s.effects(Op::CallRef, &Imm::None), EffectSet::ALL);
        assert!(!f(1).can_throw());
    }

    #[test]
    fn recursion_and_loops_may_not_return() {
        let text = "
            function func0 () -> () {
            b0():
                call func1
                return
            }
            function func1 () -> () {
            b0():
                call func0
                unreachable
            }
            function func2 () -> () {
            b0():
                br b1()
            b1():
                br b1()
            }
            function func3 () -> () {
            b0():
                call func3
                return
            }
            function func4 (i32) -> () {
            b0(v0: i32):
                call_indirect type0 table0 v0
                return
            }";
        let s = Summaries::compute(&facts(text), Aliases::default());
        let diverges = EffectSet::NONE.as_call();
        let f = |n| s.function(FuncId::from_u32(n));
        assert_eq!(f(0), diverges.union(EffectSet::TRAPS));
        assert_eq!(f(1), f(0));
        assert_eq!(f(2), diverges);
        assert_eq!(f(3), diverges);
        assert_eq!(f(4), EffectSet::ALL);
    }

    /// The definition: everything that a function reaches, and divergence where something that it reaches reaches itself.
    #[test]
    fn agrees_with_reachability_on_random_call_graphs() {
        let mut state = 5u64;
        let mut random = move |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        for _ in 0..500 {
            let n = 1 + random(10);
            let list: Vec<CallFacts> = (0..n)
                .map(|i| {
                    let mut callees: Vec<FuncId> = (0..random(3)).map(|_| FuncId::new(random(n))).collect();
                    callees.sort_unstable();
                    callees.dedup();
                    CallFacts { own: EffectSet { reads: 1 << (20 + i), writes: 0 }, callees }
                })
                .collect();
            let reached = |from: usize| {
                let mut seen = vec![false; n];
                let mut work = list[from].callees.clone();
                while let Some(f) = work.pop() {
                    if !std::mem::replace(&mut seen[f.index()], true) {
                        work.extend(&list[f.index()].callees);
                    }
                }
                seen
            };
            let summaries = Summaries::compute(&list, Aliases::default());
            for f in 0..n {
                let mut expected = list[f].own;
                let seen = reached(f);
                for g in (0..n).filter(|&g| g == f || seen[g]) {
                    expected = expected.union(list[g].own);
                    if reached(g)[g] {
                        expected = expected.as_call();
                    }
                }
                assert_eq!(summaries.function(FuncId::new(f)), expected, "{f} of {list:?}");
            }
        }
    }

    #[test]
    fn long_call_chains_do_not_recurse() {
        let n = 200_000;
        let list: Vec<CallFacts> = (0..n)
            .map(|i| CallFacts {
                own: if i + 1 == n { EffectSet::TRAPS } else { EffectSet::NONE },
                callees: if i + 1 == n { vec![] } else { vec![FuncId::new(i + 1)] },
            })
            .collect();
        assert_eq!(Summaries::compute(&list, Aliases::default()).function(FuncId::new(0)), EffectSet::TRAPS);
    }
}
