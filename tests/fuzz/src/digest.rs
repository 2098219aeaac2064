//! One number for everything that the optimizer writes on a list of modules: two runs that differ in a byte differ in it.

use crate::case::{self, Source};
use crate::choices::{self, Choices, Fixes};
use loom_wasm::{Objective, Options, optimize};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::PathBuf;
use xxhash_rust::xxh3::Xxh3;

/// What is optimized.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// Files, each under every choice of [`matrix`].
    pub files: Vec<PathBuf>,
    /// Seeds from 0 of `mixed`, each under its own options.
    pub seeds: u64,
    /// Worker threads of the optimizer.
    pub jobs: usize,
}

/// The options for files: both objectives, with and without rules, the worst legal choices.
fn matrix(jobs: usize) -> Vec<Options> {
    let base =
        Options { jobs, egraph: true, verify: false, assumptions: choices::strict(), ..Options::default() };
    vec![
        Options { egraph: false, ..base.clone() },
        base.clone(),
        Options { objective: Objective::Size, ..base.clone() },
        Options { chaos: Some(7), no_revert: true, ..base },
    ]
}

/// The digest of all outputs (or errors) and counts of the reports.
///
/// # Errors
/// When a file cannot be read.
pub fn digest(work: &Work) -> Result<u128, String> {
    let mut hash = Xxh3::new();
    let mut add = |wasm: &[u8], options: &Options| match optimize(wasm, options) {
        Ok(out) => {
            hash.update(&out.wasm);
            let r = &out.report;
            hash.update(format!("{:?} {:?} {:?} {:?}", r.functions, r.rules, r.limits, r.notes).as_bytes());
        }
        Err(e) => hash.update(e.to_string().as_bytes()),
    };
    for file in &work.files {
        let bytes = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let wasm = loom_wasm::read_input(&bytes).map_err(|e| format!("{}: {e}", file.display()))?;
        for options in matrix(work.jobs) {
            add(&wasm, &options);
        }
    }
    for seed in 0..work.seeds {
        if let Some(wasm) = case::module(Source::Mixed, seed) {
            let options = Choices::draw(seed, &wasm, &Fixes::default()).options;
            add(&wasm, &Options { jobs: work.jobs, ..options });
        }
    }
    Ok(hash.digest128())
}

/// What the process's randomly seeded hash maps make of one key: differs from process to process.
pub fn seed_of_this_process() -> u64 {
    RandomState::new().hash_one(0x5eed)
}
