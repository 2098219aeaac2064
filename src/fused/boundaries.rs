//! The boundary report: what became of each boundary that meld's attestation names.
//!
//! meld writes its adapters behind all other functions, as many as the attestation's `metadata.adapters_generated`, in the order of
//! `metadata.boundaries`. Copies between memories and allocations that are left in a graph remember which function they came
//! from when that was inlined ([`Function::origin`](crate::ir::function::Function::origin)), so each is told of the right boundary.

use crate::ir::entity::FuncId;
use crate::memory::Left;
use crate::module::{ATTESTATION, Module};
use crate::report::{Boundary, Fate};
use cranelift_entity::EntityRef;
use std::collections::BTreeMap;

/// A boundary and its adapter.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The adapter's function.
    pub func: FuncId,
    /// What the attestation says.
    pub boundary: Boundary,
}

/// The boundaries of a module, in the order of the attestation; none where it has no attestation of meld.
pub fn boundaries(module: &Module) -> Vec<Adapter> {
    let Some(section) = module.custom(ATTESTATION) else { return Vec::new() };
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(&section.data) else { return Vec::new() };
    let Some(metadata) = json.get("metadata") else { return Vec::new() };
    let list = metadata.get("boundaries").and_then(|b| b.as_array()).map_or(&[][..], Vec::as_slice);
    let count = metadata.get("adapters_generated").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let Some(first) = module.funcs.len().checked_sub(count as usize) else { return Vec::new() };
    // More boundaries than adapters: which has one cannot be told.
    if list.len() as u64 > count || first < module.imported_funcs() {
        return Vec::new();
    }
    let one = |(n, entry): (usize, &serde_json::Value)| {
        let text = |key: &str| match entry.get(key) {
            Some(serde_json::Value::String(s)) => s.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let boundary = Boundary {
            from: text("from_component"),
            to: text("to_component"),
            function: text("function"),
            lowering: text("lowering"),
            ..Boundary::default()
        };
        Adapter { func: FuncId::new(first + n), boundary }
    };
    list.iter().enumerate().map(one).collect()
}

/// Says of each boundary what is left of it.
///
/// `left`: what is left in each function, and where it came from. `called`: whether each adapter was called at all. `stays`:
/// whether a function is in the output.
pub fn tell(
    adapters: Vec<Adapter>,
    left: &[(FuncId, FuncId, Left)],
    called: &[bool],
    stays: impl Fn(FuncId) -> bool,
) -> Vec<Boundary> {
    let mut by_adapter: BTreeMap<FuncId, Vec<&Left>> = BTreeMap::new();
    for (_, origin, l) in left.iter().filter(|(func, _, _)| stays(*func)) {
        by_adapter.entry(*origin).or_default().push(l);
    }
    let one = |(Adapter { func, mut boundary }, called): (Adapter, bool)| {
        let left = by_adapter.get(&func).map_or(&[][..], Vec::as_slice);
        let (fate, reason) = if !called {
            (Fate::Erased, "nothing calls it".to_owned())
        } else if left.is_empty() && stays(func) {
            (Fate::Kept, "its adapter is still called".to_owned())
        } else if left.is_empty() {
            (Fate::Erased, "inlined, without copies or allocations".to_owned())
        } else {
            let copies = left.iter().filter(|l| matches!(l, Left::Copy)).count();
            let allocations = left.len() - copies;
            let mut why: Vec<&str> = left
                .iter()
                .filter_map(|l| match l {
                    Left::Copy => None,
                    Left::Allocation(why) => Some(why.as_str()),
                })
                .collect();
            why.dedup();
            let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
            let what = format!("{copies} copies and {allocations} allocations are left{why}");
            (if stays(func) { Fate::Kept } else { Fate::Reduced }, what)
        };
        boundary.erased = fate == Fate::Erased;
        (boundary.fate, boundary.reason) = (fate, reason);
        boundary
    };
    adapters.into_iter().zip(called.iter().copied()).map(one).collect()
}
