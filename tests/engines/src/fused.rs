//! Fused programs in wasmtime: loading, the host side that meld leaves open, results, fuel.

use crate::paths;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wasmtime::{Caller, Config, Engine, Extern, Func, Instance, Module, OptLevel, Store, Val};

/// One program or shape.
#[derive(Clone, Debug)]
pub struct Program {
    /// Name for messages.
    pub name: String,
    /// The module as meld wrote it.
    pub wasm: Vec<u8>,
    /// Exported entry.
    pub entry: String,
    /// Arguments to call it with, in order.
    pub inputs: Vec<u32>,
    /// Expected results by argument, where they are known.
    pub expected: BTreeMap<u32, String>,
    /// Argument for counting fuel.
    pub fuel_input: u32,
    /// `reshost.wasm` of its folder.
    pub reshost: PathBuf,
}

/// All programs and shapes that are there.
///
/// # Errors
/// When a file of the set cannot be read.
pub fn programs() -> Result<Vec<Program>, String> {
    let mut out = Vec::new();
    for folder in paths::fused_folders() {
        let reshost = folder.join("reshost.wasm");
        for entry in sorted(&folder)? {
            let (wasm, expected) = (entry.join("fused.wasm"), entry.join("expected.json"));
            if wasm.is_file() && expected.is_file() {
                out.push(program(&entry, &read(&wasm)?, &read(&expected)?, &reshost)?);
            }
        }
        for entry in sorted(&folder.join("shapes"))? {
            if entry.extension().is_some_and(|e| e == "wasm") {
                let name = format!("shapes/{}", entry.file_stem().unwrap_or_default().to_string_lossy());
                let go = if name.ends_with("async") { "t:a/run#go" } else { "t:m/run#go" };
                // No large numbers: some shapes loop or allocate as often as the argument says.
                let inputs = vec![0, 1, 2, 3, 4, 5, 7, 8, 16, 31, 63, 100, 255, 256, 1000, 0];
                out.push(Program {
                    name,
                    wasm: read(&entry)?,
                    entry: go.to_owned(),
                    inputs,
                    expected: BTreeMap::new(),
                    fuel_input: 7,
                    reshost: reshost.clone(),
                });
            }
        }
    }
    Ok(out)
}

fn program(folder: &Path, wasm: &[u8], expected: &[u8], reshost: &Path) -> Result<Program, String> {
    let json: serde_json::Value = serde_json::from_slice(expected).map_err(|e| e.to_string())?;
    let results = json["results"].as_object().ok_or("expected.json has no results")?;
    let mut table = BTreeMap::new();
    for (input, result) in results {
        let input: u32 = input.parse().map_err(|_| format!("not a number: {input}"))?;
        table.insert(input, result.as_str().unwrap_or_default().to_owned());
    }
    let bench = json["bench_n"].as_u64().unwrap_or(8) as u32;
    Ok(Program {
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        wasm: wasm.to_vec(),
        entry: json["export"].as_str().unwrap_or("run").to_owned(),
        inputs: table.keys().copied().collect(),
        expected: table,
        fuel_input: (bench / 8).max(1),
        reshost: reshost.to_path_buf(),
    })
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Destructors of the resources, set once the instance is there.
#[derive(Default)]
struct Host {
    destructors: [Option<Func>; 2],
}

/// An instance ready to run.
pub struct Running {
    store: Store<Host>,
    entry: Func,
    live: Vec<Func>,
}

/// An engine; with fuel it counts instructions.
pub fn engine(fuel: bool) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(fuel).cranelift_opt_level(OptLevel::None).cranelift_debug_verifier(false);
    config.wasm_multi_memory(true).wasm_tail_call(true);
    Engine::new(&config).unwrap_or_else(|e| panic!("wasmtime: {e}"))
}

/// The name of a resource intrinsic taken apart: `[resource-rep]counter$0` is (`rep`, `counter`).
fn intrinsic(name: &str) -> Option<(&str, &str)> {
    let (operation, resource) = name.strip_prefix("[resource-")?.split_once(']')?;
    let resource = match resource.rsplit_once('$') {
        Some((head, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => head,
        _ => resource,
    };
    Some((operation, resource))
}

fn destructor(store: &mut Store<Host>, which: usize) -> Func {
    Func::wrap(store, move |mut caller: Caller<'_, Host>, rep: i32| match caller.data().destructors[which] {
        Some(f) => f.typed::<i32, ()>(&caller)?.call(&mut caller, rep),
        None => Ok(()),
    })
}

impl Running {
    /// Instantiates a (fused or optimized) module of the program.
    ///
    /// # Errors
    /// When it does not load or instantiate.
    pub fn new(engine: &Engine, program: &Program, wasm: &[u8]) -> Result<Self, String> {
        Self::build(engine, program, wasm).map_err(|e| format!("{e:?}"))
    }

    fn build(engine: &Engine, program: &Program, wasm: &[u8]) -> wasmtime::Result<Self> {
        let module = Module::new(engine, wasm)?;
        let mut store = Store::new(engine, Host::default());
        let _ = store.set_fuel(u64::MAX / 2);
        let mut resources: Vec<String> =
            module.imports().filter_map(|i| intrinsic(i.name()).map(|(_, r)| r.to_owned())).collect();
        resources.sort();
        resources.dedup();
        let host = if resources.is_empty() {
            None
        } else {
            let host = Module::new(engine, std::fs::read(&program.reshost)?)?;
            let imports: Vec<Extern> = host
                .imports()
                .map(|i| destructor(&mut store, usize::from(i.name().ends_with('1'))).into())
                .collect();
            Some(Instance::new(&mut store, &host, &imports)?)
        };
        let mut imports = Vec::new();
        for import in module.imports() {
            let supplied = intrinsic(import.name()).and_then(|(operation, resource)| {
                let index = resources.iter().position(|r| r == resource)?;
                host.as_ref()?.get_func(&mut store, &format!("{operation}_{index}"))
            });
            let ty =
                import.ty().func().cloned().ok_or_else(|| wasmtime::Error::msg("import is no function"))?;
            let func = supplied.unwrap_or_else(|| {
                let name = import.name().to_owned();
                Func::new(&mut store, ty, move |_, _, _| Err(wasmtime::Error::msg(format!("host {name}"))))
            });
            imports.push(func.into());
        }
        let instance = Instance::new(&mut store, &module, &imports)?;
        for (k, resource) in resources.iter().enumerate().take(2) {
            let suffix = format!("[dtor]{resource}");
            let name = module.exports().map(|e| e.name().to_owned()).find(|n| n.ends_with(&suffix));
            store.data_mut().destructors[k] = name.and_then(|n| instance.get_func(&mut store, &n));
        }
        let entry = instance.get_func(&mut store, &program.entry);
        let entry = entry.ok_or_else(|| wasmtime::Error::msg(format!("no export {}", program.entry)))?;
        let live = ["live_0", "live_1"];
        let live = live.iter().filter_map(|n| host.as_ref()?.get_func(&mut store, n)).collect();
        Ok(Running { store, entry, live })
    }

    /// Calls the entry; the result as an unsigned decimal, or `trap`.
    pub fn call(&mut self, input: u32) -> String {
        let mut result = [Val::I32(0)];
        match self.entry.call(&mut self.store, &[Val::I32(input as i32)], &mut result) {
            Ok(()) => match result[0] {
                Val::I64(v) => (v as u64).to_string(),
                Val::I32(v) => (v as u32).to_string(),
                ref other => format!("{other:?}"),
            },
            Err(e) => match e.downcast_ref::<wasmtime::Trap>() {
                Some(trap) => format!("trap {trap:?}"),
                None => format!("trap {}", e.root_cause()),
            },
        }
    }

    /// Results of all inputs in one instance, and whether resources are left.
    pub fn results(&mut self, inputs: &[u32]) -> Vec<String> {
        let mut out: Vec<String> = inputs.iter().map(|n| self.call(*n)).collect();
        for f in self.live.clone() {
            let live = f.typed::<(), i32>(&self.store).and_then(|f| f.call(&mut self.store, ()));
            out.push(format!("live {}", live.unwrap_or(-1)));
        }
        out
    }

    /// Fuel of one call.
    pub fn fuel(&mut self, input: u32) -> u64 {
        let before = self.store.get_fuel().unwrap_or(0);
        self.call(input);
        before - self.store.get_fuel().unwrap_or(0)
    }
}
