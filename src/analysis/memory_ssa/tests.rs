use super::super::CallFacts;
use super::*;
use crate::ir::effects::Aliases;
use crate::ir::entity::FuncId;
use crate::ir::parse;

fn data(m: u32) -> Resource {
    Resource::data(MemoryId::from_u32(m))
}

fn size(m: u32) -> Resource {
    Resource::size(MemoryId::from_u32(m))
}

fn compute_with(f: &Function, summaries: &Summaries) -> (Cfg, MemorySsa) {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    let loops = Loops::compute(&cfg, &dom);
    let m = MemorySsa::compute(f, &cfg, &dom, &loops, summaries);
    (cfg, m)
}

fn graph(body: &str) -> Function {
    let text = format!("function func0 (i32) -> () {{\nb0(v0: i32):\n{body}\n}}\n");
    parse::function(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn inst(f: &Function, b: u32, n: usize) -> Inst {
    f.blocks[Block::from_u32(b)].insts[n]
}

#[test]
fn a_store_leaves_other_memories_alone() {
    let f = graph(
        "v1: i32 = i32.load mem0 v0\ni32.store mem1 v0, v0\nv2: i32 = i32.load mem0 v0\n\
         v3: i32 = i32.load mem1 v0\ni32.store mem0 v0, v0\nv4: i32 = i32.load mem0 v0\nreturn",
    );
    let (_, m) = compute_with(&f, &Summaries::unknown());
    let i = |n| inst(&f, 0, n);
    assert_eq!(m.before(i(0), data(0)), m.before(i(2), data(0)));
    assert_eq!(m.before(i(2), data(0)), m.before(i(4), data(0)));
    assert_ne!(m.before(i(4), data(0)), m.before(i(5), data(0)));
    let def = |v: Option<Version>| m.def(v.expect("tracked"));
    assert_eq!(def(m.before(i(0), data(0))), VersionDef::Entry(data(0)));
    assert_eq!(def(m.before(i(3), data(1))), VersionDef::Inst(i(1), data(1)));
    assert_eq!(m.made_by(i(1), data(1)), m.before(i(3), data(1)));
    assert_eq!(m.made_by(i(1), data(0)), None);
    assert_eq!(m.after(i(4), data(0)), m.at_exit(Block::from_u32(0), data(0)));
    assert_eq!(m.before_term(&f, Block::from_u32(0), data(0)), m.made_by(i(4), data(0)));
    // Sizes are read but never written.
    assert_eq!(def(m.before(i(5), size(0))), VersionDef::Entry(size(0)));
    assert!(!m.is_tracked(data(2)) && m.before(i(0), data(2)).is_none());
    assert_eq!(
        m.tracked().map(|r| r.to_string()).collect::<Vec<_>>(),
        ["data[0]", "data[1]", "size[0]", "size[1]"]
    );
}

#[test]
fn calls_go_by_their_summaries() {
    let f = graph("v1: i32 = i32.load mem0 v0\ncall func1\ncall func2\nv2: i32 = i32.load mem0 v0\nreturn");
    let store = EffectSet { reads: 0, writes: effects::data_mask(MemoryId::from_u32(1)) };
    let known = CallFacts { own: store, callees: vec![] };
    let summaries = Summaries::compute(&[CallFacts::unknown(), known.clone(), known], Aliases::default());
    let (_, m) = compute_with(&f, &summaries);
    assert_eq!(m.before(inst(&f, 0, 0), data(0)), m.before(inst(&f, 0, 3), data(0)));
    let (_, m) = compute_with(&f, &Summaries::unknown());
    let last = m.before(inst(&f, 0, 3), data(0)).expect("tracked");
    assert_eq!(m.def(last), VersionDef::Inst(inst(&f, 0, 2), data(0)));
    assert_eq!(summaries.function(FuncId::from_u32(1)), store);
}

#[test]
fn loops_keep_what_they_do_not_write() {
    let f = graph(
        "br b1()\nb1():\nv1: i32 = i32.load mem0 v0\nv2: i32 = i32.load mem1 v0\nbr_if v1, b2(), b3()\n\
         b2():\ni32.store mem1 v0, v0\nbr b1()\nb3():\nv3: i32 = i32.load mem0 v0\nreturn",
    );
    let (_, m) = compute_with(&f, &Summaries::unknown());
    let b = Block::from_u32;
    assert_eq!(m.def(m.at_entry(b(1), data(0)).expect("tracked")), VersionDef::Entry(data(0)));
    assert_eq!(m.at_entry(b(3), data(0)), m.at_entry(b(0), data(0)));
    let phi = m.at_entry(b(1), data(1)).expect("tracked");
    assert_eq!(m.def(phi), VersionDef::Phi(b(1), data(1)));
    assert_eq!(m.at_entry(b(3), data(1)), Some(phi));
    assert_eq!(m.at_exit(b(2), data(1)), m.made_by(inst(&f, 2, 0), data(1)));
}

#[test]
fn joins_of_equal_versions_make_none() {
    let f = graph(
        "br_if v0, b1(), b2()\nb1():\ni32.store mem0 v0, v0\nbr b3()\nb2():\nbr b3()\nb3():\n\
         v1: i32 = i32.load mem0 v0\nv2: i32 = i32.load mem1 v0\nglobal.set global3 v1\nreturn",
    );
    let (_, m) = compute_with(&f, &Summaries::unknown());
    let b3 = Block::from_u32(3);
    assert_eq!(m.def(m.at_entry(b3, data(0)).expect("tracked")), VersionDef::Phi(b3, data(0)));
    assert_eq!(m.def(m.at_entry(b3, data(1)).expect("tracked")), VersionDef::Entry(data(1)));
    assert!(m.is_tracked(Resource::global(GlobalId::from_u32(3))));
}

#[test]
fn an_invoke_writes_on_all_its_edges() {
    let f = graph(
        "v1: i32 = i32.load mem0 v0\ninvoke call func1() normal b1() catch_all b2()\nb1():\n\
         v2: i32 = i32.load mem0 v0\nreturn\nb2():\nv3: i32 = i32.load mem0 v0\nreturn",
    );
    let (_, m) = compute_with(&f, &Summaries::unknown());
    let after = m.at_entry(Block::from_u32(1), data(0)).expect("tracked");
    assert_eq!(m.def(after), VersionDef::Term(Block::from_u32(0), data(0)));
    assert_eq!(m.at_entry(Block::from_u32(2), data(0)), Some(after));
    assert_ne!(m.before_term(&f, Block::from_u32(0), data(0)), Some(after));
}

#[test]
fn caps_degrade_soundly() {
    let f = graph("br b1()\nb1():\ni32.store mem0 v0, v0\nbr_if v0, b1(), b2()\nb2():\nreturn");
    let cfg = Cfg::compute(&f);
    let dom = DomTree::compute(&f, &cfg);
    let loops = Loops::compute(&cfg, &dom);
    let tracked = data(0).mask() | size(0).mask();
    let unknown = Summaries::unknown();
    let m = Builder::new(&f, &cfg, &unknown, tracked, 2, 100).build(&dom, &loops);
    assert!(m.is_coarse());
    let b = Block::from_u32;
    for n in 1..3 {
        assert_eq!(m.def(m.at_entry(b(n), data(0)).expect("tracked")), VersionDef::Phi(b(n), data(0)));
    }
    assert_eq!(m.def(m.at_entry(b(0), data(0)).expect("tracked")), VersionDef::Entry(data(0)));
    let made = m.at_exit(b(1), data(0)).expect("tracked");
    assert_eq!(m.def(made), VersionDef::Inst(inst(&f, 1, 0), data(0)));
    assert_eq!(m.def(m.at_entry(b(2), size(0)).expect("tracked")), VersionDef::Entry(size(0)));
    let m = Builder::new(&f, &cfg, &unknown, tracked, 100, 0).build(&dom, &loops);
    assert_eq!(m.at_entry(b(1), data(0)), None);
    assert_eq!(m.before(inst(&f, 1, 0), data(0)), None);
}

/// A random graph with stores to two memories, possibly irreducible.
fn random_graph(random: &mut impl FnMut(u32) -> u32) -> Function {
    let n = 2 + random(9);
    let mut body = String::new();
    for b in 0..n {
        if b > 0 {
            body += &format!("b{b}():\n");
        }
        for _ in 0..random(3) {
            body += ["", "call func1\n", "i32.store mem0 v0, v0\n", "i32.store mem1 v0, v0\n"]
                [random(4) as usize];
        }
        let mut to = || 1 + random(n - 1);
        body += &match to() % 5 {
            0 => "return\n".to_string(),
            1 => format!("br b{}()\n", to()),
            2 => format!("invoke call func1() normal b{}() catch_all b{}()\n", to(), to()),
            _ => format!("br_if v0, b{}(), b{}()\n", to(), to()),
        };
    }
    graph(&body)
}

/// Walks random paths. Whatever made a version records the state then; wherever the version is the live one, the state
/// must still be that one.
fn check_on_paths(f: &Function, m: &MemorySsa, s: &Summaries, random: &mut impl FnMut(u32) -> u32) {
    let resources = [data(0), data(1)];
    let mut states = [0u32; 2];
    let mut next_state = 1;
    let mut recorded = hashbrown::HashMap::new();
    let mut see = |v: Option<Version>, made: bool, state: u32| {
        let v = v.expect("tracked");
        if made {
            recorded.insert(v, state);
        }
        assert_eq!(recorded.get(&v), Some(&state), "{v} {:?}\n{f}", m.def(v));
    };
    let mut b = f.entry;
    for _ in 0..60 {
        for (r, &state) in resources.iter().zip(&states) {
            let v = m.at_entry(b, *r);
            let made = v.is_some_and(|v| m.def(v) == VersionDef::Phi(b, *r)) || b == f.entry;
            see(v, made, state);
        }
        for &i in &f.blocks[b].insts {
            for (r, state) in resources.iter().zip(&mut states) {
                see(m.before(i, *r), false, *state);
                if s.inst(f, i).writes & r.mask() != 0 {
                    *state = next_state;
                    next_state += 1;
                }
                see(m.after(i, *r), m.made_by(i, *r).is_some(), *state);
            }
        }
        for (r, state) in resources.iter().zip(&mut states) {
            see(m.before_term(f, b, *r), false, *state);
            let writes = s.term(f, b).writes & r.mask() != 0;
            if writes {
                *state = next_state;
                next_state += 1;
            }
            see(m.at_exit(b, *r), writes, *state);
        }
        let edges: Vec<Block> = f.term(b).edges().map(|e| e.block).collect();
        if edges.is_empty() {
            return;
        }
        b = edges[random(edges.len() as u32) as usize];
    }
}

#[test]
fn random_graphs_are_sound_and_minimal() {
    let mut state = 3u64;
    let mut random = move |n: u32| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u32 % n
    };
    let only_memory_1 = EffectSet { reads: 0, writes: data(1).mask() };
    let facts = [CallFacts::unknown(), CallFacts { own: only_memory_1, callees: vec![] }];
    let summaries = Summaries::compute(&facts, Aliases::default());
    let mut irreducible = 0;
    for round in 0..2000 {
        let f = random_graph(&mut random);
        let cfg = Cfg::compute(&f);
        let dom = DomTree::compute(&f, &cfg);
        let loops = Loops::compute(&cfg, &dom);
        let tracked = data(0).mask() | data(1).mask();
        let max_rows = if round % 5 == 0 { 0 } else { MAX_ROWS };
        let m = Builder::new(&f, &cfg, &summaries, tracked, max_rows, MAX_DEFS).build(&dom, &loops);
        for _ in 0..5 {
            check_on_paths(&f, &m, &summaries, &mut random);
        }
        irreducible += u32::from(!dom.is_reducible());
        if m.is_coarse() || !dom.is_reducible() {
            continue;
        }
        for &b in cfg.rpo() {
            for r in [data(0), data(1)] {
                let v = m.at_entry(b, r).expect("tracked");
                if m.def(v) == VersionDef::Phi(b, r) {
                    let mut operands: Vec<_> =
                        cfg.preds(b).iter().map(|&p| m.at_exit(p, r)).filter(|&o| o != Some(v)).collect();
                    operands.dedup();
                    assert!(operands.len() > 1, "a needless version at {b} for {r}\n{f}");
                }
            }
        }
    }
    assert!(irreducible > 20, "the generator makes irreducible graphs too");
}
