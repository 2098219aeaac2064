//! The host side of the oracle: imports made from their types, a log of calls, and writes into exported memories.
//!
//! Every function import logs its name, its arguments and a hash of all memories and mutable globals that the host can see
//! at that moment, and answers with values that depend only on the position in the log. Names give extra behaviour:
//! `poke*` overwrites bytes of the exported memories, `reenter*` calls the export `on_reenter`, a global `base*` is 2
//! (to be an offset of segments).

use crate::value::{Seen, Ty};
use wasmi::{
    AsContext, AsContextMut, Caller, Error, Extern, ExternType, Func, Global, Memory, StoreLimits, Val,
};

/// Calls to imports that are logged before the host stops the program with a trap.
const MAX_LOG: usize = 400;

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
    /// Names of the exports, in order; memories and globals among them are hashed at each call.
    pub exports: Vec<String>,
    /// Imported memories and globals, which the host can always see.
    pub imported: Vec<Extern>,
    /// Nesting of `reenter` calls.
    pub depth: usize,
}

/// Hash of a byte slice, eight bytes at a time: fast, and good enough to tell two memories apart.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut h = bytes.len() as u64 ^ 0x51_7c_c1_b7_27_22_0a_95;
    let mut words = bytes.chunks_exact(8);
    for w in &mut words {
        let word = u64::from_le_bytes([w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]]);
        h = (h.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    for &b in words.remainder() {
        h = (h.rotate_left(5) ^ u64::from(b)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    h
}

/// One observable entity of the final state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityState {
    /// Size in bytes and hash of the content.
    Memory(u64, u64),
    /// Value of a mutable global.
    Global(Seen),
    /// Size, and which of the first slots are null.
    Table(u64, Vec<bool>),
}

/// State of one memory, global or table; functions have none.
pub fn entity_state(ctx: impl AsContext, item: &Extern) -> Option<EntityState> {
    match item {
        Extern::Memory(m) => {
            let data = m.data(ctx.as_context());
            Some(EntityState::Memory(data.len() as u64, hash_bytes(data)))
        }
        Extern::Global(g) => Some(EntityState::Global(Seen::of(&g.get(&ctx)))),
        Extern::Table(t) => {
            let size = t.size(&ctx);
            let slots = (0..size.min(64))
                .map(|i| t.get(&ctx, i).is_none_or(|r| matches!(Seen::of(&r), Seen::Null(_))))
                .collect();
            Some(EntityState::Table(size, slots))
        }
        Extern::Func(_) => None,
    }
}

fn visible_hash(caller: &Caller<'_, HostState>) -> u64 {
    let state = caller.data();
    let mut h = 0u64;
    let mut mix = |s: Option<EntityState>| {
        let part = match s {
            Some(EntityState::Memory(size, hash)) => size ^ hash,
            Some(EntityState::Global(v)) => v.hash(),
            _ => return,
        };
        h = (h.rotate_left(9) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    };
    for item in &state.imported {
        mix(entity_state(caller, item));
    }
    for name in &state.exports {
        if let Some(item) = caller.get_export(name) {
            mix(entity_state(caller, &item));
        }
    }
    h
}

/// Overwrites a few bytes in the first 64 of each exported memory, as a host that answers through memory does.
fn poke(caller: &mut Caller<'_, HostState>, salt: u64) {
    let names = caller.data().exports.clone();
    for (i, name) in names.iter().enumerate() {
        if let Some(Extern::Memory(m)) = caller.get_export(name) {
            let data = m.data_mut(caller.as_context_mut());
            for k in 0..3u64 {
                let at = (salt.wrapping_mul(7).wrapping_add(k * 11 + i as u64) % 64) as usize;
                if let Some(byte) = data.get_mut(at) {
                    *byte = (salt.wrapping_mul(31).wrapping_add(k) & 0xff) as u8;
                }
            }
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
    let state = visible_hash(caller);
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
            for (i, byte) in memory.data_mut(ctx.as_context_mut()).iter_mut().take(256).enumerate() {
                *byte = (i * 37 + 11) as u8;
            }
            Ok(Extern::Memory(memory))
        }
        ExternType::Global(ty) => {
            let value = match Ty::of(ty.content()) {
                Ty::I32 if field.starts_with("base") => Seen::I32(2),
                ty => ty.host_answer(3),
            };
            let value = value.to_val(ctx.as_context_mut());
            Ok(Extern::Global(Global::new(ctx.as_context_mut(), value, ty.mutability())))
        }
        ExternType::Table(ty) => {
            let init = Val::default(ty.element());
            Ok(Extern::Table(wasmi::Table::new(ctx.as_context_mut(), *ty, init)?))
        }
    }
}
