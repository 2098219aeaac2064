//! Inputs made to break compilers (`../shared/adversarial/gen.py`): each ends within 20 s and 2 GB, valid ones are written,
//! invalid ones are rejected with exit code 1 and one line. Also with a stack of 1 MB. Skipped where the generator is absent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

const SECONDS: u32 = 20;
const KILOBYTES: u32 = 2 << 20;

/// Files of the generator that are not valid modules.
fn must_be_rejected(name: &str) -> bool {
    name.ends_with("_lie")
        || name.ends_with("_over_limit")
        || name.starts_with("locals_4g")
        || ["locals_50001", "params_1001", "funcs_1000001"].contains(&name)
}

fn generate(folder: &Path) -> Option<()> {
    let shared = std::env::var_os("LOOM_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let script = shared.join("adversarial/gen.py");
    if !script.is_file() {
        println!("skipped: no {}", script.display());
        return None;
    }
    let status = Command::new("python3").arg(&script).arg(folder).status().ok()?;
    if !status.success() {
        println!("skipped: python3 could not run the generator");
        return None;
    }
    for entry in std::fs::read_dir(shared.join("adversarial")).ok()?.flatten() {
        if entry.path().extension().is_some_and(|e| e == "wasm") {
            std::fs::copy(entry.path(), folder.join(entry.file_name())).ok()?;
        }
    }
    Some(())
}

/// What is wrong with one run, if anything, and its seconds.
fn run(file: &Path, flags: &[&str], stack: &str) -> (Option<String>, f64) {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let binary = std::env::var("LOOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_loom").to_owned());
    let script = format!("ulimit -v {KILOBYTES}; ulimit -s {stack}; exec timeout {SECONDS} \"$@\"");
    let start = Instant::now();
    let output = Command::new("bash")
        .args(["-c", &script, "bash", &binary])
        .args(flags)
        .args(["-q", "-j1", "-o", "/dev/null"])
        .arg(file)
        .env("RUST_BACKTRACE", "0")
        .output();
    let seconds = start.elapsed().as_secs_f64();
    let output = match output {
        Ok(output) => output,
        Err(e) => return (Some(format!("cannot run: {e}")), seconds),
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = i32::from(must_be_rejected(&name));
    let wrong = if output.status.code() != Some(expected) {
        Some(format!(
            "{:?} instead of {expected}: {}",
            output.status,
            stderr.lines().next().unwrap_or("(silent)")
        ))
    } else if expected == 1 && stderr.trim_end().lines().count() != 1 {
        Some(format!("{} lines of messages instead of one: {stderr}", stderr.lines().count()))
    } else {
        None
    };
    (wrong, seconds)
}

#[test]
fn adversarial_inputs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    if generate(folder.path()).is_none() {
        return;
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.path()).expect("was made").flatten().map(|e| e.path()).collect();
    files.sort();
    let variants: [(&[&str], &str); 3] =
        [(&["--egraph"], "8192"), (&["--egraph"], "1024"), (&["--no-revert"], "1024")];
    let jobs: Vec<_> = files.iter().flat_map(|f| variants.iter().map(move |v| (f, v))).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((i, (file, (flags, stack)))) = {
                    let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    jobs.get(i).map(|j| (i, *j))
                } {
                    let result = run(file, flags, stack);
                    results.lock().expect("no thread panicked").insert(i, result);
                }
            });
        }
    });
    let mut failures = Vec::new();
    for (i, (wrong, seconds)) in results.into_inner().expect("no thread panicked") {
        let (file, (flags, stack)) = jobs[i];
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "{name:32} {:12} stack {stack:>5} {seconds:6.2} s {}",
            flags.join(" "),
            wrong.as_deref().unwrap_or("ok")
        );
        failures.extend(wrong.map(|w| format!("{name} {} stack {stack}: {w}", flags.join(" "))));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
