//! Mutations of modules: seeds of the repository, real modules, and what the other generators make, changed by
//! [`splice`](crate::splice) and by wasm-mutate, with the semantics kept or not.

use crate::rng::Rng;
use crate::{case, chains, generate, left_sides, nan, seeds, single, smith, splice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wasm_mutate::WasmMutate;

/// Fuel of wasm-mutate for one mutation.
const FUEL: u64 = 300;
/// Mutated modules beyond this size are not used.
const MOST_BYTES: usize = 600_000;

fn one<'a>(rng: &mut Rng, all: &'a [Vec<u8>]) -> Option<&'a Vec<u8>> {
    all.get(rng.below(all.len()))
}

/// A module to start from.
fn seed(rng: &mut Rng, seed: u64) -> Option<Vec<u8>> {
    match rng.below(100) {
        0..40 => one(rng, seeds::functions()).cloned(),
        40..55 => one(rng, seeds::regressions()).cloned(),
        55..63 => one(rng, seeds::samples()).cloned(),
        63..73 => Some(generate::module(seed)),
        73..83 => chains::module(seed),
        83..88 => left_sides::module(seed),
        88..90 => single::module(seed),
        90..97 => smith::module(seed),
        _ => match seeds::corpus() {
            Some(all) => one(rng, all).cloned(),
            None => one(rng, seeds::functions()).cloned(),
        },
    }
}

/// One mutation by wasm-mutate. `None` when it finds none, gives up or panics.
fn foreign(rng: &mut Rng, wasm: &[u8]) -> Option<Vec<u8>> {
    let (seed, preserve) = (rng.next_u64(), rng.percent(40));
    // Its own change of data segments may add megabytes.
    let state = AtomicU64::new(seed);
    let data = move |bytes: &mut Vec<u8>, most: usize| {
        let rng = &mut Rng::new(state.fetch_add(1, Ordering::Relaxed));
        for _ in 0..rng.range(1, 4) {
            let at = rng.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.next_u32() as u8;
            }
        }
        bytes.truncate(most);
        Ok(())
    };
    let found = case::quietly(|| {
        let mut mutate = WasmMutate::default();
        mutate.seed(seed).fuel(FUEL).preserve_semantics(preserve).raw_mutate_func(Some(Arc::new(data)));
        let mut all = mutate.run(wasm).ok()?;
        all.next()?.ok()
    });
    found.ok().flatten()
}

/// A module for the seed (and the files of the repository).
pub fn module(seed_number: u64) -> Option<Vec<u8>> {
    let rng = &mut Rng::new(seed_number ^ 0x3074_a7e5);
    let mut wasm = seed(rng, seed_number)?;
    for _ in 0..rng.range(1, 4) {
        let changed = if rng.percent(35) {
            foreign(rng, &wasm)
        } else {
            let changes = rng.range(1, 5);
            splice::mutate(rng, &wasm, changes)
        };
        // What wasmi cannot run would only be skipped.
        if let Some(changed) = changed.filter(|c| c.len() <= MOST_BYTES && seeds::runs(c)) {
            wasm = changed;
        }
    }
    nan::canonicalize(&wasm)
}
