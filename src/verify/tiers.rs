//! All methods on all rules of a set: samples and all operands at a small width always, the solver where there is one.

use super::smt::{self, Proof, Solver};
use super::{Answer, check_narrow, check_rule};
use crate::rules::{Rule, RuleSet};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

/// Widths in bits at which all operands are tried, the widest first.
pub const NARROW_WIDTHS: [u32; 3] = [8, 4, 2];

/// What was found out about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// By samples at full width.
    pub sample: Answer,
    /// By all operands at the widest small width at which that is possible, and that width; none if at none.
    pub narrow: Option<(u32, Answer)>,
    /// By the solver; none if it was not asked.
    pub smt: Option<Proof>,
}

impl Checked {
    /// The counterexample of the first method that found one.
    pub fn refuted(&self) -> Option<&str> {
        match (&self.sample, &self.narrow, &self.smt) {
            (Answer::Refuted(why), _, _)
            | (_, Some((_, Answer::Refuted(why))), _)
            | (_, _, Some(Proof::Refuted(why))) => Some(why),
            _ => None,
        }
    }

    /// Why no method says anything; none if one does.
    pub fn unknown(&self) -> Option<&str> {
        let decided = self.smt == Some(Proof::Proved) || self.exhaustive().is_some();
        match &self.sample {
            Answer::Unknown(why) if !decided && self.refuted().is_none() => Some(why),
            _ => None,
        }
    }

    /// The width at which all operands passed.
    pub fn exhaustive(&self) -> Option<u32> {
        match self.narrow {
            Some((width, Answer::Passed { .. })) => Some(width),
            _ => None,
        }
    }

    /// Samples compared at full width.
    pub fn samples(&self) -> usize {
        match self.sample {
            Answer::Passed { samples } => samples,
            _ => 0,
        }
    }
}

/// The solver to ask, and how.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Its program.
    pub path: PathBuf,
    /// Effort for each question, see [`Solver::new`].
    pub effort: u32,
    /// Processes beside each other, at least one.
    pub jobs: usize,
}

/// Checks all rules of a set, in its order. `narrow` are readings of the set at the small widths, the widest first. `progress`
/// is told how many rules the solver is done with.
pub fn check_set(
    set: &RuleSet,
    narrow: &[(u32, RuleSet)],
    asking: Option<&Asking>,
    progress: &dyn Fn(usize),
) -> Vec<Checked> {
    let mut small: BTreeMap<&str, (u32, Answer)> = BTreeMap::new();
    for (width, reading) in narrow {
        for rule in &reading.rules {
            let answer = check_narrow(rule, *width);
            let refuted = matches!(answer, Answer::Refuted(_));
            // The first answer of a family counts, unless another one refutes it.
            if refuted || (!matches!(answer, Answer::Unknown(_)) && !small.contains_key(rule.family.as_str()))
            {
                small.insert(&rule.family, (*width, answer));
            }
        }
    }
    let proofs = match asking {
        Some(asking) => prove_all(&set.rules, asking, progress).into_iter().map(Some).collect(),
        None => vec![None; set.rules.len()],
    };
    let checked = set.rules.iter().zip(proofs).map(|(rule, smt)| Checked {
        sample: check_rule(rule),
        narrow: small.get(rule.family.as_str()).cloned(),
        smt,
    });
    checked.collect()
}

fn prove_all(rules: &[Rule], asking: &Asking, progress: &dyn Fn(usize)) -> Vec<Proof> {
    let next = AtomicUsize::new(0);
    let mut proofs = vec![Proof::Unknown("not asked".to_string()); rules.len()];
    std::thread::scope(|scope| {
        let (sender, results) = channel();
        for _ in 0..asking.jobs.max(1) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                let mut solver = Solver::new(&asking.path, asking.effort);
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(rule) = rules.get(i) else { break };
                    if sender.send((i, smt::prove(rule, &mut solver))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (done, (i, proof)) in results.iter().enumerate() {
            proofs[i] = proof;
            progress(done + 1);
        }
    });
    proofs
}
