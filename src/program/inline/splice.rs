//! A call replaced by a copy of its callee's graph.
//!
//! **In:** two valid graphs of one module and the place of a direct call in the first. **Out:** a valid graph that does the
//! same. The block is split at the call: its first half takes the instructions of the callee's entry block, whose parameters
//! become the arguments; what the callee returns goes to the second half, whose parameters are the call's results, the very same
//! values. What leaves the callee by a tail call is called and then returned from. A call that was itself a tail call leaves
//! nothing to come back to: returns return, tail calls stay tail calls, and the stack is as high as it was.
//!
//! A callee that may throw is not spliced into a `try_table`: each of its calls would have to end its block.
//!
//! Hints of the copied values are moved behind the caller's own, so that what shared a local in the callee still does: the
//! copies of all callees share the same numbers, since their values are seldom live together.
//!
//! **Complexity:** linear in the callee's graph for each splice, and in the caller's once; nothing recurses.

use crate::ir::cleanup;
use crate::ir::entity::{Block, FuncId, Inst, Value};
use crate::ir::function::*;
use crate::ir::ops::{Imm, Op};
use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityList, SecondaryMap};

/// The place of a direct call in a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The block.
    pub block: Block,
    /// Position among its instructions; their number for its terminator, a tail call or a call inside `try_table`.
    pub at: usize,
}

/// Why a call stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Declined {
    /// There is no direct call, or not with the signature of that graph.
    NoCall,
    /// The call is inside `try_table`, and the callee may throw.
    Handlers,
}

/// Every direct call of a graph with its callee, by block in the order of the layout, in a block in order.
pub fn call_sites(f: &Function) -> Vec<(Site, FuncId)> {
    let mut sites = Vec::new();
    for &block in &f.layout {
        for (at, &i) in f.blocks[block].insts.iter().enumerate() {
            if let (Op::Call, Imm::Func(callee)) = (f.insts[i].op, f.insts[i].imm) {
                sites.push((Site { block, at }, callee));
            }
        }
        let at = f.blocks[block].insts.len();
        match *f.term(block) {
            Terminator::TailCall { callee: TailCallee::Direct(callee), .. }
            | Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), .. } => {
                sites.push((Site { block, at }, callee));
            }
            _ => {}
        }
    }
    sites
}

/// Whether an exception can leave a call of this graph, as far as the graph itself shows.
pub(super) fn may_throw(f: &Function) -> bool {
    f.layout.iter().any(|&b| {
        let leaves = matches!(
            f.term(b),
            Terminator::TailCall { .. }
                | Terminator::Invoke { .. }
                | Terminator::Throw { .. }
                | Terminator::ThrowRef { .. }
        );
        leaves || f.blocks[b].insts.iter().any(|&i| f.insts[i].op.is_call())
    })
}

/// Puts graphs in place of calls. Nothing may look at the graph between the first splice and [`Splicer::finish`].
pub struct Splicer<'f> {
    f: &'f mut Function,
    /// Copies of hints start here.
    hints: u32,
    /// After which block of the layout which new ones come; of two entries of one block the later one comes first.
    inserted: Vec<(Block, Vec<Block>)>,
}

/// What is copied under which name.
struct Copy<'c> {
    callee: &'c Function,
    values: SecondaryMap<Value, PackedOption<Value>>,
    blocks: SecondaryMap<Block, PackedOption<Block>>,
}

impl Copy<'_> {
    fn value(&self, v: Value) -> Value {
        self.values[v].expand().expect("a value of a live block of a valid graph")
    }

    fn list(&self, list: &EntityList<Value>, to: &mut Function) -> EntityList<Value> {
        let values = list.as_slice(&self.callee.pool).iter().map(|&v| self.value(v));
        EntityList::from_iter(values, &mut to.pool)
    }

    fn edge(&self, edge: &mut Edge, to: &mut Function) {
        let block = self.blocks[edge.block].expand().expect("a live block of a valid graph");
        *edge = Edge { block, args: self.list(&edge.args, to) };
    }

    /// A terminator whose lists are still those of the callee.
    fn term(&self, mut term: Terminator, to: &mut Function) -> Terminator {
        for edge in term.edges_mut() {
            self.edge(edge, to);
        }
        match &mut term {
            Terminator::Branch { cond: v, .. }
            | Terminator::Table { index: v, .. }
            | Terminator::BrOn { arg: v, .. }
            | Terminator::ThrowRef { arg: v, .. } => *v = self.value(*v),
            Terminator::Return(args)
            | Terminator::TailCall { args, .. }
            | Terminator::Invoke { args, .. }
            | Terminator::Throw { args, .. } => *args = self.list(args, to),
            Terminator::Jump(_) | Terminator::Unreachable => {}
        }
        term
    }
}

impl<'f> Splicer<'f> {
    /// For one graph.
    pub fn new(f: &'f mut Function) -> Self {
        let hints = f.values.values().filter_map(|v| v.hint).max().map_or(0, |h| h.saturating_add(1));
        let hints = hints.max(f.params.len() as u32);
        Splicer { f, hints, inserted: Vec::new() }
    }

    /// Replaces a direct call by its callee. Of the calls in one block the last one has to be replaced first.
    ///
    /// # Errors
    /// The graph is as it was, and why.
    pub fn splice(&mut self, site: Site, callee: &Function) -> Result<(), Declined> {
        let block = self.f.blocks.get(site.block).ok_or(Declined::NoCall)?;
        let (args, back) = match (block.insts.get(site.at).copied(), &block.term) {
            (Some(call), _) => {
                let InstData { op: Op::Call, imm: Imm::Func(func), .. } = self.f.insts[call] else {
                    return Err(Declined::NoCall);
                };
                self.fits(func, self.f.args(call).len(), self.f.results(call).len(), callee)?;
                (self.f.args(call).to_vec(), Some(call))
            }
            (None, Some(Terminator::TailCall { callee: TailCallee::Direct(func), args })) => {
                let args = args.as_slice(&self.f.pool);
                self.fits(*func, args.len(), self.f.results.len(), callee)?;
                (args.to_vec(), None)
            }
            (None, Some(Terminator::Invoke { op: Op::Call, imm: Imm::Func(func), args, normal, .. })) => {
                let args = args.as_slice(&self.f.pool);
                self.fits(*func, args.len(), self.f.produced(normal), callee)?;
                if may_throw(callee) {
                    return Err(Declined::Handlers);
                }
                let args = args.to_vec();
                let call = self.call_of_invoke(site, callee);
                (args, Some(call))
            }
            _ => return Err(Declined::NoCall),
        };
        let mut placed = Vec::new();
        let after = back.map(|call| self.split(site, call));
        self.copy(site.block, &args, callee, after, &mut placed);
        placed.extend(after);
        self.inserted.push((site.block, placed));
        Ok(())
    }

    fn fits(&self, func: FuncId, args: usize, results: usize, callee: &Function) -> Result<(), Declined> {
        let fits = func == callee.id && args == callee.params.len() && results == callee.results.len();
        if fits { Ok(()) } else { Err(Declined::NoCall) }
    }

    /// Makes an ordinary call and a jump of a call inside `try_table`: what cannot throw needs no handlers.
    fn call_of_invoke(&mut self, site: Site, callee: &Function) -> Inst {
        let term = self.f.blocks[site.block].term.take();
        let Some(Terminator::Invoke { op, imm, args, mut normal, .. }) = term else {
            unreachable!("looked at before")
        };
        let args = args.as_slice(&self.f.pool).to_vec();
        let call = self.f.append(site.block, op, imm, &args, &callee.results);
        let mut all = self.f.results(call).to_vec();
        all.extend_from_slice(self.f.edge_args(&normal));
        normal.args = self.f.list(&all);
        self.f.blocks[site.block].term = Some(Terminator::Jump(normal));
        call
    }

    /// Ends the block before the call; what follows goes into a new one with the call's results as parameters.
    fn split(&mut self, site: Site, call: Inst) -> Block {
        let rest = self.f.blocks[site.block].insts.split_off(site.at + 1);
        self.f.blocks[site.block].insts.truncate(site.at);
        let term = self.f.blocks[site.block].term.take();
        let params = std::mem::take(&mut self.f.insts[call].results);
        let after = self.f.blocks.push(BlockData { params, insts: rest, term });
        for (n, &v) in self.f.blocks[after].params.as_slice(&self.f.pool).iter().enumerate() {
            self.f.values[v].def = ValueDef::Param(after, n as u32);
        }
        after
    }

    /// Appends the callee's entry to `block`, and makes its other blocks. `after`: where returns go; without it they return.
    fn copy(
        &mut self,
        block: Block,
        args: &[Value],
        callee: &Function,
        after: Option<Block>,
        placed: &mut Vec<Block>,
    ) {
        let mut copy = Copy {
            callee,
            values: SecondaryMap::with_capacity(callee.values.len()),
            blocks: SecondaryMap::with_capacity(callee.blocks.len()),
        };
        // Names first: the layout need not have definitions before uses.
        for &b in &callee.layout {
            if b == callee.entry {
                copy.blocks[b] = Some(block).into();
                for (&p, &a) in callee.block_params(b).iter().zip(args) {
                    copy.values[p] = Some(a).into();
                }
            } else {
                let new = self.f.blocks.push(BlockData {
                    params: EntityList::new(),
                    insts: Vec::new(),
                    term: None,
                });
                placed.push(new);
                copy.blocks[b] = Some(new).into();
                for &p in callee.block_params(b) {
                    let v = self.f.add_param(new, callee.ty(p));
                    self.hint(v, callee, p);
                    copy.values[p] = Some(v).into();
                }
            }
            let to = copy.blocks[b].expand().expect("set above");
            for &i in &callee.blocks[b].insts {
                let InstData { op, imm, .. } = callee.insts[i];
                let types: smallvec::SmallVec<[_; 2]> =
                    callee.results(i).iter().map(|&r| callee.ty(r)).collect();
                let new = self.f.append(to, op, imm, &[], &types);
                let origin = callee.origin(i);
                let copies = matches!(imm, Imm::MemCopy { dst, src } if dst != src);
                if op == Op::Call || copies || origin.offset.is_some() {
                    self.f.origins.push((new, origin));
                }
                for (n, &r) in callee.results(i).iter().enumerate() {
                    let v = self.f.results(new)[n];
                    self.hint(v, callee, r);
                    copy.values[r] = Some(v).into();
                }
            }
        }
        for &b in &callee.layout {
            let to = copy.blocks[b].expand().expect("set above");
            // The entry's instructions follow what is before the call.
            let first = self.f.blocks[to].insts.len() - callee.blocks[b].insts.len();
            for (n, &i) in callee.blocks[b].insts.iter().enumerate() {
                let new = self.f.blocks[to].insts[first + n];
                self.f.insts[new].args = copy.list(&callee.insts[i].args, self.f);
            }
            let term = copy.term(callee.term(b).clone(), self.f);
            self.f.blocks[to].term = Some(match (term, after) {
                (Terminator::Return(args), Some(block)) => Terminator::Jump(Edge { block, args }),
                (Terminator::TailCall { callee: tail, args }, Some(block)) => {
                    let (op, imm) = match tail {
                        TailCallee::Direct(func) => (Op::Call, Imm::Func(func)),
                        TailCallee::Indirect(ty, table) => {
                            (Op::CallIndirect, Imm::CallIndirect { ty, table })
                        }
                        TailCallee::Ref(ty) => (Op::CallRef, Imm::Type(ty)),
                    };
                    let args = args.as_slice(&self.f.pool).to_vec();
                    let call = self.f.append(to, op, imm, &args, &callee.results);
                    let results = self.f.results(call).to_vec();
                    Terminator::Jump(self.f.edge(block, &results))
                }
                (term, _) => term,
            });
        }
    }

    fn hint(&mut self, v: Value, callee: &Function, of: Value) {
        self.f.values[v].hint = callee.values[of].hint.and_then(|h| h.checked_add(self.hints));
    }

    /// Writes the new blocks into the layout and drops what cannot be reached any more.
    pub fn finish(self) {
        let Splicer { f, inserted, .. } = self;
        if inserted.is_empty() {
            return;
        }
        let mut after: SecondaryMap<Block, Vec<Block>> = SecondaryMap::new();
        for (block, new) in inserted.into_iter().rev() {
            after[block].extend(new);
        }
        let old = std::mem::take(&mut f.layout);
        for b in old {
            f.layout.push(b);
            f.layout.append(&mut after[b]);
        }
        cleanup::remove_unreachable(f);
    }
}
