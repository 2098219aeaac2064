//! What meld's output looks like: allocators and stack pointers of the former components.
//!
//! **What.** [`Shape`]s are taken from the graphs as they are lifted; [`recognize`] makes the [`Knowledge`] from them that the passes of
//! [`crate::memory`] act on, under the assumptions that the options leave on ([`Assumed`]).
//!
//! **Invariants in.** Shapes of all functions of a validated module, effect summaries. **Invariants out.** Nothing is known that an
//! assumption which is off would be needed for.
//!
//! **Complexity.** Linear in the graphs.
//!
//! Reference: the component model's canonical ABI (`CanonicalABI.md`, "realloc", "post-return"); LLVM's WebAssembly backend for the
//! shadow stack.

pub mod allocators;
pub mod areas;
pub mod boundaries;
pub mod stacks;

use crate::Options;
use crate::analysis::{Cfg, Summaries};
use crate::ir::entity::{FuncId, GlobalId, MemoryId};
use crate::ir::function::Function;
use crate::ir::types::Type;
use crate::memory::objects::Objects;
use crate::memory::readers::{Move, Moved};
use crate::memory::{Knowledge, Role, nulls};
use crate::module::{ATTESTATION, Entity, Module, Numbering};
use allocators::{Crossing, ReleaseShape};
use areas::Area;
use boundaries::Boundaries;
use hashbrown::HashSet;
use stacks::StackUse;

/// What is known of one function.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// What it does to globals that may be stack pointers; `None`: its body is kept as bytes.
    pub stacks: Option<Vec<StackUse>>,
    /// Constant addresses that it accesses.
    pub addresses: Vec<(MemoryId, u32)>,
    /// Whether it gives back its first parameter.
    pub returns_first: bool,
    /// Functions that it calls.
    pub callees: Vec<FuncId>,
    /// Whether it looks like one that takes memory back.
    pub release: Option<ReleaseShape>,
    /// Whether it copies between two memories, or only passes its parameters on.
    pub crosses: Option<Crossing>,
    /// Whether it has the type of an allocator and never returns null.
    pub never_null: bool,
    /// What it does with constant addresses; `None`: its body is kept as bytes.
    pub constants: Option<areas::Constants>,
}

impl Shape {
    /// Of a graph.
    pub fn of(f: &Function, module: &Module) -> Shape {
        let cfg = Cfg::compute(f);
        let nothing = Knowledge::default();
        let objects = Objects::compute(f, &cfg, &nothing);
        let (addresses, callees) = allocators::state(f, &objects);
        let crosses = allocators::crosses(f);
        Shape {
            addresses,
            returns_first: stacks::returns_first(f),
            callees,
            stacks: Some(stacks::uses(f, &cfg, &objects, module)),
            release: allocators::release_shape(f, &objects),
            crosses,
            never_null: f.params == [Type::I32; 4] && f.results == [Type::I32] && nulls::never_null(f, &cfg),
            constants: Some(areas::Constants::of(f, &objects, crosses.is_some())),
        }
    }
}

/// The assumptions in force (design, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// `canonical-abi`.
    pub canonical_abi: bool,
    /// `shadow-stack`.
    pub shadow_stack: bool,
    /// `return-areas`.
    pub return_areas: bool,
    /// `no-oom`, which says something of allocators only.
    pub no_oom: bool,
}

impl Assumed {
    /// By the options; where they leave it open, by whether the module is meld's output: as it says, or as it `looks`.
    pub fn of(module: &Module, options: &Options, looks: bool) -> Assumed {
        let fused = options.fused || module.custom(ATTESTATION).is_some() || looks;
        Assumed {
            no_oom: options.assumptions.no_oom,
            canonical_abi: options.assumptions.canonical_abi.unwrap_or(fused),
            shadow_stack: options.assumptions.shadow_stack.unwrap_or(fused),
            return_areas: options.assumptions.return_areas.unwrap_or(fused),
        }
    }

    /// Whether nothing is assumed.
    pub fn is_nothing(self) -> bool {
        !self.canonical_abi && !self.shadow_stack && !self.return_areas
    }
}

/// Whether a module looks like meld's output, which has lost its attestation: two or more memories of its own, and allocators of two
/// or more components, under the names that meld gives them.
///
/// `cabi_realloc` alone is what any component's core module exports; `cabi_realloc$N` is what meld makes of that of another one.
pub fn looks_fused(module: &Module) -> bool {
    let memories = module.memories.values().filter(|m| !m.imported).count();
    let (mut first, mut others) = (false, false);
    for export in &module.exports {
        let Entity::Func(func) = export.entity else { continue };
        if allocators::has_type(module, func) {
            first |= export.name == allocators::REALLOC;
            others |= export
                .name
                .strip_prefix(allocators::REALLOC)
                .and_then(|rest| rest.strip_prefix('$'))
                .is_some_and(|n| n.parse::<u32>().is_ok());
        }
    }
    memories >= 2 && first && others
}

/// What one round hands on to the next, which cannot find it any more: adapters and exports are gone then.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// The functions of allocators.
    pub roles: Vec<(FuncId, Role)>,
    /// The stack pointers: one that nobody lowers any more is like any constant.
    pub stacks: Vec<(GlobalId, MemoryId)>,
    /// The return areas.
    pub areas: Vec<Area>,
    /// Whether the input [looks like](looks_fused) meld's output.
    pub looks_fused: bool,
    /// What became of the boundaries so far; `None` before the first round.
    pub boundaries: Option<Boundaries>,
    /// Functions that would have to read another memory for buffers to go, each with who calls it.
    pub wanted: Vec<(FuncId, Moved)>,
    /// Calls that keep values of a boundary in memory: caller and callee.
    pub folds: HashSet<(FuncId, FuncId)>,
}

impl Carried {
    /// In the indices of the output; what is not in it is left out.
    #[must_use]
    pub fn renumbered(mut self, numbering: &Numbering) -> Carried {
        let memory = |m: MemoryId| numbering.memories.renumbered(m);
        let func = |func: FuncId| numbering.funcs.renumbered(func);
        let role = |&(of, role): &(FuncId, Role)| {
            Some((
                func(of)?,
                match role {
                    Role::Realloc(m) => Role::Realloc(memory(m)?),
                    Role::Free(m) => Role::Free(memory(m)?),
                },
            ))
        };
        let stack = |&(global, in_memory): &(GlobalId, MemoryId)| {
            Some((numbering.globals.renumbered(global)?, memory(in_memory)?))
        };
        self.stacks = self.stacks.iter().filter_map(stack).collect();
        self.roles = self.roles.iter().filter_map(role).collect();
        self.areas =
            self.areas.iter().filter_map(|a| Some(Area { memory: memory(a.memory)?, ..*a })).collect();
        self.boundaries = self.boundaries.map(|b| b.renumbered(numbering));
        let moves = |m: &Move| Some(Move { from: memory(m.from)?, to: memory(m.to)?, ..*m });
        let wanted = |(caller, moved): &(FuncId, Moved)| {
            let moves = moved.moves.iter().map(moves).collect::<Option<_>>()?;
            Some((func(*caller)?, Moved { func: func(moved.func)?, moves }))
        };
        self.wanted = self.wanted.iter().filter_map(wanted).collect();
        self.folds = self.folds.iter().filter_map(|&(a, b)| Some((func(a)?, func(b)?))).collect();
        self
    }
}

/// What can be known under the assumptions. `carried`: what was known in the round before, in which more can be found, and then
/// what is in this one.
pub fn recognize(
    module: &Module,
    shapes: &[Shape],
    summaries: &Summaries,
    assumed: Assumed,
    carried: &mut Carried,
) -> Knowledge {
    if assumed.is_nothing() {
        return Knowledge::new([], [], summaries.aliases());
    }
    let mut stacks = stacks::recognized(module, shapes, &carried.stacks);
    if assumed.canonical_abi {
        let known = std::mem::take(&mut carried.roles);
        carried.roles = allocators::roles(module, shapes, summaries, &stacks, known);
    }
    if assumed.return_areas {
        carried.areas.extend(areas::areas(shapes));
        carried.areas = areas::merged(std::mem::take(&mut carried.areas));
    }
    stacks.retain(|_| assumed.shadow_stack);
    carried.stacks = stacks.clone();
    let mut knowledge = Knowledge::new(carried.roles.iter().copied(), stacks, summaries.aliases());
    for &(func, _) in &carried.roles {
        if shapes.get(func.as_u32() as usize).is_some_and(|s| s.never_null) {
            knowledge.add_never_null(func);
        }
    }
    if assumed.no_oom {
        let gives = carried.roles.iter().filter(|(_, role)| matches!(role, Role::Realloc(_)));
        knowledge.assume_memory(allocators::reached(shapes, gives.map(|&(func, _)| func)));
    }
    for area in areas::unread(module, shapes, &carried.areas) {
        knowledge.add_unread(area.memory, area.start, area.end);
    }
    knowledge
}
