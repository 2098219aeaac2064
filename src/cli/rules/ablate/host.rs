//! The host of a module that is run to count what it executes: handle tables for the resources of fused components, and traps.
//!
//! What fusing leaves to the host are `[resource-new]T`, `[resource-rep]T` and `[resource-drop]T` (with `$N` behind names that occur more than
//! once), on one table of handles for each resource T. Handles are small numbers, the last one given back first, so a run is a function of
//! module and argument. Dropping a handle calls the export that ends in `[dtor]T`, where there is one.

use std::collections::BTreeMap;
use wasmi::{Caller, ExternType, Func, FuncType, Linker, Module, Store, Val, ValType};

/// Most handles of one resource.
const MAX_HANDLES: usize = 1 << 20;

/// The handles of one resource: what each stands for, `None` where it was given back.
#[derive(Default)]
struct Handles {
    values: Vec<Option<i32>>,
    free: Vec<usize>,
}

impl Handles {
    fn add(&mut self, value: i32) -> Option<i32> {
        let at = self.free.pop().unwrap_or(self.values.len());
        if at >= MAX_HANDLES {
            return None;
        }
        if at == self.values.len() {
            self.values.push(None);
        }
        self.values[at] = Some(value);
        // 0 is no handle.
        i32::try_from(at + 1).ok()
    }

    fn place(handle: i32) -> Option<usize> {
        usize::try_from(handle).ok()?.checked_sub(1)
    }

    fn get(&self, handle: i32) -> Option<i32> {
        *self.values.get(Self::place(handle)?)?
    }

    fn remove(&mut self, handle: i32) -> Option<i32> {
        let at = Self::place(handle)?;
        let value = self.values.get_mut(at)?.take()?;
        self.free.push(at);
        Some(value)
    }
}

/// The state of the host: the handles of each resource.
#[derive(Default)]
pub struct Host {
    resources: BTreeMap<String, Handles>,
}

/// What an import does with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    New,
    Rep,
    Drop,
}

/// What an imported function of this name and type is to do, and with which resource; `None`: nothing that is known.
fn intrinsic(name: &str, ty: &FuncType) -> Option<(Action, String)> {
    let (action, resource) = name.strip_prefix("[resource-")?.split_once(']')?;
    let (action, results): (_, &[ValType]) = match action {
        "new" => (Action::New, &[ValType::I32]),
        "rep" => (Action::Rep, &[ValType::I32]),
        "drop" => (Action::Drop, &[]),
        _ => return None,
    };
    let numbered =
        |(_, number): &(&str, &str)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let resource = resource.rsplit_once('$').filter(numbered).map_or(resource, |(before, _)| before);
    (ty.params() == [ValType::I32] && ty.results() == results).then(|| (action, resource.to_owned()))
}

/// Gives all imported functions of a module to the linker; `None` if it imports something else.
pub fn define(module: &Module, store: &mut Store<Host>, linker: &mut Linker<Host>) -> Option<()> {
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else { return None };
        let func = match intrinsic(import.name(), ty) {
            Some((action, resource)) => {
                let ending = format!("[dtor]{resource}");
                let destructor =
                    module.exports().map(|e| e.name()).find(|n| n.ends_with(&ending)).map(str::to_owned);
                Func::new(&mut *store, ty.clone(), move |caller, params, results| {
                    act(caller, action, &resource, destructor.as_deref(), params, results)
                })
            }
            None => Func::new(&mut *store, ty.clone(), |_, _, _| Err(wasmi::Error::new("not there"))),
        };
        // Defined before under the same name: one is as good as the other, unless the types differ, which linking sees.
        let _ = linker.define(import.module(), import.name(), func);
    }
    Some(())
}

/// Does what one call of an intrinsic asks for; a handle that is none is a trap.
fn act(
    mut caller: Caller<'_, Host>,
    action: Action,
    resource: &str,
    destructor: Option<&str>,
    params: &[Val],
    results: &mut [Val],
) -> Result<(), wasmi::Error> {
    let no_handle = || wasmi::Error::new("no handle");
    let number = params.first().and_then(Val::i32).ok_or_else(no_handle)?;
    let handles = caller.data_mut().resources.entry(resource.to_owned()).or_default();
    let value = match action {
        Action::New => handles.add(number),
        Action::Rep => handles.get(number),
        Action::Drop => handles.remove(number),
    };
    let value = value.ok_or_else(no_handle)?;
    if action != Action::Drop {
        results[0] = Val::I32(value);
        return Ok(());
    }
    let destructor = destructor.and_then(|name| caller.get_export(name)).and_then(|e| e.into_func());
    match destructor {
        Some(f) => f.call(&mut caller, &[Val::I32(value)], &mut []),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_given_again() {
        let mut h = Handles::default();
        assert_eq!((h.add(7), h.add(8), h.get(2)), (Some(1), Some(2), Some(8)));
        assert_eq!((h.remove(1), h.get(1), h.remove(1)), (Some(7), None, None));
        assert_eq!((h.add(9), h.add(10), h.get(1)), (Some(1), Some(3), Some(9)));
        for none in [0, -1, 4, i32::MIN, i32::MAX] {
            assert_eq!((h.get(none), h.remove(none)), (None, None), "{none}");
        }
    }

    #[test]
    fn names_of_intrinsics() {
        let one = FuncType::new([ValType::I32], [ValType::I32]);
        let none = FuncType::new([ValType::I32], []);
        let is = |name: &str, ty: &FuncType, action: Action, resource: &str| {
            assert_eq!(intrinsic(name, ty), Some((action, resource.to_owned())), "{name}");
        };
        is("[resource-new]table", &one, Action::New, "table");
        is("[resource-rep]table$2", &one, Action::Rep, "table");
        is("[resource-drop]a$b", &none, Action::Drop, "a$b");
        for (name, ty) in [
            ("[resource-new]table", &none),
            ("[resource-drop]table", &one),
            ("[resource-copy]table", &one),
            ("resource-new]table", &one),
            ("[resource-new", &one),
            ("f", &one),
        ] {
            assert_eq!(intrinsic(name, ty), None, "{name}");
        }
    }
}
