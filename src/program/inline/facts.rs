//! What the policy knows of a function: taken from its graph as it is lifted, so that the graph need not stay in memory.

use super::splice::{Site, call_sites, may_throw};
use crate::analysis::{Cfg, DomTree, Loops};
use crate::ir::entity::FuncId;
use crate::ir::function::{Function, Terminator};
use crate::ir::ops::{Imm, Op};

/// A direct call, in the order of [`call_sites`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who is called.
    pub callee: FuncId,
    /// How many loops are around it, as far as that was asked for.
    pub loops: u8,
    /// How many of its arguments are constants.
    pub constants: u8,
    /// Whether it is inside `try_table`.
    pub handled: bool,
    /// Whether values that crossed a boundary stay in memory for it (`memory::folds`).
    pub folds: bool,
}

/// Facts about one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InlineFacts {
    /// Its direct calls.
    pub calls: Vec<Call>,
    /// The functions that it takes references of.
    pub references: Vec<FuncId>,
    /// Instructions and blocks.
    pub size: usize,
    /// Number of parameters.
    pub params: usize,
    /// Bytes of its body.
    pub bytes: usize,
    /// Whether it is one block.
    pub straight: bool,
    /// Whether an exception can leave it, as far as it shows itself.
    pub may_throw: bool,
    /// Whether it is an adapter between components: it goes into its callers whatever its size.
    pub crosses: bool,
    /// Whether it is one that only passes its parameters on: nothing is in memory for it.
    pub is_thunk: bool,
    /// Whether there is a graph that may be put in place of a call.
    pub lifted: bool,
}

impl InlineFacts {
    /// Of a function kept as bytes: `mentions` are all the functions that it names.
    pub fn raw(mut mentions: Vec<FuncId>) -> InlineFacts {
        mentions.sort_unstable();
        mentions.dedup();
        InlineFacts { references: mentions, may_throw: true, ..InlineFacts::default() }
    }

    /// Of a graph that came from a body of so many bytes. Loops are looked at only when they matter.
    pub fn of(f: &Function, bytes: usize, loops: bool) -> InlineFacts {
        let sites = call_sites(f);
        let loops = (loops && !sites.is_empty()).then(|| {
            let cfg = Cfg::compute(f);
            Loops::compute(&cfg, &DomTree::compute(f, &cfg))
        });
        let call = |&(site, callee): &(Site, FuncId)| Call {
            callee,
            loops: loops.as_ref().map_or(0, |l| l.depth(site.block).min(u8::MAX.into()) as u8),
            constants: constants(f, site),
            handled: site.at == f.blocks[site.block].insts.len()
                && matches!(f.term(site.block), Terminator::Invoke { .. }),
            folds: false,
        };
        let insts = || f.layout.iter().flat_map(|&b| &f.blocks[b].insts);
        let mut references: Vec<FuncId> = insts()
            .filter_map(|&i| match (f.insts[i].op, f.insts[i].imm) {
                (Op::RefFunc, Imm::Func(func)) => Some(func),
                _ => None,
            })
            .collect();
        references.sort_unstable();
        references.dedup();
        InlineFacts {
            calls: sites.iter().map(call).collect(),
            references,
            size: insts().count() + f.layout.len(),
            params: f.params.len(),
            bytes,
            straight: f.layout.len() == 1,
            may_throw: may_throw(f),
            crosses: false,
            is_thunk: false,
            lifted: true,
        }
    }
}

/// How many arguments of a call are constants.
fn constants(f: &Function, site: Site) -> u8 {
    let block = &f.blocks[site.block];
    let args = match block.insts.get(site.at) {
        Some(&call) => f.args(call),
        None => f.term(site.block).operands(&f.pool),
    };
    let n = args.iter().filter(|&&a| f.def_inst(a).is_some_and(|i| f.insts[i].op.is_const())).count();
    n.min(u8::MAX.into()) as u8
}
