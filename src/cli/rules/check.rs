//! `loom rules check`: are rules right? By samples and by all operands at small widths, and with `--smt` by a solver. The
//! ledger (`verify::ledger`) of the built-in rules, or the one that is named, is compared, and with `--write` renewed.

use crate::cli::files::{self, Sink, write_stdout};
use crate::cli::messages::say;
use clap::Args;
use loom_wasm::Error;
use loom_wasm::rules::RuleSet;
use loom_wasm::verify::ledger::Ledger;
use loom_wasm::verify::smt::{Proof, Solver};
use loom_wasm::verify::tiers::{Asking, Checked, NARROW_WIDTHS, check_set};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Where the ledger of the built-in rules lies in the repository.
const LEDGER: &str = "snapshots/rules.ledger";

/// Arguments of `loom rules check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Rule files or folders [default: the built-in rules]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Ask an SMT solver too: `z3` on the search path, or the program named by LOOM_Z3
    #[arg(long)]
    smt: bool,

    /// Write the ledger
    #[arg(long, requires = "smt")]
    write: bool,

    /// The ledger of these rules [default: for the built-in ones snapshots/rules.ledger, if it is there; for others none]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,

    /// Effort for each question to the solver, in millions of its units (a million takes about half a second)
    #[arg(long, value_name = "N", default_value = "6")]
    effort: u32,

    /// Solvers beside each other
    #[arg(short, long, value_name = "N", default_value = "2")]
    jobs: usize,
}

/// Checks; `Ok(false)` if a rule is refuted, nothing could be said about it, or the ledger does not fit.
pub fn run(args: &CheckArgs) -> Result<bool, Error> {
    let start = Instant::now();
    let builtin = args.paths.is_empty();
    if args.write && !builtin && args.ledger.is_none() {
        return Err(Error::new("--write: name the file for the ledger of these rules with --ledger"));
    }
    let set = if builtin { RuleSet::builtin()? } else { RuleSet::load(&args.paths)? };
    let mut narrow = Vec::new();
    for width in NARROW_WIDTHS {
        let reading =
            if builtin { RuleSet::builtin_narrow(width)? } else { RuleSet::load_narrow(&args.paths, width)? };
        narrow.push((width, reading));
    }
    let asking = asking(args)?;
    let total = set.rules.len();
    let terminal = std::io::stderr().is_terminal();
    let checked = check_set(&set, &narrow, asking.as_ref(), &|done| {
        if terminal {
            say(&format!("\rloom: {done} of {total} rules asked about …"));
        }
    });
    if terminal && asking.is_some() {
        say("\r\x1b[K");
    }
    let (mut text, mut good) = findings(&set, &checked);
    if builtin || args.ledger.is_some() {
        let path = args.ledger.clone().unwrap_or_else(|| LEDGER.into());
        let differences = if args.write && good {
            let solver = asking.as_ref().and_then(|a| Solver::version_of(&a.path)).unwrap_or_default();
            let ledger = Ledger::of(&set, &checked, &solver);
            Sink::prepare(&path, ledger.render().as_bytes())?.commit()?;
            ledger.differences(&set)
        } else if args.ledger.is_some() || path.exists() {
            let ledger = Ledger::parse(&String::from_utf8_lossy(&files::read(&path)?))
                .map_err(|e| e.in_file(path.display().to_string()))?;
            ledger.differences(&set)
        } else {
            text.push_str(&format!("no {LEDGER} here: not compared\n"));
            Vec::new()
        };
        if !differences.is_empty() {
            good = false;
            text.push_str(&differences.join("\n"));
            text.push_str("\nrenew the ledger: the same command with --smt --write\n");
        }
    }
    text.push_str(&summary(&checked, start.elapsed()));
    write_stdout(text.as_bytes())?;
    Ok(good)
}

fn asking(args: &CheckArgs) -> Result<Option<Asking>, Error> {
    if !args.smt {
        return Ok(None);
    }
    let Some(path) = Solver::find() else {
        return Err(Error::new(
            "no solver: put z3 on the search path or name it in LOOM_Z3 (`pip install z3-solver` has one)",
        ));
    };
    Ok(Some(Asking { path, effort: args.effort, jobs: args.jobs.max(1) }))
}

/// One line for each rule that is not right or of which nothing is known.
fn findings(set: &RuleSet, checked: &[Checked]) -> (String, bool) {
    let (mut text, mut good) = (String::new(), true);
    for (rule, c) in set.rules.iter().zip(checked) {
        let line = match (c.refuted(), c.unknown(), &c.smt) {
            (Some(why), _, _) => format!("refuted: {why}"),
            (None, Some(why), _) => format!("unknown: {why}"),
            (None, None, Some(Proof::Unknown(why))) => {
                text.push_str(&format!(
                    "{} {}: not decided by the solver: {why}\n",
                    rule.location(),
                    rule.name
                ));
                continue;
            }
            _ => continue,
        };
        good = false;
        text.push_str(&format!("{} {}: {line}\n", rule.location(), rule.name));
    }
    (text, good)
}

fn summary(checked: &[Checked], time: Duration) -> String {
    let count = |f: &dyn Fn(&Checked) -> bool| checked.iter().filter(|c| f(c)).count();
    let mut s = format!(
        "{} rules: {} refuted, {} unknown; {} pass samples, {} all operands at a small width",
        checked.len(),
        count(&|c| c.refuted().is_some()),
        count(&|c| c.unknown().is_some()),
        count(&|c| c.samples() > 0),
        count(&|c| c.exhaustive().is_some()),
    );
    if checked.iter().any(|c| c.smt.is_some()) {
        s.push_str(&format!(
            "; the solver proves {} and does not decide {}",
            count(&|c| c.smt == Some(Proof::Proved)),
            count(&|c| matches!(c.smt, Some(Proof::Unknown(_)))),
        ));
    }
    s.push_str(&format!("; {:.1} s\n", time.as_secs_f64()));
    s
}
