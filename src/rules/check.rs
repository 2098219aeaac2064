//! From s-expressions to typed terms: names, arities, kinds and types.
//!
//! Types are unified while reading ([`Slots`]) and looked up at the end, so that a literal can take its type from what
//! stands beside it. Recursion is bounded by the reader's nesting cap.

use super::apply::{gives_constant, takes_class};
use super::ast::*;
use super::literal;
use super::sexpr::{Pos, Sexpr};
use super::types::{Shared, Slot, Slots};
use super::vocab::{Func, Gives, Param};
use crate::error::Error;
use crate::interp::Const;
use crate::ir::ops::{Kind, Op, SigType, Signature};
use crate::ir::types::Type;

/// Which part of the rule is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Binds variables.
    Left,
    /// Uses variables, may compute.
    Right,
}

/// What a term has to be.
#[derive(Clone, Copy)]
enum Want {
    Value(Slot),
    Version,
}

struct VarState {
    name: String,
    kind: VarKind,
    slot: Slot,
    /// Whether an operator of the left side by itself fixes the type.
    implied: bool,
}

/// A node whose type is not looked up yet.
struct RawNode {
    kind: NodeKind,
    want: Want,
    pos: Pos,
}

/// A term whose types are not looked up yet.
pub(super) struct RawPattern {
    nodes: Vec<RawNode>,
}

enum RawExpr {
    Literal(String, Pos, Slot),
    Done(Expr),
}

/// Reads the terms of one rule.
#[derive(Default)]
pub(super) struct Checker {
    vars: Vec<VarState>,
    slots: Slots,
    exprs: Vec<RawExpr>,
    side_is_right: bool,
    /// What is read next is an effect that a skeleton rule is about.
    at_effect: bool,
    wildcards: usize,
}

impl Checker {
    /// Reads a term that is a value. The result's type is `root`.
    pub(super) fn value_term(&mut self, s: &Sexpr, side: Side, root: Slot) -> Result<RawPattern, Error> {
        self.side_is_right = side == Side::Right;
        let mut nodes = Vec::new();
        self.term(s, Want::Value(root), false, &mut nodes)?;
        Ok(RawPattern { nodes })
    }

    /// Reads the effect that one side of a skeleton rule is: a state, or with `memory.grow` a value, whose type is `result`.
    pub(super) fn effect_term(&mut self, s: &Sexpr, side: Side, result: Slot) -> Result<RawPattern, Error> {
        self.side_is_right = side == Side::Right;
        self.at_effect = true;
        let makes_version = s.head().and_then(Op::from_name).and_then(shape).is_some_and(|s| s.makes_version);
        let want = if makes_version { Want::Version } else { Want::Value(result) };
        let mut nodes = Vec::new();
        self.term(s, want, false, &mut nodes)?;
        Ok(RawPattern { nodes })
    }

    /// A constant as a term.
    pub(super) fn constant_term(&mut self, c: Const, pos: Pos) -> RawPattern {
        let want = Want::Value(self.slots.of(c.ty()));
        RawPattern { nodes: vec![RawNode { kind: NodeKind::Const(ConstPat::Lit(c)), want, pos }] }
    }

    /// A type that is known.
    pub(super) fn type_of(&mut self, ty: Type) -> Slot {
        self.slots.of(ty)
    }

    /// A type that both sides of a rule share.
    pub(super) fn fresh_type(&mut self) -> Slot {
        self.slots.fresh()
    }

    /// Reads a condition.
    pub(super) fn condition(&mut self, s: &Sexpr) -> Result<ExprId, Error> {
        self.side_is_right = true;
        let Some(head) = s.head() else {
            return Err(s.pos.error("a condition is a call such as (is_pow2 ?c)"));
        };
        let func = self.function(head, s.pos)?;
        if func.info().gives != Gives::Truth {
            return Err(s.pos.error(format!("`{head}` computes a constant and is no condition")));
        }
        self.call(func, s, None)
    }

    /// Looks up all types: the variables, the computed parts, and a way to finish the terms.
    pub(super) fn finish(self) -> Result<(Vec<Var>, Vec<Expr>, Types), Error> {
        let mut exprs = Vec::with_capacity(self.exprs.len());
        for e in self.exprs {
            exprs.push(match e {
                RawExpr::Done(e) => e,
                RawExpr::Literal(text, pos, slot) => {
                    let Some(ty) = self.slots.get(slot) else {
                        return Err(pos.error(format!("cannot tell the type of the constant `{text}`")));
                    };
                    Expr::Lit(literal::parse(&text, ty).map_err(|m| pos.error(m))?)
                }
            });
        }
        let slots = &self.slots;
        let vars = self.vars.iter().map(|v| {
            let ty = matches!(v.kind, VarKind::Value | VarKind::Const).then(|| slots.get(v.slot)).flatten();
            Var {
                name: v.name.clone(),
                kind: v.kind,
                ty,
                check_type: v.kind == VarKind::Value && ty.is_some() && !v.implied,
            }
        });
        Ok((vars.collect(), exprs, Types(self.slots)))
    }

    /// Appends the nodes of a term in post-order; `implied` says whether the operator above fixes the type.
    fn term(
        &mut self,
        s: &Sexpr,
        want: Want,
        implied: bool,
        nodes: &mut Vec<RawNode>,
    ) -> Result<NodeId, Error> {
        let kind = match s.atom() {
            Some(name) if name.starts_with('?') => {
                let (kind, slot) = match want {
                    Want::Value(slot) => (VarKind::Value, slot),
                    Want::Version => (VarKind::Version, self.slots.fresh()),
                };
                NodeKind::Var(self.variable(name, s.pos, kind, slot, implied)?)
            }
            Some(text) => {
                return Err(s.pos.error(format!(
                    "expected a term, found `{text}`: variables start with `?`, constants are written (i32.const {text})"
                )));
            }
            None => self.operator(s, want, nodes)?,
        };
        nodes.push(RawNode { kind, want, pos: s.pos });
        Ok(NodeId(nodes.len() as u32 - 1))
    }

    fn operator(&mut self, s: &Sexpr, want: Want, nodes: &mut Vec<RawNode>) -> Result<NodeKind, Error> {
        let is_effect = std::mem::take(&mut self.at_effect);
        let Some(name) = s.head() else {
            return Err(s.pos.error("expected an operator's name after `(`"));
        };
        let Some(op) = Op::from_name(name) else {
            return self.no_operator(name, s, want);
        };
        let args = &s.list().unwrap_or_default()[1..];
        if let Some(ty) = literal::const_type(op) {
            self.unify_want(want, ty, s.pos)?;
            let [arg] = args else {
                return Err(s.pos.error(format!("`{name}` takes one constant, found {} terms", args.len())));
            };
            return self.constant(arg, ty).map(NodeKind::Const);
        }
        let Some(shape) = shape(op) else {
            return Err(s.pos.error(format!("`{name}` cannot stand in a rule")));
        };
        if op.info().kind == Kind::MemoryGrow && (!is_effect || self.side_is_right) {
            return Err(s.pos.error(format!("`{name}` can only be what a skeleton rule is about")));
        }
        let expected = shape.imms.len() + shape.operands + shape.versions;
        if args.len() != expected {
            return Err(s.pos.error(format!(
                "`{name}` takes {} here, found {} terms",
                describe(&shape),
                args.len()
            )));
        }
        match want {
            Want::Version if !shape.makes_version => {
                return Err(s.pos.error(format!("`{name}` is a value where an effect version is expected")));
            }
            Want::Version if self.side_is_right && !is_effect => {
                return Err(s.pos.error(
                    "a right side cannot make an effect version; bind it on the left or use (older …)",
                ));
            }
            Want::Value(_) if shape.makes_version => {
                return Err(s.pos.error(format!("`{name}` is an effect version where a value is expected")));
            }
            _ => {}
        }
        let (imm_args, rest) = args.split_at(shape.imms.len());
        let mut imms = Vec::new();
        for (sort, a) in shape.imms.iter().zip(imm_args) {
            imms.push(self.immediate(a, *sort, op)?);
        }
        let Signature::Fixed { params, results } = op.info().signature else {
            return Err(s.pos.error(format!("`{name}` cannot stand in a rule")));
        };
        let any = self.slots.fresh();
        if let (Want::Value(slot), Some(result)) = (want, results.first()) {
            let (result, _) = self.signature_type(*result, imm_args, op, any);
            self.unify(result, slot, s.pos)?;
        }
        let mut children = Vec::new();
        for (param, a) in params.iter().zip(rest) {
            let (slot, implied) = self.signature_type(*param, imm_args, op, any);
            children.push(self.term(a, Want::Value(slot), implied, nodes)?);
        }
        for a in &rest[shape.operands..] {
            children.push(self.term(a, Want::Version, true, nodes)?);
        }
        Ok(NodeKind::Op { op, imms, args: children })
    }

    /// Not an operator: a computed version, or an error.
    fn no_operator(&mut self, name: &str, s: &Sexpr, want: Want) -> Result<NodeKind, Error> {
        let Some(func) = Func::from_name(name) else {
            let known = Op::ALL.iter().map(|o| o.name());
            return Err(s.pos.error(format!("unknown operator `{name}`{}", did_you_mean(name, known))));
        };
        match (func.info().gives, want) {
            (Gives::Version, Want::Version) if self.side_is_right => {
                self.call(func, s, None).map(NodeKind::Version)
            }
            (Gives::Version, _) => {
                Err(s.pos.error(format!("`{name}` stands only for an effect version on a right side")))
            }
            (Gives::Truth, _) => Err(s.pos.error(format!("`{name}` is a condition: write it after :when"))),
            _ => Err(s.pos.error(format!(
                "`{name}` computes a constant: write it inside one, such as (i32.const ({name} …))"
            ))),
        }
    }

    /// The type that a word of the op table stands for, and whether the operator alone fixes it.
    fn signature_type(&mut self, t: SigType, imms: &[Sexpr], op: Op, any: Slot) -> (Slot, bool) {
        let index = |i: usize| imms.get(i).and_then(Sexpr::atom).unwrap_or("?").to_string();
        let slot = match t {
            SigType::Is(ty) => return (self.slots.of(ty), true),
            SigType::Addr => self.slots.shared(Shared::Memory(index(0))),
            SigType::AddrSrc => self.slots.shared(Shared::Memory(index(1))),
            SigType::TableAddr => self.slots.shared(Shared::TableIndex(index(0))),
            SigType::Any if matches!(op, Op::GlobalGet | Op::GlobalSet) => {
                self.slots.shared(Shared::Global(index(0)))
            }
            SigType::Any if matches!(op, Op::TableGet | Op::TableSet) => {
                self.slots.shared(Shared::TableElement(index(0)))
            }
            SigType::Any => any,
            SigType::AddrMin | SigType::TableAddrSrc | SigType::TableAddrMin => self.slots.fresh(),
        };
        (slot, false)
    }

    /// The argument of `i32.const` and its like.
    fn constant(&mut self, s: &Sexpr, ty: Type) -> Result<ConstPat, Error> {
        let slot = self.slots.of(ty);
        match s.atom() {
            Some(name) if name.starts_with('?') => {
                Ok(ConstPat::Var(self.variable(name, s.pos, VarKind::Const, slot, true)?))
            }
            Some(text) => literal::parse(text, ty).map(ConstPat::Lit).map_err(|m| s.pos.error(m)),
            None if self.side_is_right => self.computed(s, slot).map(ConstPat::Expr),
            None => Err(s.pos.error("a left side cannot compute: bind a variable and test it after :when")),
        }
    }

    fn immediate(&mut self, s: &Sexpr, sort: ImmSort, op: Op) -> Result<ImmPat, Error> {
        let slot = self.slots.of(Type::I64);
        match s.atom() {
            Some(name) if name.starts_with('?') => {
                Ok(ImmPat::Var(self.variable(name, s.pos, VarKind::Imm(sort), slot, true)?))
            }
            Some(text) => {
                let value: u64 = literal::parse_index(text).map_err(|m| s.pos.error(m))?;
                let limit = match sort {
                    ImmSort::Lane => literal::lanes(op),
                    ImmSort::Offset => u64::MAX,
                    _ => u64::from(u32::MAX),
                };
                if value >= limit {
                    return Err(s.pos.error(format!("{value} is out of range, the limit is {limit}")));
                }
                Ok(ImmPat::Lit(value))
            }
            None if self.side_is_right => self.computed(s, slot).map(ImmPat::Expr),
            None => Err(s.pos.error("expected an immediate: a number or a variable")),
        }
    }

    /// A computed constant of the given type.
    fn computed(&mut self, s: &Sexpr, slot: Slot) -> Result<ExprId, Error> {
        if let Some(name) = s.atom() {
            let raw = if name.starts_with('?') {
                RawExpr::Done(Expr::Var(self.constant_variable(name, s.pos, slot)?))
            } else {
                RawExpr::Literal(name.to_string(), s.pos, slot)
            };
            return Ok(self.push(raw));
        }
        let Some(head) = s.head() else {
            return Err(s.pos.error("expected a function of the vocabulary after `(`"));
        };
        let func = self.function(head, s.pos)?;
        if !gives_constant(func.info().gives) {
            return Err(s.pos.error(format!("`{head}` does not compute a constant")));
        }
        self.call(func, s, Some(slot))
    }

    fn function(&self, name: &str, pos: Pos) -> Result<Func, Error> {
        Func::from_name(name).ok_or_else(|| {
            let known = Func::ALL.iter().map(|f| f.name());
            pos.error(format!("unknown function `{name}`{}", did_you_mean(name, known)))
        })
    }

    fn call(&mut self, func: Func, s: &Sexpr, result: Option<Slot>) -> Result<ExprId, Error> {
        let info = func.info();
        let given = &s.list().unwrap_or_default()[1..];
        if given.len() != info.params.len() {
            return Err(s.pos.error(format!(
                "`{}` takes {} arguments, found {}",
                info.name,
                info.params.len(),
                given.len()
            )));
        }
        let same = self.slots.fresh();
        if let Some(result) = result {
            let gives = match info.gives {
                Gives::I32 => self.slots.of(Type::I32),
                Gives::I64 => self.slots.of(Type::I64),
                _ => same,
            };
            self.unify(gives, result, s.pos)?;
        }
        let mut args = Vec::new();
        for (p, a) in info.params.iter().zip(given) {
            args.push(self.argument(*p, a, same)?);
        }
        let has = |kinds: &[Param]| info.params.iter().any(|p| kinds.contains(p));
        if let Some(ty) = self.slots.get(same) {
            let integer = matches!(ty, Type::I32 | Type::I64);
            if has(&[Param::Same]) && !integer {
                return Err(s.pos.error(format!("`{}` works on integers, not {ty}", info.name)));
            }
            if has(&[Param::Float]) && !matches!(ty, Type::F32 | Type::F64) {
                return Err(s.pos.error(format!("`{}` works on floats, not {ty}", info.name)));
            }
        }
        Ok(self.push(RawExpr::Done(Expr::Call { func, args })))
    }

    fn argument(&mut self, p: Param, s: &Sexpr, same: Slot) -> Result<ExprId, Error> {
        let name = s.atom().filter(|a| a.starts_with('?'));
        match p {
            Param::Same | Param::Float => self.computed(s, same),
            Param::I32 | Param::I64 => {
                let slot = self.slots.of(if p == Param::I32 { Type::I32 } else { Type::I64 });
                self.computed(s, slot)
            }
            Param::Length => {
                let is_class = name.and_then(|n| self.lookup(n)).is_some_and(|v| v.kind == VarKind::Value);
                if is_class {
                    let slot = self.slots.fresh();
                    self.class_argument(s, VarKind::Value, slot)
                } else {
                    // A constant length may be of either width, because lengths are unsigned.
                    let slot = match name.and_then(|n| self.lookup(n)) {
                        Some(v) if v.kind == VarKind::Const => self.slots.fresh(),
                        _ => self.slots.of(Type::I64),
                    };
                    self.computed(s, slot)
                }
            }
            Param::Memory => match name {
                Some(n) => {
                    let slot = self.slots.fresh();
                    let v = self.variable(n, s.pos, VarKind::Imm(ImmSort::Memory), slot, true)?;
                    Ok(self.push(RawExpr::Done(Expr::Var(v))))
                }
                None => {
                    let slot = self.slots.of(Type::I64);
                    self.computed(s, slot)
                }
            },
            p => {
                debug_assert!(takes_class(p));
                match p {
                    Param::Version => {
                        let slot = self.slots.fresh();
                        self.class_argument(s, VarKind::Version, slot)
                    }
                    Param::Address => {
                        let slot = self.slots.fresh();
                        self.class_argument(s, VarKind::Value, slot)
                    }
                    _ => self.class_argument(s, VarKind::Value, same),
                }
            }
        }
    }

    fn class_argument(&mut self, s: &Sexpr, kind: VarKind, slot: Slot) -> Result<ExprId, Error> {
        let Some(name) = s.atom().filter(|a| a.starts_with('?')) else {
            return Err(s.pos.error("expected a variable bound by the left side"));
        };
        let v = self.variable(name, s.pos, kind, slot, false)?;
        Ok(self.push(RawExpr::Done(Expr::Var(v))))
    }

    /// A variable inside a computed constant: a constant, or an immediate taken as an `i64`.
    fn constant_variable(&mut self, name: &str, pos: Pos, slot: Slot) -> Result<VarId, Error> {
        let kind = match self.lookup(name).map(|v| v.kind) {
            Some(VarKind::Imm(sort)) => {
                let i64_slot = self.slots.of(Type::I64);
                self.unify(i64_slot, slot, pos)?;
                VarKind::Imm(sort)
            }
            _ => VarKind::Const,
        };
        let slot = if kind == VarKind::Const { slot } else { self.slots.of(Type::I64) };
        self.variable(name, pos, kind, slot, false)
    }

    fn lookup(&self, name: &str) -> Option<&VarState> {
        self.vars.iter().find(|v| v.name == name)
    }

    fn variable(
        &mut self,
        name: &str,
        pos: Pos,
        kind: VarKind,
        slot: Slot,
        implied: bool,
    ) -> Result<VarId, Error> {
        if name.len() < 2 {
            return Err(pos.error("a variable needs a name after `?`"));
        }
        let implied = implied && !self.side_is_right;
        let wildcard = name == "?_";
        let found = self.vars.iter().position(|v| v.name == name && !wildcard);
        if let Some(i) = found {
            let state = &self.vars[i];
            if state.kind != kind {
                return Err(pos.error(format!(
                    "`{name}` is {} here but {} before",
                    describe_kind(kind),
                    describe_kind(state.kind)
                )));
            }
            let other = state.slot;
            self.vars[i].implied |= implied;
            self.unify(other, slot, pos)?;
            return Ok(VarId(i as u32));
        }
        if self.side_is_right {
            if wildcard {
                return Err(pos.error("`?_` matches anything and cannot be used"));
            }
            let what = if kind == VarKind::Version {
                "effect version that the left side does not bind"
            } else {
                "unbound variable"
            };
            return Err(pos.error(format!("{what}: `{name}`{}", self.bound_like(name, kind))));
        }
        let name = if wildcard {
            self.wildcards += 1;
            format!("?_{}", self.wildcards)
        } else {
            name.to_string()
        };
        self.vars.push(VarState { name, kind, slot, implied });
        Ok(VarId(self.vars.len() as u32 - 1))
    }

    /// What may have been meant by a name that the left side does not bind.
    fn bound_like(&self, name: &str, kind: VarKind) -> String {
        let names = || self.vars.iter().filter(|v| v.kind == kind).map(|v| v.name.as_str());
        let near = did_you_mean(name, names());
        if !near.is_empty() {
            return near;
        }
        let names: Vec<&str> = names().filter(|n| !n.starts_with("?_")).collect();
        match names[..] {
            [] => format!("; nothing on the left side is {}", describe_kind(kind)),
            _ => format!("; the left side binds {}", names.join(", ")),
        }
    }

    fn push(&mut self, e: RawExpr) -> ExprId {
        self.exprs.push(e);
        ExprId(self.exprs.len() as u32 - 1)
    }

    fn unify_want(&mut self, want: Want, ty: Type, pos: Pos) -> Result<(), Error> {
        match want {
            Want::Value(slot) => {
                let known = self.slots.of(ty);
                self.unify(known, slot, pos)
            }
            Want::Version => Err(pos.error("a constant where an effect version is expected")),
        }
    }

    /// Makes the type found equal to the type expected.
    fn unify(&mut self, found: Slot, expected: Slot, pos: Pos) -> Result<(), Error> {
        self.slots.unify(expected, found).map_err(|(e, f)| {
            // The order of the two depends on which was known first, so name both without roles.
            pos.error(format!("types differ: {e} and {f}{}", conversions(e, f)))
        })
    }
}

/// The types of one rule, all looked up.
pub(super) struct Types(Slots);

impl Types {
    /// The typed term.
    pub(super) fn pattern(&self, raw: RawPattern) -> Pattern {
        let nodes = raw.nodes.into_iter().map(|n| {
            let ty = match n.want {
                Want::Value(slot) => NodeType::Value(self.0.get(slot)),
                Want::Version => NodeType::Version,
            };
            Node { kind: n.kind, ty, pos: n.pos }
        });
        Pattern { nodes: nodes.collect() }
    }
}

/// Operators that make one type of the other, one for each direction, as a hint; nothing where there is none.
fn conversions(a: Type, b: Type) -> String {
    let converts = |from: Type, to: Type| {
        let named = format!("_{from}");
        let fits = |o: &&Op| {
            let signature = o.info().signature;
            matches!(signature, Signature::Fixed { params: [SigType::Is(p)], results: [SigType::Is(r)] } if (*p, *r) == (from, to))
                && o.name().contains(&named)
        };
        Op::ALL.iter().find(fits).map(|o| format!("`{}`", o.name()))
    };
    let names: Vec<String> = [converts(a, b), converts(b, a)].into_iter().flatten().collect();
    match &names[..] {
        [] => String::new(),
        _ => format!("; conversions are {}", names.join(" and ")),
    }
}

fn describe(shape: &Shape) -> String {
    let mut parts = Vec::new();
    for (n, what) in
        [(shape.imms.len(), "immediate"), (shape.operands, "operand"), (shape.versions, "effect version")]
    {
        if n > 0 {
            parts.push(format!("{n} {what}{}", if n == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() { "no terms".to_string() } else { parts.join(", ") }
}

fn describe_kind(kind: VarKind) -> &'static str {
    match kind {
        VarKind::Value => "a value",
        VarKind::Const => "a constant's bits",
        VarKind::Version => "an effect version",
        VarKind::Imm(ImmSort::Memory) => "a memory index",
        VarKind::Imm(ImmSort::Offset) => "an offset",
        VarKind::Imm(ImmSort::Lane) => "a lane",
        VarKind::Imm(ImmSort::Global) => "a global index",
        VarKind::Imm(ImmSort::Table) => "a table index",
        VarKind::Imm(ImmSort::Data) => "a data segment index",
    }
}

/// `; did you mean …?` for the nearest known name, or nothing.
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let limit = 1 + name.len() / 4;
    // A hostile name must not cost quadratic time.
    if name.len() > 64 {
        return String::new();
    }
    known
        .map(|k| (edit_distance(name, k), k))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map_or(String::new(), |(_, k)| format!("; did you mean `{k}`?"))
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = corner + usize::from(ca != *cb);
            corner = row[j + 1];
            row[j + 1] = substitute.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
