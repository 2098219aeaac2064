//! Explanations as snapshots: each file `tests/explain/NAME.wat` exports a function `f`, and `snapshots/explain/NAME.snap` is what
//! `--explain f` says of it, with the e-graph of `--emit dot` behind it, and the graph of `--emit cfg` of what was written. To add a case, add the file and run
//! `INSTA_UPDATE=always cargo test --test explain`.

use loom_wasm::ir::dot;
use loom_wasm::lift::{Lifted, lift};
use loom_wasm::module::decode;
use loom_wasm::{Options, optimize, read_input};
use std::path::Path;

fn options() -> Options {
    Options { egraph: true, no_revert: true, explain: Some("f".to_owned()), ..Options::default() }
}

/// The graphs of a module's functions.
fn drawn(wasm: &[u8]) -> String {
    let decoded = decode(wasm).expect("decodes");
    let mut text = String::new();
    for body in decoded.bodies {
        let lifted = lift(&decoded.module, &decoded.types, body, Default::default()).expect("is lifted").0;
        let Lifted::Function(f) = lifted else { panic!("is kept as bytes") };
        text.push_str(&dot::function(&f, decoded.module.func_name(f.id)));
    }
    text
}

#[test]
fn explanations() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(root.join("tests/explain"))
        .expect("the cases")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        let text = std::fs::read(root.join("tests/explain").join(&name)).expect("the case");
        let wasm = read_input(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let explained = optimize(&wasm, &options()).unwrap_or_else(|e| panic!("{name}: {e}"));
        // What is explained is what is made without an explanation.
        let plain = optimize(&wasm, &Options { explain: None, ..options() }).expect("optimized before");
        assert_eq!(explained.wasm, plain.wasm, "{name}");
        let (text, dot) = (explained.report.explanation, explained.report.egraph_dot);
        let snapshot = format!(
            "{}\n--- e-graph\n{}--- function graph\n{}",
            text.expect("an explanation").trim_end(),
            dot.expect("a graph"),
            drawn(&explained.wasm)
        );
        assert!(!snapshot.contains("no proof"), "{name}");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root.join("snapshots/explain"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name.trim_end_matches(".wat"), snapshot));
    }
}

/// Every value that a rule took to another form has a proof, in functions of a real program.
#[test]
fn values_of_a_real_program_have_proofs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/fused/strings/fused.wasm");
    let wasm = std::fs::read(path).expect("the sample");
    let (mut steps, mut explained) = (0, 0);
    for index in 0..60 {
        let options = Options { explain: Some(index.to_string()), ..options() };
        let Ok(output) = optimize(&wasm, &options) else { break };
        let Some(text) = output.report.explanation else { continue };
        assert!(!text.contains("no proof"), "function {index}:\n{text}");
        explained += 1;
        steps += text.lines().filter(|l| l.trim_start().starts_with("= ") && l.contains(" ; ")).count();
    }
    assert!(explained > 5 && steps > 20, "{explained} functions, {steps} steps");
}
