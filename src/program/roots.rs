//! Roots: which exports stay.
//!
//! In an open world all of them do. Under `--closed-world` those stay that a `--keep-export` names, by name or glob. Without any
//! such pattern the kept set of meld's output is derived: meld exports also what it resolved between components, and its
//! attestation says what that was. Everything that is not known to be internal stays.
//!
//! Internal are, each possibly with meld's `$N` at the end:
//!
//! - functions that the attestation names as a boundary, and all others of an interface that it names, with their callbacks
//!   and post-return functions; destructors (`…[dtor]X`) are not, the host calls them when it drops a handle;
//! - meld's tables of imports (`$imports`), their shims (`0`, `1`, …), `$ht_…` and `$task_return_shim_…`;
//! - `_initialize` where the module has a start function, which calls it;
//! - memories and `cabi_realloc`, unless a kept export or an import that can be reached may pass a pointer.

use super::facts::BodyFacts;
use super::reach::reach;
use crate::Options;
use crate::ir::types::Type;
use crate::module::{ATTESTATION, Entity, FuncType, Module};
use hashbrown::HashSet;

/// What is exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// For each export whether it stays.
    pub kept: Vec<bool>,
    /// Whether nothing but these exports can be reached from outside.
    pub closed: bool,
    /// Sentences for the user.
    pub notes: Vec<String>,
}

/// Whether a name matches a pattern in which `*` stands for any characters and `?` for one.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and what it has to leave over: going back further is never needed.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// The exports that stay as the options ask.
pub fn roots(module: &Module, facts: &[BodyFacts], options: &Options) -> Roots {
    let all = Roots { kept: vec![true; module.exports.len()], closed: false, notes: Vec::new() };
    if !options.assumptions.closed_world {
        return all;
    }
    if !options.keep_exports.is_empty() {
        let kept = |name: &str| options.keep_exports.iter().any(|p| p == name || matches(p, name));
        let unused = options
            .keep_exports
            .iter()
            .filter(|p| !module.exports.iter().any(|e| **p == e.name || matches(p, &e.name)))
            .map(|p| format!("--keep-export {p}: no export has such a name"));
        return Roots {
            kept: module.exports.iter().map(|e| kept(&e.name)).collect(),
            closed: true,
            notes: unused.collect(),
        };
    }
    match derived(module, facts, options.fused) {
        Some(kept) => {
            let names: Vec<String> = module
                .exports
                .iter()
                .zip(&kept)
                .filter(|(_, k)| **k)
                .map(|(e, _)| format!("`{}`", e.name))
                .collect();
            let note = format!("closed world: of {} exports these stay: {}", kept.len(), names.join(", "));
            Roots { kept, closed: true, notes: vec![note] }
        }
        None => Roots {
            closed: true,
            notes: vec!["closed world without --keep-export: all exports stay".to_owned()],
            ..all
        },
    }
}

/// What meld's attestation says was resolved between components.
#[derive(Default)]
struct Boundaries {
    functions: HashSet<String>,
    interfaces: HashSet<String>,
}

impl Boundaries {
    fn read(module: &Module) -> Option<Boundaries> {
        let json: serde_json::Value = serde_json::from_slice(&module.custom(ATTESTATION)?.data).ok()?;
        let mut boundaries = Boundaries::default();
        for boundary in json.get("metadata")?.get("boundaries")?.as_array()? {
            let text = |key| boundary.get(key).and_then(|v| v.as_str()).map(str::to_owned);
            boundaries.functions.extend(text("function"));
            boundaries.interfaces.extend(text("interface"));
        }
        Some(boundaries)
    }

    /// Whether the function with this export name belongs to what was resolved.
    fn resolved(&self, name: &str) -> bool {
        let mut name = name;
        for prefix in ["cabi_post_", "[callback]"] {
            name = name.strip_prefix(prefix).unwrap_or(name);
        }
        if self.functions.contains(name) {
            return true;
        }
        let plain = name.strip_prefix("[async-lift]").unwrap_or(name);
        self.functions.contains(plain)
            || plain.split_once('#').is_some_and(|(interface, _)| self.interfaces.contains(interface))
    }
}

/// A name without the `$N` that meld puts behind names that it saw before.
fn without_copy(name: &str) -> &str {
    match name.rsplit_once('$') {
        Some((stem, n)) if !stem.is_empty() && is_number(n) => stem,
        _ => name,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether values of these types may be addresses. One `i32` alone that goes in is a number or a handle: the canonical ABI
/// passes strings and lists as pairs, and more than 16 values through memory, which nothing here tells from a number.
fn may_point(signature: &FuncType) -> bool {
    let words = |types: &[Type]| types.iter().filter(|t| matches!(t, Type::I32 | Type::I64)).count();
    let wide = |types: &[Type]| types.iter().filter(|t| **t == Type::I32).count();
    wide(&signature.results) > 0 || (wide(&signature.params) > 0 && words(&signature.params) > 1)
}

/// Whether an import may be given an address, or give one: those of handles are not.
fn import_may_point(name: &str, signature: &FuncType) -> bool {
    let handles = [
        "[resource-new]",
        "[resource-rep]",
        "[resource-drop]",
        "[waitable-set-new]",
        "[waitable-set-drop]",
        "[waitable-join]",
    ];
    !handles.iter().any(|h| name.starts_with(h))
        && signature.params.iter().chain(&signature.results).any(|t| *t == Type::I32)
}

/// The exports of meld's output that are the outer world's own. `None` when it is not known to be meld's output.
pub fn derived(module: &Module, facts: &[BodyFacts], fused: bool) -> Option<Vec<bool>> {
    let boundaries = match Boundaries::read(module) {
        Some(boundaries) => boundaries,
        None if fused => Boundaries::default(),
        None => return None,
    };
    let is_memory = |name: &str| matches!(without_copy(name), "memory" | "cabi_realloc");
    let internal = |name: &str| {
        let stem = without_copy(name);
        if name.contains("[dtor]") {
            return false;
        }
        boundaries.resolved(name)
            || boundaries.resolved(stem)
            || is_number(stem)
            || stem == "$imports"
            || name.starts_with("$ht_")
            || name.starts_with("$task_return_shim_")
            || (stem == "_initialize" && module.start.is_some())
    };
    let mut kept: Vec<bool> =
        module.exports.iter().map(|e| !is_memory(&e.name) && !internal(&e.name)).collect();
    let exports_point = module.exports.iter().zip(&kept).any(|(e, kept)| match e.entity {
        Entity::Func(f) => *kept && !e.name.contains("[dtor]") && may_point(module.func_type(f)),
        _ => false,
    });
    let points = exports_point || {
        let live = reach(module, facts, &kept, false, true);
        module.imports.iter().any(|i| match i.entity {
            Entity::Func(f) => live.called.contains(f) && import_may_point(&i.name, module.func_type(f)),
            _ => false,
        })
    };
    if points {
        for (kept, export) in kept.iter_mut().zip(&module.exports) {
            *kept |= is_memory(&export.name);
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("run", "run", true),
            ("run", "run2", false),
            ("*", "", true),
            ("*dtor*", "a#[dtor]b", true),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyybz", false),
            ("?un", "run", true),
            ("?un", "un", false),
            ("**", "x", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn copies() {
        assert_eq!(without_copy("memory$12"), "memory");
        assert_eq!(without_copy("$imports"), "$imports");
        assert_eq!(without_copy("$7"), "$7");
        assert_eq!(without_copy("a$b"), "a$b");
    }
}
