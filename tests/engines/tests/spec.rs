//! The specification's test suite through the optimizer: what passes with the identity passes after every choice of options.

use loom_engines::spec::{self, MIN_LIFTED};

fn run_variant(name: &str) {
    let summary = spec::run(&loom_engines::variant(name));
    let table = summary.table();
    println!("{name}\n{table}");
    // Kept for those who look after a quiet run.
    let file = format!("spec-{}.txt", name.replace([' ', '-'], ""));
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    let text = format!("{table}{}\n", summary.failures.join("\n"));
    std::fs::write(&path, text).expect("the table can be written");
    assert!(
        summary.failures.is_empty(),
        "{name}: {} failures, all in {}:\n{}",
        summary.failures.len(),
        path.display(),
        summary.failures.iter().take(30).map(String::as_str).collect::<Vec<_>>().join("\n")
    );
    if let Some(least) = MIN_LIFTED {
        assert!(summary.lifted() >= least, "{name}: only {:.2} % lifted", summary.lifted() * 100.0);
    }
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
    run_variant("loom --egraph --no-revert");
}

#[test]
fn egraph_size() {
    run_variant("loom --egraph -Os");
}
