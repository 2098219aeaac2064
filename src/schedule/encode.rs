//! Stack code to bytes: the encoder half of the op table.

use super::code::{FUNCTION_FRAME, StackCode, StackOp};
use super::prepare::opposite;
use crate::cost::CostTable;
use crate::ir::entity::*;
use crate::ir::function::{BrOnKind, CatchKind, Function, TailCallee, Terminator};
use crate::ir::ops::{Imm, MemArg, Op};
use crate::ir::types::{RefType, Type};
use crate::module::{Identity, IndexMap};
use crate::structure::FrameId;
use std::borrow::Cow;
use wasm_encoder::{BlockType, Catch, Encode, Instruction};

fn memarg(m: MemArg, map: &impl IndexMap) -> wasm_encoder::MemArg {
    let target = wasm_encoder::MemArgTarget::Memory(map.memory(m.memory));
    wasm_encoder::MemArg { offset: m.offset, align: m.align as u32, target, ordering: None }
}

/// The instruction of an operator: by shape of the immediate. An immediate of another shape than the table says, which a
/// valid graph does not have, becomes `unreachable`.
macro_rules! instruction {
    ($op:ident None $imm:ident $map:ident) => {
        Instruction::$op
    };
    ($op:ident I32 $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::I32(v) => Instruction::$op(v))
    };
    ($op:ident I64 $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::I64(v) => Instruction::$op(v))
    };
    ($op:ident F32 $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::F32(v) => Instruction::$op(wasm_encoder::Ieee32::new(v)))
    };
    ($op:ident F64 $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::F64(v) => Instruction::$op(wasm_encoder::Ieee64::new(v)))
    };
    ($op:ident V128 $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::V128(v) => Instruction::$op(v as i128))
    };
    ($op:ident Mem $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Mem(m) => Instruction::$op(memarg(m, $map)))
    };
    ($op:ident MemLane $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::MemLane(m, lane) => Instruction::$op { memarg: memarg(m, $map), lane })
    };
    ($op:ident Lane $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Lane(lane) => Instruction::$op(lane))
    };
    ($op:ident Shuffle $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Shuffle(lanes) => Instruction::$op(lanes))
    };
    ($op:ident Memory $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Memory(m) => Instruction::$op($map.memory(m)))
    };
    ($op:ident MemCopy $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::MemCopy { dst, src } => Instruction::$op { src_mem: $map.memory(src), dst_mem: $map.memory(dst) })
    };
    ($op:ident MemInit $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::MemInit { data, memory } => Instruction::$op { mem: $map.memory(memory), data_index: $map.data(data) })
    };
    ($op:ident Data $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Data(d) => Instruction::$op($map.data(d)))
    };
    ($op:ident Table $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Table(t) => Instruction::$op($map.table(t)))
    };
    ($op:ident TableCopy $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::TableCopy { dst, src } => Instruction::$op { src_table: $map.table(src), dst_table: $map.table(dst) })
    };
    ($op:ident TableInit $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::TableInit { elem, table } => Instruction::$op { elem_index: $map.elem(elem), table: $map.table(table) })
    };
    ($op:ident Elem $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Elem(e) => Instruction::$op($map.elem(e)))
    };
    ($op:ident Func $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Func(f) => Instruction::$op($map.func(f)))
    };
    ($op:ident Global $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Global(g) => Instruction::$op($map.global(g)))
    };
    ($op:ident CallIndirect $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::CallIndirect { ty, table } => Instruction::$op { type_index: $map.ty(ty), table_index: $map.table(table) })
    };
    ($op:ident Type $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Type(t) => Instruction::$op($map.ty(t)))
    };
    ($op:ident StructType $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Type(t) => Instruction::$op($map.ty(t)))
    };
    ($op:ident ArrayType $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Type(t) => Instruction::$op($map.ty(t)))
    };
    ($op:ident Field $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Field { ty, field } => Instruction::$op { struct_type_index: $map.ty(ty), field_index: field })
    };
    ($op:ident ArrayFixed $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::ArrayFixed { ty, len } => Instruction::$op { array_type_index: $map.ty(ty), array_size: len })
    };
    ($op:ident ArrayData $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::ArrayData { ty, data } => Instruction::$op { array_type_index: $map.ty(ty), array_data_index: $map.data(data) })
    };
    ($op:ident ArrayElem $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::ArrayElem { ty, elem } => Instruction::$op { array_type_index: $map.ty(ty), array_elem_index: $map.elem(elem) })
    };
    ($op:ident ArrayCopy $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::ArrayCopy { dst, src } => Instruction::$op { array_type_index_dst: $map.ty(dst), array_type_index_src: $map.ty(src) })
    };
    ($op:ident Heap $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Heap(h) => Instruction::$op($map.heap_type(h)))
    };
    ($op:ident Fence $imm:ident $map:ident) => {
        instruction!(@ $imm, Imm::Fence => Instruction::$op(wasm_encoder::Ordering::SeqCst))
    };
    (@ $imm:ident, $pattern:pat => $make:expr) => {
        match *$imm {
            $pattern => $make,
            _ => Instruction::Unreachable,
        }
    };
}

macro_rules! define_instruction {
    ($($op:ident $name:literal $imm:ident $sig:tt $kind:ident $width:literal $comm:tt $feature:ident;)*) => {
        fn instruction<'a>(op: Op, imm: &Imm, map: &impl IndexMap) -> Instruction<'a> {
            match op {
                $(Op::$op => instruction!($op $imm imm map),)*
            }
        }
    };
}
crate::for_each_op!(define_instruction);

/// Index of a function type with these parameters and results.
pub type TypeIndex<'a> = dyn Fn(&[Type], &[Type]) -> u32 + 'a;

struct Encoder<'a, M> {
    code: &'a StackCode,
    types: &'a TypeIndex<'a>,
    map: &'a M,
    out: Vec<u8>,
    /// Nesting at which each frame was opened, the function's own being 0.
    level: Vec<u32>,
    nesting: u32,
}

impl StackCode {
    /// Locals and code as in the code section, without the size before them.
    pub fn encode(&self, types: &TypeIndex<'_>, map: &impl IndexMap) -> Vec<u8> {
        let mut runs: Vec<(u32, Type)> = Vec::new();
        for &ty in &self.locals {
            match runs.last_mut() {
                Some((n, t)) if *t == ty => *n += 1,
                _ => runs.push((1, ty)),
            }
        }
        let mut out = Vec::with_capacity(self.ops.len() * 2 + 16);
        runs.len().encode(&mut out);
        for (n, ty) in runs {
            n.encode(&mut out);
            map.val_type(ty).encode(&mut out);
        }
        let level = vec![0; self.frame_results.len()];
        let mut encoder = Encoder { code: self, types, map, out, level, nesting: 0 };
        for &op in &self.ops {
            encoder.op(op);
        }
        Instruction::End.encode(&mut encoder.out);
        encoder.out
    }

    /// Results of all block types that need a function type: those given to `types` by [`StackCode::encode`], with no
    /// parameters.
    pub fn block_types(&self) -> Vec<Vec<Type>> {
        let mut list: Vec<Vec<Type>> = self.frame_results.iter().filter(|r| r.len() > 1).cloned().collect();
        for op in &self.ops {
            if let StackOp::Try(b) = op
                && let Terminator::Invoke { normal, .. } = self.f.term(*b)
                && self.f.produced(normal) > 1
            {
                let n = self.f.produced(normal);
                list.push(self.f.block_params(normal.block)[..n].iter().map(|&v| self.f.ty(v)).collect());
            }
        }
        list.sort_unstable();
        list.dedup();
        list
    }

    /// Bytes of the encoding when every entity keeps its index and every block type has a small one.
    pub fn size(&self) -> usize {
        self.encode(&|_, _| 0, &Identity).len()
    }

    /// Time that the code takes by a table: each instruction's, weighted by how often the loops around it run. Code that
    /// stands in a loop but always leaves it counts as what comes after the loop.
    pub fn cost(&self, costs: &CostTable) -> u64 {
        self.weighted(costs, |op| match *op {
            StackOp::Inst(i) | StackOp::Inverted(i) => costs.op_time(self.f.insts[i].op),
            StackOp::Eqz => costs.op_time(Op::I32Eqz),
            StackOp::Get(_) | StackOp::Set(_) | StackOp::Tee(_) => costs.local_time(),
            StackOp::If { .. } | StackOp::Br { .. } | StackOp::BrIf { .. } | StackOp::Term(_) => {
                costs.branch_time()
            }
            _ => 0,
        })
    }

    /// How many instructions are executed, weighted in the same way: what two ways to write one graph differ in. Such ways
    /// trade moves for jumps, and engines make about one instruction or none of either.
    pub(super) fn executed(&self, costs: &CostTable) -> u64 {
        self.weighted(costs, |op| {
            let free = matches!(
                op,
                StackOp::Block(_) | StackOp::Loop(_) | StackOp::Else(_) | StackOp::End(_) | StackOp::Drop
            );
            u64::from(!free && !op.is_note())
        })
    }

    fn weighted(&self, costs: &CostTable, time: impl Fn(&StackOp<u32>) -> u64) -> u64 {
        let (mut depth, mut sum) = (0u32, 0u64);
        for op in &self.ops {
            if let StackOp::Mark(b) = *op {
                depth = self.depth[b];
            }
            sum = sum.saturating_add(time(op) * costs.frequency(depth));
        }
        sum
    }
}

impl<M: IndexMap> Encoder<'_, M> {
    fn write(&mut self, instruction: Instruction<'_>) {
        instruction.encode(&mut self.out);
    }

    fn block_type(&self, results: &[Type]) -> BlockType {
        match *results {
            [] => BlockType::Empty,
            [ty] => BlockType::Result(self.map.val_type(ty)),
            _ => BlockType::FunctionType((self.types)(&[], results)),
        }
    }

    fn open(&mut self, id: FrameId) -> BlockType {
        self.nesting += 1;
        self.level[id as usize] = self.nesting;
        self.block_type(&self.code.frame_results[id as usize])
    }

    fn depth(&self, frame: FrameId) -> u32 {
        match frame {
            FUNCTION_FRAME => self.nesting,
            id => self.nesting - self.level[id as usize],
        }
    }

    fn op(&mut self, op: StackOp<u32>) {
        let f = &self.code.f;
        match op {
            StackOp::Mark(_) | StackOp::Fall { .. } | StackOp::FallReturn(_) | StackOp::Exit => {}
            StackOp::Inst(inst) => {
                let data = &f.insts[inst];
                match (data.op, f.result(inst).map(|r| f.ty(r))) {
                    (Op::Select, Some(Type::Ref(r))) => {
                        let types = [wasm_encoder::ValType::Ref(self.map.ref_type(r))];
                        self.write(Instruction::TypedSelectMulti(Cow::Borrowed(&types)));
                    }
                    _ => self.write(instruction(data.op, &data.imm, self.map)),
                }
            }
            StackOp::Inverted(inst) => {
                let data = &f.insts[inst];
                let op = opposite(data.op).unwrap_or(data.op);
                self.write(instruction(op, &data.imm, self.map));
            }
            StackOp::Eqz => self.write(Instruction::I32Eqz),
            StackOp::Get(l) => self.write(Instruction::LocalGet(l)),
            StackOp::Set(l) => self.write(Instruction::LocalSet(l)),
            StackOp::Tee(l) => self.write(Instruction::LocalTee(l)),
            StackOp::Drop => self.write(Instruction::Drop),
            StackOp::AsNonNull => self.write(Instruction::RefAsNonNull),
            StackOp::Block(id) => {
                let ty = self.open(id);
                self.write(Instruction::Block(ty));
            }
            StackOp::Loop(id) => {
                let ty = self.open(id);
                self.write(Instruction::Loop(ty));
            }
            StackOp::If { frame, .. } => {
                let ty = self.open(frame);
                self.write(Instruction::If(ty));
            }
            StackOp::Else(_) => self.write(Instruction::Else),
            StackOp::End(_) | StackOp::EndTry(_) => {
                self.nesting -= 1;
                self.write(Instruction::End);
            }
            StackOp::Br { frame, .. } => self.write(Instruction::Br(self.depth(frame))),
            StackOp::BrIf { frame, .. } => self.write(Instruction::BrIf(self.depth(frame))),
            StackOp::Dead => self.write(Instruction::Unreachable),
            StackOp::Try(b) => self.open_try(f, b),
            StackOp::Term(b) => self.terminator(f, b),
        }
    }

    fn labels(&self, b: Block) -> &[FrameId] {
        self.code.labels.get(&b).map_or(&[], Vec::as_slice)
    }

    fn open_try(&mut self, f: &Function, b: Block) {
        let (results, handlers): (Vec<Type>, _) = match f.term(b) {
            Terminator::Invoke { normal, handlers, .. } => {
                let n = f.produced(normal);
                (f.block_params(normal.block)[..n].iter().map(|&v| f.ty(v)).collect(), handlers)
            }
            Terminator::Throw { handlers, .. } | Terminator::ThrowRef { handlers, .. } => (vec![], handlers),
            _ => return,
        };
        let catches: Vec<Catch> = handlers
            .iter()
            .zip(self.labels(b))
            .map(|(h, &frame)| {
                // Labels of the clauses are counted from outside of the `try_table`.
                let label = self.depth(frame);
                match h.kind {
                    CatchKind::One(tag) => Catch::One { tag: self.map.tag(tag), label },
                    CatchKind::OneRef(tag) => Catch::OneRef { tag: self.map.tag(tag), label },
                    CatchKind::All => Catch::All { label },
                    CatchKind::AllRef => Catch::AllRef { label },
                }
            })
            .collect();
        let ty = self.block_type(&results);
        self.write(Instruction::TryTable(ty, Cow::Owned(catches)));
        self.nesting += 1;
    }

    fn terminator(&mut self, f: &Function, b: Block) {
        match f.term(b) {
            Terminator::Return(_) => self.write(Instruction::Return),
            Terminator::TailCall { callee, .. } => self.write(match *callee {
                TailCallee::Direct(func) => Instruction::ReturnCall(self.map.func(func)),
                TailCallee::Indirect(ty, table) => Instruction::ReturnCallIndirect {
                    type_index: self.map.ty(ty),
                    table_index: self.map.table(table),
                },
                TailCallee::Ref(ty) => Instruction::ReturnCallRef(self.map.ty(ty)),
            }),
            Terminator::Table { .. } => {
                let mut depths: Vec<u32> = self.labels(b).iter().map(|&id| self.depth(id)).collect();
                let default = depths.pop().unwrap_or(0);
                self.write(Instruction::BrTable(Cow::Owned(depths), default));
            }
            Terminator::BrOn { kind, .. } => {
                let label = self.labels(b).first().map_or(0, |&id| self.depth(id));
                let cast = |r: RefType| self.map.ref_type(r);
                let instruction = match *kind {
                    BrOnKind::Null => Instruction::BrOnNull(label),
                    BrOnKind::NonNull => Instruction::BrOnNonNull(label),
                    BrOnKind::Cast(from, to) => Instruction::BrOnCast {
                        relative_depth: label,
                        from_ref_type: cast(from),
                        to_ref_type: cast(to),
                    },
                    BrOnKind::CastFail(from, to) => Instruction::BrOnCastFail {
                        relative_depth: label,
                        from_ref_type: cast(from),
                        to_ref_type: cast(to),
                    },
                };
                self.write(instruction);
            }
            Terminator::Invoke { op, imm, .. } => self.write(instruction(*op, imm, self.map)),
            Terminator::Throw { tag, .. } => self.write(Instruction::Throw(self.map.tag(*tag))),
            Terminator::ThrowRef { .. } => self.write(Instruction::ThrowRef),
            Terminator::Unreachable | Terminator::Jump(_) | Terminator::Branch { .. } => {
                self.write(Instruction::Unreachable);
            }
        }
    }
}
