//! `loom rules`: the workbench for rewrite rules. Each command has a file; results go to standard output, messages to standard
//! error, and the exit code is that of `loom`: 0 all is well, 1 a rule or a file is at fault, 2 wrong usage.

mod ablate;
mod check;
mod corpus;
mod list;
mod new;
mod show;
mod test;

use super::{FAULT, USAGE, messages::say};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// Work on rewrite rules.
#[derive(Debug, Parser)]
#[command(name = "loom rules")]
struct RulesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read rules and try to refute or prove them
    Check(check::CheckArgs),
    /// List rules: theme, phase, how each is established, how often it fires
    List(list::ListArgs),
    /// Show a rule: as written, expanded, with what its conditions mean
    Show(show::ShowArgs),
    /// Test the examples of rules, and what they become against the snapshots
    Test(test::TestArgs),
    /// Write a rule to start from
    New(new::NewArgs),
    /// Measure what themes or rules are worth by leaving each out in turn
    Ablate(ablate::AblateArgs),
}

/// Runs `loom rules` with what follows these two words.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let args = match RulesArgs::try_parse_from(std::iter::once("loom rules".into()).chain(arguments)) {
        Ok(args) => args,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { USAGE } else { 0 });
        }
    };
    let result = match args.command {
        Command::Check(args) => check::run(&args),
        Command::List(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Test(args) => test::run(&args),
        Command::New(args) => new::run(&args),
        Command::Ablate(args) => ablate::run(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAULT),
        Err(e) => {
            say(&format!("loom: {}\n", e.to_string().replace(char::is_control, " ")));
            ExitCode::from(FAULT)
        }
    }
}
