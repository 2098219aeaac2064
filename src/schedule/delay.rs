//! Next values where their block ends.
//!
//! `x + c` that the input kept in the local of `x` shares that local only if nothing reads `x` any more. Rewriting makes such
//! reads: `load (x + c)` becomes a load from `x` at an offset. Where the sum is wanted only behind the block it is computed
//! last, and a loop's counter needs no second local, nor a copy at the end of each iteration. The same holds for the registers
//! of engines, which compute an address like `(x << 2) + c` anew where it is used and so read `x` later than the code says.

use super::scramble::Order;
use crate::chaos::Chaos;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::Function;
use hashbrown::HashSet;

/// Puts the next values that no instruction of their block reads behind all of them. Returns the order that the blocks it
/// changed had. Linear in the instructions.
pub(super) fn delay_next_values(f: &mut Function, chaos: Chaos) -> Order {
    let mut old = Order::new();
    for n in 0..f.layout.len() {
        let b = f.layout[n];
        if let Some(new) = delayed(f, b, chaos) {
            old.push((b, std::mem::replace(&mut f.blocks[b].insts, new)));
        }
    }
    old
}

/// The instructions of a block in their new order, if that is another one.
fn delayed(f: &Function, b: Block, chaos: Chaos) -> Option<Vec<Inst>> {
    let insts = &f.blocks[b].insts;
    let mut next: Vec<Inst> = insts.iter().copied().filter(|&i| is_next_value(f, i)).collect();
    if next.is_empty() {
        return None;
    }
    let read: HashSet<Value> = insts.iter().flat_map(|&i| f.args(i)).copied().collect();
    next.retain(|&i| {
        f.results(i).iter().all(|r| !read.contains(r)) && chaos.flip("next value at the end", i, true)
    });
    let moved: HashSet<Inst> = next.iter().copied().collect();
    let mut order: Vec<Inst> = insts.iter().copied().filter(|i| !moved.contains(i)).collect();
    order.append(&mut next);
    (order != *insts).then_some(order)
}

/// Whether a pure instruction computes a value from another and constants, and the input had both in one local.
fn is_next_value(f: &Function, i: Inst) -> bool {
    let Some(next) = f.result(i) else { return false };
    let hint = f.values[next].hint;
    if hint.is_none() || !f.insts[i].op.is_pure() {
        return false;
    }
    let constant = |&a: &Value| f.def_inst(a).is_some_and(|i| f.insts[i].op.is_const());
    let mut others = f.args(i).iter().filter(|a| !constant(a));
    let Some(&old) = others.next() else { return false };
    f.values[old].hint == hint && others.all(|&a| a == old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{parse, print};

    /// The loop's instructions, one a line, after the next values were put at the end.
    fn body(instructions: &str) -> Vec<String> {
        let text = format!(
            "function func0 (i32, i32) -> (i32) {{
b0(v0: i32 @0, v1: i32 @1):
    br b1(v0)
b1(v2: i32 @0):
    v3: i32 = i32.const 4
{instructions}
    br_if v1, b1(v4), b2()
b2():
    return v1
}}"
        );
        let mut f = parse::function(&text).expect("the text parses");
        delay_next_values(&mut f, Chaos::OFF);
        let all = &f.blocks[f.layout[1]].insts;
        all.iter().map(|&i| print::inst(&f, i).trim().to_owned()).collect()
    }

    fn position(lines: &[String], what: &str) -> usize {
        lines.iter().position(|l| l.contains(what)).expect("the instruction is there")
    }

    #[test]
    fn a_next_value_is_computed_last() {
        let lines = body("    v4: i32 @0 = i32.add v2, v3\n    v5: i32 = i32.load mem0 v2");
        assert!(position(&lines, "i32.add") > position(&lines, "i32.load"), "{lines:#?}");
    }

    #[test]
    fn what_its_block_reads_stays() {
        let lines = body("    v4: i32 @0 = i32.add v2, v3\n    v5: i32 = i32.load mem0 v4");
        assert!(position(&lines, "i32.add") < position(&lines, "i32.load"), "{lines:#?}");
    }

    #[test]
    fn what_had_another_local_stays() {
        let lines = body("    v4: i32 @1 = i32.add v2, v3\n    v5: i32 = i32.load mem0 v2");
        assert!(position(&lines, "i32.add") < position(&lines, "i32.load"), "{lines:#?}");
    }

    #[test]
    fn what_had_no_local_stays() {
        let lines = body("    v4: i32 = i32.add v2, v3\n    v5: i32 = i32.load mem0 v2");
        assert!(position(&lines, "i32.add") < position(&lines, "i32.load"), "{lines:#?}");
    }

    #[test]
    fn what_takes_a_second_value_stays() {
        let lines = body("    v4: i32 @0 = i32.add v2, v1\n    v5: i32 = i32.load mem0 v2");
        assert!(position(&lines, "i32.add") < position(&lines, "i32.load"), "{lines:#?}");
    }

    #[test]
    fn what_reads_memory_or_may_trap_stays() {
        for op in ["i32.load mem0 v2", "i32.div_u v2, v3"] {
            let lines = body(&format!("    v4: i32 @0 = {op}\n    v5: i32 = i32.popcnt v2"));
            assert!(position(&lines, "v4") < position(&lines, "popcnt"), "{lines:#?}");
        }
    }
}
