//! The rule language: rewrite rules as text, read with positions, typed, and checked before anything runs.
//!
//! *In*: the text of `.rules` files ([`RuleSet::builtin`], [`RuleSet::load`]). *Out*: [`Rule`]s whose every node has a type
//! or is an effect version, whose every variable is bound by the left side, and whose every function comes from the closed
//! [vocabulary](vocab). Families (`:for`) are expanded. What is accepted nests at most [`sexpr::MAX_DEPTH`] deep, so the
//! stages after the reader may recurse over terms.
//!
//! Steps: [`sexpr`] (text to s-expressions) → `family` (`:for` by substitution) → `check` (names, arities, kinds, types by
//! unification) → [`ast`]. The e-graph compiles the result (`crate::egraph`); [`crate::verify`] checks that rules are right.
//!
//! Complexity: linear in the text for everything but suggestions in error messages.
//! Reference: `docs/rules.md`; Cranelift's ISLE guide for what a rule should not do.

pub mod ast;
pub mod sexpr;
pub mod vocab;

mod apply;
mod check;
mod family;
mod literal;
mod parse;
mod print;
mod skeleton;
#[cfg(test)]
mod tests;
mod types;
mod variants;

pub use apply::Bound;
pub use ast::{
    ConstPat, Expr, ExprId, ImmPat, ImmSort, Node, NodeId, NodeKind, NodeType, Outcome, Pattern, Phase, Rule,
    Shape, Var, VarId, VarKind, Verify, shape,
};
pub use check::did_you_mean;
pub use literal::lanes;
pub use skeleton::Observed;
pub use vocab::{Facts, Func, Length, Param, eval_const_fn, eval_int_fn};

use crate::error::Error;
use hashbrown::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The built-in rule files: name and text.
static BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// Rules in the order of their files' names and of the files' lines.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// The rules, families expanded.
    pub rules: Vec<Rule>,
}

impl RuleSet {
    /// The rules that are part of the program.
    pub fn builtin() -> Result<RuleSet, Error> {
        RuleSet::from_texts(BUILTIN.iter().copied())
    }

    /// The built-in rules that are parametric in their width, read for a small width: operators on `i32` stand for those of
    /// that width, and every number that a rule derives from `N` is that width's. Only for checking.
    pub fn builtin_narrow(width: u32) -> Result<RuleSet, Error> {
        let mut rules = Vec::new();
        for (file, text) in BUILTIN {
            rules.extend(parse::parse_file(file, text, Some(width))?);
        }
        Ok(RuleSet { rules })
    }

    /// [`RuleSet::load`], of the built-in rules where there is no path.
    pub fn load_or_builtin(paths: &[PathBuf]) -> Result<RuleSet, Error> {
        if paths.is_empty() { RuleSet::builtin() } else { RuleSet::load(paths) }
    }

    /// As [`RuleSet::builtin_narrow`], of the files that [`RuleSet::load`] reads.
    pub fn load_narrow(paths: &[PathBuf], width: u32) -> Result<RuleSet, Error> {
        let mut rules = Vec::new();
        for (file, text) in read_files(paths)? {
            rules.extend(parse::parse_file(&file, &text, Some(width))?);
        }
        Ok(RuleSet { rules })
    }

    /// Rules from files, and from all `.rules` files below folders, in the order of their paths.
    pub fn load(paths: &[PathBuf]) -> Result<RuleSet, Error> {
        let texts = read_files(paths)?;
        RuleSet::from_texts(texts.iter().map(|(n, t)| (n.as_str(), t.as_str())))
    }

    /// Rules from texts with the names of their files.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<RuleSet, Error> {
        let mut rules: Vec<Rule> = Vec::new();
        for (file, text) in texts {
            rules.extend(parse::parse_file(file, text, None)?);
        }
        let mut first: HashMap<&str, &Rule> = HashMap::new();
        for r in &rules {
            if let Some(other) = first.insert(&r.name, r) {
                let message = format!("the rule `{}` is already defined at {}", r.name, other.location());
                return Err(r.pos.error(message).in_file(&*r.file));
            }
        }
        drop(first);
        Ok(RuleSet { rules })
    }

    /// The families in the order of the set, each with its instances: what is written as one rule.
    pub fn families(&self) -> Vec<Vec<&Rule>> {
        // All instances of a family stand next to each other.
        self.rules.chunk_by(|a, b| a.family == b.family).map(|f| f.iter().collect()).collect()
    }

    /// The rule of that name; a family's name gives its first instance.
    pub fn get(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.name == name).or_else(|| self.rules.iter().find(|r| r.family == name))
    }

    /// The rules of a phase, in order.
    pub fn phase(&self, phase: Phase) -> impl Iterator<Item = &Rule> + '_ {
        self.rules.iter().filter(move |r| r.phase == phase)
    }
}

/// The text of a file of s-expressions; `what` says in errors what it is. No more of it is read than such a file may have,
/// whatever kind of file it is.
///
/// # Errors
/// With the file's name, and with line and column where the text is not UTF-8.
pub fn read_text(path: &Path, what: &str) -> Result<String, Error> {
    let read = || {
        let fail = |e: std::io::Error| Error::new(format!("cannot read the {what}: {e}"));
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(fail)?;
        file.take(sexpr::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() > sexpr::MAX_BYTES {
            return Err(Error::new(format!("the {what} is larger than {} bytes", sexpr::MAX_BYTES)));
        }
        String::from_utf8(bytes).map_err(|e| {
            let good = String::from_utf8_lossy(&e.as_bytes()[..e.utf8_error().valid_up_to()]);
            let line = good.bytes().filter(|&b| b == b'\n').count() as u32 + 1;
            let column = good.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u32 + 1;
            Error::at_line(line, column, "not UTF-8")
        })
    };
    read().map_err(|e| e.in_file(path.display().to_string()))
}

/// Names and texts of the rule files that a set is made from: those at or below the paths, or the built-in ones if there are none.
///
/// # Errors
/// With the file that cannot be read.
pub fn texts(paths: &[PathBuf]) -> Result<Vec<(String, String)>, Error> {
    match paths {
        [] => Ok(BUILTIN.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()),
        _ => read_files(paths),
    }
}

/// Names and texts of the rule files at or below the paths.
fn read_files(paths: &[PathBuf]) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    files.into_iter().map(|f| Ok((f.display().to_string(), read_text(&f, "rule file")?))).collect()
}

/// Appends the rule files at or below `path`, sorted.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let fail = |p: &Path, e: std::io::Error| {
        Error::new(format!("cannot read the rules: {e}")).in_file(p.display().to_string())
    };
    if !std::fs::metadata(path).map_err(|e| fail(path, e))?.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let start = files.len();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| fail(&folder, e))? {
            let entry = entry.map_err(|e| fail(&folder, e))?;
            // `file_type` does not follow links, so that a link to a parent cannot make the walk endless.
            let kind = entry.file_type().map_err(|e| fail(&folder, e))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|e| e == "rules") {
                files.push(entry.path());
            }
        }
    }
    files[start..].sort();
    Ok(())
}
