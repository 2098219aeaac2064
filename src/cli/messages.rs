//! What is said on standard error.

use super::args::{Args, Color, Emit};
use loom_wasm::report::{Answers, Fate};
use loom_wasm::{Error, Report};
use std::io::{IsTerminal, Write};

/// The ways of speaking that the arguments ask for.
pub struct Messages {
    quiet: bool,
    verbose: bool,
    progress: bool,
    color: bool,
}

impl Messages {
    /// As the arguments ask.
    pub fn new(args: &Args) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = match args.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Messages {
            quiet: args.quiet,
            verbose: args.verbose,
            progress: terminal && !args.quiet && !args.no_progress,
            color,
        }
    }

    /// `loom:` in front of every line, in a colour by kind.
    fn line(&self, code: &str, text: &str) {
        // Names from the input must not steer the terminal.
        let text = text.replace(char::is_control, " ");
        if self.color {
            say(&format!("\x1b[{code}mloom:\x1b[0m {text}\n"));
        } else {
            say(&format!("loom: {text}\n"));
        }
    }

    /// One line about what is wrong.
    pub fn error(&self, error: &Error) {
        self.line("1;31", &error.to_string());
    }

    /// Shows that work goes on.
    pub fn begin(&self, input: &str, bytes: usize) {
        if self.progress {
            say(&format!("\rloom: {input}: optimizing {bytes} bytes …"));
        }
    }

    /// Takes the line of [`Messages::begin`] away.
    pub fn end(&self) {
        if self.progress {
            say("\r\x1b[K");
        }
    }

    /// Notes, and one line about what was written.
    pub fn success(&self, input: &str, output: &str, emit: Emit, report: &Report) {
        if self.quiet {
            return;
        }
        for note in &report.notes {
            self.line("1;33", &format!("{input}: {note}"));
        }
        self.boundaries(report);
        self.address_space(report);
        self.validation(report);
        if self.verbose {
            self.details(report);
        }
        let f = &report.functions;
        let change = if report.input_bytes == 0 {
            0.0
        } else {
            (report.output_bytes as f64 / report.input_bytes as f64 - 1.0) * 100.0
        };
        let form = match emit {
            Emit::Wasm => "",
            Emit::Wat => " as text",
            Emit::Ssa => " as SSA",
            Emit::Dot => " as an e-graph",
            Emit::Cfg => " as graphs",
        };
        self.line(
            "1;32",
            &format!(
                "{input} -> {output}{form}: {} -> {} bytes ({change:+.1} %), {} functions: {} lifted, {} raw, {} reverted",
                report.input_bytes, report.output_bytes, f.total, f.lifted, f.raw, f.reverted
            ),
        );
    }

    /// What became of the boundaries between components: how many of each fate, and why those are there that are.
    fn boundaries(&self, report: &Report) {
        if report.boundaries.is_empty() {
            return;
        }
        let count = |fate: Fate| report.boundaries.iter().filter(|b| b.fate == fate).count();
        self.line(
            "1",
            &format!(
                "{} boundaries: {} erased, {} reduced, {} kept",
                report.boundaries.len(),
                count(Fate::Erased),
                count(Fate::Reduced),
                count(Fate::Kept)
            ),
        );
        for b in report.boundaries.iter().filter(|b| b.fate != Fate::Erased) {
            let fate = if b.fate == Fate::Reduced { "reduced" } else { "kept" };
            self.line(
                "0",
                &format!("  {fate} {} (component {} to {}): {}", b.function, b.from, b.to, b.reason),
            );
        }
    }

    /// What merging memories gave, where it was asked for; why pairs stayed two is said with `-v`.
    fn address_space(&self, report: &Report) {
        let Some(space) = &report.address_space else { return };
        let merged = space.pairs.iter().filter(|p| p.merged).count();
        let (pairs, saved) = (space.pairs.len(), space.before.saturating_sub(space.after));
        self.line(
            "1",
            &format!("{merged} of {pairs} pairs of memories merged: {saved} bytes of address space saved"),
        );
        for p in space.pairs.iter().filter(|p| !p.merged && self.verbose) {
            let [first, second] = p.memories;
            self.line("0", &format!("  memories {first} and {second} stay two: {}", p.reason));
        }
    }

    /// Which functions are proved, where that was asked for; why others are not is said with `-v`.
    fn validation(&self, report: &Report) {
        let Some(v) = &report.validation else { return };
        let counts =
            |a: Answers| format!("{} proved, {} refuted, {} unknown", a.proved, a.refuted, a.unknown);
        self.line("1", &format!("{} changed functions: {}", v.functions.total(), counts(v.functions)));
        for (stage, &answers) in &v.stages {
            self.line("0", &format!("  by {stage}: {}", counts(answers)));
        }
        for u in v.unproved.iter().filter(|u| self.verbose || u.answer == "refuted") {
            let name = u.name.as_ref().map_or_else(String::new, |name| format!(" \"{name}\""));
            self.line(
                "0",
                &format!("  function {}{name}: {}: {}", u.function, u.answer, u.reasons.join("; ")),
            );
        }
    }

    fn details(&self, report: &Report) {
        let say = |text: String| self.line("2", &text);
        let code = report.code_bytes;
        say(format!("code section: {} -> {} bytes", code.before, code.after));
        for phase in &report.phases {
            say(format!("phase {}: {:.3} s", phase.name, phase.seconds));
        }
        for (reason, count) in &report.functions.reasons {
            say(format!("{count} functions kept their body: {reason}"));
        }
        for (what, counts) in [
            ("pass", &report.passes),
            ("rule", &report.rules),
            ("assumption", &report.assumptions),
            ("limit", &report.limits),
        ] {
            for (name, count) in counts {
                say(format!("{what} {name}: {count}"));
            }
        }
    }
}

/// A line on the terminal that says how far work is; nothing where standard error is no terminal.
pub struct Progress(bool);

impl Progress {
    /// Looks whether somebody can see it.
    pub fn new() -> Self {
        Progress(std::io::stderr().is_terminal())
    }

    /// Replaces the line.
    pub fn show(&self, text: &str) {
        if self.0 {
            say(&format!("\r\x1b[Kloom: {} …", text.replace(char::is_control, " ")));
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if self.0 {
            say("\r\x1b[K");
        }
    }
}

/// Writes to standard error. Nobody may be listening there, which is no fault.
pub fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
