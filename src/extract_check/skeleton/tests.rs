//! What rules make of effects and branches is accepted; everything else that could have been made of them is refused.

use super::super::tests::MODULE;
use super::*;
use crate::analysis::memory_ssa::MemorySsa;
use crate::analysis::{Cfg, DomTree, Loops, Summaries};
use crate::chaos::Chaos;
use crate::egraph::build::{Built, build};
use crate::egraph::compile::CompiledRules;
use crate::egraph::saturate::{Saturation, saturate};
use crate::extract_check::MAX_WORK;
use crate::ir::effects::effects;
use crate::ir::function::Function;
use crate::ir::ops::{Imm, Op};
use crate::ir::print;
use crate::ir::types::Type;
use crate::ir::{parse, verify::verify};
use crate::module::{Module, decode};
use crate::options::Objective;
use crate::replay::{self, replay};
use crate::rules::RuleSet;
use crate::skeleton::{self, Change};

struct World {
    module: Module,
    f: Function,
    g: Function,
    built: Built,
    memory: MemorySsa,
    rules: CompiledRules,
    saturation: Saturation,
    changes: Vec<Change>,
}

impl World {
    /// A function `(i32, i32) -> (i32)` by the text of its blocks, in which rules about effects or branches fire.
    fn new(blocks: &str) -> World {
        let wasm = wat::parse_str(MODULE).expect("a module");
        let module = decode(&wasm).expect("decodes").validate_bodies().expect("is valid");
        let text = format!("function func0 (i32, i32) -> (i32) {{\nb0(v0: i32, v1: i32):\n{blocks}\n}}\n");
        let f = parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let cfg = Cfg::compute(&f);
        let dom = DomTree::compute(&f, &cfg);
        let loops = Loops::compute(&cfg, &dom);
        let memory = MemorySsa::compute(&f, &cfg, &dom, &loops, &Summaries::unknown());
        let mut built = build(&f, cfg.rpo(), &memory, &module);
        let rules = CompiledRules::new(&RuleSet::builtin().expect("rules"), Objective::Size, |_| true);
        let saturation = saturate(&mut built.graph, &rules, true, Chaos::OFF);
        let context = skeleton::Context {
            f: &f,
            cfg: &cfg,
            dom: &dom,
            memory: &memory,
            rules: &rules,
            info: &module,
            chaos: Chaos::OFF,
        };
        let (g, changes) = skeleton::rewritten(&context, &mut built).expect("a rule fires");
        verify(&g, &module).unwrap_or_else(|e| panic!("{e:?}\n{}", print::function(&g, None)));
        World { module, f, g, built, memory, rules, saturation, changes }
    }

    fn subject<'a>(
        &'a self,
        equal: &'a dyn crate::extract_check::Equalities,
        versions: &'a [(crate::analysis::memory_ssa::VersionDef, Id)],
        none: &'a SecondaryMap<Value, cranelift_entity::packed_option::PackedOption<Value>>,
    ) -> Subject<'a, Module> {
        Subject {
            before: &self.f,
            after: &self.g,
            origin: none,
            equal,
            versions,
            effects: &effects,
            info: &self.module,
            max_work: MAX_WORK,
        }
    }

    fn licences(&self) -> Vec<Licence> {
        self.changes.iter().map(|c| c.licence(&self.rules)).collect()
    }

    fn check(&self, licences: &[Licence]) -> Result<(), Refusal> {
        let (versions, none) = (self.built.named_versions(&self.memory), SecondaryMap::new());
        check(&self.subject(&self.built, &versions, &none), licences)
    }

    /// What the checker says of licences that are found again from rules that are taken for proved.
    fn replayed(&self, proved: bool) -> Result<(), Refusal> {
        let replayed = replay(&replay::Subject {
            before: &self.f,
            built: &self.built,
            memory: &self.memory,
            log: &self.saturation.log,
            changes: &self.changes,
            rules: &self.rules,
            proved: &|_| proved,
            info: &self.module,
            max_terms: replay::MAX_TERMS,
        })
        .map_err(Refusal::Wrong)?;
        let (versions, none) = (replayed.versions(), SecondaryMap::new());
        check(&self.subject(&replayed, &versions, &none), replayed.licences())
    }

    fn accepted(self) -> World {
        let text = print::function(&self.g, None);
        assert_eq!(self.check(&self.licences()), Ok(()), "{text}");
        assert_eq!(self.replayed(true), Ok(()), "{text}");
        assert!(self.replayed(false).is_err(), "rules that nobody proved allow nothing\n{text}");
        assert!(self.check(&[]).is_err(), "no licence\n{text}");
        self
    }

    /// Why a graph that was tampered with is refused, by the licences as they are and by those that are found again.
    fn refused(mut self, tamper: impl FnOnce(&mut Function)) -> String {
        tamper(&mut self.g);
        assert!(matches!(self.replayed(true), Err(Refusal::Wrong(_))));
        match self.check(&self.licences()) {
            Err(Refusal::Wrong(why)) => why,
            other => panic!("{other:?}\n{}", print::function(&self.g, None)),
        }
    }
}

fn find(f: &Function, op: Op) -> (Block, usize, Inst) {
    let places = f.layout.iter().flat_map(|&b| {
        let insts = f.blocks[b].insts.iter();
        insts.enumerate().map(move |(at, &i)| (b, at, i))
    });
    places.into_iter().find(|&(.., i)| f.insts[i].op == op).unwrap_or_else(|| panic!("no {op:?}"))
}

const REMOVED: &str = "v2: i32 = i32.load mem0 offset=4 v0\ni32.store mem0 offset=8 v0, v1\n\
     i32.store mem0 offset=4 v0, v2\nreturn v2";
const REPLACED: &str =
    "v2: i32 = i32.const 255\nv3: i32 = i32.and v1, v2\ni32.store8 mem0 offset=4 v0, v3\nreturn v1";
const TURNED: &str = "v2: i32 = i32.const 4\nv3: i32 = i32.const -1\nv4: i32 = i32.xor v0, v3\nv5: i32 = i32.and v4, v2\n\
     br_if v5, b1(v0), b2()\nb1(v6: i32):\nreturn v6\nb2():\nreturn v1";
const TAKEN: &str = "v2: i32 = i32.const 4\nv3: i32 = i32.or v0, v2\nbr_if v3, b1(v0), b2()\nb1(v6: i32):\nreturn v6\nb2():\nreturn v1";
const GROWN: &str = "v2: i32 = i32.const 0\nv3: i32 = memory.grow mem0 v2\nv4: i32 = memory.grow mem0 v1\n\
     v5: i32 = i32.add v3, v4\nreturn v5";

#[test]
fn what_rules_make_is_accepted() {
    for blocks in [REMOVED, REPLACED, TURNED, TAKEN, GROWN] {
        World::new(blocks).accepted();
    }
}

#[test]
fn one_effect_more_is_gone() {
    let why = World::new(REMOVED).refused(|g| {
        let (b, at, _) = find(g, Op::I32Store);
        g.blocks[b].insts.remove(at);
    });
    assert!(why.contains("is missing"), "{why}");
}

#[test]
fn effects_in_another_order() {
    let blocks = REMOVED.replace("offset=8 v0, v1\n", "offset=8 v0, v1\ni32.store mem0 offset=16 v1, v0\n");
    // The second store may be to the same place, so nothing goes there; behind it something does.
    let blocks = blocks.replace("\nreturn", "\ni32.store mem0 offset=4 v0, v2\nreturn");
    let why = World::new(&blocks).refused(|g| {
        let (b, at, _) = find(g, Op::I32Store);
        g.blocks[b].insts.swap(at, at + 1);
    });
    assert!(why.contains("is missing"), "{why}");
}

/// A licence says that the effect changes nothing, not that it does not trap.
#[test]
fn a_licence_for_an_effect_that_may_trap() {
    let mut w = World::new(REMOVED);
    let (b, at, i) = find(&w.g, Op::I32Store);
    w.g.blocks[b].insts.remove(at);
    let mut licences = w.licences();
    licences.push(Licence { place: Place::Inst(i), outcome: Outcome::Remove, operand: None, op: None });
    let Err(Refusal::Wrong(why)) = w.check(&licences) else { panic!("accepted") };
    assert!(why.contains("may trap"), "{why}");
}

#[test]
fn an_effect_elsewhere_or_of_something_else() {
    let tamper = |change: &dyn Fn(&mut Function, Inst)| {
        World::new(REPLACED).refused(|g| {
            let (.., i) = find(g, Op::I32Store8);
            change(g, i);
        })
    };
    let why = tamper(&|g, i| {
        let Imm::Mem(m) = &mut g.insts[i].imm else { panic!("an access") };
        m.offset = 5;
    });
    assert!(why.contains("another instruction"), "{why}");
    let why = tamper(&|g, i| g.insts[i].op = Op::I32Store16);
    assert!(why.contains("not what its licence says"), "{why}");
    let why = tamper(&|g, i| {
        let v1 = g.args(i)[1];
        g.insts[i].args.as_mut_slice(&mut g.pool)[0] = v1;
    });
    assert!(why.contains("not what its licence says"), "{why}");
    let why = tamper(&|g, i| {
        let v0 = g.args(i)[0];
        g.insts[i].args.as_mut_slice(&mut g.pool)[1] = v0;
    });
    assert!(why.contains("not what its licence says"), "{why}");
}

#[test]
fn branches_that_go_elsewhere() {
    let why = World::new(TURNED).refused(|g| {
        let entry = g.entry;
        let Some(Terminator::Branch { then, els, .. }) = &mut g.blocks[entry].term else {
            panic!("a branch")
        };
        std::mem::swap(then, els);
    });
    assert!(why.contains("edge"), "{why}");
    let why = World::new(TURNED).refused(|g| {
        let (entry, v1) = (g.entry, g.block_params(g.entry)[1]);
        let Some(Terminator::Branch { cond, .. }) = &mut g.blocks[entry].term else { panic!("a branch") };
        *cond = v1;
    });
    assert!(why.contains("in another way"), "{why}");
    let why = World::new(TURNED).refused(|g| {
        let (entry, v1) = (g.entry, g.block_params(g.entry)[1]);
        let mut term = g.blocks[entry].term.take().expect("an end");
        for e in term.edges_mut().filter(|e| !e.args.is_empty()) {
            e.args.as_mut_slice(&mut g.pool)[0] = v1;
        }
        g.blocks[entry].term = Some(term);
    });
    assert!(why.contains("edge"), "{why}");
    let why = World::new(TAKEN).refused(|g| {
        let (entry, b2) = (g.entry, Block::from_u32(2));
        g.blocks[entry].term = Some(Terminator::Jump(g.edge(b2, &[])));
        g.layout = vec![entry, b2];
    });
    assert!(why.contains("edge"), "{why}");
    // Turned round, though the rule keeps the sense.
    let why = World::new(TURNED).refused(|g| {
        let (entry, v0) = (g.entry, g.block_params(g.entry)[0]);
        let Some(Terminator::Branch { els, .. }) = g.blocks[entry].term.clone() else { panic!("a branch") };
        g.blocks[entry].term = Some(Terminator::Jump(if els.args.is_empty() {
            g.edge(els.block, &[])
        } else {
            g.edge(els.block, &[v0])
        }));
    });
    assert!(why.contains("no constant"), "{why}");
}

#[test]
fn new_instructions_that_are_no_values() {
    let why = World::new(REPLACED).refused(|g| {
        let (b, at, i) = find(g, Op::I32Store8);
        let (args, imm) = (g.args(i).to_vec(), g.insts[i].imm);
        let again = g.make_inst(Op::I32Store8, imm, &args, &[]);
        g.blocks[b].insts.insert(at, again);
    });
    assert!(why.contains("is new and no value"), "{why}");
    let why = World::new(REPLACED).refused(|g| {
        let (b, at, i) = find(g, Op::I32Store8);
        let v0 = g.args(i)[0];
        let product = g.make_inst(Op::I32Mul, Imm::None, &[v0, v0], &[Type::I32]);
        g.blocks[b].insts.insert(at, product);
    });
    assert!(why.contains("is no term"), "{why}");
}

/// The size of the memory is read where the memory was asked for nothing, not behind the next growth.
#[test]
fn a_size_read_too_late() {
    let why = World::new(GROWN).refused(|g| {
        let (b, at, size) = find(g, Op::MemorySize);
        g.blocks[b].insts.remove(at);
        g.blocks[b].insts.insert(at + 1, size);
    });
    assert!(why.contains("is no term") || why.contains("other operands"), "{why}");
}
