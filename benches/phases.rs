//! Time of the optimizer by phase and by size of the function: `cargo bench --bench phases`.
//!
//! The inputs are generated functions of 1,000, 10,000 and 100,000 instructions (arithmetic, loads, stores, branches and a
//! loop, always the same ones), a fused program of `tests/samples`, and, where `LOOM_BENCH_MODULE` names a file, that module.
//! `cargo bench --bench phases -- lower` measures only what has that in its name.

use divan::Bencher;
use divan::counter::ItemsCount;
use loom_wasm::analysis::memory_ssa::MemorySsa;
use loom_wasm::analysis::{Cfg, DomTree, Loops, Summaries};
use loom_wasm::caps::Caps;
use loom_wasm::chaos::Chaos;
use loom_wasm::cost::CostTable;
use loom_wasm::egraph::build::build;
use loom_wasm::egraph::compile::CompiledRules;
use loom_wasm::egraph::saturate::saturate;
use loom_wasm::extract::{Context, extract};
use loom_wasm::ir::effects::effects;
use loom_wasm::ir::function::Function;
use loom_wasm::lift::{Lifted, lift};
use loom_wasm::module::{self, Module};
use loom_wasm::rules::RuleSet;
use loom_wasm::schedule::{LowerContext, lower};
use loom_wasm::{Objective, Options, optimize};
use std::fmt;
use std::sync::LazyLock;
use wasm_encoder as we;

fn main() {
    divan::main();
}

/// What is measured: its name in the table, and its bytes.
struct Input {
    name: String,
    wasm: Vec<u8>,
    /// Instructions, for the speed by instruction.
    instructions: usize,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn inputs() -> impl Iterator<Item = &'static Input> {
    static INPUTS: LazyLock<Vec<Input>> = LazyLock::new(|| {
        let mut inputs: Vec<Input> = [("1k", 1_000), ("10k", 10_000), ("100k", 100_000)]
            .map(|(n, size)| input(n, generated(size)))
            .into();
        inputs.push(input("strings", include_bytes!("../tests/samples/fused/strings/fused.wasm").to_vec()));
        if let Some(path) = std::env::var_os("LOOM_BENCH_MODULE") {
            let wasm = std::fs::read(&path).expect("LOOM_BENCH_MODULE is a file");
            let name = std::path::Path::new(&path).file_stem().map(|s| s.to_string_lossy().into_owned());
            inputs.push(input(&name.unwrap_or_default(), wasm));
        }
        inputs
    });
    INPUTS.iter()
}

fn input(name: &str, wasm: Vec<u8>) -> Input {
    let (_, functions) = lifted(&wasm);
    let instructions = functions.iter().map(size).sum();
    Input { name: name.to_owned(), wasm, instructions }
}

fn size(f: &Function) -> usize {
    f.layout.iter().map(|&b| f.blocks[b].insts.len()).sum()
}

/// One function of about `size` instructions over one memory: groups of arithmetic, a load, a store and an `if`, every
/// eighth of them a loop.
fn generated(size: usize) -> Vec<u8> {
    use we::Instruction as I;
    use we::ValType::I32;
    let memarg = |group: usize| {
        let target = we::MemArgTarget::Memory(0);
        we::MemArg { offset: (group % 64 * 4) as u64, align: 2, target, ordering: None }
    };
    let mut code = we::Function::new([(2, I32)]);
    let mut count = 0;
    let mut put = |i: I<'_>| {
        code.instruction(&i);
        count += 1;
        count
    };
    for group in 0.. {
        let looped = group % 8 == 7;
        if looped {
            put(I::Loop(we::BlockType::Empty));
        }
        for i in [
            I::LocalGet(0),
            I::I32Const((group as i32).wrapping_mul(0x9e37_79b1u32 as i32) | 1),
            [I::I32Add, I::I32Mul, I::I32Xor, I::I32Or][group % 4].clone(),
            I::LocalGet(1),
            I::I32Load(memarg(group)),
            I::I32Add,
            I::LocalSet(2),
            I::LocalGet(1),
            I::LocalGet(2),
            I::I32Const(0),
            I::I32Add,
            I::I32Store(memarg(group * 7)),
            I::LocalGet(2),
            I::I32Const(5),
            I::I32LtU,
            I::If(we::BlockType::Empty),
            I::LocalGet(0),
            I::I32Const(1),
            I::I32Shl,
            I::LocalSet(0),
            I::Else,
            I::LocalGet(2),
            I::LocalSet(0),
            I::End,
        ] {
            put(i);
        }
        if looped {
            for i in [I::LocalGet(2), I::LocalTee(3), I::I32Eqz, I::BrIf(0), I::End] {
                put(i);
            }
        }
        if put(I::Nop) >= size {
            break;
        }
    }
    put(I::LocalGet(0));
    put(I::End);
    let mut module = we::Module::new();
    let mut types = we::TypeSection::new();
    types.ty().function([I32, I32], [I32]);
    let mut functions = we::FunctionSection::new();
    functions.function(0);
    let mut memories = we::MemorySection::new();
    memories.memory(we::MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = we::ExportSection::new();
    exports.export("f", we::ExportKind::Func, 0);
    let mut bodies = we::CodeSection::new();
    bodies.function(&code);
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&bodies);
    module.finish()
}

/// Decoding and lifting.
fn lifted(wasm: &[u8]) -> (Module, Vec<Function>) {
    let decoded = module::decode(wasm).expect("decodes");
    let mut allocations = Default::default();
    let mut functions = Vec::new();
    for body in decoded.bodies {
        let (lifted, back) = lift(&decoded.module, &decoded.types, body, allocations).expect("is valid");
        allocations = back;
        if let Lifted::Function(f) = lifted {
            functions.push(*f);
        }
    }
    (decoded.module, functions)
}

fn rules(objective: Objective) -> CompiledRules {
    CompiledRules::new(&RuleSet::builtin().expect("the built-in rules"), objective, |_| true)
}

/// Analysis, e-graph, saturation, extraction.
fn rewritten(f: &Function, module: &Module, rules: &CompiledRules, objective: Objective) -> Option<Function> {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    let loops = Loops::compute(&cfg, &dom);
    let memory = MemorySsa::compute(f, &cfg, &dom, &loops, &Summaries::unknown());
    let mut built = build(f, cfg.rpo(), &memory, module);
    saturate(&mut built.graph, rules, false, Chaos::OFF);
    let context = Context {
        f,
        built: &built,
        dom: &dom,
        loops: &loops,
        memory: &memory,
        info: module,
        costs: CostTable::of(objective),
        caps: Caps::default(),
        chaos: Chaos::OFF,
    };
    extract(&context).ok()
}

#[divan::bench(args = inputs(), sample_count = 10)]
fn decode_and_lift(bencher: Bencher<'_, '_>, input: &Input) {
    bencher.counter(ItemsCount::new(input.instructions)).bench(|| lifted(&input.wasm));
}

#[divan::bench(args = inputs(), sample_count = 10)]
fn egraph_saturate_extract(bencher: Bencher<'_, '_>, input: &Input) {
    let (module, functions) = lifted(&input.wasm);
    let rules = rules(Objective::Size);
    bencher.counter(ItemsCount::new(input.instructions)).bench(|| {
        let new = |f| rewritten(f, &module, &rules, Objective::Size);
        functions.iter().filter_map(new).map(|f| size(&f)).sum::<usize>()
    });
}

#[divan::bench(args = inputs(), sample_count = 10)]
fn lower_plain(bencher: Bencher<'_, '_>, input: &Input) {
    let (_, functions) = lifted(&input.wasm);
    let context = LowerContext::new(&effects, false);
    bencher.counter(ItemsCount::new(input.instructions)).bench(|| {
        let code = |f| lower(f, &context).ok();
        functions.iter().filter_map(code).map(|c| c.size()).sum::<usize>()
    });
}

#[divan::bench]
fn compile_rules() -> usize {
    rules(Objective::Size).rules.len()
}

/// All of it, on one thread.
fn whole(bencher: Bencher<'_, '_>, input: &Input, options: Options) {
    // Not of the optimizer in a release: the default of the option is about debug builds.
    let options = Options { verify: false, ..options };
    bencher
        .counter(ItemsCount::new(input.instructions))
        .bench(|| optimize(&input.wasm, &options).expect("optimizes").wasm.len());
}

#[divan::bench(args = inputs(), sample_count = 10)]
fn optimize_plain(bencher: Bencher<'_, '_>, input: &Input) {
    whole(bencher, input, Options::default());
}

#[divan::bench(args = inputs(), sample_count = 10)]
fn optimize_egraph_size(bencher: Bencher<'_, '_>, input: &Input) {
    whole(bencher, input, Options { egraph: true, objective: Objective::Size, ..Options::default() });
}

#[divan::bench(args = inputs(), sample_count = 10)]
fn optimize_egraph_speed(bencher: Bencher<'_, '_>, input: &Input) {
    whole(bencher, input, Options { egraph: true, effort: 3, ..Options::default() });
}
