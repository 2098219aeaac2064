//! Types of instructions (invariants 5 and 6): the op table's signature, with the words that depend on the immediate or
//! the operands worked out.

use super::super::entity::*;
use super::super::info::{Composite, Field};
use super::super::ops::{Imm, Kind, MemArg, Op, SigType, Signature};
use super::super::types::{AbstractHeap, HeapType, RefType, Type};
use super::Verifier;

/// Operand and result types.
pub(super) type Sig = (Vec<Type>, Vec<Type>);

fn nullable(heap: HeapType) -> Type {
    Type::Ref(RefType { nullable: true, heap })
}

fn non_null(heap: HeapType) -> Type {
    Type::Ref(RefType { nullable: false, heap })
}

const fn abstract_ref(heap: AbstractHeap) -> Type {
    Type::Ref(RefType { nullable: true, heap: HeapType::Abstract(heap) })
}

impl Verifier<'_> {
    pub(super) fn instruction(&mut self, inst: Inst) {
        let f = self.f;
        let (op, imm) = (f.insts[inst].op, &f.insts[inst].imm);
        let info = op.info();
        if imm.kind() != info.imm {
            return self.error(format!("the immediate is {imm:?}, not of kind {:?}", info.imm));
        }
        self.immediate(op, imm);
        let args = self.value_types(f.args(inst));
        let results = self.value_types(f.results(inst));
        let sig = match info.signature {
            Signature::Custom => self.custom_signature(op, imm, &args),
            Signature::Fixed { params, results: gives } => {
                if params.len() != args.len() || gives.len() != results.len() {
                    return self.error(format!(
                        "takes {} operands and gives {} results",
                        params.len(),
                        gives.len()
                    ));
                }
                self.fixed_signature(op, imm, params, gives, &args, &results)
            }
        };
        let Some((takes, gives)) = sig else { return };
        self.operands(&args, &takes);
        if gives.len() != results.len() {
            return self.error(format!("gives {} results", gives.len()));
        }
        for (i, (&gives, &declared)) in gives.iter().zip(&results).enumerate() {
            if !self.module.is_subtype(gives, declared) {
                self.error(format!("result {i} has type {declared}, but {gives} is given"));
            }
        }
    }

    /// Checks operand types.
    pub(super) fn operands(&mut self, given: &[Type], takes: &[Type]) {
        if given.len() != takes.len() {
            return self.error(format!("takes {} operands", takes.len()));
        }
        for (i, (&given, &takes)) in given.iter().zip(takes).enumerate() {
            if !self.module.is_subtype(given, takes) {
                self.error(format!("operand {i} has type {given}, but {takes} is taken"));
            }
        }
    }

    /// Reports what does not exist.
    fn found<T>(&mut self, found: Option<T>, what: impl std::fmt::Display) -> Option<T> {
        if found.is_none() {
            self.error(format!("there is no {what}, or it is of another kind"));
        }
        found
    }

    /// Ranges and the existence of entities that no type depends on.
    fn immediate(&mut self, op: Op, imm: &Imm) {
        match *imm {
            Imm::Mem(arg) => self.memarg(op, arg),
            Imm::MemLane(arg, lane) => {
                self.memarg(op, arg);
                self.lane(lane, 16 / op.info().width.max(1));
            }
            Imm::Lane(lane) => {
                let lanes = match op.name().split('.').next() {
                    Some("i8x16") => 16,
                    Some("i16x8") => 8,
                    Some("i32x4" | "f32x4") => 4,
                    _ => 2,
                };
                self.lane(lane, lanes);
            }
            Imm::Shuffle(lanes) => lanes.iter().for_each(|&l| self.lane(l, 32)),
            Imm::MemInit { data, .. } | Imm::Data(data) | Imm::ArrayData { data, .. }
                if !self.module.has_data(data) =>
            {
                self.error(format!("there is no {data}"));
            }
            Imm::Elem(elem) => {
                self.found(self.module.elem_type(elem), elem);
            }
            _ => {}
        }
    }

    fn lane(&mut self, lane: u8, lanes: u8) {
        if lane >= lanes {
            self.error(format!("lane {lane} of {lanes}"));
        }
    }

    fn memarg(&mut self, op: Op, arg: MemArg) {
        let natural = op.natural_align();
        if arg.align > natural || op.kind() == Kind::Atomic && arg.align != natural {
            self.error(format!("alignment 2^{} of an access that is 2^{natural} wide", arg.align));
        }
        if self.module.memory64(arg.memory) == Some(false) && arg.offset > u64::from(u32::MAX) {
            self.error(format!("offset {} into a 32-bit memory", arg.offset));
        }
    }

    /// Works out the words of a fixed signature; counts were checked.
    fn fixed_signature(
        &mut self,
        op: Op,
        imm: &Imm,
        params: &[SigType],
        gives: &[SigType],
        args: &[Type],
        results: &[Type],
    ) -> Option<Sig> {
        let (any_params, any_results) = if params.iter().chain(gives).any(|s| *s == SigType::Any) {
            self.any_types(op, imm, args, results)?
        } else {
            Sig::default()
        };
        let mut any = any_params.into_iter();
        let takes = params.iter().map(|&s| self.word(s, imm, &mut any)).collect::<Option<Vec<_>>>()?;
        let mut any = any_results.into_iter();
        let gives = gives.iter().map(|&s| self.word(s, imm, &mut any)).collect::<Option<Vec<_>>>()?;
        Some((takes, gives))
    }

    fn word(&mut self, word: SigType, imm: &Imm, any: &mut impl Iterator<Item = Type>) -> Option<Type> {
        let smaller = |a: Type, b: Type| if a == Type::I64 { b } else { a };
        match word {
            SigType::Is(t) => Some(t),
            SigType::Any => any.next(),
            SigType::Addr | SigType::AddrSrc | SigType::AddrMin => {
                let (dst, src) = match *imm {
                    Imm::Mem(a) | Imm::MemLane(a, _) => (a.memory, a.memory),
                    Imm::Memory(memory) | Imm::MemInit { memory, .. } => (memory, memory),
                    Imm::MemCopy { dst, src } => (dst, src),
                    _ => return None,
                };
                let to = self.found(self.module.memory_index(dst), dst)?;
                let from = self.found(self.module.memory_index(src), src)?;
                Some(match word {
                    SigType::Addr => to,
                    SigType::AddrSrc => from,
                    _ => smaller(to, from),
                })
            }
            SigType::TableAddr | SigType::TableAddrSrc | SigType::TableAddrMin => {
                let (dst, src) = match *imm {
                    Imm::Table(table) => (table, table),
                    Imm::TableCopy { dst, src } => (dst, src),
                    Imm::TableInit { table, elem } => {
                        let (from, to) = (self.module.elem_type(elem), self.module.table_type(table));
                        let (from, (to, _)) = (self.found(from, elem)?, self.found(to, table)?);
                        self.elements(from, to);
                        (table, table)
                    }
                    _ => return None,
                };
                let to = self.found(self.module.table_type(dst), dst)?;
                let from = self.found(self.module.table_type(src), src)?;
                self.elements(from.0, to.0);
                let index = |is64| if is64 { Type::I64 } else { Type::I32 };
                let (to, from) = (index(to.1), index(from.1));
                Some(match word {
                    SigType::TableAddr => to,
                    SigType::TableAddrSrc => from,
                    _ => smaller(to, from),
                })
            }
        }
    }

    /// Elements copied from one place to another.
    fn elements(&mut self, from: RefType, to: RefType) {
        if !self.module.is_ref_subtype(from, to) {
            self.error(format!("elements of type {from} do not fit where {to} is held"));
        }
    }

    /// The `any` operands and results of an operator with a fixed signature, in order.
    fn any_types(&mut self, op: Op, imm: &Imm, args: &[Type], results: &[Type]) -> Option<Sig> {
        let m = self.module;
        let sig = |takes: &[Type], gives: &[Type]| Some((takes.to_vec(), gives.to_vec()));
        match (op, *imm) {
            (Op::Select, _) => sig(&[results[0], results[0]], results),
            (Op::GlobalGet, Imm::Global(g)) => {
                let (ty, _) = self.found(m.global_type(g), g)?;
                sig(&[], &[ty])
            }
            (Op::GlobalSet, Imm::Global(g)) => {
                let (ty, mutable) = self.found(m.global_type(g), g)?;
                if !mutable {
                    self.error(format!("{g} is immutable"));
                }
                sig(&[ty], &[])
            }
            (Op::TableGet | Op::TableSet | Op::TableGrow | Op::TableFill, Imm::Table(t)) => {
                let (ty, _) = self.found(m.table_type(t), t)?;
                if op == Op::TableGet { sig(&[], &[Type::Ref(ty)]) } else { sig(&[Type::Ref(ty)], &[]) }
            }
            (Op::RefNull, Imm::Heap(heap)) => sig(&[], &[nullable(heap)]),
            (Op::RefFunc, Imm::Func(func)) => {
                let ty = self.found(m.func_type(func), func)?;
                sig(&[], &[non_null(HeapType::Concrete(ty))])
            }
            (Op::RefEq, _) => sig(&[abstract_ref(AbstractHeap::Eq); 2], &[]),
            (Op::RefIsNull, _) => sig(&[Type::Ref(self.reference(args)?)], &[]),
            (Op::RefAsNonNull, _) => {
                let r = self.reference(args)?;
                sig(&[Type::Ref(r)], &[non_null(r.heap)])
            }
            (
                Op::RefTestNonNull | Op::RefTestNullable | Op::RefCastNonNull | Op::RefCastNullable,
                Imm::Heap(heap),
            ) => {
                let top = self.found(self.top(heap), "such heap type")?;
                let gives = match op {
                    Op::RefCastNonNull => vec![non_null(heap)],
                    Op::RefCastNullable => vec![nullable(heap)],
                    _ => vec![],
                };
                sig(&[abstract_ref(top)], &gives)
            }
            (Op::AnyConvertExtern | Op::ExternConvertAny, _) => {
                let r = self.reference(args)?;
                let (from, to) = match op {
                    Op::AnyConvertExtern => (AbstractHeap::Extern, AbstractHeap::Any),
                    _ => (AbstractHeap::Any, AbstractHeap::Extern),
                };
                let to = RefType { nullable: r.nullable, heap: HeapType::Abstract(to) };
                sig(&[abstract_ref(from)], &[Type::Ref(to)])
            }
            (Op::RefI31, _) => sig(&[], &[non_null(HeapType::Abstract(AbstractHeap::I31))]),
            (Op::I31GetS | Op::I31GetU, _) => sig(&[abstract_ref(AbstractHeap::I31)], &[]),
            (Op::ArrayLen, _) => sig(&[abstract_ref(AbstractHeap::Array)], &[]),
            (_, Imm::Field { ty, field }) => {
                let what = format_args!("field {field} of {ty}").to_string();
                let field = self.found(m.field(ty, field), what)?;
                self.access(op, field, matches!(op, Op::StructGetS | Op::StructGetU), op == Op::StructSet);
                let object = nullable(HeapType::Concrete(ty));
                if op == Op::StructSet { sig(&[object, field.ty], &[]) } else { sig(&[object], &[field.ty]) }
            }
            (Op::StructNewDefault, Imm::Type(ty)) => {
                for field in self.struct_fields(ty)? {
                    self.defaultable(field);
                }
                sig(&[], &[non_null(HeapType::Concrete(ty))])
            }
            _ => self.array_types(op, imm),
        }
    }

    /// The `any` operands and results of the array operators.
    fn array_types(&mut self, op: Op, imm: &Imm) -> Option<Sig> {
        let m = self.module;
        let ty = match *imm {
            Imm::Type(ty) | Imm::ArrayData { ty, .. } | Imm::ArrayElem { ty, .. } => ty,
            Imm::ArrayCopy { dst, .. } => dst,
            _ => {
                self.error("the verifier does not know this operator's types");
                return None;
            }
        };
        let elem = self.found(m.array_elem(ty), ty)?;
        let writes = op.kind() == Kind::GcWrite;
        self.access(op, elem, matches!(op, Op::ArrayGetS | Op::ArrayGetU), writes);
        if let Imm::ArrayElem { elem: segment, .. } = *imm {
            let from = self.found(m.elem_type(segment), segment)?;
            match elem.ty {
                Type::Ref(to) => self.elements(from, to),
                _ => self.error("an array of numbers takes no references"),
            }
        }
        if matches!(imm, Imm::ArrayData { .. }) && matches!(elem.ty, Type::Ref(_)) {
            self.error("an array of references takes no bytes");
        }
        let array = nullable(HeapType::Concrete(ty));
        let new = non_null(HeapType::Concrete(ty));
        let (takes, gives) = match op {
            Op::ArrayNew => (vec![elem.ty], vec![new]),
            Op::ArrayNewDefault => {
                self.defaultable(elem);
                (vec![], vec![new])
            }
            Op::ArrayNewData | Op::ArrayNewElem => (vec![], vec![new]),
            Op::ArrayGet => (vec![array], vec![elem.ty]),
            Op::ArrayGetS | Op::ArrayGetU | Op::ArrayInitData | Op::ArrayInitElem => (vec![array], vec![]),
            Op::ArraySet | Op::ArrayFill => (vec![array, elem.ty], vec![]),
            Op::ArrayCopy => {
                let &Imm::ArrayCopy { src, .. } = imm else { return None };
                let from = self.found(m.array_elem(src), src)?;
                if from.packed != elem.packed || !m.is_subtype(from.ty, elem.ty) {
                    self.error("the elements copied do not fit");
                }
                (vec![array, nullable(HeapType::Concrete(src))], vec![])
            }
            _ => {
                self.error("the verifier does not know this operator's types");
                return None;
            }
        };
        Some((takes, gives))
    }

    /// Whether a field may be accessed so.
    fn access(&mut self, op: Op, field: Field, extends: bool, writes: bool) {
        let reads = op.kind() == Kind::GcRead;
        if reads && extends != field.packed {
            self.error("packed fields, and only they, are read with a sign or zero extension");
        }
        if writes && !field.mutable {
            self.error("the field is immutable");
        }
    }

    fn defaultable(&mut self, field: Field) {
        if !field.ty.is_defaultable() {
            self.error(format!("{} has no default value", field.ty));
        }
    }

    /// The first operand as a reference.
    fn reference(&mut self, args: &[Type]) -> Option<RefType> {
        match args.first() {
            Some(&Type::Ref(r)) => Some(r),
            _ => {
                self.error("the operand is no reference");
                None
            }
        }
    }

    /// Top of the hierarchy that a heap type belongs to.
    fn top(&self, heap: HeapType) -> Option<AbstractHeap> {
        use AbstractHeap as H;
        Some(match heap {
            HeapType::Abstract(H::Func | H::NoFunc) => H::Func,
            HeapType::Abstract(H::Extern | H::NoExtern) => H::Extern,
            HeapType::Abstract(H::Exn | H::NoExn) => H::Exn,
            HeapType::Abstract(_) => H::Any,
            HeapType::Concrete(ty) => match self.module.composite(ty)? {
                Composite::Func(..) => H::Func,
                Composite::Struct(_) | Composite::Array(_) => H::Any,
            },
        })
    }

    fn struct_fields(&mut self, ty: TypeId) -> Option<Vec<Field>> {
        let m = self.module;
        let n = match m.composite(ty) {
            Some(Composite::Struct(n)) => Some(n),
            _ => None,
        };
        let n = self.found(n, ty)?;
        let fields = (0..n).map(|i| m.field(ty, i)).collect::<Option<Vec<_>>>();
        self.found(fields, ty)
    }

    /// Operators whose number of operands depends on the immediate. `args` serve only to bound the count of a fixed array.
    pub(super) fn custom_signature(&mut self, op: Op, imm: &Imm, args: &[Type]) -> Option<Sig> {
        match (op, *imm) {
            (Op::Call, Imm::Func(func)) => self.direct_callee(func),
            (Op::CallIndirect, Imm::CallIndirect { ty, table }) => self.indirect_callee(ty, table),
            (Op::CallRef, Imm::Type(ty)) => self.ref_callee(ty),
            (Op::StructNew, Imm::Type(ty)) => {
                let fields = self.struct_fields(ty)?;
                Some((fields.iter().map(|f| f.ty).collect(), vec![non_null(HeapType::Concrete(ty))]))
            }
            (Op::ArrayNewFixed, Imm::ArrayFixed { ty, len }) => {
                let elem = self.found(self.module.array_elem(ty), ty)?;
                if len as usize != args.len() {
                    self.error(format!("takes {len} operands"));
                    return None;
                }
                Some((vec![elem.ty; args.len()], vec![non_null(HeapType::Concrete(ty))]))
            }
            _ => {
                self.error("the verifier does not know this operator's types");
                None
            }
        }
    }

    pub(super) fn direct_callee(&mut self, func: FuncId) -> Option<Sig> {
        let (params, results) = self.found(self.module.func_sig(func), func)?;
        Some((params.to_vec(), results.to_vec()))
    }

    pub(super) fn indirect_callee(&mut self, ty: TypeId, table: TableId) -> Option<Sig> {
        let m = self.module;
        let (element, is64) = self.found(m.table_type(table), table)?;
        self.elements(element, RefType::FUNCREF);
        let (params, results) = self.found(m.type_sig(ty), ty)?;
        let mut params = params.to_vec();
        params.push(if is64 { Type::I64 } else { Type::I32 });
        Some((params, results.to_vec()))
    }

    pub(super) fn ref_callee(&mut self, ty: TypeId) -> Option<Sig> {
        let (params, results) = self.found(self.module.type_sig(ty), ty)?;
        let mut params = params.to_vec();
        params.push(nullable(HeapType::Concrete(ty)));
        Some((params, results.to_vec()))
    }
}
