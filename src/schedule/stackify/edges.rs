//! Edges and terminators: moves into block parameters, values passed on the stack, branches.

use super::{Demand, Form, Stackify};
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Terminator, ValueDef};
use crate::schedule::LowerError;
use crate::schedule::code::{Move, StackOp};
use crate::schedule::prepare::edge;
use hashbrown::{HashMap, HashSet};

/// How many instructions are searched for reads of a parameter.
const SCAN: usize = 256;

/// Lists up to this length are searched one by one.
const FEW: usize = 8;

impl Stackify<'_> {
    /// The moves of an edge that go through locals.
    pub(super) fn local_moves(&self, block: Block, n: u32) -> Vec<(Value, Value)> {
        let e = edge(&self.p.f, block, n);
        let stack = &self.on_stack[e.block];
        if stack.len() > FEW {
            let stack: HashSet<Value> = stack.iter().copied().collect();
            return self.p.moves(e).filter(|(p, _)| !stack.contains(p)).collect();
        }
        self.p.moves(e).filter(|(p, _)| !stack.contains(p)).collect()
    }

    /// The values of an edge that are passed on the stack, the deepest first (without those it produces).
    pub(super) fn stack_args(&self, block: Block, n: u32) -> Vec<Value> {
        let e = edge(&self.p.f, block, n);
        let params = self.p.f.block_params(e.block);
        let args = self.p.f.edge_args(e);
        let produced = params.len() - args.len();
        self.on_stack[e.block]
            .iter()
            .filter_map(|&v| match self.p.f.values[v].def {
                ValueDef::Param(b, n) if b == e.block => (n as usize).checked_sub(produced),
                _ => None,
            })
            .map(|i| args[i])
            .collect()
    }

    /// Passes the values of an edge that is the only way on from here.
    pub(super) fn pass(&mut self, block: Block, n: u32) {
        self.current = block;
        for value in self.stack_args(block, n) {
            self.demand(Demand { value, negate: false, edge: true, set: None });
        }
        let moves = self.local_moves(block, n);
        // Values that the edge produces lie above whatever was pushed before.
        let direct = self.p.f.produced(edge(&self.p.f, block, n)) == 0;
        self.emit_moves(block, moves, direct, None);
    }

    pub(super) fn branch_if(&mut self, block: Block, n: u32) -> Result<(), LowerError> {
        let frame = self.label(block, n)?;
        self.current = block;
        let args = self.stack_args(block, n);
        // What falls through finds the values on the stack too: it uses them or drops them.
        let same_type = |d: &Demand, v: Value, p: Value| {
            d.value == v && !d.negate && d.set.is_none() && self.p.f.ty(v) == self.p.f.ty(p)
        };
        let to = edge(&self.p.f, block, n).block;
        let kept = match (args.as_slice(), self.demands.last()) {
            (&[v], Some(d)) if self.demands.len() > self.base() => {
                same_type(d, v, self.on_stack[to][0])
                    && !self.repeats(d)
                    && self.cx.chaos.flip("keep for what falls through", block, true)
            }
            _ => false,
        };
        if kept {
            if let Some(d) = self.demands.pop() {
                self.pending[d.value] -= 1;
                self.remaining[d.value] -= 1;
            }
        } else {
            self.out.extend(args.iter().map(|_| StackOp::Drop));
        }
        let branch = self.out.len() as u32;
        self.out.push(StackOp::BrIf { frame, block, edge: n });
        for value in args {
            self.demand(Demand { value, negate: false, edge: true, set: None });
        }
        let mut moves = self.local_moves(block, n);
        let inline = if n == 0 { self.move_of_condition(block, &mut moves) } else { None };
        let tee = inline.map(|p| {
            self.out.push(StackOp::Tee(p));
            self.out.len() as u32 - 1
        });
        self.condition(block, n == 1, tee);
        self.emit_moves_with(block, moves, true, Some(branch), inline);
        Ok(())
    }

    pub(super) fn terminator(&mut self, block: Block) -> Result<(), LowerError> {
        self.current = block;
        let term = self.p.f.term(block);
        let operands: Vec<Value> = term.operands(&self.p.f.pool).to_vec();
        let mut labels = Vec::new();
        let mut handlers = false;
        match term {
            Terminator::Jump(_) | Terminator::Branch { .. } => {
                return Err(LowerError::Unsupported("branch as a last item"));
            }
            Terminator::Return(_)
                if self.follow.is_none() && (!self.explicit_return || self.frames.is_empty()) =>
            {
                self.out.push(StackOp::FallReturn(block));
            }
            Terminator::Return(_) | Terminator::Unreachable | Terminator::TailCall { .. } => {
                self.out.push(StackOp::Term(block));
            }
            Terminator::Table { targets, default, .. } => {
                let mut known: HashMap<Block, u32> = HashMap::new();
                for e in targets.iter().chain([default]) {
                    let id = match known.get(&e.block) {
                        Some(&id) => id,
                        None => self.find_label(e.block)?,
                    };
                    known.insert(e.block, id);
                    labels.push(id);
                }
                self.out.push(StackOp::Term(block));
            }
            Terminator::BrOn { taken, .. } => {
                labels.push(self.find_label(taken.block)?);
                self.out.push(StackOp::Term(block));
            }
            Terminator::Invoke { handlers: list, .. }
            | Terminator::Throw { handlers: list, .. }
            | Terminator::ThrowRef { handlers: list, .. } => {
                for h in list {
                    labels.push(self.find_label(h.edge.block)?);
                }
                handlers = !list.is_empty();
                if handlers {
                    if !matches!(term, Terminator::Invoke { .. }) {
                        // The end of `try_table` counts as reachable, whatever is inside.
                        self.out.push(StackOp::Dead);
                    }
                    self.out.push(StackOp::EndTry(block));
                }
                self.out.push(StackOp::Term(block));
            }
        }
        // The last operation made is the terminator.
        let branch = self.out.len() as u32 - 1;
        if !labels.is_empty() {
            self.labels.insert(block, labels);
        }
        let base = self.demands.len();
        for value in operands {
            self.demand(Demand { value, negate: false, edge: false, set: None });
        }
        if handlers {
            // Nothing but the call may be inside: its operands come from locals.
            while self.demands.len() > base {
                self.satisfy_top();
            }
            self.out.push(StackOp::Try(block));
        }
        let moves = self.p.all_moves(block);
        self.emit_moves(block, moves, true, Some(branch));
        Ok(())
    }

    /// Takes the move of the branch's condition into a parameter out of the list, if these two are all that needs the value:
    /// it is written to the parameter on its way to the branch, so that it can wait on the stack until then.
    fn move_of_condition(&mut self, block: Block, moves: &mut Vec<(Value, Value)>) -> Option<Value> {
        let Terminator::Branch { cond, .. } = *self.p.f.term(block) else { return None };
        let ValueDef::Result(i, _) = self.p.f.values[cond].def else { return None };
        let at = moves.iter().position(|&(_, a)| a == cond)?;
        let fits = self.remaining[cond] == 2
            && !self.needs_local[cond]
            && !self.done[i]
            && self.p.position[i].0 == block
            && self.p.f.result(i).is_some()
            && !self.p.f.insts[i].op.is_const();
        if !fits || !self.cx.chaos.flip("write the condition on its way", block, true) {
            return None;
        }
        let (p, _) = moves.remove(at);
        let p = self.p.written[p].expand().unwrap_or(p);
        self.needs_local[p] = true;
        self.remaining[cond] -= 1;
        Some(p)
    }

    /// Makes the moves of an edge of `block`, as if at once. Those of values that can be computed right into their
    /// parameter stay demanded, in the order of their definitions; all others are made before their `set`s, above them
    /// on the stack, so that every old value is read before it is written.
    pub(super) fn emit_moves(
        &mut self,
        block: Block,
        moves: Vec<(Value, Value)>,
        allow_direct: bool,
        branch: Option<u32>,
    ) {
        self.emit_moves_with(block, moves, allow_direct, branch, None);
    }

    /// [`Stackify::emit_moves`] where a parameter is written behind them already.
    fn emit_moves_with(
        &mut self,
        block: Block,
        moves: Vec<(Value, Value)>,
        allow_direct: bool,
        branch: Option<u32>,
        written: Option<Value>,
    ) {
        if moves.is_empty() {
            return;
        }
        let mut direct = Vec::new();
        let mut copies = Vec::new();
        // Parameters written where the code stands: a copy that reads their old values cannot wait for the edge.
        let mut inline: HashSet<Value> = written.into_iter().collect();
        for (p, a) in moves {
            let p = self.p.written[p].expand().unwrap_or(p);
            self.needs_local[p] = true;
            let probe = Demand { value: a, negate: false, edge: true, set: None };
            if self.repeats(&probe) {
                inline.insert(p);
                self.out.push(StackOp::Set(p));
                self.demand(probe);
                self.satisfy_top();
                continue;
            }
            match self.p.f.values[a].def {
                ValueDef::Result(i, _)
                    if allow_direct
                        && self.remaining[a] == 1
                        && !self.done[i]
                        && !self.needs_local[a]
                        && self.p.position[i].0 == block
                        && self.p.f.result(i).is_some()
                        && self.cx.chaos.flip(
                            "compute where it is moved",
                            (a, p),
                            !self.free_to_share(i, a, p),
                        ) =>
                {
                    direct.push((self.p.position[i].1, p, a));
                }
                _ => copies.push((p, a)),
            }
        }
        direct.sort_unstable();
        for &(_, p, value) in &direct {
            inline.insert(p);
            let set = Some(self.out.len() as u32);
            self.out.push(StackOp::Set(p));
            self.demand(Demand { value, negate: false, edge: true, set });
        }
        self.emit_copies(copies, branch, inline);
    }

    /// Whether a value can be written to its parameter's local where it is computed: they had one local in the input, and
    /// nothing in this block reads the parameter afterwards.
    fn free_to_share(&self, inst: Inst, a: Value, p: Value) -> bool {
        let values = &self.p.f.values;
        let (block, at) = self.p.position[inst];
        let after = &self.p.f.blocks[block].insts[at as usize + 1..];
        values[a].hint.is_some()
            && values[a].hint == values[p].hint
            && after.len() <= SCAN
            && !after.iter().any(|&i| self.p.f.args(i).contains(&p))
            && !self.p.f.term(block).operands(&self.p.f.pool).contains(&p)
    }

    /// Copies between locals: those whose target nobody reads any more last, cycles through the stack.
    ///
    /// A copy that vanishes on its edge (`branch`) happens after everything before the branch. One whose source is in
    /// `inline` has to happen before that is written, so it is made where the code stands, and so is in turn each copy that
    /// reads what it writes.
    fn emit_copies(&mut self, copies: Vec<(Value, Value)>, branch: Option<u32>, mut inline: HashSet<Value>) {
        let mut reads: HashMap<Value, Vec<Value>> = HashMap::new();
        for &(p, a) in copies.iter().filter(|_| branch.is_some()) {
            reads.entry(a).or_default().push(p);
        }
        let mut work: Vec<Value> = inline.iter().copied().collect();
        while let Some(v) = work.pop() {
            work.extend(reads.get(&v).into_iter().flatten().filter(|&&p| inline.insert(p)));
        }
        let on_edge = |a: Value| branch.filter(|_| !inline.contains(&a));
        let mut readers: HashMap<Value, u32> = HashMap::new();
        for &(_, a) in &copies {
            *readers.entry(a).or_default() += 1;
        }
        let into: HashMap<Value, usize> = copies.iter().enumerate().map(|(i, &(p, _))| (p, i)).collect();
        // Forward order: first those whose target no other copy reads.
        let free = |readers: &HashMap<Value, u32>, p: Value| readers.get(&p).copied().unwrap_or(0) == 0;
        let mut ready: Vec<usize> =
            (0..copies.len()).rev().filter(|&i| free(&readers, copies[i].0)).collect();
        self.cx.chaos.shuffle("order of copies", &copies, &mut ready);
        if self.cx.chaos.flip("copies through the stack", &copies, false) {
            ready.clear();
        }
        let mut order = Vec::new();
        let mut placed = HashSet::new();
        while let Some(i) = ready.pop() {
            order.push(i);
            placed.insert(i);
            let a = copies[i].1;
            if let Some(n) = readers.get_mut(&a) {
                *n -= 1;
                if *n == 0
                    && let Some(&j) = into.get(&a)
                    && !placed.contains(&j)
                {
                    ready.push(j);
                }
            }
        }
        let cyclic: Vec<usize> = (0..copies.len()).filter(|i| !placed.contains(i)).collect();
        // Backwards: the cycles' sets and gets come last in the code.
        let sets: Vec<u32> = cyclic
            .iter()
            .map(|&i| {
                self.out.push(StackOp::Set(copies[i].0));
                self.out.len() as u32 - 1
            })
            .collect();
        for (&i, &set) in cyclic.iter().zip(&sets).rev() {
            self.copy_from(copies[i].1, copies[i].0, set, on_edge(copies[i].1));
        }
        for &i in order.iter().rev() {
            let set = self.out.len() as u32;
            self.out.push(StackOp::Set(copies[i].0));
            self.copy_from(copies[i].1, copies[i].0, set, on_edge(copies[i].1));
        }
    }

    fn copy_from(&mut self, from: Value, to: Value, set: u32, branch: Option<u32>) {
        self.moves.push(Move { get: self.out.len() as u32, set, from, to, branch });
        self.out.push(StackOp::Get(from));
        self.needs_local[from] = true;
        self.remaining[from] -= 1;
    }

    /// Whether an edge of a block passes a value that is made for it alone, not read from a local.
    fn is_fresh(&self, block: Block, a: Value) -> bool {
        self.p.repeat[a].at_edges
            || matches!(self.p.f.values[a].def, ValueDef::Result(i, _)
                if self.p.uses[a] == 1
                    && !self.p.f.insts[i].op.is_const()
                    && self.p.position[i].0 == block
                    && self.p.f.result(i).is_some())
    }

    /// Whether an edge may pass a value on the stack as far as time counts. Not where it leaves a loop by a conditional
    /// branch and the value is read from a local: that would be done each time the branch is not taken too, and a read
    /// behind the loop is done once.
    pub(super) fn may_wait(&self, block: Block, n: u32, a: Value) -> bool {
        let leaves = || {
            let to = edge(&self.p.f, block, n).block;
            self.s.depth[block] > self.s.depth[to]
        };
        let form = match self.p.f.term(block) {
            Terminator::Branch { .. } => self.layout.forms[block][n as usize],
            _ => Form::Plain,
        };
        !self.cx.costs.for_time()
            || !matches!(form, Form::BrIf | Form::Skip)
            || self.is_fresh(block, a)
            || !leaves()
    }

    /// Bytes that an edge costs with a parameter in a local, and on the stack.
    pub(super) fn edge_costs(&self, block: Block, n: u32, p: Value, a: Value) -> (i32, i32) {
        let form = match self.p.f.term(block) {
            Terminator::Branch { .. } => self.layout.forms[block][n as usize],
            _ => Form::Plain,
        };
        let extra = match form {
            Form::BrIf | Form::Skip => 1,
            Form::Plain | Form::Else => 0,
        };
        let values = &self.p.f.values;
        let fresh = self.is_fresh(block, a);
        let same_local = values[a].hint.is_some() && values[a].hint == values[p].hint;
        if fresh {
            (2, extra)
        } else if same_local {
            (0, 2 + extra)
        } else {
            (3, 2 + extra)
        }
    }
}
