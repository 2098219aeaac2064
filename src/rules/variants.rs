//! Orders of commutative operands. The e-graph holds one order of each commutative operator, and no commutativity rule (it
//! would double every class); so a matcher has to look for all orders of a left side.

use super::ast::*;
use std::fmt::Write;

/// Commutative operators of one left side whose operands are exchanged; more stay as written.
const MAX_COMMUTING: usize = 4;

/// All other orders of the left side that can match something new. A constant operand stays where it is written: the
/// canonical order has constants on the right.
pub(super) fn variants(rule: &Rule) -> Vec<Pattern> {
    let commuting: Vec<usize> = (0..rule.lhs.nodes.len())
        .filter(|&i| match &rule.lhs.nodes[i].kind {
            NodeKind::Op { op, args, .. } if op.info().commutes => {
                let constant = |a: &NodeId| matches!(rule.lhs.node(*a).kind, NodeKind::Const(_));
                args.len() == 2 && !args.iter().any(constant)
            }
            _ => false,
        })
        .take(MAX_COMMUTING)
        .collect();
    let mut seen = vec![signature(rule, &rule.lhs)];
    let mut out = Vec::new();
    for choice in 1u32..1 << commuting.len() {
        let mut pattern = rule.lhs.clone();
        for (bit, &i) in commuting.iter().enumerate() {
            if choice >> bit & 1 == 1
                && let NodeKind::Op { args, .. } = &mut pattern.nodes[i].kind
            {
                args.swap(0, 1);
            }
        }
        let signature = signature(rule, &pattern);
        if !seen.contains(&signature) {
            seen.push(signature);
            out.push(pattern);
        }
    }
    out
}

/// Text of the rule with `pattern` as its left side that does not depend on the names of variables: equal texts match the
/// same terms and give the same results, up to the order of commutative operands on the right.
fn signature(rule: &Rule, pattern: &Pattern) -> String {
    let mut names: Vec<Option<usize>> = vec![None; rule.vars.len()];
    let mut text = String::new();
    // Variables are numbered by their first occurrence in a walk from the root.
    let mut stack = vec![pattern.root()];
    let mut next = 0;
    let mut number = |v: VarId| {
        *names[v.index()].get_or_insert_with(|| {
            next += 1;
            next
        })
    };
    while let Some(id) = stack.pop() {
        match &pattern.node(id).kind {
            NodeKind::Var(v) => write!(text, " v{}", number(*v)),
            NodeKind::Const(ConstPat::Var(v)) => write!(text, " c{}", number(*v)),
            NodeKind::Const(c) => write!(text, " {c:?}"),
            NodeKind::Version(e) => write!(text, " {e:?}"),
            NodeKind::Op { op, imms, args } => {
                stack.extend(args.iter().rev());
                for i in imms {
                    match i {
                        ImmPat::Var(v) => text.push_str(&format!(" i{}", number(*v))),
                        other => text.push_str(&format!(" {other:?}")),
                    }
                }
                write!(text, " {}/{}", op.name(), args.len())
            }
        }
        .expect("writing to a string");
    }
    let name = |v: VarId| names[v.index()].map_or(String::from("?"), |n| n.to_string());
    text.push_str(" => ");
    text.push_str(&term(rule, &rule.rhs, &name));
    let mut conditions: Vec<String> = rule.conditions.iter().map(|&c| expr(rule, c, &name)).collect();
    conditions.sort();
    text.push_str(&conditions.join(" "));
    text
}

/// A right side with the operands of commutative operators in sorted order.
fn term(rule: &Rule, p: &Pattern, name: &dyn Fn(VarId) -> String) -> String {
    let mut texts: Vec<String> = Vec::with_capacity(p.nodes.len());
    for node in &p.nodes {
        texts.push(match &node.kind {
            NodeKind::Var(v) | NodeKind::Const(ConstPat::Var(v)) => name(*v),
            NodeKind::Const(ConstPat::Expr(e)) | NodeKind::Version(e) => expr(rule, *e, name),
            NodeKind::Const(ConstPat::Lit(c)) => format!("{c:?}"),
            NodeKind::Op { op, imms, args } => {
                let mut args: Vec<&str> = args.iter().map(|a| texts[a.index()].as_str()).collect();
                if op.info().commutes {
                    args.sort_unstable();
                }
                let imms = imms.iter().map(|i| match i {
                    ImmPat::Lit(n) => n.to_string(),
                    ImmPat::Var(v) => name(*v),
                    ImmPat::Expr(e) => expr(rule, *e, name),
                });
                format!("({} {} {})", op.name(), imms.collect::<Vec<_>>().join(" "), args.join(" "))
            }
        });
    }
    texts.pop().unwrap_or_default()
}

fn expr(rule: &Rule, e: ExprId, name: &dyn Fn(VarId) -> String) -> String {
    match rule.expr(e) {
        Expr::Lit(c) => format!("{c:?}"),
        Expr::Var(v) => name(*v),
        Expr::Call { func, args } => {
            let args: Vec<String> = args.iter().map(|&a| expr(rule, a, name)).collect();
            format!("({} {})", func.name(), args.join(" "))
        }
    }
}
