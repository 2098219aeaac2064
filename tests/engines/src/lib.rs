//! Real engines as oracles: wasmtime in process, V8 through Node. `docs/testing.md` says what each suite checks.
//!
//! - [`spec`]: the specification's test suite with the optimizer in the middle;
//! - [`fused`]: the fused programs, their results, fuel and determinism;
//! - [`node`]: a Node new enough for several memories, if there is one;
//! - [`paths`]: where things are.

pub mod fused;
pub mod node;
pub mod paths;
pub mod spec;

use loom_wasm::{Assumptions, Objective, Options};

/// All assumptions off.
pub fn strict() -> Assumptions {
    Assumptions {
        canonical_abi: Some(false),
        shadow_stack: Some(false),
        return_areas: Some(false),
        ..Assumptions::default()
    }
}

/// The choices of options that every suite runs, by name.
pub fn variants() -> Vec<(&'static str, Options)> {
    let egraph = |objective| Options { egraph: true, objective, ..Options::default() };
    vec![
        ("loom", Options::default()),
        ("loom --no-revert", Options { no_revert: true, ..Options::default() }),
        ("loom --egraph", egraph(Objective::Speed)),
        ("loom --egraph -Os", egraph(Objective::Size)),
        ("loom --egraph --no-revert", Options { no_revert: true, ..egraph(Objective::Speed) }),
        ("loom --egraph --chaos 1", Options { chaos: Some(1), ..egraph(Objective::Speed) }),
        ("loom --egraph -Os --chaos 2", Options { chaos: Some(2), ..egraph(Objective::Size) }),
    ]
}

/// Options of a name in [`variants`].
///
/// # Panics
/// When there is no such name.
pub fn variant(name: &str) -> Options {
    let found = variants().into_iter().find(|(n, _)| *n == name);
    found.unwrap_or_else(|| panic!("no variant {name}")).1
}

/// Whether a reason for keeping an old body means that a checker (or a caught panic) made a bug harmless.
pub fn is_refusal(reason: &str) -> bool {
    ["refused", "invalid output", "panicked"].iter().any(|text| reason.contains(text))
}

/// Optimizes; a panic or an error becomes a message.
///
/// # Errors
/// The panic's or the error's text.
pub fn optimize(wasm: &[u8], options: &Options) -> Result<loom_wasm::Output, String> {
    let result =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| loom_wasm::optimize(wasm, options)));
    match result {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(e)) => Err(format!("error: {e}")),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            Err(format!("panic: {}", text.unwrap_or("no message")))
        }
    }
}
