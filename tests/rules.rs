//! Every built-in rule against the sampler; wrong rules, all of which it must refute; the examples in the rule files.

use loom_wasm::caps::Caps;
use loom_wasm::program::inline::InlineCaps;
use loom_wasm::rules::{Func, Rule, RuleSet, Verify};
use loom_wasm::verify::ledger::Ledger;
use loom_wasm::verify::smt::queries;
use loom_wasm::verify::tiers::{NARROW_WIDTHS, check_set};
use loom_wasm::verify::trial::near_misses;
use loom_wasm::verify::{Answer, check_examples, check_narrow, check_rule};
use loom_wasm::{Objective, Options, optimize_with};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_builtin_rule_passes() {
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    let mut failures = Vec::new();
    for rule in &set.rules {
        match check_rule(rule) {
            Answer::Passed { samples } if samples >= 30 => {}
            Answer::Passed { samples } => {
                failures.push(format!("{} {}: only {samples} samples", rule.location(), rule.name));
            }
            Answer::Refuted(why) => {
                failures.push(format!("{} {}: refuted: {why}", rule.location(), rule.name))
            }
            Answer::Unknown(why) => {
                failures.push(format!("{} {}: unknown: {why}", rule.location(), rule.name))
            }
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), set.rules.len(), failures.join("\n"));
}

#[test]
fn every_example_is_rewritten_as_it_says() {
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    let mut families: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for r in &set.rules {
        families.entry(&r.family).or_default().push(r);
    }
    for (name, rules) in families {
        assert!(
            matches!(check_examples(&rules), Answer::Passed { .. }),
            "{name}: {:?}",
            check_examples(&rules)
        );
    }
}

#[test]
fn there_are_enough_rules() {
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    let mut names: Vec<&str> = set.rules.iter().map(|r| r.family.as_str()).collect();
    names.dedup();
    assert!(names.len() >= 400, "{} named rules", names.len());
}

#[test]
fn wrong_rules_are_refuted() {
    let text = include_str!("wrong.rules");
    let set = RuleSet::from_texts([("tests/wrong.rules", text)]).unwrap_or_else(|e| panic!("{e}"));
    assert!(set.families().len() >= 60);
    // One at least of each kind of mistake that rules are known to have.
    for kind in [
        "trap-of-a-condition-dropped",
        "signed-for-unsigned",
        "mask-off-by-one",
        "float-plus-zero",
        "load-past-overlapping-store",
        "forward-of-other-memory",
    ] {
        assert!(set.get(kind).is_some(), "{kind}");
    }
    for rule in &set.rules {
        assert!(matches!(check_rule(rule), Answer::Refuted(_)), "{} is {:?}", rule.name, check_rule(rule));
    }
}

/// The ledger says how each family was established, for this text and this meaning, and what it says without a solver's help
/// is so.
#[test]
fn the_ledger_fits_the_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/rules.ledger");
    let ledger = Ledger::parse(&std::fs::read_to_string(path).expect("the ledger")).expect("a ledger");
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    let differences = ledger.differences(&set);
    assert!(
        differences.is_empty(),
        "{}\nrenew the ledger: cargo run --release -- rules check --smt --write",
        differences.join("\n")
    );
    assert!(ledger.solver.starts_with("z3 "), "{}", ledger.solver);
    let narrow = NARROW_WIDTHS.map(|w| (w, RuleSet::builtin_narrow(w).unwrap_or_else(|e| panic!("{e}"))));
    for (rule, checked) in set.rules.iter().zip(check_set(&set, &narrow, None, &|_| ())) {
        let entry = &ledger.entries[&format!("{}/{}", rule.theme, rule.family)];
        assert_eq!(checked.refuted(), None, "{}", rule.name);
        assert_eq!(checked.exhaustive(), entry.exhaustive, "{}", rule.name);
        assert!(checked.samples() >= entry.samples, "{}", rule.name);
    }
}

/// No operator, function or condition of a built-in rule is without an SMT term.
#[test]
fn every_builtin_rule_is_a_query() {
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    for rule in &set.rules {
        assert!(queries(rule).is_ok(), "{}: {:?}", rule.name, queries(rule));
    }
}

/// Two operands of 8 bits, four of 4 or eight of 2 are tried in all combinations.
#[test]
fn rules_tagged_exhaustive_hold_for_all_operands_at_a_small_width() {
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    let mut missing: BTreeMap<&str, String> = BTreeMap::new();
    for r in set.rules.iter().filter(|r| r.verify == Verify::Exhaustive) {
        missing.insert(&r.family, "has no reading at a small width".to_string());
    }
    let mut refuted = Vec::new();
    for width in [8, 4, 2] {
        let narrow = RuleSet::builtin_narrow(width).unwrap_or_else(|e| panic!("{e}"));
        for rule in &narrow.rules {
            match check_narrow(rule, width) {
                Answer::Passed { .. } => {
                    missing.remove(rule.family.as_str());
                }
                Answer::Refuted(why) => refuted.push(format!("{}: {why}", rule.name)),
                Answer::Unknown(why) => {
                    if let Some(old) = missing.get_mut(rule.family.as_str()) {
                        *old = why;
                    }
                }
            }
        }
    }
    assert!(refuted.is_empty(), "{}", refuted.join("\n"));
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The vocabulary and the counts of rules in the documentation are those of the program.
#[test]
fn the_documentation_is_up_to_date() {
    let doc = include_str!("../docs/rules.md");
    for f in Func::ALL {
        let row = doc.lines().find(|l| l.starts_with(&format!("| `({} ", f.name())));
        assert!(
            row.is_some_and(|r| r.ends_with(&format!("| {} |", f.info().doc))),
            "docs/rules.md: {}",
            f.name()
        );
    }
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    let mut families: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for r in &set.rules {
        families.entry(&r.theme).or_default().insert(&r.family);
    }
    for (theme, names) in families {
        let row = format!("| `{theme}` | {} |", names.len());
        assert!(doc.contains(&row), "docs/rules.md should have {row}");
    }
}

/// Each rule that fires in no module of the corpus has a line that says why it is kept. Which rules these are is for
/// `benches/silent.py` to find out, which writes the names; here it is seen that the reasons are there and are about rules.
#[test]
fn silent_rules_have_reasons() {
    const KINDS: [&str; 7] = ["cranelift", "binaryen:", "llvm", "twin", "enabled", "operators:", "idiom:"];
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<String> =
        set.families().iter().map(|f| format!("{}/{}", f[0].theme, f[0].family)).collect();
    let text = include_str!("../snapshots/silent-rules.txt");
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    let silent: BTreeSet<&str> = lines.iter().filter_map(|l| l.split_whitespace().next()).collect();
    let mut last = None;
    for line in &lines {
        let (name, reason) = line.split_once(' ').unwrap_or((line, ""));
        let place = names.iter().position(|n| n == name);
        assert!(place.is_some(), "{name} is no rule: python3 benches/silent.py LOOM MODULES… --bless");
        // In the order of the rules, and so none twice.
        assert!(place > last, "{name} stands in the wrong place");
        last = place;
        let kind = reason.split_whitespace().next().unwrap_or("");
        assert!(KINDS.contains(&kind), "{name}: no reason of a known kind: {reason}");
        assert!(reason.len() > kind.len() + 10, "{name}: {reason}");
        if kind == "twin" {
            // Its like fires: else this is no reason.
            let twin = reason[kind.len()..].trim_start().split(':').next().unwrap_or("");
            let of = names.iter().find(|n| n.split('/').nth(1) == Some(twin));
            assert!(of.is_some_and(|n| !silent.contains(n.as_str())), "{name}: {twin} is no rule that fires");
        }
    }
}

/// One reason not to fire at a time: alone on such a term, a rule stays silent. Where one fires all the same the snapshot says so, for somebody to
/// see why: the term meets the rule in another way.
#[test]
fn rules_do_not_fire_on_near_misses() {
    let set = RuleSet::builtin().unwrap_or_else(|e| panic!("{e}"));
    let mut text = String::new();
    let (mut themes, mut fire): (BTreeMap<&str, [usize; 3]>, Vec<String>) = Default::default();
    for family in set.families() {
        let rule = family[0];
        let misses = near_misses(rule);
        let counts = themes.entry(&rule.theme).or_default();
        counts[0] += 1;
        counts[1] += usize::from(!misses.is_empty());
        counts[2] += misses.len();
        let alone = RuleSet { rules: vec![rule.clone()] };
        for (reason, trial) in misses {
            let wasm = loom_wasm::read_input(trial.wat.as_bytes())
                .unwrap_or_else(|e| panic!("{}, {reason}: {e}\n{}", rule.name, trial.wat));
            let options = Options {
                egraph: true,
                objective: rule.objective.unwrap_or(Objective::Size),
                no_revert: true,
                caps: Caps { inline: InlineCaps::OFF, ..Caps::default() },
                ..Options::default()
            };
            let done =
                optimize_with(&wasm, &options, &alone).unwrap_or_else(|e| panic!("{}: {e}", rule.name));
            if !done.report.rules.is_empty() {
                fire.push(format!("{}, {reason}: {}", rule.name, trial.term));
            }
        }
    }
    for (theme, [rules, with, reasons]) in themes {
        text.push_str(&format!("{theme}: {reasons} near misses of {with} of {rules} rules\n"));
    }
    text.push_str(&format!("\nthese fire:\n{}\n", fire.join("\n")));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("near-misses", text));
}
