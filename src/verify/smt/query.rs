//! A rule as a query: is there a sample that meets the conditions and tells the sides apart?
//!
//! The left side is taken to be well-formed and to have happened: lanes and offsets are valid, each version is one of the
//! memory that the operator names, and the effects in it did not trap. The same things are demanded of the right side, which
//! would not be valid code otherwise.

use super::functions::{self, Meaning, Term, effective};
use super::ops;
use super::script::{Script, and, bits_sort, extract, literal, or, resize};
use super::state::{Content, PLACE, State, loaded, memory_sort, stored, table_sort};
use super::typing::Typing;
use super::value::*;
use crate::interp::Const;
use crate::ir::ops::{Kind, Op};
use crate::rules::*;
use std::rc::Rc;

/// What a variable stands for.
#[derive(Clone)]
enum Item {
    Value(Value),
    State(Rc<State>),
    /// An immediate, in 64 bits.
    Imm(String),
}

/// A query and what to ask of its model.
pub(super) struct Query {
    /// Declarations and what holds in every sample.
    pub(super) text: String,
    /// What the opaque places in it stand for; empty if there are none.
    pub(super) definitions: String,
    /// Simpler terms for some of them, which are right where none of `unless` can be.
    pub(super) views: String,
    /// See `views`.
    pub(super) unless: Vec<String>,
    /// Ways in which the sides may be told apart, each a question of its own.
    pub(super) differs: Vec<String>,
    /// Whether it cannot be said; none if it always can.
    pub(super) doubt: Option<String>,
    /// Terms by the names under which a counterexample prints them, with the type of constants.
    pub(super) shown: Vec<Shown>,
}

/// A term that a counterexample prints.
pub(super) struct Shown {
    /// The variable's name.
    pub(super) name: String,
    /// The term.
    pub(super) term: String,
    /// How to read its bits.
    pub(super) ty: Option<crate::ir::types::Type>,
}

struct Builder<'a> {
    rule: &'a Rule,
    typing: &'a Typing,
    script: Script,
    vars: Vec<Item>,
    /// The side that is being built is the right one.
    right: bool,
    /// What has to hold of the right side for it to be valid code.
    valid: Vec<String>,
    doubts: Vec<String>,
    /// Where copies of the left side begin to read, and how many bytes.
    copied: Vec<(String, String)>,
}

/// One side.
struct Side {
    value: Value,
    trap: String,
}

/// The query of a rule under one choice of address widths.
///
/// # Errors
/// What is not modelled.
pub(super) fn query(observed: &Observed<'_>, typing: &Typing) -> Result<Query, String> {
    let rule = &*observed.rule;
    let mut b = Builder {
        rule,
        typing,
        script: Script::default(),
        vars: Vec::new(),
        right: false,
        valid: Vec::new(),
        doubts: Vec::new(),
        copied: Vec::new(),
    };
    let mut shown = Vec::new();
    for (i, v) in rule.vars.iter().enumerate() {
        let item = b.variable(VarId(i as u32));
        let term = match &item {
            Item::Value(v) if v.sort != Sort::Any => Some(v.text.clone()),
            Item::Imm(t) => Some(t.clone()),
            Item::State(s) => Some(s.size.clone()),
            Item::Value(_) => None,
        };
        if let Some(term) = term {
            let name =
                if matches!(item, Item::State(_)) { format!("size of {}", v.name) } else { v.name.clone() };
            shown.push(Shown { name, term, ty: v.ty });
        }
        b.vars.push(item);
    }
    for (x, y) in typing.distinct() {
        // Other than by its text an index may be computed; only on the right side, which cannot choose widths.
        if let (Ok(x), Ok(y)) = (b.immediate(x), b.immediate(y)) {
            b.script.assert(format!("(distinct {} {})", x.text, y.text));
        }
    }
    let left = b.side(&rule.lhs, |node| observed.has_happened(node))?;
    for &c in &rule.conditions {
        match b.expr(c)? {
            Meaning::Truth(t) => b.script.assert(t),
            _ => return Err("a condition that is none".to_string()),
        }
    }
    b.right = true;
    let right = b.side(&rule.rhs, |_| false)?;
    let unknown = |v: &Value| v.kind.as_ref().map(|k| format!("(= {k} {UNKNOWN})"));
    b.doubts.extend([unknown(&left.value), unknown(&right.value)].into_iter().flatten());
    let same = refines(&left.value, &right.value)?;
    let doubt = (!b.doubts.is_empty()).then(|| b.script.define("Bool", or(&b.doubts)));
    let mut differs: Vec<String> = b.valid.iter().map(|v| format!("(not {v})")).collect();
    if left.trap != "false" || right.trap != "false" {
        differs.push(format!("(and {} (not {}))", left.trap, right.trap));
        differs.push(format!("(and {} (not {}))", right.trap, left.trap));
    }
    differs.push(and(&[format!("(not {})", left.trap), format!("(not {same})")]));
    if let Some(d) = &doubt {
        differs = differs.iter().map(|t| format!("(and {t} (not {d}))")).collect();
    }
    for (name, side) in [("the left side", &left), ("the right side", &right)] {
        shown.push(Shown { name: format!("{name} traps"), term: side.trap.clone(), ty: None });
        if side.value.sort != Sort::Any {
            let ty = match rule.lhs.nodes.last().map(|n| n.ty) {
                Some(NodeType::Value(ty)) => ty,
                _ => None,
            };
            shown.push(Shown { name: name.to_string(), term: side.value.text.clone(), ty });
        }
    }
    let definitions = b.script.definitions();
    let (views, exact) = b.script.views();
    let unless = exact.iter().map(|e| format!("(not {e})")).collect();
    Ok(Query { text: b.script.text()?.to_string(), definitions, views, unless, differs, doubt, shown })
}

impl Builder<'_> {
    /// What a variable stands for in a sample: anything of its sort.
    fn variable(&mut self, id: VarId) -> Item {
        let v = self.rule.var(id);
        match v.kind {
            VarKind::Value | VarKind::Const => {
                let sort = self.typing.var(id);
                Item::Value(Value::exact(self.script.declare(sort.text()), sort))
            }
            VarKind::Imm(_) => Item::Imm(self.script.declare(bits_sort(64))),
            VarKind::Version => {
                let index = self.script.declare(bits_sort(64));
                let size = self.script.declare(bits_sort(PLACE));
                let content = match self.user(id) {
                    Some(Kind::GlobalGet | Kind::GlobalSet) => {
                        Content::Value(Value::exact(self.script.declare(Sort::Any.text()), Sort::Any))
                    }
                    Some(Kind::TableGet | Kind::TableSet | Kind::TableSize) => {
                        Content::Bytes { array: self.script.declare(table_sort()) }
                    }
                    _ => Content::Bytes { array: self.script.declare(memory_sort()) },
                };
                Item::State(Rc::new(State { index, size, content }))
            }
        }
    }

    /// The kind of an operator whose version a variable is.
    fn user(&self, id: VarId) -> Option<Kind> {
        let lhs = &self.rule.lhs;
        lhs.nodes.iter().find_map(|n| match &n.kind {
            NodeKind::Op { op, args, .. } => {
                let uses = args.iter().any(|a| lhs.node(*a).kind == NodeKind::Var(id));
                uses.then_some(op.info().kind)
            }
            _ => None,
        })
    }

    /// Something that the left side may take for granted and the right side has to keep.
    fn demand(&mut self, term: String) {
        if self.right {
            self.valid.push(term);
        } else {
            self.script.assert(term);
        }
    }

    /// A computed part that has no value where `defined` is false: there the rule does not match.
    fn expr_constant(&mut self, e: ExprId) -> Result<Term, String> {
        match self.expr(e)? {
            Meaning::Constant(term, defined) => {
                if let Some(d) = defined {
                    self.script.assert(d);
                }
                Ok(term)
            }
            _ => Err("a computed part that is no constant".to_string()),
        }
    }

    /// Recursion is bounded by the reader's nesting cap.
    fn expr(&mut self, e: ExprId) -> Result<Meaning, String> {
        match self.rule.expr(e).clone() {
            Expr::Lit(c) => Ok(Meaning::Constant(constant_term(c), None)),
            Expr::Var(v) => match &self.vars[v.index()] {
                Item::Value(v) => Ok(Meaning::Constant(Term::new(v.text.clone(), v.width()?), None)),
                Item::Imm(t) => Ok(Meaning::Constant(Term::new(t.clone(), 64), None)),
                Item::State(_) => Err("an effect version as an argument".to_string()),
            },
            Expr::Call { func, args } => {
                // `not_const` holds for values of every type.
                if func == Func::NotConst {
                    return Ok(Meaning::Truth("true".to_string()));
                }
                if func == Func::Unchanged {
                    return self.unchanged(&args).map(Meaning::Truth);
                }
                let mut terms = Vec::new();
                for &a in &args {
                    terms.push(self.expr_constant(a)?);
                }
                let meaning = functions::apply(&mut self.script, func, &terms)?;
                Ok(match meaning {
                    Meaning::Constant(t, defined) => {
                        let text = self.script.bits(t.width, &t.text);
                        Meaning::Constant(Term { text, ..t }, defined)
                    }
                    other => other,
                })
            }
        }
    }

    /// `older`: a state of the same memory and size, with the same bytes where it is asked about.
    fn older(&mut self, e: ExprId) -> Result<Rc<State>, String> {
        let Expr::Call { func: Func::Older, args } = self.rule.expr(e).clone() else {
            return Err("a version that is not computed by `older`".to_string());
        };
        let [version, memory, a, o, n] = args[..] else {
            return Err("`older` with other arguments".to_string());
        };
        let newer = self.version(version)?;
        let memory = self.expr_constant(memory)?;
        // Of another memory there is no older version.
        self.script.assert(format!("(= {} {})", memory.text, newer.index));
        let (at, n) = self.asked(a, o, n)?;
        let array = self.script.declare(memory_sort());
        let older =
            State { index: newer.index.clone(), size: newer.size.clone(), content: Content::Bytes { array } };
        let new = newer.bytes(&mut self.script, &at, n)?;
        let old = older.bytes(&mut self.script, &at, n)?;
        for (x, y) in new.iter().zip(&old) {
            self.script.assert(format!("(= {x} {y})"));
        }
        Ok(Rc::new(older))
    }

    /// `unchanged`: two states of a memory with the same bytes where it is asked about.
    fn unchanged(&mut self, args: &[ExprId]) -> Result<String, String> {
        let &[older, newer, memory, a, o, n] = args else {
            return Err("`unchanged` with other arguments".to_string());
        };
        let (older, newer) = (self.version(older)?, self.version(newer)?);
        let memory = self.expr_constant(memory)?;
        let (at, n) = self.asked(a, o, n)?;
        let mut same = vec![
            format!("(= {} {} {})", memory.text, older.index, newer.index),
            format!("(= {} {})", older.size, newer.size),
        ];
        let (old, new) = (older.bytes(&mut self.script, &at, n)?, newer.bytes(&mut self.script, &at, n)?);
        same.extend(old.iter().zip(&new).map(|(x, y)| format!("(= {x} {y})")));
        Ok(and(&same))
    }

    /// The state that a version of the rule is.
    fn version(&self, e: ExprId) -> Result<Rc<State>, String> {
        match self.rule.expr(e) {
            Expr::Var(v) => match &self.vars[v.index()] {
                Item::State(s) => Ok(s.clone()),
                _ => Err("a version that is none".to_string()),
            },
            _ => Err("a version that is no variable".to_string()),
        }
    }

    /// The place that a function on versions asks about, and how many bytes.
    fn asked(&mut self, a: ExprId, o: ExprId, n: ExprId) -> Result<(String, u32), String> {
        let (a, o) = (self.expr_constant(a)?, self.expr_constant(o)?);
        let Expr::Lit(n) = self.rule.expr(n) else {
            return Err("a number of bytes that is not written out".to_string());
        };
        let n = n.as_int().and_then(|n| u32::try_from(n).ok()).filter(|&n| n <= 16);
        let n = n.ok_or("more than 16 bytes are asked about")?;
        Ok((effective(&mut self.script, &a, &o, true), n))
    }

    /// An immediate, in 64 bits.
    fn immediate(&mut self, p: ImmPat) -> Result<Term, String> {
        match p {
            ImmPat::Lit(n) => Ok(Term::new(literal(64, n.into()), 64)),
            ImmPat::Var(v) => match &self.vars[v.index()] {
                Item::Imm(t) => Ok(Term::new(t.clone(), 64)),
                _ => Err("an immediate that is none".to_string()),
            },
            ImmPat::Expr(e) => {
                let term = self.expr_constant(e)?;
                Ok(Term { text: resize(&term.text, term.width, 64), width: 64, place: term.place })
            }
        }
    }

    /// One side. What has happened did not trap.
    fn side(&mut self, p: &Pattern, happened: impl Fn(usize) -> bool) -> Result<Side, String> {
        let mut items: Vec<Item> = Vec::with_capacity(p.nodes.len());
        let mut traps = Vec::new();
        for (n, node) in p.nodes.iter().enumerate() {
            let item = match &node.kind {
                NodeKind::Var(v) => self.vars[v.index()].clone(),
                NodeKind::Const(ConstPat::Var(v)) => self.vars[v.index()].clone(),
                NodeKind::Const(ConstPat::Lit(c)) => Item::Value(self.exact(constant_term(*c))),
                NodeKind::Const(ConstPat::Expr(e)) => {
                    let term = self.expr_constant(*e)?;
                    Item::Value(self.exact(term))
                }
                NodeKind::Version(e) => Item::State(self.older(*e)?),
                NodeKind::Op { op, imms, args } => {
                    let args: Vec<Item> = args.iter().map(|a| items[a.index()].clone()).collect();
                    self.operator(*op, imms, &args, &mut traps)?
                }
            };
            items.push(item);
            if happened(n) {
                for trap in traps.drain(..) {
                    self.script.assert(format!("(not {trap})"));
                }
            }
        }
        let trap = or(&traps);
        let trap = if traps.is_empty() { trap } else { self.script.define("Bool", trap) };
        match items.pop() {
            Some(Item::Value(value)) => Ok(Side { value, trap }),
            _ => Err("a side that is no value".to_string()),
        }
    }

    fn exact(&mut self, term: Term) -> Value {
        let text = self.script.bits(term.width, &term.text);
        Value::exact(text, Sort::Bits(term.width))
    }

    fn operator(
        &mut self,
        op: Op,
        imms: &[ImmPat],
        args: &[Item],
        traps: &mut Vec<String>,
    ) -> Result<Item, String> {
        let kind = op.info().kind;
        let value = |i: usize| match args.get(i) {
            Some(Item::Value(v)) => Ok(v.clone()),
            _ => Err(format!("operand {i} of `{}` is no value", op.name())),
        };
        let state = |i: usize| match args.get(i) {
            Some(Item::State(s)) => Ok(s.clone()),
            _ => Err(format!("operand {i} of `{}` is no version", op.name())),
        };
        let mut numbers = Vec::new();
        for &i in imms {
            numbers.push(self.immediate(i)?);
        }
        let shape = shape(op).ok_or_else(|| format!("`{}` is no term", op.name()))?;
        if let Some(at) = shape.imms.iter().position(|&s| s == ImmSort::Lane) {
            let lanes = literal(64, lanes(op).into());
            for n in &numbers[at..] {
                self.demand(format!("(bvult {} {lanes})", n.text));
            }
        }
        if matches!(kind, Kind::Pure | Kind::Trap) {
            let values: Result<Vec<Value>, String> = (0..args.len()).map(value).collect();
            let lanes: Vec<String> = numbers.into_iter().map(|n| n.text).collect();
            let outcome = ops::apply(&mut self.script, op, &lanes, &values?)?;
            if let Some(t) = outcome.trap {
                traps.push(self.script.define("Bool", t));
            }
            self.doubts.extend(outcome.doubt);
            return Ok(Item::Value(outcome.value));
        }
        // Versions come last; the first is of the memory, global or table that is read or changed.
        let first = shape.operands;
        let before = state(first)?;
        self.demand(format!("(= {} {})", before.index, numbers[0].text));
        let table = matches!(kind, Kind::TableGet | Kind::TableSet | Kind::TableSize);
        let wide = self.typing.address_width(table, imms[0]) == 64;
        self.bound_size(&before, wide);
        match kind {
            Kind::Load => {
                let address = value(0)?;
                let at = self.access(op, &address, &numbers, imms, wide)?;
                let width = u32::from(op.info().width);
                self.monotonic(&at, width);
                let trap = format!("(bvugt (bvadd {at} {}) {})", literal(PLACE, width.into()), before.size);
                traps.push(self.script.define("Bool", trap));
                let bytes = before.bytes(&mut self.script, &at, width)?;
                loaded(&mut self.script, op, &bytes).map(Item::Value)
            }
            Kind::MemorySize => {
                let width = if wide { 64 } else { 32 };
                let pages =
                    extract(&format!("(bvlshr {} {})", before.size, literal(PLACE, 16)), width - 1, 0);
                Ok(Item::Value(self.exact(Term::new(pages, width))))
            }
            // Where nothing changes: nothing was asked for, or there is no more.
            Kind::MemoryGrow => {
                let width = if wide { 64 } else { 32 };
                let pages =
                    extract(&format!("(bvlshr {} {})", before.size, literal(PLACE, 16)), width - 1, 0);
                let (zero, none) = (literal(width, 0), literal(width, u128::MAX >> (128 - width)));
                let size = format!("(ite (= {} {zero}) {pages} {none})", value(0)?.text);
                Ok(Item::Value(self.exact(Term::new(size, width))))
            }
            Kind::GlobalGet => before.global().map(Item::Value),
            Kind::TableGet => {
                let at = self.place(&value(0)?)?;
                traps.push(format!("(bvuge {at} {})", before.size));
                before.slot(&mut self.script, &at).map(Item::Value)
            }
            Kind::Store => {
                let at = self.access(op, &value(0)?, &numbers, imms, wide)?;
                let bytes = stored(op, &value(1)?)?;
                let len = literal(PLACE, bytes.len() as u128);
                self.happened(&at, &len, &before.size);
                self.state(&before, Content::Store { at, bytes, before: before.clone() })
            }
            Kind::MemoryFill => {
                let (at, len) = (self.place(&value(0)?)?, self.place(&value(2)?)?);
                let byte = extract(&value(1)?.text, 7, 0);
                self.happened(&at, &len, &before.size);
                self.state(&before, Content::Fill { at, len, byte, before: before.clone() })
            }
            Kind::MemoryCopy => {
                let source = state(first + 1)?;
                self.demand(format!("(= {} {})", source.index, numbers[1].text));
                let wide = self.typing.address_width(false, imms[1]) == 64;
                self.bound_size(&source, wide);
                self.one_memory(&before, &source, imms, &numbers)?;
                let (at, from) = (self.place(&value(0)?)?, self.place(&value(1)?)?);
                let len = self.place(&value(2)?)?;
                self.happened(&at, &len, &before.size);
                self.happened(&from, &len, &source.size);
                self.copied.push((from.clone(), len.clone()));
                self.state(&before, Content::Copy { at, len, from, source, before: before.clone() })
            }
            Kind::GlobalSet => {
                let v = value(0)?;
                self.state(&before, Content::Value(v))
            }
            Kind::TableSet => {
                let at = self.place(&value(0)?)?;
                self.script.assert(format!("(bvult {at} {})", before.size));
                let v = value(1)?;
                self.state(&before, Content::Slot { at, value: v, before: before.clone() })
            }
            _ => Err(format!("`{}` has no SMT term", op.name())),
        }
    }

    /// The state after an effect.
    fn state(&mut self, before: &Rc<State>, content: Content) -> Result<Item, String> {
        let (index, size) = (before.index.clone(), before.size.clone());
        Ok(Item::State(Rc::new(State { index, size, content })))
    }

    /// A memory with 32-bit addresses has at most 4 GiB, one with 64-bit addresses at most 2^64 bytes.
    fn bound_size(&mut self, state: &State, wide: bool) {
        let most = literal(PLACE, 1 << if wide { 64 } else { 32 });
        self.script.assert(format!("(bvule {} {most})", state.size));
    }

    /// An effect on the left side that did not trap.
    fn happened(&mut self, at: &str, len: &str, size: &str) {
        self.script.assert(format!("(bvule (bvadd {at} {len}) {size})"));
    }

    /// What is so in any case, but long to find bit by bit: a copy that has room for `width` bytes at a place after its start
    /// ends no earlier than they do. No sum wraps, for none of the numbers has more than 66 bits.
    fn monotonic(&mut self, at: &str, width: u32) {
        let width = literal(PLACE, width.into());
        for (from, len) in self.copied.clone() {
            let d = format!("(bvsub {at} {from})");
            let small = format!("(= {} {})", extract(&d, PLACE - 1, PLACE - 2), literal(2, 0));
            let room = format!("(bvule (bvadd {d} {width}) {len})");
            let there = format!("(bvule (bvadd {at} {width}) (bvadd {from} {len}))");
            self.script.assert(format!("(=> (and {small} {room}) {there})"));
        }
    }

    /// A copy within one memory reads the state that it changes.
    fn one_memory(
        &mut self,
        before: &Rc<State>,
        source: &Rc<State>,
        imms: &[ImmPat],
        numbers: &[Term],
    ) -> Result<(), String> {
        if let (ImmPat::Lit(d), ImmPat::Lit(s)) = (imms[0], imms[1])
            && d != s
        {
            return Ok(());
        }
        if Rc::ptr_eq(before, source) {
            return Ok(());
        }
        let (Content::Bytes { array: x }, Content::Bytes { array: y }) = (&before.content, &source.content)
        else {
            return Err("a copy whose versions are effects".to_string());
        };
        let same = format!("(and (= {x} {y}) (= {} {}))", before.size, source.size);
        self.script.assert(format!("(=> (= {} {}) {same})", numbers[0].text, numbers[1].text));
        Ok(())
    }

    /// A value as a place or length.
    fn place(&mut self, value: &Value) -> Result<String, String> {
        if value.kind.is_some() {
            return Err("an address that is not modelled".to_string());
        }
        value.resized(PLACE)
    }

    /// The effective address of an access. The offset of a memory with 32-bit addresses has 32 bits.
    fn access(
        &mut self,
        op: Op,
        address: &Value,
        numbers: &[Term],
        imms: &[ImmPat],
        wide: bool,
    ) -> Result<String, String> {
        let [_, offset, ..] = numbers else { return Err(format!("`{}` without an offset", op.name())) };
        if !wide {
            self.demand(format!("(= {} {})", extract(&offset.text, 63, 32), literal(32, 0)));
        }
        if address.kind.is_some() {
            return Err("an address that is not modelled".to_string());
        }
        let mut term = Term::new(address.text.clone(), address.width()?);
        if let Some(sum) = &address.sum {
            let base = self.script.opaque(PLACE, resize(&term.text, term.width, PLACE), |place| {
                format!("(bvult {place} {})", literal(PLACE, 1 << term.width))
            });
            self.script.view(&base, &sum.place, &sum.exact);
            self.monotonic(&sum.place, op.info().width.into());
            term.place = Some(base);
        }
        Ok(effective(&mut self.script, &term, offset, matches!(imms.get(1), Some(ImmPat::Var(_)))))
    }
}

fn constant_term(c: Const) -> Term {
    let width = match c {
        Const::I32(_) | Const::F32(_) => 32,
        Const::I64(_) | Const::F64(_) => 64,
        Const::V128(_) => 128,
    };
    Term::new(literal(width, c.bits()), width)
}
