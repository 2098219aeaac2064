//! Every `.wat` under `tests/regressions`: same behaviour before and after under all options. A new case is a new file.

use loom_fuzz::{case, choices, regression};
use std::path::Path;

#[test]
fn all_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../regressions");
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the folder is there").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    case::capture_panics();
    let mut failures = Vec::new();
    let mut count = 0;
    for file in files {
        let path = file.path();
        if path.extension().is_none_or(|e| e != "wat") {
            continue;
        }
        count += 1;
        let name = file.file_name().to_string_lossy().into_owned();
        match regression::read(&path) {
            Err(e) => failures.push(e),
            Ok(wasm) => {
                failures.extend(regression::check_all(&wasm).into_iter().map(|b| format!("{name}: {b}")))
            }
        }
    }
    println!("{count} regression files");
    assert!(count > 0);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Where sharing must not cost bytes, the code may not grow.
#[test]
fn no_growth() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../regressions");
    let wasm = regression::read(&folder.join("small-constants-not-shared.wat")).expect("the file is there");
    for options in regression::option_matrix().into_iter().filter(|o| o.chaos.is_none()) {
        let output = loom_wasm::optimize(&wasm, &options).expect("is valid").wasm;
        assert!(
            output.len() <= wasm.len(),
            "{}: {} > {}",
            choices::flags(&options),
            output.len(),
            wasm.len()
        );
    }
}
