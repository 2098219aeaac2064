//! One case: a module and options drawn from a seed, run through the optimizer and the oracle.

use crate::oracle::{self, Compared, Engines, Verdict};
use crate::rng::Rng;
use crate::{chains, data, generate, left_sides, mutate, private, single, smith, state};
use loom_wasm::{Options, Report};
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Optimizing a small module for longer than this is a finding.
const SLOW: Duration = Duration::from_secs(10);

/// Where modules come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Source {
    /// The structured generator.
    Own,
    /// One operator a module.
    Single,
    /// wasm-smith.
    Smith,
    /// wasm-smith with exceptions, GC and threads, which only wasmtime runs.
    SmithWasmtime,
    /// Left sides of the built-in rules.
    Rules,
    /// Programs in the form of fused components.
    Chains,
    /// The same, keeping to the assumptions that hold for meld's output, and optimized as such.
    Promoted,
    /// Deep copies of lists, optimized in the same way.
    Deep,
    /// Mutations of the repository's modules, of real ones and of the other generators'.
    Mutate,
    /// Reads of a state around everything that may change it.
    State,
    /// Private memories that are read or written in part, and results used in part.
    Data,
    /// Drawn by the seed: mostly `own`.
    Mixed,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Own => "own",
            Source::Single => "single",
            Source::Smith => "smith",
            Source::SmithWasmtime => "smith-wasmtime",
            Source::Rules => "rules",
            Source::Chains => "chains",
            Source::Promoted => "promoted",
            Source::Deep => "deep",
            Source::Mutate => "mutate",
            Source::State => "state",
            Source::Data => "data",
            Source::Mixed => "mixed",
        })
    }
}

impl Source {
    /// The generator of a seed: itself, or what `Mixed` draws.
    pub fn of(self, seed: u64) -> Source {
        if self != Source::Mixed {
            return self;
        }
        match Rng::new(seed ^ 0x3a3a).below(20) {
            0..3 => Source::Single,
            3 if cfg!(feature = "wasmtime") && seed.is_multiple_of(4) => Source::SmithWasmtime,
            3..5 => Source::Smith,
            5..9 => Source::Rules,
            9..12 => Source::Mutate,
            12..15 if seed.is_multiple_of(4) => Source::Promoted,
            12 if seed % 4 == 1 => Source::Deep,
            12..15 => Source::Chains,
            15..17 if seed.is_multiple_of(3) => Source::Data,
            15..17 => Source::State,
            _ => Source::Own,
        }
    }
}

/// Module of a seed. `None` when the source has none for it.
pub fn module(source: Source, seed: u64) -> Option<Vec<u8>> {
    let module = match source.of(seed) {
        Source::Own | Source::Mixed => Some(generate::module(seed)),
        Source::Single => single::module(seed),
        Source::Smith => smith::module(seed),
        Source::SmithWasmtime => smith::newer(seed),
        Source::Rules => left_sides::module(seed),
        Source::Chains => chains::module(seed),
        // Without the exports there is nothing to recognise.
        Source::Promoted => return chains::promoted::module(seed),
        Source::Deep => return chains::deep::module(seed),
        Source::Mutate => mutate::module(seed),
        Source::State => state::module(seed),
        // Most of its memories are private as it is, and functions that nobody calls would read and write nothing.
        Source::Data => return data::module(seed),
    };
    module.map(|wasm| private::some(seed, wasm))
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Same behaviour.
    Equal(Compared),
    /// Nothing could be said, and why.
    Skip(String),
    /// A bug.
    Bug(Kind, String),
}

/// Kinds of bugs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The optimizer panicked.
    Panic,
    /// The optimizer rejected a valid module.
    Rejected,
    /// The output does not validate.
    Invalid,
    /// The output behaves differently.
    Mismatch,
    /// The optimizer took too long.
    Slow,
    /// The output is right, but only because one of the optimizer's own checkers refused what a stage had made.
    Refused,
    /// Two engines run the input differently; no bug of the optimizer.
    Engines,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Panic => "panic",
            Kind::Rejected => "rejected",
            Kind::Invalid => "invalid",
            Kind::Mismatch => "mismatch",
            Kind::Slow => "slow",
            Kind::Refused => "refused",
            Kind::Engines => "engines",
        })
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Message of the latest panic; the optimizer's own threads panic too, so one for the process.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// The message of the latest panic.
pub fn last_panic() -> String {
    LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Keeps the message of a panic of the optimizer (or of the engine) for the report instead of printing it. Call once at the start.
pub fn capture_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // Threads without a name are those of the optimizer's pool.
        if QUIET.get() || std::thread::current().name().is_none() {
            let text = info.to_string().replace('\n', " ");
            *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = text;
        } else {
            default(info);
        }
    }));
}

/// Runs it without printing a panic.
///
/// # Errors
/// What the panic carried.
pub fn quietly<T>(f: impl FnOnce() -> T) -> std::thread::Result<T> {
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    QUIET.set(false);
    result
}

fn validate(wasm: &[u8]) -> Result<(), String> {
    let features = wasmparser::WasmFeatures::all();
    wasmparser::Validator::new_with_features(features)
        .validate_all(wasm)
        .map(|_| ())
        .map_err(|e| e.to_string())
}

/// Limits of the report that stand for a bug of a stage which a checker made harmless.
const REFUSALS: [&str; 5] =
    ["internal-panic", "lower-check-failed", "lower-second-way", "extract-refused", "merged-memories-undone"];

fn refusal(report: &Report) -> Option<String> {
    let reason =
        report.functions.reasons.keys().find(|r| r.contains("refused") || r.contains("invalid output"));
    let limit = REFUSALS.iter().find(|l| report.limits.get(**l).is_some_and(|n| *n > 0));
    reason.cloned().or_else(|| limit.map(|l| (*l).to_owned()))
}

/// Optimizes and compares in wasmi. The calls made are a function of `seed`.
pub fn check(wasm: &[u8], options: &Options, seed: u64, rounds: usize) -> Outcome {
    check_with(wasm, options, Engines::Wasmi, seed, rounds, |_| {})
}

/// As [`check`], in any engine and handing over the optimizer's report.
pub fn check_with(
    wasm: &[u8],
    options: &Options,
    engines: Engines,
    seed: u64,
    rounds: usize,
    report: impl FnOnce(&Report),
) -> Outcome {
    if let Err(e) = validate(wasm) {
        return Outcome::Skip(format!("input does not validate: {e}"));
    }
    let start = Instant::now();
    let result = quietly(|| loom_wasm::optimize(wasm, options));
    let time = start.elapsed();
    let after = match result {
        Err(_) => return Outcome::Bug(Kind::Panic, last_panic()),
        Ok(Err(e)) => return Outcome::Bug(Kind::Rejected, e.to_string()),
        Ok(Ok(output)) => {
            report(&output.report);
            output
        }
    };
    if time > SLOW {
        return Outcome::Bug(Kind::Slow, format!("{:.1} s", time.as_secs_f64()));
    }
    let (after, refused) = (after.wasm, refusal(&after.report));
    if let Err(e) = validate(&after) {
        return Outcome::Bug(Kind::Invalid, e);
    }
    // A panic of the engine says nothing about the optimizer.
    let Ok(verdict) = quietly(|| oracle::compare_in(engines, wasm, &after, seed, rounds)) else {
        return Outcome::Skip(format!("engine: {}", last_panic()));
    };
    match verdict {
        Verdict::Equal(n) => match refused {
            Some(what) => Outcome::Bug(Kind::Refused, what),
            None => Outcome::Equal(n),
        },
        Verdict::Skip(why) => Outcome::Skip(why),
        Verdict::Mismatch(what) => Outcome::Bug(Kind::Mismatch, what),
        Verdict::Engines(what) => Outcome::Bug(Kind::Engines, what),
    }
}
