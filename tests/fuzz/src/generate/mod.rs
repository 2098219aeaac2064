//! The structured generator: modules shaped like fused components, with everything observable and always terminating.
//!
//! What comes out: two to four memories (all but a few exported), masked addresses in a small window so that accesses alias
//! often, loops with counters of their own, branches that carry values, calls that only go to functions of higher index,
//! logging and poking imports, globals used as bump and stack pointers, adapter chains, rule-shaped expressions.
//!
//! Invariants of the output: it validates; it ends (loops are counted, calls are acyclic); no NaN payload that WebAssembly
//! leaves open is observable (float expressions are either *exact*, whose bits are determined, or *loose*, and loose
//! values reach stores, reinterpretations, globals, calls and results only through a canonicalization).

mod adapter;
mod body;
mod control;
mod expr;
mod float;
mod memory;
mod ops;
mod shapes;

use crate::rng::Rng;
use body::Body;
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, FunctionSection, GlobalSection, GlobalType, ImportSection, MemArg, MemArgTarget,
    MemorySection, MemoryType, Module, RefType, StartSection, TableSection, TableType, TypeSection, ValType,
};

/// Parameters and results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub params: Vec<ValType>,
    pub results: Vec<ValType>,
}

/// Function types, interned.
#[derive(Default)]
pub(crate) struct Types(pub Vec<Signature>);

impl Types {
    /// Index of a type, new or old.
    pub fn index(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let found = self.0.iter().position(|s| s.params == params && s.results == results);
        found.unwrap_or_else(|| {
            self.0.push(Signature { params: params.to_vec(), results: results.to_vec() });
            self.0.len() - 1
        }) as u32
    }
}

/// One memory.
#[derive(Clone, Copy)]
pub(crate) struct MemoryShape {
    pub is64: bool,
    pub pages: u64,
    pub max: Option<u64>,
    pub exported: bool,
}

/// One global.
#[derive(Clone, Copy)]
pub(crate) struct GlobalShape {
    pub ty: ValType,
    pub mutable: bool,
    pub exported: bool,
    pub init: u64,
}

/// Everything about the module that bodies refer to.
pub(crate) struct Shape {
    pub memories: Vec<MemoryShape>,
    pub globals: Vec<GlobalShape>,
    /// Imports first.
    pub functions: Vec<Signature>,
    pub imports: usize,
    /// Functions from this index on call neither others nor through the table; they may be in the table.
    pub first_leaf: usize,
    /// Slots of table 0: function index or null.
    pub table: Vec<Option<u32>>,
    /// Lengths of the passive data segments; segment indices start at 0, active ones follow.
    pub passive: Vec<u32>,
    /// Module has SIMD.
    pub simd: bool,
}

const SCALARS: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

fn memarg(offset: u64, align: u32, memory: u32) -> MemArg {
    MemArg { offset, align, target: MemArgTarget::Memory(memory), ordering: None }
}

fn scalar(rng: &mut Rng) -> ValType {
    SCALARS[[0, 0, 0, 0, 1, 1, 2, 3][rng.below(8)]]
}

fn signature(rng: &mut Rng) -> Signature {
    let params = (0..rng.below(5)).map(|_| scalar(rng)).collect();
    let results = (0..[1, 1, 1, 0, 2, 3][rng.below(6)]).map(|_| scalar(rng)).collect();
    Signature { params, results }
}

fn const_expr(ty: ValType, bits: u64) -> ConstExpr {
    match ty {
        ValType::I32 => ConstExpr::i32_const(bits as i32),
        ValType::I64 => ConstExpr::i64_const(bits as i64),
        ValType::F32 => ConstExpr::f32_const(wasm_encoder::Ieee32::new(bits as u32)),
        _ => ConstExpr::f64_const(wasm_encoder::Ieee64::new(bits)),
    }
}

fn memories(rng: &mut Rng) -> Vec<MemoryShape> {
    let with64 = rng.percent(10);
    (0..rng.range(2, 4))
        .map(|_| {
            let pages = rng.range(1, 2) as u64;
            MemoryShape {
                is64: with64 && rng.percent(50),
                pages,
                max: rng.percent(50).then(|| pages + rng.below(3) as u64),
                exported: rng.percent(85),
            }
        })
        .collect()
}

/// Globals 0 and 1 are a bump pointer and a stack pointer; the rest is random.
fn globals(rng: &mut Rng) -> Vec<GlobalShape> {
    let mut out = vec![
        GlobalShape { ty: ValType::I32, mutable: true, exported: rng.percent(70), init: 1024 },
        GlobalShape { ty: ValType::I32, mutable: true, exported: rng.percent(70), init: 4096 },
    ];
    for _ in 0..rng.range(1, 5) {
        let ty = scalar(rng);
        let init = match ty {
            ValType::I32 => rng.edge_int(32),
            ValType::I64 => rng.edge_int(64),
            ValType::F32 => u64::from(rng.edge_f32()),
            _ => rng.edge_f64(),
        };
        out.push(GlobalShape { ty, mutable: rng.percent(80), exported: rng.percent(75), init });
    }
    out
}

fn import_signatures() -> Vec<(&'static str, Signature)> {
    use ValType::{F64, I32, I64};
    let sig = |params: &[ValType], results: &[ValType]| Signature {
        params: params.to_vec(),
        results: results.to_vec(),
    };
    vec![
        ("log", sig(&[I32], &[])),
        ("log64", sig(&[I64, F64], &[])),
        ("ask", sig(&[I32], &[I32])),
        ("poke", sig(&[], &[])),
        ("poke_ask", sig(&[I64], &[I64, I32])),
        ("reenter", sig(&[], &[])),
    ]
}

/// A module for the seed.
pub fn module(seed: u64) -> Vec<u8> {
    let rng = &mut Rng::new(seed);
    let mut types = Types::default();
    let imports: Vec<_> = import_signatures().into_iter().filter(|_| rng.percent(70)).collect();
    let mut functions: Vec<Signature> = imports.iter().map(|(_, s)| s.clone()).collect();
    let random = rng.range(1, 4);
    let leaves = rng.range(1, 4);
    let adapters = rng.percent(40);
    let first_leaf = imports.len() + random + if adapters { adapter::COUNT } else { 0 };
    let memories = memories(rng);
    for _ in 0..random {
        functions.push(signature(rng));
    }
    if adapters {
        functions.extend(adapter::signatures());
    }
    for _ in 0..leaves {
        functions.push(signature(rng));
    }
    let table = (0..rng.range(4, 10))
        .map(|_| rng.percent(85).then(|| rng.range(first_leaf, first_leaf + leaves - 1) as u32))
        .collect();
    let passive = (0..rng.below(3)).map(|_| rng.range(0, 40) as u32).collect();
    let globals = globals(rng);
    let shape = Shape {
        memories,
        globals,
        functions,
        imports: imports.len(),
        first_leaf,
        table,
        passive,
        simd: rng.percent(15),
    };

    let mut code = CodeSection::new();
    let total_budget = rng.range(20, 400);
    for index in shape.imports..shape.functions.len() {
        let adapter_at = shape.imports + random;
        let function = if adapters && (adapter_at..adapter_at + adapter::COUNT).contains(&index) {
            adapter::body(rng, &shape, &mut types, adapter_at, index - adapter_at)
        } else {
            let budget = rng.range(5, total_budget);
            Body::generate(rng, &shape, &mut types, index, budget as i32)
        };
        code.function(&function);
    }
    encode(rng, &shape, types, &imports, &code)
}

fn encode(
    rng: &mut Rng,
    shape: &Shape,
    mut types: Types,
    imports: &[(&str, Signature)],
    code: &CodeSection,
) -> Vec<u8> {
    let mut import_section = ImportSection::new();
    for (name, sig) in imports {
        import_section.import("env", name, EntityType::Function(types.index(&sig.params, &sig.results)));
    }
    let mut function_section = FunctionSection::new();
    for sig in &shape.functions[shape.imports..] {
        function_section.function(types.index(&sig.params, &sig.results));
    }
    let mut memory_section = MemorySection::new();
    let mut exports = ExportSection::new();
    for (i, m) in shape.memories.iter().enumerate() {
        memory_section.memory(MemoryType {
            minimum: m.pages,
            maximum: m.max,
            memory64: m.is64,
            shared: false,
            page_size_log2: None,
        });
        if m.exported {
            exports.export(&format!("m{i}"), ExportKind::Memory, i as u32);
        }
    }
    let mut global_section = GlobalSection::new();
    for (i, g) in shape.globals.iter().enumerate() {
        let ty = GlobalType { val_type: g.ty, mutable: g.mutable, shared: false };
        global_section.global(ty, &const_expr(g.ty, g.init));
        if g.exported {
            exports.export(&format!("g{i}"), ExportKind::Global, i as u32);
        }
    }
    let mut tables = TableSection::new();
    let size = shape.table.len() as u64;
    let maximum = rng.percent(50).then_some(size);
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        minimum: size,
        maximum,
        table64: false,
        shared: false,
    });
    if rng.percent(50) {
        exports.export("table", ExportKind::Table, 0);
    }
    let mut elements = ElementSection::new();
    for (i, slot) in shape.table.iter().enumerate() {
        if let Some(f) = slot {
            elements.active(None, &ConstExpr::i32_const(i as i32), Elements::Functions(vec![*f].into()));
        }
    }
    // What the reentering host calls: one of the leaves without parameters and results, if there is one.
    let mut reenter = None;
    for (i, sig) in shape.functions.iter().enumerate().skip(shape.imports) {
        if rng.percent(90) {
            exports.export(&format!("f{i}"), ExportKind::Func, i as u32);
        }
        if sig.params.is_empty() && sig.results.is_empty() && i >= shape.first_leaf {
            reenter = Some(i as u32);
        }
    }
    if let Some(f) = reenter {
        exports.export("on_reenter", ExportKind::Func, f);
    }
    let mut data = DataSection::new();
    for &len in &shape.passive {
        data.passive((0..len).map(|_| rng.next_u32() as u8).collect::<Vec<_>>());
    }
    for (i, m) in shape.memories.iter().enumerate() {
        let at = if m.is64 { ConstExpr::i64_const(0) } else { ConstExpr::i32_const(0) };
        let bytes: Vec<u8> = (0..rng.range(0, 96)).map(|_| rng.next_u32() as u8).collect();
        data.active(i as u32, &at, bytes);
    }

    let mut type_section = TypeSection::new();
    for sig in &types.0 {
        type_section.ty().function(sig.params.iter().copied(), sig.results.iter().copied());
    }
    let mut module = Module::new();
    module.section(&type_section).section(&import_section).section(&function_section).section(&tables);
    module.section(&memory_section).section(&global_section).section(&exports);
    if let Some(function_index) = reenter.filter(|_| rng.percent(20)) {
        module.section(&StartSection { function_index });
    }
    module.section(&elements);
    module.section(&DataCountSection { count: (shape.passive.len() + shape.memories.len()) as u32 });
    module.section(code).section(&data);
    module.finish()
}
