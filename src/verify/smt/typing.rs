//! Types that a rule leaves open. The width of addresses follows from the memory or table; where the rule does not say it, the
//! rule is proved for each combination of 32 and 64 bits. Everything else that is open is of the sort `Any`.

use super::value::Sort;
use crate::ir::ops::{Op, SigType, Signature};
use crate::ir::types::Type;
use crate::rules::*;

/// Most memories and tables of open address width in one rule.
const MAX_OPEN: usize = 4;

/// What has an address width: a memory or a table, by the immediate that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Space {
    table: bool,
    index: ImmPat,
}

/// Where the address width of a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Of(usize),
    /// The smaller of both.
    Min(usize, usize),
}

/// One choice of address widths.
#[derive(Clone, Debug)]
pub(super) struct Typing {
    spaces: Vec<(Space, u32)>,
    vars: Vec<Sort>,
}

impl Typing {
    /// All choices under which the rule can match, in a fixed order; at least one.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn all(rule: &Rule) -> Result<Vec<Typing>, String> {
        let mut spaces: Vec<Space> = Vec::new();
        // Nodes at the place of an address, by side.
        let mut sources: Vec<(&Pattern, NodeId, Source)> = Vec::new();
        for p in [&rule.lhs, &rule.rhs] {
            for node in &p.nodes {
                let NodeKind::Op { op, imms, args } = &node.kind else { continue };
                let Signature::Fixed { params, .. } = op.info().signature else { continue };
                let mut space = |table: bool, i: usize| {
                    let s = Space { table, index: imms.get(i).copied()? };
                    Some(spaces.iter().position(|&x| x == s).unwrap_or_else(|| {
                        spaces.push(s);
                        spaces.len() - 1
                    }))
                };
                for (param, &arg) in params.iter().zip(args) {
                    let source = match param {
                        SigType::Addr => space(false, 0).map(Source::Of),
                        SigType::AddrSrc => space(false, 1).map(Source::Of),
                        SigType::AddrMin => {
                            space(false, 0).zip(space(false, 1)).map(|(a, b)| Source::Min(a, b))
                        }
                        SigType::TableAddr => space(true, 0).map(Source::Of),
                        _ => None,
                    };
                    if let Some(source) = source {
                        sources.push((p, arg, source));
                    }
                }
                if matches!(op.info().kind, crate::ir::ops::Kind::MemorySize) {
                    let _ = space(false, 0);
                }
            }
        }
        // An address that is selected: so are the arms.
        let mut next = 0;
        while let Some(&(p, id, source)) = sources.get(next) {
            if let NodeKind::Op { op: Op::Select, args, .. } = &p.node(id).kind {
                sources.push((p, args[0], source));
                sources.push((p, args[1], source));
            }
            next += 1;
        }
        if spaces.len() > MAX_OPEN {
            return Err(format!("more than {MAX_OPEN} memories and tables"));
        }
        let choices = (0..1u32 << spaces.len()).filter_map(|choice| {
            let widths: Vec<u32> =
                (0..spaces.len()).map(|i| if choice >> i & 1 == 0 { 32 } else { 64 }).collect();
            let width = |s: Source| match s {
                Source::Of(i) => widths[i],
                Source::Min(i, j) => widths[i].min(widths[j]),
            };
            let mut vars: Vec<Sort> = rule.vars.iter().map(|v| sort_of(v.ty)).collect();
            for &(p, id, source) in &sources {
                let w = width(source);
                match p.node(id).ty {
                    NodeType::Value(Some(ty)) if ty.bits() != Some(w) => return None,
                    NodeType::Value(_) => {}
                    NodeType::Version => return None,
                }
                if let NodeKind::Var(v) | NodeKind::Const(ConstPat::Var(v)) = p.node(id).kind {
                    match &mut vars[v.index()] {
                        s @ Sort::Any => *s = Sort::Bits(w),
                        s if *s == Sort::Bits(w) => {}
                        _ => return None,
                    }
                }
            }
            let spaces = spaces.iter().copied().zip(widths).collect();
            Some(Typing { spaces, vars })
        });
        let all: Vec<Typing> = choices.collect();
        if all.is_empty() {
            return Err("no widths of addresses fit the rule's types".to_string());
        }
        Ok(all)
    }

    /// The sort of a value or constant.
    pub(super) fn var(&self, v: VarId) -> Sort {
        self.vars[v.index()]
    }

    /// Bits of the addresses of a memory or table of the rule.
    pub(super) fn address_width(&self, table: bool, index: ImmPat) -> u32 {
        let wanted = Space { table, index };
        self.spaces.iter().find(|(s, _)| *s == wanted).map_or(32, |s| s.1)
    }

    /// Pairs of memories or tables whose addresses differ in width, so that they are not the same one.
    pub(super) fn distinct(&self) -> impl Iterator<Item = (ImmPat, ImmPat)> + '_ {
        self.spaces.iter().enumerate().flat_map(|(i, (s, w))| {
            let others = self.spaces[i + 1..].iter();
            others.filter(move |(t, v)| t.table == s.table && v != w).map(|(t, _)| (s.index, t.index))
        })
    }

    /// The choice in words, for counterexamples; empty if there was none.
    pub(super) fn text(&self, rule: &Rule) -> String {
        let name = |p: ImmPat| match p {
            ImmPat::Var(v) => rule.var(v).name.clone(),
            ImmPat::Lit(n) => n.to_string(),
            ImmPat::Expr(e) => rule.expr_text(e),
        };
        let one = |(s, w): &(Space, u32)| {
            let what = if s.table { "table" } else { "memory" };
            format!("{what} {} has {w}-bit addresses, ", name(s.index))
        };
        self.spaces.iter().map(one).collect()
    }
}

fn sort_of(ty: Option<Type>) -> Sort {
    match ty {
        Some(Type::V128) => Sort::Bits(128),
        Some(Type::F32) => Sort::Bits(32),
        Some(Type::F64) => Sort::Bits(64),
        Some(t) => t.bits().map_or(Sort::Any, Sort::Bits),
        None => Sort::Any,
    }
}
