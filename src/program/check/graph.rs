//! Whether a graph after the stage `program` is the one before but for what claims that hold license.
//!
//! The passes change a graph in place: blocks, instructions and values that stay keep their names. The graphs are walked side by side, block by
//! block. Each instruction after is the one before with the same operands, where operands are the same when they are one value or one constant by
//! [`super::values`]; or it is a constant in place of a read of a global that always holds it; or a constant that is new. What is missing after is
//! pure and its results are gone, or it is a read of such a global, or a write of one that nobody reads. Parameters, arguments and results
//! are those before without the ones that the claims drop. That values are defined where they are used, [`crate::ir::verify`] says.
//!
//! Linear in the graph, but for the lengths of chains of equal values.

use super::Claims;
use super::values::{Is, Values};
use crate::interp::Const;
use crate::ir::entity::{Block, FuncId, Inst, Value};
use crate::ir::function::{Edge, Function, TailCallee, Terminator};
use crate::ir::ops::{Imm, Kind, Op};
use cranelift_entity::SecondaryMap;

/// Compares the graphs of a function before and after.
///
/// # Errors
/// With what differs, or is not known to be the same.
pub fn check(before: &Function, after: &Function, claims: &Claims) -> Result<(), String> {
    let mut compared = Compared {
        f: before,
        g: after,
        claims,
        values: Values::of(before, claims),
        left: SecondaryMap::with_capacity(after.values.len()),
    };
    for &b in &after.layout {
        let results = after.blocks[b].insts.iter().flat_map(|&i| after.results(i));
        for &v in after.block_params(b).iter().chain(results) {
            compared.left[v] = true;
        }
    }
    compared.function()?;
    before.layout.iter().try_for_each(|&b| compared.block(b).map_err(|e| format!("{b}: {e}")))
}

struct Compared<'a> {
    f: &'a Function,
    g: &'a Function,
    claims: &'a Claims,
    values: Values<'a>,
    /// Values that are defined after.
    left: SecondaryMap<Value, bool>,
}

/// A list without the places that are dropped.
fn without<T: Copy>(list: &[T], dropped: u64) -> Vec<T> {
    let stays = |n: usize| n >= u64::BITS as usize || dropped >> n & 1 == 0;
    list.iter().enumerate().filter(|&(n, _)| stays(n)).map(|(_, &t)| t).collect()
}

impl Compared<'_> {
    fn dropped(&self, func: FuncId) -> (u64, u64) {
        (self.claims.dropped_params(func), self.claims.dropped_results(func))
    }

    fn function(&self) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let (params, results) = self.dropped(f.id);
        let same = f.id == g.id
            && f.entry == g.entry
            && f.layout == g.layout
            && g.params == without(&f.params, params)
            && g.results == without(&f.results, results)
            && g.block_params(g.entry) == without(f.block_params(f.entry), params);
        if same { Ok(()) } else { Err("another signature or other blocks".into()) }
    }

    /// What a value after is; `None` when it is not defined.
    fn after(&self, v: Value) -> Option<Is> {
        if !self.left[v] {
            return None;
        }
        if self.f.values.is_valid(v) {
            return (self.f.ty(v) == self.g.ty(v)).then(|| self.values.is(v));
        }
        let data = &self.g.insts[self.g.def_inst(v)?];
        Const::from_imm(&data.imm)
            .filter(|c| c.to_op().0 == data.op && c.ty() == self.g.ty(v))
            .map(Is::Constant)
    }

    fn same(&self, old: &[Value], new: &[Value]) -> bool {
        let is = |(&v, &w): (&Value, &Value)| {
            self.f.ty(v) == self.g.ty(w) && self.after(w) == Some(self.values.is(v))
        };
        old.len() == new.len() && old.iter().zip(new).all(is)
    }

    fn block(&self, b: Block) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        if b != f.entry {
            let left = f.block_params(b).iter().filter(|&&p| self.left[p]);
            if !left.eq(g.block_params(b)) {
                return Err("other parameters".into());
            }
        }
        let mut new = g.blocks[b].insts.iter().copied().filter(|&i| !self.is_new(i)).peekable();
        for &i in &f.blocks[b].insts {
            if new.peek() == Some(&i) {
                new.next();
                self.instruction(i)?;
            } else if !self.may_go(i) {
                return Err(format!("{i} is missing"));
            }
        }
        if let Some(i) = new.next() {
            return Err(format!("{i} was not there"));
        }
        let (Some(s), Some(t)) = (&f.blocks[b].term, &g.blocks[b].term) else {
            return Err("has no end".into());
        };
        self.end(s, t)?;
        if s.edges().count() != t.edges().count() {
            return Err("another number of edges".into());
        }
        s.edges().zip(t.edges()).try_for_each(|(e, n)| self.edge(e, n))
    }

    /// Whether an instruction after is a constant that was not there.
    fn is_new(&self, i: Inst) -> bool {
        let (f, g) = (self.f, self.g);
        let is_constant = Const::from_imm(&g.insts[i].imm).is_some_and(|c| c.to_op().0 == g.insts[i].op);
        !f.insts.is_valid(i) && is_constant && g.results(i).iter().all(|&v| !f.values.is_valid(v))
    }

    /// Whether an instruction before has no effect that anyone sees, and its results are gone.
    fn may_go(&self, i: Inst) -> bool {
        let data = &self.f.insts[i];
        let licensed = match (data.op.kind(), data.imm) {
            (Kind::GlobalGet, Imm::Global(g)) => self.claims.globals[g].is_some(),
            (Kind::GlobalSet, Imm::Global(g)) => self.claims.unread.contains(g),
            _ => data.op.is_pure(),
        };
        licensed && self.f.results(i).iter().all(|&v| !self.left[v])
    }

    fn instruction(&self, i: Inst) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let (p, q) = (&f.insts[i], &g.insts[i]);
        let (mut args, mut results) = (f.args(i).to_vec(), f.results(i).to_vec());
        if let (Op::Call, Imm::Func(callee)) = (p.op, p.imm) {
            let dropped = self.dropped(callee);
            (args, results) = (without(&args, dropped.0), without(&results, dropped.1));
        }
        let operator = match (p.op.kind(), p.imm) {
            (Kind::GlobalGet, Imm::Global(global)) if q.op != p.op => {
                self.claims.globals[global].is_some_and(|c| c.to_op() == (q.op, q.imm))
            }
            _ => p.op == q.op && p.imm.is_alike(&q.imm),
        };
        let types = results.iter().all(|&v| f.ty(v) == g.ty(v));
        if operator && types && results == g.results(i) && self.same(&args, g.args(i)) {
            return Ok(());
        }
        Err(format!("{i} is another instruction"))
    }

    fn end(&self, s: &Terminator, t: &Terminator) -> Result<(), String> {
        let own = self.dropped(self.f.id).1;
        let mut operands = s.operands(&self.f.pool).to_vec();
        let mut fits = s.is_alike(t);
        match s {
            Terminator::Return(_) => operands = without(&operands, own),
            Terminator::TailCall { callee: TailCallee::Direct(callee), .. } => {
                let (params, results) = self.dropped(*callee);
                operands = without(&operands, params);
                fits &= results == own;
            }
            Terminator::TailCall { .. } => fits &= own == 0,
            Terminator::Invoke { op: Op::Call, imm: Imm::Func(callee), .. } => {
                let (params, results) = self.dropped(*callee);
                operands = without(&operands, params);
                fits &= results == 0;
            }
            _ => {}
        }
        match fits && self.same(&operands, t.operands(&self.g.pool)) {
            true => Ok(()),
            false => Err("ends in another way".into()),
        }
    }

    fn edge(&self, old: &Edge, new: &Edge) -> Result<(), String> {
        let (f, g) = (self.f, self.g);
        let (made, given) = f.block_params(old.block).split_at(f.produced(old));
        let kept = given.iter().zip(f.edge_args(old)).filter(|(p, _)| self.left[**p]);
        let expected: Vec<Value> = kept.map(|(_, &a)| a).collect();
        let same = old.block == new.block
            && made.iter().all(|&p| self.left[p])
            && self.same(&expected, g.edge_args(new));
        if same { Ok(()) } else { Err(format!("an edge to {} brings other values", old.block)) }
    }
}
