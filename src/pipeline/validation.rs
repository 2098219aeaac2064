//! Translation validation of whole functions (`--verify`): which changes of a function are proved.
//!
//! A function comes to its new body through stages. Each that changed something answers *proved*, *refuted* or *unknown*, and the worst answer is the
//! function's:
//!
//! | stage | proved by |
//! |---|---|
//! | `rules` | [`crate::replay`] finds the equalities again from proved rules, and [`crate::extract_check`] follows the extracted function through them |
//! | `effects` | the same, and [`crate::extract_check::skeleton`] |
//! | `cleanup` | [`crate::extract_check::tidied`] |
//! | `program` | [`crate::program::check`] finds what is known between functions again, and compares the graphs |
//! | `memory` | [`crate::memory::check`] or [`crate::loops::check`], where nothing rests on what memory holds; constants of globals as `program` |
//! | `loops` | [`crate::loops::check`] |
//! | `inlining` | `program::inline::check` |
//! | `lowering` | `schedule::check`, without which no code is used at all |
//! | any other | nothing: its licence is checked by its own tests and by the differential ones; unknown, by name |
//!
//! *Refuted* is a rule of which samples have a counterexample, where the function rests on it, and what a checker refuses (such code is not used).
//! With `--verify=strict` the stages that prove nothing are not run, what `program`, `memory` and `loops` did is taken back where it is not proved, and a function
//! whose answer is not *proved* keeps its old body.

use super::function::{Optimized, Shared};
use crate::analysis::memory_ssa::{MemorySsa, VersionDef};
use crate::egraph::build::Built;
use crate::egraph::compile::CompiledRules;
use crate::egraph::saturate::Saturation;
use crate::extract::Elaborated;
use crate::extract_check::{self, Equalities, Refusal};
use crate::ir::entity::{FuncId, Value};
use crate::ir::function::Function;
use crate::memory::readers;
use crate::module::Module;
use crate::replay::{self, Replayed, replay};
use crate::report::{Answer, Unproved, Validation};
use crate::skeleton::Change;
use crate::verify::trust::{Trust, Trusted};
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use egg::Id;
use std::collections::BTreeMap;

/// What a function came from and to, with the e-graph between.
pub(super) struct Step<'a> {
    /// The function that the e-graph was built from.
    pub before: &'a Function,
    /// Its e-graph.
    pub built: &'a Built,
    /// What saturation did in it.
    pub saturation: &'a Saturation,
    /// The rules of the run.
    pub rules: &'a CompiledRules,
    /// Its memory SSA.
    pub memory: &'a MemorySsa,
}

impl Step<'_> {
    /// Validates saturation and extraction.
    pub(super) fn extracted(&self, elaborated: &Elaborated, trust: &Trust, cx: &Shared<'_>) -> Answer {
        self.answer(&[], trust, cx, |replayed| {
            let found = (replayed as &dyn Equalities, replayed.versions());
            self.check(found, &elaborated.f, &elaborated.origin, cx, extract_check::check)
        })
    }

    /// Validates what rules made of effects and branches.
    pub(super) fn changed(
        &self,
        after: &Function,
        changes: &[Change],
        trust: &Trust,
        cx: &Shared<'_>,
    ) -> Answer {
        self.answer(changes, trust, cx, |replayed| {
            let found = (replayed as &dyn Equalities, replayed.versions());
            self.check(found, after, &SecondaryMap::new(), cx, |s| {
                extract_check::skeleton::check(s, replayed.licences())
            })
        })
    }

    /// Asks a checker what it says to a function, given equalities and what versions are.
    pub(super) fn check(
        &self,
        (equal, versions): (&dyn Equalities, Vec<(VersionDef, Id)>),
        after: &Function,
        origin: &SecondaryMap<Value, PackedOption<Value>>,
        cx: &Shared<'_>,
        checker: impl Fn(&extract_check::Subject<'_, Module>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        checker(&extract_check::Subject {
            before: self.before,
            after,
            origin,
            equal,
            versions: &versions,
            effects: &|op, imm: &_| cx.summaries.effects(op, imm),
            info: cx.module,
            max_work: cx.options.caps.check_states,
        })
    }

    fn answer(
        &self,
        changes: &[Change],
        trust: &Trust,
        cx: &Shared<'_>,
        check: impl Fn(&Replayed) -> Result<(), Refusal>,
    ) -> Answer {
        let rules = self.rules;
        let trusted = |rule: u32| trust.of(&rules.rules[rule as usize].rule);
        let replayed = replay(&replay::Subject {
            before: self.before,
            built: self.built,
            memory: self.memory,
            log: &self.saturation.log,
            changes,
            rules,
            proved: &|rule| trusted(rule) == Trusted::Proved,
            info: cx.module,
            max_terms: cx.options.caps.replay_terms,
        });
        let (why, left_out) = match replayed {
            Err(why) => (why, Vec::new()),
            Ok(replayed) => match check(&replayed) {
                Ok(()) => return Answer::Proved,
                Err(Refusal::TooLarge) => {
                    ("too large for the checker".to_owned(), replayed.left_out().to_vec())
                }
                Err(Refusal::Wrong(why)) => (why, replayed.left_out().to_vec()),
            },
        };
        let mut open = Vec::new();
        for &rule in &left_out {
            let name = &rules.rules[rule as usize].rule.name;
            match trusted(rule) {
                Trusted::Refuted(counterexample) => {
                    return Answer::Refuted(format!("rule {name} is wrong: {counterexample}"));
                }
                Trusted::Unknown(_) => open.push(name.as_str()),
                Trusted::Proved => {}
            }
        }
        match open.is_empty() {
            true => Answer::Unknown(why),
            false => Answer::Unknown(format!("rests on {}", open.join(", "))),
        }
    }
}

/// What is told of one round.
pub(super) fn told(module: &Module, optimized: &[(FuncId, Optimized)]) -> Validation {
    let mut told = Validation { rounds: 1, ..Validation::default() };
    for (func, o) in optimized.iter().filter(|(_, o)| o.body.is_some()) {
        let mut worst = &Answer::Proved;
        let mut reasons = Vec::new();
        let mut stages: BTreeMap<&str, &Answer> = BTreeMap::new();
        for (stage, answer) in &o.answers {
            let of_stage = stages.entry(stage).or_insert(answer);
            *of_stage = worse(of_stage, answer);
            worst = worse(worst, answer);
            match answer {
                Answer::Proved => {}
                Answer::Refuted(why) | Answer::Unknown(why) => reasons.push(format!("{stage}: {why}")),
            }
        }
        for (stage, answer) in stages {
            told.stages.entry(stage.to_owned()).or_default().add(answer);
        }
        told.functions.add(worst);
        if *worst != Answer::Proved {
            told.unproved.push(Unproved {
                function: func.as_u32(),
                name: module.func_name(*func).map(str::to_owned),
                round: 1,
                answer: if matches!(worst, Answer::Refuted(_)) { "refuted" } else { "unknown" },
                reasons,
            });
        }
    }
    told
}

fn worse<'a>(a: &'a Answer, b: &'a Answer) -> &'a Answer {
    match (a, b) {
        (Answer::Refuted(_), _) => a,
        (_, Answer::Refuted(_)) => b,
        (Answer::Unknown(_), _) => a,
        _ => b,
    }
}

impl Validation {
    /// Adds functions that were changed or made between this round and the next: nothing proves them.
    pub(super) fn add_specialised(&mut self, changed: Vec<(FuncId, Option<String>)>) {
        let answer = Answer::Unknown(readers::PASS.to_owned());
        for (func, name) in changed {
            self.functions.add(&answer);
            self.stages.entry("specialised".to_owned()).or_default().add(&answer);
            self.unproved.push(Unproved {
                function: func.as_u32(),
                name,
                round: self.rounds + 1,
                answer: "unknown",
                reasons: vec![format!("specialised: {}", readers::PASS)],
            });
        }
    }

    /// Adds what is told of a further round.
    pub(super) fn add_round(&mut self, next: Validation) {
        self.functions.add_all(next.functions);
        for (stage, answers) in next.stages {
            self.stages.entry(stage).or_default().add_all(answers);
        }
        self.unproved
            .extend(next.unproved.into_iter().map(|u| Unproved { round: u.round + self.rounds, ..u }));
        self.rounds += next.rounds;
    }
}
