//! A small oracle: runs a module before and after in wasmi on the same calls and compares everything that its host can see.
//!
//! Each exported function is called with edge values of its parameters' types, all calls on one instance, so that what one
//! leaves behind in memories and globals is what the next one finds. Compared after each call: results, kind of trap,
//! contents of exported memories, exported globals, and the calls to imports with their arguments. Imported functions
//! write to the exported memories, as hosts may.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{BlockType, CodeSection, Instruction};
use wasmi::{
    AsContext, Caller, CompilationMode, Config, Engine, Extern, ExternType, Func, FuncType, Global, Instance,
    Linker, Memory, Module, Store, Table, TrapCode, Val, ValType,
};

/// Fuel of one call; a case must not need more.
const FUEL: u64 = 2_000_000;
/// Most calls of one exported function.
const MAX_CALLS: usize = 400;
/// Bytes at the start of each exported memory that a call to an import changes.
const POKED: usize = 64;

/// What the host saw of one call.
#[derive(Debug, PartialEq)]
struct Seen {
    outcome: Result<Vec<Value>, String>,
    imports: Vec<(String, Vec<Value>)>,
    globals: Vec<Value>,
    memories: Vec<Vec<u8>>,
}

/// A value with its bits; all NaNs of a type are one, since WebAssembly leaves open which one an operation gives.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
    Null(bool),
}

impl Value {
    fn of(v: &Val) -> Value {
        match v {
            Val::I32(x) => Value::I32(*x),
            Val::I64(x) => Value::I64(*x),
            Val::F32(x) if f32::from(*x).is_nan() => Value::F32(f32::NAN.to_bits()),
            Val::F32(x) => Value::F32(x.to_bits()),
            Val::F64(x) if f64::from(*x).is_nan() => Value::F64(f64::NAN.to_bits()),
            Val::F64(x) => Value::F64(x.to_bits()),
            Val::V128(x) => Value::V128(x.as_u128()),
            Val::FuncRef(r) => Value::Null(r.is_null()),
            Val::ExternRef(r) => Value::Null(r.is_null()),
        }
    }
}

#[derive(Default)]
struct Host {
    calls: Vec<(String, Vec<Value>)>,
    exports: Vec<String>,
}

fn engine() -> Engine {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .wasm_multi_memory(true)
        .wasm_memory64(true)
        .wasm_tail_call(true)
        .wasm_custom_page_sizes(true)
        .wasm_wide_arithmetic(true)
        .compilation_mode(CompilationMode::Eager);
    Engine::new(&config)
}

/// Edge values of a type.
fn edges(ty: ValType) -> Vec<Val> {
    const INTS: [i64; 30] = [
        0,
        1,
        -1,
        2,
        3,
        4,
        7,
        8,
        12,
        16,
        31,
        32,
        33,
        63,
        64,
        100,
        127,
        128,
        255,
        256,
        65531,
        65532,
        65536,
        0x7fff_ffff,
        -0x8000_0000,
        -2,
        -4,
        -8,
        -16,
        -100,
    ];
    const FLOATS: [f64; 14] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        2.0,
        1.5e10,
        -3.7,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::MIN_POSITIVE,
        4294967296.0,
        -9.3e18,
    ];
    match ty {
        ValType::I32 => INTS.iter().map(|&i| Val::I32(i as i32)).collect(),
        ValType::I64 => {
            let wide = [i64::MIN, i64::MAX, 0x1_0000_0000, 0xffff_fffc, 0x0123_4567_89ab_cdef];
            INTS.iter().chain(&wide).map(|&i| Val::I64(i)).collect()
        }
        ValType::F32 => FLOATS.iter().map(|&x| Val::F32((x as f32).into())).collect(),
        ValType::F64 => FLOATS.iter().map(|&x| Val::F64(x.into())).collect(),
        _ => vec![Val::default(ty)],
    }
}

/// Argument lists: all combinations of edge values, or evenly spread ones where there are too many.
fn arguments(params: &[ValType]) -> Vec<Vec<Val>> {
    let edges: Vec<Vec<Val>> = params.iter().map(|&t| edges(t)).collect();
    let total = edges.iter().fold(1usize, |n, e| n.saturating_mul(e.len()));
    // A step without a common factor with the total visits different combinations, in an order that mixes the positions.
    let count = total.min(MAX_CALLS);
    let mut step = (total / count).max(1) | 1;
    while gcd(step, total) != 1 {
        step += 2;
    }
    (0..count)
        .map(|i| {
            let mut at = i.wrapping_mul(step) % total;
            edges
                .iter()
                .map(|e| {
                    let v = e[at % e.len()].clone();
                    at /= e.len();
                    v
                })
                .collect()
        })
        .collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A host function that logs its call, changes the start of each exported memory and answers by the number of the call.
fn import(store: &mut Store<Host>, name: String, ty: &FuncType) -> Func {
    Func::new(
        &mut *store,
        ty.clone(),
        move |mut caller: Caller<'_, Host>, args: &[Val], results: &mut [Val]| {
            let n = caller.data().calls.len();
            caller.data_mut().calls.push((name.clone(), args.iter().map(Value::of).collect()));
            for export in caller.data().exports.clone() {
                if let Some(memory) = caller.get_export(&export).and_then(Extern::into_memory) {
                    let bytes = memory.data_mut(&mut caller);
                    for (i, b) in bytes.iter_mut().take(POKED).enumerate() {
                        *b = b.wrapping_mul(5).wrapping_add((i + n) as u8 | 1);
                    }
                }
            }
            for r in results {
                *r = match &*r {
                    Val::I32(_) => Val::I32((n as i32).wrapping_mul(0x1357_9bdf)),
                    Val::I64(_) => Val::I64((n as i64).wrapping_mul(0x1357_9bdf_2468_ace1)),
                    Val::F32(_) => Val::F32((n as f32).into()),
                    Val::F64(_) => Val::F64((n as f64).into()),
                    other => other.clone(),
                };
            }
            Ok(())
        },
    )
}

struct Run {
    store: Store<Host>,
    instance: Instance,
}

impl Run {
    /// With `twins` memories, tables and globals that are imported with the same type are one and the same.
    fn new(engine: &Engine, module: &Module, twins: bool) -> Result<Run, String> {
        let mut store = Store::new(engine, Host::default());
        store.data_mut().exports = module.exports().map(|e| e.name().to_owned()).collect();
        store.set_fuel(FUEL).map_err(|e| e.to_string())?;
        let mut linker = Linker::new(engine);
        let mut first: Vec<(String, Extern)> = Vec::new();
        for i in module.imports() {
            let ty = format!("{:?}", i.ty());
            let twin = first.iter().find(|(of, _)| twins && *of == ty).map(|(_, item)| *item);
            let item = match (twin, i.ty()) {
                (Some(item), _) => item,
                (None, ExternType::Func(ty)) => {
                    import(&mut store, format!("{}.{}", i.module(), i.name()), ty).into()
                }
                (None, ExternType::Memory(ty)) => {
                    Memory::new(&mut store, *ty).map_err(|e| e.to_string())?.into()
                }
                (None, ExternType::Global(ty)) => {
                    Global::new(&mut store, Val::default(ty.content()), ty.mutability()).into()
                }
                (None, ExternType::Table(ty)) => {
                    let null = Val::default(ty.element());
                    Table::new(&mut store, *ty, null).map_err(|e| e.to_string())?.into()
                }
            };
            if !matches!(item, Extern::Func(_)) {
                first.push((ty, item));
            }
            linker.define(i.module(), i.name(), item).map_err(|e| e.to_string())?;
        }
        let instance = linker.instantiate_and_start(&mut store, module).map_err(|e| e.to_string())?;
        Ok(Run { store, instance })
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Result<Seen, String> {
        self.store.set_fuel(FUEL).map_err(|e| e.to_string())?;
        let f = self.instance.get_func(&self.store, name).ok_or("an export is missing")?;
        let ty = f.ty(&self.store);
        let mut results: Vec<Val> = ty.results().iter().map(|&t| Val::default(t)).collect();
        let outcome = match f.call(&mut self.store, args, &mut results) {
            Ok(()) => Ok(results.iter().map(Value::of).collect()),
            Err(e) => match e.as_trap_code() {
                Some(code @ (TrapCode::OutOfFuel | TrapCode::StackOverflow)) => {
                    return Err(format!("{name}{args:?} ran out of resources: {code:?}"));
                }
                Some(code) => Err(format!("{code:?}")),
                None => Err(e.to_string()),
            },
        };
        let imports = std::mem::take(&mut self.store.data_mut().calls);
        let (mut globals, mut memories) = (Vec::new(), Vec::new());
        for export in self.store.data().exports.clone() {
            match self.instance.get_export(&self.store, &export) {
                Some(Extern::Global(g)) => globals.push(Value::of(&g.get(&self.store))),
                Some(Extern::Memory(m)) => memories.push(m.data(self.store.as_context()).to_vec()),
                _ => {}
            }
        }
        Ok(Seen { outcome, imports, globals, memories })
    }
}

/// wasmi 2.0.0 fuses `select` with a comparison with 0 before it, and then reads the condition from where the comparison
/// would have left it (`select a b (i32.eqz local)` gives the wrong arm). A block between both stops that.
struct Unfused;

impl Reencode for Unfused {
    type Error = Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: wasmparser::FunctionBody<'_>,
    ) -> Result<(), Error<Infallible>> {
        let mut f = self.new_function_with_parsed_locals(&body)?;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let operator = reader.read()?;
            if matches!(operator, wasmparser::Operator::Select | wasmparser::Operator::TypedSelect { .. }) {
                f.instruction(&Instruction::Block(BlockType::Empty)).instruction(&Instruction::End);
            }
            f.instruction(&self.instruction(operator)?);
        }
        code.function(&f);
        Ok(())
    }
}

fn unfused(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let mut module = wasm_encoder::Module::new();
    Unfused
        .parse_core_module(&mut module, wasmparser::Parser::new(0), wasm)
        .map_err(|e| format!("cannot be prepared for wasmi: {e}"))?;
    Ok(module.finish())
}

/// The module with those exports only whose names pass.
#[allow(dead_code)]
pub fn with_exports(wasm: &[u8], keep: impl Fn(&str) -> bool) -> Vec<u8> {
    let decoded = loom_wasm::module::decode(wasm).expect("a valid module");
    let mut module = decoded.validate_bodies().expect("a valid module");
    module.exports.retain(|e| keep(&e.name));
    loom_wasm::module::encode(&module, &module.numbering()).expect("a valid module").wasm
}

/// Runs both modules; the answer is the number of calls compared.
///
/// # Errors
/// The first difference in words, or why the modules could not be run.
pub fn compare(before: &[u8], after: &[u8]) -> Result<usize, String> {
    Ok(compare_on(before, after, false)? + compare_on(before, after, true)?)
}

/// [`compare`] on a host that supplies one thing for each import, or with `twins` one for all of a type but functions.
fn compare_on(before: &[u8], after: &[u8], twins: bool) -> Result<usize, String> {
    let engine = engine();
    let load = |what: &str, wasm: &[u8]| {
        let wasm = unfused(wasm)?;
        let module =
            Module::new(&engine, wasm).map_err(|e| format!("wasmi does not load the {what}: {e}"))?;
        let run = Run::new(&engine, &module, twins)
            .map_err(|e| format!("the {what} cannot be instantiated: {e}"))?;
        Ok::<_, String>((module, run))
    };
    let ((module, mut old), (_, mut new)) = (load("input", before)?, load("output", after)?);
    let shared = module.imports().filter(|i| !matches!(i.ty(), ExternType::Func(_))).count();
    if twins && shared < 2 {
        return Ok(0);
    }
    let mut calls = 0;
    for export in module.exports() {
        let ExternType::Func(ty) = export.ty() else { continue };
        for args in arguments(ty.params()) {
            let (b, a) = (old.call(export.name(), &args)?, new.call(export.name(), &args)?);
            if b != a {
                return Err(format!("{}{args:?}: {}", export.name(), difference(&b, &a)));
            }
            calls += 1;
        }
    }
    Ok(calls)
}

fn difference(before: &Seen, after: &Seen) -> String {
    if before.outcome != after.outcome {
        return format!("before {:?}, after {:?}", before.outcome, after.outcome);
    }
    if before.imports != after.imports {
        return format!("calls to imports: before {:?}, after {:?}", before.imports, after.imports);
    }
    if before.globals != after.globals {
        return format!("exported globals: before {:?}, after {:?}", before.globals, after.globals);
    }
    let memories = before.memories.iter().zip(&after.memories).enumerate();
    for (n, (b, a)) in memories {
        if b.len() != a.len() {
            return format!("memory {n} has {} bytes before and {} after", b.len(), a.len());
        }
        if let Some(at) = (0..b.len()).find(|&i| b[i] != a[i]) {
            return format!("memory {n} differs at {at}: before {:#x}, after {:#x}", b[at], a[at]);
        }
    }
    "a different number of memories".to_owned()
}

/// All files with this extension below a folder, sorted, as paths relative to it without the extension.
#[allow(dead_code, reason = "not every suite has a folder of files")]
pub fn files(folder: &Path, extension: &str) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(f) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&f) else { continue };
        for entry in entries {
            let path = entry.expect("an entry of a folder of cases").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let name = path.strip_prefix(folder).expect("below the folder").with_extension("");
                found.insert(name);
            }
        }
    }
    found
}
