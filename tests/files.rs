//! Files and pipes that fail: the exit code and the message say so, nothing is left behind, and what was there stays.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

const LOOM: &str = env!("CARGO_BIN_EXE_loom");

/// A folder with a valid module, an invalid one, and an old output.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let wasm = wat::parse_str("(module (memory 1) (data (i32.const 0) \"\") (func (export \"f\")))")
        .expect("is text");
    let mut broken = wasm.clone();
    broken.truncate(wasm.len() - 1);
    // Large enough for no buffer of a pipe.
    let large = wat::parse_str(format!(
        "(module (memory (export \"m\") 9) (data (i32.const 0) \"{}\"))",
        "x".repeat(300_000)
    ));
    let files = [("in.wasm", wasm), ("broken.wasm", broken), ("large.wasm", large.expect("is text"))];
    for (name, bytes) in files.into_iter().chain([("old.wasm", b"old".to_vec())]) {
        std::fs::write(dir.path().join(name), bytes).expect("can be written");
    }
    dir
}

/// Runs a script in the folder with `$0` as the tool.
fn run(dir: &Path, script: &str) -> Output {
    Command::new("bash").args(["-c", script, LOOM]).current_dir(dir).output().expect("bash")
}

fn stderr(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

fn entries(dir: &Path) -> Vec<String> {
    let list = std::fs::read_dir(dir).expect("is there").flatten();
    let mut names: Vec<String> = list.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The run fails with one line that has `message`, and the folder is as before.
fn fails(script: &str, message: &str) {
    let dir = folder();
    let before = entries(dir.path());
    let out = run(dir.path(), script);
    let text = stderr(&out);
    assert_eq!(out.status.code(), Some(1), "{script}: {text}");
    assert_eq!(text.lines().count(), 1, "{script}: {text}");
    assert!(text.contains(message), "{script}: {text}");
    assert_eq!(entries(dir.path()), before, "{script}");
    assert_eq!(std::fs::read(dir.path().join("old.wasm")).expect("is there"), b"old", "{script}");
}

#[test]
fn nothing_is_left_after_a_fault() {
    fails("exec \"$0\" broken.wasm -o new.wasm", "broken.wasm: ");
    fails("exec \"$0\" broken.wasm -o new.wasm", "(at offset 0x");
    fails("exec \"$0\" broken.wasm -o old.wasm", "(at offset 0x");
    fails("exec \"$0\" broken.wasm -o new.wasm --report new.json", "(at offset 0x");
    fails("exec \"$0\" in.wasm -o none/new.wasm", "none/new.wasm: no such file or directory");
    fails("exec \"$0\" in.wasm -o in.wasm/new.wasm", "not a directory");
    fails("exec \"$0\" in.wasm -o .", "is a directory");
    fails(
        "exec \"$0\" in.wasm -o old.wasm --report none/new.json",
        "none/new.json: no such file or directory",
    );
    fails("exec \"$0\" .", "is a directory");
    fails(
        "exec \"$0\" in.wasm -o new.wasm --egraph --rules none.rules",
        "none.rules: no such file or folder",
    );
}

#[test]
fn a_full_disk_leaves_nothing() {
    // A file may have at most 64 kB; the signal that tells so is ignored, and writing fails.
    let limited = |rest: &str| format!("trap '' XFSZ; ulimit -f 64; exec \"$0\" {rest}");
    fails(&limited("large.wasm -o new.wasm"), "new.wasm: file too large");
    fails(&limited("large.wasm -o old.wasm"), "old.wasm: file too large");
    if Path::new("/dev/full").exists() {
        fails("exec \"$0\" large.wasm -o /dev/full", "/dev/full: no space left on device");
        fails("exec \"$0\" large.wasm -o - > /dev/full", "<stdout>: no space left on device");
    }
}

#[test]
fn the_input_can_be_the_output() {
    let dir = folder();
    let before = std::fs::read(dir.path().join("broken.wasm")).expect("is there");
    let out = run(dir.path(), "exec \"$0\" broken.wasm -o broken.wasm");
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(std::fs::read(dir.path().join("broken.wasm")).expect("is there"), before);
    let out = run(dir.path(), "exec \"$0\" in.wasm -o in.wasm");
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    wasmparser::validate(&std::fs::read(dir.path().join("in.wasm")).expect("is there")).expect("valid");
    assert_eq!(entries(dir.path()), ["broken.wasm", "in.wasm", "large.wasm", "old.wasm"]);
}

#[test]
fn nobody_listens() {
    let dir = folder();
    let closed = |args: &[&str], out: bool| {
        let mut child = Command::new(LOOM)
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(if out { Stdio::piped() } else { Stdio::null() })
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        if out {
            drop(child.stdout.take());
            let output = child.wait_with_output().expect("ends");
            return (output.status.code(), stderr(&output));
        }
        drop(child.stderr.take());
        (child.wait().expect("ends").code(), String::new())
    };
    let (code, message) = closed(&["large.wasm", "-o", "-"], true);
    assert_eq!((code, message.trim_end()), (Some(1), "loom: <stdout>: broken pipe"));
    assert_eq!(
        closed(&["large.wasm", "-o", "new.wasm"], false).0,
        Some(0),
        "written though nobody reads the summary"
    );
    assert!(dir.path().join("new.wasm").exists());
    assert_eq!(closed(&["broken.wasm", "-o", "other.wasm"], false).0, Some(1));
    assert_eq!(closed(&["in.wasm", "--effort", "x"], false).0, Some(2));
    assert!(!dir.path().join("other.wasm").exists());
}
