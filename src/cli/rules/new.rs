//! `loom rules new`: a rule to start from, with what may be written at each place.

use crate::cli::files::{Sink, write_stdout};
use clap::Args;
use loom_wasm::Error;
use loom_wasm::rules::{Phase, RuleSet, Verify};
use std::path::PathBuf;

/// Arguments of `loom rules new`.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// Name of the rule
    #[arg(value_name = "NAME", default_value = "my-rule")]
    name: String,

    /// File to write, which must not be there yet [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the template.
pub fn run(args: &NewArgs) -> Result<bool, Error> {
    let text = template(&args.name);
    // The reader knows what a name may be.
    let set = RuleSet::from_texts([("the template", text.as_str())])?;
    if set.rules.first().is_none_or(|r| r.family != args.name) {
        return Err(Error::new(format!("`{}` is no name for a rule", args.name)).in_file("rules new"));
    }
    let builtin = RuleSet::builtin()?;
    if let Some(other) = builtin.rules.iter().find(|r| r.family == args.name) {
        let why = format!("the built-in rules have one of the name `{}` ({})", args.name, other.location());
        return Err(Error::new(why).in_file("rules new"));
    }
    let Some(path) = &args.output else {
        write_stdout(text.as_bytes())?;
        return Ok(true);
    };
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(Error::new("is there already").in_file(path.display().to_string()));
    }
    Sink::prepare(path, text.as_bytes())?.commit()?;
    Ok(true)
}

fn template(name: &str) -> String {
    let phases = Phase::NAMES.map(|p| p.1).join(", ");
    let tags = Verify::NAMES.map(|v| v.1).join(", ");
    format!(
        "\
; A rule: wherever the left side stands and the conditions hold, the right side is equal.
;   :phase    one of {phases}; skeleton is about effects and branches: (br_if ?x) => taken
;   :verify   what establishes it beyond samples: one of {tags}
;   :for      one rule for each width; N stands for the number inside names (iN.add)
;   ?x        a value; inside (iN.const ?c) the bits of a constant
;   :when     conditions, and on the right computed constants such as (isub ?c 1): the vocabulary of docs/rules.md
;   :example  tested by `loom rules test`
; Then: loom rules check FILE, loom rules test FILE, loom --egraph --rules rules --rules FILE MODULE -v
(rule {name} :phase simplify :verify exhaustive :for (N 32 64)
  (iN.rem_u ?x (iN.const ?c)) => (iN.and ?x (iN.const (isub ?c 1)))
  :when (is_pow2 ?c)
  :example (i32.rem_u ?x (i32.const 8)) => (i32.and ?x (i32.const 7)))
"
    )
}
