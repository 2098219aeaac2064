//! Any bytes as a module through the whole pipeline; the first byte draws the options.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loom_wasm::error::Position;
use loom_wasm::{Objective, Options, optimize};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, wasm)) = data.split_first() else { return };
    let options = Options {
        egraph: choice & 1 == 0,
        objective: if choice & 2 == 0 { Objective::Size } else { Objective::Speed },
        no_revert: choice & 4 != 0,
        chaos: (choice & 8 != 0).then_some(u64::from(choice >> 4)),
        verify: true,
        ..Options::default()
    };
    let features = loom_wasm::module::accepted_features();
    let valid = wasmparser::Validator::new_with_features(features).validate_all(wasm);
    match optimize(wasm, &options) {
        Ok(output) => {
            assert!(valid.is_ok(), "accepted though not valid");
            wasmparser::Validator::new_with_features(features).validate_all(&output.wasm).expect("valid output");
            for limit in ["internal-panic", "lower-check-failed", "extract-refused"] {
                assert!(!output.report.limits.contains_key(limit), "{limit}: {:?}", output.report.functions.reasons);
            }
        }
        Err(e) => {
            assert!(valid.is_err(), "rejected though valid: {e}");
            assert!(matches!(e.position, Position::Offset(_)), "no offset: {e}");
        }
    }
});
