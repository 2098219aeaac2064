//! Damaged modules: bits flipped, bytes lost, repeated, replaced, sections cut off or with wrong lengths.
//!
//! What may not happen: a panic (also one that the pipeline caught), an error without a byte offset, the rejection of a
//! valid module, an invalid output, more than [`SLOW`] for one module. Where the damaged module is still valid, the oracle
//! compares it before and after.

use crate::case::{self, Kind, Outcome};
use crate::choices::{Choices, Fixes};
use crate::rng::Rng;
use crate::{generate, left_sides, seeds, single, smith};
use loom_wasm::error::Position;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// More than this for one damaged module is a finding, if the process worked for as long.
const SLOW: Duration = Duration::from_secs(20);

/// Modules beyond this size are not damaged: most of their bytes are bodies like others.
const MOST_BYTES: usize = 100_000;

/// What became of damaged modules.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Still valid, and the same before and after.
    pub equal: u64,
    /// Still valid, but the engine cannot say.
    pub accepted: u64,
    /// Rejected with an offset.
    pub rejected: u64,
    /// Seed and what is wrong.
    pub findings: Vec<(u64, String)>,
}

/// A whole module to damage.
fn whole(rng: &mut Rng, seed: u64) -> Option<Vec<u8>> {
    let one = |rng: &mut Rng, all: &[Vec<u8>]| all.get(rng.below(all.len().max(1))).cloned();
    let wasm = match rng.below(100) {
        0..25 => one(rng, seeds::functions()),
        25..45 => one(rng, seeds::regressions()),
        45..55 => one(rng, seeds::samples()),
        55..75 => Some(generate::module(seed)),
        75..82 => left_sides::module(seed),
        82..88 => single::module(seed),
        88..95 => smith::module(seed),
        _ => one(rng, seeds::corpus().unwrap_or_else(|| seeds::regressions())),
    };
    wasm.filter(|w| w.len() <= MOST_BYTES)
}

/// A place in a module: any, or near its start, where the sections that bodies depend on are.
fn place(rng: &mut Rng, len: usize) -> usize {
    match rng.below(4) {
        0 => rng.below(len.min(200)),
        _ => rng.below(len),
    }
}

/// The damaged module of a seed.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let rng = &mut Rng::new(seed ^ 0xf11b_f11b);
    let mut wasm = whole(rng, seed)?;
    for _ in 0..rng.range(1, 4) {
        if wasm.len() < 9 {
            break;
        }
        let at = place(rng, wasm.len());
        match rng.below(12) {
            0..5 => wasm[at] ^= 1 << rng.below(8),
            5 => wasm.truncate(at),
            6 => wasm[at] = rng.pick(&[0, 0x0b, 0x40, 0x7f, 0x80, 0xfc, 0xfd, 0xff]),
            7 => drop(wasm.remove(at)),
            8 => {
                let end = (at + rng.range(1, 40)).min(wasm.len());
                wasm.drain(at..end);
            }
            9 => {
                let end = (at + rng.range(1, 40)).min(wasm.len());
                let again = wasm[at..end].to_vec();
                let to = place(rng, wasm.len());
                wasm.splice(to..to, again);
            }
            10 => wasm[at] = rng.next_u32() as u8,
            // A number that is much larger.
            _ => drop(wasm.splice(at..at + 1, [0xff, 0xff, 0xff, 0xff, rng.pick(&[0x07, 0x0f, 0x7f])])),
        }
    }
    Some(wasm)
}

/// CPU time of all threads of this process, where the system tells (in ticks of a hundredth of a second).
fn process_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may have blanks; after it, user and system time are the 12th and 13th.
    let ticks: u64 =
        stat.rsplit(')').next()?.split(' ').skip(12).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 10))
}

/// Runs one damaged module.
pub fn check(wasm: &[u8], seed: u64, tally: &mut Tally) {
    let mut fail = |what: String| tally.findings.push((seed, what));
    let features = loom_wasm::module::accepted_features();
    let valid = wasmparser::Validator::new_with_features(features).validate_all(wasm);
    let choices = Choices::draw(seed, wasm, &Fixes::default());
    let (start, worked) = (Instant::now(), process_time());
    let result = case::quietly(|| loom_wasm::optimize(wasm, &choices.options));
    let mut time = start.elapsed();
    if let (Some(before), Some(after)) = (worked, process_time()) {
        time = time.min(after.saturating_sub(before));
    }
    if time > SLOW {
        fail(format!("slow: {:.1} s", time.as_secs_f64()));
    }
    match (result, valid) {
        (Err(_), _) => fail(format!("panic [{}]: {}", choices.flags(), case::last_panic())),
        (Ok(Err(e)), Err(_)) => match e.position {
            Position::Offset(at) if at <= wasm.len() as u64 => tally.rejected += 1,
            _ => fail(format!("no offset within the module: {e}")),
        },
        (Ok(Err(e)), Ok(_)) => fail(format!("rejected though valid: {e}")),
        (Ok(Ok(_)), Err(e)) => fail(format!("accepted though not valid: {e}")),
        (Ok(Ok(output)), Ok(_)) => {
            if output.report.limits.contains_key("internal-panic") {
                return fail(format!("caught panic [{}]: {}", choices.flags(), case::last_panic()));
            }
            if let Err(e) = wasmparser::Validator::new_with_features(features).validate_all(&output.wasm) {
                return fail(format!("invalid output [{}]: {e}", choices.flags()));
            }
            match case::check(wasm, &choices.options, seed, 2) {
                Outcome::Equal(_) => tally.equal += 1,
                Outcome::Skip(_) => tally.accepted += 1,
                // Measured above.
                Outcome::Bug(Kind::Slow, _) => tally.accepted += 1,
                Outcome::Bug(kind, what) => fail(format!("{kind} [{}]: {what}", choices.flags())),
            }
        }
    }
}

/// Damages `count` modules from `start` on, and writes those with findings to `out`.
///
/// # Errors
/// When a finding cannot be written.
pub fn run(start: u64, count: u64, threads: usize, out: &Path) -> Result<Tally, String> {
    std::fs::create_dir_all(out).map_err(|e| format!("{}: {e}", out.display()))?;
    let next = AtomicU64::new(start);
    let total = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for thread in 0..threads.max(1) {
            let (next, total) = (&next, &total);
            let work = move || {
                let mut tally = Tally::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= start + count {
                        break;
                    }
                    // A stack overflow ends the process: this file then tells the seed.
                    let _ = std::fs::write(out.join(format!("flipping-{thread}")), seed.to_string());
                    if let Some(wasm) = module(seed) {
                        check(&wasm, seed, &mut tally);
                    }
                }
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.equal += tally.equal;
                total.accepted += tally.accepted;
                total.rejected += tally.rejected;
                total.findings.append(&mut tally.findings);
            };
            let named = std::thread::Builder::new().name(format!("flip-{thread}"));
            if let Err(e) = named.spawn_scoped(scope, work) {
                eprintln!("cannot start a thread: {e}");
            }
        }
    });
    let mut tally = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.findings.sort();
    for (seed, what) in &tally.findings {
        let path = out.join(format!("flip-{seed}.wasm"));
        std::fs::write(&path, module(*seed).unwrap_or_default()).map_err(|e| e.to_string())?;
        println!("BUG seed {seed}: {what}\n    {}", path.display());
    }
    Ok(tally)
}
