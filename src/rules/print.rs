//! Rules as text again, as the reader accepts it.

use super::ast::*;
use crate::options::Objective;
use std::fmt::{self, Write};

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(rule {} :phase {} :verify {}", self.name, self.phase.name(), self.verify.name())?;
        match self.objective {
            Some(Objective::Speed) => f.write_str(" :objective speed")?,
            Some(Objective::Size) => f.write_str(" :objective size")?,
            None => {}
        }
        let (left, right) = self.sides_text(&self.lhs, &self.rhs, &self.vars);
        write!(f, "\n  {left}\n  => {right}")?;
        if !self.conditions.is_empty() {
            f.write_str("\n  :when")?;
            for &c in &self.conditions {
                write!(f, " {}", self.expr_text(c))?;
            }
        }
        for e in &self.examples {
            let (before, after) = self.sides_text(&e.before, &e.after, &e.vars);
            write!(f, "\n  :example {before} => {after}")?;
        }
        f.write_str(")")
    }
}

impl Rule {
    /// Text of a term whose variables are `vars`.
    pub fn term(&self, p: &Pattern, vars: &[Var]) -> String {
        let mut texts: Vec<String> = Vec::with_capacity(p.nodes.len());
        for node in &p.nodes {
            texts.push(match &node.kind {
                NodeKind::Var(v) => vars[v.index()].name.clone(),
                NodeKind::Version(e) => self.expr_text(*e),
                NodeKind::Const(c) => {
                    let text = match c {
                        ConstPat::Lit(c) => c.to_string(),
                        ConstPat::Var(v) => vars[v.index()].name.clone(),
                        ConstPat::Expr(e) => self.expr_text(*e),
                    };
                    match node.ty {
                        NodeType::Value(Some(ty)) => format!("({ty}.const {text})"),
                        _ => text,
                    }
                }
                NodeKind::Op { op, imms, args } => {
                    let mut s = format!("({}", op.name());
                    for i in imms {
                        let i = match i {
                            ImmPat::Lit(n) => n.to_string(),
                            ImmPat::Var(v) => vars[v.index()].name.clone(),
                            ImmPat::Expr(e) => self.expr_text(*e),
                        };
                        write!(s, " {i}").expect("writing to a string");
                    }
                    for a in args {
                        write!(s, " {}", texts[a.index()]).expect("writing to a string");
                    }
                    s.push(')');
                    s
                }
            });
        }
        texts.pop().unwrap_or_default()
    }

    /// Text of a computed part. Recursion is bounded by the reader's nesting cap.
    pub fn expr_text(&self, e: ExprId) -> String {
        match self.expr(e) {
            Expr::Lit(c) => c.to_string(),
            Expr::Var(v) => self.var(*v).name.clone(),
            Expr::Call { func, args } => {
                let mut s = format!("({}", func.name());
                for &a in args {
                    write!(s, " {}", self.expr_text(a)).expect("writing to a string");
                }
                s.push(')');
                s
            }
        }
    }
}
