//! Modules to start mutations from.
//!
//! Those of the repository are always there: `tests/regressions`, `tests/samples`, and functions of real modules in
//! `tests/fuzz/seeds/functions.bin` (see [`crate::extract`]). Whole real modules are taken from the folder that
//! `LOOM_CORPUS` names, if it does.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use wasmparser::{Validator, WasmFeatures};

/// Larger modules take too long for one case.
const MOST_BYTES: u64 = 400_000;

/// What wasmi knows.
pub fn features() -> WasmFeatures {
    let mut features = WasmFeatures::default();
    features.remove(WasmFeatures::GC | WasmFeatures::THREADS | WasmFeatures::EXCEPTIONS);
    features.insert(WasmFeatures::WIDE_ARITHMETIC | WasmFeatures::RELAXED_SIMD);
    features
}

/// Whether wasmi can run it.
pub fn runs(wasm: &[u8]) -> bool {
    Validator::new_with_features(features()).validate_all(wasm).is_ok()
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// All modules under a folder that wasmi can run, by name.
fn under(folder: &Path) -> Vec<Vec<u8>> {
    let (mut open, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "wasm" || e == "wat")
                && entry.metadata().is_ok_and(|m| m.len() <= MOST_BYTES)
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files.iter().filter_map(|f| wat::parse_file(f).ok()).filter(|w| runs(w)).collect()
}

/// The files of `tests/regressions`.
pub fn regressions() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| under(&repository("../regressions")))
}

/// The fused programs and shapes of `tests/samples`.
pub fn samples() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| under(&repository("../samples")))
}

/// Whole real modules. `None` where `LOOM_CORPUS` names no folder.
pub fn corpus() -> Option<&'static [Vec<u8>]> {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        std::env::var_os("LOOM_CORPUS").map(|folder| under(Path::new(&folder))).unwrap_or_default()
    });
    (!all.is_empty()).then_some(all)
}

/// Functions of real modules, each a module.
pub fn functions() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let bytes = std::fs::read(repository("seeds/functions.bin")).unwrap_or_default();
        unpack(&bytes).into_iter().filter(|w| runs(w)).collect()
    })
}

/// Modules one after another, each behind its length (four bytes, little endian).
pub fn pack(modules: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for m in modules {
        out.extend((m.len() as u32).to_le_bytes());
        out.extend(m);
    }
    out
}

fn unpack(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((module, rest)) = rest.split_at_checked(length) else { break };
        out.push(module.to_vec());
        bytes = rest;
    }
    out
}
