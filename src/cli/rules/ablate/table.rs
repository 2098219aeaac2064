//! Rows summed over the modules, as a table, and the rules that never fire.

use super::measure::Set;
use super::plan::Variant;
use super::rows::Row;
use crate::cli::rules::list;
use loom_wasm::Objective;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Sums over the modules of one variant.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Modules with a row.
    pub modules: BTreeSet<String>,
    /// Those of them that can run.
    pub ran: BTreeSet<String>,
    /// Unions of what is left out.
    pub hits: u64,
    /// Bytes of the code sections.
    pub bytes: u64,
    /// Prices of the extracted instructions.
    pub cost: u64,
    /// Executed instructions.
    pub fuel: u64,
    /// Nodes of e-graphs.
    pub nodes: u64,
    /// Seconds of saturation.
    pub seconds: f64,
}

/// The sums of a variant.
pub fn sums(rows: &[&Row], variant: &Variant) -> Sums {
    let name = variant.to_string();
    let mut sums = Sums::default();
    for row in rows.iter().filter(|r| r.variant == name) {
        sums.modules.insert(format!("{} {}", row.module, row.digest));
        sums.hits += row.hits;
        sums.bytes += row.bytes;
        sums.cost += row.cost;
        sums.nodes += row.nodes;
        sums.seconds += row.seconds;
        if let Some(fuel) = row.fuel {
            sums.ran.insert(format!("{} {}", row.module, row.digest));
            sums.fuel += fuel;
        }
    }
    sums
}

/// How much more something is than with all rules, in per cent; empty where that is not known.
fn change(now: u64, all: u64, comparable: bool) -> String {
    match comparable && all > 0 {
        true => format!("{:+.3} %", (now as f64 / all as f64 - 1.0) * 100.0),
        false => String::new(),
    }
}

/// The table of a set.
pub fn table(set: &Set, variants: &[Variant], rows: &[&Row], modules: usize) -> String {
    let all = sums(rows, &Variant::All);
    let with_fuel = rows.iter().any(|r| r.fuel.is_some());
    let mut head = vec!["VARIANT", "MODULES", "HITS", "BYTES", "", "COST", ""];
    if with_fuel {
        head.extend(["FUEL", ""]);
    }
    head.extend(["NODES", "", "SATURATE"]);
    let mut lines = Vec::new();
    for variant in variants {
        let s = sums(rows, variant);
        if s.modules.is_empty() {
            continue;
        }
        let same = *variant != Variant::All && s.modules == all.modules;
        let mut line = vec![
            variant.to_string(),
            s.modules.len().to_string(),
            s.hits.to_string(),
            s.bytes.to_string(),
            change(s.bytes, all.bytes, same),
            s.cost.to_string(),
            change(s.cost, all.cost, same),
        ];
        if with_fuel {
            line.extend([s.fuel.to_string(), change(s.fuel, all.fuel, same && s.ran == all.ran)]);
        }
        line.extend([s.nodes.to_string(), change(s.nodes, all.nodes, same), format!("{:.3} s", s.seconds)]);
        lines.push(line);
    }
    let mut text = format!("{}, {} modules:\n", set.name, modules);
    text.push_str(&list::table(&head, &lines));
    text.push('\n');
    text
}

/// The rules that fire in none of the modules, where every row with all rules says what did.
pub fn silent(set: &Set, rows: &[&Row]) -> String {
    let all: Vec<&&Row> = rows.iter().filter(|r| r.variant == Variant::All.to_string()).collect();
    if all.is_empty() {
        return String::new();
    }
    let mut fired: BTreeSet<&str> = BTreeSet::new();
    for row in &all {
        let Some(rules) = &row.fired else {
            return "what fired is not in CSV: continue from JSON Lines to list the rules that never do\n\n"
                .to_owned();
        };
        fired.extend(rules.iter().filter(|(_, n)| **n > 0).map(|(name, _)| name.as_str()));
    }
    let mut silent: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let families = set.rules.families();
    for family in &families {
        let Some(first) = family.first().filter(|_| !family.iter().any(|r| fired.contains(r.name.as_str())))
        else {
            continue;
        };
        let only = match first.objective {
            Some(Objective::Speed) => " (speed only)",
            Some(Objective::Size) => " (size only)",
            None => "",
        };
        silent.entry(&first.theme).or_default().push(format!("{}{only}", first.family));
    }
    let count: usize = silent.values().map(Vec::len).sum();
    let mut text = format!("{count} of {} rules never fire on these {} modules\n", families.len(), all.len());
    for (theme, names) in silent {
        writeln!(text, "  {theme}: {}", names.join(", ")).expect("writing to a string");
    }
    text.push('\n');
    text
}
