//! `loom rules test`: the examples in rule files, and what an instance of each rule becomes, against snapshots.
//!
//! A snapshot is a file for each theme. It has, for each rule, a term, the rules that fired when only this one ran, and the function
//! that came out. The term is the rule's first example; without one, its left side with constants that fit its conditions.

use crate::cli::emit;
use crate::cli::files::{Sink, failed, read, write_stdout};
use crate::cli::messages::Progress;
use clap::Args;
use loom_wasm::caps::Caps;
use loom_wasm::program::inline::InlineCaps;
use loom_wasm::rules::{Phase, Rule, RuleSet};
use loom_wasm::verify::{Answer, check_examples, trial};
use loom_wasm::{Error, Objective, Options};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Where the snapshots of the built-in rules lie in the repository.
const SNAPSHOTS: &str = "snapshots/rules";

/// Arguments of `loom rules test`.
#[derive(Args, Debug)]
pub struct TestArgs {
    /// Rule files or folders [default: the built-in rules]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Folder of the snapshots, THEME.snap each [default: snapshots/rules for built-in rules and files below rules/, else that of the file]
    #[arg(long, value_name = "DIR")]
    snapshots: Option<PathBuf>,

    /// Write the snapshots
    #[arg(long)]
    bless: bool,
}

/// What is said about one rule in a snapshot.
struct Tried {
    text: String,
    fires: bool,
}

/// Tests; `Ok(false)` if an example or a snapshot does not fit.
pub fn run(args: &TestArgs) -> Result<bool, Error> {
    let set = RuleSet::load_or_builtin(&args.paths)?;
    let families = set.families();
    let (mut text, mut good, mut examples, mut silent) = (String::new(), true, 0, 0);
    let mut themes: BTreeMap<(String, String), Vec<Tried>> = BTreeMap::new();
    let progress = Progress::new();
    for (i, family) in families.iter().enumerate() {
        let Some(first) = family.first() else { continue };
        progress.show(&format!("{} of {} rules", i + 1, families.len()));
        examples += first.examples.len();
        if let Answer::Refuted(why) | Answer::Unknown(why) = check_examples(family) {
            good = false;
            writeln!(text, "{} {}: {why}", first.location(), first.family).expect("a string");
        }
        let tried = try_out(family)?;
        silent += usize::from(!tried.fires);
        themes.entry((first.theme.to_string(), first.file.to_string())).or_default().push(tried);
    }
    progress.clear();
    let (mut same, mut written, mut new) = (0, 0, 0);
    for ((theme, file), tried) in &themes {
        let path = folder(args, file).join(format!("{theme}.snap"));
        let now: Vec<&str> = tried.iter().map(|t| t.text.as_str()).collect();
        let old = if path.exists() { Some(read(&path)?) } else { None };
        let old = old.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match old {
            Some(old) if old == now.join("\n") => same += 1,
            _ if args.bless => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
                }
                Sink::prepare(&path, now.join("\n").as_bytes())?.commit()?;
                written += 1;
            }
            Some(old) => {
                good = false;
                writeln!(text, "{}: not what the rules do now", path.display()).expect("a string");
                differences(&old, &now, &mut text);
            }
            None => {
                new += 1;
                writeln!(text, "no {} yet (--bless writes it):\n", path.display()).expect("a string");
                text.push_str(&now.join("\n"));
                text.push('\n');
            }
        }
    }
    let rules = families.len();
    writeln!(
        text,
        "{rules} rules, {examples} examples; alone on a term of its own {} fire and {silent} do not; \
        snapshots: {same} as before, {new} new, {written} written, {} differ",
        rules - silent,
        themes.len() - same - new - written
    )
    .expect("a string");
    write_stdout(text.as_bytes())?;
    Ok(good)
}

/// Where the snapshot of a file's rules belongs.
fn folder(args: &TestArgs, file: &str) -> PathBuf {
    match &args.snapshots {
        Some(folder) => folder.clone(),
        None if args.paths.is_empty() || (file.starts_with("rules/") && Path::new(SNAPSHOTS).is_dir()) => {
            SNAPSHOTS.into()
        }
        None => Path::new(file).parent().unwrap_or(Path::new("")).to_owned(),
    }
}

/// Runs one rule alone on an instance of its left side: of the family's first instance that there is a module for.
fn try_out(family: &[&Rule]) -> Result<Tried, Error> {
    let name = family.first().map_or("", |r| &r.family);
    let Some((rule, trial)) = family.iter().find_map(|r| Some((r, trial::trial(r)?))) else {
        return Ok(Tried { text: format!("{name}\n  no function computes its left side\n"), fires: false });
    };
    let wasm = loom_wasm::read_input(trial.wat.as_bytes())?;
    let options = Options {
        egraph: true,
        // What only encodes shorter is for size.
        objective: rule.objective.unwrap_or(match rule.phase {
            Phase::Lower => Objective::Size,
            _ => Objective::Speed,
        }),
        no_revert: true,
        caps: Caps { inline: InlineCaps::OFF, ..Caps::default() },
        ..Options::default()
    };
    let alone = RuleSet { rules: family.iter().map(|r| (*r).clone()).collect() };
    let output = loom_wasm::optimize_with(&wasm, &options, &alone)?;
    let fired = output.report.rules;
    let mut text = format!("{name}\n  {}\n", trial.term);
    match fired.is_empty() {
        true => text.push_str("  does not fire\n"),
        false => fired.iter().for_each(|(rule, n)| writeln!(text, "  fires {rule}: {n}").expect("a string")),
    }
    let ssa = emit::ssa(&output.wasm)?;
    if !fired.is_empty() {
        let without = loom_wasm::optimize_with(&wasm, &options, &RuleSet::default())?;
        if emit::ssa(&without.wasm)? == ssa {
            text.push_str("  the left side stays: it costs no more here\n");
        }
    }
    // The first function is the term's; others are there to use a proposal.
    for line in String::from_utf8_lossy(&ssa).split("\n\n").next().unwrap_or_default().lines() {
        writeln!(text, "    {line}").expect("a string");
    }
    Ok(Tried { text, fires: !fired.is_empty() })
}

/// The parts, one a rule, that are in only one of two snapshots.
fn differences(old: &str, now: &[&str], text: &mut String) {
    // A rule's part starts with its name, the only line that is not indented.
    let mut parts: Vec<String> = Vec::new();
    for line in old.lines() {
        match parts.last_mut() {
            Some(part) if line.is_empty() || line.starts_with(' ') => part.push_str(&format!("{line}\n")),
            _ => parts.push(format!("{line}\n")),
        }
    }
    let trimmed: Vec<&str> = parts.iter().map(|p| p.trim_end()).collect();
    let mut show = |sign: char, part: &str| {
        for line in part.trim_end().lines() {
            writeln!(text, "{sign} {line}").expect("a string");
        }
    };
    trimmed.iter().filter(|p| !now.iter().any(|n| n.trim_end() == **p)).for_each(|p| show('-', p));
    now.iter().filter(|n| !trimmed.contains(&n.trim_end())).for_each(|n| show('+', n));
}
