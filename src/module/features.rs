//! Which proposals a module uses: the least set of features under which it validates, so that the output can be held to
//! what the input needs.

use super::decode::accepted_features;
use wasmparser::{Parser, ValidPayload, Validator, WasmFeatures};

/// What is no proposal, and always known.
const ALWAYS: WasmFeatures = WasmFeatures::FLOATS.union(WasmFeatures::GC_TYPES);

/// The features that a valid module uses: none can be left out (taken alone) without the module becoming invalid, but for
/// typed function references, which come with garbage collection. Features are added as the validator asks for them; each
/// body is validated about once. All accepted features for a module that is not valid.
pub fn used_features(module: &[u8]) -> WasmFeatures {
    let accepted = accepted_features();
    let mut used = ALWAYS;
    let mut valid = 0;
    while let Err(e) = validate(module, used, &mut valid) {
        let missing = e.missing_wasm_feature().filter(|&f| accepted.contains(f) && !used.contains(f));
        let next = missing.or_else(|| {
            // Perhaps it is no matter of features at all.
            validate(module, accepted, &mut valid.clone()).ok()?;
            // The fault is not said to be a matter of features: the one that helps.
            let further = |f: WasmFeatures| match validate(module, used | f, &mut valid.clone()) {
                Ok(()) => true,
                Err(next) => next.offset() > e.offset() || next.missing_wasm_feature().is_some(),
            };
            (accepted - used).iter().find(|&f| further(f))
        });
        match next {
            Some(f) => used |= f,
            None => return accepted,
        }
    }
    // Garbage collection is built on typed function references, and engines have the one only with the other.
    if used.contains(WasmFeatures::GC) { used | WasmFeatures::FUNCTION_REFERENCES } else { used }
}

/// Validates with these features; `valid` bodies are known to be, and those that turn out to be are added.
fn validate(module: &[u8], features: WasmFeatures, valid: &mut usize) -> Result<(), wasmparser::Error> {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut validator = Validator::new_with_features(features);
    let mut allocations = Default::default();
    let mut at = 0;
    for payload in parser.parse_all(module) {
        if let ValidPayload::Func(function, body) = validator.payload(&payload?)? {
            at += 1;
            if at > *valid {
                let mut function = function.into_validator(allocations);
                function.validate(&body)?;
                allocations = function.into_allocations();
                *valid = at;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(wat: &str) -> WasmFeatures {
        used_features(&wat::parse_str(wat).expect("text parses")) - ALWAYS
    }

    #[test]
    fn only_what_is_used() {
        use WasmFeatures as F;
        let cases = [
            ("(module (memory 1) (func (param i32) (result i32) (i32.load (local.get 0))))", F::empty()),
            ("(module (func (result i32) (i32.extend8_s (i32.const 1))))", F::SIGN_EXTENSION),
            ("(module (func (result i32 i32) (i32.const 1) (i32.const 2)))", F::MULTI_VALUE),
            ("(module (func (result v128) (v128.const i64x2 0 0)))", F::SIMD),
            ("(module (memory 1) (memory 1))", F::MULTI_MEMORY),
            ("(module (memory i64 1))", F::MEMORY64),
            (
                "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
                F::BULK_MEMORY_OPT,
            ),
            ("(module (func $f) (func (return_call $f)))", F::TAIL_CALL),
            ("(module (func (result i32) (i32.trunc_sat_f32_s (f32.const 1))))", F::SATURATING_FLOAT_TO_INT),
            ("(module (global (mut i32) (i32.const 0)) (export \"g\" (global 0)))", F::MUTABLE_GLOBAL),
            ("(module (memory 1 1 shared))", F::THREADS),
            ("(module (tag))", F::EXCEPTIONS),
            ("(module (memory 1 (pagesize 1)))", F::CUSTOM_PAGE_SIZES),
        ];
        for (wat, expected) in cases {
            assert_eq!(of(wat), expected, "{wat}");
        }
    }

    /// Each feature that is named is needed, and they are enough.
    #[test]
    fn the_least_set() {
        let wat = r#"(module (memory i64 1) (memory 1 2 shared) (table 1 externref) (tag (param i32))
            (type $s (struct (field (mut i32))))
            (func (param v128 i32) (result i32 i64)
              (i32.atomic.load 1 (i32.const 0)) (i64.extend8_s (i64.load (i64.const 0))))
            (func (result (ref $s)) (struct.new $s (i32.const 1))))"#;
        let module = wat::parse_str(wat).expect("text parses");
        let used = used_features(&module);
        assert!(validate(&module, used, &mut 0).is_ok());
        assert!(used.contains(WasmFeatures::GC | WasmFeatures::FUNCTION_REFERENCES));
        for f in (used - ALWAYS - WasmFeatures::FUNCTION_REFERENCES).iter() {
            assert!(validate(&module, used - f, &mut 0).is_err(), "{f:?} is not needed");
        }
    }
}
