//! Any text as function graphs; what is read is verified, drawn, printed and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loom_wasm::ir::info::Declarations;
use loom_wasm::ir::verify::verify;
use loom_wasm::ir::{dot, parse, print};

fuzz_target!(|text: &str| {
    let Ok(list) = parse::functions(text) else { return };
    for parsed in list {
        let f = &parsed.function;
        let _ = verify(f, &Declarations::default());
        let _ = dot::function(f, parsed.name.as_deref());
        let printed = print::function(f, parsed.name.as_deref());
        let again = parse::function(&printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
        assert_eq!(print::function(&again, parsed.name.as_deref()), printed);
    }
});
