//! Damaged modules in the test suite; `loom-fuzz flip` runs many more.

use loom_fuzz::{case, flip};
use std::time::{Duration, Instant};

/// A loaded machine runs fewer modules rather than a longer test.
const MOST: Duration = Duration::from_secs(60);

#[test]
fn damaged_modules_do_no_harm() {
    case::capture_panics();
    let start = Instant::now();
    let mut tally = flip::Tally::default();
    for seed in 0..2_000 {
        if start.elapsed() > MOST {
            println!("stopped before seed {seed}");
            break;
        }
        if let Some(wasm) = flip::module(seed) {
            flip::check(&wasm, seed, &mut tally);
        }
    }
    println!("{} rejected, {} equal, {} not comparable", tally.rejected, tally.equal, tally.accepted);
    assert!(tally.findings.is_empty(), "{:#?}", tally.findings);
    assert!(tally.rejected > 0 && tally.equal > 0, "some modules survive, some do not: {tally:?}");
}
