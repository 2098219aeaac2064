//! What the boundary report says is left, against what stands in the output: every program and shape of `../shared/fused`, or the samples
//! where that is absent.

use loom_wasm::ir::entity::FuncId;
use loom_wasm::module::decode;
use loom_wasm::{Assumptions, Objective, Options, Output};
use std::path::{Path, PathBuf};
use wasmparser::{Operator, Parser, Payload};

fn fused() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("LOOM_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let all = shared.join("fused");
    if all.is_dir() { all } else { root.join("tests/samples/fused") }
}

/// The fused modules below a folder, in order.
fn modules(folder: &Path) -> Vec<PathBuf> {
    let entries = |dir: &Path| -> Vec<PathBuf> {
        let Ok(list) = std::fs::read_dir(dir) else { return Vec::new() };
        list.filter_map(|e| Some(e.ok()?.path())).collect()
    };
    let programs = entries(folder).into_iter().map(|p| p.join("fused.wasm")).filter(|p| p.is_file());
    let shapes =
        entries(&folder.join("shapes")).into_iter().filter(|p| p.extension().is_some_and(|e| e == "wasm"));
    let mut list: Vec<PathBuf> = programs.chain(shapes).collect();
    list.sort();
    list
}

/// Functions that the last round may have put in the place of a call of `cabi_realloc`.
const BEHIND: [&str; 3] = ["malloc", "dlmalloc", "realloc"];

/// Copies between two memories, calls of a component's `cabi_realloc`, and of what is behind it from elsewhere, in a module.
fn counted(wasm: &[u8]) -> (u64, u64, u64) {
    let module = decode(wasm).expect("a valid module").module;
    let name = |index: u32| module.func_name(FuncId::from_u32(index)).unwrap_or_default();
    let is_allocator = |index: u32| name(index).starts_with("cabi_realloc");
    let is_behind = |index: u32| BEHIND.contains(&name(index));
    let (mut copies, mut calls, mut behind) = (0, 0, 0);
    let bodies =
        Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.expect("a valid module") {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
    for (body, func) in bodies.zip(module.imported_funcs() as u32..) {
        let outside = !is_allocator(func) && !is_behind(func);
        for operator in body.get_operators_reader().expect("a valid body") {
            match operator.expect("a valid body") {
                Operator::MemoryCopy { dst_mem, src_mem } => copies += u64::from(dst_mem != src_mem),
                Operator::Call { function_index } => {
                    calls += u64::from(is_allocator(function_index));
                    behind += u64::from(outside && is_behind(function_index));
                }
                _ => {}
            }
        }
    }
    (copies, calls, behind)
}

fn optimized(wasm: &[u8], objective: Objective, closed_world: bool) -> Output {
    let keep_exports = ["run", "*/run#go", "*[dtor]*"].map(str::to_owned).to_vec();
    let assumptions = Assumptions { closed_world, ..Assumptions::default() };
    let options =
        Options { egraph: true, objective, keep_exports, assumptions, jobs: 2, ..Options::default() };
    loom_wasm::optimize(wasm, &options).expect("a valid module")
}

#[test]
fn the_report_counts_what_is_left() {
    let folder = fused();
    let modules = modules(&folder);
    assert!(modules.len() >= 11, "{} modules below {}", modules.len(), folder.display());
    let mut wrong = Vec::new();
    let mut left = 0;
    for path in &modules {
        let wasm = std::fs::read(path).expect("a module");
        for objective in [Objective::Size, Objective::Speed] {
            for closed_world in [true, false] {
                let output = optimized(&wasm, objective, closed_world);
                let boundaries = &output.report.boundaries;
                let copies: u64 = boundaries.iter().map(|b| b.copies).sum();
                let allocations: u64 = boundaries.iter().map(|b| b.allocations).sum();
                let there = counted(&output.wasm);
                left += copies;
                // What a component allocates for itself is no boundary's; in an open world its functions stay. In a closed one the
                // last round inlines allocators as it does other functions.
                let (least, most) = if closed_world { (there.1, there.1 + there.2) } else { (0, there.1) };
                let is_right = copies == there.0 && (least..=most).contains(&allocations);
                if !is_right {
                    let place = path.strip_prefix(&folder).unwrap_or(path).display();
                    wrong.push(format!(
                        "{place} {objective:?}{}: told ({copies}, {allocations}), there are {there:?} (copies, allocations, what is behind them)",
                        if closed_world { ", closed" } else { "" }
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(left > 0, "nothing is left anywhere: this test says nothing");
}
