//! What the repository says about itself is still so: the deliberate bugs of `tests/mutations` apply to the sources (that each
//! of them is found is the work of `tests/mutations/run.sh`), and every direct dependency is accounted for.

use std::path::Path;
use std::process::Command;

#[test]
fn every_patch_applies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/mutations");
    if !root.join(".git").exists() || Command::new("git").arg("--version").output().is_err() {
        println!("skipped: no git here");
        return;
    }
    let table = std::fs::read_to_string(root.join("docs/mutations.md")).expect("the table of results");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| n.ends_with(".patch"))
        .collect();
    names.sort();
    assert!(names.len() >= 30, "{} patches", names.len());
    let mut problems = Vec::new();
    for name in &names {
        let text = std::fs::read_to_string(folder.join(name)).expect("can be read");
        if !text.starts_with("Class: ") || !text.contains("\nBug: ") {
            problems.push(format!("{name}: does not begin with its class and what is wrong"));
        }
        if !table.contains(name.trim_end_matches(".patch")) {
            problems.push(format!("{name}: not in docs/mutations.md"));
        }
        let check = Command::new("git")
            .args(["apply", "--check"])
            .arg(folder.join(name))
            .current_dir(root)
            .output()
            .expect("git runs");
        if !check.status.success() {
            problems.push(format!("{name}: {}", String::from_utf8_lossy(&check.stderr).trim()));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Names of the direct dependencies in a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim_end().ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (inside, line.split_once('=')) {
            names.push(name.trim().to_owned());
        }
    }
    names
}

#[test]
fn every_dependency_is_accounted_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |p: &str| std::fs::read_to_string(root.join(p)).expect("is there");
    let text = read("docs/dependencies.md");
    let mut count = 0;
    for manifest in ["Cargo.toml", "tests/engines/Cargo.toml", "tests/fuzz/Cargo.toml"] {
        for name in
            dependencies(&read(manifest)).iter().filter(|n| !n.starts_with("loom-") && !n.starts_with('#'))
        {
            count += 1;
            assert!(
                text.contains(&format!("`{name}`")),
                "{name} of {manifest} is not in docs/dependencies.md"
            );
        }
    }
    assert!(count > 20, "{count} dependencies found");
}
