//! What the loader accepts and, mostly, what it rejects and how.

use super::*;

fn load(text: &str) -> Result<RuleSet, Error> {
    RuleSet::from_texts([("t.rules", text)])
}

fn error(text: &str) -> String {
    load(text).map(|r| format!("accepted: {:?}", r.rules)).unwrap_or_else(|e| e.to_string())
}

#[test]
fn a_family() {
    let set = load(
        "(rule add-zero :phase simplify :for (N 32 64)
           (iN.add ?x (iN.const 0)) => ?x :verify sample)",
    )
    .unwrap();
    let names: Vec<_> = set.rules.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["add-zero@32", "add-zero@64"]);
    let r = set.get("add-zero@64").unwrap();
    assert_eq!(r.pos.line, 1);
    assert_eq!(r.lhs.nodes.len(), 3);
    assert_eq!(r.vars[0].ty, Some(crate::ir::types::Type::I64));
    assert!(r.variants.is_empty());
    assert_eq!(r.to_string().lines().nth(1), Some("  (i64.add ?x (i64.const 0))"));
}

#[test]
fn printing_reads_back() {
    for r in &RuleSet::builtin().unwrap().rules {
        let text = r.to_string().replace(&r.name, "again").replace("?_", "?w");
        let mut again = load(&text).unwrap_or_else(|e| panic!("{e}\n{text}")).rules.remove(0);
        again.name = r.name.clone();
        assert_eq!(again.to_string().replace("?w", "?_"), r.to_string());
    }
}

#[test]
fn commuting_operands() {
    let set = load(
        "(rule a :phase simplify (i32.and ?x (i32.or ?x ?y)) => ?x :verify sample)
         (rule b :phase simplify (i32.xor ?x ?x) => (i32.const 0) :verify sample)
         (rule c :phase simplify (i32.eqz (i32.xor ?x ?y)) => (i32.eq ?x ?y) :verify sample)",
    )
    .unwrap();
    let counts: Vec<_> = set.rules.iter().map(|r| r.variants.len()).collect();
    assert_eq!(counts, [3, 0, 0]);
}

#[test]
fn memory_rules() {
    let set = load(
        "(rule forward :phase memory :verify smt
           (i32.load ?m ?o ?a (i32.store ?m ?o ?a ?v ?s)) => ?v)
         (rule past :phase memory :verify smt
           (i32.load ?m ?o ?a ?v) => (i32.load ?m ?o ?a (older ?v ?m ?a ?o 4)))
         (rule through :phase memory :verify smt
           (i32.load ?d ?o ?a (memory.copy ?d ?s ?to ?from ?n ?vd ?vs))
           => (i32.load ?s ?o (i32.add ?from (i32.sub ?a ?to)) ?vs)
           :when (within ?a ?o 4 ?to ?n))",
    )
    .unwrap();
    let through = set.get("through").unwrap();
    let a = through.var(through.find_var("?a").unwrap());
    assert!(a.check_type && a.ty == Some(crate::ir::types::Type::I32));
    assert!(set.rules.iter().all(Rule::has_versions));
}

#[test]
fn errors_have_a_position_and_a_hint() {
    let cases = [
        (
            "(rule a :phase simplify (i32.ad ?x ?y) => ?x :verify sample)",
            "t.rules:1:25: unknown operator `i32.ad`; did you mean `i32.add`?",
        ),
        (
            "(rule a :phase simplify\n  (i32.add ?x) => ?x :verify sample)",
            "t.rules:2:3: `i32.add` takes 2 operands here, found 1 terms",
        ),
        (
            "(rule a :phase simplify (i32.add ?x ?y) => ?z :verify sample)",
            "t.rules:1:44: unbound variable: `?z`; did you mean `?x`?",
        ),
        (
            "(rule a :phase simplify (i32.add ?x (i64.const 1)) => ?x :verify sample)",
            "t.rules:1:37: types differ: i32 and i64; conversions are `i64.extend_i32_s` and `i32.wrap_i64`",
        ),
        (
            "(rule a :phase simplify (i32.wrap_i64 ?x) => ?x :verify sample)",
            "t.rules:1:46: types differ: i32 and i64; conversions are `i64.extend_i32_s` and `i32.wrap_i64`",
        ),
        (
            "(rule a :phase simplify ?x => ?x :verify sample)",
            "t.rules:1:25: a left side must be an operator, a bare variable would match everything",
        ),
        (
            "(rule a (i32.eqz ?x) => ?x)",
            "t.rules:1:1: the rule `a` has no :phase (one of canon, simplify, memory, expand, lower, skeleton)",
        ),
        (
            "(rule a :phase simplify (i32.eqz ?x) => ?x)",
            "t.rules:1:1: the rule `a` has no :verify (one of sample, exhaustive, smt): what is to establish it beyond samples",
        ),
        (
            "(rule a :phase simplify :verify proof (i32.eqz ?x) => ?x)",
            "t.rules:1:33: unknown :verify `proof`, expected one of sample, exhaustive, smt",
        ),
        (
            "(rule a :phase simplify (i32.add ?left ?right) => ?z :verify sample)",
            "t.rules:1:51: unbound variable: `?z`; the left side binds ?left, ?right",
        ),
        (
            "(rule a :phase memory (i32.add ?x ?y) => (i32.load 0 0 ?x ?v) :verify sample)",
            "t.rules:1:59: effect version that the left side does not bind: `?v`; nothing on the left side is an effect version",
        ),
        (
            "(rule a :phase simplfy (i32.eqz ?x) => ?x :verify sample)",
            "t.rules:1:16: unknown :phase `simplfy`, expected one of canon, simplify, memory, expand, lower, skeleton; did you mean `simplify`?",
        ),
        (
            "(rule a :phase simplify (i32.eqz ?x) => ?x :verify sample)\n(rule a :phase simplify (i32.eqz ?x) => ?x :verify sample)",
            "t.rules:2:1: the rule `a` is already defined at t.rules:1",
        ),
        (
            "(rule a :phase simplify (i32.shl ?x (i32.const ?c)) => ?x :when (is_pow3 ?c) :verify sample)",
            "t.rules:1:65: unknown function `is_pow3`; did you mean `is_pow2`?",
        ),
        (
            "(rule a :phase simplify (i32.shl ?x (i32.const ?c)) => ?x :when (eq ?c) :verify sample)",
            "t.rules:1:65: `eq` takes 2 arguments, found 1",
        ),
        (
            "(rule a :phase memory (i32.load ?m ?o ?a ?v) => (i32.load ?m ?o ?a ?w) :verify sample)",
            "t.rules:1:68: effect version that the left side does not bind: `?w`; did you mean `?v`?",
        ),
        (
            "(rule a :phase memory (i32.load ?m ?o ?a ?v) => (i32.load ?m ?o ?v ?v) :verify sample)",
            "t.rules:1:65: `?v` is a value here but an effect version before",
        ),
        (
            "(rule a :phase memory (i32.load ?m ?o ?a ?v) => (i32.load ?m ?o ?a (i32.store ?m ?o ?a ?a ?v)) :verify sample)",
            "t.rules:1:68: a right side cannot make an effect version; bind it on the left or use (older …)",
        ),
        (
            "(rule a :phase simplify (i32.shl ?x (i32.const (iadd 1 2))) => ?x :verify sample)",
            "t.rules:1:48: a left side cannot compute: bind a variable and test it after :when",
        ),
        (
            "(rule a :phase simplify (i32.eqz ?x) => (i32.eqz (i32.eqz ?x)) :verify sample)",
            "t.rules:1:41: the right side has more operators (2) than the left (1): only :phase expand, memory and lower may",
        ),
        (
            "(rule a :phase simplify (i32.const 1) => (i32.const 2) :verify sample)",
            "t.rules:1:25: a left side must be an operator, not a constant",
        ),
        (
            "(rule a :phase simplify (call ?x) => ?x :verify sample)",
            "t.rules:1:25: `call` cannot stand in a rule",
        ),
        (
            "(rule a :phaze simplify (i32.eqz ?x) => ?x)",
            "t.rules:1:9: unknown attribute `:phaze`; did you mean `:phase`?",
        ),
        (
            "(rule a :phase simplify (i32.eqz ?x) ?x :verify sample)",
            "t.rules:1:1: the rule `a` is not of the form LHS => RHS",
        ),
        (
            "(rule a :phase simplify (i32x4.extract_lane 4 ?x) => (i32.const 0) :verify sample)",
            "t.rules:1:45: 4 is out of range, the limit is 4",
        ),
        (
            "(rule a :phase simplify :for (N 32 65) (iN.add ?x ?y) => ?x :verify sample)",
            "t.rules:1:40: unknown operator `i65.add`; did you mean `i64.add`? (in the instance a@65)",
        ),
        (
            "(rule a :phase skeleton :verify smt (i32.add ?x ?y) => ?x)",
            "t.rules:1:37: the left side of a skeleton rule is a store, memory.fill, memory.copy, memory.grow, global.set or (br_if CONDITION)",
        ),
        (
            "(rule a :phase skeleton :verify smt (table.set ?t ?i ?x ?s) => remove)",
            "t.rules:1:37: the left side of a skeleton rule is a store, memory.fill, memory.copy, memory.grow, global.set or (br_if CONDITION)",
        ),
        (
            "(rule a :phase skeleton :verify smt (i32.store ?m ?o ?a ?x ?s) => removed)",
            "t.rules:1:67: an effect becomes `remove` or another effect",
        ),
        (
            "(rule a :phase skeleton :verify smt (i32.store ?m ?o ?a ?x ?s) => (i32.store8 ?m ?o ?a ?x ?s))",
            "t.rules:1:67: the right side must write to the same place as the left side: only the value, and an operator of the same width, may differ",
        ),
        (
            "(rule a :phase skeleton :verify smt (i32.store ?m ?o ?a (i32.add ?x ?y) ?s) => (i32.store ?m ?o ?x ?y ?s))",
            "t.rules:1:80: the right side must write to the same place as the left side: only the value, and an operator of the same width, may differ",
        ),
        (
            "(rule a :phase skeleton :verify smt (memory.copy ?m ?n ?a ?b ?l ?s ?t) => (memory.copy ?m ?n ?a ?a ?l ?s ?t))",
            "t.rules:1:75: the right side must write to the same place as the left side: only the value, and an operator of the same width, may differ",
        ),
        (
            "(rule a :phase skeleton :verify smt (i32.store ?m ?o ?a (i32.add ?x ?y) ?s) => (i32.store ?m ?o ?a (i32.div_u ?x ?y) ?s))",
            "t.rules:1:100: `i32.div_u` may not stand on the right side of a skeleton rule: it reads or may trap",
        ),
        (
            "(rule a :phase skeleton :verify smt (i32.store ?m ?o ?a ?x ?s) => (i32.store ?m ?o ?a ?x ?t))",
            "t.rules:1:90: effect version that the left side does not bind: `?t`; did you mean `?s`?",
        ),
        (
            "(rule a :phase skeleton :verify smt (memory.grow ?m ?n ?s) => (memory.grow ?m ?n ?s))",
            "t.rules:1:63: `memory.grow` can only be what a skeleton rule is about",
        ),
        (
            "(rule a :phase simplify :verify smt (i32.add (memory.grow ?m ?n ?s) ?x) => ?x)",
            "t.rules:1:46: `memory.grow` can only be what a skeleton rule is about",
        ),
        (
            "(rule a :phase skeleton :verify smt (br_if ?x) => taken)",
            "t.rules:1:1: it would match every branch: say :when",
        ),
        (
            "(rule a :phase skeleton :verify smt (br_if ?x ?y) => taken)",
            "t.rules:1:37: a branch tests one value",
        ),
        (
            "(rule a :phase skeleton :verify smt (br_if (i64.eqz ?x)) => (br_if ?x))",
            "t.rules:1:68: types differ: i32 and i64; conversions are `i64.extend_i32_s` and `i32.wrap_i64`",
        ),
        (
            "(rule a :phase skeleton :verify smt (br_if (i32.eqz ?x)) => always)",
            "t.rules:1:61: a branch becomes `taken`, `not-taken`, (br_if CONDITION) or (br_unless CONDITION)",
        ),
        (
            "(rule a :phase skeleton :verify smt (br_if (i32.eqz ?x)) => (br_if (i32.eqz (i32.eqz ?x))))",
            "t.rules:1:61: the right side has more operators (2) than the left (1): only :phase expand, memory and lower may",
        ),
        (
            "(rule a :phase skeleton :verify smt (memory.grow ?m (i32.const 0) ?s) => (memory.size ?m ?s) :example (memory.grow 0 (i32.const 0) ?s) => (i32.const a))",
            "t.rules:1:150: `a` is no constant of type i32",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn hostile_files_are_errors() {
    let nested = format!("(rule a :phase simplify {} => ?x :verify sample)", "(i32.eqz ".repeat(100_000));
    assert!(error(&nested).contains("nest more than"));
    let wide = format!("(rule a :phase simplify (i32.add {}) => ?x :verify sample)", "?x ".repeat(200_000));
    assert!(error(&wide).contains("more than 2000 terms"));
    let long = format!("(rule a :phase simplify ({} ?x) => ?x :verify sample)", "a".repeat(1_000_000));
    assert!(error(&long).contains("a word of more than 256 bytes"));
    let huge = " ".repeat(sexpr::MAX_BYTES + 1);
    assert!(error(&huge).contains("larger than"));
    let family = format!(
        "(rule a :phase simplify :for {} (i32.eqz ?x) => ?x :verify sample)",
        "(A 1 2 3 4 5 6 7 8)".repeat(20)
    );
    assert!(error(&family).contains("family of more than"));
}

/// Rule files cut, doubled and mixed up in 3,000 ways are accepted or rejected, but never a panic.
#[test]
fn damaged_files_do_not_panic() {
    let mut seed = 1u64;
    let mut random = |n: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % n.max(1)
    };
    let rules: Vec<&str> = BUILTIN.iter().flat_map(|(_, text)| text.split("\n\n")).collect();
    for _ in 0..3000 {
        let mut text = rules[random(rules.len())].to_string();
        let other = rules[random(rules.len())];
        for _ in 0..1 + random(3) {
            let atoms: Vec<&str> = text.split_inclusive([' ', '(', ')']).collect();
            let strange: Vec<&str> = other.split_inclusive([' ', '(', ')']).collect();
            if atoms.is_empty() || strange.is_empty() {
                continue;
            }
            let (at, from) = (random(atoms.len()), random(strange.len()));
            let mut mixed: Vec<&str> = atoms[..at].to_vec();
            match random(4) {
                0 => {}
                1 => mixed.push(strange[from]),
                2 => mixed.extend([atoms[at], atoms[at]]),
                _ => mixed.extend(["9999999999999999999999 ", "-", "N "]),
            }
            mixed.extend(&atoms[at + 1..]);
            text = mixed.concat();
        }
        let _ = load(&text);
    }
}
