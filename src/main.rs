//! The `loom` command: see `loom --help`, and the library for everything it does.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os())
}
