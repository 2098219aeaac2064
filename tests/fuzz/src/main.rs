//! `loom-fuzz`: runs cases by seed, reduces failures. See `docs/testing.md`.

use clap::{Parser, Subcommand};
use loom_fuzz::case::{self, Kind, Outcome, Source};
use loom_fuzz::{digest, reduce, regression};
use loom_wasm::rules::RuleSet;
use loom_wasm::{Options, Report};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

#[derive(Parser)]
#[command(about = "Differential fuzzing of loom. Without a command: runs cases of consecutive seeds.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// First seed.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Number of seeds.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Threads.
    #[arg(long, short, default_value_t = 2)]
    jobs: usize,
    /// Where modules come from.
    #[arg(long, value_enum, default_value = "mixed")]
    source: Source,
    /// Argument lists for each exported function.
    #[arg(long, default_value_t = 6)]
    rounds: usize,
    /// Folder for failures.
    #[arg(long, default_value = "target/fuzz")]
    out: PathBuf,
    /// Stop after this many bugs.
    #[arg(long, default_value_t = 20)]
    max_bugs: u64,
    /// Do not reduce failures.
    #[arg(long)]
    no_reduce: bool,
    /// Print how often each rule fired and name the built-in rules that never did.
    #[arg(long)]
    coverage: bool,
    /// Only this choice, instead of drawing it: `on` or `off`.
    #[arg(long)]
    egraph: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Writes the module of a seed to standard output as text.
    Show {
        seed: u64,
        #[arg(long, value_enum, default_value = "mixed")]
        source: Source,
    },
    /// Runs files under all options of the regression tests and prints the differences.
    Check { files: Vec<PathBuf> },
    /// Prints one number for all outputs of the optimizer on files and seeds, and the process's hash seed: two runs must
    /// agree in the first.
    Digest {
        files: Vec<PathBuf>,
        #[arg(long, default_value_t = 0)]
        seeds: u64,
        /// Threads of the optimizer.
        #[arg(long, short, default_value_t = 1)]
        jobs: usize,
    },
    /// Reduces a failing file; the options are those under which it fails first.
    Reduce {
        file: PathBuf,
        #[arg(short, long)]
        output: PathBuf,
    },
}

/// What the optimizer did over all cases.
#[derive(Default)]
struct Coverage {
    functions: [usize; 4],
    rules: BTreeMap<String, u64>,
    reasons: BTreeMap<String, usize>,
    limits: BTreeMap<String, u64>,
}

impl Coverage {
    fn add(&mut self, report: &Report) {
        let f = &report.functions;
        for (sum, n) in self.functions.iter_mut().zip([f.total, f.lifted, f.raw, f.reverted]) {
            *sum += n;
        }
        for (name, n) in &report.rules {
            *self.rules.entry(name.clone()).or_default() += n;
        }
        for (reason, n) in &f.reasons {
            *self.reasons.entry(reason.clone()).or_default() += n;
        }
        for (limit, n) in &report.limits {
            *self.limits.entry(limit.clone()).or_default() += n;
        }
    }

    fn print(&self, rules: bool) {
        let [total, lifted, raw, reverted] = self.functions;
        println!("functions: {total}, lifted {lifted}, raw {raw}, reverted {reverted}");
        for (reason, n) in &self.reasons {
            println!("    {n} {reason}");
        }
        for (limit, n) in &self.limits {
            println!("    limit {limit} reached {n} times");
        }
        println!("rules that fired: {}", self.rules.values().filter(|n| **n > 0).count());
        if !rules {
            return;
        }
        for (name, n) in &self.rules {
            println!("{n:10} {name}");
        }
        let all: BTreeSet<String> =
            RuleSet::builtin().map(|s| s.rules.iter().map(|r| r.name.clone()).collect()).unwrap_or_default();
        for name in all.iter().filter(|n| !self.rules.contains_key(*n)) {
            println!("     never {name}");
        }
    }
}

fn print_wat(wasm: &[u8]) -> String {
    wasmprinter::print_bytes(wasm).unwrap_or_else(|e| format!(";; {e}"))
}

fn same_kind(outcome: &Outcome, kind: Kind) -> bool {
    matches!(outcome, Outcome::Bug(k, _) if *k == kind)
}

/// Saves module and reduced text; the path of the text.
fn save(out: &Path, seed: u64, kind: Kind, wasm: &[u8], small: &[u8], note: &str) -> PathBuf {
    let stem = out.join(format!("{kind}-{seed}"));
    let text = stem.with_extension("wat");
    let comment: String = note.lines().map(|l| format!(";; {l}\n")).collect();
    let written = std::fs::create_dir_all(out)
        .and_then(|()| std::fs::write(stem.with_extension("wasm"), wasm))
        .and_then(|()| std::fs::write(&text, comment + &print_wat(small)));
    if let Err(e) = written {
        eprintln!("cannot write {}: {e}", text.display());
    }
    text
}

fn shrink(wasm: &[u8], options: &Options, seed: u64, rounds: usize, kind: Kind) -> Vec<u8> {
    let mut attempts = 0;
    reduce::reduce(wasm, |candidate| {
        attempts += 1;
        attempts < 20_000 && same_kind(&case::check(candidate, options, seed, rounds), kind)
    })
}

fn campaign(cli: &Cli) -> ExitCode {
    let next = AtomicU64::new(cli.start);
    let end = cli.start + cli.count;
    let [equal, calls, traps, imports, skipped, bugs] = [const { AtomicU64::new(0) }; 6];
    let reasons = Mutex::new(BTreeMap::<String, u64>::new());
    let coverage = Mutex::new(Coverage::default());
    let started = Instant::now();
    let worker = |thread: usize| {
        while bugs.load(Ordering::Relaxed) < cli.max_bugs {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            // A stack overflow ends the process: this file then tells the seed.
            let _ = std::fs::write(cli.out.join(format!("running-{thread}")), seed.to_string());
            let Some(wasm) = case::module(cli.source, seed) else {
                skipped.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let mut options = case::options(seed);
            if let Some(choice) = &cli.egraph {
                options.egraph = choice == "on";
            }
            let record = |r: &Report| coverage.lock().unwrap_or_else(PoisonError::into_inner).add(r);
            match case::check_with(&wasm, &options, seed, cli.rounds, record) {
                Outcome::Equal(n) => {
                    equal.fetch_add(1, Ordering::Relaxed);
                    calls.fetch_add(n.calls as u64, Ordering::Relaxed);
                    traps.fetch_add(n.traps as u64, Ordering::Relaxed);
                    imports.fetch_add(n.imports as u64, Ordering::Relaxed);
                }
                Outcome::Skip(why) => {
                    skipped.fetch_add(1, Ordering::Relaxed);
                    let why: String = why.chars().take(60).filter(|c| !c.is_ascii_digit()).collect();
                    *reasons.lock().unwrap_or_else(PoisonError::into_inner).entry(why).or_default() += 1;
                }
                Outcome::Bug(kind, what) => {
                    bugs.fetch_add(1, Ordering::Relaxed);
                    let small = if cli.no_reduce || kind == Kind::Slow {
                        wasm.clone()
                    } else {
                        shrink(&wasm, &options, seed, cli.rounds, kind)
                    };
                    let what_small = match case::check(&small, &options, seed, cli.rounds) {
                        Outcome::Bug(_, w) => w,
                        _ => what,
                    };
                    let note = format!(
                        "seed {seed} {:?}\noptions {}\n{kind}: {what_small}",
                        cli.source,
                        case::flags(&options)
                    );
                    let path = save(&cli.out, seed, kind, &wasm, &small, &note);
                    println!(
                        "BUG {kind} seed {seed} [{}] {}\n    {what_small}",
                        case::flags(&options),
                        path.display()
                    );
                }
            }
            let done = seed + 1 - cli.start;
            if done.is_multiple_of(5000) {
                let rate = done as f64 / started.elapsed().as_secs_f64();
                eprintln!("{done} cases, {} bugs, {rate:.0} cases/s", bugs.load(Ordering::Relaxed));
            }
        }
    };
    let _ = std::fs::create_dir_all(&cli.out);
    std::thread::scope(|scope| {
        for thread in 0..cli.jobs.max(1) {
            let worker = &worker;
            let named = std::thread::Builder::new().name(format!("fuzz-{thread}"));
            if let Err(e) = named.spawn_scoped(scope, move || worker(thread)) {
                eprintln!("cannot start a thread: {e}");
            }
        }
    });
    for thread in 0..cli.jobs.max(1) {
        let _ = std::fs::remove_file(cli.out.join(format!("running-{thread}")));
    }
    let done = next.load(Ordering::Relaxed).min(end) - cli.start;
    let (equal, skipped, bugs) = (equal.into_inner(), skipped.into_inner(), bugs.into_inner());
    for (why, n) in reasons.into_inner().unwrap_or_else(PoisonError::into_inner) {
        println!("skipped {n}: {why}");
    }
    coverage.into_inner().unwrap_or_else(PoisonError::into_inner).print(cli.coverage);
    println!(
        "{done} cases, {bugs} mismatches, {equal} equal over {} calls ({} trapped, {} calls of imports), {skipped} skipped, {:.1} s; next seed {}",
        calls.into_inner(),
        traps.into_inner(),
        imports.into_inner(),
        started.elapsed().as_secs_f64(),
        cli.start + done
    );
    if bugs == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check_files(files: &[PathBuf]) -> Result<ExitCode, String> {
    let mut failed = false;
    for file in files {
        let wasm = regression::read(file)?;
        let bugs = regression::check_all(&wasm);
        println!("{}: {}", file.display(), if bugs.is_empty() { "equal" } else { "DIFFERENT" });
        for bug in &bugs {
            println!("    {bug}");
        }
        failed |= !bugs.is_empty();
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn reduce_file(file: &Path, output: &Path) -> Result<ExitCode, String> {
    let wasm = regression::read(file)?;
    for options in regression::option_matrix() {
        for seed in 0..2 {
            if let Outcome::Bug(kind, _) = case::check(&wasm, &options, seed, 24) {
                let small = shrink(&wasm, &options, seed, 24, kind);
                let note = format!(";; {kind} {} seed {seed}\n", case::flags(&options));
                std::fs::write(output, note + &print_wat(&small)).map_err(|e| e.to_string())?;
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
    Err("no option makes this file fail".to_owned())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    case::capture_panics();
    let result = match &cli.command {
        None => Ok(campaign(&cli)),
        Some(Command::Show { seed, source }) => {
            if let Some(wasm) = case::module(*source, *seed) {
                // A closed pipe is no reason to complain.
                let _ = writeln!(std::io::stdout(), "{}", print_wat(&wasm));
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Check { files }) => check_files(files),
        Some(Command::Digest { files, seeds, jobs }) => {
            let work = digest::Work { files: files.clone(), seeds: *seeds, jobs: *jobs };
            digest::digest(&work).map(|digest| {
                println!("{digest:032x} hash-seed {:016x}", digest::seed_of_this_process());
                ExitCode::SUCCESS
            })
        }
        Some(Command::Reduce { file, output }) => reduce_file(file, output),
    };
    result.unwrap_or_else(|e| {
        eprintln!("{e}");
        ExitCode::FAILURE
    })
}
