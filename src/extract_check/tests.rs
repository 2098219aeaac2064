//! Right extractions pass; every kind of wrong one is refused, and for the reason that it is wrong.

use super::*;
use crate::analysis::memory_ssa::MemorySsa;
use crate::analysis::{Cfg, DomTree, Loops, Summaries};
use crate::caps::Caps;
use crate::chaos::Chaos;
use crate::cost::CostTable;
use crate::egraph::build::{Built, build};
use crate::egraph::compile::CompiledRules;
use crate::egraph::saturate::{Saturation, saturate};
use crate::extract::{Context, Elaborated, elaborate};
use crate::ir::entity::MemoryId;
use crate::ir::parse;
use crate::module::{Module, decode};
use crate::options::Objective;
use crate::rules::RuleSet;

pub(super) const MODULE: &str = "(module
  (memory 1) (memory 2)
  (global (mut i32) (i32.const 0)) (global i32 (i32.const 5))
  (table 1 funcref)
  (func (param i32 i32) (result i32) (i32.const 0)))";

struct World {
    module: Module,
    f: Function,
    built: Built,
    memory: MemorySsa,
    rules: CompiledRules,
    saturation: Saturation,
    out: Elaborated,
}

impl World {
    /// A function `(i32, i32) -> (i32)` by the text of its blocks, optimized for size.
    fn new(blocks: &str) -> World {
        World::with(blocks, usize::MAX)
    }

    fn with(blocks: &str, memory_rows: usize) -> World {
        let wasm = wat::parse_str(MODULE).expect("a module");
        let module = decode(&wasm).expect("decodes").validate_bodies().expect("is valid");
        let text = format!("function func0 (i32, i32) -> (i32) {{\nb0(v0: i32, v1: i32):\n{blocks}\n}}\n");
        let f = parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let cfg = Cfg::compute(&f);
        let dom = DomTree::compute(&f, &cfg);
        let loops = Loops::compute(&cfg, &dom);
        let caps = (memory_rows, usize::MAX);
        let memory = MemorySsa::compute_capped(&f, &cfg, &dom, &loops, &Summaries::unknown(), caps);
        let mut built = build(&f, cfg.rpo(), &memory, &module);
        let rules = CompiledRules::new(&RuleSet::builtin().expect("rules"), Objective::Size, |_| true);
        let saturation = saturate(&mut built.graph, &rules, true, Chaos::OFF);
        let out = elaborate(&Context {
            f: &f,
            built: &built,
            dom: &dom,
            loops: &loops,
            memory: &memory,
            info: &module,
            costs: CostTable::of(Objective::Size),
            caps: Caps::default(),
            chaos: Chaos::OFF,
        });
        let out = out.expect("extraction works");
        World { module, f, built, memory, rules, saturation, out }
    }

    fn check(&self) -> Result<(), Refusal> {
        check(&Subject {
            before: &self.f,
            after: &self.out.f,
            origin: &self.out.origin,
            equal: &self.built,
            versions: &self.built.named_versions(&self.memory),
            effects: &effects,
            info: &self.module,
            max_work: MAX_WORK,
        })
    }

    fn accepted(self) -> World {
        assert_eq!(self.check(), Ok(()), "{}", crate::ir::print::function(&self.out.f, None));
        assert_eq!(self.replayed(&|_| true), Ok(()), "{}", crate::ir::print::function(&self.out.f, None));
        self
    }

    /// What the checker says of the equalities that are found again from rules that are taken for proved.
    fn replayed(&self, proved: &dyn Fn(u32) -> bool) -> Result<(), Refusal> {
        let replayed = crate::replay::replay(&crate::replay::Subject {
            before: &self.f,
            built: &self.built,
            memory: &self.memory,
            log: &self.saturation.log,
            changes: &[],
            rules: &self.rules,
            proved,
            info: &self.module,
            max_terms: crate::replay::MAX_TERMS,
        });
        let equal = replayed.map_err(Refusal::Wrong)?;
        check(&Subject {
            before: &self.f,
            after: &self.out.f,
            origin: &self.out.origin,
            equal: &equal,
            versions: &equal.versions(),
            effects: &effects,
            info: &self.module,
            max_work: MAX_WORK,
        })
    }

    /// What the checker says once the graph was tampered with.
    fn refused(mut self, tamper: impl FnOnce(&mut Function)) -> String {
        tamper(&mut self.out.f);
        match self.check() {
            Err(Refusal::Wrong(why)) => why,
            other => panic!("{other:?}\n{}", crate::ir::print::function(&self.out.f, None)),
        }
    }
}

/// Position of the first instruction with this operator in a block.
fn find(f: &Function, block: u32, op: Op) -> usize {
    let b = Block::from_u32(block);
    let at = f.blocks[b].insts.iter().position(|&i| f.insts[i].op == op);
    at.unwrap_or_else(|| panic!("no {op:?} in b{block}"))
}

fn insts(f: &mut Function, block: u32) -> &mut Vec<Inst> {
    &mut f.blocks[Block::from_u32(block)].insts
}

const STORE_THEN_LOAD: &str = "v2: i32 = i32.load mem0 v0\ni32.store mem0 v1, v2\n\
    v3: i32 = i32.load mem0 offset=4 v0\nreturn v3";

#[test]
fn what_the_extractor_makes_is_accepted() {
    for blocks in [
        STORE_THEN_LOAD,
        "v2: i32 = i32.const 0\nv3: i32 = i32.eq v0, v2\nbr_if v3, b1(v0, v1), b2()\n\
         b1(v4: i32, v5: i32):\nv6: i32 = i32.sub v4, v5\nreturn v6\nb2():\nreturn v1",
        // The state of the outer loop is the inner one's too, though paths meet there.
        "br b1(v0)\nb1(v2: i32):\nbr b2(v2)\nb2(v3: i32):\nv4: i32 = i32.load mem0 v1\nv5: i32 = i32.sub v3, v4\n\
         br_if v5, b2(v5), b3()\nb3():\ni32.store mem0 v0, v4\nv6: i32 = i32.load mem0 v0\nbr_if v6, b1(v6), b4()\n\
         b4():\nreturn v6",
        "v2: i32 = memory.size mem0\nv3: i32 = global.get global0\nglobal.set global0 v2\nv4: i32 = global.get global0\n\
         v5: i32 = global.get global1\nv6: i32 = i32.add v3, v4\nv7: i32 = i32.add v6, v5\n\
         v8: i32 = memory.grow mem0 v7\nv9: i32 = memory.size mem0\nv10: i32 = i32.add v8, v9\nreturn v10",
        // The state that the store makes is the next block's too.
        "i32.store mem0 v0, v1\nv2: i32 = i32.load mem0 v1\nbr_if v2, b1(), b2()\nb1():\nv3: i32 = i32.load mem0 v1\n\
         v4: i32 = i32.add v2, v3\nreturn v4\nb2():\ni32.store mem0 v1, v0\nreturn v2",
        "v2: i32 = i32.const 1\nbr_table v2 [b1(v0), b2(v1)] default b1(v1)\nb1(v3: i32):\nreturn v3\nb2(v4: i32):\nreturn v4",
        "v2: i32 = i32.div_u v0, v1\nv3: i32 = i32.div_u v0, v1\nv4: i32 = i32.const 3\nv5: i32 = i32.div_s v2, v4\n\
         v6: i32 = i32.add v3, v5\nreturn v6",
    ] {
        World::new(blocks).accepted();
        // Where every block starts with versions of its own, a state has many names.
        World::with(blocks, 0).accepted();
    }
}

#[test]
fn a_read_behind_a_store_that_it_stood_before() {
    let w = World::new(
        "v2: i32 = i32.load mem0 v0\nv3: i32 = i32.load mem0 v0\ni32.store mem0 v1, v0\nv4: i32 = i32.add v2, v3\nreturn v4",
    );
    let why = w.accepted().refused(|g| {
        let (load, store) = (find(g, 0, Op::I32Load), find(g, 0, Op::I32Store));
        insts(g, 0).swap(load, store);
    });
    assert!(why.contains("is not the effect of the input that comes next"), "{why}");
}

/// A read that cannot trap needs no place among the effects, only the right state.
#[test]
fn a_safe_read_in_another_state() {
    let blocks = "v2: i32 = i32.const 16\nv3: i32 = i32.load mem0 v2\ni32.store mem0 v1, v0\nreturn v3";
    let why = World::new(blocks).accepted().refused(|g| {
        let load = find(g, 0, Op::I32Load);
        let i = insts(g, 0).remove(load);
        insts(g, 0).push(i);
    });
    assert!(why.contains("in this state"), "{why}");
    // Another memory's store does not matter.
    let mut w = World::new(&blocks.replace("store mem0", "store mem1")).accepted();
    let load = find(&w.out.f, 0, Op::I32Load);
    let i = insts(&mut w.out.f, 0).remove(load);
    insts(&mut w.out.f, 0).push(i);
    w.accepted();
}

#[test]
fn a_global_read_after_it_was_set() {
    let why = World::new("v2: i32 = global.get global0\nglobal.set global0 v1\nreturn v2").refused(|g| {
        let get = find(g, 0, Op::GlobalGet);
        let i = insts(g, 0).remove(get);
        insts(g, 0).push(i);
    });
    assert!(why.contains("in this state"), "{why}");
}

#[test]
fn a_size_read_after_growing() {
    let why =
        World::new("v2: i32 = memory.size mem0\nv3: i32 = memory.grow mem0 v1\nreturn v2").refused(|g| {
            let size = find(g, 0, Op::MemorySize);
            let i = insts(g, 0).remove(size);
            insts(g, 0).push(i);
        });
    assert!(why.contains("in this state"), "{why}");
}

#[test]
fn use_before_definition() {
    let blocks = "v2: i32 = i32.mul v0, v1\nv3: i32 = i32.xor v2, v0\nreturn v3";
    let why = World::new(blocks).accepted().refused(|g| {
        let (mul, xor) = (find(g, 0, Op::I32Mul), find(g, 0, Op::I32Xor));
        insts(g, 0).swap(mul, xor);
    });
    assert!(why.contains("used where it is not defined"), "{why}");
}

#[test]
fn use_on_another_branch() {
    let blocks = "br_if v0, b1(), b2()\nb1():\nv2: i32 = i32.mul v0, v1\ni32.store mem0 v0, v2\nreturn v2\n\
                  b2():\nv3: i32 = i32.mul v0, v1\nreturn v3";
    let why = World::new(blocks).accepted().refused(|g| {
        let at = find(g, 1, Op::I32Mul);
        let there = g.blocks[Block::from_u32(1)].insts[at];
        let v = g.results(there)[0];
        let list = g.list(&[v]);
        g.blocks[Block::from_u32(2)].term = Some(Terminator::Return(list));
    });
    assert!(why.contains("used where it is not defined"), "{why}");
}

#[test]
fn an_effect_dropped() {
    let why = World::new(STORE_THEN_LOAD).accepted().refused(|g| {
        let store = find(g, 0, Op::I32Store);
        insts(g, 0).remove(store);
    });
    assert!(why.contains("missing") || why.contains("may trap"), "{why}");
}

#[test]
fn a_trap_dropped() {
    let blocks = "v2: i32 = i32.load mem0 v0\nv3: i32 = i32.div_u v0, v1\nreturn v0";
    for op in [Op::I32Load, Op::I32DivU] {
        let why = World::new(blocks).accepted().refused(|g| {
            let at = find(g, 0, op);
            insts(g, 0).remove(at);
        });
        assert!(why.contains("missing") || why.contains("may trap"), "{why}");
    }
}

#[test]
fn effects_swapped() {
    let blocks = "i32.store mem0 v0, v1\ni32.store mem1 v0, v1\nreturn v0";
    let why = World::new(blocks).accepted().refused(|g| insts(g, 0).swap(0, 1));
    assert!(why.contains("is not the effect of the input that comes next"), "{why}");
}

#[test]
fn an_effect_done_twice() {
    let why = World::new("v2: i32 = memory.grow mem0 v0\nreturn v2").accepted().refused(|g| {
        let grow = find(g, 0, Op::MemoryGrow);
        let (op, imm, args) = {
            let i = g.blocks[g.entry].insts[grow];
            (g.insts[i].op, g.insts[i].imm, g.args(i).to_vec())
        };
        let block = g.entry;
        g.append(block, op, imm, &args, &[crate::ir::types::Type::I32]);
    });
    assert!(why.contains("is not the effect of the input that comes next"), "{why}");
}

#[test]
fn another_memory() {
    for op in [Op::I32Store, Op::I32Load] {
        let why = World::new(STORE_THEN_LOAD).accepted().refused(|g| {
            let at = find(g, 0, op);
            let i = g.blocks[g.entry].insts[at];
            if let Imm::Mem(m) = &mut g.insts[i].imm {
                m.memory = MemoryId::from_u32(1);
            }
        });
        assert!(why.contains("comes next") || why.contains("may trap"), "{why}");
    }
}

#[test]
fn another_offset_of_a_store() {
    let why = World::new(STORE_THEN_LOAD).accepted().refused(|g| {
        let at = find(g, 0, Op::I32Store);
        let i = g.blocks[g.entry].insts[at];
        if let Imm::Mem(m) = &mut g.insts[i].imm {
            m.offset += 4;
        }
    });
    assert!(why.contains("comes next"), "{why}");
}

const DIAMOND: &str = "br_if v0, b1(v0, v1), b2()\nb1(v2: i32, v3: i32):\nv4: i32 = i32.sub v2, v3\nreturn v4\n\
    b2():\nv5: i32 = i32.mul v0, v1\nbr b1(v5, v0)";

#[test]
fn arguments_of_an_edge_swapped() {
    let why = World::new(DIAMOND).accepted().refused(|g| {
        let mut term = g.blocks[Block::from_u32(2)].term.take();
        if let Some(Terminator::Jump(e)) = &mut term {
            e.args.as_mut_slice(&mut g.pool).swap(0, 1);
        }
        g.blocks[Block::from_u32(2)].term = term;
    });
    assert!(why.contains("of the input"), "{why}");
}

#[test]
fn branches_swapped_or_folded() {
    let why = World::new(DIAMOND).accepted().refused(|g| {
        if let Some(Terminator::Branch { then, els, .. }) = &mut g.blocks[g.entry].term {
            std::mem::swap(then, els);
        }
    });
    assert!(why.contains("edge"), "{why}");
    let why = World::new(DIAMOND).accepted().refused(|g| {
        let Some(Terminator::Branch { then, .. }) = g.blocks[g.entry].term.take() else { panic!("a branch") };
        g.blocks[g.entry].term = Some(Terminator::Jump(then));
    });
    assert!(why.contains("folded"), "{why}");
}

#[test]
fn another_condition_or_result() {
    let why = World::new(DIAMOND).accepted().refused(|g| {
        let other = g.block_params(g.entry)[1];
        if let Some(Terminator::Branch { cond, .. }) = &mut g.blocks[g.entry].term {
            *cond = other;
        }
    });
    assert!(why.contains("is not the condition"), "{why}");
    let why = World::new("return v0").accepted().refused(|g| {
        let list = g.list(&[g.block_params(g.entry)[1]]);
        g.blocks[g.entry].term = Some(Terminator::Return(list));
    });
    assert!(why.contains("is not v0 of the input"), "{why}");
}

#[test]
fn a_load_that_may_trap_where_none_was() {
    let blocks = "br_if v0, b1(), b2()\nb1():\nv2: i32 = i32.load mem0 v1\nreturn v2\nb2():\nreturn v0";
    let why = World::new(blocks).accepted().refused(|g| {
        let at = find(g, 1, Op::I32Load);
        let i = insts(g, 1).remove(at);
        insts(g, 0).push(i);
    });
    assert!(why.contains("may trap where the input does not"), "{why}");
}

/// A wrong version in the e-graph, as an error of memory SSA would put it there, is seen before anything else.
#[test]
fn versions_that_are_wrong() {
    let w = World::new(STORE_THEN_LOAD);
    let mut versions = w.built.named_versions(&w.memory);
    let (first, second) = (versions[0].1, versions[1].1);
    (versions[0].1, versions[1].1) = (second, first);
    let refused = check(&Subject {
        before: &w.f,
        after: &w.out.f,
        origin: &w.out.origin,
        equal: &w.built,
        versions: &versions,
        effects: &effects,
        info: &w.module,
        max_work: MAX_WORK,
    });
    let Err(Refusal::Wrong(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("does not name the state that it finds"), "{why}");
}

#[test]
fn too_large_is_said() {
    let w = World::new(
        "br b1(v0)\nb1(v2: i32):\nv3: i32 = i32.load mem0 v2\nbr_if v3, b1(v3), b2()\nb2():\nreturn v2",
    );
    let small = check(&Subject {
        before: &w.f,
        after: &w.out.f,
        origin: &w.out.origin,
        equal: &w.built,
        versions: &w.built.named_versions(&w.memory),
        effects: &effects,
        info: &w.module,
        max_work: 1,
    });
    assert_eq!(small, Err(Refusal::TooLarge));
    w.accepted();
}

/// Where the extracted function rests on a rule, it is not accepted without it.
#[test]
fn what_rests_on_a_rule_needs_it() {
    let w = World::new(
        "v2: i32 = i32.const 0\nv3: i32 = i32.add v0, v2\ni32.store mem0 v1, v3\nv4: i32 = i32.load mem0 v1\nreturn v4",
    )
    .accepted();
    assert!(!w.saturation.log.is_empty());
    for left_out in ["add-zero@32", "forward-store@i32"] {
        let is = |rule: &u32| w.rules.rules[*rule as usize].rule.name.starts_with(left_out);
        assert!(w.saturation.log.iter().any(|a| is(&a.rule)), "{left_out} does not fire");
        let refused = w.replayed(&|rule| !is(&rule));
        assert!(matches!(refused, Err(Refusal::Wrong(_))), "{left_out}: {refused:?}");
    }
}

/// Cleanup and removal of dead code, and each way to get them wrong.
#[test]
fn cleanup_is_followed_and_nothing_else_is() {
    let w = World::new(
        "v2: i32 = i32.add v0, v1\nv3: i32 = i32.clz v2\nbr b1(v0)\nb1(v4: i32):\ni32.store mem0 v4, v2\nbr_if v1, b2(), b3()\n\
         b2():\nbr b4(v2)\nb3():\ni32.store mem0 v2, v4\nbr b4(v4)\nb4(v5: i32):\nreturn v5",
    )
    .accepted();
    let before = w.out.f.clone();
    let tidy = w.out.tidy(Chaos::OFF);
    assert!(tidy.layout.len() < before.layout.len(), "something was cleaned up");
    assert_eq!(tidied::check(&before, &tidy), Ok(()));
    let refused = |change: &dyn Fn(&mut Function), why: &str| {
        let mut g = tidy.clone();
        change(&mut g);
        let found = tidied::check(&before, &g).expect_err(why);
        assert!(found.contains(why), "{found} instead of {why}");
    };
    let stores = |g: &Function| -> Vec<(Block, usize)> {
        let of = |&b: &Block| {
            let insts = g.blocks[b].insts.iter().enumerate();
            insts.filter(|(_, i)| g.insts[**i].op == Op::I32Store).map(|(n, _)| (b, n)).collect::<Vec<_>>()
        };
        g.layout.iter().flat_map(of).collect()
    };
    let (first, n) = stores(&tidy)[0];
    refused(
        &|g| {
            g.blocks[first].insts.remove(n);
        },
        "is missing",
    );
    refused(
        &|g| {
            let i = g.blocks[first].insts[n];
            g.blocks[first].insts.insert(n, i);
        },
        "was not there",
    );
    refused(
        &|g| {
            let i = g.blocks[first].insts[n];
            g.insts[i].args.as_mut_slice(&mut g.pool).swap(0, 1);
        },
        "is another instruction",
    );
    refused(
        &|g| {
            let Some(Terminator::Branch { then, els, .. }) = &mut g.blocks[first].term else {
                panic!("no branch")
            };
            std::mem::swap(then, els);
        },
        "an edge",
    );
    refused(&|g| g.blocks[first].term = Some(Terminator::Unreachable), "ends in another way");
}
