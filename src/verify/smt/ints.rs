//! Integer operators of any width: the SMT terms beside `interp::int::apply`.

use super::script::{extract, literal};
use crate::interp::int::IntOp;

/// A test as a truth value; `None` for other operators.
pub(super) fn test(op: IntOp, width: u32, a: &str, b: &str) -> Option<String> {
    let relation = match op {
        IntOp::Eqz => return Some(format!("(= {a} {})", literal(width, 0))),
        IntOp::Eq => "=",
        IntOp::Ne => "distinct",
        IntOp::LtS => "bvslt",
        IntOp::LtU => "bvult",
        IntOp::GtS => "bvsgt",
        IntOp::GtU => "bvugt",
        IntOp::LeS => "bvsle",
        IntOp::LeU => "bvule",
        IntOp::GeS => "bvsge",
        IntOp::GeU => "bvuge",
        _ => return None,
    };
    Some(format!("({relation} {a} {b})"))
}

/// The result of an operator that is no test, in bits of the width. `a` and `b` are names or short terms. Shift counts are
/// taken modulo the width, which is a power of two.
pub(super) fn value(op: IntOp, width: u32, a: &str, b: &str) -> Option<String> {
    let binary = |name: &str| Some(format!("({name} {a} {b})"));
    let count = format!("(bvand {b} {})", literal(width, u128::from(width) - 1));
    let back = format!("(bvsub {} {count})", literal(width, width.into()));
    match op {
        IntOp::Add => binary("bvadd"),
        IntOp::Sub => binary("bvsub"),
        IntOp::Mul => binary("bvmul"),
        IntOp::DivS => binary("bvsdiv"),
        IntOp::DivU => binary("bvudiv"),
        IntOp::RemS => binary("bvsrem"),
        IntOp::RemU => binary("bvurem"),
        IntOp::And => binary("bvand"),
        IntOp::Or => binary("bvor"),
        IntOp::Xor => binary("bvxor"),
        IntOp::Shl => Some(format!("(bvshl {a} {count})")),
        IntOp::ShrS => Some(format!("(bvashr {a} {count})")),
        IntOp::ShrU => Some(format!("(bvlshr {a} {count})")),
        // A shift by the width gives 0, so that a rotation by 0 comes out right.
        IntOp::Rotl => Some(format!("(bvor (bvshl {a} {count}) (bvlshr {a} {back}))")),
        IntOp::Rotr => Some(format!("(bvor (bvlshr {a} {count}) (bvshl {a} {back}))")),
        IntOp::Clz => Some(first_one(width, a, |i| width - 1 - i)),
        IntOp::Ctz => Some(first_one(width, a, |i| i)),
        IntOp::Popcnt => {
            let mut s = String::from("(bvadd");
            for i in 0..width {
                s.push_str(&format!(" ((_ zero_extend {}) {})", width - 1, extract(a, i, i)));
            }
            s.push(')');
            Some(s)
        }
        IntOp::Extend(from) => {
            Some(format!("((_ sign_extend {}) {})", width - from, extract(a, from - 1, 0)))
        }
        _ => None,
    }
}

/// How many bits in the order `bit` come before the first one.
fn first_one(width: u32, a: &str, bit: impl Fn(u32) -> u32) -> String {
    let mut s = literal(width, width.into());
    for i in (0..width).rev() {
        s = format!("(ite (= {} #b1) {} {s})", extract(a, bit(i), bit(i)), literal(width, i.into()));
    }
    s
}

/// When the operator traps; `None` if it never does.
pub(super) fn trap(op: IntOp, width: u32, a: &str, b: &str) -> Option<String> {
    let zero = format!("(= {b} {})", literal(width, 0));
    match op {
        IntOp::DivS => Some(format!(
            "(or {zero} (and (= {b} {}) (= {a} {})))",
            literal(width, u128::MAX),
            literal(width, 1 << (width - 1))
        )),
        IntOp::DivU | IntOp::RemS | IntOp::RemU => Some(zero),
        _ => None,
    }
}
