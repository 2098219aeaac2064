//! The fused programs in V8 (Node 24 or newer): the optimized module gives the results of the input. Skipped without such a Node.

use loom_engines::fused::programs;
use loom_engines::{node, optimize, variants};
use serde_json::json;

#[test]
fn same_results_in_v8() {
    let Some(node) = node::find() else {
        println!("skipped: no Node 24 or newer (set LOOM_NODE, or run ../shared/corpus/get.sh corpus)");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let programs = programs().expect("the fused programs can be read");
    let mut jobs = Vec::new();
    let mut names = Vec::new();
    let mut failures = Vec::new();
    for (i, program) in programs.iter().enumerate() {
        let mut variants: Vec<_> = variants().into_iter().map(|(n, o)| (n, Some(o))).collect();
        variants.insert(0, ("input", None));
        for (k, (name, options)) in variants.into_iter().enumerate() {
            let wasm = match options.map(|o| optimize(&program.wasm, &o)) {
                None => program.wasm.clone(),
                Some(Ok(output)) => output.wasm,
                Some(Err(e)) => {
                    failures.push(format!("{} {name}: {e}", program.name));
                    continue;
                }
            };
            let file = folder.path().join(format!("{i}-{k}.wasm"));
            std::fs::write(&file, wasm).expect("can be written");
            jobs.push(json!({
                "file": file, "reshost": program.reshost, "entry": program.entry, "inputs": program.inputs,
            }));
            names.push((i, name));
        }
    }
    let manifest = folder.path().join("manifest.json");
    std::fs::write(&manifest, serde_json::to_string(&jobs).expect("is JSON")).expect("can be written");
    let output = node::run(&node, "run.mjs", &[&manifest.to_string_lossy()]).expect("Node runs the script");
    let results: Vec<Vec<String>> = serde_json::from_str(&output).expect("the script prints JSON");
    assert_eq!(results.len(), names.len());
    let mut reference: &[String] = &[];
    for ((i, name), result) in names.iter().zip(&results) {
        let program = &programs[*i];
        if *name == "input" {
            reference = result;
            for (input, r) in program.inputs.iter().zip(result) {
                if program.expected.get(input).is_some_and(|e| e != r) {
                    failures.push(format!("{}: the input itself gives run({input}) = {r}", program.name));
                }
            }
        } else if result != reference {
            failures.push(format!("{} {name}: {reference:?} before, {result:?} after", program.name));
        }
    }
    println!("{} modules run in {}", results.len(), node.display());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
