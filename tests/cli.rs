//! What the command line promises: exit codes, messages, files.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const WAT: &str = "(module (func (export \"f\") (param i32) (result i32) local.get 0))";

/// Runs loom in a folder.
fn loom(dir: &Path, args: &[&str]) -> Output {
    loom_with_input(dir, args, b"")
}

fn loom_with_input(dir: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_loom"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The child may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder with `in.wat` and `in.wasm`.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("in.wat"), WAT).unwrap();
    std::fs::write(dir.path().join("in.wasm"), wat::parse_str(WAT).unwrap()).unwrap();
    dir
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn default_output_stands_in_the_current_folder() {
    let dir = folder();
    let sub = dir.path().join("sub");
    std::fs::create_dir(&sub).unwrap();
    let out = loom(&sub, &["../in.wasm"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert_eq!(entries(&sub), ["in.opt.wasm"]);
    wasmparser::validate(&std::fs::read(sub.join("in.opt.wasm")).unwrap()).unwrap();
    assert_eq!(out.stdout, b"");
    let summary = stderr(&out);
    assert_eq!(summary.lines().count(), 1, "{summary}");
    assert!(summary.starts_with("loom: ../in.wasm -> in.opt.wasm: "), "{summary}");
    for word in ["bytes", "functions", "lifted", "raw", "reverted"] {
        assert!(summary.contains(word), "{summary}");
    }
}

#[test]
fn text_goes_in_and_out() {
    let dir = folder();
    let out = loom(dir.path(), &["in.wat", "--emit", "wat", "-q"]);
    assert_eq!(out.status.code(), Some(0));
    assert_eq!((stderr(&out), out.stdout.len()), (String::new(), 0));
    let text = std::fs::read_to_string(dir.path().join("in.opt.wat")).unwrap();
    assert!(text.starts_with("(module"), "{text}");
    wat::parse_str(text).unwrap();
}

#[test]
fn ssa_and_graphs_can_be_shown() {
    let dir = folder();
    let out = loom(dir.path(), &["in.wasm", "--emit", "ssa", "-o", "-", "-q"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert!(stdout(&out).starts_with("function func0 (i32) -> (i32) {"), "{}", stdout(&out));
    let out = loom(dir.path(), &["in.wasm", "--emit", "cfg", "-q"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let graph = std::fs::read_to_string(dir.path().join("in.cfg.dot")).unwrap();
    assert!(graph.starts_with("digraph \"func0\" {"), "{graph}");
    let out = loom(dir.path(), &["in.wasm", "--egraph", "--explain", "0", "--emit", "dot", "-q"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let graph = std::fs::read_to_string(dir.path().join("in.egraph.dot")).unwrap();
    assert!(graph.starts_with("digraph egraph {") && graph.contains("subgraph cluster_0"), "{graph}");
    let out = loom(dir.path(), &["in.wasm", "--emit", "dot", "-q"]);
    assert_eq!(out.status.code(), Some(2), "an e-graph is of one function");
}

#[test]
fn standard_input_and_output() {
    let dir = folder();
    for args in [&["-"][..], &["-", "-o", "-"], &["in.wasm", "-o", "-"]] {
        let out = loom_with_input(dir.path(), args, WAT.as_bytes());
        assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
        wasmparser::validate(&out.stdout).unwrap();
        assert!(stderr(&out).contains("<stdout>"));
    }
    assert_eq!(entries(dir.path()), ["in.wasm", "in.wat"]);
    // The explanation gives way to the data.
    let out = loom(dir.path(), &["in.wasm", "-o", "-", "--explain", "0"]);
    wasmparser::validate(&out.stdout).unwrap();
}

#[test]
fn faulty_binaries_name_their_offset_in_one_line() {
    let dir = folder();
    let mut broken = std::fs::read(dir.path().join("in.wasm")).unwrap();
    let end = broken.len() - 1;
    broken[end] = 0x0a;
    for (name, bytes) in [
        ("broken.wasm", broken.as_slice()),
        ("cut.wasm", &broken[..20]),
        ("magic.wasm", b"\0as"),
        ("component.wasm", b"\0asm\x0d\0\x01\0"),
        ("empty.wasm", b""),
        ("noise.wasm", b"\xff\xfe\0\0"),
    ] {
        std::fs::write(dir.path().join(name), bytes).unwrap();
        let out = loom(dir.path(), &[name]);
        let message = stderr(&out);
        assert_eq!(out.status.code(), Some(1), "{name}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.starts_with(&format!("loom: {name}: ")), "{message}");
        assert!(message.contains("(at offset 0x"), "{message}");
        assert!(!dir.path().join(name).with_extension("opt.wasm").exists());
    }
    let out = loom_with_input(dir.path(), &["-"], &broken);
    assert!(stderr(&out).starts_with("loom: <stdin>: "), "{}", stderr(&out));
    assert_eq!(out.stdout, b"");
}

#[test]
fn faulty_text_names_line_and_column() {
    let dir = folder();
    std::fs::write(dir.path().join("bad.wat"), "(module\n  (func i32.const))").unwrap();
    let out = loom(dir.path(), &["bad.wat"]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(stderr(&out), "loom: bad.wat:2:18: expected a i32\n");
    std::fs::write(dir.path().join("bad.wat"), "(module\n  (func call $nobody))").unwrap();
    let out = loom(dir.path(), &["bad.wat"]);
    assert!(stderr(&out).starts_with("loom: bad.wat:2:14: "), "{}", stderr(&out));
    // Text that parses but does not validate has a place in the binary only.
    std::fs::write(dir.path().join("bad.wat"), "(module (func i32.const 0))").unwrap();
    let out = loom(dir.path(), &["bad.wat"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("(at offset 0x"), "{}", stderr(&out));
}

#[test]
fn missing_files_are_faults() {
    let dir = folder();
    let out = loom(dir.path(), &["nowhere.wasm"]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(stderr(&out), "loom: nowhere.wasm: no such file or directory\n");
    let out = loom(dir.path(), &["in.wasm", "--egraph", "--rules", "nowhere.rules"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).starts_with("loom: nowhere.rules: "), "{}", stderr(&out));
    let out = loom(dir.path(), &["in.wasm", "-o", "no/where/out.wasm"]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(entries(dir.path()), ["in.wasm", "in.wat"]);
}

#[test]
fn a_cost_table_decides_and_its_faults_have_places() {
    let dir = folder();
    let wat = "(module (func (export \"f\") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 8))))";
    std::fs::write(dir.path().join("in.wat"), wat).unwrap();
    std::fs::write(dir.path().join("mul.cost"), "(time 1) (op :other 40) (op i32.mul 1)").unwrap();
    std::fs::write(dir.path().join("shl.cost"), "(time 1) (op :other 40) (op i32.shl 1)").unwrap();
    for (table, expected) in [("mul.cost", "i32.mul"), ("shl.cost", "i32.shl")] {
        let out = loom(
            dir.path(),
            &["in.wat", "--egraph", "--no-revert", "--cost", table, "--emit", "wat", "-o", "-"],
        );
        assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
        assert!(stdout(&out).contains(expected), "{table}: {}", stdout(&out));
    }
    std::fs::write(dir.path().join("bad.cost"), "(bytes 1)\n(op i32.ad 3)").unwrap();
    let out = loom(dir.path(), &["in.wat", "--cost", "bad.cost"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).starts_with("loom: bad.cost:2:5: `i32.ad` is no operator"), "{}", stderr(&out));
    let out = loom(dir.path(), &["in.wat", "--cost", "nowhere.cost"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).starts_with("loom: nowhere.cost: "), "{}", stderr(&out));
}

#[test]
fn calls_stay_where_inlining_is_off() {
    let dir = folder();
    let wat = "(module (memory 1)
      (func $g (param i32) (result i32) (i32.mul (i32.load (local.get 0)) (i32.load offset=4 (local.get 0))))
      (func (export \"f\") (param i32) (result i32) (i32.add (call $g (local.get 0)) (i32.const 1))))";
    std::fs::write(dir.path().join("in.wat"), wat).unwrap();
    for (more, calls) in [(&["-Oz"][..], 0), (&["-Oz", "--no-inline"], 1)] {
        let out = loom(dir.path(), &[&["in.wat", "--emit", "wat", "-o", "-"], more].concat());
        assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
        assert_eq!(stdout(&out).matches("call ").count(), calls, "{}", stdout(&out));
    }
}

#[test]
fn wrong_usage_is_two() {
    let dir = folder();
    for args in [
        &[][..],
        &["in.wasm", "--what"],
        &["in.wasm", "-O5"],
        &["in.wasm", "--emit", "pdf"],
        &["in.wasm", "--assume", "luck"],
        &["in.wasm", "--assume", "no-oom", "--no-assume", "no-oom"],
        &["in.wasm", "-j", "0"],
        &["in.wasm", "-j", "many"],
        &["in.wasm", "--report", "r.xml"],
        &["in.wasm", "-q", "-v"],
        &["in.wasm", "in.wat"],
    ] {
        let out = loom(dir.path(), args);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", stderr(&out));
        assert_eq!(out.stdout, b"", "{args:?}");
        assert!(!out.stderr.is_empty());
    }
    assert_eq!(entries(dir.path()), ["in.wasm", "in.wat"]);
}

#[test]
fn every_option_is_accepted() {
    let dir = folder();
    for level in ["-O", "-O0", "-O1", "-O2", "-O3", "-O4", "-Os", "-Oz"] {
        let out = loom(dir.path(), &[level, "in.wasm", "-o", "out.wasm", "-q"]);
        assert_eq!(out.status.code(), Some(0), "{level}: {}", stderr(&out));
    }
    let out = loom(
        dir.path(),
        &[
            "in.wasm",
            "--egraph",
            "--closed-world",
            "--keep-export",
            "f",
            "--keep-export",
            "g*",
            "--fused",
            "--assume",
            "low-memory-unused",
            "--no-assume",
            "shadow-stack",
            "--strict",
            "-j",
            "2",
            "--no-revert",
            "--validate",
            "--verify",
            "--verify=strict",
            "-v",
            "--no-progress",
            "--color",
            "never",
            "-o",
            "out.wasm",
        ],
    );
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let out = loom(dir.path(), &["in.wasm", "--color=always", "-o", "out.wasm"]);
    assert!(stderr(&out).contains("\x1b["));
}

#[test]
fn help_lists_the_assumptions() {
    let dir = folder();
    let out = loom(dir.path(), &["--help"]);
    assert_eq!(out.status.code(), Some(0));
    let help = stdout(&out);
    for name in [
        "closed-world",
        "canonical-abi",
        "shadow-stack",
        "return-areas",
        "low-memory-unused",
        "no-traps",
        "no-oom",
    ] {
        assert!(help.lines().any(|l| l.trim_start().starts_with(name)), "{name}\n{help}");
    }
    assert_eq!(stderr(&out), "");
}

#[test]
fn the_report_is_json_with_the_promised_members() {
    let dir = folder();
    let out = loom(dir.path(), &["in.wasm", "--report", "r.json"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("r.json")).unwrap()).unwrap();
    for member in [
        "input_bytes",
        "output_bytes",
        "code_bytes",
        "functions",
        "rules",
        "assumptions",
        "boundaries",
        "phases",
        "limits",
    ] {
        assert!(report.get(member).is_some(), "{member}");
    }
    for member in ["total", "lifted", "raw", "reverted"] {
        assert!(report["functions"].get(member).is_some(), "{member}");
    }
    // Both files or none: the module is not written when the report cannot be.
    let out = loom(dir.path(), &["in.wasm", "-o", "new.wasm", "--report", "no/where.json"]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(entries(dir.path()), ["in.opt.wasm", "in.wasm", "in.wat", "r.json"]);
}

#[cfg(unix)]
#[test]
fn written_files_are_ordinary_ones() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    let mode = |name: &str| std::fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
    // A new file has the mode that any program would give it; an old one keeps its own, and a link stays a link.
    std::fs::write(path("plain"), "").unwrap();
    assert_eq!(loom(dir.path(), &["in.wasm", "-o", "new.wasm"]).status.code(), Some(0));
    assert_eq!(mode("new.wasm"), mode("plain"));
    std::fs::set_permissions(path("new.wasm"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("new.wasm", path("link.wasm")).unwrap();
    assert_eq!(loom(dir.path(), &["in.wasm", "-o", "link.wasm"]).status.code(), Some(0));
    assert_eq!(mode("new.wasm"), 0o640);
    assert!(std::fs::symlink_metadata(path("link.wasm")).unwrap().is_symlink());
    // The input may be the output; devices are written to, not replaced.
    assert_eq!(loom(dir.path(), &["in.wasm", "-o", "in.wasm"]).status.code(), Some(0));
    wasmparser::validate(&std::fs::read(path("in.wasm")).unwrap()).unwrap();
    assert_eq!(loom(dir.path(), &["in.wasm", "-o", "/dev/null"]).status.code(), Some(0));
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}
