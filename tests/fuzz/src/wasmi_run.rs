//! The oracle's engine: wasmi, with fuel.

use crate::host::{HostState, Kept, handle, look, make_import, still_imported};
use crate::oracle::{ACTIVE_SEGMENT, Call, Export, Outcome, Running, Step, Surface, Target, drive};
use crate::rng::Rng;
use crate::surface::Facts;
use crate::value::{Seen, Ty};
use std::collections::BTreeMap;
use wasmi::{
    Config, Engine, Error, Extern, ExternType, Func, Module, Ref, Store, StoreLimitsBuilder, TrapCode, Val,
};

/// A module that the engine has accepted.
pub struct Loaded {
    module: Module,
    /// What it shows.
    pub surface: Surface,
    /// Whether imported functions in tables are told apart; other engines cannot.
    pub name_imports: bool,
    facts: Facts,
}

/// The engine, with fuel and all proposals that wasmi knows.
pub fn engine() -> Engine {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .wasm_multi_memory(true)
        .wasm_memory64(true)
        .wasm_tail_call(true)
        .wasm_extended_const(true)
        .wasm_custom_page_sizes(true)
        .wasm_wide_arithmetic(true)
        .wasm_simd(true)
        .wasm_relaxed_simd(true)
        .compilation_mode(wasmi::CompilationMode::Eager);
    config.set_max_recursion_depth(500);
    Engine::new(&config)
}

/// Compiles a module.
///
/// # Errors
/// When the engine does not accept it.
pub fn load(engine: &Engine, wasm: &[u8]) -> Result<Loaded, String> {
    let module = Module::new(engine, wasm).map_err(|e| e.to_string())?;
    let mut surface = Surface::default();
    // Engines list exports in orders of their own; what the host does by position must not depend on it.
    let mut exports: Vec<_> = module.exports().collect();
    exports.sort_by_key(|e| e.name());
    for export in exports {
        let kind = match export.ty() {
            ExternType::Func(ty) => Export::Func(Some(ty.params().iter().map(|t| Ty::of(*t)).collect())),
            ExternType::Table(_) => Export::Table,
            _ => Export::Other,
        };
        surface.exports.push((export.name().to_owned(), kind));
        surface.export_types.push(format!("{} {:?}", export.name(), export.ty()));
    }
    for import in module.imports() {
        surface.import_types.push(format!("{}.{} {:?}", import.module(), import.name(), import.ty()));
    }
    Ok(Loaded { module, surface, name_imports: true, facts: Facts::of(wasm) })
}

fn ended(error: &Error) -> Outcome {
    match error.as_trap_code() {
        Some(code @ (TrapCode::OutOfFuel | TrapCode::StackOverflow | TrapCode::GrowthOperationLimited)) => {
            Outcome::Exhausted(format!("{code:?}"))
        }
        Some(code) => Outcome::Trap(format!("{code:?}")),
        None if error.i32_exit_status().is_some() => Outcome::Trap("exit".to_owned()),
        None => {
            // Some bulk operations on tables and memories trap without a code.
            let text = error.to_string();
            let code = [
                ("out of bounds table access", TrapCode::TableOutOfBounds),
                ("out of bounds memory access", TrapCode::MemoryOutOfBounds),
            ];
            let code = code.iter().find(|(part, _)| text.contains(part));
            Outcome::Trap(code.map_or(text.clone(), |(_, code)| format!("{code:?}")))
        }
    }
}

struct Runner {
    store: Store<HostState>,
    instance: Option<wasmi::Instance>,
}

impl Runner {
    fn function(&self, target: &Target) -> Option<Func> {
        let instance = self.instance?;
        match target {
            Target::Export(name) => instance.get_func(&self.store, name),
            Target::Slot(table, slot, _) => {
                match instance.get_table(&self.store, table)?.get(&self.store, *slot)? {
                    Val::FuncRef(Ref::Val(f)) => Some(f),
                    _ => None,
                }
            }
        }
    }
}

impl Running for Runner {
    fn is_instantiated(&self) -> bool {
        self.instance.is_some()
    }

    fn refuel(&mut self, fuel: u64) -> Result<(), String> {
        self.store.set_fuel(fuel).map_err(|e| e.to_string())
    }

    fn call(&mut self, call: &Call) -> Outcome {
        // An empty slot is part of the state; there is nothing to call.
        let Some(func) = self.function(&call.target) else { return Outcome::Values(Vec::new()) };
        let ty = func.ty(&self.store);
        let args: Vec<Val> = match call.target {
            Target::Export(_) => call.args.iter().map(|a| a.to_val(&mut self.store)).collect(),
            Target::Slot(_, _, seed) => {
                let rng = &mut Rng::new(seed);
                ty.params().iter().map(|t| Ty::of(*t).edge(rng).to_val(&mut self.store)).collect()
            }
        };
        let mut results: Vec<Val> = ty.results().iter().map(|t| Val::default(*t)).collect();
        match func.call(&mut self.store, &args, &mut results) {
            Ok(()) => Outcome::Values(results.iter().map(Seen::of).collect()),
            Err(e) => ended(&e),
        }
    }

    fn step(&mut self, outcome: Outcome) -> Step {
        let log = std::mem::take(&mut self.store.data_mut().log);
        let instance = self.instance;
        let state = look(&mut self.store, |store, name| instance?.get_export(store, name));
        Step { outcome, state, log }
    }
}

/// An import's type but for its limits, which an unused import does not need to keep.
fn kind(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => format!("{ty:?}"),
        ExternType::Table(_) => "table".to_owned(),
        ExternType::Memory(_) => "memory".to_owned(),
        ExternType::Global(ty) => format!("{ty:?}"),
    }
}

/// Instantiates the module and makes the calls, one step each; the first step is the instantiation.
///
/// Stops after a step that ended in [`Outcome::Exhausted`]. `fuel` is given to each step. `before` is the module whose imports the
/// host supplies: more than `loaded` has where unused ones are gone. With `twins` memories, tables and globals that are imported
/// with the same type are one and the same.
///
/// # Errors
/// When its imports cannot be made.
pub fn run(
    engine: &Engine,
    loaded: &Loaded,
    before: &Loaded,
    calls: &[Call],
    fuel: u64,
    twins: bool,
) -> Result<Vec<Step>, String> {
    let module = &loaded.module;
    let names = |of: &Loaded| -> Vec<(String, String, String)> {
        let name = |i: wasmi::ImportType<'_>| (i.module().to_owned(), i.name().to_owned(), kind(i.ty()));
        of.module.imports().map(name).collect()
    };
    let (supplied, still) = match still_imported(&names(before), &names(loaded)) {
        Some(still) => (&before.module, still),
        None => (module, vec![true; module.imports().len()]),
    };
    let host = HostState {
        limits: StoreLimitsBuilder::new().memory_size(64 << 20).table_elements(100_000).build(),
        log: Vec::new(),
        exports: loaded.surface.exports.iter().map(|(name, _)| name.clone()).collect(),
        imported: Vec::new(),
        depth: 0,
        facts: loaded.facts,
        names: BTreeMap::new(),
        visible: None,
        kept: Kept::default(),
    };
    let mut store = Store::new(engine, host);
    store.limiter(|s| &mut s.limits);
    store.set_fuel(fuel).map_err(|e| e.to_string())?;
    // One entity for each import; two imports of one name and type get two entities, which keeps the log apart.
    let mut linker = wasmi::Linker::new(engine);
    linker.allow_shadowing(true);
    let mut first: BTreeMap<String, Extern> = BTreeMap::new();
    for (import, still) in supplied.imports().zip(still) {
        let twin = first.get(&format!("{:?}", import.ty())).filter(|_| twins).cloned();
        let item = match twin {
            Some(item) => item,
            None => make_import(&mut store, import.module(), import.name(), import.ty())
                .map_err(|e| e.to_string())?,
        };
        if !matches!(item, Extern::Func(_)) {
            first.entry(format!("{:?}", import.ty())).or_insert_with(|| item);
        }
        match &item {
            Extern::Func(f) => {
                if loaded.name_imports {
                    let name = format!("import {}.{}", import.module(), import.name());
                    store.data_mut().names.insert(handle(f), name);
                }
            }
            _ => store.data_mut().imported.push(item),
        }
        if still {
            linker.define(import.module(), import.name(), item).map_err(|e| e.to_string())?;
        }
    }
    // Engines list imports in orders of their own: by kind, or as the module does.
    store.data_mut().imported.sort_by_key(|item| match item {
        Extern::Table(_) => 0,
        Extern::Memory(_) => 1,
        Extern::Global(_) => 2,
        Extern::Func(_) => 3,
    });
    let mut runner = Runner { store, instance: None };
    let outcome = match linker.instantiate_and_start(&mut runner.store, module) {
        Ok(instance) => {
            runner.instance = Some(instance);
            Outcome::Values(Vec::new())
        }
        Err(e) => match ended(&e) {
            Outcome::Trap(kind) if e.as_trap_code().is_none() => {
                let text = e.to_string();
                if e.i32_exit_status().is_none()
                    && !text.contains("does not fit")
                    && !text.contains("out of bounds")
                {
                    return Err(format!("cannot be instantiated: {kind}"));
                }
                // The message names handles of the store: only its kind can be compared.
                Outcome::Trap(if e.i32_exit_status().is_some() { kind } else { ACTIVE_SEGMENT.to_owned() })
            }
            outcome => outcome,
        },
    };
    drive(&mut runner, outcome, calls, fuel)
}
