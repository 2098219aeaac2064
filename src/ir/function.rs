//! The SSA graph of one function: values, instructions, blocks with parameters, terminators.

use super::entity::*;
use super::ops::{Imm, Op};
use super::types::Type;
use cranelift_entity::{EntityList, ListPool, PrimaryMap};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueDef {
    /// The n-th parameter of a block.
    Param(Block, u32),
    /// The n-th result of an instruction.
    Result(Inst, u32),
}

/// A value: defined once, typed.
#[derive(Clone, Copy, Debug)]
pub struct ValueData {
    /// Its type.
    pub ty: Type,
    /// Its definition.
    pub def: ValueDef,
    /// The Wasm local it was first assigned to in the input, if any: a hint for colouring, without meaning.
    pub hint: Option<u32>,
}

/// An instruction: one Wasm operator with its operands.
#[derive(Clone, Debug)]
pub struct InstData {
    /// Operator.
    pub op: Op,
    /// Immediate, of the shape the op table names.
    pub imm: Imm,
    /// Operands, the deepest on the stack first.
    pub args: EntityList<Value>,
    /// Results, the deepest first.
    pub results: EntityList<Value>,
}

/// A branch target with the values for its parameters.
///
/// Some edges *produce* values themselves (a caught exception's payload, the results of a call that may unwind, a
/// reference that was found to be non-null): these are the first parameters of the target, and `args` are the others.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Target.
    pub block: Block,
    /// Values for the target's parameters after the produced ones.
    pub args: EntityList<Value>,
}

/// What a handler catches (specification, section 2.4.8, `try_table`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CatchKind {
    /// `catch $tag`: produces the tag's parameters.
    One(TagId),
    /// `catch_ref $tag`: produces the tag's parameters and the exception.
    OneRef(TagId),
    /// `catch_all`: produces nothing.
    All,
    /// `catch_all_ref`: produces the exception.
    AllRef,
}

/// A handler: tried in order, the first that matches is taken.
#[derive(Clone, Debug)]
pub struct Handler {
    /// What it catches.
    pub kind: CatchKind,
    /// Where it goes.
    pub edge: Edge,
}

/// The reference-testing branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BrOnKind {
    /// `br_on_null`: `taken` produces nothing, `els` the non-null reference.
    Null,
    /// `br_on_non_null`: `taken` produces the non-null reference, `els` nothing.
    NonNull,
    /// `br_on_cast from to`: `taken` produces the reference as `to`, `els` as the difference.
    Cast(super::types::RefType, super::types::RefType),
    /// `br_on_cast_fail from to`: `taken` produces the difference, `els` the reference as `to`.
    CastFail(super::types::RefType, super::types::RefType),
}

/// The callee of a tail call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TailCallee {
    /// `return_call`.
    Direct(FuncId),
    /// `return_call_indirect`; the last operand is the table index.
    Indirect(TypeId, TableId),
    /// `return_call_ref`; the last operand is the function reference.
    Ref(TypeId),
}

/// How a block ends.
#[derive(Clone, Debug)]
pub enum Terminator {
    /// Unconditional branch.
    Jump(Edge),
    /// Two-way branch on an `i32`: `then` when it is not zero.
    Branch {
        /// Condition.
        cond: Value,
        /// Taken when not zero.
        then: Edge,
        /// Taken when zero.
        els: Edge,
    },
    /// `br_table`.
    Table {
        /// Index, `i32`, unsigned.
        index: Value,
        /// Targets by index.
        targets: Vec<Edge>,
        /// Target beyond the table.
        default: Edge,
    },
    /// Return from the function.
    Return(EntityList<Value>),
    /// Trap.
    Unreachable,
    /// Tail call.
    TailCall {
        /// Who is called.
        callee: TailCallee,
        /// Operands as on the stack.
        args: EntityList<Value>,
    },
    /// Branch on a property of a reference.
    BrOn {
        /// Which.
        kind: BrOnKind,
        /// The reference.
        arg: Value,
        /// Taken when the property holds.
        taken: Edge,
        /// Taken otherwise.
        els: Edge,
    },
    /// A call inside `try_table`: results are produced by `normal`, exceptions go to the handlers in order, or out of
    /// the function when none matches.
    Invoke {
        /// `call`, `call_indirect` or `call_ref`.
        op: Op,
        /// Its immediate.
        imm: Imm,
        /// Operands as on the stack.
        args: EntityList<Value>,
        /// Continuation; produces the results.
        normal: Edge,
        /// Handlers, innermost first.
        handlers: Vec<Handler>,
    },
    /// `throw`, possibly inside `try_table`.
    Throw {
        /// Tag.
        tag: TagId,
        /// Payload.
        args: EntityList<Value>,
        /// Handlers, innermost first; empty outside of `try_table`.
        handlers: Vec<Handler>,
    },
    /// `throw_ref`, possibly inside `try_table`.
    ThrowRef {
        /// The exception; traps on null.
        arg: Value,
        /// Handlers, innermost first; empty outside of `try_table`.
        handlers: Vec<Handler>,
    },
}

/// A basic block.
#[derive(Clone, Debug)]
pub struct BlockData {
    /// Parameters.
    pub params: EntityList<Value>,
    /// Instructions in order.
    pub insts: Vec<Inst>,
    /// End; `None` only while the block is under construction.
    pub term: Option<Terminator>,
}

/// One function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its index in the module.
    pub id: FuncId,
    /// Parameter types; the entry block has exactly these parameters.
    pub params: Vec<Type>,
    /// Result types.
    pub results: Vec<Type>,
    /// All values.
    pub values: PrimaryMap<Value, ValueData>,
    /// All instructions; those in no block are dead.
    pub insts: PrimaryMap<Inst, InstData>,
    /// All blocks; those not in `layout` are dead.
    pub blocks: PrimaryMap<Block, BlockData>,
    /// First block executed; no edge leads to it.
    pub entry: Block,
    /// Live blocks, entry first, in the order of the input's code: breaks ties when control flow is written back.
    pub layout: Vec<Block>,
    /// Storage of all lists.
    pub pool: ListPool<Value>,
    /// Where instructions stood in the input, by ascending instruction: those that call or access memory, in modules of which that
    /// is reported, and in all modules calls and copies between two memories that came from another function. Without meaning.
    pub origins: Vec<(Inst, Origin)>,
}

/// Where an instruction stood in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// In the body of this function.
    pub func: FuncId,
    /// So many bytes behind the start of the module, where that was kept.
    pub offset: Option<u32>,
}

impl Function {
    /// An empty function: an entry block with the parameters, without a terminator.
    pub fn new(id: FuncId, params: Vec<Type>, results: Vec<Type>) -> Self {
        let mut f = Function {
            id,
            params,
            results,
            values: PrimaryMap::new(),
            insts: PrimaryMap::new(),
            blocks: PrimaryMap::new(),
            entry: Block::from_u32(0),
            layout: Vec::new(),
            pool: ListPool::new(),
            origins: Vec::new(),
        };
        f.entry = f.add_block();
        for i in 0..f.params.len() {
            let v = f.add_param(f.entry, f.params[i]);
            f.values[v].hint = Some(i as u32);
        }
        f
    }

    /// Where a call, or an access to memory, stood in the input.
    pub fn origin(&self, inst: Inst) -> Origin {
        let found = self.origins.binary_search_by_key(&inst, |o| o.0);
        found.map_or(Origin { func: self.id, offset: None }, |at| self.origins[at].1)
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        let insts: usize = self.blocks.values().map(|b| b.insts.capacity()).sum();
        size_of::<Self>()
            + size_of_val(self.values.as_values_slice())
            + size_of_val(self.insts.as_values_slice())
            + size_of_val(self.blocks.as_values_slice())
            + insts * size_of::<Inst>()
            + self.pool.capacity() * size_of::<Value>()
    }

    /// Adds a block without parameters and terminator at the end of the layout.
    pub fn add_block(&mut self) -> Block {
        let b = self.blocks.push(BlockData { params: EntityList::new(), insts: Vec::new(), term: None });
        self.layout.push(b);
        b
    }

    /// Adds a parameter at the end of a block's list.
    pub fn add_param(&mut self, block: Block, ty: Type) -> Value {
        let n = self.blocks[block].params.len(&self.pool) as u32;
        let v = self.values.push(ValueData { ty, def: ValueDef::Param(block, n), hint: None });
        self.blocks[block].params.push(v, &mut self.pool);
        v
    }

    /// Makes an instruction that is in no block yet.
    pub fn make_inst(&mut self, op: Op, imm: Imm, args: &[Value], results: &[Type]) -> Inst {
        let args = EntityList::from_slice(args, &mut self.pool);
        let inst = self.insts.push(InstData { op, imm, args, results: EntityList::new() });
        for (i, &ty) in results.iter().enumerate() {
            let v = self.values.push(ValueData { ty, def: ValueDef::Result(inst, i as u32), hint: None });
            self.insts[inst].results.push(v, &mut self.pool);
        }
        inst
    }

    /// Appends an instruction to a block.
    pub fn append(&mut self, block: Block, op: Op, imm: Imm, args: &[Value], results: &[Type]) -> Inst {
        let inst = self.make_inst(op, imm, args, results);
        self.blocks[block].insts.push(inst);
        inst
    }

    /// An edge with these arguments.
    pub fn edge(&mut self, block: Block, args: &[Value]) -> Edge {
        Edge { block, args: EntityList::from_slice(args, &mut self.pool) }
    }

    /// A list in this function's pool.
    pub fn list(&mut self, values: &[Value]) -> EntityList<Value> {
        EntityList::from_slice(values, &mut self.pool)
    }

    /// Operands of an instruction.
    pub fn args(&self, inst: Inst) -> &[Value] {
        self.insts[inst].args.as_slice(&self.pool)
    }

    /// Results of an instruction.
    pub fn results(&self, inst: Inst) -> &[Value] {
        self.insts[inst].results.as_slice(&self.pool)
    }

    /// The only result of an instruction, if it has exactly one.
    pub fn result(&self, inst: Inst) -> Option<Value> {
        match self.results(inst) {
            &[v] => Some(v),
            _ => None,
        }
    }

    /// Parameters of a block.
    pub fn block_params(&self, block: Block) -> &[Value] {
        self.blocks[block].params.as_slice(&self.pool)
    }

    /// Arguments of an edge (without the produced values).
    pub fn edge_args(&self, edge: &Edge) -> &[Value] {
        edge.args.as_slice(&self.pool)
    }

    /// Terminator of a finished block.
    ///
    /// # Panics
    /// When the block is under construction.
    pub fn term(&self, block: Block) -> &Terminator {
        self.blocks[block].term.as_ref().expect("finished block")
    }

    /// Type of a value.
    pub fn ty(&self, v: Value) -> Type {
        self.values[v].ty
    }

    /// The instruction that defines a value, if one does.
    pub fn def_inst(&self, v: Value) -> Option<Inst> {
        match self.values[v].def {
            ValueDef::Result(i, _) => Some(i),
            ValueDef::Param(..) => None,
        }
    }

    /// How many values an edge of this terminator produces at the front of its target's parameters: the
    /// target's parameter count less the arguments given.
    pub fn produced(&self, edge: &Edge) -> usize {
        self.block_params(edge.block).len().saturating_sub(edge.args.len(&self.pool))
    }
}

impl Terminator {
    /// Whether two are of one kind, with the same immediates and kinds of handlers, whatever their operands and edges are.
    pub fn is_alike(&self, other: &Terminator) -> bool {
        let alike = |h: &[Handler], k: &[Handler]| h.iter().map(|h| h.kind).eq(k.iter().map(|k| k.kind));
        match (self, other) {
            (Terminator::Jump(_), Terminator::Jump(_))
            | (Terminator::Branch { .. }, Terminator::Branch { .. })
            | (Terminator::Table { .. }, Terminator::Table { .. })
            | (Terminator::Return(_), Terminator::Return(_))
            | (Terminator::Unreachable, Terminator::Unreachable) => true,
            (Terminator::TailCall { callee: x, .. }, Terminator::TailCall { callee: y, .. }) => x == y,
            (Terminator::BrOn { kind: x, .. }, Terminator::BrOn { kind: y, .. }) => x == y,
            (
                Terminator::Invoke { op: o, imm: x, handlers: h, .. },
                Terminator::Invoke { op: p, imm: y, handlers: k, .. },
            ) => o == p && x == y && alike(h, k),
            (
                Terminator::Throw { tag: x, handlers: h, .. },
                Terminator::Throw { tag: y, handlers: k, .. },
            ) => x == y && alike(h, k),
            (Terminator::ThrowRef { handlers: h, .. }, Terminator::ThrowRef { handlers: k, .. }) => {
                alike(h, k)
            }
            _ => false,
        }
    }

    /// All edges in a fixed order (table targets before the default, the normal edge before the handlers).
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        let (list, first, last, handlers): (&[Edge], Option<&Edge>, Option<&Edge>, &[Handler]) = match self {
            Terminator::Jump(e) => (&[], Some(e), None, &[]),
            Terminator::Branch { then, els, .. } => (&[], Some(then), Some(els), &[]),
            Terminator::Table { targets, default, .. } => (targets, None, Some(default), &[]),
            Terminator::BrOn { taken, els, .. } => (&[], Some(taken), Some(els), &[]),
            Terminator::Invoke { normal, handlers, .. } => (&[], Some(normal), None, handlers),
            Terminator::Throw { handlers, .. } | Terminator::ThrowRef { handlers, .. } => {
                (&[], None, None, handlers)
            }
            Terminator::Return(_) | Terminator::Unreachable | Terminator::TailCall { .. } => {
                (&[], None, None, &[])
            }
        };
        first.into_iter().chain(list).chain(last).chain(handlers.iter().map(|h| &h.edge))
    }

    /// All edges, mutable, in the order of [`Terminator::edges`].
    pub fn edges_mut(&mut self) -> impl Iterator<Item = &mut Edge> {
        let (list, first, last, handlers): (
            &mut [Edge],
            Option<&mut Edge>,
            Option<&mut Edge>,
            &mut [Handler],
        ) = match self {
            Terminator::Jump(e) => (&mut [], Some(e), None, &mut []),
            Terminator::Branch { then, els, .. } => (&mut [], Some(then), Some(els), &mut []),
            Terminator::Table { targets, default, .. } => (targets, None, Some(default), &mut []),
            Terminator::BrOn { taken, els, .. } => (&mut [], Some(taken), Some(els), &mut []),
            Terminator::Invoke { normal, handlers, .. } => (&mut [], Some(normal), None, handlers),
            Terminator::Throw { handlers, .. } | Terminator::ThrowRef { handlers, .. } => {
                (&mut [], None, None, handlers)
            }
            Terminator::Return(_) | Terminator::Unreachable | Terminator::TailCall { .. } => {
                (&mut [], None, None, &mut [])
            }
        };
        first.into_iter().chain(list).chain(last).chain(handlers.iter_mut().map(|h| &mut h.edge))
    }

    /// The operands of the terminator itself, without those of its edges.
    pub fn operands<'a>(&'a self, pool: &'a ListPool<Value>) -> &'a [Value] {
        match self {
            Terminator::Branch { cond: v, .. }
            | Terminator::Table { index: v, .. }
            | Terminator::BrOn { arg: v, .. }
            | Terminator::ThrowRef { arg: v, .. } => std::slice::from_ref(v),
            Terminator::Return(args)
            | Terminator::TailCall { args, .. }
            | Terminator::Invoke { args, .. }
            | Terminator::Throw { args, .. } => args.as_slice(pool),
            Terminator::Jump(_) | Terminator::Unreachable => &[],
        }
    }

    /// The operands of the terminator itself, mutable.
    pub fn operands_mut<'a>(&'a mut self, pool: &'a mut ListPool<Value>) -> &'a mut [Value] {
        match self {
            Terminator::Branch { cond: v, .. }
            | Terminator::Table { index: v, .. }
            | Terminator::BrOn { arg: v, .. }
            | Terminator::ThrowRef { arg: v, .. } => std::slice::from_mut(v),
            Terminator::Return(args)
            | Terminator::TailCall { args, .. }
            | Terminator::Invoke { args, .. }
            | Terminator::Throw { args, .. } => args.as_mut_slice(pool),
            Terminator::Jump(_) | Terminator::Unreachable => &mut [],
        }
    }
}
