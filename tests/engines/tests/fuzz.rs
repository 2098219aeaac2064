//! Generated modules in wasmtime: before and after, and against wasmi; with exceptions, GC and threads in wasmtime alone.
//! The long campaigns are `loom-fuzz --engine both` and `--source smith-wasmtime` (`docs/testing.md`).

use loom_fuzz::campaign;
use loom_fuzz::case::{self, Outcome, Source};
use loom_fuzz::choices::{Choices, Fixes};
use loom_fuzz::oracle::Engines;
use std::time::{Duration, Instant};

/// A loaded machine runs fewer cases rather than a longer test.
const MOST: Duration = Duration::from_secs(15);

/// Cases of seeds that no other test runs.
fn run(source: Source, count: u64) {
    case::capture_panics();
    let fixes = Fixes { engines: Some(Engines::Both), ..Fixes::default() };
    let start = Instant::now();
    let (mut equal, mut skipped, mut bugs) = (0, 0, Vec::new());
    for seed in 700_000..700_000 + count {
        if start.elapsed() > MOST {
            println!("{source}: stopped before seed {seed}");
            break;
        }
        let Some(wasm) = case::module(source, seed) else { continue };
        let choices = Choices::draw(seed, &wasm, &fixes).of(source, seed);
        match campaign::check(&wasm, &choices, seed, 4) {
            Outcome::Equal(_) => equal += 1,
            Outcome::Skip(_) => skipped += 1,
            Outcome::Bug(kind, what) => {
                bugs.push(format!("{kind} seed {seed} {source} [{}]: {what}", choices.flags()))
            }
        }
    }
    println!("{source}: {equal} equal, {skipped} skipped, {} bugs", bugs.len());
    assert!(bugs.is_empty(), "{} bugs, the first: {}", bugs.len(), bugs[..bugs.len().min(10)].join("\n"));
    // Few cases, on a loaded machine, say nothing about the share.
    assert!(equal > skipped || skipped < 10, "most cases must be comparable");
}

#[test]
fn own_in_both_engines() {
    run(Source::Own, 120);
}

#[test]
fn chains_in_both_engines() {
    run(Source::Chains, 120);
}

#[test]
fn operators_in_both_engines() {
    run(Source::Single, 500);
}

#[test]
fn mutations_in_both_engines() {
    run(Source::Mutate, 120);
}

#[test]
fn exceptions_gc_and_threads() {
    run(Source::SmithWasmtime, 250);
}
