//! A solver as a process that reads SMT-LIB 2 from a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// What ends each answer.
const DONE: &str = "loom-done";
/// How long a solver may take for a million units of effort before it is stopped: many times what it needs.
const PATIENCE: Duration = Duration::from_secs(12);
/// Why there is no answer when the effort was not enough.
const GAVE_UP: &str = "the solver gives up";
/// Memory of one solver, in MiB.
const MEMORY: u32 = 2048;

/// A solver. Its process is started when first needed, and again after it had to be stopped.
pub struct Solver {
    path: PathBuf,
    effort: u32,
    running: Option<Running>,
}

struct Running {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a solver says to a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Unsat,
    /// The values of the terms asked for, in their order, as the solver writes them.
    Sat(Vec<String>),
    /// Neither, and why.
    Unknown(String),
}

impl Solver {
    /// The solver's program: `$LOOM_Z3`, or `z3` on the search path; none if it does not run.
    pub fn find() -> Option<PathBuf> {
        let path = std::env::var_os("LOOM_Z3").filter(|p| !p.is_empty()).map_or("z3".into(), PathBuf::from);
        Solver::version_of(&path).map(|_| path)
    }

    /// What the program calls itself, `z3 4.15.3`.
    pub fn version_of(path: &Path) -> Option<String> {
        let output =
            Command::new(path).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
        let version = text.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
        output.status.success().then(|| format!("z3 {version}"))
    }

    /// A solver that may make so great an effort for each question, in millions of its own units (z3's `rlimit`; a million
    /// takes about half a second). Unlike time it does not depend on what else the machine does, so the answers do not either.
    pub fn new(path: &Path, effort: u32) -> Solver {
        Solver { path: path.to_path_buf(), effort: effort.max(1), running: None }
    }

    /// Decides whether `goal` can hold together with `text`: by the solver's own strategy, which takes terms apart into
    /// bits, and by its core, which does not and is better with memories.
    pub(super) fn ask(&mut self, text: &str, goal: &str, terms: &[&str]) -> Reply {
        // What the second finds it finds soon.
        let checks = [("(check-sat)", 1), ("(check-sat-using smt)", 3)];
        let mut last = Reply::Unknown(String::new());
        for (check, part) in checks {
            last = match self.try_ask(text, goal, check, part, terms) {
                Ok(Reply::Unknown(why)) => Reply::Unknown(why),
                Ok(reply) => return reply,
                Err(why) => {
                    self.running = None;
                    Reply::Unknown(why)
                }
            };
        }
        last
    }

    fn try_ask(
        &mut self,
        text: &str,
        goal: &str,
        check: &str,
        part: u32,
        terms: &[&str],
    ) -> Result<Reply, String> {
        let limit = u64::from(self.effort) * 1_000_000 / u64::from(part);
        let query = format!(
            "(reset)\n(set-option :rlimit {limit})\n(declare-sort Any 0)\n{text}(assert {goal})\n{check}\n"
        );
        let lines = self.send(&query)?;
        let reply = match lines.first().map(String::as_str) {
            Some("unsat") => Reply::Unsat,
            Some("sat") => {
                let mut query = String::new();
                for t in terms {
                    query.push_str(&format!("(get-value ({t}))\n"));
                }
                let values = self.send(&query)?;
                Reply::Sat(values.iter().map(|l| value_in(l)).collect())
            }
            Some("unknown" | "timeout") => Reply::Unknown(GAVE_UP.to_string()),
            other => Reply::Unknown(format!("the solver says {}", other.unwrap_or("nothing"))),
        };
        Ok(reply)
    }

    /// Sends commands and reads what they print.
    fn send(&mut self, commands: &str) -> Result<Vec<String>, String> {
        if self.running.is_none() {
            self.running = Some(start(&self.path)?);
        }
        let Some(running) = &mut self.running else { return Err("no solver".to_string()) };
        let fail = |e: std::io::Error| format!("cannot write to the solver: {e}");
        writeln!(running.input, "{commands}(echo \"{DONE}\")").map_err(fail)?;
        running.input.flush().map_err(fail)?;
        let end = Instant::now() + PATIENCE * self.effort;
        let mut lines = Vec::new();
        loop {
            match running.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if line.trim_matches('"') == DONE => return Ok(lines),
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(GAVE_UP.to_string());
                }
                Err(RecvTimeoutError::Disconnected) => return Err("the solver ended".to_string()),
            }
        }
    }
}

fn start(path: &Path) -> Result<Running, String> {
    let mut child = Command::new(path)
        .args(["-in", "-smt2"])
        .arg(format!("-memory:{MEMORY}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot run {}: {e}", path.display()))?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("a solver without pipes".to_string());
    };
    let (sender, lines) = channel();
    // Reading in a thread of its own, so that waiting has an end.
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Ok(Running { child, input, lines })
}

/// The value in `((name value))`.
fn value_in(line: &str) -> String {
    let line = line.trim();
    let inner = line.strip_prefix("((").and_then(|l| l.strip_suffix("))")).unwrap_or(line);
    inner.split_once(' ').map_or(inner, |p| p.1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        assert_eq!(value_in("((t1 #x00ff))"), "#x00ff");
        assert_eq!(value_in("((t1 (_ bv3 68)))"), "(_ bv3 68)");
    }

    #[test]
    fn a_program_that_is_no_solver() {
        let mut solver = Solver::new(Path::new("/nowhere/z3"), 1);
        assert!(matches!(solver.ask("", "true", &[]), Reply::Unknown(_)));
        assert_eq!(Solver::version_of(Path::new("/nowhere/z3")), None);
    }
}
