//! Which rules of a run may be relied on when its results are validated: those that a ledger records as proved, for exactly their text
//! and meaning, and that samples do not refute.
//!
//! Samples are taken again though the ledger has them: a ledger is a file, and somebody may have written it by hand.

use super::ledger::{Ledger, Standing};
use super::{Answer, check_rule};
use crate::error::Error;
use crate::rules::{Rule, RuleSet};
use hashbrown::HashMap;
use std::sync::Mutex;

/// Whether a rule may be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// It is proved.
    Proved,
    /// It is wrong: a counterexample.
    Refuted(String),
    /// It may be right: why that is not known.
    Unknown(String),
}

/// The answers for the rules of a set, each found out when it is first asked for.
pub struct Trust {
    set: RuleSet,
    ledgers: Vec<Ledger>,
    /// By name.
    known: Mutex<HashMap<String, Trusted>>,
}

impl Trust {
    /// Trust in the rules of `set`: by the ledger of the built-in rules, and by `more` where there is one.
    ///
    /// # Errors
    /// When the built-in ledger cannot be read.
    pub fn new(set: RuleSet, more: Option<Ledger>) -> Result<Trust, Error> {
        let ledgers = std::iter::once(Ledger::builtin()?).chain(more).collect();
        Ok(Trust { set, ledgers, known: Mutex::default() })
    }

    /// Whether a rule of the set may be relied on.
    pub fn of(&self, rule: &Rule) -> Trusted {
        let lock = || self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = lock().get(&rule.name) {
            return known.clone();
        }
        // Not under the lock: it takes milliseconds, and the answer is the same whoever finds it.
        let found = self.find(rule);
        lock().insert(rule.name.clone(), found.clone());
        found
    }

    fn find(&self, rule: &Rule) -> Trusted {
        match check_rule(rule) {
            Answer::Refuted(why) => return Trusted::Refuted(why),
            Answer::Unknown(_) | Answer::Passed { .. } => {}
        }
        let family: Vec<&Rule> =
            self.set.rules.iter().filter(|r| r.family == rule.family && r.theme == rule.theme).collect();
        // The text that was read is the one that runs.
        if !family.iter().any(|r| **r == *rule) {
            return Trusted::Unknown("it is none of the set".to_owned());
        }
        let mut why = "no ledger has it".to_owned();
        for ledger in &self.ledgers {
            match ledger.standing(&family) {
                Standing::Absent => {}
                Standing::Changed => why = "the ledger is about another text".to_owned(),
                Standing::Recorded(entry) => match entry.open_reason(rule) {
                    None => return Trusted::Proved,
                    Some(reason) => why = format!("not proved: {reason}"),
                },
            }
        }
        Trusted::Unknown(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::smt::Proof;
    use crate::verify::tiers::Checked;

    const RIGHT: &str = "(rule r :phase simplify :verify sample (i32.add ?x (i32.const 0)) => ?x)";
    const WRONG: &str =
        "(rule r :phase simplify :verify sample (i32.shr_s ?x (i32.const 0)) => (i32.const 0))";

    fn read(text: &str) -> RuleSet {
        RuleSet::from_texts([("t.rules", text)]).expect("a rule")
    }

    /// A ledger that says that all rules of a set are proved.
    fn claimed(set: &RuleSet, smt: Proof) -> Ledger {
        let checked = Checked { sample: Answer::Passed { samples: 9 }, narrow: None, smt: Some(smt) };
        Ledger::of(set, &vec![checked; set.rules.len()], "z3")
    }

    fn answer(set: RuleSet, ledger: Option<Ledger>) -> Trusted {
        let rule = set.rules[0].clone();
        Trust::new(set, ledger).expect("a ledger").of(&rule)
    }

    #[test]
    fn a_rule_is_proved_by_a_ledger_about_its_own_text() {
        let set = read(RIGHT);
        let ledger = claimed(&set, Proof::Proved);
        assert_eq!(answer(set.clone(), Some(ledger.clone())), Trusted::Proved);
        assert!(matches!(answer(set.clone(), None), Trusted::Unknown(_)), "no ledger has it");
        let other = read("(rule r :phase simplify :verify sample (i32.sub ?x (i32.const 0)) => ?x)");
        assert!(matches!(answer(other.clone(), Some(ledger.clone())), Trusted::Unknown(_)), "another text");
        let open = claimed(&set, Proof::Unknown("no answer".to_owned()));
        assert!(
            matches!(answer(set.clone(), Some(open)), Trusted::Unknown(why) if why.contains("no answer"))
        );
        let trust = Trust::new(set, Some(ledger)).expect("a ledger");
        assert!(matches!(trust.of(&other.rules[0]), Trusted::Unknown(_)), "a rule of another set");
    }

    #[test]
    fn a_forged_ledger_does_not_help_a_wrong_rule() {
        let set = read(WRONG);
        let forged = claimed(&set, Proof::Proved);
        assert!(matches!(answer(set, Some(forged)), Trusted::Refuted(_)));
    }

    #[test]
    fn built_in_rules_are_proved_but_for_those_that_the_ledger_names() {
        let set = RuleSet::builtin().expect("rules");
        let ledger = Ledger::builtin().expect("a ledger");
        let trust = Trust::new(set.clone(), None).expect("a ledger");
        let add = set.rules.iter().find(|r| r.name == "add-zero@32").expect("a rule");
        assert_eq!(trust.of(add), Trusted::Proved);
        let open = ledger.entries.iter().find(|(_, e)| !e.open.is_empty()).expect("an open instance");
        let family = open.0.split_once('/').expect("a theme").1;
        let rules: Vec<&Rule> = set.rules.iter().filter(|r| r.family == family).collect();
        let unknown = rules.iter().filter(|r| matches!(trust.of(r), Trusted::Unknown(_))).count();
        assert_eq!(unknown, open.1.open.len());
    }
}
