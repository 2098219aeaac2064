//! Memory of a graph promoted to SSA values, before the e-graph: what stood behind a former component boundary.
//!
//! **What.** [`promote`] runs, until nothing changes (at most [`MAX_ROUNDS`] times):
//! [`frames`] makes the stack pointer one value of the graph; [`forward`] replaces loads by what was stored, through branches,
//! loops and copies; [`dead`] removes stores and copies into frames and buffers that nobody reads; [`buffers`] lets who
//! reads a copy read the original, with the allocation and its release ([`readers`]: functions that it is passed to as well);
//! [`copies`] writes small copies as loads and stores. [`nulls`] decides tests whether an allocation failed. [`objects`] says what may
//! lie where, [`check`] proves what was done to branches, [`folds`] what a function could still be copied for. `docs/memory.md` has the licence of each and what makes it decline.
//!
//! **Invariants in.** A graph that verifies, with what is inlined in it. **Invariants out.** The same; results, traps and calls
//! of imports are those of the input; memories are as well, except for what the assumptions in [`Knowledge`] give free:
//! bytes below a stack pointer and in buffers that an allocator handed out.
//!
//! **Complexity.** Each load and store looks at [`MAX_STEPS`] instructions and blocks at most, a graph at [`MAX_WORK`].
//!
//! Reference: Cytron et al., "Efficiently Computing Static Single Assignment Form", TOPLAS 1991; Braun et al., "Simple and
//! Efficient Construction of SSA Form", CC 2013.

mod buffer_uses;
pub mod buffers;
pub mod check;
#[cfg(test)]
mod check_tests;
pub mod copies;
pub mod dead;
pub(crate) mod edit;
mod folds;
pub mod forward;
pub mod frames;
pub mod left;
pub mod nested;
pub mod nulls;
pub mod objects;
pub mod readers;
pub mod selects;
pub mod threading;
pub mod traps;

pub use forward::loaded;

use crate::analysis::Summaries;
use crate::ir::cleanup::cleanup;
use crate::ir::dce::dce;
use crate::ir::effects::Aliases;
use crate::ir::entity::{Block, FuncId, GlobalId, Inst, MemoryId};
use crate::ir::function::{Function, Origin};
use crate::ir::info::ModuleInfo;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;

/// How often all passes are run over one graph.
pub const MAX_ROUNDS: usize = 4;
/// Instructions and blocks that the search for one load or store looks at.
pub const MAX_STEPS: usize = 10_000;
/// The same for all of them in a graph, for each pass and round.
pub const MAX_WORK: usize = 2_000_000;

/// What a function is to an allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `cabi_realloc`: (old, old size, alignment, new size), gives memory in this one or traps.
    Realloc(MemoryId),
    /// Takes back what was allocated in this memory: (pointer, …).
    Free(MemoryId),
}

impl Role {
    /// The memory that is allocated in.
    pub fn memory(self) -> MemoryId {
        match self {
            Role::Realloc(memory) | Role::Free(memory) => memory,
        }
    }
}

/// What the assumptions allow to be known about a module.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    roles: HashMap<FuncId, Role>,
    stacks: HashMap<GlobalId, MemoryId>,
    /// Bytes that are written at constant addresses and that nobody reads, by memory: first, and behind the last.
    unread: HashMap<MemoryId, Vec<(u32, u32)>>,
    /// Allocators that are proved never to give null.
    never_null: HashSet<FuncId>,
    /// Where an allocator does not run out of memory (assumption `no-oom`): it and all that it calls.
    growers: Option<HashSet<FuncId>>,
    /// Memories that may be one.
    aliases: Aliases,
}

impl Knowledge {
    /// From the functions of allocators (assumption `canonical-abi`) and the stack pointers (`shadow-stack`), each with
    /// its memory. Nothing is known of memories that others may be the same as.
    pub fn new(
        roles: impl IntoIterator<Item = (FuncId, Role)>,
        stacks: impl IntoIterator<Item = (GlobalId, MemoryId)>,
        aliases: &Aliases,
    ) -> Knowledge {
        Knowledge {
            roles: roles.into_iter().filter(|(_, role)| !aliases.has_twin(role.memory())).collect(),
            stacks: stacks.into_iter().filter(|&(_, memory)| !aliases.has_twin(memory)).collect(),
            unread: HashMap::new(),
            never_null: HashSet::new(),
            growers: None,
            aliases: aliases.clone(),
        }
    }

    /// Whether two memories, by their indices, may be one.
    pub fn may_be_one(&self, a: MemoryId, b: MemoryId) -> bool {
        self.aliases.may_be_one(a, b)
    }

    /// What a function is to an allocator.
    pub fn role(&self, func: FuncId) -> Option<Role> {
        self.roles.get(&func).copied()
    }

    /// The functions of allocators.
    pub fn functions(&self) -> impl Iterator<Item = FuncId> {
        self.roles.keys().copied()
    }

    /// The memory whose stack a global points into.
    pub fn stack(&self, global: GlobalId) -> Option<MemoryId> {
        self.stacks.get(&global).copied()
    }

    /// The functions of allocators, each with what it is.
    pub fn roles(&self) -> impl Iterator<Item = (FuncId, Role)> {
        self.roles.iter().map(|(&func, &role)| (func, role))
    }

    /// An allocator never gives null, asked with an alignment that is not 0.
    pub fn add_never_null(&mut self, func: FuncId) {
        self.never_null.insert(func);
    }

    /// Whether an allocator never gives null.
    pub fn is_never_null(&self, func: FuncId) -> bool {
        self.never_null.contains(&func)
    }

    /// Allocators do not run out of memory (assumption `no-oom`); these are they and all that they call.
    pub fn assume_memory(&mut self, growers: HashSet<FuncId>) {
        self.growers = Some(growers);
    }

    /// Whether allocators do not run out of memory.
    pub fn has_memory(&self) -> bool {
        self.growers.is_some()
    }

    /// Whether memories that this function grows do grow.
    pub fn is_grower(&self, func: FuncId) -> bool {
        self.growers.as_ref().is_some_and(|list| list.contains(&func))
    }

    /// Nobody reads these bytes (assumption `return-areas`), which are in bounds.
    pub fn add_unread(&mut self, memory: MemoryId, start: u32, end: u32) {
        if !self.aliases.has_twin(memory) {
            self.unread.entry(memory).or_default().push((start, end));
        }
    }

    /// Whether so many bytes from an address on are in bounds and not read by anybody.
    pub fn is_unread(&self, memory: MemoryId, start: u32, width: u32) -> bool {
        let ranges = self.unread.get(&memory).map_or(&[][..], Vec::as_slice);
        ranges.iter().any(|&(first, end)| first <= start && u64::from(start) + u64::from(width) <= end.into())
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.stacks.is_empty() && self.unread.is_empty()
    }
}

/// The assumption that a pass acts under, for those that do nothing without one.
pub fn assumption(pass: &str) -> Option<&'static str> {
    match pass {
        "erased-buffers" | "erased-lists" | "unused-buffers" | readers::PASS => Some("canonical-abi"),
        "stack-pointer-reads" | "stack-pointer-writes" => Some("shadow-stack"),
        nulls::ASSUMED | nulls::GROWTH => Some("no-oom"),
        dead::AREA_STORES => Some("return-areas"),
        _ => None,
    }
}

/// How often each pass did something, by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// What the passes need to know besides the graph.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Allocators and stack pointers.
    pub knowledge: &'a Knowledge,
    /// Effects of calls.
    pub summaries: &'a Summaries,
    /// Types and sizes of memories.
    pub info: &'a dyn ModuleInfo,
    /// Whether executed instructions count more than bytes.
    pub speed: bool,
    /// Functions that read other memories than those they are copies of, where there are any.
    pub readers: Option<&'a readers::Readers>,
}

/// Something of a boundary that is left in a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// A copy from one memory to another.
    Copy {
        /// The memory that is written.
        dst: MemoryId,
        /// The memory that is read.
        src: MemoryId,
    },
    /// An allocation in this memory, and why.
    Allocation(MemoryId, Reason),
    /// So many loads and stores of a memory.
    Accesses(MemoryId, u64),
}

/// Why an allocation is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub what: &'static str,
    /// Which function gets the address.
    pub callee: Option<FuncId>,
    /// Where.
    pub at: Option<Origin>,
}

/// What [`promote`] did.
#[derive(Clone, Debug, Default)]
pub struct Promoted {
    /// By pass, how often.
    pub counts: Counts,
    /// What is left of boundaries, with the function whose input body it stood in.
    pub left: Vec<(FuncId, Left)>,
    /// Functions that would have to read another memory for buffers to go.
    pub wanted: Vec<readers::Moved>,
    /// Callees that keep values of a boundary in memory.
    pub folds: Vec<FuncId>,
}

/// Promotes what memory of a graph it can.
pub fn promote(f: &mut Function, cx: &Context<'_>) -> Promoted {
    let mut counts = Counts::new();
    for round in 0..MAX_ROUNDS {
        let before: u64 = counts.values().sum();
        let passes: [fn(&mut Function, &Context<'_>, &mut usize, &mut Counts); 6] = [
            frames::single_stack_pointer,
            forward::forward_loads,
            threading::thread_branches,
            selects::unfold_selects,
            dead::remove_dead_stores,
            see_through,
        ];
        for pass in passes {
            let before: u64 = counts.values().sum();
            pass(f, cx, &mut { MAX_WORK }, &mut counts);
            if counts.values().sum::<u64>() > before {
                edit::tidy(f);
            }
        }
        if counts.values().sum::<u64>() == before && round > 0 {
            break;
        }
    }
    // Buffers that go take their tests along.
    if nulls::decide_null_checks(f, cx, &mut counts) {
        threading::thread_branches(f, cx, &mut { MAX_WORK }, &mut counts);
    }
    frames::remove_idle_stack_pointers(f, cx, &mut counts);
    if cx.speed {
        let before = counts.get("expanded-copies").copied();
        copies::expand_small_copies(f, cx, &mut counts);
        if counts.get("expanded-copies").copied() != before {
            // What is known of the source need not be loaded, and some of the stores are not needed.
            forward::forward_loads(f, cx, &mut { MAX_WORK }, &mut counts);
            dead::remove_dead_stores(f, cx, &mut { MAX_WORK }, &mut counts);
        }
    }
    dce(f);
    cleanup(f);
    let passed = allocations(f, cx).into_iter().flat_map(|(b, i)| buffers::passed(f, b, i, cx));
    let wanted = readers::wanted(passed);
    Promoted { counts, left: left::left(f, cx), wanted, folds: folds::folding(f, cx) }
}

/// The calls that allocate.
fn allocations(f: &Function, cx: &Context<'_>) -> Vec<(Block, Inst)> {
    f.layout
        .iter()
        .flat_map(|&b| f.blocks[b].insts.iter().map(move |&i| (b, i)))
        .filter(|&(_, i)| objects::allocates(f, i, cx.knowledge).is_some())
        .collect()
}

/// Sees through the copies that the buffers of a graph are, one after the other: as one copy, or level by level.
fn see_through(f: &mut Function, cx: &Context<'_>, work: &mut usize, counts: &mut Counts) {
    for (_, call) in allocations(f, cx) {
        // Blocks are split and values replaced: what is known is asked for anew.
        let Some(block) = buffers::block_of(f, call) else { continue };
        // Each looks at the whole graph.
        let Some(left) = work.checked_sub(f.values.len()) else { return };
        *work = left;
        if let Ok(name) = buffers::one(f, block, call, cx) {
            *counts.entry(name).or_default() += 1;
        } else if nested::see_through(f, (block, call), cx).is_ok() {
            *counts.entry("erased-lists").or_default() += 1;
            edit::tidy(f);
        }
    }
}
