//! Runs a module before and after on the same calls and compares everything that a host can observe.
//!
//! Compared bit for bit: results, kinds of traps, sizes and contents of all visible memories, visible globals, tables (which
//! function is in which slot, as far as the host can name it), and the log of calls to imports with the state that the host
//! saw at each. After the exports the functions in exported tables are called too, as a host can. NaN payloads are compared:
//! generators must not let a payload that WebAssembly leaves open reach anything observable.
//!
//! The engine is [`wasmi`](crate::wasmi_run), to which others can be compared.

use crate::host::{EntityState, LogEntry};
use crate::rng::Rng;
use crate::value::{Seen, Ty};
use crate::wasmi_run;

/// Fuel of one call in the module before.
pub const FUEL: u64 = 300_000;

/// Fuel of one call in the module after: to run out of it is a loop that should have ended.
pub const FUEL_AFTER: u64 = FUEL * 16 + 100_000;

/// The trap of an active segment that does not fit.
pub const ACTIVE_SEGMENT: &str = "active segment";

/// Slots of an exported table whose functions are called.
const CALLED_SLOTS: u64 = 12;

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The exported function of this name.
    Export(String),
    /// Whatever function is in this slot of the exported table, with arguments drawn from the seed for its type.
    Slot(String, u64, u64),
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What.
    pub target: Target,
    /// Arguments of an export.
    pub args: Vec<Seen>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Results.
    Values(Vec<Seen>),
    /// Kind of trap, as a name.
    Trap(String),
    /// An exception left the module, with what can be seen of it.
    Thrown(Vec<Seen>),
    /// Fuel, stack or memory of the engine ran out: nothing can be compared from here on.
    Exhausted(String),
}

/// Everything seen after one call (or after instantiation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How it ended.
    pub outcome: Outcome,
    /// Imported entities, then exported ones in order.
    pub state: Vec<EntityState>,
    /// Calls to imports since the step before.
    pub log: Vec<LogEntry>,
}

/// One export as the plan sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Export {
    /// A function with its parameters; `None` when the host cannot make values of their types.
    Func(Option<Vec<Ty>>),
    /// A table.
    Table,
    /// Anything else.
    Other,
}

/// What a module shows to an engine.
#[derive(Clone, Debug, Default)]
pub struct Surface {
    /// Names and kinds of the exports, in order.
    pub exports: Vec<(String, Export)>,
    /// Exports with their types, as text.
    pub export_types: Vec<String>,
    /// Imports with their types, as text, in order.
    pub import_types: Vec<String>,
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Calls of exports.
    pub calls: usize,
    /// Of these, how many trapped.
    pub traps: usize,
    /// Calls of imports.
    pub imports: usize,
}

/// Answer of [`compare`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No difference.
    Equal(Compared),
    /// Could not be decided, and why.
    Skip(String),
    /// The two behave differently.
    Mismatch(String),
    /// Two engines run the input differently, which says nothing about the optimizer.
    Engines(String),
}

/// Which engines run a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Engines {
    /// wasmi, before and after.
    #[default]
    Wasmi,
    /// wasmtime, before and after.
    Wasmtime,
    /// Both, and the input in one against the other.
    Both,
}

/// A module in one engine, instantiated or not.
pub(crate) trait Running {
    /// Whether there is an instance to call.
    fn is_instantiated(&self) -> bool;
    /// Gives a call its fuel.
    fn refuel(&mut self, fuel: u64) -> Result<(), String>;
    /// Makes a call.
    fn call(&mut self, call: &Call) -> Outcome;
    /// What can be seen after something ended so.
    fn step(&mut self, outcome: Outcome) -> Step;
}

/// The steps of a run whose instantiation ended as given: itself, then each call until one is [`Outcome::Exhausted`].
pub(crate) fn drive(
    running: &mut impl Running,
    instantiation: Outcome,
    calls: &[Call],
    fuel: u64,
) -> Result<Vec<Step>, String> {
    let mut steps = vec![running.step(instantiation)];
    if !running.is_instantiated() {
        return Ok(steps);
    }
    for call in calls {
        running.refuel(fuel)?;
        let outcome = running.call(call);
        let exhausted = matches!(outcome, Outcome::Exhausted(_));
        steps.push(running.step(outcome));
        if exhausted {
            break;
        }
    }
    Ok(steps)
}

/// The calls to make: for each exported function `rounds` argument lists of edge values, then the slots of exported tables;
/// the same list for the same seed.
pub fn plan(surface: &Surface, seed: u64, rounds: usize) -> Vec<Call> {
    let mut rng = Rng::new(seed ^ 0x0c0f_fee0);
    let mut calls = Vec::new();
    // Where nothing else than functions is exported, an allocator only tells the host how much was allocated.
    let blind = surface.exports.iter().all(|(_, e)| matches!(e, Export::Func(_)));
    let is_allocator = |name: &str| name.split('$').next() == Some("cabi_realloc");
    for round in 0..rounds {
        for (name, export) in &surface.exports {
            let Export::Func(Some(params)) = export else { continue };
            if params.is_empty() && round > 2 || blind && is_allocator(name) {
                continue;
            }
            let args = params.iter().map(|t| t.edge(&mut rng)).collect();
            calls.push(Call { target: Target::Export(name.clone()), args });
        }
    }
    for (name, export) in &surface.exports {
        if *export == Export::Table {
            for slot in 0..CALLED_SLOTS {
                let target = Target::Slot(name.clone(), slot, rng.next_u64());
                calls.push(Call { target, args: Vec::new() });
            }
        }
    }
    calls
}

/// The import of `after` that `before` does not have (in the same order).
fn missing_import(before: &Surface, after: &Surface) -> Option<String> {
    let mut old = before.import_types.iter();
    let missing = after.import_types.iter().find(|new| !old.any(|o| o == *new))?;
    Some(format!("import {missing} was added, changed or moved"))
}

/// Compares what the two modules show.
pub fn surfaces_differ(before: &Surface, after: &Surface) -> Option<String> {
    if before.export_types != after.export_types {
        return Some("exports differ".to_owned());
    }
    missing_import(before, after)
}

/// The first difference of two runs of one engine in words.
fn difference(calls: &[Call], before: &[Step], after: &[Step]) -> Verdict {
    for (i, b) in before.iter().enumerate() {
        let what = match i.checked_sub(1).and_then(|k| calls.get(k)) {
            Some(c) => match &c.target {
                Target::Export(name) => format!("call {} {name}{:x?}", i - 1, c.args),
                Target::Slot(table, slot, _) => format!("call {} {table}[{slot}]", i - 1),
            },
            None => "instantiation".to_owned(),
        };
        if let Outcome::Exhausted(why) = &b.outcome {
            return if i <= 1 {
                Verdict::Skip(format!("before: {why}"))
            } else {
                Verdict::Equal(compared(&before[..i]))
            };
        }
        let Some(a) = after.get(i) else {
            return Verdict::Mismatch(format!("{what}: run after stopped earlier"));
        };
        if let Outcome::Exhausted(why) = &a.outcome {
            // The run after has many times the fuel: running out is a loop that should have ended. Stacks differ lawfully.
            return if why == "OutOfFuel" {
                Verdict::Mismatch(format!("{what}: ran out of fuel, before: {:x?}", b.outcome))
            } else {
                Verdict::Skip(format!("after: {why}"))
            };
        }
        if b.outcome != a.outcome {
            return Verdict::Mismatch(format!("{what}: before {:x?}, after {:x?}", b.outcome, a.outcome));
        }
        if b.log != a.log {
            let at =
                b.log.iter().zip(&a.log).position(|(x, y)| x != y).unwrap_or(b.log.len().min(a.log.len()));
            return Verdict::Mismatch(format!(
                "{what}: import call {at}: before {:x?}, after {:x?}",
                b.log.get(at),
                a.log.get(at)
            ));
        }
        if b.state != a.state {
            let pair = b.state.iter().zip(&a.state).find(|(x, y)| x != y);
            return Verdict::Mismatch(format!("{what}: state differs: {pair:x?}"));
        }
    }
    Verdict::Equal(compared(before))
}

/// Whether the host supplies what is imported with one type as one thing: a module cannot know.
fn twins(seed: u64) -> bool {
    seed & 1 == 1
}

fn compared(steps: &[Step]) -> Compared {
    Compared {
        calls: steps.len() - 1,
        traps: steps[1..]
            .iter()
            .filter(|s| matches!(s.outcome, Outcome::Trap(_) | Outcome::Thrown(_)))
            .count(),
        imports: steps.iter().map(|s| s.log.len()).sum(),
    }
}

/// Runs `before` and `after` on the same calls in wasmi and compares them.
pub fn compare(before: &[u8], after: &[u8], seed: u64, rounds: usize) -> Verdict {
    let engine = wasmi_run::engine();
    let old = match wasmi_run::load(&engine, before) {
        Ok(loaded) => loaded,
        Err(e) => return Verdict::Skip(format!("wasmi does not load the input: {e}")),
    };
    let new = match wasmi_run::load(&engine, after) {
        Ok(loaded) => loaded,
        Err(e) => return Verdict::Mismatch(format!("wasmi does not load the output: {e}")),
    };
    if let Some(what) = surfaces_differ(&old.surface, &new.surface) {
        return Verdict::Mismatch(what);
    }
    let calls = plan(&old.surface, seed, rounds);
    let steps = match wasmi_run::run(&engine, &old, &old, &calls, FUEL, twins(seed)) {
        Ok(steps) => steps,
        Err(e) => return Verdict::Skip(e),
    };
    match wasmi_run::run(&engine, &new, &old, &calls, FUEL_AFTER, twins(seed)) {
        Ok(after) => difference(&calls, &steps, &after),
        Err(e) => Verdict::Mismatch(format!("run after: {e}")),
    }
}

#[cfg(feature = "wasmtime")]
fn in_wasmtime(before: &[u8], after: &[u8], seed: u64, rounds: usize) -> Verdict {
    use crate::wasmtime_run;
    let old = match wasmtime_run::load(before) {
        Ok(loaded) => loaded,
        Err(e) => return Verdict::Skip(format!("wasmtime does not load the input: {e}")),
    };
    let new = match wasmtime_run::load(after) {
        Ok(loaded) => loaded,
        Err(e) => return Verdict::Mismatch(format!("wasmtime does not load the output: {e}")),
    };
    if let Some(what) = surfaces_differ(&old.surface, &new.surface) {
        return Verdict::Mismatch(format!("in wasmtime: {what}"));
    }
    let calls = plan(&old.surface, seed, rounds);
    let steps = match wasmtime_run::run(&old, &old, &calls, FUEL, twins(seed)) {
        Ok(steps) => steps,
        Err(e) => return Verdict::Skip(e),
    };
    match wasmtime_run::run(&new, &old, &calls, FUEL_AFTER, twins(seed)) {
        Ok(after) => match difference(&calls, &steps, &after) {
            Verdict::Mismatch(what) => Verdict::Mismatch(format!("in wasmtime: {what}")),
            verdict => verdict,
        },
        Err(e) => Verdict::Mismatch(format!("run after: {e}")),
    }
}

#[cfg(not(feature = "wasmtime"))]
fn in_wasmtime(_: &[u8], _: &[u8], _: u64, _: usize) -> Verdict {
    Verdict::Skip("wasmtime is not built in (feature `wasmtime`)".to_owned())
}

/// Whether the two engines run a module alike; `None` when they do or one of them cannot say.
#[cfg(feature = "wasmtime")]
fn engines_differ(wasm: &[u8], seed: u64, rounds: usize) -> Option<String> {
    use crate::wasmtime_run;
    let engine = wasmi_run::engine();
    let mut one = wasmi_run::load(&engine, wasm).ok()?;
    one.name_imports = false;
    let two = wasmtime_run::load(wasm).ok()?;
    let calls = plan(&one.surface, seed, rounds);
    let mut one = wasmi_run::run(&engine, &one, &one, &calls, FUEL_AFTER, twins(seed)).ok()?;
    let mut two = wasmtime_run::run(&two, &two, &calls, FUEL_AFTER, twins(seed)).ok()?;
    // Fuel and stacks differ lawfully: the rest of the runs is not comparable.
    let exhausted = |steps: &[Step]| steps.iter().position(|s| matches!(s.outcome, Outcome::Exhausted(_)));
    let end = [exhausted(&one), exhausted(&two)].into_iter().flatten().min().unwrap_or(one.len());
    one.truncate(end);
    two.truncate(end);
    // An imported start function sees the instance in one engine and not in the other.
    for step in one.first_mut().into_iter().chain(two.first_mut()) {
        step.log.iter_mut().for_each(|entry| entry.state = 0);
    }
    if let (Some(Outcome::Trap(a)), Some(Outcome::Trap(b))) =
        (one.first().map(|s| &s.outcome), two.first().map(|s| &s.outcome))
        && a == ACTIVE_SEGMENT
        && b.ends_with("OutOfBounds")
    {
        return None;
    }
    match difference(&calls, &one, &two) {
        Verdict::Mismatch(what) => Some(what),
        _ => None,
    }
}

#[cfg(not(feature = "wasmtime"))]
fn engines_differ(_: &[u8], _: u64, _: usize) -> Option<String> {
    None
}

/// As [`compare`], in any engine.
pub fn compare_in(engines: Engines, before: &[u8], after: &[u8], seed: u64, rounds: usize) -> Verdict {
    match engines {
        Engines::Wasmi => compare(before, after, seed, rounds),
        Engines::Wasmtime => in_wasmtime(before, after, seed, rounds),
        Engines::Both => {
            let first = compare(before, after, seed, rounds);
            if !matches!(first, Verdict::Equal(_)) {
                return first;
            }
            match in_wasmtime(before, after, seed, rounds) {
                Verdict::Mismatch(what) => Verdict::Mismatch(what),
                // What the second engine cannot run is compared in the first.
                _ => engines_differ(before, seed, rounds).map_or(first, Verdict::Engines),
            }
        }
    }
}
