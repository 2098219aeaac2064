//! Inputs made to break compilers: each ends in time and within 2 GB, valid ones are written, invalid ones are rejected with
//! exit code 1 and one line. Also with a stack of 1 MB. The shapes are in [`shapes`]; those of `../shared/adversarial/gen.py`
//! are run as well where it is present.
//!
//! `LOOM_BIN` names a release build, which then has 20 CPU seconds; a debug build has 60.

mod code;
mod control;
mod shapes;
mod straight;
mod whole;

use shapes::{SHAPES, Shape};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const KILOBYTES: u32 = 2 << 20;

/// One way to run: flags and the stack's kilobytes.
type Variant = (&'static [&'static str], &'static str);

const VARIANTS: [Variant; 3] =
    [(&["--egraph", "-Oz"], "8192"), (&["--egraph", "-O3"], "1024"), (&["-O3", "--no-revert"], "1024")];

/// Files of `gen.py` that are not valid modules.
fn must_be_rejected(name: &str) -> bool {
    name.ends_with("_lie")
        || name.ends_with("_over_limit")
        || name.starts_with("locals_4g")
        || ["locals_50001", "params_1001", "funcs_1000001"].contains(&name)
}

fn seconds() -> u32 {
    if std::env::var_os("LOOM_BIN").is_some() { 20 } else { 60 }
}

struct Outcome {
    wrong: Option<String>,
    cpu: f64,
}

/// Runs the tool over a file, on CPU seconds rather than those of the wall, for other tests run at the same time.
fn run(file: &Path, valid: bool, (flags, stack): Variant) -> Outcome {
    let binary = std::env::var("LOOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_loom").to_owned());
    let limit = seconds();
    let script = format!(
        "ulimit -v {KILOBYTES}; ulimit -s {stack}; ulimit -t {limit}; TIMEFORMAT='cpu %U %S'; time timeout {} \"$@\"",
        limit * 20
    );
    let output = Command::new("bash")
        .args(["-c", &script, "bash", &binary])
        .args(flags)
        .args(["-q", "-j1", "-o", "/dev/null"])
        .arg(file)
        .env("RUST_BACKTRACE", "0")
        .output();
    let output = match output {
        Ok(output) => output,
        Err(e) => return Outcome { wrong: Some(format!("cannot run: {e}")), cpu: 0.0 },
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut lines: Vec<&str> = stderr.lines().collect();
    let times = lines.pop().unwrap_or_default();
    let cpu = times.split(' ').skip(1).filter_map(|t| t.parse::<f64>().ok()).sum();
    let expected = i32::from(!valid);
    let wrong = if output.status.code() != Some(expected) {
        Some(format!("{:?} instead of {expected}: {}", output.status, lines.first().unwrap_or(&"(silent)")))
    } else if !valid && (lines.len() != 1 || !lines[0].contains("(at offset 0x")) {
        Some(format!("one line with an offset expected: {lines:?}"))
    } else {
        None
    };
    Outcome { wrong, cpu }
}

/// A module to run: its name, whether it is valid, and how its bytes come about.
struct Job<'a> {
    name: String,
    valid: bool,
    make: Box<dyn Fn() -> Vec<u8> + Sync + Send + 'a>,
    variant: Variant,
}

/// Runs all jobs on two threads and prints a line for each. Panics when one went wrong.
fn run_all(jobs: &[Job<'_>]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(i) else { break };
                    let file = folder.path().join(format!("{i}.wasm"));
                    std::fs::write(&file, (job.make)()).expect("the temporary folder has room");
                    let outcome = run(&file, job.valid, job.variant);
                    std::fs::remove_file(&file).expect("it was written");
                    let flags = job.variant.0.join(" ");
                    println!(
                        "{:32} {flags:16} stack {:>5} {:6.2} s {}",
                        job.name,
                        job.variant.1,
                        outcome.cpu,
                        outcome.wrong.as_deref().unwrap_or("ok")
                    );
                    if let Some(wrong) = outcome.wrong {
                        let text = format!("{} {flags} stack {}: {wrong}", job.name, job.variant.1);
                        results.lock().expect("no thread panicked").insert(i, text);
                    }
                }
            });
        }
    });
    let failures: Vec<String> = results.into_inner().expect("no thread panicked").into_values().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn job(shape: &'static Shape, n: usize, variant: Variant) -> Job<'static> {
    Job {
        name: format!("{}_{n}", shape.name),
        valid: n <= shape.largest_valid,
        make: Box::new(move || (shape.make)(n)),
        variant,
    }
}

#[test]
fn shapes_at_their_quick_size() {
    let jobs: Vec<Job<'_>> = SHAPES
        .iter()
        .enumerate()
        .flat_map(|(i, s)| [VARIANTS[0], VARIANTS[1 + i % 2]].map(|v| job(s, s.quick, v)))
        .collect();
    run_all(&jobs);
}

#[test]
#[ignore = "an hour in a debug build: see docs/testing.md"]
fn shapes_at_their_full_size() {
    let jobs: Vec<Job<'_>> = SHAPES
        .iter()
        .flat_map(|s| {
            let limit = (s.largest_valid < s.full && s.largest_valid > 0).then_some(s.largest_valid);
            limit.into_iter().chain([s.full]).map(move |n| (s, n))
        })
        .flat_map(|(s, n)| VARIANTS.map(|v| job(s, n, v)))
        .collect();
    run_all(&jobs);
}

/// Prints how the time grows when a shape doubles.
#[test]
#[ignore = "a measurement: see docs/testing.md"]
fn doubling() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("shape.wasm");
    println!("shape | n | CPU s at n/4, n/2, n | last ratio");
    for s in SHAPES.iter().filter(|s| s.largest_valid == usize::MAX && s.full > s.quick) {
        let n = (s.quick * 16).min(s.full);
        let seconds = [n / 4, n / 2, n].map(|n| {
            std::fs::write(&file, (s.make)(n)).expect("the temporary folder has room");
            run(&file, true, VARIANTS[0]).cpu
        });
        let ratio = seconds[2] / seconds[1].max(0.01);
        let [a, b, c] = seconds;
        println!("{} | {n} | {a:.2}, {b:.2}, {c:.2} | {ratio:.1}", s.name);
    }
}

/// Writes all shapes into the folder that `LOOM_ADVERSARIAL_OUT` names.
#[test]
#[ignore = "writes files: see docs/testing.md"]
fn write() {
    let Some(folder) = std::env::var_os("LOOM_ADVERSARIAL_OUT").map(PathBuf::from) else { return };
    for s in SHAPES {
        for n in [s.quick, s.full] {
            std::fs::write(folder.join(format!("{}_{n}.wasm", s.name)), (s.make)(n)).expect("can be written");
        }
    }
}

#[test]
fn inputs_of_the_shared_generator() {
    let shared = std::env::var_os("LOOM_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
        .join("adversarial");
    let script = shared.join("gen.py");
    if !script.is_file() {
        println!("skipped: no {}", script.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = Command::new("python3").arg(&script).arg(folder.path()).status();
    if !made.is_ok_and(|s| s.success()) {
        println!("skipped: python3 could not run the generator");
        return;
    }
    let mut files: Vec<PathBuf> = [folder.path(), &shared]
        .into_iter()
        .flat_map(|f| std::fs::read_dir(f).expect("is there"))
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "wasm"))
        .collect();
    files.sort();
    let job = |file: &PathBuf, variant| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = file.clone();
        let make = move || std::fs::read(&file).expect("was listed");
        Job { valid: !must_be_rejected(&name), name, make: Box::new(make), variant }
    };
    let jobs: Vec<Job<'_>> = files.iter().flat_map(|f| VARIANTS.map(|v| job(f, v))).collect();
    run_all(&jobs);
}
