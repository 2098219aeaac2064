//! `loom rules check`: are rules right?

use crate::cli::files::write_stdout;
use clap::Args;
use loom_wasm::Error;
use loom_wasm::rules::RuleSet;
use loom_wasm::verify::{Answer, check_rule};
use std::path::PathBuf;

/// Arguments of `loom rules check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Rule files or folders [default: the built-in rules]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Checks; `Ok(false)` if a rule is refuted or nothing could be said about it.
pub fn run(args: &CheckArgs) -> Result<bool, Error> {
    let set = if args.paths.is_empty() { RuleSet::builtin()? } else { RuleSet::load(&args.paths)? };
    let mut good = true;
    let mut text = String::new();
    for rule in &set.rules {
        match check_rule(rule) {
            Answer::Passed { .. } => continue,
            Answer::Refuted(why) => text.push_str(&format!("{} {}: refuted: {why}\n", rule.location(), rule.name)),
            Answer::Unknown(why) => text.push_str(&format!("{} {}: unknown: {why}\n", rule.location(), rule.name)),
        }
        good = false;
    }
    text.push_str(&format!("{} rules checked\n", set.rules.len()));
    write_stdout(text.as_bytes())?;
    Ok(good)
}
