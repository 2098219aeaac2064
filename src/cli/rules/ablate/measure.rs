//! Measuring one module with a part of a rule set.

use super::fuel::{self, Ran};
use super::plan::Variant;
use super::rows::Row;
use loom_wasm::rules::RuleSet;
use loom_wasm::{Error, Options, Report};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A module to measure on.
pub struct Subject {
    /// Its path, as given.
    pub name: String,
    /// Its bytes.
    pub wasm: Vec<u8>,
    /// Digits that tell it apart.
    pub digest: String,
    /// What it does before anything is done to it; `None` where it cannot run.
    pub ran: Option<Ran>,
}

/// A rule set to measure.
pub struct Set {
    /// Its path, or `builtin`.
    pub name: String,
    /// Its rules.
    pub rules: RuleSet,
    /// Digits that tell it apart.
    pub digest: String,
}

/// How to measure.
pub struct How {
    /// Options of each run.
    pub options: Options,
    /// What of them stands in the rows.
    pub label: String,
    /// Export that is called, and with what.
    pub call: (String, i64),
    /// Runs of which the fastest saturation counts.
    pub repeat: u32,
}

/// The first 12 hexadecimal digits of the SHA-256.
pub fn digits(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(6).fold(String::new(), |mut s, b| {
        write!(s, "{b:02x}").expect("writing to a string");
        s
    })
}

/// Digits that change with any rule of a set, or their order.
pub fn digits_of(set: &RuleSet) -> String {
    let text = set.rules.iter().fold(String::new(), |mut s, r| {
        write!(s, "{r}").expect("writing to a string");
        s
    });
    digits(text.as_bytes())
}

/// A row for a variant before anything is known of it.
pub fn blank(subject: &Subject, set: &Set, variant: &Variant, how: &How) -> Row {
    Row {
        module: subject.name.clone(),
        digest: subject.digest.clone(),
        options: how.label.clone(),
        set: set.name.clone(),
        rules: set.digest.clone(),
        variant: variant.to_string(),
        hits: 0,
        measured: true,
        bytes: 0,
        cost: 0,
        fuel: None,
        nodes: 0,
        classes: 0,
        limits: 0,
        seconds: 0.0,
        fired: None,
    }
}

/// Measures a variant. Its `hits` are left to the caller.
///
/// # Errors
/// When the module cannot be optimized, or its call gives something else afterwards.
pub fn measure(subject: &Subject, set: &Set, variant: &Variant, how: &How) -> Result<Row, Error> {
    let rules = variant.of(&set.rules);
    let mut row = blank(subject, set, variant, how);
    for turn in 0..how.repeat.max(1) {
        let output = loom_wasm::optimize_with(&subject.wasm, &how.options, &rules)?;
        let seconds = saturation(&output.report);
        if turn > 0 {
            row.seconds = row.seconds.min(seconds);
            continue;
        }
        let report = output.report;
        row.seconds = seconds;
        row.bytes = report.code_bytes.after;
        (row.cost, row.nodes, row.classes) = (report.egraph.cost, report.egraph.nodes, report.egraph.classes);
        let saturating = report.limits.iter().filter(|(name, _)| name.starts_with("egraph-"));
        row.limits = saturating.map(|(_, n)| n).sum();
        if let Some(before) = &subject.ran {
            match fuel::run(&output.wasm, &how.call.0, how.call.1) {
                Some(after) if after.results == before.results => row.fuel = Some(after.fuel),
                after => {
                    let after = after.map_or("nothing".to_owned(), |a| a.results);
                    return Err(Error::new(format!(
                        "with {variant} of {}, `{}` gives {after} instead of {}",
                        set.name, how.call.0, before.results
                    )));
                }
            }
        }
        if *variant == Variant::All {
            row.fired = Some(report.rules);
        }
    }
    Ok(row)
}

fn saturation(report: &Report) -> f64 {
    let seconds = report.phases.iter().filter(|p| p.name == "saturate").map(|p| p.seconds).sum::<f64>();
    // Microseconds are more than a clock on a busy machine is good for.
    (seconds * 1e6).round() / 1e6
}

/// Unions made by the rules that a variant leaves out.
pub fn hits(set: &Set, variant: &Variant, fired: &BTreeMap<String, u64>) -> u64 {
    let out = set.rules.rules.iter().filter(|r| variant.leaves_out(&r.theme, &r.family));
    out.filter_map(|r| fired.get(&r.name)).sum()
}

/// The row of a variant that is as with all rules: what it leaves out does not fire, and no search ended early that would have gone
/// on without it. `None`: that is not so, and it has to be measured.
pub fn same_as_all(all: &Row, variant: &Variant, hits: u64) -> Option<Row> {
    let same = hits == 0 && all.limits == 0 && !matches!(variant, Variant::All | Variant::None);
    same.then(|| Row { variant: variant.to_string(), measured: false, fired: None, ..all.clone() })
}
