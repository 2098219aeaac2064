//! The module layer over many modules: every module of the `.wast` and `.wasm` files below `LOOM_SUITE` (the
//! specification's test suite, or `../shared/adversarial/gen.py`'s output) goes through decoding and encoding.
//!
//!     LOOM_SUITE=path/to/testsuite cargo test --test module_suite -- --nocapture

use loom_wasm::module::{Body, accepted_features, decode, encode};
use std::path::{Path, PathBuf};

#[derive(Default)]
struct Tally {
    modules: usize,
    identical: usize,
    rejected: usize,
}

/// What the validator accepts must come out valid, both with bodies copied and with every body re-encoded; what it rejects
/// must be rejected.
fn check(what: &str, wasm: &[u8], tally: &mut Tally) {
    let expected = wasmparser::Validator::new_with_features(accepted_features()).validate_all(wasm);
    let decoded = decode(wasm).and_then(|d| d.validate_bodies());
    let mut module = match (decoded, expected) {
        (Ok(module), Ok(_)) => module,
        (Err(_), Err(_)) => {
            tally.rejected += 1;
            return;
        }
        (Ok(_), Err(e)) => panic!("{what}: accepted though {e}"),
        (Err(e), Ok(_)) => panic!("{what}: {e}"),
    };
    tally.modules += 1;
    let numbering = module.numbering();
    let copied = encode(&module, &numbering).unwrap().wasm;
    if copied == wasm {
        tally.identical += 1;
    }
    for func in module.funcs.keys().collect::<Vec<_>>() {
        if let Some(body) = module.remapped_body(func, &numbering).unwrap() {
            module.funcs[func].body = Some(Body::Encoded(body));
        }
    }
    let remapped = encode(&module, &numbering).unwrap().wasm;
    for out in [copied, remapped] {
        assert!(out.len() <= wasm.len() + 16, "{what}: {} -> {}", wasm.len(), out.len());
        if let Err(e) = wasmparser::Validator::new_with_features(accepted_features()).validate_all(&out) {
            panic!("{what}: {e}");
        }
    }
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "wast" || e == "wasm") {
                found.push(path);
            }
        }
    }
    found.sort();
}

/// The modules of a script in binary form, whether they are meant to be valid or not.
fn modules_of(script: &str) -> Vec<Vec<u8>> {
    use wast::{QuoteWat, Wast, WastDirective, parser};
    let mut modules = Vec::new();
    let Ok(buffer) = parser::ParseBuffer::new(script) else { return modules };
    let Ok(wast) = parser::parse::<Wast<'_>>(&buffer) else { return modules };
    for directive in wast.directives {
        let mut module = match directive {
            WastDirective::Module(m)
            | WastDirective::ModuleDefinition(m)
            | WastDirective::AssertMalformed { module: m, .. }
            | WastDirective::AssertInvalid { module: m, .. } => m,
            WastDirective::AssertUnlinkable { module, .. } => QuoteWat::Wat(module),
            _ => continue,
        };
        modules.extend(module.encode());
    }
    modules
}

#[test]
fn every_module_of_the_suite_survives() {
    let Some(suite) = std::env::var_os("LOOM_SUITE") else { return };
    let mut found = Vec::new();
    files(Path::new(&suite), &mut found);
    let mut tally = Tally::default();
    for file in found {
        let bytes = std::fs::read(&file).unwrap();
        if file.extension().is_some_and(|e| e == "wasm") {
            check(&file.display().to_string(), &bytes, &mut tally);
            continue;
        }
        for (i, wasm) in modules_of(&String::from_utf8_lossy(&bytes)).iter().enumerate() {
            check(&format!("{} module {i}", file.display()), wasm, &mut tally);
        }
    }
    println!(
        "{} modules accepted, {} of them byte-identical; {} rejected",
        tally.modules, tally.identical, tally.rejected
    );
}
