//! A rule tried: a module whose one function computes an instance of the rule's left side.
//!
//! **In:** a rule. **Out:** text of a module, and the term that it computes: the rule's first example, or its left side with the first
//! constants, from a fixed list, under which the conditions on constants hold. What a condition asks of a value is made so by an
//! operation on the parameter (`?x` non-negative: its sign bit is masked out). Every operator writes a local of its own in
//! the order of the pattern, so stores happen in the order of their versions. Whether the rule fires there is for the caller
//! to find out: a fact may be more than the e-graph can know. [`near_misses`] makes modules in which it must not.
//!
//! Complexity: at most [`MAX_TRIES`] choices of constants a rule.

use crate::interp::Const;
use crate::ir::ops::{ImmKind, SigType, Signature};
use crate::ir::types::Type;
use crate::rules::{
    Bound, ConstPat, Expr, ExprId, Facts, Func, ImmPat, ImmSort, Length, NodeId, NodeKind, NodeType, Outcome,
    Param, Pattern, Rule, Var, VarId, VarKind, shape,
};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Most choices of constants that are tried; the last one is taken though a condition does not hold.
pub const MAX_TRIES: usize = 20_000;

/// Constants to try, in this order, before the edges of their type and the rule's own literals and their neighbours.
const NUMBERS: [i64; 19] = [8, 5, 3, 1, 0, -1, 2, 16, 31, 24, 7, 4, 255, 32, 63, 64, 100, -65, 0xffff];

/// Bytes that a copy or fill of a length that a condition asks about has.
const LENGTH: u64 = 64;

/// Floats to try.
const FLOATS: [f64; 6] = [4.0, 1.0, 0.0, -0.0, -1.0, 3.5];

/// A module made for a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The module as text; it exports one function, `f`.
    pub wat: String,
    /// What the function computes, in the rule's variables.
    pub term: String,
}

/// Facts that are true of every value; all addresses are one. Only conditions on constants decide.
struct Granted;

fn bytes(length: Length<()>) -> u64 {
    match length {
        Length::Bytes(n) => n,
        Length::Value(()) => LENGTH,
    }
}

impl Facts for Granted {
    type Class = ();

    fn zero_bits(&self, (): (), _: u64) -> bool {
        true
    }
    fn nonzero(&self, (): ()) -> bool {
        true
    }
    fn nonneg(&self, (): ()) -> bool {
        true
    }
    fn quiet(&self, (): ()) -> bool {
        true
    }
    fn no_wrap_add(&self, (): (), _: u64) -> bool {
        true
    }
    fn distance(&self, (): (), o: u64, (): (), p: u64) -> Option<i64> {
        Some(o.wrapping_sub(p) as i64)
    }
    fn disjoint(&self, (): (), o: u64, n: u64, (): (), p: u64, length: Length<()>) -> bool {
        o.saturating_add(n) <= p || p.saturating_add(bytes(length)) <= o
    }
    fn within(&self, (): (), o: u64, n: u64, (): (), length: Length<()>) -> bool {
        o.saturating_add(n) <= bytes(length)
    }
    fn unchanged(&self, (): (), (): (), _: u64, (): (), _: u64, _: u64) -> bool {
        true
    }
    fn older(&self, (): (), _: u64, (): (), _: u64, _: u64) -> Option<()> {
        Some(())
    }
}

/// The module for a rule. `None` where its left side cannot be written as a function (tables).
pub fn trial(rule: &Rule) -> Option<Trial> {
    if let Some(e) = rule.examples.first() {
        let bound: Vec<Bound<()>> = e.vars.iter().map(unbound).collect();
        let wat = Writer::new(rule, &e.before, &e.vars, &bound, BTreeMap::new()).module()?;
        return Some(Trial { wat, term: rule.sides_text(&e.before, &e.after, &e.vars).0 });
    }
    let (bound, _) = constants(rule, &|bound| rule.holds(bound, &Granted) && computes(rule, bound));
    written(rule, &rule.lhs, &rule.vars, &bound, None)
}

/// The module for a left side of a rule with these constants; what the conditions ask of parameters is made so but for one of them.
fn written(
    rule: &Rule,
    lhs: &Pattern,
    vars: &[Var],
    bound: &[Bound<()>],
    but: Option<ExprId>,
) -> Option<Trial> {
    let filled = filled(lhs, bound);
    let vars = lengths(&filled, vars);
    let wat = Writer::new(rule, &filled, &vars, bound, masks(rule, &vars, bound, but)).module()?;
    Some(Trial { wat, term: rule.sides_text(&filled, &rule.rhs, &vars).0 })
}

/// Modules in which a rule must not fire, each for one reason, with that: a condition that does not hold or that nothing is known of, another constant
/// than the one that the left side names, two values where it has one twice. A reason for which no module is found is left out.
pub fn near_misses(rule: &Rule) -> Vec<(String, Trial)> {
    let good = |bound: &[Bound<()>]| rule.holds(bound, &Granted) && computes(rule, bound);
    let (bound, found) = constants(rule, &good);
    let mut misses = Vec::new();
    for &c in &rule.conditions {
        let holds = |c: ExprId, bound: &[Bound<()>]| rule.constant(c, bound, &Granted) == Some(Const::I32(1));
        let others = rule.conditions.iter().filter(|&&o| o != c);
        let only_this = |bound: &[Bound<()>]| !holds(c, bound) && others.clone().all(|&o| holds(o, bound));
        let trial = match constants(rule, &only_this) {
            (bound, true) => written(rule, &rule.lhs, &rule.vars, &bound, None),
            // Granted, but of parameters nothing is known.
            _ if found && asks_of_value(rule, c) => written(rule, &rule.lhs, &rule.vars, &bound, Some(c)),
            _ => None,
        };
        misses.extend(trial.map(|t| (format!("not {}", rule.expr_text(c)), t)));
    }
    let mut seen: Vec<VarId> = Vec::new();
    for (n, node) in rule.lhs.nodes.iter().enumerate().filter(|_| found) {
        let (mut lhs, mut vars, mut bound) = (rule.lhs.clone(), rule.vars.clone(), bound.clone());
        let reason = match node.kind {
            NodeKind::Const(ConstPat::Lit(c)) => {
                let Some(other) = c.as_int().and_then(|i| Const::from_bits(c.ty(), u128::from(i ^ 1))) else {
                    continue;
                };
                lhs.nodes[n].kind = NodeKind::Const(ConstPat::Lit(other));
                format!("{other} for {c}")
            }
            NodeKind::Var(v) if rule.var(v).kind == VarKind::Value => {
                if !seen.contains(&v) {
                    seen.push(v);
                    continue;
                }
                let other = VarId(vars.len() as u32);
                vars.push(Var { name: format!("{}_other", rule.var(v).name), ..rule.var(v).clone() });
                bound.push(Bound::Class(()));
                lhs.nodes[n].kind = NodeKind::Var(other);
                format!("another value for {}", rule.var(v).name)
            }
            _ => continue,
        };
        misses.extend(written(rule, &lhs, &vars, &bound, None).map(|t| (reason, t)));
    }
    misses
}

/// Whether a condition asks something of a value that an operation on a parameter makes so.
fn asks_of_value(rule: &Rule, c: ExprId) -> bool {
    use Func::{NoWrapAdd, NonNeg, NonZero, Quiet, ZeroBits};
    matches!(rule.expr(c), Expr::Call { func: NonNeg | ZeroBits | NoWrapAdd | NonZero | Quiet, .. })
}

fn unbound(var: &Var) -> Bound<()> {
    match var.kind {
        VarKind::Value | VarKind::Version => Bound::Class(()),
        VarKind::Const | VarKind::Imm(_) => Bound::Unbound,
    }
}

/// A left side with its constants and immediates.
fn filled(lhs: &Pattern, bound: &[Bound<()>]) -> Pattern {
    let mut term = lhs.clone();
    for node in &mut term.nodes {
        match &mut node.kind {
            NodeKind::Const(c) => {
                if let ConstPat::Var(v) = *c
                    && let Bound::Const(value) = bound[v.index()]
                {
                    *c = ConstPat::Lit(value);
                }
            }
            NodeKind::Op { imms, .. } => {
                for imm in imms {
                    if let ImmPat::Var(v) = *imm
                        && let Bound::Imm(value) = bound[v.index()]
                    {
                        *imm = ImmPat::Lit(value);
                    }
                }
            }
            NodeKind::Var(_) | NodeKind::Version(_) => {}
        }
    }
    term
}

/// The variables, with the type of what is the length of a copy: 64 bits where both memories have such addresses. Rules leave it open.
fn lengths(term: &Pattern, vars: &[Var]) -> Vec<Var> {
    let mut vars = vars.to_vec();
    for node in &term.nodes {
        let NodeKind::Op { op, args, .. } = &node.kind else { continue };
        if op.info().imm != ImmKind::MemCopy {
            continue;
        }
        let wide = |a: NodeId| term.node(a).ty == NodeType::Value(Some(Type::I64));
        if let NodeKind::Var(v) = term.node(args[2]).kind {
            let ty = if wide(args[0]) && wide(args[1]) { Type::I64 } else { Type::I32 };
            vars[v.index()].ty.get_or_insert(ty);
        }
    }
    vars
}

/// The first constants and immediates that are wanted, or the last that were tried; whether they are.
fn constants(rule: &Rule, wanted: &dyn Fn(&[Bound<()>]) -> bool) -> (Vec<Bound<()>>, bool) {
    let mut bound: Vec<Bound<()>> = rule.vars.iter().map(unbound).collect();
    let mut indices: BTreeMap<&str, u64> = BTreeMap::new();
    let mut open: Vec<(usize, Vec<Bound<()>>)> = Vec::new();
    for (i, var) in rule.vars.iter().enumerate() {
        match var.kind {
            VarKind::Const => open.push((i, candidates(rule, var.ty.unwrap_or(Type::I32)))),
            VarKind::Imm(ImmSort::Offset) => open.push((i, [4, 0, 8, 1, 2, 16].map(Bound::Imm).to_vec())),
            VarKind::Imm(ImmSort::Lane) => open.push((i, [0, 1, 2, 3].map(Bound::Imm).to_vec())),
            VarKind::Imm(sort) => {
                // Memories, globals: each variable another one.
                let next =
                    indices.entry(if sort == ImmSort::Memory { "memory" } else { "other" }).or_default();
                bound[i] = Bound::Imm(*next);
                *next += 1;
            }
            VarKind::Value | VarKind::Version => {}
        }
    }
    let mut at = vec![0; open.len()];
    for _ in 0..MAX_TRIES {
        for ((var, choices), &choice) in open.iter().zip(&at) {
            bound[*var] = choices[choice];
        }
        if wanted(&bound) {
            return (bound, true);
        }
        // The next choice, as a number whose digits are the places in the lists.
        let mut carry = true;
        for (digit, (_, choices)) in at.iter_mut().zip(&open) {
            if !std::mem::take(&mut carry) {
                break;
            }
            *digit = (*digit + 1) % choices.len();
            carry = *digit == 0;
        }
        if carry {
            break;
        }
    }
    (bound, false)
}

/// Whether every computed constant of the right side has a value.
fn computes(rule: &Rule, bound: &[Bound<()>]) -> bool {
    rule.rhs.nodes.iter().all(|n| match &n.kind {
        NodeKind::Const(ConstPat::Expr(e)) => rule.constant(*e, bound, &Granted).is_some(),
        NodeKind::Op { imms, .. } => imms.iter().all(|i| match i {
            ImmPat::Expr(e) => rule.immediate(*e, bound, &Granted).is_some(),
            _ => true,
        }),
        _ => true,
    })
}

/// Constants of a type to try.
fn candidates(rule: &Rule, ty: Type) -> Vec<Bound<()>> {
    let literals = rule.exprs.iter().filter_map(|e| match e {
        Expr::Lit(c) => c.as_int().map(|i| i as i64),
        _ => None,
    });
    let near = literals.flat_map(|l| [l, l.wrapping_sub(1), l.wrapping_add(1)]);
    let mut numbers: Vec<i64> = NUMBERS.into_iter().collect();
    let (least, most) = match ty {
        Type::I64 => (i64::MIN, i64::MAX),
        _ => (i32::MIN.into(), i32::MAX.into()),
    };
    for n in [least, most, least + 1, most - 1].into_iter().chain(near) {
        if !numbers.contains(&n) {
            numbers.push(n);
        }
    }
    let all: Vec<Const> = match ty {
        Type::I64 => numbers.iter().map(|&n| Const::I64(n as u64)).collect(),
        Type::F32 => FLOATS.iter().map(|&f| Const::F32((f as f32).to_bits())).collect(),
        Type::F64 => FLOATS.iter().map(|&f| Const::F64(f.to_bits())).collect(),
        Type::V128 => [1, u128::MAX, 0].map(Const::V128).to_vec(),
        _ => numbers.iter().map(|&n| Const::I32(n as u32)).collect(),
    };
    all.into_iter().map(Bound::Const).collect()
}

/// What is done to parameters so that conditions on them hold: an expression in which `{}` is the parameter.
/// `but`: a condition that is left unmet.
fn masks(rule: &Rule, vars: &[Var], bound: &[Bound<()>], but: Option<ExprId>) -> BTreeMap<usize, String> {
    let mut masks: BTreeMap<usize, String> = BTreeMap::new();
    let mut addresses: Vec<VarId> = Vec::new();
    for (n, e) in rule.exprs.iter().enumerate() {
        let Expr::Call { func, args } = e else { continue };
        if but == Some(ExprId(n as u32)) {
            continue;
        }
        for (&a, param) in args.iter().zip(func.info().params) {
            let Expr::Var(v) = *rule.expr(a) else { continue };
            match param {
                Param::Address if !addresses.contains(&v) => addresses.push(v),
                Param::Length if rule.var(v).kind == VarKind::Value => {
                    let ty = vars[v.index()].ty.unwrap_or(Type::I32);
                    masks.insert(v.index(), format!("({ty}.const {LENGTH})"));
                }
                _ => {}
            }
        }
        let Some(Expr::Var(v)) = args.first().map(|&a| rule.expr(a)) else { continue };
        let Some(ty) = rule.var(*v).ty else { continue };
        let width = if ty == Type::I64 { 64 } else { 32 };
        let ones = u64::MAX >> (64 - width);
        let number = args.get(1).and_then(|&a| rule.constant(a, bound, &Granted)).and_then(Const::as_int);
        let inner = masks.remove(&v.index()).unwrap_or_else(|| "{}".to_owned());
        let mask = match func {
            Func::NonNeg => format!("({ty}.and {inner} ({ty}.const {:#x}))", ones >> 1),
            Func::ZeroBits => format!("({ty}.and {inner} ({ty}.const {:#x}))", !number.unwrap_or(0) & ones),
            Func::NoWrapAdd => format!("({ty}.and {inner} ({ty}.const 0xffff))"),
            Func::NonZero => format!("({ty}.or {inner} ({ty}.const 1))"),
            Func::Quiet => format!("({ty}.add {inner} ({ty}.const 1))"),
            _ if inner == "{}" => continue,
            _ => inner,
        };
        masks.insert(v.index(), mask);
    }
    addresses.sort_unstable();
    for v in &addresses {
        let ty = rule.var(*v).ty.unwrap_or(Type::I32);
        let mask = match addresses.first() {
            Some(first) if first != v => format!("(local.get $v{})", first.index()),
            _ => format!("({ty}.and {{}} ({ty}.const 0xff))"),
        };
        masks.insert(v.index(), mask);
    }
    masks
}

/// A function that uses the proposals whose operators only the right side has: elsewhere the rule does not run.
fn users(rule: &Rule) -> Option<String> {
    let mut text = String::new();
    for feature in &rule.needs {
        let op = rule.rhs.ops().find(|op| op.info().feature == *feature)?;
        let Signature::Fixed { params: [SigType::Is(from)], results: [SigType::Is(to)] } =
            op.info().signature
        else {
            return None;
        };
        let name = op.name();
        write!(text, "\n  (func (param {from}) (result {to}) ({name} (local.get 0)))").expect("a string");
    }
    Some(text)
}

/// A term on its way to the text of a function.
struct Writer<'a> {
    rule: &'a Rule,
    term: &'a Pattern,
    vars: &'a [Var],
    bound: &'a [Bound<()>],
    masks: BTreeMap<usize, String>,
    /// Address types of the memories used, by index.
    memories: BTreeMap<u64, Type>,
    /// Types of the globals used, by index.
    globals: BTreeMap<u64, Type>,
    locals: String,
    statements: String,
}

impl<'a> Writer<'a> {
    fn new(
        rule: &'a Rule,
        term: &'a Pattern,
        vars: &'a [Var],
        bound: &'a [Bound<()>],
        masks: BTreeMap<usize, String>,
    ) -> Self {
        let (memories, globals, locals, statements) = Default::default();
        Writer { rule, term, vars, bound, masks, memories, globals, locals, statements }
    }

    fn module(mut self) -> Option<String> {
        let mut texts: Vec<String> = Vec::with_capacity(self.term.nodes.len());
        for at in 0..self.term.nodes.len() {
            let text = self.node(NodeId(at as u32), &texts)?;
            texts.push(text);
        }
        let is_branch = matches!(self.rule.outcome, Some(Outcome::Branch { .. }));
        let result = match self.term.node(self.term.root()).ty {
            NodeType::Value(_) if !is_branch => format!(" (result {})", self.type_of(self.term.root())?),
            _ => String::new(),
        };
        let mut params = String::new();
        let mut masked = String::new();
        for (i, var) in self.vars.iter().enumerate().filter(|(_, v)| v.kind == VarKind::Value) {
            write!(params, " (param $v{i} {})", numeric(var.ty)?).expect("a string");
            if let Some(mask) = self.masks.get(&i) {
                let value = mask.replace("{}", &format!("(local.get $v{i})"));
                writeln!(masked, "    (local.set $v{i} {value})").expect("a string");
            }
        }
        let mut head = String::new();
        let mut value = texts.pop()?;
        if is_branch {
            head.push_str("  (import \"\" \"yes\" (func $yes))\n  (import \"\" \"no\" (func $no))\n");
            value = format!("(if {value} (then (call $yes)) (else (call $no)))");
        }
        for i in 0..=self.memories.keys().copied().max().map_or(-1, |m| m as i64) {
            let index = match self.memories.get(&(i as u64)) {
                Some(Type::I64) => "i64 ",
                _ => "",
            };
            // Exported, so that nothing is known of what is in it.
            writeln!(head, "  (memory (export \"m{i}\") {index}1)").expect("a string");
        }
        for i in 0..=self.globals.keys().copied().max().map_or(-1, |g| g as i64) {
            let ty = self.globals.get(&(i as u64)).copied().unwrap_or(Type::I32);
            let zero =
                if ty == Type::V128 { "v128.const i64x2 0 0".to_owned() } else { format!("{ty}.const 0") };
            writeln!(head, "  (global (export \"g{i}\") (mut {ty}) ({zero}))").expect("a string");
        }
        // What `older` walks back over.
        for e in &self.rule.exprs {
            if let Expr::Call { func: Func::Older, args } = e
                && let [Expr::Var(m), Expr::Var(a)] = [args[1], args[2]].map(|e| self.rule.expr(e))
                && let Some(memory) = self.imm(&ImmPat::Var(*m))
            {
                let store = format!("(i32.store8 {memory} offset=1000 (local.get $v{}) (i32.const 1))", a.0);
                writeln!(masked, "    {store}").expect("a string");
            }
        }
        let users = users(self.rule)?;
        Some(format!(
            "(module\n{head}  (func (export \"f\"){params}{result}{}\n{masked}{}    {value}){users})\n",
            self.locals, self.statements
        ))
    }

    fn type_of(&self, id: NodeId) -> Option<Type> {
        match self.term.node(id).ty {
            NodeType::Value(ty) => numeric(ty),
            NodeType::Version => None,
        }
    }

    fn imm(&self, imm: &ImmPat) -> Option<u64> {
        match imm {
            ImmPat::Lit(n) => Some(*n),
            ImmPat::Var(VarId(v)) => match self.bound.get(*v as usize)? {
                Bound::Imm(n) => Some(*n),
                _ => None,
            },
            ImmPat::Expr(_) => None,
        }
    }

    /// The text that reads a node's value; operators are done before, into a local.
    fn node(&mut self, id: NodeId, texts: &[String]) -> Option<String> {
        let node = self.term.node(id);
        let (op, imms, args) = match &node.kind {
            NodeKind::Var(v) => return Some(format!("(local.get $v{})", v.0)),
            NodeKind::Version(_) => return None,
            NodeKind::Const(ConstPat::Lit(c)) => return Some(constant(*c)),
            NodeKind::Const(_) => return None,
            NodeKind::Op { op, imms, args } => (*op, imms, args),
        };
        let shape = shape(op)?;
        let operands = &args[..shape.operands];
        let imms = imms.iter().map(|i| self.imm(i)).collect::<Option<Vec<u64>>>()?;
        let operand = |i: usize| operands.get(i).copied();
        let mut text = format!("({}", op.name());
        match (op.info().imm, &imms[..]) {
            (ImmKind::None, []) => {}
            (ImmKind::Mem | ImmKind::MemLane, [memory, offset, lane @ ..]) => {
                self.memories.insert(*memory, self.type_of(operand(0)?)?);
                write!(text, " {memory} offset={offset}").expect("a string");
                lane.iter().for_each(|l| write!(text, " {l}").expect("a string"));
            }
            (ImmKind::Memory, [memory]) => {
                let address = operand(0).unwrap_or(id);
                self.memories.insert(*memory, self.type_of(address)?);
                write!(text, " {memory}").expect("a string");
            }
            (ImmKind::MemCopy, [to, from]) => {
                for (memory, address) in [(to, operand(0)?), (from, operand(1)?)] {
                    self.memories.insert(*memory, self.type_of(address)?);
                }
                write!(text, " {to} {from}").expect("a string");
            }
            (ImmKind::Global, [global]) => {
                let value = operand(0).unwrap_or(id);
                self.globals.insert(*global, self.type_of(value)?);
                write!(text, " {global}").expect("a string");
            }
            (ImmKind::Lane | ImmKind::Shuffle, lanes) => {
                lanes.iter().for_each(|l| write!(text, " {l}").expect("a string"));
            }
            _ => return None,
        }
        for a in operands {
            write!(text, " {}", texts[a.index()]).expect("a string");
        }
        text.push(')');
        if shape.makes_version {
            writeln!(self.statements, "    {text}").expect("a string");
            return Some(String::new());
        }
        let local = format!("$t{}", id.index());
        write!(self.locals, " (local {local} {})", self.type_of(id)?).expect("a string");
        writeln!(self.statements, "    (local.set {local} {text})").expect("a string");
        Some(format!("(local.get {local})"))
    }
}

/// A type that a parameter can have; one that is left open is `i32`.
fn numeric(ty: Option<Type>) -> Option<Type> {
    match ty.unwrap_or(Type::I32) {
        Type::Ref(_) => None,
        ty => Some(ty),
    }
}

fn constant(c: Const) -> String {
    match c {
        Const::V128(v) => format!("(v128.const i64x2 {} {})", v as u64, (v >> 64) as u64),
        c => format!("({}.const {c})", c.ty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;

    /// Nearly every rule has a module, and every module is one.
    #[test]
    fn trials_are_modules() {
        let set = RuleSet::builtin().expect("the built-in rules");
        let mut none = Vec::new();
        for rule in &set.rules {
            let Some(trial) = trial(rule) else {
                none.push(&rule.name);
                continue;
            };
            let wasm = crate::read_input(trial.wat.as_bytes())
                .unwrap_or_else(|e| panic!("{}: {e}\n{}", rule.name, trial.wat));
            let features = crate::module::accepted_features();
            wasmparser::Validator::new_with_features(features)
                .validate_all(&wasm)
                .unwrap_or_else(|e| panic!("{}: {e}\n{}", rule.name, trial.wat));
        }
        assert!(none.len() < 20, "{none:?}");
    }

    #[test]
    fn conditions_on_constants_hold() {
        let text =
            "(rule r :phase simplify :verify sample (i32.rem_u ?x (i32.const ?c)) => (i32.and ?x (i32.const (isub ?c 1)))
            :when (is_pow2 ?c) (lt_u 64 ?c))";
        let set = RuleSet::from_texts([("t.rules", text)]).expect("a rule");
        let term = trial(&set.rules[0]).expect("a module").term;
        assert_eq!(term, "(i32.rem_u ?x (i32.const -2147483648))");
    }
}
