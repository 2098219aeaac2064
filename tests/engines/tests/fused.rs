//! Every fused program and shape: same results in wasmtime before and after, valid and stable output, the same bytes each time.

use loom_engines::fused::{Program, Running, engine, programs};
use loom_engines::{is_refusal, optimize, variants};
use loom_wasm::{Assumptions, Objective, Options};
use wasmtime::Engine;

fn check_program(
    plain: &Engine,
    program: &Program,
    variant: &str,
    options: &Options,
) -> Result<Vec<u8>, String> {
    let before = Running::new(plain, program, &program.wasm)?.results(&program.inputs);
    for (input, result) in program.inputs.iter().zip(&before) {
        if let Some(expected) = program.expected.get(input)
            && expected != result
        {
            return Err(format!("the input itself gives run({input}) = {result}, expected {expected}"));
        }
    }
    let output = optimize(&program.wasm, options)?;
    let reasons = &output.report.functions.reasons;
    if let Some(refused) = reasons.keys().find(|r| is_refusal(r)) {
        return Err(refused.clone());
    }
    let output = output.wasm;
    let after = Running::new(plain, program, &output)?.results(&program.inputs);
    if before != after {
        let at = before.iter().zip(&after).position(|(b, a)| b != a).unwrap_or(0);
        let input = program.inputs.get(at);
        return Err(format!("result for {input:?}: {} before, {} after", before[at], after[at]));
    }
    // On its own output: valid and equal.
    let again = optimize(&output, options).map_err(|e| format!("second round: {e}"))?.wasm;
    let after = Running::new(plain, program, &again)
        .map_err(|e| format!("second round: {e}"))?
        .results(&program.inputs);
    if before != after {
        return Err("results differ after a second round".to_owned());
    }
    // The same bytes on every run and for every number of threads.
    for jobs in [1, 2, 2] {
        let options = Options { jobs, ..options.clone() };
        if optimize(&program.wasm, &options)?.wasm != output {
            return Err(format!("{variant}: other bytes with {jobs} jobs"));
        }
    }
    Ok(output)
}

fn run_variant(name: &str) {
    run_with(name, loom_engines::variant(name));
}

/// Only the entry and the destructors stay exported.
fn run_closed(name: &str, objective: Objective, chaos: Option<u64>) {
    let keep_exports = ["run", "*/run#go", "*[dtor]*"].map(str::to_owned).to_vec();
    let assumptions = Assumptions { closed_world: true, ..Assumptions::default() };
    let options = Options { egraph: true, objective, chaos, keep_exports, assumptions, ..Options::default() };
    run_with(name, options);
}

fn run_with(name: &str, options: Options) {
    let (plain, fueled) = (engine(false), engine(true));
    let mut failures = Vec::new();
    let mut table = format!("{name}: program, bytes before and after, fuel before and after, ratio\n");
    for program in programs().expect("the fused programs can be read") {
        match check_program(&plain, &program, name, &options) {
            Ok(output) => {
                let fuel = |wasm: &[u8]| {
                    Running::new(&fueled, &program, wasm).map(|mut r| r.fuel(program.fuel_input))
                };
                let (before, after) = (fuel(&program.wasm).unwrap_or(0), fuel(&output).unwrap_or(0));
                table += &format!(
                    "{:20} {:6} {:6} {before:12} {after:12} {:.3}\n",
                    program.name,
                    program.wasm.len(),
                    output.len(),
                    after as f64 / before.max(1) as f64
                );
            }
            Err(e) => {
                failures.push(format!("{}: {e}", program.name));
            }
        }
    }
    println!("{table}");
    assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
}

#[test]
fn plain() {
    run_variant("loom");
}

#[test]
fn plain_no_revert() {
    run_variant("loom --no-revert");
}

#[test]
fn egraph_speed() {
    run_variant("loom --egraph");
}

#[test]
fn egraph_size() {
    run_variant("loom --egraph -Os");
}

#[test]
fn egraph_no_revert() {
    run_variant("loom --egraph --no-revert");
}

#[test]
fn chaos_speed() {
    run_variant("loom --egraph --chaos 1");
}

#[test]
fn chaos_size() {
    run_variant("loom --egraph -Os --chaos 2");
}

#[test]
fn closed_world_speed() {
    run_closed("loom --egraph --closed-world", Objective::Speed, None);
}

#[test]
fn closed_world_size() {
    run_closed("loom --egraph -Os --closed-world", Objective::Size, None);
}

#[test]
fn closed_world_chaos() {
    run_closed("loom --egraph --closed-world --chaos 3", Objective::Speed, Some(3));
}

#[test]
fn variants_are_all_run() {
    assert_eq!(variants().len(), 7, "a new variant needs a test here");
}
