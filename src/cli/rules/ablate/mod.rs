//! `loom rules ablate`: what each part of a rule set is worth on modules, measured by leaving it out.
//!
//! The plan ([`plan`]) is a list in a fixed order; a run measures its part of it ([`measure`]) and appends rows to files ([`rows`]),
//! so it can be interrupted and continued, and cut into shards whose files are concatenated. Tables and figures ([`table`],
//! [`chart`]) are made from rows, whether they were measured now or before.

mod chart;
mod fuel;
#[cfg(feature = "fuel")]
mod host;
mod measure;
mod plan;
mod rows;
mod table;

use super::corpus::{RunArgs, modules, named, read_module};
use crate::cli::files::{Sink, write_stdout};
use crate::cli::messages::{Progress, say};
use chart::Measure;
use clap::Args;
use loom_wasm::Error;
use loom_wasm::rules::RuleSet;
use measure::{How, Set, Subject, blank, digits, digits_of, hits, measure, same_as_all};
use plan::{Choice, Item, Shard, Variant};
use rows::{Form, Key, Record, Row};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Arguments of `loom rules ablate`.
#[derive(Args, Debug)]
pub struct AblateArgs {
    /// Modules, or folders of them
    #[arg(value_name = "CORPUS", required = true)]
    corpus: Vec<PathBuf>,

    /// A rule set: a file or folder, or `builtin` (repeatable: several sets beside each other) [default: builtin]
    #[arg(long, value_name = "PATH")]
    set: Vec<PathBuf>,

    /// Leave each rule out in turn, not each theme
    #[arg(long)]
    each_rule: bool,

    /// Only this theme (repeatable); with --each-rule only its rules
    #[arg(long, value_name = "NAME")]
    theme: Vec<String>,

    /// Only this rule (repeatable)
    #[arg(long, value_name = "NAME")]
    rule: Vec<String>,

    /// Measure also where nothing that is left out fires
    #[arg(long)]
    measure_all: bool,

    /// Runs for each row, of which the fastest saturation counts
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,

    /// Export that is called to count executed instructions, where a module has it and can run (builds with the feature `fuel`)
    #[arg(long, value_name = "EXPORT", default_value = "run")]
    call: String,

    /// Its first argument
    #[arg(long, value_name = "N", default_value = "100", allow_negative_numbers = true)]
    arg: i64,

    /// Append rows as CSV; those that are there are not measured again
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Append rows as JSON Lines; those that are there are not measured again
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Measure the I-th of N parts; the files of all parts, concatenated, are those of the whole
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,

    /// Draw what each part is worth
    #[arg(long, value_name = "FILE", conflicts_with = "shard")]
    svg: Option<PathBuf>,

    /// What to draw
    #[arg(long, value_name = "WHAT", default_value = "bytes", requires = "svg")]
    draw: Measure,

    #[command(flatten)]
    run: RunArgs,
}

/// Files of rows, and all rows known.
struct Results {
    records: Vec<Record>,
    known: BTreeMap<Key, Row>,
}

impl Results {
    fn open(args: &AblateArgs) -> Result<Results, Error> {
        let mut results = Results { records: Vec::new(), known: BTreeMap::new() };
        let head = args.shard.is_none_or(|s| s.index == 1);
        let files = [(&args.csv, Form::Csv), (&args.json, Form::Json)];
        for (path, form) in files.into_iter().filter_map(|(path, form)| Some((path.as_ref()?, form))) {
            let record = Record::open(path, form, head)?;
            // JSON, the later one, has more in it.
            results.known.extend(record.rows.clone());
            results.records.push(record);
        }
        Ok(results)
    }

    fn add(&mut self, row: Row) -> Result<(), Error> {
        self.records.iter_mut().try_for_each(|r| r.add(&row))?;
        self.known.insert(row.key(), row);
        Ok(())
    }
}

/// Measures what is not there yet, and tells of all of it; `Ok(false)` if something could not be measured.
pub fn run(args: &AblateArgs) -> Result<bool, Error> {
    let sets = sets(&args.set)?;
    let choice = Choice { each_rule: args.each_rule, themes: args.theme.clone(), rules: args.rule.clone() };
    let variants: Vec<_> =
        sets.iter().map(|s| plan::variants(&s.rules, &choice)).collect::<Result<_, _>>()?;
    let how = how(args);
    let mut good = true;
    let mut complain = |e: Error| {
        good = false;
        say(&format!("loom: {}\n", e.to_string().replace(char::is_control, " ")));
    };
    let mut subjects = Vec::new();
    for path in modules(&args.corpus)? {
        match read_module(&path) {
            Ok(wasm) => subjects.push(Subject {
                name: path.display().to_string(),
                digest: digits(&wasm),
                ran: fuel::run(&wasm, &how.call.0, how.call.1),
                wasm,
            }),
            Err(e) => complain(e),
        }
    }
    let items = plan::items(subjects.len(), &variants);
    let items = args.shard.unwrap_or(Shard::WHOLE).part(&items);
    let mut results = Results::open(args)?;
    let progress = Progress::new();
    // The row with all rules of the module and set that items are of now, with what fired.
    let mut all: Option<(usize, usize, Row)> = None;
    let mut measured = 0;
    for (i, item) in items.iter().enumerate() {
        let (subject, set) = (&subjects[item.module], &sets[item.set]);
        let key = blank(subject, set, &item.variant, &how).key();
        // What fired is wanted in JSON, and CSV does not say it.
        let lacks = |row: &Row| args.json.is_some() && item.variant == Variant::All && row.fired.is_none();
        if let Some(row) = results.known.get(&key).filter(|row| !lacks(row)).cloned() {
            results.add(row)?;
            continue;
        }
        progress.show(&format!(
            "{i} of {} rows ({} %): {} with {} of {}",
            items.len(),
            i * 100 / items.len(),
            subject.name,
            item.variant,
            set.name
        ));
        let row = one(item, subject, set, &how, args.measure_all, &results, &mut all);
        progress.clear();
        match row {
            Ok(row) => {
                measured += usize::from(row.measured);
                results.add(row)?;
            }
            Err(e) => complain(named(e, subject.name.as_ref())),
        }
    }
    let rows: Vec<&Row> = items
        .iter()
        .filter_map(|item| {
            let key = blank(&subjects[item.module], &sets[item.set], &item.variant, &how).key();
            results.known.get(&key)
        })
        .collect();
    let mut text = String::new();
    for (set, variants) in sets.iter().zip(&variants) {
        let rows: Vec<&Row> = rows.iter().filter(|r| r.set == set.name).copied().collect();
        text.push_str(&table::table(set, variants, &rows, subjects.len()));
        text.push_str(&table::silent(set, &rows));
    }
    text.push_str(&format!("{} rows, {measured} measured now", rows.len()));
    if !fuel::AVAILABLE {
        text.push_str("; instructions are counted in builds with `--features fuel`");
    }
    text.push('\n');
    if let Some(path) = &args.svg {
        let drawing = chart::svg(&sets, &variants, &rows, args.draw);
        Sink::prepare(path, drawing.as_bytes())?.commit()?;
    }
    write_stdout(text.as_bytes())?;
    Ok(good)
}

/// The row of one item. `all`: the row with all rules of the last module and set, which is made anew for others.
fn one(
    item: &Item,
    subject: &Subject,
    set: &Set,
    how: &How,
    measure_all: bool,
    results: &Results,
    all: &mut Option<(usize, usize, Row)>,
) -> Result<Row, Error> {
    let at = (item.module, item.set);
    if all.as_ref().is_none_or(|(module, set, _)| (*module, *set) != at) {
        let key = blank(subject, set, &Variant::All, how).key();
        // A row from CSV does not say what fired.
        let row = match results.known.get(&key) {
            Some(row) if row.fired.is_some() => row.clone(),
            _ => measure(subject, set, &Variant::All, how)?,
        };
        *all = Some((at.0, at.1, row));
    }
    let Some((_, _, all)) = all else { return measure(subject, set, &item.variant, how) };
    if item.variant == Variant::All {
        return Ok(all.clone());
    }
    let hits = all.fired.as_ref().map_or(0, |fired| hits(set, &item.variant, fired));
    match same_as_all(all, &item.variant, hits).filter(|_| !measure_all) {
        Some(row) => Ok(row),
        None => Ok(Row { hits, ..measure(subject, set, &item.variant, how)? }),
    }
}

fn sets(paths: &[PathBuf]) -> Result<Vec<Set>, Error> {
    let mut sets: Vec<Set> = Vec::new();
    let builtin = [PathBuf::from("builtin")];
    for path in if paths.is_empty() { &builtin } else { paths } {
        let name = path.display().to_string();
        if sets.iter().any(|s| s.name == name) {
            continue;
        }
        let rules = match name.as_str() {
            "builtin" => RuleSet::builtin()?,
            _ => RuleSet::load(std::slice::from_ref(path))?,
        };
        sets.push(Set { digest: digits_of(&rules), name, rules });
    }
    Ok(sets)
}

fn how(args: &AblateArgs) -> How {
    let mut label = args.run.label();
    if fuel::AVAILABLE {
        label.push_str(&format!("+{}({})", args.call, args.arg));
    }
    How { options: args.run.options(&[]), label, call: (args.call.clone(), args.arg), repeat: args.repeat }
}
