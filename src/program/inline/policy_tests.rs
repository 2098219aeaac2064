use super::policy::{InlineCaps, Plan, plan};
use super::{Call, InlineFacts};
use crate::ir::entity::FuncId;
use crate::options::Objective;
use cranelift_entity::{EntityRef, EntitySet};

fn func(n: usize) -> FuncId {
    FuncId::new(n)
}

fn call(callee: usize) -> Call {
    Call { callee: func(callee), loops: 0, constants: 0, handled: false, folds: false }
}

/// A function of this size with these calls, too many bytes to be small.
fn function(size: usize, calls: &[usize]) -> InlineFacts {
    let calls = calls.iter().map(|&c| call(c)).collect();
    InlineFacts { calls, size, bytes: 1_000, straight: true, lifted: true, ..InlineFacts::default() }
}

fn set(list: &[usize]) -> EntitySet<FuncId> {
    let mut set = EntitySet::new();
    list.iter().for_each(|&f| {
        set.insert(func(f));
    });
    set
}

fn with_caps(facts: &[InlineFacts], pinned: &[usize], objective: Objective, caps: InlineCaps) -> Plan {
    let mut pinned = set(pinned);
    pinned.extend(facts.iter().flat_map(|f| &f.references).copied());
    let made = plan(facts, &pinned, objective, &caps, None);
    assert_eq!(made, plan(facts, &pinned, objective, &caps, None));
    made
}

/// For size; func0 is exported.
fn planned(facts: &[InlineFacts]) -> Plan {
    with_caps(facts, &[0], Objective::Size, InlineCaps::default())
}

#[test]
fn the_only_call_takes_the_body_with_it() {
    let p = planned(&[
        function(5, &[1, 2, 3, 2]),
        function(5, &[3]),
        function(5, &[]),
        function(5, &[4]),
        function(5, &[]),
    ]);
    // func2 and func3 have two calls each; func4 has one, within func3.
    assert_eq!(p.picks(func(0)), [0]);
    assert_eq!((p.caller(func(1)), p.caller(func(2)), p.caller(func(3))), (Some(func(0)), None, None));
    assert_eq!((p.root(func(1)), p.root(func(4)), p.root(func(2))), (func(0), func(3), func(2)));
    assert!(p.rank(func(4)) < p.rank(func(3)) && p.rank(func(3)) < p.rank(func(1)));
    assert!(p.limits.is_empty() && p.copied().is_empty());
}

#[test]
fn what_something_else_refers_to_stays() {
    let mut list = [function(5, &[1, 2, 3]), function(5, &[]), function(5, &[]), function(5, &[])];
    // By a reference in a body, by a body that is kept as bytes, from outside.
    list[1].references = vec![func(2)];
    let facts: Vec<InlineFacts> = list.into_iter().chain([InlineFacts::raw(vec![func(1)])]).collect();
    let p = with_caps(&facts, &[0, 3], Objective::Size, InlineCaps::default());
    assert_eq!(
        p,
        with_caps(&facts, &[0, 3], Objective::Size, InlineCaps { function: 0, ..InlineCaps::default() })
    );
    assert!(p.picks(func(0)).is_empty());
}

#[test]
fn imports_and_raw_bodies_have_nothing_to_inline() {
    let raw = InlineFacts::raw(vec![func(3)]);
    let p = planned(&[function(5, &[1, 2]), InlineFacts::default(), raw, function(5, &[])]);
    assert!((0..4).all(|f| p.picks(func(f)).is_empty()));
}

#[test]
fn not_within_a_recursion() {
    // func1 calls itself, func2 and func3 each other; func0 calls into both.
    let p = planned(&[function(5, &[1, 2]), function(5, &[1]), function(5, &[3]), function(5, &[2])]);
    assert!(p.picks(func(1)).is_empty() && p.picks(func(2)).is_empty() && p.picks(func(3)).is_empty());
    // The recursion's entry has two calls, one of them its own.
    assert!(p.picks(func(0)).is_empty());
}

#[test]
fn handlers_take_only_what_cannot_throw() {
    let mut list = [function(5, &[1, 2]), function(5, &[]), function(5, &[])];
    list[0].calls[0].handled = true;
    list[0].calls[1].handled = true;
    list[2].may_throw = true;
    assert_eq!(planned(&list).picks(func(0)), [0]);
}

#[test]
fn small_bodies_for_size() {
    // () -> (): two bytes in all; (i32 i32) -> i32 with an operator; one that is a little larger; one with two blocks.
    let small = |bytes, params, straight| InlineFacts { bytes, params, straight, ..function(2, &[]) };
    let callees = [small(2, 0, true), small(7, 2, true), small(9, 2, true), small(2, 0, false)];
    let facts: Vec<InlineFacts> =
        [function(90, &[1, 2, 3, 4, 1, 2, 3, 4])].into_iter().chain(callees).collect();
    let p = planned(&facts);
    assert_eq!(p.picks(func(0)), [0, 1, 4, 5]);
    assert_eq!(p.copied(), [func(1), func(2)]);
    assert_eq!(p.caller(func(1)), None);
}

#[test]
fn small_bodies_for_speed_by_loops_and_constants() {
    let mut list = [function(900, &[1, 1, 1, 2, 2]), function(20, &[]), function(10, &[])];
    list[0].calls[1].loops = 1;
    list[0].calls[2].constants = 2;
    let p = with_caps(&list, &[0], Objective::Speed, InlineCaps::default());
    assert_eq!(p.picks(func(0)), [1, 2, 3, 4]);
    list[1].size = 60;
    list[0].calls[1].loops = 9;
    assert_eq!(with_caps(&list, &[0], Objective::Speed, InlineCaps::default()).picks(func(0)), [3, 4]);
}

/// A copy that held the only call of another function would keep that function alive after it is gone.
#[test]
fn what_holds_an_only_call_is_not_copied() {
    let p = with_caps(
        &[function(90, &[1, 1]), function(3, &[2]), function(3, &[])],
        &[0],
        Objective::Speed,
        InlineCaps::default(),
    );
    assert_eq!((p.picks(func(0)), p.picks(func(1))), (&[][..], &[0][..]));
}

#[test]
fn budgets() {
    let usual = InlineCaps::default();
    let chain: Vec<InlineFacts> =
        (0..10).map(|n| function(10, if n == 9 { &[] } else { std::slice::from_ref(&NEXT[n]) })).collect();
    const NEXT: [usize; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    let picked = |p: &Plan| (0..10).filter(|&f| !p.picks(func(f)).is_empty()).count();
    assert_eq!(picked(&planned(&chain)), 9);
    let p = with_caps(&chain, &[0], Objective::Size, InlineCaps { function: 30, ..usual });
    assert_eq!((picked(&p), p.limits.as_slice()), (6, &[("inline-function", 3)][..]));
    let p = with_caps(&chain, &[0], Objective::Size, InlineCaps { depth: 1, ..usual });
    assert_eq!((picked(&p), p.limits.as_slice()), (5, &[("inline-depth", 4)][..]));

    let copies = [function(10, &[1, 1, 1, 1]), function(5, &[])];
    let copied = |caps| {
        let p = with_caps(&copies, &[0], Objective::Speed, caps);
        (p.picks(func(0)).len(), p.limits)
    };
    assert_eq!(copied(usual), (4, vec![]));
    assert_eq!(copied(InlineCaps { copies: 5, ..usual }), (2, vec![("inline-copies", 2)]));
    assert_eq!(copied(InlineCaps { module: 2, ..usual }), (1, vec![("inline-module", 3)]));
}

/// Whatever chaos picks, no recursion is inlined into itself and every budget holds.
#[test]
fn chaos_keeps_to_what_is_legal() {
    let list = [function(50, &[1, 2, 3]), function(40, &[3, 1]), function(30, &[3, 3]), function(9, &[])];
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let pinned = set(&[0]);
        let p = plan(&list, &pinned, Objective::Size, &InlineCaps::default(), Some(seed));
        assert!(!p.picks(func(1)).contains(&1), "its own call");
        seen.insert(p.picks(func(0)).to_vec());
    }
    assert!(seen.len() > 4, "{seen:?}");
}

#[test]
fn a_long_chain_is_cut_into_groups() {
    let n = 100_000;
    let facts: Vec<InlineFacts> =
        (0..n).map(|i| function(3, if i + 1 == n { vec![] } else { vec![i + 1] }.as_slice())).collect();
    let p = planned(&facts);
    let roots = (0..n).filter(|&f| p.caller(func(f)).is_none()).count();
    assert_eq!(roots, n.div_ceil(InlineCaps::default().depth as usize + 1));
}

/// An adapter that is copied takes what only it calls with it, unless nothing is in memory between them.
#[test]
fn what_stands_behind_a_thunk_is_not_copied() {
    let adapter = |is_thunk| InlineFacts { crosses: true, is_thunk, ..function(3, &[2]) };
    for (is_thunk, behind) in [(false, &[0][..]), (true, &[])] {
        let list = [function(50, &[1, 1]), adapter(is_thunk), function(200, &[])];
        for objective in [Objective::Size, Objective::Speed] {
            let p = with_caps(&list, &[0], objective, InlineCaps::default());
            assert_eq!((p.picks(func(0)), p.picks(func(1))), (&[0, 1][..], behind), "{objective:?}");
        }
    }
}
