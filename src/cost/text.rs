//! Reader of cost tables.

use super::{CostTable, MAX_LOOPS, MAX_NUMBER};
use crate::Error;
use crate::ir::ops::{Kind, Op, SigType, Signature};
use crate::ir::types::Type;
use crate::rules::sexpr::{self, Sexpr};

/// A name, and what belongs to it.
type Group = (&'static str, fn(Op) -> bool);

/// The groups of operators, apart from `:branch` and `:constant-divisor`, which are no operators.
const GROUPS: &[Group] = &[
    (":other", |_| true),
    (":const", |op| op.kind() == Kind::Const),
    (":float", |op| takes(op, |t| matches!(t, Type::F32 | Type::F64))),
    (":vector", |op| takes(op, |t| t == Type::V128)),
    (":load", |op| op.kind() == Kind::Load),
    (":store", |op| op.kind() == Kind::Store),
    (":atomic", |op| op.kind() == Kind::Atomic),
    (":global", |op| matches!(op.kind(), Kind::GlobalGet | Kind::GlobalSet)),
    (":call", |op| op.kind() == Kind::Call),
];

fn takes(op: Op, is: impl Fn(Type) -> bool) -> bool {
    match op.info().signature {
        Signature::Fixed { params, .. } => params.iter().any(|p| matches!(p, SigType::Is(t) if is(*t))),
        Signature::Custom => false,
    }
}

pub(super) fn parse(text: &str) -> Result<CostTable, Error> {
    let mut table = CostTable {
        bytes: 0,
        time: 0,
        loops: (1, 0),
        reuse: None,
        hoist: None,
        local: 0,
        branch: 0,
        constant_divisor: 0,
        ops: vec![0; Op::ALL.len()],
    };
    for entry in sexpr::read(text)? {
        let items = entry.list().ok_or_else(|| entry.pos.error("an entry is a list, like `(bytes 1)`"))?;
        match (entry.head(), items) {
            (Some("bytes"), [_, n]) => table.bytes = number(n, MAX_NUMBER)?,
            (Some("time"), [_, n]) => table.time = number(n, MAX_NUMBER)?,
            (Some("local"), [_, n]) => table.local = number(n, MAX_NUMBER)?,
            (Some("hoist"), [_, n]) => table.hoist = Some(number(n, MAX_NUMBER)?),
            (Some("reuse"), [_, n]) => table.reuse = Some(number(n, MAX_NUMBER)?),
            (Some("loop"), [_, factor, depth]) => {
                table.loops = (number(factor, 16)?, number(depth, u64::from(MAX_LOOPS))? as u32);
            }
            (Some("op"), [_, names @ .., n]) if !names.is_empty() => {
                let time = number(n, MAX_NUMBER)?;
                for name in names {
                    set(&mut table, name, time)?;
                }
            }
            (Some(word @ ("bytes" | "time" | "local" | "reuse" | "hoist")), _) => {
                return Err(entry.pos.error(format!("`{word}` takes one number")));
            }
            (Some("loop"), _) => return Err(entry.pos.error("`loop` takes a factor and a depth")),
            (Some("op"), _) => return Err(entry.pos.error("`op` takes operators or groups, then a number")),
            (head, _) => {
                let word = head.map_or_else(|| "this".to_owned(), |h| format!("`{h}`"));
                let known = "`bytes`, `time`, `loop`, `local`, `reuse`, `hoist` or `op`";
                return Err(entry.pos.error(format!("{word} is no entry of a cost table; {known} is")));
            }
        }
    }
    Ok(table)
}

/// A number up to `largest`.
fn number(s: &Sexpr, largest: u64) -> Result<u64, Error> {
    let n = s.atom().and_then(|a| a.parse::<u64>().ok()).filter(|n| *n <= largest);
    n.ok_or_else(|| s.pos.error(format!("a number from 0 to {largest} is expected")))
}

/// Sets the time of an operator or a group.
fn set(table: &mut CostTable, name: &Sexpr, time: u64) -> Result<(), Error> {
    let word = name.atom().ok_or_else(|| name.pos.error("the name of an operator or a group is expected"))?;
    if word == ":branch" {
        table.branch = time;
    } else if word == ":constant-divisor" {
        table.constant_divisor = time;
    } else if let Some(op) = Op::from_name(word) {
        table.ops[op as usize] = time;
    } else if let Some((_, fits)) = GROUPS.iter().find(|(group, _)| *group == word) {
        for &op in Op::ALL.iter().filter(|op| fits(**op)) {
            table.ops[op as usize] = time;
        }
    } else {
        let groups: Vec<&str> = GROUPS.iter().map(|g| g.0).collect();
        let message =
            format!("`{word}` is no operator and none of {}, :branch, :constant-divisor", groups.join(", "));
        return Err(name.pos.error(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Objective;
    use crate::interp::Const;

    #[test]
    fn built_in_tables() {
        let (size, speed) = (CostTable::of(Objective::Size), CostTable::of(Objective::Speed));
        assert_eq!(size.op(Op::I32Add, |_| 0), 1);
        assert_eq!(size.local(), 2);
        assert_eq!(size.constant(Const::I32(64)), 3);
        assert!(!size.hoists(Op::F64Mul));
        assert!(speed.hoists(Op::F64Mul) && speed.hoists(Op::I32Add) && !speed.hoists(Op::I32Const));
        assert!(speed.op(Op::I64DivU, |_| 0) > speed.op(Op::I64Mul, |_| 0));
        // The remainder costs more than taking the product with a quotient that is there from the dividend.
        let (quotient, rest) =
            (speed.division_by_constant(Op::I32DivU), speed.division_by_constant(Op::I32RemU));
        let product = speed.op(Op::I32Mul, |_| 0) + speed.op(Op::I32Sub, |_| 0);
        assert!(rest > quotient && rest > product + speed.reuse().unwrap());
        assert_eq!(speed.frequency(2), 64);
        assert_eq!(speed.frequency(100), speed.frequency(6));
    }

    #[test]
    fn later_entries_hold() {
        let t = parse("(time 3) (op :other 1) (op :load 5) (op i32.load i64.load 7)").unwrap();
        assert_eq!(t.op(Op::I32Load, |_| 0), 21);
        assert_eq!(t.op(Op::I32Load8U, |_| 0), 15);
        assert_eq!(t.op(Op::I32Xor, |_| 0), 3);
        assert_eq!(t.local(), 0);
    }

    #[test]
    fn errors_have_places() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert!(error("(op i32.ad 3)").starts_with("<input>:1:5: `i32.ad` is no operator"));
        assert!(error("(bytes 1)\n(time -1)").starts_with("<input>:2:7: a number"));
        assert!(error("(bytes 10001)").starts_with("<input>:1:8: a number"));
        assert!(error("(loop 8)").starts_with("<input>:1:1: `loop` takes"));
        assert!(error("(op 3)").starts_with("<input>:1:1: `op` takes"));
        assert!(error("(weight 3)").starts_with("<input>:1:1: `weight` is no entry"));
        assert!(error("bytes").starts_with("<input>:1:1: an entry is a list"));
        assert!(error("(op (a) 3)").starts_with("<input>:1:5: the name"));
    }
}
