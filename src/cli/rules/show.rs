//! `loom rules show NAME`: one rule as written, its expansions, what its conditions mean, how it is established.

use super::list::ledger;
use crate::cli::files::write_stdout;
use clap::Args;
use loom_wasm::Error;
use loom_wasm::rules::{Expr, Func, Rule, RuleSet, did_you_mean, sexpr, texts};
use loom_wasm::verify::ledger::Standing;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments of `loom rules show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Name of a rule, of a family of rules, or of one instance of a family
    #[arg(value_name = "NAME")]
    name: String,

    /// Rule files or folders [default: the built-in rules]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// A ledger of proofs [default: that of the built-in rules]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

/// Shows; an error where there is no such rule.
pub fn run(args: &ShowArgs) -> Result<bool, Error> {
    let set = RuleSet::load_or_builtin(&args.paths)?;
    let Some(found) = set.get(&args.name) else {
        let names = set.rules.iter().flat_map(|r| [&*r.family, &*r.name]);
        let hint = did_you_mean(&args.name, names);
        return Err(Error::new(format!("no rule has the name `{}`{hint}", args.name)).in_file("rules show"));
    };
    let whole: Vec<&Rule> = set.rules.iter().filter(|r| r.family == found.family).collect();
    let shown: Vec<&Rule> = match found.family == args.name {
        true => whole.clone(),
        false => vec![found],
    };
    let mut text = head(found, &args.paths)?;
    if found.name != found.family {
        writeln!(text, "\nexpansions ({} of {}):", shown.len(), whole.len()).expect("a string");
        for rule in &shown {
            writeln!(text, "\n{}", bare(rule)).expect("a string");
            orders(rule, &mut text);
        }
    } else {
        orders(found, &mut text);
    }
    functions(&shown, &mut text);
    let ledger = ledger(args.ledger.as_ref())?;
    text.push_str("\nproof: ");
    match ledger.standing(&whole) {
        Standing::Absent => text.push_str("not in the ledger; try it with `loom rules check --smt`\n"),
        Standing::Changed => {
            text.push_str("the ledger is about another text, or another meaning of something in it\n");
        }
        Standing::Recorded(e) => {
            writeln!(text, "{} of {} instances proved by {}", e.proved, e.instances, ledger.solver)
                .expect("a string");
            if let Some(width) = e.exhaustive {
                writeln!(text, "  all operands at {width} bits").expect("a string");
            }
            writeln!(text, "  at least {} samples of each instance", e.samples).expect("a string");
            for open in &e.open {
                writeln!(text, "  not decided by the solver: {open}").expect("a string");
            }
        }
    }
    write_stdout(text.as_bytes())?;
    Ok(true)
}

/// Name, place and attributes, and the rule as written.
fn head(rule: &Rule, paths: &[PathBuf]) -> Result<String, Error> {
    let all = texts(paths)?;
    let text = all.iter().find(|(name, _)| **name == *rule.file).map_or("", |(_, text)| text);
    let mut s = format!(
        "{}: {}:{}, theme {}, phase {}",
        rule.family,
        rule.file,
        rule.pos.line,
        rule.theme,
        rule.phase.name()
    );
    if !rule.needs.is_empty() {
        write!(s, ", only in modules that use {:?}", rule.needs).expect("a string");
    }
    write!(s, "\n\n{}\n", sexpr::written_at(text, rule.pos)).expect("a string");
    Ok(s)
}

/// An instance without its examples, which are those of the family.
fn bare(rule: &Rule) -> String {
    Rule { examples: Vec::new(), ..rule.clone() }.to_string()
}

/// The other orders of operands that are looked for.
fn orders(rule: &Rule, text: &mut String) {
    for v in &rule.variants {
        writeln!(text, "  also matches {}", rule.term(v, &rule.vars)).expect("a string");
    }
}

/// The functions of the vocabulary that the rule uses.
fn functions(rules: &[&Rule], text: &mut String) {
    let calls = rules.iter().flat_map(|r| &r.exprs).filter_map(|e| match e {
        Expr::Call { func, .. } => Some(*func),
        _ => None,
    });
    let used: BTreeSet<Func> = calls.collect();
    if used.is_empty() {
        return;
    }
    text.push_str("\nfunctions:\n");
    for f in used {
        let kind = if f.info().fact { " (a fact about the program)" } else { "" };
        writeln!(text, "  {}: {}{kind}", f.name(), f.info().doc).expect("a string");
    }
}
