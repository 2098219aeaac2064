//! `loom rules`: the workbench for rewrite rules. Each command has a file; results go to standard output, messages to standard
//! error, and the exit code is that of `loom`: 0 all is well, 1 a rule or a file is at fault, 2 wrong usage.

mod check;

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
