//! Several rounds over a closed program: what one round inlines, devirtualizes and finds constant makes more code dead, more
//! calls the only ones and more arguments constant in the next, which starts from the output of the one before.
//!
//! In an open world little of that is left to find, and one round is all. Another round is made while the last one changed
//! calls or constants and saved at least a [`WORTH`]th of the code, at most [`MAX_ROUNDS`] in all; one that does not make the
//! module smaller (for speed: that makes it larger by more than a [`MAX_GROWTH`]th, or [`MIN_GROWTH`] bytes where that is more) is thrown away. Each costs what the
//! first one cost, for what is left of the program.

use super::specialised::specialise;
use super::{Files, Output, merged, run};
use crate::fused::Carried;
use crate::memory;
use crate::report::PhaseTime;
use crate::{Error, Objective, Options, Report};
use std::collections::BTreeMap;

/// Rounds over a closed program, the first one included.
pub const MAX_ROUNDS: u32 = 4;
/// For speed a round may make the module larger by this part of it: what it takes out of loops is worth more.
const MAX_GROWTH: usize = 20;
/// By this part of it, or by [`MIN_FOLDED_GROWTH`] bytes, where callees were copied for values that crossed a boundary to fold, and buffers went.
const MAX_FOLDED_GROWTH: usize = 4;
/// See [`MAX_FOLDED_GROWTH`].
const MIN_FOLDED_GROWTH: usize = 400;
/// And by so many bytes in any case: where little is left, a copied body is more than a part of that.
const MIN_GROWTH: usize = 64;
/// A round that saves less than this part of the code is the last.
const WORTH: u64 = 500;

/// What a round may have done that gives the next one something to do.
const REASONS: [&str; 8] = [
    "inlined-bodies",
    "direct-calls",
    "constants-between-functions",
    "erased-buffers",
    "erased-lists",
    "forwarded-loads",
    "constant-data",
    "unused-results",
];

/// What takes executed instructions out, calls among them, and is worth bytes.
const PROMOTIONS: [&str; 6] = [
    "return-area-stores",
    "dead-stores",
    "forwarded-loads",
    "erased-buffers",
    "erased-lists",
    "inlined-bodies",
];

/// What shows that values that crossed a boundary are not in memory any more.
const ERASED: [&str; 3] = ["erased-buffers", "erased-lists", "forwarded-loads"];

/// Optimizes in as many rounds as the program is worth, and merges memories where that is asked for: last, as what is known of
/// different memories is what the rounds live from.
///
/// # Errors
/// Those of [`run`].
pub(super) fn optimize(input: &[u8], options: &Options, files: &Files) -> Result<Output, Error> {
    let mut output = all_rounds(input, options, files)?;
    if options.merge_memories && options.effort > 0 {
        merged::merge_memories(&mut output, options, files)?;
    }
    Ok(output)
}

fn all_rounds(input: &[u8], options: &Options, files: &Files) -> Result<Output, Error> {
    let (mut output, mut carried) = run(input, options, files, Carried::default())?;
    // An explanation and a bug made on purpose belong to the input's functions.
    if options.explain.is_some() || options.fault.is_some() || options.effort == 0 {
        return Ok(output);
    }
    let closed = options.assumptions.closed_world;
    let mut again = options.clone();
    if closed {
        // What was to be closed is closed.
        again.keep_exports = vec!["*".to_owned()];
    }
    // Copies for speed were paid for from the whole budget.
    (again.caps.inline.copies, again.caps.inline.module) = (0, 0);
    let mut last = closed && gains(&output.report);
    // In an open world originals stay beside their copies: that takes no bytes out.
    let mut can_specialise = closed || options.objective == Objective::Speed;
    for round in 1..MAX_ROUNDS {
        let before = carried.clone();
        let specialised = match can_specialise {
            true => specialise(&mut output, &mut carried, &again, files)?,
            false => None,
        };
        // Calls of allocators stay calls for as long as their buffers may go: from here on these are functions like others.
        let folds = can_specialise && !carried.folds.is_empty();
        let is_late = closed && round > 1 && specialised.is_none() && !folds;
        let kept_apart = is_late && !std::mem::take(&mut carried.roles).is_empty();
        if !last && !kept_apart && specialised.is_none() && !folds {
            break;
        }
        let start = specialised.as_ref().map_or(&output.wasm, |s| &s.wasm);
        let (next, handed_on) = run(start, &again, files, carried)?;
        let any = |list: &[&str]| list.iter().any(|pass| next.report.passes.contains_key(*pass));
        let limit = match options.objective {
            Objective::Speed if folds && any(&ERASED) => {
                output.wasm.len() + (output.wasm.len() / MAX_FOLDED_GROWTH).max(MIN_FOLDED_GROWTH)
            }
            Objective::Speed if specialised.is_some() || any(&PROMOTIONS) => {
                let added = specialised.as_ref().map_or(0, |s| s.added);
                output.wasm.len() + added + (output.wasm.len() / MAX_GROWTH).max(MIN_GROWTH)
            }
            _ => output.wasm.len() - 1,
        };
        if next.wasm.len() > limit {
            if specialised.is_none() && !folds {
                break;
            }
            (can_specialise, carried) = (false, before);
            carried.folds.clear();
            continue;
        }
        last = closed && gains(&next.report);
        if let Some(specialised) = specialised {
            output.report.add_promoted(&specialised.passes);
            if let Some(told) = &mut output.report.validation {
                told.add_specialised(specialised.changed);
            }
        }
        output.report.add_round(next.report);
        output.wasm = next.wasm;
        carried = handed_on;
    }
    Ok(output)
}

fn gains(report: &Report) -> bool {
    let (before, after) = (report.code_bytes.before, report.code_bytes.after);
    let saved = before.saturating_sub(after);
    saved.saturating_mul(WORTH) >= before && REASONS.iter().any(|pass| report.passes.contains_key(*pass))
}

impl Report {
    /// Adds what a further round did. What became of functions and notes on roots are those of the first round, whose
    /// functions are the input's.
    fn add_round(&mut self, next: Report) {
        self.output_bytes = next.output_bytes;
        self.code_bytes.after = next.code_bytes.after;
        self.egraph = next.egraph;
        if let (Some(sum), Some(more)) = (&mut self.validation, next.validation) {
            sum.add_round(more);
        }
        let pairs = [
            (&mut self.rules, next.rules),
            (&mut self.passes, next.passes),
            (&mut self.assumptions, next.assumptions),
            (&mut self.limits, next.limits),
        ];
        for (sum, more) in pairs {
            add(sum, more);
        }
        self.boundaries = next.boundaries;
        self.add_phases(next.phases);
        for note in next.notes {
            if !note.starts_with("--keep-export") && !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// Adds what passes on memory did, and the uses of the assumptions that they act under.
    pub(super) fn add_promoted(&mut self, counts: &memory::Counts) {
        for (&name, n) in counts {
            *self.passes.entry(name.to_owned()).or_default() += n;
            if let Some(assumption) = memory::assumption(name) {
                *self.assumptions.entry(assumption.to_owned()).or_default() += n;
            }
        }
    }

    /// Adds what something more took.
    pub(super) fn add_phases(&mut self, more: Vec<PhaseTime>) {
        for phase in more {
            match self.phases.iter_mut().find(|p| p.name == phase.name) {
                Some(known) => known.seconds += phase.seconds,
                None => self.phases.push(phase),
            }
        }
    }
}

fn add(sum: &mut BTreeMap<String, u64>, more: BTreeMap<String, u64>) {
    for (name, n) in more {
        *sum.entry(name).or_default() += n;
    }
}
