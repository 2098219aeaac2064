//! Types of terminators and edges (invariants 7 and 8): what each edge produces.

use super::super::function::*;
use super::super::types::{AbstractHeap, HeapType, RefType, Type};
use super::Verifier;

/// The exception that `catch_ref` and `catch_all_ref` give: never null.
const EXN: Type = Type::Ref(RefType { nullable: false, heap: HeapType::Abstract(AbstractHeap::Exn) });
const EXN_OR_NULL: Type = Type::Ref(RefType { nullable: true, heap: HeapType::Abstract(AbstractHeap::Exn) });

impl Verifier<'_> {
    pub(super) fn terminator(&mut self, term: &Terminator) {
        let f = self.f;
        let operands = self.value_types(term.operands(&f.pool));
        match term {
            Terminator::Jump(edge) => self.edge(edge, &[]),
            Terminator::Branch { then, els, .. } => {
                self.operands(&operands, &[Type::I32]);
                self.edge(then, &[]);
                self.edge(els, &[]);
            }
            Terminator::Table { targets, default, .. } => {
                self.operands(&operands, &[Type::I32]);
                for edge in targets.iter().chain([default]) {
                    self.edge(edge, &[]);
                }
            }
            Terminator::Return(_) => self.operands(&operands, &f.results),
            Terminator::Unreachable => {}
            Terminator::TailCall { callee, .. } => {
                let sig = match *callee {
                    TailCallee::Direct(func) => self.direct_callee(func),
                    TailCallee::Indirect(ty, table) => self.indirect_callee(ty, table),
                    TailCallee::Ref(ty) => self.ref_callee(ty),
                };
                if let Some((params, results)) = sig {
                    self.operands(&operands, &params);
                    self.tail_results(&results);
                }
            }
            Terminator::BrOn { kind, arg, taken, els } => self.br_on(*kind, f.ty(*arg), taken, els),
            Terminator::Invoke { op, imm, normal, handlers, .. } => {
                if !op.is_call() || op.info().imm != imm.kind() {
                    self.error("only calls with their immediates can be invoked");
                } else if let Some((params, results)) = self.custom_signature(*op, imm, &[]) {
                    self.operands(&operands, &params);
                    self.edge(normal, &results);
                }
                self.handlers(handlers);
            }
            Terminator::Throw { tag, handlers, .. } => {
                match self.module.tag_params(*tag).map(<[Type]>::to_vec) {
                    Some(params) => self.operands(&operands, &params),
                    None => self.error(format!("there is no {tag}")),
                }
                self.handlers(handlers);
            }
            Terminator::ThrowRef { handlers, .. } => {
                self.operands(&operands, &[EXN_OR_NULL]);
                self.handlers(handlers);
            }
        }
    }

    fn tail_results(&mut self, results: &[Type]) {
        let ours = &self.f.results;
        let fits = results.len() == ours.len()
            && results.iter().zip(ours).all(|(&a, &b)| self.module.is_subtype(a, b));
        if !fits {
            self.error("the callee's results are not the function's");
        }
    }

    fn br_on(&mut self, kind: BrOnKind, arg: Type, taken: &Edge, els: &Edge) {
        let Type::Ref(reference) = arg else { return self.error("the operand is no reference") };
        let non_null = Type::Ref(RefType { nullable: false, ..reference });
        match kind {
            BrOnKind::Null => {
                self.edge(taken, &[]);
                self.edge(els, &[non_null]);
            }
            BrOnKind::NonNull => {
                self.edge(taken, &[non_null]);
                self.edge(els, &[]);
            }
            BrOnKind::Cast(from, to) | BrOnKind::CastFail(from, to) => {
                self.operands(&[arg], &[Type::Ref(from)]);
                if !self.module.is_ref_subtype(to, from) {
                    self.error("the target type of the cast is not a subtype of its source type");
                }
                let difference = Type::Ref(RefType { nullable: from.nullable && !to.nullable, ..from });
                let (then, other) = match kind {
                    BrOnKind::Cast(..) => (Type::Ref(to), difference),
                    _ => (difference, Type::Ref(to)),
                };
                self.edge(taken, &[then]);
                self.edge(els, &[other]);
            }
        }
    }

    fn handlers(&mut self, handlers: &[Handler]) {
        for h in handlers {
            let mut produced = match h.kind {
                CatchKind::One(tag) | CatchKind::OneRef(tag) => match self.module.tag_params(tag) {
                    Some(params) => params.to_vec(),
                    None => {
                        self.error(format!("there is no {tag}"));
                        continue;
                    }
                },
                CatchKind::All | CatchKind::AllRef => Vec::new(),
            };
            if matches!(h.kind, CatchKind::OneRef(_) | CatchKind::AllRef) {
                produced.push(EXN);
            }
            self.edge(&h.edge, &produced);
        }
    }

    /// Produced values and arguments against the target's parameters.
    fn edge(&mut self, edge: &Edge, produced: &[Type]) {
        let f = self.f;
        let params = self.value_types(f.block_params(edge.block));
        let mut given = produced.to_vec();
        given.extend(self.value_types(f.edge_args(edge)));
        if given.len() != params.len() {
            return self.error(format!(
                "{} has {} parameters, but the edge produces {} values and carries {}",
                edge.block,
                params.len(),
                produced.len(),
                given.len() - produced.len()
            ));
        }
        for (i, (&a, &p)) in given.iter().zip(&params).enumerate() {
            if !self.module.is_subtype(a, p) {
                self.error(format!("parameter {i} of {} has type {p}, but the edge gives {a}", edge.block));
            }
        }
    }
}
