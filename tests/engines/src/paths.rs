//! Where things are: the repository, the `shared` folder beside it, the samples in the repository.

use std::path::{Path, PathBuf};

/// Root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The `shared` folder beside the repository (or `LOOM_SHARED`), if it is there.
pub fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("LOOM_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    path.is_dir().then_some(path)
}

/// Folders with fused programs: the full set in `shared` if it is there, and the samples of the repository.
pub fn fused_folders() -> Vec<PathBuf> {
    match shared() {
        Some(shared) if shared.join("fused").is_dir() => vec![shared.join("fused")],
        _ => {
            println!("skipped: no ../shared/fused, only the samples in tests/samples are run");
            vec![root().join("tests/samples/fused")]
        }
    }
}
