//! Rule files and graphs as text that were written to do harm, or damaged: a clear error with its place or a capped run,
//! never a panic. `LOOM_MUTATIONS` sets how many damaged texts of each kind are read (default 400).

use loom_wasm::error::Position;
use loom_wasm::ir::verify::verify;
use loom_wasm::ir::{dot, parse, print};
use loom_wasm::lift::{Lifted, lift};
use loom_wasm::module::{Module, decode};
use loom_wasm::rules::RuleSet;
use loom_wasm::{Options, optimize, read_input};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What no single text may take, in a debug build on a loaded machine.
const SLOW: Duration = Duration::from_secs(60);

fn mutations() -> u64 {
    std::env::var("LOOM_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Some characters lost, repeated, exchanged or replaced.
fn damaged(text: &str, rng: &mut Rng) -> String {
    const PIECES: [&str; 24] = [
        "(",
        ")",
        " ",
        "\n",
        ";",
        "=>",
        "?x",
        "0",
        "-1",
        "18446744073709551616",
        "0x",
        "i32.const",
        "i64.add",
        ":for",
        ":when",
        "v0",
        "b1",
        "@",
        "\0",
        "\u{feff}",
        "é",
        "\"",
        "nan:0x",
        "mem4294967295",
    ];
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..1 + rng.below(10) / 6 {
        let at = rng.below(chars.len());
        let end = (at + 1 + rng.below(9) * rng.below(2)).min(chars.len());
        // Half of the time a digit becomes another one, which may make sense.
        let digits: Vec<usize> = (at..chars.len()).filter(|&i| chars[i].is_ascii_digit()).take(1).collect();
        if let (0, Some(&i)) = (rng.below(2), digits.first()) {
            chars[i] = char::from(b'0' + rng.below(10) as u8);
            continue;
        }
        match rng.below(6) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let again = chars[at..end].to_vec();
                let to = rng.below(chars.len());
                chars.splice(to..to, again);
            }
            2 => drop(chars.splice(at..at, PIECES[rng.below(PIECES.len())].chars())),
            3 => drop(chars.splice(at..end, PIECES[rng.below(PIECES.len())].chars())),
            4 => chars.truncate(at.max(1)),
            _ => {
                let other = rng.below(chars.len());
                if let (true, true) = (at < chars.len(), other < chars.len()) {
                    chars.swap(at, other);
                }
            }
        }
        if chars.is_empty() {
            break;
        }
    }
    chars.into_iter().collect()
}

/// A few rules of a file.
fn excerpt(text: &str, rng: &mut Rng) -> String {
    let mut starts: Vec<usize> = text.match_indices("\n(rule ").map(|(i, _)| i + 1).collect();
    starts.push(text.len());
    let from = rng.below(starts.len() - 1);
    let to = (from + 1 + rng.below(4)).min(starts.len() - 1);
    text[starts[from]..starts[to]].to_owned()
}

fn rule_error(text: &str) -> String {
    let start = Instant::now();
    let result = RuleSet::from_texts([("hostile.rules", text)]);
    assert!(start.elapsed() < SLOW, "{:?} for {:.80}", start.elapsed(), text);
    match result {
        Ok(set) => panic!("{} rules read from {:.200}", set.rules.len(), text),
        Err(e) => e.to_string(),
    }
}

fn rule(name: &str, rest: &str) -> String {
    format!("(rule {name} :phase simplify :verify sample {rest})")
}

#[test]
fn hostile_rule_texts_are_refused_with_their_place() {
    let family = |clauses: &str| rule("r", &format!(":for {clauses} (i32.add ?x ?y) => (i32.add ?y ?x)"));
    let letters = |n: usize| {
        (0..n).map(|i| String::from_utf8(vec![b'A' + (i / 26) as u8, b'A' + (i % 26) as u8]).expect("ascii"))
    };
    let laughs: String = letters(40)
        .zip(letters(41).skip(1))
        .fold("(AA xx)".to_owned(), |all, (a, b)| format!("{all} ({b} {})", a.repeat(10)));
    let clause = |n: usize| (0..n).map(|i| format!("v{i} ")).collect::<String>();
    let nested = |n: usize| format!("{}?x{}", "(i32.eqz ".repeat(n), ")".repeat(n));
    let wide = |depth: u32| (0..depth).fold("?x".to_owned(), |inner, _| format!("(i32.add {inner} {inner})"));
    let cases: Vec<(String, &str)> = vec![
        ("(".repeat(1_000_000), "1:65: parentheses nest"),
        (rule("r", &format!("{} => ?x", nested(70))), "parentheses nest"),
        (rule("r", &format!("{} => ?x", wide(12))), "1:1: the rule `r` has more than 2000 terms"),
        (rule("r", "(i32.add ?x (i32.const 99999999999999999999999999999999999999999)) => ?x"), "1:"),
        (rule("r", "(i32.add ?x (i32.const 4294967296)) => ?x"), "1:"),
        (rule("r", "(i32.load ?m 99999999999999999999 ?a ?v) => (i32.const 0)"), "1:"),
        (format!("\n {}", rule(&"x".repeat(300), "?x => ?x")), "2:8: a word of more than 256 bytes"),
        ("x".repeat(4 << 20), "1:1: a word of more than"),
        (" ".repeat((4 << 20) + 1), "larger than 4194304 bytes"),
        ("\0".to_owned(), "1:1: control character U+0000"),
        ("\n  \u{7}".to_owned(), "2:3: control character U+0007"),
        (family(&laughs), "more than 64 bytes"),
        (family(&"(A 1 2 3 4 5 6 7 8) (B 1 2 3 4 5 6 7 8)".repeat(20)), "more than 4096 instances"),
        (family(&format!("(A {})", clause(100_000))), "more than 4096 instances"),
        (
            family(&format!("(({}) ({}))", letters(400).collect::<Vec<_>>().join(" "), clause(400))),
            "more than 16 words",
        ),
        (family("(A)"), "no alternatives"),
        (family("(A x x)"), "the same"),
        (
            format!("{0}\n{0}", rule("r", "(i32.eqz (i32.eqz ?x)) => (i32.ne ?x (i32.const 0))")),
            "2:1: the rule `r` is already defined at",
        ),
        (rule("r", "?x => (i32.eqz ?x)"), "1:"),
        (rule("r", "(i32.eqz ?x) => ?y"), "1:"),
        (rule("r", "(i32.eqz ?x) => ?x :when (no_such_function ?x)"), "1:"),
        ("(rule)".to_owned(), "1:1: expected the rule's name"),
        ("rule".to_owned(), "1:1: expected (rule NAME"),
    ];
    for (text, expected) in &cases {
        let message = rule_error(text);
        assert!(message.starts_with("hostile.rules:"), "{message}");
        assert!(message.contains(expected), "{message:.300} where {expected} was expected");
        assert!(message.len() < 2_000, "{} bytes of message", message.len());
    }
}

#[test]
fn rule_files_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("can be written");
        path
    };
    let message = |path: &Path| match RuleSet::load(&[path.to_path_buf()]) {
        Ok(set) => panic!("{} rules", set.rules.len()),
        Err(e) => e.to_string(),
    };
    let utf8 = message(&file("utf8.rules", b"; fine\n; \xc3\xa9 \xff\n"));
    assert!(utf8.ends_with("utf8.rules:2:5: not UTF-8"), "{utf8}");
    let utf16 = message(&file("utf16.rules", b"\xff\xfe(\0r\0"));
    assert!(utf16.ends_with("utf16.rules:1:1: not UTF-8"), "{utf16}");
    let large = message(&file("large.rules", &vec![b' '; (4 << 20) + 1]));
    assert!(large.contains("large.rules: the rule file is larger than"), "{large}");
    assert!(
        message(&folder.path().join("none.rules")).contains("none.rules: cannot read"),
        "a file that is not there"
    );
    if cfg!(target_os = "linux") {
        assert!(
            message(Path::new("/dev/zero")).contains("larger than"),
            "no more is read than a rule file has"
        );
    }
    // Windows' line ends and byte order mark are fine, and so is a folder without rules.
    let windows =
        b"\xef\xbb\xbf(rule r :phase simplify :verify sample\r\n  (i32.eqz (i32.eqz (i32.eqz ?x))) => (i32.eqz ?x))\r\n";
    assert_eq!(RuleSet::load(&[file("windows.rules", windows)]).expect("is read").rules.len(), 1);
    let empty = folder.path().join("folder");
    std::fs::create_dir(&empty).expect("can be made");
    assert_eq!(RuleSet::load(&[empty]).expect("is read").rules.len(), 0);
}

/// Rules that never come to rest, or match everything: the run ends, at a cap or not, and the output is valid.
#[test]
fn rules_that_explode_are_capped() {
    let explosive = [
        "(rule commute :phase simplify :verify sample (i32.add ?x ?y) => (i32.add ?y ?x))
         (rule assoc :phase simplify :verify sample (i32.add ?x (i32.add ?y ?z)) => (i32.add (i32.add ?x ?y) ?z))
         (rule back :phase simplify :verify sample (i32.add (i32.add ?x ?y) ?z) => (i32.add ?x (i32.add ?y ?z)))
         (rule distribute :phase expand :verify sample (i32.mul ?x (i32.add ?y ?z)) => (i32.add (i32.mul ?x ?y) (i32.mul ?x ?z)))",
        "(rule grow :phase lower :verify sample (i32.add ?x ?y) => (i32.sub (i32.add ?x (i32.add ?y (i32.const 1))) (i32.const 1)))",
        "(rule wrap :phase expand :verify sample (i32.add ?x ?y) => (i32.xor (i32.const -1) (i32.xor (i32.const -1) (i32.add ?x ?y))))
         (rule more :phase lower :verify sample (i32.xor ?x ?y) => (i32.xor (i32.xor ?x (i32.const 1)) (i32.xor ?y (i32.const 1))))",
        "(rule loop1 :phase expand :verify sample (i32.mul ?x ?y) => (i32.sub (i32.const 0) (i32.mul ?x (i32.sub (i32.const 0) ?y))))
         (rule loop2 :phase lower :verify sample (i32.sub (i32.const 0) ?y) => (i32.mul ?y (i32.const -1)))",
    ];
    let n = 60;
    let mut wat = String::from("(module (func (export \"f\")");
    (0..n).for_each(|_| wat.push_str(" (param i32)"));
    wat.push_str(" (result i32) local.get 0");
    (1..n).for_each(|i| {
        wat.push_str(&format!(" local.get {i} {}", if i % 3 == 0 { "i32.mul" } else { "i32.add" }))
    });
    wat.push_str("))");
    let wasm = read_input(wat.as_bytes()).expect("is valid");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut capped = 0;
    for (i, text) in explosive.iter().enumerate() {
        let path = folder.path().join(format!("{i}.rules"));
        std::fs::write(&path, text).expect("can be written");
        let options = Options { egraph: true, rules: vec![path], ..Options::default() };
        let start = Instant::now();
        let output = optimize(&wasm, &options).unwrap_or_else(|e| panic!("{e}"));
        assert!(start.elapsed() < SLOW, "rules {i} took {:?}", start.elapsed());
        wasmparser::validate(&output.wasm).unwrap_or_else(|e| panic!("rules {i}: {e}"));
        capped += usize::from(output.report.limits.keys().any(|l| l.starts_with("egraph-")));
        assert!(!output.report.limits.contains_key("internal-panic"), "{i}: {:?}", output.report);
    }
    // The others end because the phases that may grow have few iterations.
    assert!(capped >= 1, "no cap was reached");
}

#[test]
fn damaged_rule_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the rules").flatten().map(|e| e.path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "rules"));
    files.sort();
    let texts: Vec<String> = files.iter().map(|f| std::fs::read_to_string(f).expect("is text")).collect();
    let mut rng = Rng(1);
    let (mut read, mut refused) = (0, 0);
    for n in 0..mutations() {
        let whole = &texts[rng.below(texts.len())];
        let text = damaged(&excerpt(whole, &mut rng), &mut rng);
        match RuleSet::from_texts([("damaged.rules", text.as_str())]) {
            Ok(_) => read += 1,
            Err(e) => {
                assert!(matches!(e.position, Position::LineColumn(..)), "mutation {n}: {e}\n{text}");
                refused += 1;
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(refused > read / 10, "the damage is seen");
}

fn functions(wasm: &[u8]) -> Option<(Module, Vec<String>)> {
    let decoded = decode(wasm).ok()?;
    let (mut texts, mut allocations) = (Vec::new(), Default::default());
    for body in decoded.bodies {
        let lifted;
        (lifted, allocations) = lift(&decoded.module, &decoded.types, body, allocations).ok()?;
        if let Lifted::Function(f) = lifted {
            texts.push(print::function(&f, Some("name \"quoted\"")));
        }
    }
    Some((decoded.module, texts))
}

#[test]
fn damaged_graphs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the regressions").flatten().map(|e| e.path()).collect();
    files.sort();
    let modules: Vec<(Module, Vec<String>)> = files
        .iter()
        .filter_map(|f| functions(&read_input(&std::fs::read(f).ok()?).ok()?))
        .filter(|(_, texts)| !texts.is_empty())
        .collect();
    let mut rng = Rng(2);
    let (mut read, mut refused, mut right) = (0, 0, 0);
    for n in 0..mutations() {
        let (module, texts) = &modules[rng.below(modules.len())];
        let text = damaged(&texts[rng.below(texts.len())], &mut rng);
        match parse::function(&text) {
            Ok(f) => {
                read += 1;
                right += u32::from(verify(&f, module).is_ok());
                // What was read is written so that it is read as the same, and can be drawn.
                let again = print::function(&f, None);
                let second = parse::function(&again).unwrap_or_else(|e| panic!("mutation {n}: {e}\n{again}"));
                assert_eq!(print::function(&second, None), again, "mutation {n}");
                assert!(!dot::function(&f, None).is_empty());
            }
            Err(e) => {
                assert!(matches!(e.position, Position::LineColumn(..)), "mutation {n}: {e}\n{text}");
                refused += 1;
            }
        }
    }
    println!("{read} read, {right} of them right, {refused} refused");
    assert!(refused > 0 && read > 0, "the damage is seen, and some of it does none");
}

#[test]
fn hostile_graph_texts() {
    let head = "function func0 () -> () {\n";
    let cases = [
        "(".repeat(1_000_000),
        format!("{head}b0():\n    v4294967295: i32 = i32.const 0\n    return\n}}"),
        format!("{head}b4294967295():\n    return\n}}"),
        format!(
            "{head}b0():\n    v0: i32 = i32.const 99999999999999999999999999999999999999999\n    return\n}}"
        ),
        format!("{head}b0():\n    br_table v0 [{}] default b0()\n}}", "b0(), ".repeat(100_000)),
        format!("{head}b0():\n    br b1({})\n}}", "v0, ".repeat(100_000)),
        format!("{head}{}", "b0():\n".repeat(100_000)),
        format!("function func0 \"{}", "\\u{".repeat(100_000)),
        format!("function func0 ({}) -> () {{", "(ref ".repeat(100_000)),
        "function func4294967295 \"\0\" () -> () {}".to_owned(),
        format!("{head}b0():\n    v0: i32 @4294967296 = i32.const 0\n    return\n}}"),
    ];
    for text in &cases {
        let start = Instant::now();
        let e = match parse::functions(text) {
            Ok(_) => panic!("read: {:.100}", text),
            Err(e) => e,
        };
        assert!(start.elapsed() < SLOW, "{:?} for {:.80}", start.elapsed(), text);
        assert!(matches!(e.position, Position::LineColumn(..)), "{e}");
        assert!(e.to_string().len() < 400_000, "a message of {} bytes", e.to_string().len());
    }
}
