//! Any text as a rule file; rules that are read are printed and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loom_wasm::rules::RuleSet;

fuzz_target!(|text: &str| {
    if let Ok(set) = RuleSet::from_texts([("fuzz.rules", text)]) {
        for rule in &set.rules {
            assert!(!rule.name.is_empty() && !rule.lhs.nodes.is_empty(), "{}", rule.name);
            assert!(rule.conditions.iter().all(|c| c.index() < rule.exprs.len()), "{}", rule.name);
        }
    }
});
