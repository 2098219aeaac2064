//! Runs a module before and after in wasmi and compares everything that a host can observe.
//!
//! Compared bit for bit: results, kinds of traps, sizes and contents of all visible memories, visible globals, nullness of
//! table slots, and the log of calls to imports with the state that the host saw at each. NaN payloads are compared too:
//! generators must not let a payload that WebAssembly leaves open reach anything observable.

use crate::host::{EntityState, HostState, LogEntry, entity_state, make_import};
use crate::rng::Rng;
use crate::value::{Seen, Ty};
use wasmi::{Config, Engine, Error, Extern, ExternType, Module, Store, StoreLimitsBuilder, TrapCode};

/// Fuel of one call in the module before.
pub const FUEL: u64 = 300_000;

/// One call of an export.
#[derive(Clone, Debug)]
pub struct Call {
    /// Name of the exported function.
    pub export: String,
    /// Arguments.
    pub args: Vec<Seen>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Results.
    Values(Vec<Seen>),
    /// Kind of trap, as a name.
    Trap(String),
    /// Fuel, stack or memory of the engine ran out: nothing can be compared from here on.
    Exhausted(String),
}

/// Everything seen after one call (or after instantiation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How it ended.
    pub outcome: Outcome,
    /// Visible entities by name, sorted as exported.
    pub state: Vec<(String, EntityState)>,
    /// Calls to imports since the step before.
    pub log: Vec<LogEntry>,
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
}

/// The engine, with fuel and all proposals that wasmi knows.
pub fn engine() -> Engine {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .wasm_multi_memory(true)
        .wasm_memory64(true)
        .wasm_tail_call(true)
        .wasm_extended_const(true)
        .wasm_custom_page_sizes(true)
        .wasm_wide_arithmetic(true)
        .wasm_simd(true)
        .wasm_relaxed_simd(true)
        .compilation_mode(wasmi::CompilationMode::Eager);
    config.set_max_recursion_depth(500);
    Engine::new(&config)
}

/// The calls to make: for each exported function `rounds` argument lists of edge values, the same list for the same seed.
pub fn plan(module: &Module, seed: u64, rounds: usize) -> Vec<Call> {
    let mut rng = Rng::new(seed ^ 0x0c0f_fee0);
    let mut calls = Vec::new();
    for round in 0..rounds {
        for export in module.exports() {
            if let ExternType::Func(ty) = export.ty() {
                if round > 0 && ty.params().is_empty() && round > 2 {
                    continue;
                }
                let args = ty.params().iter().map(|t| Ty::of(*t).edge(&mut rng)).collect();
                calls.push(Call { export: export.name().to_owned(), args });
            }
        }
    }
    calls
}

fn ended(error: &Error) -> Outcome {
    match error.as_trap_code() {
        Some(code @ (TrapCode::OutOfFuel | TrapCode::StackOverflow | TrapCode::GrowthOperationLimited)) => {
            Outcome::Exhausted(format!("{code:?}"))
        }
        Some(code) => Outcome::Trap(format!("{code:?}")),
        None => Outcome::Trap(error.to_string()),
    }
}

struct Runner {
    store: Store<HostState>,
    instance: Option<wasmi::Instance>,
}

impl Runner {
    fn state(&self) -> Vec<(String, EntityState)> {
        let mut out = Vec::new();
        for (i, item) in self.store.data().imported.iter().enumerate() {
            if let Some(s) = entity_state(&self.store, item) {
                out.push((format!("import {i}"), s));
            }
        }
        if let Some(instance) = &self.instance {
            for name in &self.store.data().exports {
                if let Some(s) =
                    instance.get_export(&self.store, name).and_then(|e| entity_state(&self.store, &e))
                {
                    out.push((name.clone(), s));
                }
            }
        }
        out
    }

    fn step(&mut self, outcome: Outcome) -> Step {
        let log = std::mem::take(&mut self.store.data_mut().log);
        Step { outcome, state: self.state(), log }
    }

    fn call(&mut self, call: &Call) -> Outcome {
        let Some(func) = self.instance.and_then(|i| i.get_func(&self.store, &call.export)) else {
            return Outcome::Trap("no such export".to_owned());
        };
        let args: Vec<_> = call.args.iter().map(|a| a.to_val(&mut self.store)).collect();
        let ty = func.ty(&self.store);
        let mut results: Vec<_> = ty.results().iter().map(|t| wasmi::Val::default(*t)).collect();
        match func.call(&mut self.store, &args, &mut results) {
            Ok(()) => Outcome::Values(results.iter().map(Seen::of).collect()),
            Err(e) => ended(&e),
        }
    }
}

/// Instantiates the module and makes the calls, one step each; the first step is the instantiation.
///
/// Stops after a step that ended in [`Outcome::Exhausted`]. `fuel` is given to each step.
///
/// # Errors
/// When the module does not load or its imports cannot be made.
pub fn run(engine: &Engine, module: &Module, calls: &[Call], fuel: u64) -> Result<Vec<Step>, String> {
    let limits = StoreLimitsBuilder::new().memory_size(64 << 20).table_elements(100_000).build();
    let exports: Vec<String> = module.exports().map(|e| e.name().to_owned()).collect();
    let host = HostState { limits, log: Vec::new(), exports, imported: Vec::new(), depth: 0 };
    let mut store = Store::new(engine, host);
    store.limiter(|s| &mut s.limits);
    store.set_fuel(fuel).map_err(|e| e.to_string())?;
    // One entity for each import; two imports of one name and type get two entities, which keeps the log apart.
    let mut linker = wasmi::Linker::new(engine);
    linker.allow_shadowing(true);
    for import in module.imports() {
        let item = make_import(&mut store, import.module(), import.name(), import.ty())
            .map_err(|e| e.to_string())?;
        if !matches!(item, Extern::Func(_)) {
            store.data_mut().imported.push(item);
        }
        linker.define(import.module(), import.name(), item).map_err(|e| e.to_string())?;
    }
    let mut runner = Runner { store, instance: None };
    let outcome = match linker.instantiate_and_start(&mut runner.store, module) {
        Ok(instance) => {
            runner.instance = Some(instance);
            Outcome::Values(Vec::new())
        }
        Err(e) => match ended(&e) {
            Outcome::Trap(kind) if e.as_trap_code().is_none() => {
                if e.i32_exit_status().is_none()
                    && !kind.contains("does not fit")
                    && !kind.contains("out of bounds")
                {
                    return Err(format!("cannot be instantiated: {kind}"));
                }
                // The message names handles of the store: only its kind can be compared.
                Outcome::Trap(if e.i32_exit_status().is_some() { kind } else { "active segment".to_owned() })
            }
            outcome => outcome,
        },
    };
    let mut steps = vec![runner.step(outcome)];
    if runner.instance.is_none() {
        return Ok(steps);
    }
    for call in calls {
        runner.store.set_fuel(fuel).map_err(|e| e.to_string())?;
        let outcome = runner.call(call);
        let exhausted = matches!(outcome, Outcome::Exhausted(_));
        steps.push(runner.step(outcome));
        if exhausted {
            break;
        }
    }
    Ok(steps)
}

fn signature(module: &Module) -> Vec<String> {
    module.exports().map(|e| format!("{} {:?}", e.name(), e.ty())).collect()
}

fn missing_import(before: &Module, after: &Module) -> Option<String> {
    let mut old = before.imports();
    for new in after.imports() {
        let same = |o: wasmi::ImportType<'_>| {
            o.module() == new.module()
                && o.name() == new.name()
                && format!("{:?}", o.ty()) == format!("{:?}", new.ty())
        };
        if !old.any(same) {
            return Some(format!("import {}.{} was added, changed or moved", new.module(), new.name()));
        }
    }
    None
}

/// The first difference of two runs in words.
fn difference(calls: &[Call], before: &[Step], after: &[Step]) -> Verdict {
    for (i, b) in before.iter().enumerate() {
        let what = match i.checked_sub(1).and_then(|k| calls.get(k)) {
            Some(c) => format!("call {} {}{:x?}", i - 1, c.export, c.args),
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

fn compared(steps: &[Step]) -> Compared {
    Compared {
        calls: steps.len() - 1,
        traps: steps[1..].iter().filter(|s| matches!(s.outcome, Outcome::Trap(_))).count(),
        imports: steps.iter().map(|s| s.log.len()).sum(),
    }
}

/// Runs `before` and `after` on the same calls and compares them.
pub fn compare(before: &[u8], after: &[u8], seed: u64, rounds: usize) -> Verdict {
    let engine = engine();
    let module = match Module::new(&engine, before) {
        Ok(m) => m,
        Err(e) => return Verdict::Skip(format!("wasmi does not load the input: {e}")),
    };
    let calls = plan(&module, seed, rounds);
    let old = match run(&engine, &module, &calls, FUEL) {
        Ok(steps) => steps,
        Err(e) => return Verdict::Skip(e),
    };
    compare_with(&engine, &module, &calls, &old, after)
}

/// As [`compare`], with the run of `before` already made.
pub fn compare_with(engine: &Engine, module: &Module, calls: &[Call], old: &[Step], after: &[u8]) -> Verdict {
    let new_module = match Module::new(engine, after) {
        Ok(m) => m,
        Err(e) => return Verdict::Mismatch(format!("wasmi does not load the output: {e}")),
    };
    if signature(module) != signature(&new_module) {
        return Verdict::Mismatch("exports differ".to_owned());
    }
    if let Some(message) = missing_import(module, &new_module) {
        return Verdict::Mismatch(message);
    }
    match run(engine, &new_module, calls, FUEL * 4 + 100_000) {
        Ok(new) => difference(calls, old, &new),
        Err(e) => Verdict::Mismatch(format!("run after: {e}")),
    }
}
