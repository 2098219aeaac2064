//! Size of the round trip through SSA without rules: `cargo bench --bench roundtrip -- [--worst N] [--dump FUNC] FILE...`
//! prints, for each module, the code section before and after, and the functions that grew most; at the end the geometric
//! mean. Without files it measures `/work/corpus/*.wasm`.

use loom_wasm::ir::effects::effects;
use loom_wasm::ir::entity::FuncId;
use loom_wasm::ir::types::Type;
use loom_wasm::lift::{Lifted, lift};
use loom_wasm::module::{self, Body};
use loom_wasm::schedule::{LowerContext, LowerError, StackCode, lower};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

struct Options {
    files: Vec<String>,
    worst: usize,
    dump: Option<u32>,
}

fn main() {
    let mut o = Options { files: Vec::new(), worst: 0, dump: None };
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        match a.as_str() {
            "--bench" | "--test" => {}
            "--worst" => o.worst = args.next().and_then(|n| n.parse().ok()).unwrap_or(10),
            "--dump" => o.dump = args.next().and_then(|n| n.parse().ok()),
            _ => o.files.push(a),
        }
    }
    if o.files.is_empty() {
        let Ok(dir) = std::fs::read_dir("/work/corpus") else { return };
        o.files = dir.flatten().map(|e| e.path().to_string_lossy().into_owned()).collect();
        o.files.retain(|f| f.ends_with(".wasm"));
        o.files.sort();
    }
    let mut logs = Vec::new();
    println!("{:<58} {:>9} {:>9} {:>6}  lift/lower s  raw  failed", "module", "before", "after", "ratio");
    for file in &o.files {
        let Ok(bytes) = std::fs::read(file) else { continue };
        let Ok(bytes) = loom_wasm::read_input(&bytes) else { continue };
        logs.extend(measure(file, &bytes, &o).map(f64::ln));
    }
    if !logs.is_empty() {
        println!("geometric mean {:.4}", (logs.iter().sum::<f64>() / logs.len() as f64).exp());
    }
}

fn measure(file: &str, bytes: &[u8], o: &Options) -> Option<f64> {
    let name: String = file.rsplit('/').next().unwrap_or(file).chars().take(58).collect();
    let decoded = match module::decode(bytes) {
        Ok(d) => d,
        Err(e) => {
            println!("{name:<58} {e}");
            return None;
        }
    };
    let (mut m, types) = (decoded.module, decoded.types);
    let before = module::encode(&m, &m.numbering()).ok()?.code_bytes;
    let mut allocations = Default::default();
    let mut failed: BTreeMap<String, u32> = BTreeMap::new();
    let mut raw = 0;
    let (mut lifting, mut lowering) = (Duration::ZERO, Duration::ZERO);
    let mut made: Vec<(FuncId, StackCode)> = Vec::new();
    for body in decoded.bodies {
        let func = body.func;
        let start = Instant::now();
        let (lifted, a) = match lift(&m, &types, body, allocations) {
            Ok(x) => x,
            Err(e) => {
                println!("{name:<58} {e}");
                return None;
            }
        };
        allocations = a;
        lifting += start.elapsed();
        let Lifted::Function(f) = lifted else {
            raw += 1;
            continue;
        };
        let cx = LowerContext::new(&effects, false);
        let start = Instant::now();
        match lower(&f, &cx) {
            Ok(code) => made.push((func, code)),
            Err(e) => {
                let text = match e {
                    LowerError::Check(text) => format!("{func}: {text}"),
                    LowerError::Unsupported(t) | LowerError::Limit(t) => format!("{func}: {t}"),
                };
                *failed.entry(text).or_default() += 1;
            }
        }
        if o.worst > 0 && start.elapsed() > Duration::from_millis(300) {
            println!("    {func}: {:.2} s, {} blocks", start.elapsed().as_secs_f64(), f.layout.len());
        }
        lowering += start.elapsed();
        if o.dump == Some(func.as_u32()) {
            println!("{f}");
        }
    }
    let mut rows: Vec<(i64, u32, usize, usize)> = Vec::new();
    for (func, code) in &made {
        for results in code.block_types() {
            m.intern_func_type(&[], &results);
        }
        let _ = func;
    }
    let numbering = m.numbering();
    for (func, code) in made {
        let index = {
            let types: Vec<(Vec<Type>, u32)> = code
                .block_types()
                .into_iter()
                .map(|r| (r.clone(), m.intern_func_type(&[], &r).as_u32()))
                .collect();
            move |_: &[Type], results: &[Type]| {
                types.iter().find(|(r, _)| r == results).map_or(0, |(_, index)| *index)
            }
        };
        let new = code.encode(&index, &numbering);
        let old = m.raw_body(func).map_or(0, <[u8]>::len);
        rows.push((new.len() as i64 - old as i64, func.as_u32(), old, new.len()));
        if o.dump == Some(func.as_u32()) {
            dump("before", m.raw_body(func).unwrap_or_default());
            dump("after", &new);
        }
        m.funcs[func].body = Some(Body::Encoded(new));
    }
    let out = module::encode(&m, &numbering).ok()?;
    let valid = wasmparser::Validator::new_with_features(module::accepted_features()).validate_all(&out.wasm);
    let ratio = out.code_bytes as f64 / before.max(1) as f64;
    println!(
        "{name:<58} {before:>9} {:>9} {ratio:>6.4}  {:>5.2} {:>5.2}  {raw:>3}  {}{}",
        out.code_bytes,
        lifting.as_secs_f64(),
        lowering.as_secs_f64(),
        failed.values().sum::<u32>(),
        valid.err().map_or(String::new(), |e| format!("  INVALID: {e}")),
    );
    for (reason, n) in failed.iter().take(8) {
        println!("    {n} × {reason}");
    }
    rows.sort_by_key(|r| std::cmp::Reverse(r.0));
    for (grew, func, old, new) in rows.into_iter().take(o.worst) {
        println!("    func {func}: {old} → {new} ({grew:+}, {:.3})", new as f64 / old as f64);
    }
    Some(ratio)
}

/// Prints a body's operators, one a line, indented.
fn dump(title: &str, body: &[u8]) {
    println!("── {title}");
    let Ok(reader) =
        wasmparser::FunctionBody::new(wasmparser::BinaryReader::new(body, 0)).get_operators_reader()
    else {
        return;
    };
    let mut indent = 0usize;
    for op in reader.into_iter().flatten() {
        use wasmparser::Operator as O;
        if matches!(op, O::End | O::Else) {
            indent = indent.saturating_sub(1);
        }
        println!("{}{}", "  ".repeat(indent), text(&op));
        if matches!(op, O::Block { .. } | O::Loop { .. } | O::If { .. } | O::Else | O::TryTable { .. }) {
            indent += 1;
        }
    }
}

fn text(op: &wasmparser::Operator<'_>) -> String {
    let full = format!("{op:?}");
    let short = full.replace("relative_depth: ", "").replace("local_index: ", "").replace("value: ", "");
    short.replace("align: ", "a").replace("max_a", "").replace("MemArg", "")
}
