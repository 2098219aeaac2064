//! The second engine: wasmtime, with exceptions, GC and threads. The host is the one of [`host`](crate::host), word for word in
//! what it logs, answers and writes, so that a run can be compared with one in wasmi too.

use crate::host::{
    self, EntityState, LogEntry, MAX_LOG, MAX_SLOTS, digest, hash_bytes, import_value, poke_bytes,
    still_imported,
};
use crate::oracle::{Call, Export, Outcome, Running, Step, Surface, Target, drive};
use crate::rng::Rng;
use crate::value::{Seen, Ty};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use wasmtime::{
    AsContext, AsContextMut, Caller, Config, Engine, Error, Extern, ExternRef, ExternType, Func, FuncType,
    Global, HeapType, Instance, Memory, Module, OptLevel, Ref, SharedMemory, Store, StoreLimits,
    StoreLimitsBuilder, Table, Tag, ThrownException, Trap, Val, ValType,
};

/// A module that the engine has accepted.
pub struct Loaded {
    module: Module,
    /// What it shows.
    pub surface: Surface,
}

/// The host's own stop of a program that calls too often.
#[derive(Debug)]
struct Stop;

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("exit")
    }
}

impl std::error::Error for Stop {}

struct State {
    limits: StoreLimits,
    log: Vec<LogEntry>,
    exports: Vec<String>,
    imported: Vec<Extern>,
    names: BTreeMap<usize, String>,
    visible: Option<Vec<Extern>>,
    /// Instances that hash shared memories, by position in `visible`.
    hashers: BTreeMap<usize, Func>,
    depth: usize,
}

/// The engine, with fuel and all proposals that it knows.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut c = Config::new();
        c.consume_fuel(true).wasm_multi_memory(true).wasm_memory64(true).wasm_tail_call(true);
        c.wasm_function_references(true).wasm_gc(true).wasm_exceptions(true).wasm_threads(true);
        c.wasm_relaxed_simd(true).relaxed_simd_deterministic(true).wasm_wide_arithmetic(true);
        c.wasm_custom_page_sizes(true).wasm_extended_const(true).shared_memory(true);
        c.max_wasm_stack(256 << 10).cranelift_opt_level(OptLevel::None);
        // Reserving gigabytes of address space for each memory costs more than the checks.
        c.memory_reservation(0).memory_guard_size(0).memory_reservation_for_growth(0);
        Engine::new(&c).unwrap_or_else(|e| panic!("wasmtime: {e}"))
    })
}

fn ty_of(ty: &ValType) -> Option<Ty> {
    Some(match ty {
        ValType::I32 => Ty::I32,
        ValType::I64 => Ty::I64,
        ValType::F32 => Ty::F32,
        ValType::F64 => Ty::F64,
        ValType::V128 => Ty::V128,
        ValType::Ref(r) => match r.heap_type() {
            HeapType::Extern => Ty::ExternRef,
            _ if !r.is_nullable() => return None,
            HeapType::Func => Ty::FuncRef,
            _ => Ty::OtherRef,
        },
    })
}

fn type_text(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(f) => f.to_string(),
        other => format!("{other:?}"),
    }
}

/// Compiles a module.
///
/// # Errors
/// When the engine does not accept it.
pub fn load(wasm: &[u8]) -> Result<Loaded, String> {
    let module = Module::new(engine(), wasm).map_err(|e| format!("{e:#}"))?;
    let mut surface = Surface::default();
    let mut exports: Vec<_> = module.exports().collect();
    exports.sort_by_key(|e| e.name());
    for export in exports {
        let kind = match export.ty() {
            ExternType::Func(ty) => Export::Func(ty.params().map(|t| ty_of(&t)).collect()),
            ExternType::Table(_) => Export::Table,
            _ => Export::Other,
        };
        surface.exports.push((export.name().to_owned(), kind));
        surface.export_types.push(format!("{} {}", export.name(), type_text(&export.ty())));
    }
    for import in module.imports() {
        surface.import_types.push(format!(
            "{}.{} {}",
            import.module(),
            import.name(),
            type_text(&import.ty())
        ));
    }
    Ok(Loaded { module, surface })
}

fn seen(mut ctx: impl AsContextMut, val: &Val) -> Seen {
    match val {
        Val::I32(v) => Seen::I32(*v as u32),
        Val::I64(v) => Seen::I64(*v as u64),
        Val::F32(v) => Seen::F32(*v),
        Val::F64(v) => Seen::F64(*v),
        Val::V128(v) => Seen::V128(v.as_u128()),
        Val::FuncRef(None) => Seen::Null(Ty::FuncRef),
        Val::FuncRef(Some(_)) => Seen::Ref(Ty::FuncRef),
        Val::ExternRef(None) => Seen::Null(Ty::ExternRef),
        Val::ExternRef(Some(_)) => Seen::Ref(Ty::ExternRef),
        Val::AnyRef(Some(r)) => match r.as_i31(ctx.as_context_mut()) {
            Ok(Some(i)) => Seen::I31(i.get_u32()),
            _ => Seen::Ref(Ty::OtherRef),
        },
        Val::ExnRef(Some(_)) | Val::ContRef(Some(_)) => Seen::Ref(Ty::OtherRef),
        Val::AnyRef(None) | Val::ExnRef(None) | Val::ContRef(None) => Seen::Null(Ty::OtherRef),
    }
}

/// The value for a parameter or result of the type. `None` where the host cannot make one.
fn value(mut ctx: impl AsContextMut, seen: Seen, ty: &ValType) -> Option<Val> {
    Some(match (seen, ty) {
        (Seen::I32(v), _) => Val::I32(v as i32),
        (Seen::I64(v), _) => Val::I64(v as i64),
        (Seen::F32(v), _) => Val::F32(v),
        (Seen::F64(v), _) => Val::F64(v),
        (Seen::V128(v), _) => Val::V128(v.into()),
        (Seen::Ref(Ty::ExternRef), _) => Val::ExternRef(ExternRef::new(ctx.as_context_mut(), 7u32).ok()),
        (_, ValType::Ref(r)) if r.is_nullable() => Val::null_ref(r.heap_type()),
        _ => return None,
    })
}

/// What the host answers, or gives a global, of the type at a position of the log.
fn answer(mut ctx: impl AsContextMut, ty: &ValType, position: u64) -> Option<Val> {
    let seen = ty_of(ty)?.host_answer(position);
    value(ctx.as_context_mut(), seen, ty)
}

fn signature(ty: &FuncType) -> String {
    let names = |types: Vec<ValType>| {
        let name = |t: &ValType| ty_of(t).map_or_else(|| t.to_string(), |t| t.name().to_owned());
        types.iter().map(name).collect::<Vec<_>>().join(" ")
    };
    format!("({}) -> ({})", names(ty.params().collect()), names(ty.results().collect()))
}

fn slots(ctx: &mut impl AsContextMut<Data = State>, table: &Table) -> EntityState {
    let size = table.size(ctx.as_context());
    let mut out = Vec::new();
    for i in 0..size.min(MAX_SLOTS) {
        let slot = table.get(ctx.as_context_mut(), i);
        out.push(match slot {
            Some(Ref::Func(Some(f))) => {
                let handle = f.to_raw(ctx.as_context_mut()).addr();
                let known = ctx.as_context().data().names.get(&handle).cloned();
                known.unwrap_or_else(|| signature(&f.ty(ctx.as_context())))
            }
            Some(r) if r.is_non_null() => "host".to_owned(),
            _ => "null".to_owned(),
        });
    }
    EntityState::Table(size, out)
}

/// Instances of this module hash a shared memory, which the host may not read while threads could write it.
const HASHER: &str = "(module (import \"\" \"m\" (memory 0 65536 shared))
  (func (export \"hash\") (param $end i32) (result i64) (local $at i32) (local $h i64)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $h (i64.mul (i64.rotl (i64.xor (local.get $h) (i64.load (local.get $at))) (i64.const 5))
        (i64.const 0x9e3779b97f4a7c15)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br $next)))
    (local.get $h)))";

fn shared(ctx: &mut impl AsContextMut<Data = State>, at: usize, memory: &SharedMemory) -> EntityState {
    static MODULE: OnceLock<Option<Module>> = OnceLock::new();
    let module = MODULE.get_or_init(|| Module::new(engine(), wat::parse_str(HASHER).ok()?).ok());
    let size = memory.data_size();
    let mut hash = || {
        let known = ctx.as_context().data().hashers.get(&at).copied();
        let f = match known {
            Some(f) => f,
            None => {
                let imports = [Extern::SharedMemory(memory.clone())];
                let instance = Instance::new(ctx.as_context_mut(), module.as_ref()?, &imports).ok()?;
                let f = instance.get_func(ctx.as_context_mut(), "hash")?;
                ctx.as_context_mut().data_mut().hashers.insert(at, f);
                f
            }
        };
        let fuel = ctx.as_context().get_fuel().ok()?;
        ctx.as_context_mut().set_fuel(u64::MAX / 2).ok()?;
        let mut out = [Val::I64(0)];
        let done = f.call(ctx.as_context_mut(), &[Val::I32(size as i32)], &mut out);
        ctx.as_context_mut().set_fuel(fuel).ok()?;
        done.ok()?;
        out[0].i64()
    };
    EntityState::Memory(size as u64, hash().unwrap_or_default() as u64)
}

fn look<C: AsContextMut<Data = State>>(
    ctx: &mut C,
    get: impl Fn(&mut C, &str) -> Option<Extern>,
) -> Vec<EntityState> {
    let visible = match ctx.as_context_mut().data_mut().visible.take() {
        Some(v) => v,
        None => {
            let names = ctx.as_context().data().exports.clone();
            let mut all = ctx.as_context().data().imported.clone();
            for name in names {
                match get(ctx, &name) {
                    Some(Extern::Func(f)) => {
                        let handle = f.to_raw(ctx.as_context_mut()).addr();
                        ctx.as_context_mut().data_mut().names.entry(handle).or_insert(name);
                    }
                    Some(item) => all.push(item),
                    None => {}
                }
            }
            all
        }
    };
    let mut out = Vec::with_capacity(visible.len());
    for (i, item) in visible.iter().enumerate() {
        out.push(match item {
            Extern::Memory(m) => {
                let data = m.data(ctx.as_context());
                EntityState::Memory(data.len() as u64, hash_bytes(data))
            }
            Extern::SharedMemory(m) => shared(ctx, i, m),
            Extern::Global(g) => {
                let value = g.get(ctx.as_context_mut());
                EntityState::Global(seen(ctx.as_context_mut(), &value))
            }
            Extern::Table(t) => slots(ctx, t),
            Extern::Func(_) | Extern::Tag(_) => continue,
        });
    }
    ctx.as_context_mut().data_mut().visible = Some(visible);
    out
}

fn poke(caller: &mut Caller<'_, State>, salt: u64) {
    let names = caller.data().exports.clone();
    for (i, name) in names.iter().enumerate() {
        if let Some(Extern::Memory(m)) = caller.get_export(name) {
            poke_bytes(m.data_mut(caller.as_context_mut()), i, salt);
        }
    }
}

fn reenter(caller: &mut Caller<'_, State>) -> wasmtime::Result<()> {
    if caller.data().depth >= 2 {
        return Ok(());
    }
    let Some(Extern::Func(f)) = caller.get_export("on_reenter") else { return Ok(()) };
    let ty = f.ty(caller.as_context());
    if ty.params().len() != 0 || ty.results().len() != 0 {
        return Ok(());
    }
    caller.data_mut().depth += 1;
    let outcome = f.call(caller.as_context_mut(), &[], &mut []);
    caller.data_mut().depth -= 1;
    outcome
}

fn import_call(
    mut caller: Caller<'_, State>,
    import: &str,
    field: &str,
    args: &[Val],
    results: &mut [Val],
    types: &[ValType],
) -> wasmtime::Result<()> {
    let position = caller.data().log.len() as u64;
    if position as usize >= MAX_LOG {
        return Err(Error::new(Stop));
    }
    let state = digest(&look(&mut caller, |c, name| c.get_export(name)));
    let args = args.iter().map(|a| seen(caller.as_context_mut(), a)).collect();
    caller.data_mut().log.push(LogEntry { import: import.to_owned(), args, state });
    if field.starts_with("poke") {
        poke(&mut caller, position + 1);
    }
    if field.starts_with("reenter") {
        reenter(&mut caller)?;
    }
    for (i, (slot, ty)) in results.iter_mut().zip(types).enumerate() {
        // A reference that the host cannot make: the program ends here, before and after alike.
        let at = position.wrapping_mul(5) + i as u64;
        *slot = answer(caller.as_context_mut(), ty, at).ok_or_else(|| Error::new(Stop))?;
    }
    Ok(())
}

fn make_import(
    store: &mut Store<State>,
    module: &str,
    field: &str,
    ty: &ExternType,
) -> wasmtime::Result<Extern> {
    Ok(match ty {
        ExternType::Func(ty) => {
            let import = format!("{module}.{field}");
            let field = field.to_owned();
            let types: Vec<ValType> = ty.results().collect();
            Extern::Func(Func::new(store, ty.clone(), move |caller, args, results| {
                import_call(caller, &import, &field, args, results, &types)
            }))
        }
        ExternType::Memory(ty) if ty.is_shared() => {
            Extern::SharedMemory(SharedMemory::new(engine(), ty.clone())?)
        }
        ExternType::Memory(ty) => {
            let memory = Memory::new(&mut *store, ty.clone())?;
            host::fill(memory.data_mut(store));
            Extern::Memory(memory)
        }
        ExternType::Global(ty) => {
            let init = match ty_of(ty.content()).map(|t| import_value(t, field)) {
                Some(seen) => value(&mut *store, seen, ty.content()),
                None => None,
            };
            let init = init.ok_or_else(|| Error::new(Stop))?;
            Extern::Global(Global::new(store, ty.clone(), init)?)
        }
        ExternType::Table(ty) => {
            if !ty.element().is_nullable() {
                return Err(Error::new(Stop));
            }
            let init = Ref::null(ty.element().heap_type());
            Extern::Table(Table::new(store, ty.clone(), init)?)
        }
        ExternType::Tag(ty) => Extern::Tag(Tag::new(store, ty)?),
    })
}

fn ended(store: &mut Store<State>, error: &Error) -> Outcome {
    if error.is::<ThrownException>() {
        let exception = store.take_pending_exception();
        let values: Vec<Val> = match exception.map(|x| x.fields(&mut *store).map(Iterator::collect)) {
            Some(Ok(values)) => values,
            _ => Vec::new(),
        };
        let fields = values.iter().map(|v| seen(&mut *store, v)).collect();
        return Outcome::Thrown(fields);
    }
    if error.is::<Stop>() {
        return Outcome::Trap("exit".to_owned());
    }
    match error.downcast_ref::<Trap>() {
        Some(code @ (Trap::OutOfFuel | Trap::StackOverflow)) => Outcome::Exhausted(format!("{code:?}")),
        Some(Trap::AllocationTooLarge) => Outcome::Exhausted("AllocationTooLarge".to_owned()),
        Some(code) => Outcome::Trap(format!("{code:?}")),
        // The garbage collector's heap is full, for example.
        None => Outcome::Exhausted(format!("{error:#}").chars().take(60).collect()),
    }
}

struct Runner {
    store: Store<State>,
    instance: Option<Instance>,
}

impl Runner {
    fn function(&mut self, target: &Target) -> Option<Func> {
        let instance = self.instance?;
        match target {
            Target::Export(name) => instance.get_func(&mut self.store, name),
            Target::Slot(table, slot, _) => {
                match instance.get_table(&mut self.store, table)?.get(&mut self.store, *slot)? {
                    Ref::Func(f) => f,
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
        let Some(func) = self.function(&call.target) else { return Outcome::Values(Vec::new()) };
        let ty = func.ty(&self.store);
        let mut args = Vec::new();
        let mut rng = Rng::new(if let Target::Slot(_, _, seed) = call.target { seed } else { 0 });
        for (i, ty) in ty.params().enumerate() {
            let wanted = match call.target {
                Target::Export(_) => call.args.get(i).copied(),
                Target::Slot(..) => ty_of(&ty).map(|t| t.edge(&mut rng)),
            };
            match wanted.and_then(|seen| value(&mut self.store, seen, &ty)) {
                Some(v) => args.push(v),
                None => return Outcome::Values(Vec::new()),
            }
        }
        let mut results: Vec<Val> = ty.results().map(|_| Val::I32(0)).collect();
        match func.call(&mut self.store, &args, &mut results) {
            Ok(()) => Outcome::Values(results.iter().map(|v| seen(&mut self.store, v)).collect()),
            Err(e) => ended(&mut self.store, &e),
        }
    }

    fn step(&mut self, outcome: Outcome) -> Step {
        let log = std::mem::take(&mut self.store.data_mut().log);
        let instance = self.instance;
        let state = look(&mut self.store, |store, name| instance?.get_export(store, name));
        Step { outcome, state, log }
    }
}

/// As [`wasmi_run::run`](crate::wasmi_run::run).
///
/// # Errors
/// When its imports cannot be made.
pub fn run(
    loaded: &Loaded,
    before: &Loaded,
    calls: &[Call],
    fuel: u64,
    twins: bool,
) -> Result<Vec<Step>, String> {
    let names = |of: &Loaded| -> Vec<(String, String)> {
        of.module.imports().map(|i| (i.module().to_owned(), i.name().to_owned())).collect()
    };
    let (supplied, still) = match still_imported(&names(before), &names(loaded)) {
        Some(still) => (&before.module, still),
        None => (&loaded.module, vec![true; loaded.module.imports().len()]),
    };
    let state = State {
        limits: StoreLimitsBuilder::new().memory_size(64 << 20).table_elements(100_000).build(),
        log: Vec::new(),
        exports: loaded.surface.exports.iter().map(|(name, _)| name.clone()).collect(),
        imported: Vec::new(),
        names: BTreeMap::new(),
        visible: None,
        hashers: BTreeMap::new(),
        depth: 0,
    };
    let mut store = Store::new(engine(), state);
    store.limiter(|s| &mut s.limits);
    store.set_fuel(fuel).map_err(|e| e.to_string())?;
    let mut imports = Vec::new();
    let mut first: BTreeMap<String, Extern> = BTreeMap::new();
    for (import, still) in supplied.imports().zip(still) {
        let twin = first.get(&format!("{:?}", import.ty())).filter(|_| twins).cloned();
        let item = match twin {
            Some(item) => item,
            None => make_import(&mut store, import.module(), import.name(), &import.ty())
                .map_err(|e| format!("cannot be instantiated: {e}"))?,
        };
        if !matches!(item, Extern::Func(_) | Extern::Tag(_)) {
            first.entry(format!("{:?}", import.ty())).or_insert_with(|| item.clone());
        }
        // Imported functions have no name here: a reference to one is not the function that the host made.
        if !matches!(item, Extern::Func(_) | Extern::Tag(_)) {
            store.data_mut().imported.push(item.clone());
        }
        if still {
            imports.push(item);
        }
    }
    store.data_mut().imported.sort_by_key(|item| match item {
        Extern::Table(_) => 0,
        Extern::Memory(_) | Extern::SharedMemory(_) => 1,
        Extern::Global(_) => 2,
        Extern::Func(_) | Extern::Tag(_) => 3,
    });
    let mut runner = Runner { store, instance: None };
    let outcome = match Instance::new(&mut runner.store, &loaded.module, &imports) {
        Ok(instance) => {
            runner.instance = Some(instance);
            Outcome::Values(Vec::new())
        }
        Err(e) => ended(&mut runner.store, &e),
    };
    drive(&mut runner, outcome, calls, fuel)
}
