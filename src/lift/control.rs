//! The walk over a body's operators: operand stack, control stack, terminators.

use super::operators::{self, DecodeError};
use super::ssa::Ssa;
use crate::Error;
use crate::ir::entity::*;
use crate::ir::function::{BrOnKind, CatchKind, Edge, Function, Handler, TailCallee, Terminator};
use crate::ir::ops::{Imm, Op, SigType, Signature};
use crate::ir::types::{AbstractHeap, HeapType, RefType, Type};
use crate::module::{Module, TypeMap};
use cranelift_entity::EntityRef;
use smallvec::SmallVec;
use wasmparser::{BlockType, Catch, FuncValidator, Operator, ValidatorResources};

type Types = SmallVec<[Type; 4]>;
type Values = SmallVec<[Value; 4]>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Func,
    Block,
    Loop,
    If,
    Else,
    Try,
}

/// An open structured instruction.
struct Frame {
    kind: FrameKind,
    /// Where its label leads: the header of a loop, else the block after its end; `None` when the frame is unreachable.
    target: Option<Block>,
    /// Types that a branch to it carries.
    label: Types,
    /// Types of its results.
    results: Types,
    /// Height of the operand stack below its parameters.
    height: usize,
    /// Of an `if`: the block of its else arm and the parameters to start it with.
    otherwise: Option<(Block, Values)>,
    /// Of a `try_table`: what it catches and where to.
    catches: Vec<(CatchKind, Block)>,
}

/// The state of one function's lift.
pub struct Lifter<'m> {
    module: &'m Module,
    types: &'m TypeMap,
    pub(super) f: Function,
    pub(super) ssa: Ssa,
    stack: Vec<Value>,
    frames: Vec<Frame>,
    /// Number of open frames that are `try_table`s.
    tries: usize,
    /// The block being filled; `None` in unreachable code.
    current: Option<Block>,
    /// Blocks in the order in which their code starts.
    pub(super) started: Vec<Block>,
    /// Set when the body holds something that is not modelled: nothing more is built then.
    pub(super) raw: Option<&'static str>,
}

impl<'m> Lifter<'m> {
    pub(super) fn new(
        module: &'m Module,
        types: &'m TypeMap,
        func: FuncId,
        validator: &FuncValidator<ValidatorResources>,
    ) -> Result<Self, Error> {
        let sig = module.func_type(func);
        let f = Function::new(func, sig.params.to_vec(), sig.results.to_vec());
        let mut ssa = Ssa::default();
        for i in 0..validator.len_locals() {
            let ty = validator.get_local_type(i).ok_or_else(|| Error::new("local without a type"))?;
            ssa.locals.push(types.val_type(ty)?);
        }
        let entry = f.entry;
        ssa.seal(entry);
        for (i, &v) in f.block_params(entry).iter().enumerate() {
            ssa.write(entry, i as u32, v);
        }
        let results: Types = sig.results.iter().copied().collect();
        let mut lifter = Lifter {
            module,
            types,
            f,
            ssa,
            stack: Vec::new(),
            frames: Vec::new(),
            tries: 0,
            current: Some(entry),
            started: vec![entry],
            raw: None,
        };
        let target = lifter.block(&results);
        lifter.frames.push(Frame {
            kind: FrameKind::Func,
            target: Some(target),
            label: results.clone(),
            results,
            height: 0,
            otherwise: None,
            catches: Vec::new(),
        });
        Ok(lifter)
    }

    fn block(&mut self, params: &[Type]) -> Block {
        let b = self.f.add_block();
        for &ty in params {
            self.f.add_param(b, ty);
        }
        b
    }

    /// Makes `block` the one being filled; it must have all its predecessors unless it is a loop's header.
    fn start(&mut self, block: Block) {
        self.started.push(block);
        self.current = Some(block);
    }

    fn terminate(&mut self, term: Terminator) {
        if let Some(b) = self.current.take() {
            for e in term.edges() {
                self.ssa.add_pred(e.block, b);
            }
            self.f.blocks[b].term = Some(term);
        }
    }

    fn block_type(&self, ty: BlockType) -> Result<(Types, Types), Error> {
        Ok(match ty {
            BlockType::Empty => (Types::new(), Types::new()),
            BlockType::Type(t) => (Types::new(), SmallVec::from_elem(self.types.val_type(t)?, 1)),
            BlockType::FuncType(t) => {
                let sig = self
                    .module
                    .signature(TypeId::new(t as usize))
                    .ok_or_else(|| Error::new("block type is not a function type"))?;
                (sig.params.iter().copied().collect(), sig.results.iter().copied().collect())
            }
        })
    }

    fn pop_n(&mut self, n: usize) -> Values {
        let at = self.stack.len() - n;
        self.stack.drain(at..).collect()
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().expect("validated: operand present")
    }

    fn frame(&self, depth: u32) -> &Frame {
        &self.frames[self.frames.len() - 1 - depth as usize]
    }

    /// The edge of a branch to a label, with the values on top of the stack.
    fn branch(&mut self, depth: u32) -> Edge {
        let frame = self.frame(depth);
        let (n, target) = (frame.label.len(), frame.target.expect("reachable code has reachable labels"));
        let args: Values = self.stack[self.stack.len() - n..].iter().copied().collect();
        self.f.edge(target, &args)
    }

    fn plain_edge(&mut self, block: Block) -> Edge {
        self.f.edge(block, &[])
    }

    fn open(&mut self, kind: FrameKind, params: usize, label: Types, results: Types, target: Option<Block>) {
        let height = self.stack.len() - params;
        self.frames.push(Frame {
            kind,
            target,
            label,
            results,
            height,
            otherwise: None,
            catches: Vec::new(),
        });
    }

    /// Handles one operator that the validator has just accepted.
    pub(super) fn operator(
        &mut self,
        operator: &Operator<'_>,
        validator: &FuncValidator<ValidatorResources>,
    ) -> Result<(), Error> {
        if self.raw.is_some() {
            return Ok(());
        }
        if self.current.is_none() {
            self.unreachable_operator(operator);
            return Ok(());
        }
        self.reachable_operator(operator, validator)
    }

    /// In dead code only the nesting matters.
    fn unreachable_operator(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Block { .. } | Operator::If { .. } => self.open_dead(FrameKind::Block),
            Operator::Loop { .. } => self.open_dead(FrameKind::Loop),
            Operator::TryTable { .. } => {
                self.tries += 1;
                self.open_dead(FrameKind::Try);
            }
            Operator::Try { .. } => self.raw = Some("legacy exceptions"),
            Operator::Else => self.otherwise(),
            Operator::End => self.end(),
            _ => {}
        }
    }

    fn open_dead(&mut self, kind: FrameKind) {
        self.open(kind, 0, Types::new(), Types::new(), None);
    }

    fn otherwise(&mut self) {
        if self.current.is_some() {
            let edge = self.branch(0);
            self.terminate(Terminator::Jump(edge));
        }
        let top = self.frames.len() - 1;
        self.frames[top].kind = FrameKind::Else;
        let height = self.frames[top].height;
        self.stack.truncate(height);
        if let Some((block, params)) = self.frames[top].otherwise.take() {
            self.stack.extend(params);
            self.start(block);
        }
    }

    fn end(&mut self) {
        let top = self.frames.len() - 1;
        if self.frames[top].kind == FrameKind::If {
            // No else arm: it passes its parameters on.
            self.otherwise();
        }
        let frame = self.frames.pop().expect("validated: balanced");
        if frame.kind == FrameKind::Try {
            self.tries -= 1;
        }
        if frame.kind == FrameKind::Loop {
            if let Some(header) = frame.target {
                self.ssa.seal(header);
            }
            if self.current.is_none() {
                self.stack.truncate(frame.height);
            }
            return;
        }
        let Some(after) = frame.target else {
            self.stack.truncate(frame.height);
            return;
        };
        if self.current.is_some() {
            let args: Values = self.stack[self.stack.len() - frame.results.len()..].iter().copied().collect();
            let edge = self.f.edge(after, &args);
            self.terminate(Terminator::Jump(edge));
        }
        self.stack.truncate(frame.height);
        self.ssa.seal(after);
        if self.ssa.preds(after).is_empty() {
            return;
        }
        self.start(after);
        let params: Values = self.f.block_params(after).iter().copied().collect();
        self.stack.extend(params);
        if frame.kind == FrameKind::Func {
            let args = self.pop_n(frame.results.len());
            let list = self.f.list(&args);
            self.terminate(Terminator::Return(list));
        }
    }

    fn reachable_operator(
        &mut self,
        operator: &Operator<'_>,
        validator: &FuncValidator<ValidatorResources>,
    ) -> Result<(), Error> {
        let current = self.current.expect("reachable");
        match operator {
            Operator::Nop => {}
            Operator::Unreachable => self.terminate(Terminator::Unreachable),
            Operator::Block { blockty } => {
                let (params, results) = self.block_type(*blockty)?;
                let after = self.block(&results);
                self.open(FrameKind::Block, params.len(), results.clone(), results, Some(after));
            }
            Operator::Loop { blockty } => {
                let (params, results) = self.block_type(*blockty)?;
                let header = self.block(&params);
                let args = self.pop_n(params.len());
                let edge = self.f.edge(header, &args);
                self.terminate(Terminator::Jump(edge));
                self.open(FrameKind::Loop, 0, params, results, Some(header));
                self.start(header);
                let params: Values = self.f.block_params(header).iter().copied().collect();
                self.stack.extend(params);
            }
            Operator::If { blockty } => {
                let (params, results) = self.block_type(*blockty)?;
                let cond = self.pop();
                let (yes, no) = (self.block(&[]), self.block(&[]));
                let after = self.block(&results);
                let (then, els) = (self.plain_edge(yes), self.plain_edge(no));
                self.terminate(Terminator::Branch { cond, then, els });
                self.ssa.seal(yes);
                self.ssa.seal(no);
                self.open(FrameKind::If, params.len(), results.clone(), results, Some(after));
                let top = self.frames.len() - 1;
                let kept = self.stack[self.stack.len() - params.len()..].iter().copied().collect();
                self.frames[top].otherwise = Some((no, kept));
                self.start(yes);
            }
            Operator::TryTable { try_table } => {
                let (params, results) = self.block_type(try_table.ty)?;
                let mut catches = Vec::with_capacity(try_table.catches.len());
                for c in &try_table.catches {
                    let tag = |t: u32| TagId::new(t as usize);
                    let (kind, label) = match *c {
                        Catch::One { tag: t, label } => (CatchKind::One(tag(t)), label),
                        Catch::OneRef { tag: t, label } => (CatchKind::OneRef(tag(t)), label),
                        Catch::All { label } => (CatchKind::All, label),
                        Catch::AllRef { label } => (CatchKind::AllRef, label),
                    };
                    catches.push((kind, self.frame(label).target.expect("reachable label")));
                }
                let after = self.block(&results);
                self.open(FrameKind::Try, params.len(), results.clone(), results, Some(after));
                self.tries += 1;
                self.frames.last_mut().expect("just opened").catches = catches;
            }
            Operator::Else => self.otherwise(),
            Operator::End => self.end(),
            Operator::Br { relative_depth } => {
                let edge = self.branch(*relative_depth);
                self.terminate(Terminator::Jump(edge));
            }
            Operator::BrIf { relative_depth } => {
                let cond = self.pop();
                let then = self.branch(*relative_depth);
                let next = self.block(&[]);
                let els = self.plain_edge(next);
                self.terminate(Terminator::Branch { cond, then, els });
                self.ssa.seal(next);
                self.start(next);
            }
            Operator::BrTable { targets } => {
                let index = self.pop();
                let mut list = Vec::with_capacity(targets.len() as usize);
                for t in targets.targets() {
                    let t = t?;
                    list.push(self.branch(t));
                }
                let default = self.branch(targets.default());
                self.terminate(Terminator::Table { index, targets: list, default });
            }
            Operator::Return => {
                let args = self.pop_n(self.f.results.len());
                let list = self.f.list(&args);
                self.terminate(Terminator::Return(list));
            }
            Operator::Drop => {
                self.pop();
            }
            Operator::LocalGet { local_index } => {
                let v = self.ssa.read(&mut self.f, current, *local_index);
                self.stack.push(v);
            }
            Operator::LocalSet { local_index } => {
                let v = self.pop();
                self.assign(current, *local_index, v);
            }
            Operator::LocalTee { local_index } => {
                let v = *self.stack.last().expect("validated: operand present");
                self.assign(current, *local_index, v);
            }
            Operator::TypedSelect { .. } => self.plain(Op::Select, Imm::None, validator)?,
            Operator::ReturnCall { function_index } => {
                let func = FuncId::new(*function_index as usize);
                let n = self.module.func_type(func).params.len();
                self.tail_call(TailCallee::Direct(func), n);
            }
            Operator::ReturnCallIndirect { type_index, table_index } => {
                let ty = TypeId::new(*type_index as usize);
                let n = self.signature_params(ty) + 1;
                self.tail_call(TailCallee::Indirect(ty, TableId::new(*table_index as usize)), n);
            }
            Operator::ReturnCallRef { type_index } => {
                let ty = TypeId::new(*type_index as usize);
                let n = self.signature_params(ty) + 1;
                self.tail_call(TailCallee::Ref(ty), n);
            }
            Operator::BrOnNull { relative_depth } => {
                self.br_on(BrOnKind::Null, *relative_depth, validator)?
            }
            Operator::BrOnNonNull { relative_depth } => {
                self.br_on(BrOnKind::NonNull, *relative_depth, validator)?;
            }
            Operator::BrOnCast { relative_depth, from_ref_type, to_ref_type } => {
                let kind =
                    BrOnKind::Cast(self.types.ref_type(*from_ref_type)?, self.types.ref_type(*to_ref_type)?);
                self.br_on(kind, *relative_depth, validator)?;
            }
            Operator::BrOnCastFail { relative_depth, from_ref_type, to_ref_type } => {
                let kind = BrOnKind::CastFail(
                    self.types.ref_type(*from_ref_type)?,
                    self.types.ref_type(*to_ref_type)?,
                );
                self.br_on(kind, *relative_depth, validator)?;
            }
            Operator::Throw { tag_index } => {
                let tag = TagId::new(*tag_index as usize);
                let n = self.module.signature(self.module.tags[tag].ty).map_or(0, |s| s.params.len());
                let args = self.pop_n(n);
                let args = self.f.list(&args);
                let handlers = self.handlers();
                self.terminate(Terminator::Throw { tag, args, handlers });
            }
            Operator::ThrowRef => {
                let arg = self.pop();
                let handlers = self.handlers();
                self.terminate(Terminator::ThrowRef { arg, handlers });
            }
            Operator::Try { .. } | Operator::Rethrow { .. } => self.raw = Some("legacy exceptions"),
            other => match operators::decode(other, self.types) {
                Ok((op, imm)) if op.is_call() => self.call(op, imm),
                Ok((op, imm)) => self.plain(op, imm, validator)?,
                Err(DecodeError::NotInTable) => self.raw = Some("operator without a row in the op table"),
                Err(DecodeError::Type(e)) => return Err(e),
            },
        }
        Ok(())
    }

    fn assign(&mut self, block: Block, local: u32, v: Value) {
        self.ssa.write(block, local, v);
        let data = &mut self.f.values[v];
        if data.hint.is_none() {
            data.hint = Some(local);
        }
    }

    fn signature_params(&self, ty: TypeId) -> usize {
        self.module.signature(ty).map_or(0, |s| s.params.len())
    }

    fn tail_call(&mut self, callee: TailCallee, operands: usize) {
        let args = self.pop_n(operands);
        let args = self.f.list(&args);
        self.terminate(Terminator::TailCall { callee, args });
    }

    /// An operator whose operand count the op table or its immediate knows.
    fn plain(
        &mut self,
        op: Op,
        imm: Imm,
        validator: &FuncValidator<ValidatorResources>,
    ) -> Result<(), Error> {
        let current = self.current.expect("reachable");
        let (operands, results) = match op.info().signature {
            Signature::Fixed { params, results } => (params.len(), results),
            Signature::Custom => {
                let n = match imm {
                    Imm::ArrayFixed { len, .. } => len as usize,
                    Imm::Type(ty) => self.module.struct_fields(ty),
                    _ => 0,
                };
                (n, &[SigType::Any][..])
            }
        };
        let args = self.pop_n(operands);
        let mut types = Types::new();
        for (i, r) in results.iter().enumerate() {
            types.push(match r {
                SigType::Is(t) => *t,
                _ => self.operand_type(validator, results.len() - 1 - i)?,
            });
        }
        let inst = self.f.append(current, op, imm, &args, &types);
        let results: Values = self.f.results(inst).iter().copied().collect();
        self.stack.extend(results);
        Ok(())
    }

    /// The type that the validator gives the operand at this depth of its stack.
    fn operand_type(
        &self,
        validator: &FuncValidator<ValidatorResources>,
        depth: usize,
    ) -> Result<Type, Error> {
        match validator.get_operand_type(depth) {
            Some(Some(ty)) => Ok(match self.types.val_type(ty)? {
                // The validator knows the exact type of `ref.func`; a local of that type needs another proposal.
                Type::Ref(RefType { heap: HeapType::Concrete(_), .. })
                    if !validator.features().function_references() =>
                {
                    Type::Ref(RefType { nullable: true, heap: HeapType::Abstract(AbstractHeap::Func) })
                }
                ty => ty,
            }),
            _ => Err(Error::new("internal: reachable operand without a type")),
        }
    }

    fn call(&mut self, op: Op, imm: Imm) {
        let sig = match imm {
            Imm::Func(f) => Some(self.module.func_type(f)),
            Imm::CallIndirect { ty, .. } | Imm::Type(ty) => self.module.signature(ty),
            _ => None,
        };
        let Some(sig) = sig else {
            self.raw = Some("call without a signature");
            return;
        };
        let (operands, results) = (sig.params.len() + usize::from(op != Op::Call), sig.results.to_vec());
        let args = self.pop_n(operands);
        let handlers = if self.tries == 0 { Vec::new() } else { self.handlers() };
        if handlers.is_empty() {
            let current = self.current.expect("reachable");
            let inst = self.f.append(current, op, imm, &args, &results);
            let results: Values = self.f.results(inst).iter().copied().collect();
            self.stack.extend(results);
            return;
        }
        let next = self.block(&results);
        let normal = self.plain_edge(next);
        let args = self.f.list(&args);
        self.terminate(Terminator::Invoke { op, imm, args, normal, handlers });
        self.ssa.seal(next);
        self.start(next);
        let params: Values = self.f.block_params(next).iter().copied().collect();
        self.stack.extend(params);
    }

    /// The handlers in force here, innermost first, up to one that catches everything.
    fn handlers(&mut self) -> Vec<Handler> {
        let mut list = Vec::new();
        'frames: for frame in self.frames.iter().rev().filter(|f| f.kind == FrameKind::Try) {
            for &(kind, block) in &frame.catches {
                list.push(Handler { kind, edge: Edge { block, args: Default::default() } });
                if matches!(kind, CatchKind::All | CatchKind::AllRef) {
                    break 'frames;
                }
            }
        }
        list
    }

    /// `br_on_*`. A produced reference comes last in the label's values, so where there are others an own block passes it
    /// on: edges produce the first parameters of their target.
    fn br_on(
        &mut self,
        kind: BrOnKind,
        depth: u32,
        validator: &FuncValidator<ValidatorResources>,
    ) -> Result<(), Error> {
        let arg = self.pop();
        let operand = self.f.ty(arg);
        let Type::Ref(operand) = operand else { return Err(Error::new("internal: reference expected")) };
        let frame = self.frame(depth);
        let (label, target) = (frame.label.clone(), frame.target.expect("reachable label"));
        // What falls through is on the validator's stack now, unless it is nothing.
        let falls = match kind {
            BrOnKind::NonNull => None,
            _ => Some(self.operand_type(validator, 0)?),
        };
        let jumps = match kind {
            BrOnKind::Null => None,
            BrOnKind::NonNull => Some(Type::Ref(RefType { nullable: false, ..operand })),
            BrOnKind::Cast(_, to) => Some(Type::Ref(to)),
            BrOnKind::CastFail(from, to) => {
                Some(Type::Ref(RefType { nullable: from.nullable && !to.nullable, ..from }))
            }
        };
        let passed = label.len() - usize::from(jumps.is_some());
        let args: Values = self.stack[self.stack.len() - passed..].iter().copied().collect();
        let mut landing = None;
        let taken = match jumps {
            Some(_) if passed == 0 => self.plain_edge(target),
            Some(ty) => {
                let block = self.block(&[ty]);
                landing = Some((block, args));
                self.plain_edge(block)
            }
            None => self.f.edge(target, &args),
        };
        let next = self.block(falls.as_slice());
        let els = self.plain_edge(next);
        self.terminate(Terminator::BrOn { kind, arg, taken, els });
        if let Some((block, mut args)) = landing {
            self.ssa.seal(block);
            self.start(block);
            args.push(self.f.block_params(block)[0]);
            let edge = self.f.edge(target, &args);
            self.terminate(Terminator::Jump(edge));
        }
        self.ssa.seal(next);
        self.start(next);
        let params: Values = self.f.block_params(next).iter().copied().collect();
        self.stack.extend(params);
        Ok(())
    }
}
