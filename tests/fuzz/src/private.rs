//! Modules with fewer exports: what nobody outside can name is what the whole-program passes may change.
//!
//! The generators export what they have, so that everything can be observed. Of some of their modules only a few exports are
//! left here; the behaviour of those is observed as before.

use crate::rng::Rng;
use wasm_encoder::{ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, Parser, Payload};

/// The module as it is, or in two of five cases with few exports, at least one function among them.
pub fn some(seed: u64, wasm: Vec<u8>) -> Vec<u8> {
    let mut rng = Rng::new(seed ^ 0x7072_6976);
    if !rng.percent(40) {
        return wasm;
    }
    let functions = [5, 15, 40, 70][rng.below(4)];
    let others = [10, 50, 90][rng.below(3)];
    without_exports(&wasm, &mut rng, functions, others).unwrap_or(wasm)
}

/// Keeps so many per cent of the exports, of functions and of all else. `None` where there is no function.
fn without_exports(wasm: &[u8], rng: &mut Rng, functions: u32, others: u32) -> Option<Vec<u8>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.ok()?;
        if let Payload::ExportSection(section) = &payload {
            let all: Vec<_> = section.clone().into_iter().collect::<Result<_, _>>().ok()?;
            let is_func = |kind| matches!(kind, ExternalKind::Func | ExternalKind::FuncExact);
            let funcs = all.iter().filter(|e| is_func(e.kind)).count();
            let sure = rng.below(funcs.max(1));
            let (mut nth, mut exports) = (0, ExportSection::new());
            for export in &all {
                let stays = if is_func(export.kind) {
                    nth += 1;
                    rng.percent(functions) || nth == sure + 1
                } else {
                    rng.percent(others)
                };
                if stays {
                    exports.export(export.name, export.kind.into(), export.index);
                }
            }
            if funcs == 0 {
                return None;
            }
            module.section(&exports);
        } else if let Some((id, range)) = payload.as_section() {
            module.section(&RawSection { id, data: wasm.get(range.start as usize..range.end as usize)? });
        }
    }
    Some(module.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(wasm: &[u8]) -> Vec<String> {
        let payloads = Parser::new(0).parse_all(wasm).map(|p| p.expect("valid"));
        let names = |p| match p {
            Payload::ExportSection(s) => s.into_iter().map(|e| e.expect("valid").name.to_owned()).collect(),
            _ => Vec::new(),
        };
        payloads.flat_map(names).collect()
    }

    #[test]
    fn some_exports_go_and_a_function_stays() {
        let fields: String = (0..20)
            .map(|n| format!("(func (export \"f{n}\")) (global (export \"g{n}\") i32 (i32.const 0))"))
            .collect();
        let wasm = wat::parse_str(format!("(module {fields})")).expect("text");
        let mut changed = 0;
        for seed in 0..200 {
            let left = some(seed, wasm.clone());
            wasmparser::validate(&left).expect("valid");
            let names = exports(&left);
            assert!(names.iter().any(|n| n.starts_with('f')), "{seed}");
            changed += usize::from(names.len() < 40);
        }
        assert!((40..160).contains(&changed), "{changed}");
    }

    #[test]
    fn without_functions_nothing_changes() {
        let wasm = wat::parse_str("(module (global (export \"g\") i32 (i32.const 0)))").expect("text");
        assert!((0..50).all(|seed| some(seed, wasm.clone()) == wasm));
    }
}
