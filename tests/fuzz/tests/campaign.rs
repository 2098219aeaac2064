//! A short fuzzing campaign in the test suite: fixed seeds of every source. The long one is the command in `docs/testing.md`.

use loom_fuzz::campaign::{self, Plan};
use loom_fuzz::case::{self, Outcome, Source};
use loom_fuzz::choices::{Choices, Fixes};
use loom_fuzz::seeds;
use std::time::{Duration, Instant};

/// A loaded machine runs fewer cases rather than a longer test.
const MOST: Duration = Duration::from_secs(25);

fn run(source: Source, count: u64, stride: u64) {
    case::capture_panics();
    let start = Instant::now();
    let (mut equal, mut skipped, mut bugs) = (0, 0, Vec::new());
    for seed in (0..count).map(|n| n * stride) {
        if start.elapsed() > MOST {
            println!("{source:?}: stopped before seed {seed}");
            break;
        }
        let Some(wasm) = case::module(source, seed) else { continue };
        let choices = Choices::draw(seed, &wasm, &Fixes::default()).of(source, seed);
        match campaign::check(&wasm, &choices, seed, 5) {
            Outcome::Equal(_) => equal += 1,
            Outcome::Skip(_) => skipped += 1,
            Outcome::Bug(kind, what) => {
                bugs.push(format!("{kind} seed {seed} {source:?} [{}]: {what}", choices.flags()));
            }
        }
    }
    println!("{source:?}: {equal} equal, {skipped} skipped, {} bugs", bugs.len());
    assert!(
        bugs.is_empty(),
        "{} bugs, the first: {}",
        bugs.len(),
        bugs.iter().take(10).cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(equal > skipped, "most cases must be comparable");
}

#[test]
fn own() {
    run(Source::Own, 1500, 1);
}

#[test]
fn single() {
    // Every operator at least once.
    run(Source::Single, 1200, 1);
}

#[test]
fn rules() {
    // The long command goes through every rule; here every third.
    run(Source::Rules, 600, 3);
}

#[test]
fn chains() {
    run(Source::Chains, 500, 1);
}

#[test]
fn mutate() {
    run(Source::Mutate, 500, 1);
}

#[test]
fn state() {
    run(Source::State, 400, 1);
}

#[test]
fn data() {
    run(Source::Data, 400, 1);
}

#[test]
fn smith() {
    run(Source::Smith, 600, 1);
}

/// Seeds give the same module and options on every machine: failures can be reported by seed.
#[test]
fn deterministic() {
    for seed in [0, 1, 77, 12345] {
        for source in [
            Source::Own,
            Source::Single,
            Source::Smith,
            Source::Mutate,
            Source::Chains,
            Source::State,
            Source::Data,
        ] {
            assert_eq!(case::module(source, seed), case::module(source, seed));
        }
    }
}

/// A finding can be reproduced from its flags: they say all that was drawn.
#[test]
fn flags_say_everything() {
    let wasm = case::module(Source::Own, 1).expect("every seed has one");
    for seed in 0..300 {
        let drawn = Choices::draw(seed, &wasm, &Fixes::default());
        let parsed = Choices::parse(&drawn.flags()).expect("reads what it wrote");
        assert_eq!(format!("{:?}", drawn.options), format!("{:?}", parsed.options));
    }
}

/// Stopped and resumed, a campaign counts what it counts in one go.
#[test]
fn resumed_campaign() {
    let folder = std::env::temp_dir().join(format!("loom-fuzz-resume-{}", std::process::id()));
    let go = |name: &str, count, resume| {
        let plan = Plan {
            start: 40,
            count,
            threads: 2,
            source: Source::Mixed,
            rounds: 2,
            out: folder.join(name),
            max_bugs: 1,
            time: None,
            reduce: false,
            fixes: Fixes::default(),
            resume,
        };
        campaign::run(&plan).expect("the state can be read")
    };
    go("parts", 15, false);
    let (parts, whole) = (go("parts", 40, true), go("whole", 40, false));
    assert_eq!((parts.next, whole.next), (80, 80));
    assert_eq!(format!("{:?}", parts.tallies), format!("{:?}", whole.tallies));
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn seeds_of_mutations_are_there() {
    assert!(seeds::functions().len() > 100);
    assert!(seeds::regressions().len() > 10);
    assert!(!seeds::samples().is_empty());
}
