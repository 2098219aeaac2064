//! The ledger: which method established each family of rules, for exactly which text and meaning.
//!
//! One line a family, `THEME/NAME HASH INSTANCES smt N exhaustive@W sample N`, and after a `;` each instance that the solver
//! could not decide, with the reason; those rest on the other methods of the line. The hash covers the rules' text and all
//! that a solver is asked about them, so it changes with a rule and with the meaning of an operator or function.

use super::smt;
use super::tiers::Checked;
use crate::error::Error;
use crate::rules::{Rule, RuleSet};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// What the file says of itself.
const HEAD: &str = "\
# How each family of built-in rules is established; renewed by `loom rules check --smt --write`.
# THEME/NAME HASH INSTANCES methods; instances that the solver does not decide, and why (they rest on the other methods).
# smt N: N instances proved. exhaustive@W: all operands at W bits. sample N: at least N samples of each instance.
";

/// What is recorded of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of text and meaning of all its instances.
    pub hash: String,
    /// Number of rules in the family.
    pub instances: usize,
    /// How many of them the solver proved.
    pub proved: usize,
    /// Width at which all operands were tried, if any.
    pub exhaustive: Option<u32>,
    /// Least number of samples compared of an instance.
    pub samples: usize,
    /// Instances that the solver did not decide, each with its reason.
    pub open: Vec<String>,
}

/// All families, by theme and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The solver that proved, with its version; empty if none did.
    pub solver: String,
    /// By `THEME/NAME`.
    pub entries: BTreeMap<String, Entry>,
}

/// Families of a set with their instances, by `THEME/NAME`.
fn families(set: &RuleSet) -> BTreeMap<String, Vec<&Rule>> {
    let mut all: BTreeMap<String, Vec<&Rule>> = BTreeMap::new();
    for rule in &set.rules {
        all.entry(format!("{}/{}", rule.theme, rule.family)).or_default().push(rule);
    }
    all
}

/// What tells an instance from the others of its family; nothing in a family of one.
fn suffix(rule: &Rule) -> &str {
    rule.name.strip_prefix(&rule.family).unwrap_or(&rule.name)
}

/// The hash of a family: 16 hexadecimal digits of a SHA-256.
fn hash(rules: &[&Rule]) -> String {
    let mut digest = Sha256::new();
    for rule in rules {
        let bare = Rule { examples: Vec::new(), ..(*rule).clone() };
        digest.update(bare.to_string());
        digest.update(match smt::queries(rule) {
            Ok(text) => text,
            Err(why) => why,
        });
    }
    digest.finalize().iter().take(8).fold(String::new(), |mut s, b| {
        write!(s, "{b:02x}").expect("writing to a string");
        s
    })
}

/// What a ledger says about a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nothing: the family is not in it.
    Absent,
    /// Nothing any more: the rule, or the meaning of something in it, is another one.
    Changed,
    /// How it is established.
    Recorded(&'a Entry),
}

impl Entry {
    /// Why an instance of the family is not proved; none if it is.
    pub fn open_reason(&self, rule: &Rule) -> Option<&str> {
        let suffix = suffix(rule);
        let named = |open: &&String| self.instances == 1 || open.split(' ').next() == Some(suffix);
        let reason = self.open.iter().find(named).map(String::as_str);
        reason.or((self.proved == 0).then_some("no solver was asked"))
    }

    /// How the family is established, in few words.
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        if self.proved == self.instances {
            return "proved".to_owned();
        }
        if self.proved > 0 {
            parts.push(format!("proved {} of {}", self.proved, self.instances));
        }
        match self.exhaustive {
            Some(w) => parts.push(format!("exhaustive@{w}")),
            None => parts.push("samples".to_owned()),
        }
        parts.join(", ")
    }
}

impl Ledger {
    /// The ledger of the built-in rules, as it was when the program was built.
    ///
    /// # Errors
    /// When the file in the repository is no ledger.
    pub fn builtin() -> Result<Ledger, Error> {
        Ledger::parse(include_str!("../../snapshots/rules.ledger"))
    }

    /// Reads the ledger in a file.
    ///
    /// # Errors
    /// When there is none.
    pub fn load(path: &Path) -> Result<Ledger, Error> {
        let place = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| Error::new(format!("{}: {e}", place())))?;
        Ledger::parse(&text).map_err(|e| e.in_file(place()))
    }

    /// What is said about a family, given all its instances.
    pub fn standing(&self, rules: &[&Rule]) -> Standing<'_> {
        let Some(first) = rules.first() else { return Standing::Absent };
        match self.entries.get(&format!("{}/{}", first.theme, first.family)) {
            None => Standing::Absent,
            Some(e) if e.hash != hash(rules) => Standing::Changed,
            Some(e) => Standing::Recorded(e),
        }
    }

    /// The ledger of what was found out. `checked` belongs to the rules of `set`, one by one.
    pub fn of(set: &RuleSet, checked: &[Checked], solver: &str) -> Ledger {
        let by_name: BTreeMap<&str, &Checked> =
            set.rules.iter().map(|r| r.name.as_str()).zip(checked).collect();
        let entries = families(set).into_iter().map(|(name, rules)| {
            let found: Vec<(&Rule, &Checked)> =
                rules.iter().filter_map(|r| Some((*r, *by_name.get(r.name.as_str())?))).collect();
            let open = found.iter().filter_map(|(rule, c)| match &c.smt {
                Some(smt::Proof::Unknown(why)) => Some(format!("{} {why}", suffix(rule)).trim().to_string()),
                _ => None,
            });
            let entry = Entry {
                hash: hash(&rules),
                instances: rules.len(),
                proved: found.iter().filter(|(_, c)| c.smt == Some(smt::Proof::Proved)).count(),
                exhaustive: found.first().and_then(|(_, c)| c.exhaustive()),
                samples: found.iter().map(|(_, c)| c.samples()).min().unwrap_or(0),
                open: open.collect(),
            };
            (name, entry)
        });
        Ledger { solver: solver.to_string(), entries: entries.collect() }
    }

    /// Reads a ledger.
    ///
    /// # Errors
    /// With the line that is none of a ledger.
    pub fn parse(text: &str) -> Result<Ledger, Error> {
        let mut ledger = Ledger::default();
        for (i, line) in text.lines().enumerate() {
            let bad = || Error::at_line(i as u32 + 1, 1, "this is no line of a ledger");
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(solver) = line.strip_prefix("solver ") {
                ledger.solver = solver.to_string();
                continue;
            }
            let (methods, open) = match line.split_once(';') {
                Some((m, open)) => (m, open.split(',').map(|o| o.trim().to_string()).collect()),
                None => (line, Vec::new()),
            };
            let mut words = methods.split_whitespace();
            let mut word = || words.next().ok_or_else(bad);
            let (name, hash) = (word()?.to_string(), word()?.to_string());
            let instances = word()?.parse().map_err(|_| bad())?;
            let mut entry = Entry { hash, instances, proved: 0, exhaustive: None, samples: 0, open };
            while let Some(method) = words.next() {
                let mut count = || words.next().and_then(|n| n.parse().ok()).ok_or_else(bad);
                match method.split_once('@') {
                    None if method == "smt" => entry.proved = count()?,
                    None if method == "sample" => entry.samples = count()?,
                    Some(("exhaustive", w)) => entry.exhaustive = Some(w.parse().map_err(|_| bad())?),
                    _ => return Err(bad()),
                }
            }
            ledger.entries.insert(name, entry);
        }
        Ok(ledger)
    }

    /// The text that [`Ledger::parse`] reads.
    pub fn render(&self) -> String {
        let mut s = format!("{HEAD}solver {}\n", self.solver);
        for (name, e) in &self.entries {
            write!(s, "{name} {} {}", e.hash, e.instances).expect("writing to a string");
            if e.proved > 0 {
                write!(s, " smt {}", e.proved).expect("writing to a string");
            }
            if let Some(w) = e.exhaustive {
                write!(s, " exhaustive@{w}").expect("writing to a string");
            }
            write!(s, " sample {}", e.samples).expect("writing to a string");
            if !e.open.is_empty() {
                write!(s, "; {}", e.open.join(", ")).expect("writing to a string");
            }
            s.push('\n');
        }
        s
    }

    /// What does not fit between the ledger and a set of rules, one line each; empty if all does.
    pub fn differences(&self, set: &RuleSet) -> Vec<String> {
        let mut out = Vec::new();
        let families = families(set);
        for (name, rules) in &families {
            let place = rules.first().map_or(String::new(), |r| r.location());
            match self.entries.get(name) {
                None => out.push(format!("{place} {name}: not in the ledger")),
                Some(e) if e.hash != hash(rules) => {
                    out.push(format!(
                        "{place} {name}: the rule or the meaning of something in it has changed"
                    ));
                }
                Some(e) if e.proved + e.open.len() != e.instances || e.samples == 0 => {
                    out.push(format!(
                        "{place} {name}: instances without proof that the ledger does not name"
                    ));
                }
                Some(_) => {}
            }
        }
        let gone = self.entries.keys().filter(|n| !families.contains_key(*n));
        out.extend(gone.map(|n| format!("{n}: in the ledger, but no rule")));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let entry = Entry {
            hash: "0123456789abcdef".to_string(),
            instances: 3,
            proved: 1,
            exhaustive: Some(8),
            samples: 600,
            open: vec!["@32 no answer in 3 s".to_string(), "@64 why not".to_string()],
        };
        let plain = Entry { proved: 3, exhaustive: None, open: Vec::new(), ..entry.clone() };
        let entries = [("a/b".to_string(), entry), ("a/c".to_string(), plain)];
        let ledger = Ledger { solver: "z3 1.2".to_string(), entries: entries.into() };
        assert_eq!(Ledger::parse(&ledger.render()).ok(), Some(ledger));
        assert!(Ledger::parse("a/b 0123").is_err());
        assert!(Ledger::parse("a/b 0123 1 magic 2").is_err());
    }

    #[test]
    fn a_changed_rule_is_seen() {
        let read = |text| RuleSet::from_texts([("t.rules", text)]).expect("a rule");
        let one = read("(rule r :phase simplify :verify sample (i32.add ?x (i32.const 0)) => ?x)");
        let two = read("(rule r :phase simplify :verify sample (i32.sub ?x (i32.const 0)) => ?x)");
        let checked = [Checked {
            sample: super::super::Answer::Passed { samples: 9 },
            narrow: None,
            smt: Some(smt::Proof::Proved),
        }];
        let ledger = Ledger::of(&one, &checked, "z3");
        assert_eq!(ledger.differences(&one), Vec::<String>::new());
        assert_eq!(ledger.differences(&two).len(), 1);
        assert_eq!(ledger.differences(&RuleSet::default()).len(), 1);
        assert!(
            matches!(ledger.standing(&one.families()[0]), Standing::Recorded(e) if e.summary() == "proved")
        );
        assert_eq!(ledger.standing(&two.families()[0]), Standing::Changed);
        assert_eq!(Ledger::default().standing(&one.families()[0]), Standing::Absent);
    }
}
