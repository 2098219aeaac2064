//! The output is a function of input and options: the same bytes in every process (hash maps are seeded anew in each), for
//! every number of threads, and on a busy machine.

use loom_wasm::caps::Caps;
use loom_wasm::{Options, optimize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// Seeds of `mixed` in one digest.
const SEEDS: &str = "60";

/// Largest corpus file that is taken, in bytes: the whole corpus is a documented command.
const LARGEST: u64 = 60_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Wasm files below a folder, of any size up to `largest`, in order of path.
fn files_below(folder: &Path, extension: &str, largest: u64) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut work = vec![folder.to_owned()];
    while let Some(folder) = work.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                work.push(path);
            } else if path.extension().is_some_and(|e| e == extension)
                && entry.metadata().is_ok_and(|m| m.len() <= largest)
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn inputs() -> Vec<PathBuf> {
    let mut files = files_below(&root().join("tests/samples"), "wasm", u64::MAX);
    files.extend(files_below(&root().join("tests/regressions"), "wat", u64::MAX));
    let shared = std::env::var_os("LOOM_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let corpus = files_below(&shared.join("corpus"), "wasm", LARGEST);
    if corpus.is_empty() {
        println!("skipped: corpus modules (no {})", shared.join("corpus").display());
    }
    files.extend(corpus);
    assert!(files.len() > 10, "samples and regressions are missing");
    files
}

/// The digest of a new process, and the seed of its hash maps.
fn digest(files: &[PathBuf], jobs: usize) -> (String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_loom-fuzz"))
        .args(["digest", "--seeds", SEEDS, "--jobs", &jobs.to_string()])
        .args(files)
        .output()
        .expect("loom-fuzz runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    match (out.status.success(), words.as_slice()) {
        (true, [digest, "hash-seed", seed]) => ((*digest).to_owned(), (*seed).to_owned()),
        _ => panic!("{}\n{text}\n{}", out.status, String::from_utf8_lossy(&out.stderr)),
    }
}

#[test]
fn same_bytes_in_every_process() {
    let files = inputs();
    let (first, seed) = digest(&files, 1);
    let mut seeds = BTreeSet::from([seed]);
    for jobs in [1, 2, 8] {
        let (again, seed) = digest(&files, jobs);
        assert_eq!(again, first, "other bytes with -j{jobs}");
        seeds.insert(seed);
    }
    assert!(seeds.len() > 1, "the processes' hash maps were all seeded alike: nothing was tried");
}

/// Whether a graph was kept from its first lift or made by a second one.
#[test]
fn same_bytes_without_kept_graphs() {
    for file in inputs().iter().filter(|f| f.extension().is_some_and(|e| e == "wasm")) {
        let wasm = std::fs::read(file).expect("can be read");
        let [kept, again] = [usize::MAX, 0].map(|kept_graphs| {
            let caps = Caps { kept_graphs, ..Caps::default() };
            let options = Options { egraph: true, no_revert: true, caps, ..Options::default() };
            optimize(&wasm, &options).expect("is valid").wasm
        });
        assert!(kept == again, "{}", file.display());
    }
}

#[test]
fn same_bytes_on_a_busy_machine() {
    let files: Vec<PathBuf> = inputs().into_iter().step_by(3).collect();
    let (quiet, _) = digest(&files, 1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                let mut x = 1u64;
                while !stop.load(Ordering::Relaxed) {
                    x = std::hint::black_box(x.wrapping_mul(6364136223846793005).wrapping_add(1));
                }
            });
        }
        let busy = std::panic::catch_unwind(|| digest(&files, 2).0);
        // Before anything can fail: the scope waits for the threads.
        stop.store(true, Ordering::Relaxed);
        assert_eq!(busy.expect("loom-fuzz runs"), quiet);
    });
}
