//! Translation validation of inlining: the graph after does what the graph before does when each of its calls that is gone runs its callee's
//! graph.
//!
//! Both are walked side by side from their entries: instruction by instruction and block by block, in the graph before into the callee where a
//! call is not found in the graph after, and back where the callee returns. Each value before stands for one after; what instructions, edges and
//! ends take has to be what stands for what they took. Every pair of places is visited once, so each block before stands for one block after. Nothing is shared
//! with the splicer, neither the plan nor the names that it gives. That values after are defined where they are used, [`crate::ir::verify`] says.
//!
//! Calls inside `try_table` that are gone, and indirect tail calls of a callee that comes back, are not followed. Linear in the graph after and the callees' graphs, once for each call.

use crate::ir::entity::{Block, FuncId, Inst, Value};
use crate::ir::function::{Edge, Function, TailCallee, Terminator};
use crate::ir::ops::{Imm, Op};
use hashbrown::HashMap;
use smallvec::SmallVec;

/// Whether `after` is `before` with some of its direct calls replaced by the graphs that `callee` has of their callees.
///
/// # Errors
/// With what differs, or what could not be followed.
pub fn check<'a>(
    before: &'a Function,
    after: &Function,
    callee: &dyn Fn(FuncId) -> Option<&'a Function>,
) -> Result<(), String> {
    if before.params != after.params || before.results != after.results {
        return Err("another signature".into());
    }
    let mut walk = Walk {
        g: after,
        callee,
        copies: vec![Copy { f: before, back: Back::Out }],
        stands: HashMap::new(),
        met: HashMap::new(),
        work: Vec::new(),
    };
    walk.meet(At { copy: 0, block: before.entry, inst: 0 }, before.block_params(before.entry), after.entry)?;
    while let Some((at, block)) = walk.work.pop() {
        walk.block(at, block).map_err(|e| format!("{block}: {e}"))?;
    }
    Ok(())
}

/// Where a copy of a graph goes on when it returns.
#[derive(Clone, Copy)]
enum Back {
    /// It returns from the function: the graph before itself, or what it calls at its end.
    Out,
    /// After this call of the graph before.
    After { block: Block, inst: usize, call: Inst },
}

/// The graph before, or a callee in place of a call.
struct Copy<'a> {
    f: &'a Function,
    back: Back,
}

/// A place before: a copy, a block, how many of its instructions have run.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct At {
    copy: usize,
    block: Block,
    inst: usize,
}

struct Walk<'a, 'b> {
    g: &'b Function,
    callee: &'b dyn Fn(FuncId) -> Option<&'a Function>,
    copies: Vec<Copy<'a>>,
    /// What a value of a copy is after.
    stands: HashMap<(usize, Value), Value>,
    /// The block after whose start a place before is at.
    met: HashMap<At, Block>,
    work: Vec<(At, Block)>,
}

impl<'a> Walk<'a, '_> {
    fn set(&mut self, copy: usize, values: &[Value], after: &[Value]) -> Result<(), String> {
        let f = self.copies[copy].f;
        if values.len() != after.len() || values.iter().zip(after).any(|(&v, &w)| f.ty(v) != self.g.ty(w)) {
            return Err("values of another number or type".into());
        }
        for (&v, &w) in values.iter().zip(after) {
            if self.stands.insert((copy, v), w).is_some_and(|old| old != w) {
                return Err(format!("{v} stands for two values"));
            }
        }
        Ok(())
    }

    fn same(&self, copy: usize, values: &[Value], after: &[Value]) -> bool {
        let is = |(v, w): (&Value, &Value)| self.stands.get(&(copy, *v)) == Some(w);
        values.len() == after.len() && values.iter().zip(after).all(is)
    }

    /// A place before is the start of a block after, whose parameters these values are.
    fn meet(&mut self, at: At, values: &[Value], block: Block) -> Result<(), String> {
        match self.met.insert(at, block) {
            Some(known) if known == block => Ok(()),
            Some(known) => Err(format!("{} stands in {known} and in {block}", at.block)),
            None => {
                let g = self.g;
                self.set(at.copy, values, g.block_params(block))?;
                self.work.push((at, block));
                Ok(())
            }
        }
    }

    /// Goes into the callee of a call, whose graph stands here.
    fn enter(&mut self, callee: &'a Function, copy: usize, args: &[Value], back: Back) -> Result<At, String> {
        let args: Option<SmallVec<[Value; 4]>> =
            args.iter().map(|&a| self.stands.get(&(copy, a)).copied()).collect();
        self.copies.push(Copy { f: callee, back });
        let at = At { copy: self.copies.len() - 1, block: callee.entry, inst: 0 };
        self.set(
            at.copy,
            callee.block_params(callee.entry),
            &args.ok_or("an argument of a call is missing")?,
        )?;
        Ok(at)
    }

    fn block(&mut self, start: At, block: Block) -> Result<(), String> {
        let g = self.g;
        let mut at = start;
        let mut insts = g.blocks[block].insts.iter().copied().peekable();
        loop {
            let Copy { f, back } = self.copies[at.copy];
            if let Some(&i) = f.blocks[at.block].insts.get(at.inst) {
                let data = &f.insts[i];
                let next = insts.peek().copied().filter(|&n| {
                    let found = &g.insts[n];
                    found.op == data.op
                        && found.imm.is_alike(&data.imm)
                        && self.same(at.copy, f.args(i), g.args(n))
                });
                let inside = match (data.op, data.imm) {
                    // Callees are whole: calls in them stay.
                    (Op::Call, Imm::Func(func)) if at.copy == 0 => (self.callee)(func),
                    _ => None,
                };
                match (next, inside) {
                    (Some(n), _) => {
                        insts.next();
                        self.set(at.copy, f.results(i), g.results(n))?;
                        at.inst += 1;
                    }
                    (None, Some(callee)) => {
                        let back = Back::After { block: at.block, inst: at.inst + 1, call: i };
                        at = self.enter(callee, at.copy, f.args(i), back)?;
                    }
                    (None, None) => return Err(format!("{i} of {} does not come next", f.id)),
                }
                continue;
            }
            let (s, t) = (f.term(at.block), g.term(block));
            let ended = insts.peek().is_none();
            match (s, back) {
                (Terminator::Return(values), Back::After { .. }) if ended => {
                    return self.returned(at, values.as_slice(&f.pool), t);
                }
                (Terminator::TailCall { callee: TailCallee::Direct(func), args }, Back::After { .. }) => {
                    let n = insts.next().ok_or("a call is missing")?;
                    let same = (g.insts[n].op, g.insts[n].imm) == (Op::Call, Imm::Func(*func))
                        && self.same(at.copy, args.as_slice(&f.pool), g.args(n));
                    let Terminator::Jump(edge) = t else { return Err("does not come back".into()) };
                    if !same || insts.peek().is_some() || g.edge_args(edge) != g.results(n) {
                        return Err("another call".into());
                    }
                    return self.come_back(at.copy, edge);
                }
                (Terminator::TailCall { .. }, Back::After { .. }) => {
                    return Err("an indirect tail call inside of a call".into());
                }
                (Terminator::TailCall { callee: TailCallee::Direct(func), args }, Back::Out)
                    if at.copy == 0 && !self.ends_alike(at.copy, s, t, f) =>
                {
                    let callee = (self.callee)(*func).ok_or("ends in another way")?;
                    at = self.enter(callee, at.copy, args.as_slice(&f.pool), Back::Out)?;
                    continue;
                }
                _ => {}
            }
            if !ended || !self.ends_alike(at.copy, s, t, f) {
                return Err(format!("{} of {} ends in another way", at.block, f.id));
            }
            for (e, n) in s.edges().zip(t.edges()) {
                let (params, produced) = (f.block_params(e.block), f.produced(e));
                if produced != g.produced(n) || !self.same(at.copy, f.edge_args(e), g.edge_args(n)) {
                    return Err("an edge brings other values".into());
                }
                self.meet(At { copy: at.copy, block: e.block, inst: 0 }, params, n.block)?;
            }
            return Ok(());
        }
    }

    fn ends_alike(&self, copy: usize, s: &Terminator, t: &Terminator, f: &Function) -> bool {
        s.is_alike(t)
            && self.same(copy, s.operands(&f.pool), t.operands(&self.g.pool))
            && s.edges().count() == t.edges().count()
    }

    /// A callee returns: the values go to the block that stands for what comes after the call.
    fn returned(&mut self, at: At, values: &[Value], t: &Terminator) -> Result<(), String> {
        match t {
            Terminator::Jump(edge) if self.same(at.copy, values, self.g.edge_args(edge)) => {
                self.come_back(at.copy, edge)
            }
            _ => Err("does not come back with what is returned".into()),
        }
    }

    fn come_back(&mut self, copy: usize, edge: &Edge) -> Result<(), String> {
        let Back::After { block, inst, call } = self.copies[copy].back else {
            return Err("nowhere to go".into());
        };
        let f = self.copies[0].f;
        self.meet(At { copy: 0, block, inst }, f.results(call), edge.block)
    }
}
