//! The command line: arguments to [`loom_wasm::Options`], files in and out, messages.
//!
//! Messages go to standard error, data to standard output. The exit code is 0 when everything was written, 1 when the input
//! or a rule file is at fault (one line says what and where), 2 for wrong usage. Files are written next to their final
//! place and renamed at the very end, so that a failure leaves nothing behind.

mod args;
mod emit;
mod files;
mod messages;
mod rules;

use args::{Args, Emit};
use files::Sink;
use loom_wasm::{Error, Options, Output};
use messages::{Messages, say};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

/// Exit code when the input, a rule file or the file system is at fault.
const FAULT: u8 = 1;
/// Exit code for wrong usage.
const USAGE: u8 = 2;

/// Runs the command with the process's arguments (the first is the program's name).
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.peekable();
    let program = arguments.next();
    // A file of that name is written `./rules`.
    if arguments.next_if(|a| a == "rules").is_some() {
        return rules::run(arguments);
    }
    let args = match Args::read(program.into_iter().chain(arguments)) {
        Ok(args) => args,
        Err(e) => {
            // Help and version are asked for and go to standard output; clap knows which of both this is.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { USAGE } else { 0 });
        }
    };
    let options = match args.options() {
        Ok(options) => options,
        Err(message) => {
            say(&format!("loom: {message}\nTry `loom --help`.\n"));
            return ExitCode::from(USAGE);
        }
    };
    if args.writes_to_stdout() && args.emit == Emit::Wasm && std::io::stdout().is_terminal() {
        say("loom: not writing a binary module to the terminal; use `-o FILE` or `--emit wat`\n");
        return ExitCode::from(USAGE);
    }
    let messages = Messages::new(&args);
    match optimize_file(&args, &options, &messages) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            messages.error(&e);
            ExitCode::from(FAULT)
        }
    }
}

fn optimize_file(args: &Args, options: &Options, messages: &Messages) -> Result<(), Error> {
    let name = args.input_name();
    let of_input = |e: Error| if e.file.is_empty() { e.in_file(name.clone()) } else { e };
    if let Some(rules) = options.rules.iter().find(|r| !r.exists()) {
        return Err(Error::new("no such file or folder").in_file(rules.display().to_string()));
    }
    let bytes = files::read(&args.input).map_err(of_input)?;
    let wasm = loom_wasm::read_input(&bytes).map_err(of_input)?;

    messages.begin(&name, wasm.len());
    let output = loom_wasm::optimize(&wasm, options);
    messages.end();
    let output = output.map_err(of_input)?;
    if args.validate {
        let features = loom_wasm::module::accepted_features();
        wasmparser::Validator::new_with_features(features).validate_all(&output.wasm).map_err(|e| {
            Error::from(e).in_file(format!("internal error: the output for {name} is invalid"))
        })?;
    }

    let data = emit::render(args.emit, &output).map_err(of_input)?;
    write_all(args, &data, &output)?;
    messages.success(&name, &args.output_name(), args.emit, &output.report);
    Ok(())
}

/// Prepares every file, then puts them in place, then writes what goes to standard output.
fn write_all(args: &Args, data: &[u8], output: &Output) -> Result<(), Error> {
    let mut sinks = vec![Sink::prepare(&args.output_path(), data)?];
    if let Some(path) = &args.report {
        let mut json = serde_json::to_vec_pretty(&output.report)
            .map_err(|e| Error::new(e.to_string()).in_file(path.display().to_string()))?;
        json.push(b'\n');
        sinks.push(Sink::prepare(path, &json)?);
    }
    sinks.into_iter().try_for_each(Sink::commit)?;
    if args.explain.is_some() {
        let text = output.report.explanation.as_deref().unwrap_or("nothing was recorded for this function");
        let text = format!("{}\n", text.trim_end());
        if args.writes_to_stdout() {
            say(&text);
        } else {
            files::write_stdout(text.as_bytes())?;
        }
    }
    Ok(())
}
