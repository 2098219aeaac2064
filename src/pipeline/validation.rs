//! Translation validation of whole functions (`--verify`): which changes of a function are proved.
//!
//! A function comes to its new body through stages. Each that changed something answers *proved*, *refuted* or *unknown*, and the worst answer is the
//! function's:
//!
//! | stage | proved by |
//! |---|---|
//! | `rules` | [`crate::replay`] finds the equalities again from proved rules, and [`crate::extract_check`] follows the extracted function through them |
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
use crate::analysis::memory_ssa::MemorySsa;
use crate::egraph::build::Built;
use crate::egraph::compile::CompiledRules;
use crate::egraph::saturate::Saturation;
use crate::extract::Elaborated;
use crate::extract_check::{self, Refusal};
use crate::ir::entity::FuncId;
use crate::ir::function::Function;
use crate::memory::readers;
use crate::module::Module;
use crate::replay::{self, replay};
use crate::report::{Answer, Unproved, Validation};
use crate::verify::trust::{Trust, Trusted};
use std::collections::BTreeMap;

/// Validates saturation and extraction of one function.
pub(super) fn rewriting(
    f: &Function,
    elaborated: &Elaborated,
    built: &Built,
    (saturation, rules): (&Saturation, &CompiledRules),
    memory: &MemorySsa,
    trust: &Trust,
    cx: &Shared<'_>,
) -> Answer {
    let trusted = |rule: u32| trust.of(&rules.rules[rule as usize].rule);
    let replayed = replay(&replay::Subject {
        before: f,
        built,
        memory,
        log: &saturation.log,
        rules,
        proved: &|rule| trusted(rule) == Trusted::Proved,
        info: cx.module,
        max_terms: cx.options.caps.replay_terms,
    });
    let (why, left_out) = match replayed {
        Err(why) => (why, Vec::new()),
        Ok(replayed) => {
            let effects = |op, imm: &_| cx.summaries.effects(op, imm);
            let checked = extract_check::check(&extract_check::Subject {
                before: f,
                after: &elaborated.f,
                origin: &elaborated.origin,
                equal: &replayed,
                versions: &replayed.versions(),
                effects: &effects,
                info: cx.module,
                max_work: cx.options.caps.check_states,
            });
            let why = match checked {
                Ok(()) => return Answer::Proved,
                Err(Refusal::TooLarge) => "too large for the checker".to_owned(),
                Err(Refusal::Wrong(why)) => why,
            };
            (why, replayed.left_out().to_vec())
        }
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
