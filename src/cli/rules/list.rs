//! `loom rules list`: the rules with what is known of each, and on request how often each fires.

use super::corpus::{RunArgs, modules, named, read_module};
use crate::cli::files::{read, write_stdout};
use crate::cli::messages::{Progress, say};
use clap::Args;
use loom_wasm::Error;
use loom_wasm::rules::{Phase, Rule, RuleSet, did_you_mean};
use loom_wasm::verify::ledger::{Ledger, Standing};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments of `loom rules list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Rule files or folders [default: the built-in rules]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Only rules of this theme (repeatable)
    #[arg(long, value_name = "NAME")]
    theme: Vec<String>,

    /// Only rules of this phase: canon, simplify, memory, expand or lower (repeatable)
    #[arg(long, value_name = "NAME", value_parser = Phase::NAMES.map(|p| p.1))]
    phase: Vec<String>,

    /// A line for each instance of a family
    #[arg(long)]
    each_instance: bool,

    /// Modules, or folders of them: how often each rule fires there
    #[arg(long, value_name = "CORPUS", num_args = 1..)]
    hits: Vec<PathBuf>,

    /// Only rules that do not fire there
    #[arg(long, requires = "hits")]
    silent: bool,

    /// A ledger of proofs [default: that of the built-in rules]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,

    #[command(flatten)]
    run: RunArgs,
}

/// How often a rule fired, and in how many modules.
#[derive(Clone, Copy, Default)]
struct Hits {
    unions: u64,
    modules: usize,
}

/// The ledger of a file, or of the built-in rules.
///
/// # Errors
/// With the file, and the line that is none of a ledger.
pub fn ledger(file: Option<&PathBuf>) -> Result<Ledger, Error> {
    match file {
        None => Ledger::builtin(),
        Some(path) => Ledger::parse(&String::from_utf8_lossy(&read(path)?))
            .map_err(|e| e.in_file(path.display().to_string())),
    }
}

/// How a family is established, by the ledger.
pub fn proof(ledger: &Ledger, family: &[&Rule]) -> String {
    match ledger.standing(family) {
        Standing::Absent => "not recorded".to_owned(),
        Standing::Changed => "changed since".to_owned(),
        Standing::Recorded(entry) => entry.summary(),
    }
}

/// Lists; always `Ok(true)`.
pub fn run(args: &ListArgs) -> Result<bool, Error> {
    let set = RuleSet::load_or_builtin(&args.paths)?;
    let families = set.families();
    for theme in &args.theme {
        if !set.rules.iter().any(|r| *r.theme == **theme) {
            let hint = did_you_mean(theme, set.rules.iter().map(|r| &*r.theme));
            return Err(Error::new(format!("no theme has the name `{theme}`{hint}")).in_file("rules list"));
        }
    }
    let ledger = ledger(args.ledger.as_ref())?;
    let hits = match args.hits.is_empty() {
        true => None,
        false => Some(count(args)?),
    };
    let fired = |rules: &[&Rule]| {
        let Some((hits, _)) = &hits else { return Hits::default() };
        let each = rules.iter().filter_map(|r| hits.get(&r.name));
        each.fold(Hits::default(), |a, h| Hits {
            unions: a.unions + h.unions,
            modules: a.modules.max(h.modules),
        })
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut totals: BTreeMap<String, usize> = BTreeMap::new();
    let mut instances = 0;
    for family in &families {
        let Some(first) = family.first() else { continue };
        let themes = args.theme.is_empty() || args.theme.iter().any(|t| **t == *first.theme);
        let phases = args.phase.is_empty() || args.phase.iter().any(|p| p == first.phase.name());
        if !themes || !phases {
            continue;
        }
        let proof = proof(&ledger, family);
        let mut row = |name: &str, rules: &[&Rule]| {
            let hits_here = fired(rules);
            if args.silent && hits_here.unions > 0 {
                return;
            }
            instances += rules.len();
            let kind = if proof.starts_with("proved ") { "partly proved" } else { proof.as_str() };
            *totals.entry(kind.to_owned()).or_default() += 1;
            let mut row = [name, &first.theme, first.phase.name(), &rules.len().to_string(), &proof]
                .map(str::to_owned)
                .to_vec();
            if let Some((_, modules)) = &hits {
                row.push(hits_here.unions.to_string());
                row.push(format!("{} of {modules}", hits_here.modules));
            }
            rows.push(row);
        };
        match args.each_instance {
            true => family.iter().for_each(|r| row(&r.name, &[*r])),
            false => row(&first.family, family),
        }
    }
    let count = rows.len();
    let mut head = vec!["NAME", "THEME", "PHASE", "RULES", "PROOF"];
    if hits.is_some() {
        head.extend(["HITS", "MODULES"]);
    }
    let mut text = table(&head, &rows);
    write!(text, "{count} listed, {instances} with families expanded").expect("writing to a string");
    for (i, (kind, n)) in totals.iter().enumerate() {
        write!(text, "{} {n} {kind}", if i == 0 { ":" } else { "," }).expect("writing to a string");
    }
    text.push('\n');
    write_stdout(text.as_bytes())?;
    Ok(true)
}

/// Optimizes the modules and counts the rules that fire; with the number of modules. A module that cannot be optimized is
/// named and left out.
fn count(args: &ListArgs) -> Result<(BTreeMap<String, Hits>, usize), Error> {
    let paths = modules(&args.hits)?;
    let options = args.run.options(&args.paths);
    let progress = Progress::new();
    let (mut hits, mut done): (BTreeMap<String, Hits>, usize) = Default::default();
    for (i, path) in paths.iter().enumerate() {
        progress.show(&format!("{} of {} modules: {}", i + 1, paths.len(), path.display()));
        let output = read_module(path).and_then(|wasm| loom_wasm::optimize(&wasm, &options));
        progress.clear();
        match output {
            Ok(output) => {
                done += 1;
                for (name, n) in output.report.rules {
                    let of = hits.entry(name).or_default();
                    of.unions += n;
                    of.modules += 1;
                }
            }
            Err(e) => say(&format!(
                "loom: left out: {}\n",
                named(e, path).to_string().replace(char::is_control, " ")
            )),
        }
    }
    if done == 0 {
        return Err(Error::new("none of the modules can be optimized").in_file("rules list"));
    }
    Ok((hits, done))
}

/// Columns as wide as what stands in them; numbers to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count());
        cells.chain([head[i].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let numeric = |i: usize| {
        let number = |c: &String| {
            c.is_empty() || c.trim_start_matches(['+', '-']).starts_with(|d: char| d.is_ascii_digit())
        };
        !rows.is_empty() && rows.iter().filter_map(|r| r.get(i)).all(number)
    };
    let right: Vec<bool> = (0..head.len()).map(numeric).collect();
    let mut text = String::new();
    let head: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for ((cell, &width), &right) in row.iter().zip(&widths).zip(&right) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            match right {
                true => write!(line, "{cell:>width$}").expect("writing to a string"),
                false => write!(line, "{cell:<width$}").expect("writing to a string"),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
