//! Instructions that a module executes, counted by an interpreter, in builds with the feature `fuel` (`docs/decisions`).

#[cfg(feature = "fuel")]
use super::host::{Host, define};
#[cfg(feature = "fuel")]
use wasmi::{CompilationMode, Config, Engine, Linker, Module, Store, Val, ValType};

/// Most fuel of one call: some ten seconds.
#[cfg(feature = "fuel")]
const MAX_FUEL: u64 = 3_000_000_000;

/// What one call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Fuel used.
    pub fuel: u64,
    /// Its results, as text.
    pub results: String,
}

/// Whether this build has an interpreter.
pub const AVAILABLE: bool = cfg!(feature = "fuel");

/// Calls an export with a number as its first parameter and zeros for others. Imported functions are those of [`super::host`].
/// `None`: the module cannot run that way (no such export, an import that is no function, a trap, too much fuel).
#[cfg(feature = "fuel")]
pub fn run(wasm: &[u8], export: &str, argument: i64) -> Option<Ran> {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .wasm_multi_memory(true)
        .wasm_memory64(true)
        .wasm_tail_call(true)
        .wasm_custom_page_sizes(true)
        .wasm_wide_arithmetic(true)
        .compilation_mode(CompilationMode::Eager);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, wasm).ok()?;
    let mut store = Store::new(&engine, Host::default());
    store.set_fuel(MAX_FUEL).ok()?;
    let mut linker: Linker<Host> = Linker::new(&engine);
    define(&module, &mut store, &mut linker)?;
    let instance = linker.instantiate_and_start(&mut store, &module).ok()?;
    let func = instance.get_func(&store, export)?;
    let ty = func.ty(&store);
    let mut number = Some(argument);
    let params: Vec<Val> = ty
        .params()
        .iter()
        .map(|&t| match (t, number.take()) {
            (ValType::I32, Some(n)) => Val::I32(n as i32),
            (ValType::I64, Some(n)) => Val::I64(n),
            (ValType::F64, Some(n)) => Val::F64((n as f64).into()),
            (t, _) => Val::default(t),
        })
        .collect();
    let mut results: Vec<Val> = ty.results().iter().map(|&t| Val::default(t)).collect();
    func.call(&mut store, &params, &mut results).ok()?;
    let fuel = MAX_FUEL - store.get_fuel().ok()?;
    Some(Ran { fuel, results: format!("{results:?}") })
}

/// There is no interpreter in this build.
#[cfg(not(feature = "fuel"))]
pub fn run(_: &[u8], _: &str, _: i64) -> Option<Ran> {
    None
}
