//! The graphs that a [`Plan`] asks for.
//!
//! A graph is made bottom-up: of the callees that go into it first. Those that are copied into several functions are made
//! once, before all others; the others belong to one group and are made when its turn comes, so that only the graphs
//! under work are in memory.

use super::policy::Plan;
use super::splice::{Splicer, call_sites};
use crate::extract_check::tidied;
use crate::ir::cleanup::cleanup;
use crate::ir::entity::FuncId;
use crate::ir::function::Function;
use hashbrown::HashMap;
use std::sync::Arc;

/// Graphs with everything in them, by function.
pub type Ready = HashMap<FuncId, Arc<Function>>;

/// What was put into a graph.
#[derive(Debug)]
pub struct Expanded {
    /// Whose calls were replaced.
    pub replaced: Vec<FuncId>,
    /// What the checkers say of it, where they were asked; an error where something differs, or could not be followed.
    pub checked: Result<(), String>,
}

/// Puts the callees that the plan picks for `f` into it; `ready` and `own` hold their graphs. `None` when one of them was declined
/// or has no graph: the plan does not hold for this function. `check`: whether the result is compared.
pub fn expand(f: &mut Function, plan: &Plan, ready: &Ready, own: &Ready, check: bool) -> Option<Expanded> {
    let picks = plan.picks(f.id);
    let mut replaced = Vec::with_capacity(picks.len());
    if picks.is_empty() {
        return Some(Expanded { replaced, checked: Ok(()) });
    }
    let before = check.then(|| f.clone());
    let graph = |func| own.get(&func).or_else(|| ready.get(&func));
    let sites = call_sites(f);
    let mut splicer = Splicer::new(f);
    let mut good = true;
    for &n in picks.iter().rev() {
        let Some(&(site, func)) = sites.get(n as usize) else {
            good = false;
            break;
        };
        good &= graph(func).is_some_and(|callee| splicer.splice(site, callee).is_ok());
        if !good {
            break;
        }
        replaced.push(func);
    }
    splicer.finish();
    let spliced = check.then(|| f.clone());
    cleanup(f);
    let checked = match (before, spliced) {
        (Some(before), Some(spliced)) => {
            super::check::check(&before, &spliced, &|func| graph(func).map(Arc::as_ref))
                .and_then(|()| tidied::check(&spliced, f))
        }
        _ => Ok(()),
    };
    good.then_some(Expanded { replaced, checked })
}
