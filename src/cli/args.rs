//! Arguments, and what they mean as [`Options`].

use clap::{ArgAction, Parser, ValueEnum};
use loom_wasm::caps::Caps;
use loom_wasm::options::Validation;
use loom_wasm::program::inline::InlineCaps;
use loom_wasm::{Assumptions, Objective, Options};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What `--help` says after the options.
const AFTER_HELP: &str = "\
Other commands: `loom rules --help` for work on rewrite rules.

Assumptions (--assume NAME, --no-assume NAME; --strict turns all off):
  closed-world       only the kept exports can be reached from outside (off)
  canonical-abi      the host touches memory only through pointers of the canonical ABI (on for meld's output)
  shadow-stack       frames below the stack pointer are private to their function (on where one is recognised)
  return-areas       the memory that a component returns results in is reached only through its address (on for meld's output)
  low-memory-unused  addresses below 1024 are never accessed (off)
  no-traps           no instruction traps (off)
  no-oom             memory.grow inside an allocator succeeds, so it gives the memory it is asked for (off)

Exit code: 0 written, 1 the input or a rule file is at fault, 2 wrong usage.
Messages go to standard error, data to standard output.";

/// Link-time optimizer for fused WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "loom", version, about, after_help = AFTER_HELP, args_override_self = true)]
pub struct Args {
    /// Core module, .wasm or .wat; `-` is standard input
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    /// Where to write; `-` is standard output [default: INPUT's name with .opt.wasm, in the current folder]
    #[arg(short, long, value_name = "OUTPUT")]
    pub output: Option<PathBuf>,

    /// Equality saturation with rules; without it the same pipeline runs with no rules
    #[arg(long)]
    pub egraph: bool,

    /// Effort and objective: -O0 copies bodies, -O1 to -O4 speed, -Os and -Oz size; -O is -O2
    #[arg(short = 'O', value_name = "LEVEL", default_value = "2", hide_default_value = true)]
    pub level: Level,

    /// Rule file or folder, instead of the built-in rules (repeatable)
    #[arg(long, value_name = "PATH", action = ArgAction::Append)]
    pub rules: Vec<PathBuf>,

    /// Cost table instead of the objective's own (rules/costs/*.cost)
    #[arg(long, value_name = "FILE")]
    pub cost: Option<PathBuf>,

    /// Only kept exports are roots: the same as --assume closed-world
    #[arg(long)]
    pub closed_world: bool,

    /// Export to keep under --closed-world, name or glob (repeatable)
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub keep_export: Vec<String>,

    /// Treat as meld's output even without its attestation
    #[arg(long)]
    pub fused: bool,

    /// Assume something beyond WebAssembly's semantics, see below (repeatable)
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub assume: Vec<Assumption>,

    /// Do not assume it (repeatable)
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub no_assume: Vec<Assumption>,

    /// Turn all assumptions off but those named with --assume
    #[arg(long)]
    pub strict: bool,

    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "wasm")]
    pub emit: Emit,

    /// Write what was done as JSON
    #[arg(long, value_name = "FILE.json")]
    pub report: Option<PathBuf>,

    /// Print the rules that took each value of a function (name or index) to its last form
    #[arg(long, value_name = "FUNCTION")]
    pub explain: Option<String>,

    /// Threads; the output does not depend on it [default: one per processor]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,

    /// Keep each function's new body even where it came out larger
    #[arg(long)]
    pub no_revert: bool,

    /// Leave all calls as they are
    #[arg(long)]
    pub no_inline: bool,

    /// Merge private memories into one where every access is known to stay within the initial size
    #[arg(long)]
    pub merge_memories: bool,

    /// For testing: take arbitrary legal choices everywhere instead of the best ones, drawn from SEED
    #[arg(long, value_name = "SEED")]
    pub chaos: Option<u64>,

    /// Check the written module once more
    #[arg(long)]
    pub validate: bool,

    /// Run every checker between the stages, and count the functions whose changes are proved; `strict`: what is not proved keeps its old body
    #[arg(
        long,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "count",
        hide_possible_values = true
    )]
    pub verify: Option<Verify>,

    /// Ledger of proofs for rules of --rules (`loom rules check --smt --write --ledger FILE PATH`), for --verify
    #[arg(long, value_name = "FILE", requires = "verify")]
    pub ledger: Option<PathBuf>,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print time by phase, rules by hits, limits reached
    #[arg(short, long)]
    pub verbose: bool,

    /// No progress line on the terminal
    #[arg(long)]
    pub no_progress: bool,

    /// Colour in messages
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// `-O…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    #[value(name = "0")]
    None,
    #[value(name = "1")]
    One,
    #[value(name = "2")]
    Two,
    #[value(name = "3")]
    Three,
    #[value(name = "4")]
    Four,
    #[value(name = "s")]
    Small,
    #[value(name = "z")]
    Smallest,
}

impl Level {
    /// Effort and objective.
    pub fn meaning(self) -> (u8, Objective) {
        match self {
            Level::None => (0, Objective::Speed),
            Level::One => (1, Objective::Speed),
            Level::Two => (2, Objective::Speed),
            Level::Three => (3, Objective::Speed),
            Level::Four => (4, Objective::Speed),
            Level::Small => (2, Objective::Size),
            Level::Smallest => (4, Objective::Size),
        }
    }
}

/// `--emit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// Binary module.
    Wasm,
    /// Module as text.
    Wat,
    /// SSA of the functions as text.
    Ssa,
    /// The saturated e-graph of the function that --explain names, for Graphviz.
    Dot,
    /// Graphs of the functions for Graphviz.
    Cfg,
}

/// `--verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    Count,
    Strict,
}

/// `--assume` and `--no-assume`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Assumption {
    ClosedWorld,
    CanonicalAbi,
    ShadowStack,
    ReturnAreas,
    LowMemoryUnused,
    NoTraps,
    NoOom,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

impl Args {
    /// Reads the arguments.
    pub fn read(arguments: impl Iterator<Item = OsString>) -> Result<Args, clap::Error> {
        // clap would take what follows a bare `-O` for its level.
        let mut options_ended = false;
        let arguments = arguments.map(|a| {
            options_ended |= a == "--";
            if a == "-O" && !options_ended { "-O2".into() } else { a }
        });
        Args::try_parse_from(arguments)
    }

    /// The library's options.
    ///
    /// # Errors
    /// A sentence when arguments contradict each other.
    pub fn options(&self) -> Result<Options, String> {
        let (effort, objective) = self.level.meaning();
        if self.verify == Some(Verify::Strict) && self.merge_memories {
            return Err("--merge-memories proves nothing: not with --verify=strict".into());
        }
        if self.jobs == Some(0) {
            return Err("--jobs must be at least 1".into());
        }
        if let Some(path) = &self.report
            && path.extension().is_none_or(|e| e != "json")
        {
            return Err(format!("--report {}: the name must end in .json", path.display()));
        }
        if self.emit == Emit::Dot && !(self.egraph && self.explain.is_some()) {
            return Err("--emit dot needs --egraph and --explain FUNCTION".into());
        }
        let available = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let mut caps = Caps::default();
        if self.no_inline {
            caps.inline = InlineCaps::OFF;
        }
        Ok(Options {
            egraph: self.egraph,
            objective,
            effort,
            rules: self.rules.clone(),
            cost: self.cost.clone(),
            keep_exports: self.keep_export.clone(),
            fused: self.fused,
            assumptions: self.assumptions()?,
            jobs: self.jobs.unwrap_or_else(available),
            no_revert: self.no_revert,
            merge_memories: self.merge_memories,
            chaos: self.chaos,
            caps,
            verify: self.verify.is_some() || Options::default().verify,
            validation: match self.verify {
                None => Validation::Off,
                Some(Verify::Count) => Validation::Count,
                Some(Verify::Strict) => Validation::Strict,
            },
            ledger: self.ledger.clone(),
            explain: self.explain.clone(),
            ..Options::default()
        })
    }

    fn assumptions(&self) -> Result<Assumptions, String> {
        let mut a = Assumptions::default();
        if self.strict {
            a.canonical_abi = Some(false);
            a.shadow_stack = Some(false);
            a.return_areas = Some(false);
        }
        if let Some(both) = self.assume.iter().find(|n| self.no_assume.contains(n)) {
            let name = both.to_possible_value().map_or(String::new(), |v| v.get_name().to_owned());
            return Err(format!("--assume {name} contradicts --no-assume {name}"));
        }
        if self.closed_world && self.no_assume.contains(&Assumption::ClosedWorld) {
            return Err("--closed-world contradicts --no-assume closed-world".into());
        }
        a.closed_world = self.closed_world;
        for (names, on) in [(&self.assume, true), (&self.no_assume, false)] {
            for name in names {
                match name {
                    Assumption::ClosedWorld => a.closed_world = on,
                    Assumption::CanonicalAbi => a.canonical_abi = Some(on),
                    Assumption::ShadowStack => a.shadow_stack = Some(on),
                    Assumption::ReturnAreas => a.return_areas = Some(on),
                    Assumption::LowMemoryUnused => a.low_memory_unused = on,
                    Assumption::NoTraps => a.no_traps = on,
                    Assumption::NoOom => a.no_oom = on,
                }
            }
        }
        Ok(a)
    }

    /// The input's name in messages.
    pub fn input_name(&self) -> String {
        if self.input == Path::new("-") { "<stdin>".into() } else { self.input.display().to_string() }
    }

    /// Where the output goes; `-` is standard output.
    pub fn output_path(&self) -> PathBuf {
        if let Some(path) = &self.output {
            return path.clone();
        }
        if self.input == Path::new("-") {
            return "-".into();
        }
        let extension = match self.emit {
            Emit::Wasm => ".opt.wasm",
            Emit::Wat => ".opt.wat",
            Emit::Ssa => ".opt.ssa",
            Emit::Dot => ".egraph.dot",
            Emit::Cfg => ".cfg.dot",
        };
        let mut name = self.input.file_stem().unwrap_or_default().to_owned();
        name.push(extension);
        name.into()
    }

    /// Whether standard output carries data.
    pub fn writes_to_stdout(&self) -> bool {
        self.output_path() == Path::new("-")
    }

    /// The output's name in messages.
    pub fn output_name(&self) -> String {
        if self.writes_to_stdout() { "<stdout>".into() } else { self.output_path().display().to_string() }
    }
}
