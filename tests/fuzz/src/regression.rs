//! Regression cases: each `.wat` under `tests/regressions` is run before and after under every choice of options.

use crate::case::{self, Kind, Outcome};
use crate::choices;
use loom_wasm::{Assumptions, Objective, Options};
use std::path::Path;

/// The options under which each case is run.
pub fn option_matrix() -> Vec<Options> {
    let mut out = Vec::new();
    for egraph in [false, true] {
        for objective in [Objective::Speed, Objective::Size] {
            for no_revert in [false, true] {
                let assumptions = choices::strict();
                out.push(Options {
                    egraph,
                    objective,
                    no_revert,
                    assumptions,
                    verify: true,
                    ..Options::default()
                });
            }
        }
    }
    out.push(Options { egraph: true, effort: 4, assumptions: choices::strict(), ..Options::default() });
    // In a closed world as well; all exports stay, so that the whole can be compared.
    for objective in [Objective::Speed, Objective::Size] {
        out.push(Options {
            egraph: true,
            objective,
            assumptions: Assumptions { closed_world: true, ..choices::strict() },
            keep_exports: vec!["*".to_owned()],
            merge_memories: true,
            verify: true,
            ..Options::default()
        });
    }
    for (chaos, objective) in [(1, Objective::Speed), (2, Objective::Size), (3, Objective::Speed)] {
        let assumptions = choices::strict();
        out.push(Options {
            egraph: true,
            objective,
            chaos: Some(chaos),
            assumptions,
            verify: true,
            ..Options::default()
        });
    }
    out
}

/// Runs one module under all options with several argument lists a function; the differences found.
pub fn check_all(wasm: &[u8]) -> Vec<String> {
    let mut bugs = Vec::new();
    for options in option_matrix() {
        for seed in 0..2 {
            match case::check(wasm, &options, seed, 24) {
                Outcome::Equal(_) => {}
                Outcome::Skip(why) => {
                    bugs.push(format!("{}: not comparable: {why}", choices::flags(&options)))
                }
                Outcome::Bug(Kind::Slow, _) => {}
                Outcome::Bug(kind, what) => {
                    bugs.push(format!("{}: {kind}: {what}", choices::flags(&options)))
                }
            }
        }
    }
    bugs
}

/// Reads a `.wat` or `.wasm` file.
///
/// # Errors
/// When it cannot be read or does not parse.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    wat::parse_file(path).map_err(|e| format!("{}: {e}", path.display()))
}
