//! Cases of consecutive seeds on several threads: tallies, a state on disk to go on from, findings reduced and saved.

use crate::case::{self, Kind, Outcome, Source};
use crate::choices::{self, Choices, Fixes};
use crate::left_sides;
use crate::oracle::Engines;
use crate::reduce;
use loom_wasm::{Objective, Options, Report};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The state is written this often.
const SAVE: Duration = Duration::from_secs(15);
/// Most attempts and time of one reduction.
const REDUCE: (usize, Duration) = (20_000, Duration::from_secs(240));

/// What a campaign is asked to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// First seed.
    pub start: u64,
    /// Number of seeds.
    pub count: u64,
    /// Threads.
    pub threads: usize,
    /// Where modules come from.
    pub source: Source,
    /// Argument lists for each exported function.
    pub rounds: usize,
    /// Folder for findings and the state.
    pub out: PathBuf,
    /// Stop after this many findings.
    pub max_bugs: usize,
    /// Stop after this time.
    pub time: Option<Duration>,
    /// Whether findings are reduced.
    pub reduce: bool,
    /// What is not drawn.
    pub fixes: Fixes,
    /// Go on from the state on disk.
    pub resume: bool,
}

/// Counts of one kind of cases.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// All cases.
    pub cases: u64,
    /// Same behaviour.
    pub equal: u64,
    /// Nothing could be said.
    pub skipped: u64,
    /// By [`Kind`].
    pub bugs: BTreeMap<String, u64>,
    /// Calls of exports compared.
    pub calls: u64,
    /// Of these, how many trapped.
    pub traps: u64,
    /// Calls of imports compared.
    pub imports: u64,
}

/// What the optimizer did over all cases.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Coverage {
    functions: [u64; 4],
    rules: BTreeMap<String, u64>,
    reasons: BTreeMap<String, u64>,
    limits: BTreeMap<String, u64>,
    /// In how many cases a pass fired, and how often.
    #[serde(default)]
    passes: BTreeMap<String, (u64, u64)>,
}

/// One finding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// Its seed.
    pub seed: u64,
    /// Its generator.
    pub source: String,
    /// Its kind.
    pub kind: String,
    /// Its flags.
    pub flags: String,
    /// What was seen.
    pub what: String,
    /// How many cases were done by then.
    pub after: u64,
}

/// Everything that a campaign knows; written to disk as JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// What it is a campaign of: it is resumed only by the same.
    pub of: String,
    /// First seed.
    pub start: u64,
    /// All seeds below this one are done.
    pub next: u64,
    /// Seeds above `next` that are done too.
    pub ahead: BTreeSet<u64>,
    /// Seconds spent.
    pub seconds: f64,
    /// By generator and by option.
    pub tallies: BTreeMap<String, Tally>,
    /// Why cases were skipped.
    pub skipped: BTreeMap<String, u64>,
    /// What the optimizer did.
    pub coverage: Coverage,
    /// Findings.
    pub findings: Vec<Finding>,
}

impl Coverage {
    fn add(&mut self, report: &Report) {
        let f = &report.functions;
        for (sum, n) in self.functions.iter_mut().zip([f.total, f.lifted, f.raw, f.reverted]) {
            *sum += n as u64;
        }
        for (name, n) in &report.rules {
            *self.rules.entry(name.clone()).or_default() += n;
        }
        for (reason, n) in &f.reasons {
            *self.reasons.entry(reason.clone()).or_default() += *n as u64;
        }
        for (name, n) in report.passes.iter().filter(|(_, n)| **n > 0) {
            let sum = self.passes.entry(name.clone()).or_default();
            *sum = (sum.0 + 1, sum.1 + *n);
        }
        for (limit, n) in &report.limits {
            *self.limits.entry(limit.clone()).or_default() += n;
        }
    }

    fn print(&self, rules: bool) {
        let [total, lifted, raw, reverted] = self.functions;
        println!("functions: {total}, lifted {lifted}, raw {raw}, reverted {reverted}");
        for (reason, n) in &self.reasons {
            println!("    {n} {reason}");
        }
        for (limit, n) in &self.limits {
            println!("    limit {limit} reached {n} times");
        }
        for (name, (cases, n)) in &self.passes {
            println!("    pass {name} fired in {cases} cases, {n} times");
        }
        println!("rules that fired: {}", self.rules.values().filter(|n| **n > 0).count());
        if !rules {
            return;
        }
        for (name, n) in &self.rules {
            println!("{n:10} {name}");
        }
        let all: BTreeSet<&str> = left_sides::rules().iter().map(|r| r.name.as_str()).collect();
        for name in all.iter().filter(|n| !self.rules.contains_key(**n)) {
            println!("     never {name}");
        }
    }
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        self.cases += 1;
        match outcome {
            Outcome::Equal(n) => {
                self.equal += 1;
                self.calls += n.calls as u64;
                self.traps += n.traps as u64;
                self.imports += n.imports as u64;
            }
            Outcome::Skip(_) => self.skipped += 1,
            Outcome::Bug(kind, _) => *self.bugs.entry(kind.to_string()).or_default() += 1,
        }
    }

    fn line(&self) -> String {
        let bugs = |kind: Kind| self.bugs.get(&kind.to_string()).copied().unwrap_or(0);
        let other: u64 = self.bugs.values().sum::<u64>() - bugs(Kind::Mismatch) - bugs(Kind::Refused);
        format!(
            "{:8} cases, {:8} equal, {:6} skipped, {} mismatches, {} refused, {other} other bugs; {} calls, {} trapped, {} of imports",
            self.cases,
            self.equal,
            self.skipped,
            bugs(Kind::Mismatch),
            bugs(Kind::Refused),
            self.calls,
            self.traps,
            self.imports
        )
    }
}

/// The groups that a case is counted in.
fn groups(source: Source, choices: &Choices) -> Vec<String> {
    let o = &choices.options;
    let mut out = vec!["all".to_owned(), format!("generator {source}")];
    let mut option = |on: bool, text: &str| out.extend(on.then(|| format!("option {text}")));
    option(o.chaos.is_some(), "chaos");
    option(o.chaos.is_some() && o.egraph, "chaos with egraph");
    option(o.egraph, "egraph");
    option(o.objective == Objective::Size, "objective size");
    option(o.objective == Objective::Speed, "objective speed");
    option(o.rule_filter.is_some() && o.egraph, "rule subset");
    option(o.no_revert, "no-revert");
    option(o.verify, "verify");
    option(o.jobs > 1, "jobs 2");
    option(choices.engines == Engines::Both, "engine both");
    option(choices.engines == Engines::Wasmtime, "engine wasmtime");
    for name in choices::assumed(&o.assumptions) {
        option(true, &format!("assume {name}"));
    }
    out
}

impl State {
    /// Where the state of a plan is kept.
    pub fn path(plan: &Plan) -> PathBuf {
        plan.out.join(format!("campaign-{}-{}.json", plan.source, plan.start))
    }

    fn of(plan: &Plan) -> String {
        format!("source {} rounds {} {:?}", plan.source, plan.rounds, plan.fixes)
    }

    fn open(plan: &Plan) -> Result<State, String> {
        let path = Self::path(plan);
        if plan.resume && path.exists() {
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let state: State = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
            if state.of != Self::of(plan) {
                return Err(format!("{} is of another campaign: {}", path.display(), state.of));
            }
            return Ok(state);
        }
        Ok(State { of: Self::of(plan), start: plan.start, next: plan.start, ..State::default() })
    }

    fn save(&self, plan: &Plan) {
        let path = Self::path(plan);
        let written = serde_json::to_string_pretty(self)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(path.with_extension("new"), text))
            .and_then(|()| std::fs::rename(path.with_extension("new"), &path));
        if let Err(e) = written {
            eprintln!("cannot write {}: {e}", path.display());
        }
    }

    fn done(&mut self, seed: u64) {
        self.ahead.insert(seed);
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
    }

    fn cases(&self) -> u64 {
        self.next - self.start + self.ahead.len() as u64
    }

    /// Tallies and totals; the last line says with which seed to go on.
    pub fn print(&self, rules: bool) {
        for (why, n) in &self.skipped {
            println!("skipped {n}: {why}");
        }
        self.coverage.print(rules);
        for (group, tally) in self.tallies.iter().filter(|(g, _)| *g != "all") {
            println!("{group:32} {}", tally.line());
        }
        let all = self.tallies.get("all").cloned().unwrap_or_default();
        println!("{}, {:.1} s; next seed {}", all.line().trim_start(), self.seconds, self.next);
    }
}

/// The module in the text format.
pub fn print_wat(wasm: &[u8]) -> String {
    wasmprinter::print_bytes(wasm).unwrap_or_else(|e| format!(";; {e}"))
}

fn same_kind(outcome: &Outcome, kind: Kind) -> bool {
    matches!(outcome, Outcome::Bug(k, _) if *k == kind)
}

/// Runs a case with its choices.
pub fn check(wasm: &[u8], choices: &Choices, seed: u64, rounds: usize) -> Outcome {
    case::check_with(wasm, &choices.options, choices.engines, seed, rounds, |_| {})
}

/// A smaller module that fails in the same way.
pub fn shrink(wasm: &[u8], choices: &Choices, seed: u64, rounds: usize, kind: Kind) -> Vec<u8> {
    let (mut attempts, start) = (0, Instant::now());
    reduce::reduce(wasm, |candidate| {
        attempts += 1;
        attempts < REDUCE.0
            && start.elapsed() < REDUCE.1
            && same_kind(&check(candidate, choices, seed, rounds), kind)
    })
}

/// The fewest rules with which it still fails, when it needs any and they can be found quickly.
pub fn blame(wasm: &[u8], choices: &Choices, seed: u64, rounds: usize, kind: Kind) -> Option<Vec<String>> {
    let options = &choices.options;
    let fails = |names: &[String]| {
        let options = Options { rule_filter: Some(names.to_vec()), ..options.clone() };
        same_kind(&check(wasm, &Choices { options, ..choices.clone() }, seed, rounds), kind)
    };
    let all = || left_sides::rules().iter().map(|r| r.name.clone()).collect();
    let mut names: Vec<String> = options.rule_filter.clone().unwrap_or_else(all);
    if !options.egraph || fails(&[]) || !fails(&names) {
        return None;
    }
    let (mut parts, mut attempts) = (2, 0);
    while names.len() > 1 && attempts < 400 {
        let size = names.len().div_ceil(parts);
        let mut smaller = None;
        for at in (0..names.len()).step_by(size) {
            let without: Vec<String> = [&names[..at], &names[(at + size).min(names.len())..]].concat();
            attempts += 1;
            if fails(&without) {
                smaller = Some(without);
                break;
            }
        }
        match smaller {
            Some(found) => (names, parts) = (found, parts.saturating_sub(1).max(2)),
            None if size == 1 => break,
            None => parts = (parts * 2).min(names.len()),
        }
    }
    Some(names)
}

/// Saves module and reduced text; the path of the text.
fn save(out: &Path, seed: u64, kind: Kind, wasm: &[u8], small: &[u8], note: &str) -> PathBuf {
    let stem = out.join(format!("{kind}-{seed}"));
    let text = stem.with_extension("wat");
    let comment: String = note.lines().map(|l| format!(";; {l}\n")).collect();
    let written = std::fs::create_dir_all(out)
        .and_then(|()| std::fs::write(stem.with_extension("wasm"), wasm))
        .and_then(|()| std::fs::write(&text, comment + &print_wat(small)));
    if let Err(e) = written {
        eprintln!("cannot write {}: {e}", text.display());
    }
    text
}

fn report(plan: &Plan, seed: u64, wasm: &[u8], choices: &Choices, kind: Kind, what: &str) {
    let rounds = plan.rounds;
    let mut note = format!("seed {seed} {}\noptions {}\n", plan.source.of(seed), choices.flags());
    let small = if plan.reduce && kind != Kind::Slow {
        shrink(wasm, choices, seed, rounds, kind)
    } else {
        wasm.to_vec()
    };
    let what = match check(&small, choices, seed, rounds) {
        Outcome::Bug(_, w) => w,
        _ => what.to_owned(),
    };
    note += &format!("{kind}: {what}\n");
    if let Some(rules) = plan.reduce.then(|| blame(&small, choices, seed, rounds, kind)).flatten() {
        note += &format!("rules that it takes: {}\n", rules.join(" "));
    }
    let path = save(&plan.out, seed, kind, wasm, &small, &note);
    println!("BUG {kind} {}\n    {}", path.display(), note.trim_end().replace('\n', "\n    "));
}

/// What the threads share.
struct Shared<'a> {
    plan: &'a Plan,
    state: Mutex<State>,
    hand_out: Mutex<u64>,
    started: Instant,
    before: f64,
    saved: Mutex<Instant>,
}

impl Shared<'_> {
    /// The next seed that is not done yet, unless it is time to stop.
    fn seed(&self) -> Option<u64> {
        if self.plan.time.is_some_and(|most| self.started.elapsed() >= most) {
            return None;
        }
        let mut next = self.hand_out.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.findings.len() >= self.plan.max_bugs {
            return None;
        }
        while state.ahead.contains(&*next) {
            *next += 1;
        }
        let seed = *next;
        *next += 1;
        (seed < self.plan.start + self.plan.count).then_some(seed)
    }

    fn case(&self, seed: u64) {
        let (plan, mut optimized) = (self.plan, None);
        let source = plan.source.of(seed);
        let (wasm, choices, outcome) = match case::module(source, seed) {
            None => {
                let choices = Choices::draw(seed, &[], &plan.fixes).of(source, seed);
                (Vec::new(), choices, Outcome::Skip("no module for the seed".to_owned()))
            }
            Some(wasm) => {
                let choices = Choices::draw(seed, &wasm, &plan.fixes).of(source, seed);
                let outcome =
                    case::check_with(&wasm, &choices.options, choices.engines, seed, plan.rounds, |r| {
                        optimized = Some(r.clone());
                    });
                (wasm, choices, outcome)
            }
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for group in groups(source, &choices) {
            state.tallies.entry(group).or_default().add(&outcome);
        }
        if let Some(r) = &optimized {
            state.coverage.add(r);
        }
        state.done(seed);
        state.seconds = self.before + self.started.elapsed().as_secs_f64();
        let cases = state.cases();
        match &outcome {
            Outcome::Equal(_) => {}
            Outcome::Skip(why) => {
                let why: String = why.chars().take(60).filter(|c| !c.is_ascii_digit()).collect();
                *state.skipped.entry(why).or_default() += 1;
            }
            Outcome::Bug(kind, what) => {
                let finding = Finding {
                    seed,
                    source: source.to_string(),
                    kind: kind.to_string(),
                    flags: choices.flags(),
                    what: what.clone(),
                    after: cases,
                };
                state.findings.push(finding);
                drop(state);
                report(plan, seed, &wasm, &choices, *kind, what);
                println!("    found by {source} after {cases} cases");
                state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
        if cases.is_multiple_of(5000) {
            let (rate, bugs) = (cases as f64 / state.seconds, state.findings.len());
            eprintln!("{cases} cases, {bugs} bugs, {rate:.0} cases/s");
        }
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if saved.elapsed() >= SAVE {
            *saved = Instant::now();
            state.save(plan);
        }
    }
}

/// Runs a campaign and leaves its state on disk.
///
/// # Errors
/// When the state to resume cannot be read or is of another campaign.
pub fn run(plan: &Plan) -> Result<State, String> {
    let _ = std::fs::create_dir_all(&plan.out);
    let state = State::open(plan)?;
    let shared = Shared {
        plan,
        hand_out: Mutex::new(state.next),
        before: state.seconds,
        state: Mutex::new(state),
        started: Instant::now(),
        saved: Mutex::new(Instant::now()),
    };
    let running = |thread: usize| plan.out.join(format!("running-{thread}"));
    let worker = |thread: usize| {
        while let Some(seed) = shared.seed() {
            // A stack overflow ends the process: this file then tells the seed.
            let _ = std::fs::write(running(thread), seed.to_string());
            shared.case(seed);
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..plan.threads.max(1) {
            let worker = &worker;
            let named = std::thread::Builder::new().name(format!("fuzz-{thread}"));
            if let Err(e) = named.spawn_scoped(scope, move || worker(thread)) {
                eprintln!("cannot start a thread: {e}");
            }
        }
    });
    for thread in 0..plan.threads.max(1) {
        let _ = std::fs::remove_file(running(thread));
    }
    let state = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.save(plan);
    Ok(state)
}
