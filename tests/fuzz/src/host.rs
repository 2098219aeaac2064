//! The host side of the oracle in wasmi: imports made from their types, a log of calls, and writes into exported memories.
//!
//! Every function import logs its name, its arguments and a hash of all memories, mutable globals and tables that the host
//! can see at that moment, and answers with values that depend only on the position in the log. Names give extra
//! behaviour: `poke*` overwrites bytes of the exported memories, `reenter*` calls the export `on_reenter`, a global
//! `base*` is 2 (to be an offset of segments).

use crate::surface::Facts;
use crate::value::{Seen, Ty};
use std::collections::BTreeMap;
use wasmi::{
    AsContext, AsContextMut, Caller, Error, Extern, ExternType, Func, FuncType, Global, Memory, Ref,
    StoreLimits, Table, Val,
};

/// Calls to imports that are logged before the host stops the program with a trap.
pub const MAX_LOG: usize = 400;

/// Slots of a table that are compared one by one.
pub const MAX_SLOTS: u64 = 256;

/// One call to an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// `module.name` of the import.
    pub import: String,
    /// Arguments, bit for bit.
    pub args: Vec<Seen>,
    /// Hash of what the host could see when it was called.
    pub state: u64,
}

/// What the store carries.
pub struct HostState {
    /// Resource limits of the store.
    pub limits: StoreLimits,
    /// Calls so far.
    pub log: Vec<LogEntry>,
    /// Names of the exports, in order.
    pub exports: Vec<String>,
    /// Imported memories, globals and tables, which the host can always see.
    pub imported: Vec<Extern>,
    /// Nesting of `reenter` calls.
    pub depth: usize,
    /// What the module's code can do at all.
    pub facts: Facts,
    /// Names of functions that the host knows, by their handle.
    pub names: BTreeMap<String, String>,
    /// All that the host can see, once the exports have been looked up.
    pub visible: Option<Vec<Extern>>,
    /// States that cannot change any more, because nothing writes them.
    pub kept: Kept,
}

/// States of what nothing can write, and of the moment that is being looked at.
#[derive(Default)]
pub struct Kept {
    memories: Vec<(usize, u64)>,
    tables: BTreeMap<usize, EntityState>,
}

/// Hash of a memory's content (XXH3: whole memories are hashed after each call and at each import).
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

impl Kept {
    /// Hash of a memory. One that is imported and exported is hashed once; memories are told apart by their address.
    fn hash(&mut self, data: &[u8]) -> u64 {
        let at = data.as_ptr().addr();
        // Memories without a byte may share their address; their hash is the same.
        if let Some((_, hash)) = self.memories.iter().find(|(known, _)| *known == at) {
            return *hash;
        }
        let hash = hash_bytes(data);
        self.memories.push((at, hash));
        hash
    }
}

/// One observable entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityState {
    /// Size in bytes and hash of the content.
    Memory(u64, u64),
    /// Value of a global.
    Global(Seen),
    /// Size, and the first slots: `null`, the name under which the host knows the function, or its type.
    Table(u64, Vec<String>),
}

impl EntityState {
    /// All of it in one word.
    pub fn digest(&self) -> u64 {
        match self {
            EntityState::Memory(size, hash) => size ^ hash,
            EntityState::Global(v) => v.hash(),
            EntityState::Table(size, slots) => slots.iter().fold(*size, |h, s| {
                (h.rotate_left(7) ^ hash_bytes(s.as_bytes())).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            }),
        }
    }
}

/// Mixes what the host sees into one word.
pub fn digest(states: &[EntityState]) -> u64 {
    states.iter().fold(0, |h, s| (h.rotate_left(9) ^ s.digest()).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn signature(ty: &FuncType) -> String {
    let names =
        |types: &[wasmi::ValType]| types.iter().map(|t| Ty::of(*t).name()).collect::<Vec<_>>().join(" ");
    format!("({}) -> ({})", names(ty.params()), names(ty.results()))
}

/// The key under which [`HostState::names`] has a function.
pub fn handle(f: &Func) -> String {
    format!("{f:?}")
}

fn slots(ctx: impl AsContext<Data = HostState>, table: &Table) -> EntityState {
    let size = table.size(&ctx);
    let name = |i| match table.get(&ctx, i) {
        None | Some(Val::FuncRef(Ref::Null) | Val::ExternRef(Ref::Null)) => "null".to_owned(),
        Some(Val::FuncRef(Ref::Val(f))) => {
            let known = ctx.as_context().data().names.get(&handle(&f)).cloned();
            known.unwrap_or_else(|| signature(&f.ty(&ctx)))
        }
        Some(_) => "host".to_owned(),
    };
    EntityState::Table(size, (0..size.min(MAX_SLOTS)).map(name).collect())
}

/// States of all that the host can see now. `get` looks up an export, if there is an instance.
pub fn look<C: AsContextMut<Data = HostState>>(
    ctx: &mut C,
    get: impl Fn(&C, &str) -> Option<Extern>,
) -> Vec<EntityState> {
    // A host function that is itself the start function is called without an instance: what it finds is not all there is.
    let mut complete = true;
    let visible = match ctx.as_context_mut().data_mut().visible.take() {
        Some(v) => v,
        None => {
            let names = ctx.as_context().data().exports.clone();
            let mut all = ctx.as_context().data().imported.clone();
            for name in names {
                match get(ctx, &name) {
                    Some(Extern::Func(f)) => {
                        ctx.as_context_mut().data_mut().names.entry(handle(&f)).or_insert(name);
                    }
                    Some(item) => all.push(item),
                    None => complete = false,
                }
            }
            all
        }
    };
    let mut kept = std::mem::take(&mut ctx.as_context_mut().data_mut().kept);
    let mut out = Vec::with_capacity(visible.len());
    for (i, item) in visible.iter().enumerate() {
        out.push(match item {
            Extern::Memory(m) => {
                let data = m.data(ctx.as_context());
                EntityState::Memory(data.len() as u64, kept.hash(data))
            }
            Extern::Global(g) => EntityState::Global(Seen::of(&g.get(ctx.as_context()))),
            Extern::Table(t) => match kept.tables.get(&i) {
                Some(state) => state.clone(),
                None => {
                    let state = slots(ctx.as_context(), t);
                    kept.tables.insert(i, state.clone());
                    state
                }
            },
            Extern::Func(_) => continue,
        });
    }
    let mut store = ctx.as_context_mut();
    let state = store.data_mut();
    if state.facts.writes_memory {
        kept.memories.clear();
    }
    if state.facts.writes_table {
        kept.tables.clear();
    }
    state.kept = kept;
    state.visible = complete.then_some(visible);
    out
}

/// Overwrites a few of the first 64 bytes of the export at `place`, as a host that answers through memory does.
pub fn poke_bytes(data: &mut [u8], place: usize, salt: u64) {
    for k in 0..3u64 {
        let at = (salt.wrapping_mul(7).wrapping_add(k * 11 + place as u64) % 64) as usize;
        if let Some(byte) = data.get_mut(at) {
            *byte = (salt.wrapping_mul(31).wrapping_add(k) & 0xff) as u8;
        }
    }
}

/// What an imported memory starts with.
pub fn fill(data: &mut [u8]) {
    for (i, byte) in data.iter_mut().take(256).enumerate() {
        *byte = (i * 37 + 11) as u8;
    }
}

/// Value of an imported global of the name.
pub fn import_value(ty: Ty, field: &str) -> Seen {
    match ty {
        Ty::I32 if field.starts_with("base") => Seen::I32(2),
        ty => ty.host_answer(3),
    }
}

fn poke(caller: &mut Caller<'_, HostState>, salt: u64) {
    let names = caller.data().exports.clone();
    for (i, name) in names.iter().enumerate() {
        if let Some(Extern::Memory(m)) = caller.get_export(name) {
            poke_bytes(m.data_mut(caller.as_context_mut()), i, salt);
        }
    }
}

fn reenter(caller: &mut Caller<'_, HostState>) -> Result<(), Error> {
    if caller.data().depth >= 2 {
        return Ok(());
    }
    if let Some(Extern::Func(f)) = caller.get_export("on_reenter") {
        let ty = f.ty(&*caller);
        if ty.params().is_empty() && ty.results().is_empty() {
            caller.data_mut().depth += 1;
            let outcome = f.call(caller.as_context_mut(), &[], &mut []);
            caller.data_mut().depth -= 1;
            return outcome;
        }
    }
    Ok(())
}

fn import_call(
    caller: &mut Caller<'_, HostState>,
    import: &str,
    field: &str,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
    let position = caller.data().log.len() as u64;
    if position as usize >= MAX_LOG {
        return Err(Error::i32_exit(77));
    }
    let state = digest(&look(caller, |c, name| c.get_export(name)));
    let args = args.iter().map(Seen::of).collect();
    caller.data_mut().log.push(LogEntry { import: import.to_owned(), args, state });
    if field.starts_with("poke") {
        poke(caller, position + 1);
    }
    if field.starts_with("reenter") {
        reenter(caller)?;
    }
    for (i, slot) in results.iter_mut().enumerate() {
        let ty = Ty::of(slot.ty());
        *slot = ty.host_answer(position.wrapping_mul(5) + i as u64).to_val(caller.as_context_mut());
    }
    Ok(())
}

/// Which of the imports of the module before the module after still has; it has all of its own when it made up others. What
/// is not imported any more is made and looked at all the same.
pub fn still_imported<K: PartialEq>(before: &[K], after: &[K]) -> Option<Vec<bool>> {
    let mut left = after.iter().peekable();
    let found = before.iter().map(|import| left.next_if(|own| *own == import).is_some()).collect();
    left.next().is_none().then_some(found)
}

/// An entity for one import, by its type. Memories and globals get fixed non-zero contents.
///
/// # Errors
/// When the engine refuses the type (too large a memory, for example).
pub fn make_import(
    mut ctx: impl AsContextMut<Data = HostState>,
    module: &str,
    field: &str,
    ty: &ExternType,
) -> Result<Extern, Error> {
    match ty {
        ExternType::Func(ty) => {
            let import = format!("{module}.{field}");
            let field = field.to_owned();
            Ok(Extern::Func(Func::new(ctx.as_context_mut(), ty.clone(), move |mut caller, args, results| {
                import_call(&mut caller, &import, &field, args, results)
            })))
        }
        ExternType::Memory(ty) => {
            let memory = Memory::new(ctx.as_context_mut(), *ty)?;
            fill(memory.data_mut(ctx.as_context_mut()));
            Ok(Extern::Memory(memory))
        }
        ExternType::Global(ty) => {
            let value = import_value(Ty::of(ty.content()), field).to_val(ctx.as_context_mut());
            Ok(Extern::Global(Global::new(ctx.as_context_mut(), value, ty.mutability())))
        }
        ExternType::Table(ty) => {
            let init = Val::default(ty.element());
            Ok(Extern::Table(wasmi::Table::new(ctx.as_context_mut(), *ty, init)?))
        }
    }
}
