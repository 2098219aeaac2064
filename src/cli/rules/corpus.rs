//! Modules to try rules on, and how they are optimized.

use crate::cli::args::Level;
use crate::cli::files;
use clap::Args;
use loom_wasm::caps::Caps;
use loom_wasm::program::inline::InlineCaps;
use loom_wasm::{Assumptions, Error, Options};
use std::path::{Path, PathBuf};

/// Options of the runs that try rules.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Effort and objective of the runs, as of `loom`
    #[arg(short = 'O', value_name = "LEVEL", default_value = "z")]
    level: Level,

    /// Only kept exports are roots
    #[arg(long)]
    closed_world: bool,

    /// Export to keep under --closed-world, name or glob (repeatable)
    #[arg(long, value_name = "NAME")]
    keep_export: Vec<String>,

    /// Leave all calls as they are
    #[arg(long)]
    no_inline: bool,

    /// Threads of one run
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
}

impl RunArgs {
    /// The library's options, with rules from these paths (none: the built-in ones).
    pub fn options(&self, rules: &[PathBuf]) -> Options {
        let (effort, objective) = self.level.meaning();
        let mut caps = Caps::default();
        if self.no_inline {
            caps.inline = InlineCaps::OFF;
        }
        Options {
            egraph: true,
            effort,
            objective,
            rules: rules.to_vec(),
            keep_exports: self.keep_export.clone(),
            assumptions: Assumptions { closed_world: self.closed_world, ..Assumptions::default() },
            jobs: self.jobs.into(),
            caps,
            ..Options::default()
        }
    }

    /// What of it changes the output, in one word.
    pub fn label(&self) -> String {
        let level = match self.level {
            Level::None => "-O0",
            Level::One => "-O1",
            Level::Two => "-O2",
            Level::Three => "-O3",
            Level::Four => "-O4",
            Level::Small => "-Os",
            Level::Smallest => "-Oz",
        };
        let mut label = level.to_owned();
        if self.closed_world {
            label.push_str("+closed-world");
        }
        for name in &self.keep_export {
            label.push_str("+keep=");
            label.push_str(name);
        }
        if self.no_inline {
            label.push_str("+no-inline");
        }
        label
    }
}

/// The modules at or below the paths, in the order given and within a folder by name: `.wasm` and `.wat` files, and whatever
/// is named itself.
///
/// # Errors
/// With the path that cannot be read, or when there is no module in a folder.
pub fn modules(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        let fail = |p: &Path, e: std::io::Error| files::failed(p, &e);
        if !std::fs::metadata(path).map_err(|e| fail(path, e))?.is_dir() {
            found.push(path.clone());
            continue;
        }
        let start = found.len();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|e| fail(&folder, e))? {
                let entry = entry.map_err(|e| fail(&folder, e))?;
                // Links to folders are not followed, so that one to a parent cannot make the walk endless.
                let kind = entry.file_type().map_err(|e| fail(&folder, e))?;
                let path = entry.path();
                if kind.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "wasm" || e == "wat") {
                    found.push(path);
                }
            }
        }
        if found.len() == start {
            return Err(
                Error::new("no .wasm or .wat file in this folder").in_file(path.display().to_string())
            );
        }
        found[start..].sort();
    }
    Ok(found)
}

/// A module, read and in the binary format.
///
/// # Errors
/// With the file's name.
pub fn read_module(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = files::read(path)?;
    loom_wasm::read_input(&bytes).map_err(|e| named(e, path))
}

/// An error with the name of the module that it is about, where it names no file itself.
pub fn named(e: Error, path: &Path) -> Error {
    if e.file.is_empty() { e.in_file(path.display().to_string()) } else { e }
}
