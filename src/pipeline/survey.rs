//! What must be known of all functions before the first of them is optimized: that they are valid, what they call, what
//! they do. Graphs are large, so only those of a small module stay in memory until they are needed; the others are lifted
//! a second time then, which gives the same graph.

use super::timing::Clock;
use crate::Error;
use crate::analysis::{CallFacts, Summaries};
use crate::caps::Caps;
use crate::fused::Shape;
use crate::ir::entity::{FuncId, MemoryId};
use crate::ir::function::Function;
use crate::ir::ops::Feature;
use crate::lift::{Lifted, lift_capped};
use crate::module::{Decoded, Entity, Module, TypeMap, UndecodedBody};
use crate::program::devirt::TableWrites;
use crate::program::inline::InlineFacts;
use crate::program::interface::CallConstants;
use crate::program::memories::Accesses;
use crate::program::ranges::CallRanges;
use cranelift_entity::{EntityRef, EntitySet};
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of graphs that are kept: all graphs of modules up to about 400 kB of code.
pub const KEPT_GRAPHS: usize = 24 << 20;

/// What is known of a module, and its functions, each ready to be optimized.
pub(super) struct Survey<'a> {
    pub module: Module,
    pub types: TypeMap,
    pub functions: Vec<Surveyed<'a>>,
    pub summaries: Summaries,
    /// What the inliner knows of each function, by index.
    pub inline: Vec<InlineFacts>,
    /// How functions look to [`crate::fused`], by index; empty when that was not asked for.
    pub shapes: Vec<Shape>,
    /// The constants and parameters that each function passes and returns, by index; `None` for what is imported or kept as bytes.
    pub constants: Vec<Option<CallConstants>>,
    /// What each function does to memories that may be private, by index.
    pub accesses: Vec<Accesses>,
    /// The bits known to be zero in what it passes and returns, by index; likewise.
    pub ranges: Vec<Option<CallRanges>>,
    /// The tables that bodies write.
    pub table_writes: TableWrites,
    /// The proposals whose operators the functions use, as bits by [`Feature`].
    pub operators: u32,
}

/// A function that was looked at.
pub(super) struct Surveyed<'a> {
    pub func: FuncId,
    state: State<'a>,
}

enum State<'a> {
    /// Its graph, kept.
    Lifted(Box<Function>),
    /// Its graph was let go.
    Body(UndecodedBody<'a>),
    /// Why it is kept as bytes.
    Raw(&'static str),
}

impl Surveyed<'_> {
    /// Why the function is kept as bytes, if it is.
    pub fn raw(&self) -> Option<&'static str> {
        match self.state {
            State::Raw(reason) => Some(reason),
            State::Lifted(_) | State::Body(_) => None,
        }
    }

    /// The graph. `None` for a function that is kept as bytes.
    pub fn graph(self, module: &Module, types: &TypeMap, caps: &Caps) -> Option<Box<Function>> {
        match self.state {
            State::Lifted(f) => Some(f),
            State::Raw(_) => None,
            State::Body(body) => lift_again(body, module, types, caps),
        }
    }

    /// Another copy of the graph.
    pub fn copy(&self, module: &Module, types: &TypeMap, caps: &Caps) -> Option<Box<Function>> {
        match &self.state {
            State::Lifted(f) => Some(f.clone()),
            State::Raw(_) => None,
            State::Body(body) => lift_again(body.clone(), module, types, caps),
        }
    }
}

fn lift_again(
    body: UndecodedBody<'_>,
    module: &Module,
    types: &TypeMap,
    caps: &Caps,
) -> Option<Box<Function>> {
    match lift_capped(module, types, body, Default::default(), caps) {
        Ok((Lifted::Function(f), _)) => Some(f),
        // It was lifted before.
        Ok((Lifted::Raw(_), _)) | Err(_) => None,
    }
}

/// Validates and lifts all bodies. The first error by function index is the one reported. `loops`: whether the inliner
/// wants to know what is around a call. `shapes`: whether allocators and stack pointers are looked for. `memories`: those of
/// which it is noted what functions do to them.
pub(super) fn survey<'a>(
    decoded: Decoded<'a>,
    clock: &Clock,
    caps: &Caps,
    loops: bool,
    shapes: bool,
    memories: &EntitySet<MemoryId>,
) -> Result<Survey<'a>, Error> {
    let Decoded { module, bodies, types } = decoded;
    let kept = AtomicUsize::new(0);
    struct One<'a> {
        surveyed: Surveyed<'a>,
        calls: CallFacts,
        inline: InlineFacts,
        constants: Option<CallConstants>,
        accesses: Accesses,
        ranges: Option<CallRanges>,
        writes: TableWrites,
        operators: u32,
        shape: Shape,
    }
    let results: Vec<Result<One<'a>, Error>> = bodies
        .into_par_iter()
        .map_init(Default::default, |allocations, body| {
            let again = body.clone();
            let func = body.func;
            let (lifted, back) = clock
                .time("lift", || lift_capped(&module, &types, body, std::mem::take(allocations), caps))?;
            *allocations = back;
            Ok(match lifted {
                Lifted::Raw(reason) => {
                    let (mentions, named, writes) = mentions(&module, func)?;
                    One {
                        surveyed: Surveyed { func, state: State::Raw(reason) },
                        calls: CallFacts::unknown(),
                        inline: InlineFacts::raw(mentions),
                        constants: None,
                        accesses: Accesses::unknown(named.into_iter().filter(|m| memories.contains(*m))),
                        ranges: None,
                        writes,
                        operators: 0,
                        shape: Shape::default(),
                    }
                }
                Lifted::Function(f) => {
                    let bytes = module.raw_body(func).map_or(0, <[u8]>::len);
                    let size = f.memory();
                    let keep = kept.fetch_add(size, Ordering::Relaxed) + size <= caps.kept_graphs;
                    clock.time("analysis", || One {
                        calls: CallFacts::of(&f),
                        inline: InlineFacts::of(&f, bytes, loops),
                        constants: Some(CallConstants::of(&f)),
                        accesses: Accesses::of(&f, memories),
                        ranges: Some(CallRanges::of(&f)),
                        writes: TableWrites::of(&f),
                        operators: operators(&f),
                        shape: if shapes { Shape::of(&f, &module) } else { Shape::default() },
                        surveyed: Surveyed {
                            func,
                            state: if keep { State::Lifted(f) } else { State::Body(again) },
                        },
                    })
                }
            })
        })
        .collect();
    let mut facts = vec![CallFacts::unknown(); module.funcs.len()];
    let mut inline = vec![InlineFacts::default(); module.funcs.len()];
    let mut constants: Vec<Option<CallConstants>> = vec![None; module.funcs.len()];
    let mut accesses = vec![Accesses::default(); module.funcs.len()];
    let mut ranges: Vec<Option<CallRanges>> = vec![None; module.funcs.len()];
    let mut all_shapes = vec![Shape::default(); if shapes { module.funcs.len() } else { 0 }];
    let mut table_writes = TableWrites::default();
    let mut operators = 1 << Feature::mvp as u32;
    let mut functions = Vec::with_capacity(results.len());
    for result in results {
        let one = result?;
        let func = one.surveyed.func.index();
        table_writes = table_writes.union(one.writes);
        facts[func] = one.calls;
        inline[func] = one.inline;
        constants[func] = one.constants;
        accesses[func] = one.accesses;
        ranges[func] = one.ranges;
        operators |= one.operators;
        if shapes {
            all_shapes[func] = one.shape;
        }
        functions.push(one.surveyed);
    }
    let summaries = clock.time("analysis", || Summaries::compute(&facts, module.aliases()));
    let shapes = all_shapes;
    Ok(Survey {
        module,
        types,
        functions,
        summaries,
        inline,
        constants,
        accesses,
        ranges,
        table_writes,
        operators,
        shapes,
    })
}

/// The functions and memories that a body kept as bytes names, and the tables, which it may write.
fn mentions(module: &Module, func: FuncId) -> Result<(Vec<FuncId>, Vec<MemoryId>, TableWrites), Error> {
    let (mut list, mut memories, mut writes) = (Vec::new(), Vec::new(), TableWrites::default());
    module.raw_body_references(func, &mut |entity| match entity {
        Entity::Func(f) => list.push(f),
        Entity::Table(t) => writes.add(t),
        Entity::Memory(m) => memories.push(m),
        _ => {}
    })?;
    Ok((list, memories, writes))
}

/// The proposals whose operators a function uses, as bits by [`Feature`].
fn operators(f: &Function) -> u32 {
    let insts = f.layout.iter().flat_map(|&b| &f.blocks[b].insts);
    insts.fold(0, |used, &i| used | 1u32 << f.insts[i].op.info().feature as u32)
}
