//! `--chaos`: another output for every seed, and the same one for the same seed whatever runs beside it.

use loom_wasm::{Objective, Options, optimize};
use std::path::Path;

fn sample() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/fused/strings/fused.wasm");
    std::fs::read(path).expect("the sample is part of the repository")
}

fn options(chaos: Option<u64>, egraph: bool) -> Options {
    Options { egraph, chaos, no_revert: true, objective: Objective::Size, ..Options::default() }
}

#[test]
fn every_seed_gives_another_valid_output() {
    let wasm = sample();
    for egraph in [false, true] {
        let mut seen = Vec::new();
        for chaos in [None, Some(0), Some(1), Some(u64::MAX)] {
            let output = optimize(&wasm, &options(chaos, egraph)).expect("a valid module");
            let report = &output.report;
            assert_eq!(report.functions.reverted, 0, "{chaos:?}: {:?}", report.functions.reasons);
            assert!(!seen.contains(&output.wasm), "{chaos:?} changed nothing");
            seen.push(output.wasm);
        }
        // What is worse in all places is larger as a whole: the choices are those by cost otherwise.
        assert!(seen[1..].iter().all(|w| w.len() > seen[0].len()));
    }
}

#[test]
fn the_output_depends_on_the_seed_alone() {
    let wasm = sample();
    for seed in [3, 4] {
        let with =
            |jobs| optimize(&wasm, &Options { jobs, ..options(Some(seed), true) }).expect("valid").wasm;
        let first = with(1);
        assert_eq!(first, with(1));
        assert_eq!(first, with(2));
        assert_eq!(first, with(7));
    }
}

/// A body is not put back for its size, or chaos would test little.
#[test]
fn new_bodies_are_used_though_they_are_larger() {
    let wasm = sample();
    let kept = optimize(&wasm, &Options { no_revert: false, ..options(Some(5), true) }).expect("valid");
    assert_eq!(kept.wasm, optimize(&wasm, &options(Some(5), true)).expect("valid").wasm);
}
