//! wasm-smith with several memories: good for crashes and validity, weak for semantics.

use crate::parts::{join, split};
use crate::rng::Rng;
use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

/// A module for the seed, within what wasmi runs.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    generate(seed, false)
}

/// A module for the seed, with exceptions, GC and threads.
pub fn newer(seed: u64) -> Option<Vec<u8>> {
    without_waits(&generate(seed, true)?)
}

fn generate(seed: u64, newer: bool) -> Option<Vec<u8>> {
    let mut rng = Rng::new(seed ^ 0x5317_4000);
    let bytes: Vec<u8> = (0..rng.range(500, 6000)).map(|_| rng.next_u32() as u8).collect();
    let config = Config {
        min_memories: 2,
        max_memories: 4,
        // One by default; and without a small maximum `memory.grow` is decided by the engine's limits. Large memories would
        // only take time to hash.
        memory_max_size_required: true,
        max_memory32_bytes: 3 << 16,
        max_memory64_bytes: 3 << 16,
        table_max_size_required: true,
        max_table_elements: 1000,
        max_tables: 3,
        min_funcs: 1,
        max_funcs: 12,
        max_instructions: rng.range(20, 300),
        canonicalize_nans: true,
        export_everything: true,
        disallow_traps: rng.percent(30),
        exceptions_enabled: newer,
        gc_enabled: newer,
        threads_enabled: newer && rng.percent(40),
        compact_imports_enabled: false,
        custom_page_sizes_enabled: rng.percent(10),
        memory64_enabled: rng.percent(20),
        simd_enabled: rng.percent(40),
        relaxed_simd_enabled: false,
        wide_arithmetic_enabled: true,
        ..Config::default()
    };
    let mut module = Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    if rng.percent(50) {
        module.ensure_termination(500).ok()?;
    }
    Some(module.to_bytes())
}

/// The module without `memory.atomic.wait*`, which could wait for ever: as if it had timed out.
fn without_waits(wasm: &[u8]) -> Option<Vec<u8>> {
    let mut parts = split(wasm)?;
    for body in &mut parts.bodies {
        for operator in &mut body.operators {
            if matches!(operator[..], [0xfe, 1 | 2, ..]) {
                *operator = vec![0x1a, 0x1a, 0x1a, 0x41, 2];
            }
        }
    }
    Some(join(&parts))
}
