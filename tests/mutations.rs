//! The deliberate bugs of `tests/mutations` still apply to the sources. That each of them is found is the work of
//! `tests/mutations/run.sh`.

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
