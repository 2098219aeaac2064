//! `loom-fuzz`: runs cases by seed, reduces failures. See `docs/testing.md`.

use clap::{Args, Parser, Subcommand};
use loom_fuzz::campaign::{self, Plan, print_wat};
use loom_fuzz::case::{self, Outcome, Source};
use loom_fuzz::choices::{Choices, Fixed, Fixes};
use loom_fuzz::oracle::Engines;
use loom_fuzz::{digest, extract, flip, left_sides, regression, seeds};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

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
    /// Folder for failures and the campaign's state.
    #[arg(long, default_value = "target/fuzz")]
    out: PathBuf,
    /// Stop after this many bugs.
    #[arg(long, default_value_t = 20)]
    max_bugs: usize,
    /// Stop at the first bug and say which generator found it after how many cases.
    #[arg(long)]
    until_bug: bool,
    /// Stop after this many minutes.
    #[arg(long)]
    minutes: Option<f64>,
    /// Go on where the campaign of this source and first seed stopped.
    #[arg(long)]
    resume: bool,
    /// Do not reduce failures.
    #[arg(long)]
    no_reduce: bool,
    /// Print how often each rule fired and name the rules that never did.
    #[arg(long)]
    coverage: bool,
    /// Equality saturation.
    #[arg(long, value_enum, default_value = "drawn")]
    egraph: Fixed,
    /// Worst legal choices.
    #[arg(long, value_enum, default_value = "drawn")]
    chaos: Fixed,
    /// Engine of all cases, instead of now and then both (needs the feature `wasmtime`).
    #[arg(long, value_enum)]
    engine: Option<Engines>,
    /// Rule file or folder, instead of the built-in rules.
    #[arg(long, global = true)]
    rules: Vec<PathBuf>,
    /// The one rule that the source `rules` makes modules from.
    #[arg(long, global = true)]
    rule: Option<String>,
}

/// How a finding shows.
#[derive(Args)]
struct Finding {
    /// Only these options, as a finding names them.
    #[arg(long, allow_hyphen_values = true)]
    options: Option<String>,
    /// With these options: the seed of the calls.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// With these options: argument lists for each exported function.
    #[arg(long, default_value_t = 6)]
    rounds: usize,
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
    Check {
        files: Vec<PathBuf>,
        #[command(flatten)]
        finding: Finding,
    },
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
    /// Reduces a failing file; without options, under those of the regression tests under which it fails first.
    Reduce {
        file: PathBuf,
        #[arg(short, long)]
        output: PathBuf,
        #[command(flatten)]
        finding: Finding,
    },
    /// Damages modules (bits flipped, bytes cut off, wrong lengths) and looks for panics, hangs and errors without a place.
    Flip {
        #[arg(long, default_value_t = 0)]
        start: u64,
        #[arg(long, default_value_t = 100_000)]
        count: u64,
        #[arg(long, short, default_value_t = 2)]
        jobs: usize,
        #[arg(long, default_value = "target/fuzz")]
        out: PathBuf,
    },
    /// Takes functions out of modules, as seeds of mutations.
    Extract {
        files: Vec<PathBuf>,
        #[arg(short, long)]
        output: PathBuf,
        /// From each file.
        #[arg(long, default_value_t = 10)]
        count: usize,
    },
}

fn run(cli: &Cli) -> Result<ExitCode, String> {
    let plan = Plan {
        start: cli.start,
        count: cli.count,
        threads: cli.jobs,
        source: cli.source,
        rounds: cli.rounds,
        out: cli.out.clone(),
        max_bugs: if cli.until_bug { 1 } else { cli.max_bugs },
        time: cli.minutes.map(|m| Duration::from_secs_f64(m * 60.0)),
        reduce: !cli.no_reduce,
        fixes: Fixes { egraph: cli.egraph, chaos: cli.chaos, rules: cli.rules.clone(), engines: cli.engine },
        resume: cli.resume,
    };
    let state = campaign::run(&plan)?;
    state.print(cli.coverage);
    if let (true, Some(first)) = (cli.until_bug, state.findings.first()) {
        println!(
            "caught: {} by {} after {} cases, seed {}",
            first.kind, first.source, first.after, first.seed
        );
    }
    Ok(if state.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check_files(files: &[PathBuf], finding: &Finding) -> Result<ExitCode, String> {
    let choices = finding.options.as_deref().map(Choices::parse).transpose()?;
    let mut failed = false;
    for file in files {
        let wasm = regression::read(file)?;
        let bugs = match &choices {
            None => regression::check_all(&wasm),
            Some(c) => match campaign::check(&wasm, c, finding.seed, finding.rounds) {
                Outcome::Equal(_) => Vec::new(),
                Outcome::Skip(why) => vec![format!("not comparable: {why}")],
                Outcome::Bug(kind, what) => vec![format!("{kind}: {what}")],
            },
        };
        println!("{}: {}", file.display(), if bugs.is_empty() { "equal" } else { "DIFFERENT" });
        for bug in &bugs {
            println!("    {bug}");
        }
        failed |= !bugs.is_empty();
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn reduce_file(file: &Path, output: &Path, finding: &Finding) -> Result<ExitCode, String> {
    let wasm = regression::read(file)?;
    let tries: Vec<(Choices, u64, usize)> = match &finding.options {
        Some(text) => vec![(Choices::parse(text)?, finding.seed, finding.rounds)],
        None => {
            let all = regression::option_matrix().into_iter();
            all.flat_map(|o| [0, 1].map(|seed| (Choices::plain(o.clone()), seed, 24))).collect()
        }
    };
    for (choices, seed, rounds) in tries {
        if let Outcome::Bug(kind, _) = campaign::check(&wasm, &choices, seed, rounds) {
            let small = campaign::shrink(&wasm, &choices, seed, rounds, kind);
            let mut note = format!(";; {kind} {} seed {seed}\n", choices.flags());
            if let Some(rules) = campaign::blame(&small, &choices, seed, rounds, kind) {
                note += &format!(";; rules that it takes: {}\n", rules.join(" "));
            }
            std::fs::write(output, note + &print_wat(&small)).map_err(|e| e.to_string())?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    Err("no option makes this file fail".to_owned())
}

fn extract_files(files: &[PathBuf], output: &Path, count: usize) -> Result<ExitCode, String> {
    let mut all = Vec::new();
    for file in files {
        let found = extract::functions(&regression::read(file)?, count);
        println!("{}: {} functions", file.display(), found.len());
        all.extend(found);
    }
    let bytes = seeds::pack(&all);
    println!("{} functions, {} bytes", all.len(), bytes.len());
    std::fs::write(output, bytes).map_err(|e| format!("{}: {e}", output.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    case::capture_panics();
    let result = left_sides::use_rules(&cli.rules, cli.rule.as_deref()).and_then(|()| match &cli.command {
        None => run(&cli),
        Some(Command::Show { seed, source }) => {
            if let Some(wasm) = case::module(*source, *seed) {
                // A closed pipe is no reason to complain.
                let _ = writeln!(std::io::stdout(), "{}", print_wat(&wasm));
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Check { files, finding }) => check_files(files, finding),
        Some(Command::Digest { files, seeds, jobs }) => {
            let work = digest::Work { files: files.clone(), seeds: *seeds, jobs: *jobs };
            digest::digest(&work).map(|digest| {
                println!("{digest:032x} hash-seed {:016x}", digest::seed_of_this_process());
                ExitCode::SUCCESS
            })
        }
        Some(Command::Reduce { file, output, finding }) => reduce_file(file, output, finding),
        Some(Command::Flip { start, count, jobs, out }) => {
            let begun = Instant::now();
            let t = flip::run(*start, *count, *jobs, out)?;
            println!(
                "{count} damaged modules, {} findings, {} rejected with an offset, {} equal, {} not comparable, {:.0} s",
                t.findings.len(),
                t.rejected,
                t.equal,
                t.accepted,
                begun.elapsed().as_secs_f64()
            );
            Ok(if t.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Some(Command::Extract { files, output, count }) => extract_files(files, output, *count),
    });
    result.unwrap_or_else(|e| {
        eprintln!("{e}");
        ExitCode::FAILURE
    })
}
