//! `loom rules`: every command on the built-in rules and on files, what it says of wrong names, paths and rules, and that it
//! never panics.

use std::path::Path;
use std::process::{Command, Output};

const RULE: &str = "\
(rule rem-u-by-power-of-mine :phase simplify :verify exhaustive :for (N 32 64)
  (iN.rem_u ?x (iN.const ?c)) => (iN.and ?x (iN.const (isub ?c 1)))
  :when (is_pow2 ?c)
  :example (i32.rem_u ?x (i32.const 8)) => (i32.and ?x (i32.const 7)))
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs `loom rules` in a folder: exit code, standard output, standard error.
fn rules(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_loom"))
        .arg("rules")
        .args(args)
        .current_dir(dir)
        .output()
        .expect("loom runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (out, err) = (text(stdout), text(stderr));
    assert!(!err.contains("panicked"), "{args:?}: {err}");
    (status.code().expect("an exit code"), out, err)
}

/// Standard output of a command that succeeds.
fn good(dir: &Path, args: &[&str]) -> String {
    let (code, out, err) = rules(dir, args);
    assert_eq!(code, 0, "{args:?}: {out}{err}");
    out
}

/// Standard error of a command that finds a fault: one line.
fn fault(dir: &Path, args: &[&str]) -> String {
    let (code, out, err) = rules(dir, args);
    assert_eq!(code, 1, "{args:?}: {out}{err}");
    assert_eq!(err.lines().count(), 1, "{args:?}: {err}");
    err
}

/// A folder with a rule file, a faulty one, and two modules.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");
    put("my.rules", RULE);
    put("bad.rules", "(rule r :phase simplify (i32.ad ?x ?x) => ?x :verify sample)");
    put(
        "rem.wat",
        "(module (func (export \"run\") (param i32) (result i32) (i32.rem_u (local.get 0) (i32.const 8))))",
    );
    put(
        "add.wat",
        "(module (func (export \"run\") (param i32) (result i32) (i32.add (local.get 0) (i32.const 0))))",
    );
    put("broken.wat", "(module (func i32.add))");
    dir
}

#[test]
fn list_has_theme_phase_and_proof() {
    let out = good(root(), &["list"]);
    let line = out.lines().find(|l| l.starts_with("add-zero ")).expect("a line");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["add-zero", "arith", "simplify", "2", "proved"]);
    // Every built-in rule is in the ledger, as it is.
    assert!(!out.contains("not recorded") && !out.contains("changed since"), "{out}");
    let out = good(root(), &["list", "--theme", "division", "--phase", "expand", "--each-instance"]);
    assert!(out.lines().any(|l| l.starts_with("div-s-by-power@64 ")), "{out}");
    assert!(!out.contains("add-zero"));
}

#[test]
fn list_counts_where_rules_fire() {
    let dir = folder();
    let (code, out, err) =
        rules(dir.path(), &["list", "my.rules", "--hits", "rem.wat", "add.wat", "broken.wat"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.starts_with("loom: left out: broken.wat: "), "{err}");
    let line = out.lines().find(|l| l.starts_with("rem-u-by-power-of-mine ")).expect("a line");
    assert!(line.ends_with(" not recorded     1   1 of 2"), "{line}");
    let silent = good(dir.path(), &["list", "my.rules", "--hits", "add.wat", "--silent"]);
    assert!(silent.contains("rem-u-by-power-of-mine"), "{silent}");
    let silent = good(dir.path(), &["list", "my.rules", "--hits", "rem.wat", "--silent"]);
    assert!(!silent.contains("rem-u-by-power-of-mine"), "{silent}");
}

#[test]
fn list_says_what_is_wrong() {
    let dir = folder();
    assert!(fault(dir.path(), &["list", "--theme", "arth"]).contains("did you mean `arith`?"));
    assert!(fault(dir.path(), &["list", "nowhere.rules"]).contains("nowhere.rules: "));
    assert!(fault(dir.path(), &["list", "bad.rules"]).contains("bad.rules:1:25: unknown operator `i32.ad`"));
    assert!(fault(dir.path(), &["list", "--hits", "nowhere"]).contains("nowhere: no such file"));
    assert!(
        fault(dir.path(), &["list", "--ledger", "my.rules"])
            .contains("my.rules:1:1: this is no line of a ledger")
    );
    std::fs::create_dir(dir.path().join("empty")).expect("a folder");
    assert!(fault(dir.path(), &["list", "--hits", "empty"]).contains("no .wasm or .wat file in this folder"));
    for wrong in
        [&["list", "--phase", "later"][..], &["list", "--silent"], &["list", "--what"], &["what"], &[]]
    {
        assert_eq!(rules(dir.path(), wrong).0, 2, "{wrong:?}");
    }
    assert_eq!(rules(dir.path(), &["list", "--hits", "broken.wat"]).0, 1);
}

/// A ledger of another text says so.
#[test]
fn a_changed_rule_is_listed_as_changed() {
    let dir = folder();
    let text = "(rule add-zero :phase simplify :verify sample (i32.add ?x (i32.const 0)) => ?x)";
    std::fs::write(dir.path().join("arith.rules"), text).expect("a file");
    let out = good(dir.path(), &["list", "arith.rules"]);
    assert!(out.contains("changed since"), "{out}");
    assert!(
        good(dir.path(), &["show", "add-zero", "arith.rules"]).contains("the ledger is about another text")
    );
}

#[test]
fn show_has_text_expansions_conditions_and_proof() {
    let out = good(root(), &["show", "div-u-by-power"]);
    for part in [
        "div-u-by-power: rules/division.rules:",
        "theme division, phase simplify",
        ":for (N 32 64)",
        "expansions (2 of 2):",
        "(rule div-u-by-power@64 ",
        "is_pow2: exactly one bit is set",
        "proof: 1 of 2 instances proved by z3 ",
        "not decided by the solver: @64",
        "all operands at 8 bits",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let out = good(root(), &["show", "div-u-by-power@32"]);
    assert!(out.contains("expansions (1 of 2):") && !out.contains("(rule div-u-by-power@64"), "{out}");
    let dir = folder();
    let out = good(dir.path(), &["show", "rem-u-by-power-of-mine", "my.rules"]);
    assert!(out.contains(RULE.trim_end()) && out.contains("proof: not in the ledger"), "{out}");
    // The orders of operands that a matcher has to look for.
    assert!(good(root(), &["show", "add-sub-cancel"]).contains("also matches"));
}

#[test]
fn show_says_what_is_wrong() {
    let dir = folder();
    let err = fault(dir.path(), &["show", "add-zer"]);
    assert!(err.contains("no rule has the name `add-zer`; did you mean `add-zero`?"), "{err}");
    let err = fault(dir.path(), &["show", &"\u{1b}x".repeat(1000)]);
    assert!(!err.contains('\u{1b}'), "{err}");
    assert!(fault(dir.path(), &["show", "add-zero", "bad.rules"]).contains("bad.rules:1:25"));
    assert_eq!(rules(dir.path(), &["show"]).0, 2);
}

/// The snapshots in the repository are those of the rules; `loom rules test --bless` writes them.
#[test]
fn builtin_examples_and_snapshots_hold() {
    let (code, out, err) = rules(root(), &["test"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.ends_with(", 0 new, 0 written, 0 differ\n"), "{out}");
    let folder = root().join("snapshots/rules");
    for entry in std::fs::read_dir(folder).expect("the snapshots") {
        let path = entry.expect("an entry").path();
        let rules = root().join("rules").join(path.file_stem().expect("a name")).with_extension("rules");
        assert!(rules.exists(), "{} has no rules", path.display());
    }
}

#[test]
fn test_compares_and_blesses() {
    let dir = folder();
    let out = good(dir.path(), &["test", "my.rules"]);
    assert!(out.contains("no my.snap yet") && out.contains("fires rem-u-by-power-of-mine@32: 1"), "{out}");
    assert!(out.contains("i32.and v"), "{out}");
    assert!(out.contains("1 rules, 1 examples; alone on a term of its own 1 fire and 0 do not"), "{out}");
    assert!(!dir.path().join("my.snap").exists());
    assert!(good(dir.path(), &["test", "my.rules", "--bless"]).contains("1 written"));
    assert!(good(dir.path(), &["test", "my.rules"]).contains("1 as before"));
    // Another right side: the snapshot differs, and shows both.
    let other = RULE.replace("i32.const 8", "i32.const 16").replace("i32.const 7", "i32.const 15");
    std::fs::write(dir.path().join("my.rules"), other).expect("a file");
    let (code, out, _) = rules(dir.path(), &["test", "my.rules"]);
    assert_eq!(code, 1);
    assert!(out.contains("-   (i32.rem_u ?x (i32.const 8))\n"), "{out}");
    assert!(out.contains("+   (i32.rem_u ?x (i32.const 16))\n"), "{out}");
    // A folder of one's own.
    good(dir.path(), &["test", "my.rules", "--bless", "--snapshots", "a/b"]);
    assert!(dir.path().join("a/b/my.snap").exists());
}

#[test]
fn test_says_what_is_wrong() {
    let dir = folder();
    let wrong = RULE.replace("(i32.const 7)", "(i32.const 8)");
    std::fs::write(dir.path().join("my.rules"), wrong).expect("a file");
    let (code, out, _) = rules(dir.path(), &["test", "my.rules"]);
    assert_eq!(code, 1);
    assert!(out.starts_with("my.rules:1 rem-u-by-power-of-mine: the example "), "{out}");
    assert!(fault(dir.path(), &["test", "bad.rules"]).contains("bad.rules:1:25"));
    assert!(fault(dir.path(), &["test", "nowhere"]).contains("nowhere: "));
    // What is no snapshot differs, and nothing happens to it.
    std::fs::write(dir.path().join("my.rules"), RULE).expect("a file");
    std::fs::write(dir.path().join("my.snap"), [0xff, 0xfe, b'\n', 0]).expect("a file");
    assert_eq!(rules(dir.path(), &["test", "my.rules"]).0, 1);
    std::fs::remove_file(dir.path().join("my.snap")).expect("removed");
    std::fs::create_dir(dir.path().join("my.snap")).expect("a folder");
    fault(dir.path(), &["test", "my.rules"]);
}

/// What the template says can be done with it can be done.
#[test]
fn new_writes_a_rule_that_passes() {
    let dir = folder();
    assert_eq!(good(dir.path(), &["new"]), good(dir.path(), &["new", "my-rule"]));
    good(dir.path(), &["new", "mine", "-o", "mine.rules"]);
    good(dir.path(), &["check", "mine.rules"]);
    good(dir.path(), &["test", "mine.rules"]);
    assert!(fault(dir.path(), &["new", "mine", "-o", "mine.rules"]).contains("mine.rules: is there already"));
    assert!(
        fault(dir.path(), &["new", "add-zero"])
            .contains("the built-in rules have one of the name `add-zero`")
    );
    for name in ["?x", "a@b", "a b", "(", ":phase", "", "=>", "x\n(rule y"] {
        assert_eq!(rules(dir.path(), &["new", name]).0, 1, "{name:?}");
    }
    assert!(fault(dir.path(), &["new", "x", "-o", "no/where.rules"]).contains("no/where.rules"));
}

/// Rows of a file without their last column or member that is a time.
fn timeless(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("the rows");
    let mut out = String::new();
    for line in text.lines() {
        let line = match line.split_once("\"seconds\":") {
            Some((before, after)) => {
                format!("{before}{}", after.trim_start_matches(|c: char| c != ',' && c != '}'))
            }
            None => line.rsplit_once(',').expect("columns").0.to_owned(),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[test]
fn ablate_says_what_themes_are_worth() {
    let dir = folder();
    let out = good(dir.path(), &["ablate", "rem.wat", "add.wat", "--theme", "arith", "--theme", "division"]);
    let line = |name: &str| {
        let found = out
            .lines()
            .find(|l| l.starts_with(&format!("{name} ")))
            .unwrap_or_else(|| panic!("{name}\n{out}"));
        found.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("all")[1..3], ["2", "0"]);
    // `x + 0` is left as it is without `arith`, and nothing else changes.
    let bytes = |name: &str| line(name)[3].parse::<u64>().expect("bytes");
    assert_eq!(bytes("theme:arith"), bytes("all") + 3);
    assert_eq!(bytes("none"), bytes("all") + 3);
    assert_eq!(bytes("theme:division"), bytes("all"));
    assert!(out.contains("rules never fire on these 2 modules\n"), "{out}");
    assert!(out.lines().any(|l| l.starts_with("  arith: sub-zero, ")), "{out}");
    assert!(out.contains("8 rows, "), "{out}");
}

#[test]
fn ablate_takes_rules_and_sets_beside_each_other() {
    let dir = folder();
    let args = ["ablate", "rem.wat", "--set", "my.rules", "--set", "builtin", "--each-rule", "-O2"];
    let theme = [&args[..4], &["--each-rule", "-O2", "--svg", "fig.svg", "--draw", "cost"]].concat();
    let out = good(dir.path(), &theme);
    assert!(out.contains("rule:rem-u-by-power-of-mine"), "{out}");
    assert!(out.contains("0 of 1 rules never fire on these 1 modules"), "{out}");
    let svg = std::fs::read_to_string(dir.path().join("fig.svg")).expect("the figure");
    assert!(svg.starts_with("<svg ") && svg.contains("without rule:rem-u-by-power-of-mine"), "{svg}");
    let mut both = args[..6].to_vec();
    both.extend(["--theme", "my"]);
    // A name must be one of every set.
    assert!(fault(dir.path(), &both).contains("no theme has the name `my`"));
    let out = good(dir.path(), &args[..6]);
    assert!(out.contains("my.rules, 1 modules:\n") && out.contains("builtin, 1 modules:\n"), "{out}");
}

#[test]
fn shards_concatenate_to_the_whole() {
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    let args = ["ablate", "rem.wat", "add.wat", "--csv"];
    good(dir.path(), &[&args[..], &["all.csv", "--json", "all.jsonl"]].concat());
    for form in ["csv", "jsonl"] {
        let option = if form == "csv" { "--csv" } else { "--json" };
        for count in [2, 7] {
            let mut joined = Vec::new();
            for index in 1..=count {
                let (name, shard) = (format!("{count}-{index}.{form}"), format!("{index}/{count}"));
                good(dir.path(), &["ablate", "rem.wat", "add.wat", option, &name, "--shard", &shard]);
                joined.extend(std::fs::read(path(&name)).expect("a shard"));
            }
            let name = format!("{count}.{form}");
            std::fs::write(path(&name), joined).expect("a file");
            assert_eq!(timeless(&path(&name)), timeless(&path(&format!("all.{form}"))), "{name}");
            // The whole from the parts: nothing is left to measure.
            let out = good(dir.path(), &["ablate", "rem.wat", "add.wat", option, &name]);
            assert!(out.contains("34 rows, 0 measured now"), "{out}");
        }
    }
}

#[test]
fn ablation_is_continued() {
    let dir = folder();
    let path = dir.path().join("r.jsonl");
    let args = ["ablate", "rem.wat", "add.wat", "--theme", "arith", "--json", "r.jsonl"];
    good(dir.path(), &args);
    let whole = std::fs::read_to_string(&path).expect("rows");
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 6);
    // Interrupted within the last line but one.
    let cut = lines[..4].join("\n").len() + 20;
    std::fs::write(&path, &whole[..cut]).expect("cut");
    let out = good(dir.path(), &args);
    assert!(out.contains("6 rows, "), "{out}");
    let now = std::fs::read_to_string(&path).expect("rows");
    assert_eq!(now.lines().take(4).collect::<Vec<_>>(), lines[..4]);
    assert_eq!(timeless(&path).lines().count(), 6);
    assert!(good(dir.path(), &args).contains("6 rows, 0 measured now"));
    assert_eq!(std::fs::read_to_string(&path).expect("rows"), now);
    // More modules later, and other options: only what is not there is measured.
    std::fs::write(dir.path().join("z.wat"), "(module (func))").expect("a module");
    let more = [&args[..3], &["z.wat"], &args[3..]].concat();
    assert!(good(dir.path(), &more).contains("9 rows, 2 measured now"));
    assert!(!good(dir.path(), &[&args[..], &["-O2"]].concat()).contains(" 0 measured now"));
    // From CSV as from JSON Lines, but for what fired.
    good(dir.path(), &["ablate", "rem.wat", "--csv", "r.csv"]);
    let out = good(dir.path(), &["ablate", "rem.wat", "--csv", "r.csv"]);
    assert!(out.contains(" 0 measured now") && out.contains("what fired is not in CSV"), "{out}");
}

#[test]
fn ablate_says_what_is_wrong() {
    let dir = folder();
    assert!(fault(dir.path(), &["ablate", "nowhere.wasm"]).contains("nowhere.wasm: "));
    assert!(
        fault(dir.path(), &["ablate", "rem.wat", "--rule", "add-zer"]).contains("did you mean `add-zero`?")
    );
    assert!(fault(dir.path(), &["ablate", "rem.wat", "--set", "bad.rules"]).contains("bad.rules:1:25"));
    assert!(
        fault(dir.path(), &["ablate", "rem.wat", "--json", "my.rules"])
            .contains("my.rules:1:1: this is no line")
    );
    assert_eq!(std::fs::read_to_string(dir.path().join("my.rules")).expect("the file"), RULE);
    // A module that cannot be read does not keep the others from being measured.
    let (code, out, err) = rules(dir.path(), &["ablate", "broken.wat", "rem.wat", "--theme", "arith"]);
    assert_eq!(code, 1);
    assert!(err.starts_with("loom: broken.wat: ") && out.contains("3 rows"), "{out}{err}");
    for wrong in [
        &["ablate"][..],
        &["ablate", "rem.wat", "--shard", "0/2"],
        &["ablate", "rem.wat", "--shard", "3/2"],
        &["ablate", "rem.wat", "--repeat", "0"],
        &["ablate", "rem.wat", "--draw", "bytes"],
        &["ablate", "rem.wat", "-j", "0"],
    ] {
        assert_eq!(rules(dir.path(), wrong).0, 2, "{wrong:?}");
    }
}

/// Where a module can run, what it executes is counted, and what it gives is compared.
#[cfg(feature = "fuel")]
#[test]
fn ablate_counts_executed_instructions() {
    let dir = folder();
    let wat =
        "(module (import \"h\" \"f\" (func $f)) (func (export \"run\") (param i32) (result i32) (local i32)
      (loop $l
        (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 3)) (i32.rem_u (local.get 0) (i32.const 8))))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1)))";
    std::fs::write(dir.path().join("loop.wat"), wat).expect("a module");
    good(
        dir.path(),
        &["ablate", "loop.wat", "add.wat", "--theme", "arith", "--json", "r.jsonl", "--arg", "1000"],
    );
    let text = std::fs::read_to_string(dir.path().join("r.jsonl")).expect("rows");
    let fuel: Vec<Option<u64>> = text
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON")["fuel"].as_u64())
        .collect();
    assert!(fuel.iter().all(Option::is_some), "{text}");
    assert!(fuel[0] > Some(5_000) && fuel[3] < Some(100), "{fuel:?}");
    assert!(text.contains("+run(1000)"), "{text}");
    // What traps cannot run: its rows have no count.
    std::fs::write(dir.path().join("trap.wat"), "(module (func (export \"run\") unreachable))")
        .expect("a module");
    good(dir.path(), &["ablate", "trap.wat", "--theme", "arith", "--json", "t.jsonl"]);
    let text = std::fs::read_to_string(dir.path().join("t.jsonl")).expect("rows");
    assert_eq!(text.matches("\"fuel\":null").count(), 3, "{text}");
}

/// Handles of resources are the one thing that the host does: made, looked up and dropped, which calls the destructor.
#[cfg(feature = "fuel")]
#[test]
fn ablate_counts_what_needs_handles() {
    let dir = folder();
    // `run(n)` makes n handles and gives each back; twice the sum of what the destructors got is the result.
    let wat = r#"(module
      (import "[export]a" "[resource-new]t" (func $new (param i32) (result i32)))
      (import "[export]a" "[resource-rep]t$2" (func $rep (param i32) (result i32)))
      (import "a" "[resource-drop]t" (func $drop (param i32)))
      (global $sum (mut i32) (i32.const 0))
      (func (export "a#[dtor]t") (param i32)
        (global.set $sum (i32.add (global.get $sum) (i32.mul (local.get 0) (i32.const 2)))))
      (func (export "run") (param i32) (result i32) (local i32)
        (loop $l
          (local.set 1 (call $new (local.get 0)))
          (if (i32.ne (call $rep (local.get 1)) (local.get 0)) (then unreachable))
          (call $drop (local.get 1))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (global.get $sum)))"#;
    std::fs::write(dir.path().join("handles.wat"), wat).expect("a module");
    // A handle that is none, and a host function that is not known: no count.
    std::fs::write(
        dir.path().join("none.wat"),
        wat.replace("(call $drop (local.get 1))", "(call $drop (i32.const 7))"),
    )
    .expect("a module");
    std::fs::write(dir.path().join("other.wat"), wat.replace("[resource-new]", "[resource-old]"))
        .expect("a module");
    let counts = |module: &str| -> Vec<Option<u64>> {
        let file = format!("{module}.jsonl");
        good(dir.path(), &["ablate", module, "--theme", "canon", "--json", &file, "--arg", "50"]);
        let text = std::fs::read_to_string(dir.path().join(&file)).expect("rows");
        let fuel = |l: &str| serde_json::from_str::<serde_json::Value>(l).expect("JSON")["fuel"].as_u64();
        text.lines().map(fuel).collect()
    };
    let handles = counts("handles.wat");
    assert!(handles.len() == 3 && handles.iter().all(|f| *f > Some(500)), "{handles:?}");
    assert_eq!(counts("none.wat"), [None; 3]);
    assert_eq!(counts("other.wat"), [None; 3]);
}
