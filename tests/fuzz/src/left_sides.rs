//! Modules made from the rules themselves: each function is an instance of one rule's left side.
//!
//! Constants are drawn until the rule's conditions on them hold; what a condition asks of a value (non-negative, some bits
//! zero, …) is made likely by masking the value first. Every operator of the left side writes a local of its own, in the
//! order of the pattern, so stores and copies happen in the order of their versions. Nothing guarantees that the rule
//! fires: `--coverage` counts.

use crate::rng::Rng;
use loom_wasm::interp::Const;
use loom_wasm::ir::types::Type;
use loom_wasm::rules::{
    Bound, ConstPat, Facts, ImmPat, ImmSort, Length, NodeKind, NodeType, Outcome, Rule, RuleSet, VarKind,
    shape,
};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Instances of the left side in a module.
const INSTANCES: usize = 10;
/// Draws of constants before the last one is taken though a condition fails.
const DRAWS: usize = 300;

/// Facts that are true of every value: only conditions on constants and immediates decide.
struct Optimist;

impl Facts for Optimist {
    type Class = ();

    fn zero_bits(&self, _: (), _: u64) -> bool {
        true
    }
    fn nonzero(&self, _: ()) -> bool {
        true
    }
    fn nonneg(&self, _: ()) -> bool {
        true
    }
    fn quiet(&self, _: ()) -> bool {
        true
    }
    fn no_wrap_add(&self, _: (), _: u64) -> bool {
        true
    }
    fn distance(&self, _: (), o: u64, _: (), p: u64) -> Option<i64> {
        Some(o as i64 - p as i64)
    }
    fn disjoint(&self, _: (), _: u64, _: u64, _: (), _: u64, _: Length<()>) -> bool {
        true
    }
    fn within(&self, _: (), _: u64, _: u64, _: (), _: Length<()>) -> bool {
        true
    }
    fn unchanged(&self, _: (), _: (), _: u64, _: (), _: u64, _: u64) -> bool {
        true
    }
    fn older(&self, _: (), _: u64, _: (), _: u64, _: u64) -> Option<()> {
        Some(())
    }
}

static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
/// Places of the rules that modules are made from, where that is not all.
static CHOSEN: OnceLock<Vec<usize>> = OnceLock::new();

/// Takes the rules from files instead of the built-in ones, and makes modules only from the instances of one rule. Call once,
/// before anything else; without paths and name it does nothing.
///
/// # Errors
/// When they cannot be read, or when there is no rule of the name.
pub fn use_rules(paths: &[PathBuf], only: Option<&str>) -> Result<(), String> {
    if !paths.is_empty() {
        let set = RuleSet::load(paths).map_err(|e| e.to_string())?;
        // Set before: the caller broke the contract, and the first rules stay.
        let _ = RULES.set(set.rules);
    }
    if let Some(name) = only {
        let is_it = |r: &Rule| r.name.split('@').next() == Some(name);
        let chosen: Vec<usize> =
            rules().iter().enumerate().filter(|(_, r)| is_it(r)).map(|(i, _)| i).collect();
        if chosen.is_empty() {
            return Err(format!("no rule {name}"));
        }
        let _ = CHOSEN.set(chosen);
    }
    Ok(())
}

/// The rules, read once.
pub fn rules() -> &'static [Rule] {
    RULES.get_or_init(|| RuleSet::builtin().map(|s| s.rules).unwrap_or_default())
}

fn name(ty: Type) -> Option<&'static str> {
    Some(match ty {
        Type::I32 => "i32",
        Type::I64 => "i64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::V128 => "v128",
        _ => return None,
    })
}

fn float(bits: u64, mantissa: u32, exponent: u32) -> String {
    let sign = if bits >> (mantissa + exponent) & 1 == 1 { "-" } else { "" };
    let fraction = bits & ((1 << mantissa) - 1);
    let all = (1u64 << exponent) - 1;
    match (bits >> mantissa) & all {
        e if e == all && fraction == 0 => format!("{sign}inf"),
        e if e == all => format!("{sign}nan:{fraction:#x}"),
        _ if mantissa == 23 => format!("{:?}", f32::from_bits(bits as u32)),
        _ => format!("{:?}", f64::from_bits(bits)),
    }
}

fn constant(c: Const) -> String {
    match c {
        Const::I32(v) => format!("(i32.const {})", v as i32),
        Const::I64(v) => format!("(i64.const {})", v as i64),
        Const::F32(v) => format!("(f32.const {})", float(v.into(), 23, 8)),
        Const::F64(v) => format!("(f64.const {})", float(v, 52, 11)),
        Const::V128(v) => format!("(v128.const i64x2 {} {})", v as u64 as i64, (v >> 64) as u64 as i64),
    }
}

/// Random bits, near the rule's own literals or at edges.
fn draw(rng: &mut Rng, ty: Type, literals: &[u64]) -> Const {
    let near = |rng: &mut Rng, bits: u32| match rng.below(4) {
        0 if !literals.is_empty() => {
            let l = rng.pick(literals);
            rng.pick(&[l, l, l.wrapping_add(1), l.wrapping_sub(1), l.wrapping_neg(), !l])
        }
        1 => rng.below(bits as usize) as u64,
        _ => rng.edge_int(bits),
    };
    match ty {
        Type::I64 => Const::I64(near(rng, 64)),
        Type::F32 => Const::F32(rng.edge_f32()),
        Type::F64 => Const::F64(rng.edge_f64()),
        Type::V128 => Const::V128(match rng.below(3) {
            0 => u128::from(rng.edge_int(64)) << 64 | u128::from(rng.edge_int(64)),
            1 => u128::MAX,
            _ => (0..4).fold(0, |v, _| v << 32 | u128::from(rng.edge_f32())),
        }),
        _ => Const::I32(near(rng, 32) as u32),
    }
}

fn bind(rule: &Rule, rng: &mut Rng, any: Type, literals: &[u64], memories: u64) -> Vec<Bound<()>> {
    let mut bound = Vec::new();
    for _ in 0..DRAWS {
        bound = rule
            .vars
            .iter()
            .map(|v| match v.kind {
                VarKind::Value | VarKind::Version => Bound::Class(()),
                VarKind::Const => Bound::Const(draw(rng, v.ty.unwrap_or(any), literals)),
                VarKind::Imm(ImmSort::Memory) => Bound::Imm(memories + rng.below(2) as u64),
                VarKind::Imm(ImmSort::Offset) => Bound::Imm(rng.pick(&[0, 0, 1, 2, 4, 8, 12, 16])),
                VarKind::Imm(ImmSort::Lane) => Bound::Imm(rng.pick(&[0, 1, 0, 1])),
                VarKind::Imm(_) => Bound::Imm(0),
            })
            .collect();
        if rule.holds(&bound, &Optimist) {
            break;
        }
    }
    bound
}

/// Whether nothing in a left side can tell one NaN from another: operators that see a NaN's sign or payload (`copysign`,
/// reinterpretations, vectors, stores) and selects, whose type may be an integer's, are not among those listed.
fn is_blind(rule: &Rule) -> bool {
    const BLIND: [&str; 19] = [
        "add", "sub", "mul", "div", "min", "max", "sqrt", "ceil", "floor", "trunc", "nearest", "abs", "neg",
        "eq", "ne", "lt", "gt", "le", "ge",
    ];
    rule.lhs.ops().all(|op| match op.name().split_once('.') {
        Some(("f32" | "f64", op)) => BLIND.contains(&op),
        Some((_, op)) => op == "eqz",
        None => false,
    })
}

/// A float operand; half of them are results of arithmetic, which some rules ask for (`quiet`). Which NaN arithmetic gives is
/// open, so that its operands are numbers unless nobody sees the difference (`blind`). -0.0 stays what it is in all forms.
fn float_leaf(rng: &mut Rng, width: &str, param: usize, blind: bool) -> String {
    let get = format!("(local.get {param})");
    if rng.percent(50) {
        return get;
    }
    let number =
        if blind { get } else { format!("(select {get} ({width}.const -0.5) ({width}.eq {get} {get}))") };
    let unary = rng.pick(&["ceil", "floor", "trunc", "nearest"]);
    match rng.below(9) {
        0..4 => format!("({width}.{unary} {number})"),
        8 => {
            // Folded, and then a constant that some operator of the pattern meets.
            let c = rng.pick(&["0.5", "-0.5", "1.5", "2.5", "-2.5", "-0.0", "inf", "8388609.0"]);
            format!("({width}.{unary} ({width}.const {c}))")
        }
        4 => format!("({width}.mul {number} ({width}.const {}))", rng.pick(&["0.5", "-0.5", "3.0"])),
        5 => format!("({width}.min {number} ({width}.const {}))", rng.pick(&["0.0", "1.0", "-1.0"])),
        6 => format!("({width}.max {number} ({width}.const {}))", rng.pick(&["-0.0", "-1.0"])),
        _ => format!("({width}.convert_i32_s (i32.trunc_sat_{width}_s {number}))"),
    }
}

/// A value that satisfies what rules ask more often than a parameter does.
fn leaf(rng: &mut Rng, ty: Type, param: usize, address: bool, blind: bool) -> String {
    let get = format!("(local.get {param})");
    let width = if ty == Type::I64 { "i64" } else { "i32" };
    if address {
        return match rng.below(3) {
            0 => format!("({width}.const {})", rng.pick(&[0, 4, 8, 16, 20])),
            1 => format!("({width}.add ({width}.and {get} ({width}.const 12)) ({width}.const 4))"),
            _ => format!("({width}.and {get} ({width}.const 28))"),
        };
    }
    match ty {
        Type::I32 | Type::I64 => {}
        Type::F32 => return float_leaf(rng, "f32", param, blind),
        Type::F64 => return float_leaf(rng, "f64", param, blind),
        _ => return get,
    }
    let k = rng.pick(&[1, 3, 8, 16, 24, 31]);
    match rng.below(11) {
        0..4 => get,
        10 => format!("({width}.load16_u (i32.const {}))", rng.pick(&[2, 3, 4])),
        4 => format!(
            "({width}.and {get} ({width}.const {}))",
            rng.pick(&[0x7f, 0xff, 0xffff, 1, 0x7fff_ffff, -8])
        ),
        5 => format!("({width}.or {get} ({width}.const 1))"),
        6 => format!("({width}.shr_u {get} ({width}.const {k}))"),
        7 => format!("({width}.shl {get} ({width}.const {k}))"),
        8 if width == "i64" => format!("(i64.extend_i32_u (i32.wrap_i64 {get}))"),
        8 => format!("(i32.load8_u (i32.and {get} (i32.const 15)))"),
        _ => constant(draw(rng, ty, &[])),
    }
}

/// Which variables of a rule are addresses, or part of one; the others are what is stored or computed with.
fn addresses(rule: &Rule) -> Vec<bool> {
    let mut found = vec![false; rule.vars.len()];
    for node in &rule.lhs.nodes {
        let NodeKind::Op { op, args, .. } = &node.kind else { continue };
        let operands = match op.name() {
            "memory.copy" => 2,
            "memory.fill" => 1,
            name => usize::from(name.contains(".load") || name.contains(".store")),
        };
        let mut below = args[..operands.min(args.len())].to_vec();
        while let Some(id) = below.pop() {
            match &rule.lhs.node(id).kind {
                NodeKind::Var(v) => found[v.index()] = true,
                NodeKind::Op { args, .. } => below.extend(args),
                _ => {}
            }
        }
    }
    found
}

fn canonical(result: Type, lanes64: bool, slot: usize) -> String {
    let (nan, eq, pick) = match (result, lanes64) {
        (Type::F32, _) => ("(f32.const nan)", "f32.eq", "select"),
        (Type::F64, _) => ("(f64.const nan)", "f64.eq", "select"),
        (_, false) => ("(v128.const f32x4 nan nan nan nan)", "f32x4.eq", "v128.bitselect"),
        (_, true) => ("(v128.const f64x2 nan nan)", "f64x2.eq", "v128.bitselect"),
    };
    format!("({pick} (local.get {slot}) {nan} ({eq} (local.get {slot}) (local.get {slot})))")
}

/// One function in the text format; `None` when the left side cannot be written.
fn function(rule: &Rule, rng: &mut Rng, index: usize, memories: u64) -> Option<String> {
    let memory_rule = rule.lhs.nodes.iter().any(|n| n.ty == NodeType::Version);
    // Of memory rules the addresses have no type of their own.
    let any = match (memory_rule, memories) {
        (true, 0) => Type::I32,
        (true, _) => Type::I64,
        _ => rng.pick(&[Type::I32, Type::I64, Type::I32, Type::F64]),
    };
    let mut literals = Vec::new();
    for node in &rule.lhs.nodes {
        if let NodeKind::Const(ConstPat::Lit(c)) = node.kind {
            literals.extend(c.as_int());
        }
    }
    let bound = bind(rule, rng, any, &literals, memories);
    let imm = |p: &ImmPat| match p {
        ImmPat::Lit(n) => Some(*n),
        ImmPat::Var(v) => match bound[v.index()] {
            Bound::Imm(n) => Some(n),
            _ => None,
        },
        ImmPat::Expr(_) => None,
    };
    // Parameters first, one for each variable, then a local for each variable and for each node.
    let count = rule.vars.len();
    let mut text = format!("  (func (export \"f{index}\")");
    for v in &rule.vars {
        let ty = if v.kind == VarKind::Value { v.ty.unwrap_or(any) } else { Type::I32 };
        write!(text, " (param {})", name(ty)?).ok()?;
    }
    let root = rule.lhs.node(rule.lhs.root());
    let is_branch = matches!(rule.outcome, Some(Outcome::Branch { .. }));
    let result = match root.ty {
        NodeType::Value(ty) if !is_branch => Some(ty.unwrap_or(any)),
        _ => None,
    };
    if let Some(ty) = result {
        write!(text, " (result {})", name(ty)?).ok()?;
    }
    for v in &rule.vars {
        let ty = if v.kind == VarKind::Value { v.ty.unwrap_or(any) } else { Type::I32 };
        write!(text, " (local {})", name(ty)?).ok()?;
    }
    for node in &rule.lhs.nodes {
        let ty = if let NodeType::Value(ty) = node.ty { ty.unwrap_or(any) } else { Type::I32 };
        write!(text, " (local {})", name(ty)?).ok()?;
    }
    text.push('\n');
    let blind = is_blind(rule);
    let addresses = addresses(rule);
    // Rules about two accesses want them at the same place or at a known distance: often one address serves for all.
    let mut shared: Option<(Type, String)> = None;
    let share = rng.percent(60);
    for (i, v) in rule.vars.iter().enumerate() {
        if v.kind == VarKind::Value {
            let ty = v.ty.unwrap_or(any);
            let address = memory_rule && rng.percent(if addresses[i] { 95 } else { 25 });
            let address = address && matches!(ty, Type::I32 | Type::I64);
            let value = match &shared {
                Some((t, a)) if *t == ty && addresses[i] && rng.percent(90) => a.clone(),
                _ => leaf(rng, ty, i, address, blind),
            };
            if share && address && addresses[i] {
                shared.get_or_insert((ty, value.clone()));
            }
            writeln!(text, "    (local.set {} {value})", count + i).ok()?;
        }
    }
    // What was read above cannot be read again below: a way to compute something that needs it must be given up halfway.
    if !memory_rule && rng.percent(40) {
        text.push_str("    (i32.store (i32.const 3) (i32.const 0x7a51c3e9))\n");
    }
    let slot = |node: usize| 2 * count + node;
    let mut lanes64 = false;
    for (i, node) in rule.lhs.nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::Var(v) if rule.var(*v).kind == VarKind::Value => {
                writeln!(text, "    (local.set {} (local.get {}))", slot(i), count + v.index()).ok()?;
            }
            NodeKind::Var(_) => {}
            NodeKind::Const(c) => {
                let value = match c {
                    ConstPat::Lit(c) => *c,
                    ConstPat::Var(v) => match bound[v.index()] {
                        Bound::Const(c) => c,
                        _ => return None,
                    },
                    ConstPat::Expr(_) => return None,
                };
                writeln!(text, "    (local.set {} {})", slot(i), constant(value)).ok()?;
            }
            NodeKind::Op { op, imms, args } => {
                lanes64 |= op.name().starts_with("f64x2");
                let shape = shape(*op)?;
                let mut call = format!("({}", op.name());
                for (sort, p) in shape.imms.iter().zip(imms) {
                    let n = imm(p)?;
                    match sort {
                        ImmSort::Offset => write!(call, " offset={n} align=1").ok()?,
                        ImmSort::Lane | ImmSort::Memory => write!(call, " {n}").ok()?,
                        ImmSort::Global => write!(call, " $g{}", name(any)?).ok()?,
                        ImmSort::Table | ImmSort::Data => write!(call, " 0").ok()?,
                    }
                }
                for a in args.iter().take(shape.operands) {
                    write!(call, " (local.get {})", slot(a.index())).ok()?;
                }
                call.push(')');
                if shape.makes_version {
                    // Now and then something lies between what is read and what is written.
                    if shape.imms.first() == Some(&ImmSort::Memory) && rng.percent(25) {
                        let (index, width) = (imm(&imms[0])?, name(any)?);
                        let at = rng.below(40);
                        writeln!(text, "    (i32.store8 {index} ({width}.const {at}) (i32.const 7))").ok()?;
                    }
                    writeln!(text, "    {call}").ok()?;
                } else {
                    writeln!(text, "    (local.set {} {call})", slot(i)).ok()?;
                }
            }
            NodeKind::Version(_) => return None,
        }
    }
    let last = slot(rule.lhs.root().index());
    if is_branch {
        let turned = rng.percent(30);
        let condition = format!("(local.get {last})");
        let condition = if turned { format!("(i32.eqz {condition})") } else { condition };
        writeln!(
            text,
            "    (if {condition} (then (i32.store (i32.const 0) (i32.const 11))) (else (i32.store8 (i32.const 2) (i32.const 22))))"
        )
        .ok()?;
    }
    match result {
        Some(ty @ (Type::F32 | Type::F64)) => writeln!(text, "    {}", canonical(ty, false, last)).ok()?,
        Some(Type::V128) if rule.lhs.ops().any(|o| o.name().starts_with('f')) => {
            writeln!(text, "    {}", canonical(Type::V128, lanes64, last)).ok()?;
        }
        Some(_) => writeln!(text, "    (local.get {last})").ok()?,
        None => {}
    }
    text.push_str("  )\n");
    Some(text)
}

/// Which rule the module of a seed is made from.
pub fn index(seed: u64) -> usize {
    let nth = |n: usize| (seed % n.max(1) as u64) as usize;
    match CHOSEN.get() {
        Some(chosen) => chosen[nth(chosen.len())],
        None => nth(rules().len()),
    }
}

/// A module of instances of the rule of the seed. `None` where its left side cannot be written.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let rule = rules().get(index(seed))?;
    // Memories 0 and 1 have 32-bit addresses, 2 and 3 have 64-bit ones: the rule's types say which pair validates.
    for memories in [0, 2] {
        let rng = &mut Rng::new(seed ^ 0x1ef7);
        let mut text = String::from("(module\n");
        for i in 0..4 {
            let wide = if i > 1 { "i64 " } else { "" };
            writeln!(
                text,
                "  (memory (export \"m{i}\") {wide}1)\n  (data (memory {i}) ({} 0) \"{}\")",
                if i > 1 { "i64.const" } else { "i32.const" },
                (0..48).map(|k| format!("\\{:02x}", (k * 37 + i * 11 + 200) % 256)).collect::<String>()
            )
            .ok()?;
        }
        for ty in ["i32", "i64", "f64"] {
            writeln!(text, "  (global $g{ty} (export \"g{ty}\") (mut {ty}) ({ty}.const 5))").ok()?;
        }
        text.push_str("  (table (export \"t\") 4 funcref)\n  (data \"passive\")\n");
        for i in 0..INSTANCES {
            text.push_str(&function(rule, rng, i, memories)?);
        }
        text.push_str(")\n");
        let Ok(wasm) = wat::parse_str(&text) else { continue };
        let features = wasmparser::WasmFeatures::all();
        if wasmparser::Validator::new_with_features(features).validate_all(&wasm).is_ok() {
            return Some(wasm);
        }
    }
    None
}
