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
pub mod boundaries;
pub mod stacks;

use crate::Options;
use crate::analysis::{Cfg, Summaries};
use crate::ir::entity::{FuncId, MemoryId};
use crate::ir::function::Function;
use crate::memory::Knowledge;
use crate::memory::objects::Objects;
use crate::module::{ATTESTATION, Module};
use allocators::ReleaseShape;
use stacks::StackUse;

/// What is known of one function.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// What it does to globals that may be stack pointers; `None`: its body is kept as bytes.
    pub stacks: Option<Vec<StackUse>>,
    /// Constant addresses that it accesses.
    pub addresses: Vec<(MemoryId, u32)>,
    /// Functions that it calls.
    pub callees: Vec<FuncId>,
    /// Whether it looks like one that takes memory back.
    pub release: Option<ReleaseShape>,
    /// Whether it copies between two memories, or only passes its parameters on.
    pub crosses: bool,
}

impl Shape {
    /// Of a graph.
    pub fn of(f: &Function, module: &Module) -> Shape {
        let cfg = Cfg::compute(f);
        let nothing = Knowledge::default();
        let objects = Objects::compute(f, &cfg, &nothing);
        let (addresses, callees) = allocators::state(f, &objects);
        Shape {
            addresses,
            callees,
            stacks: Some(stacks::uses(f, &cfg, &objects, module)),
            release: allocators::release_shape(f, &objects),
            crosses: allocators::crosses(f),
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
}

impl Assumed {
    /// By the options; where they leave it open, by whether the module is meld's output.
    pub fn of(module: &Module, options: &Options) -> Assumed {
        let fused = options.fused || module.custom(ATTESTATION).is_some();
        Assumed {
            canonical_abi: options.assumptions.canonical_abi.unwrap_or(fused),
            shadow_stack: options.assumptions.shadow_stack.unwrap_or(fused),
        }
    }

    /// Whether nothing is assumed.
    pub fn is_nothing(self) -> bool {
        !self.canonical_abi && !self.shadow_stack
    }
}

/// What can be known under the assumptions.
pub fn recognize(module: &Module, shapes: &[Shape], summaries: &Summaries, assumed: Assumed) -> Knowledge {
    if assumed.is_nothing() {
        return Knowledge::default();
    }
    let mut stacks = stacks::recognized(module, shapes);
    let roles = match assumed.canonical_abi {
        true => allocators::roles(module, shapes, summaries, &stacks),
        false => Vec::new(),
    };
    stacks.retain(|_| assumed.shadow_stack);
    Knowledge::new(roles, stacks)
}
