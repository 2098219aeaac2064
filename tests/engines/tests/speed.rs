//! The ten programs of `benches/compute` after `--egraph -O3` and `-Oz`: the same results, and for speed no more instructions than
//! before, as wasmtime counts them. `benches/speed.py` measures time as well.

use loom_engines::fused::engine;
use loom_engines::{is_refusal, optimize};
use loom_wasm::{Objective, Options};
use std::collections::BTreeMap;
use std::path::Path;
use wasmtime::{Engine, Instance, Module, Store};

/// Most that the fuel of an output may be, as a part of the input's.
const MOST: f64 = 1.00;

/// Programs that still run more instructions than their input, and how much at most: to go down, never up. The reasons are
/// in docs/performance.md.
const OPEN: &[(&str, f64)] = &[];

fn most(name: &str) -> f64 {
    OPEN.iter().find(|o| o.0 == name).map_or(MOST, |o| o.1)
}

/// Results of some inputs, and the fuel of the last.
fn run(engine: &Engine, wasm: &[u8], inputs: &[i32]) -> Result<(Vec<i64>, u64), String> {
    let go = || -> wasmtime::Result<(Vec<i64>, u64)> {
        let module = Module::new(engine, wasm)?;
        let mut store = Store::new(engine, ());
        store.set_fuel(u64::MAX / 2)?;
        let instance = Instance::new(&mut store, &module, &[])?;
        let entry = instance.get_typed_func::<i32, i64>(&mut store, "run")?;
        let (mut results, mut fuel) = (Vec::new(), 0);
        for &n in inputs {
            let before = store.get_fuel()?;
            results.push(entry.call(&mut store, n)?);
            fuel = before - store.get_fuel()?;
        }
        Ok((results, fuel))
    };
    go().map_err(|e| format!("{e:?}"))
}

fn optimized(wasm: &[u8], objective: Objective, effort: u8) -> Result<Vec<u8>, String> {
    let options = Options { egraph: true, objective, effort, ..Options::default() };
    let output = optimize(wasm, &options)?;
    match output.report.functions.reasons.keys().find(|r| is_refusal(r)) {
        Some(refused) => Err(refused.clone()),
        None => Ok(output.wasm),
    }
}

#[test]
fn nothing_runs_more_instructions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/compute");
    let inputs = std::fs::read_to_string(folder.join("inputs.json")).expect("inputs.json is there");
    let inputs: BTreeMap<String, i32> = serde_json::from_str(&inputs).expect("a table of numbers");
    assert!(inputs.len() >= 10, "{} programs", inputs.len());
    let engine = engine(true);
    let (mut failures, mut logs) = (Vec::new(), 0.0);
    println!("program, fuel of the input, -O3, ratio; -Oz, ratio");
    for (name, &n) in &inputs {
        let wasm = std::fs::read(folder.join(format!("{name}.wasm"))).expect("each program is there");
        let calls = [0, 1, n];
        let (expected, before) = run(&engine, &wasm, &calls).expect("the input runs");
        let mut measured = Vec::new();
        for (title, objective, effort) in [("-O3", Objective::Speed, 3), ("-Oz", Objective::Size, 2)] {
            match optimized(&wasm, objective, effort).and_then(|w| run(&engine, &w, &calls)) {
                Ok((results, fuel)) => {
                    if results != expected {
                        failures.push(format!("{name} {title}: {results:?}, expected {expected:?}"));
                    }
                    measured.push((fuel, fuel as f64 / before as f64));
                }
                Err(e) => failures.push(format!("{name} {title}: {e}")),
            }
        }
        let [(fast, speed), (small, size)] = measured[..] else { continue };
        println!("{name:14} {before:10} {fast:10} {speed:.4} {small:10} {size:.4}");
        logs += speed.ln();
        if speed > most(name) {
            failures.push(format!("{name} -O3: {fast} instructions, {before} before ({speed:.4})"));
        }
    }
    println!("geometric mean of -O3: {:.4}", (logs / inputs.len() as f64).exp());
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
