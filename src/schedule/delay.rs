//! Next values where their block ends.
//!
//! `x + c` that the input kept in the local of `x` shares that local only if nothing reads `x` any more. Rewriting makes such
//! reads: `load (x + c)` becomes a load from `x` at an offset. Where the sum is wanted only behind the block it is computed
//! last, and a loop's counter needs no second local, nor a copy at the end of each iteration. The same holds for the registers
//! of engines, which compute an address like `(x << 2) + c` anew where it is used and so read `x` later than the code says.

use super::LowerError;
use super::live_in::LiveIn;
use super::scramble::Order;
use crate::analysis::Cfg;
use crate::chaos::Chaos;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, ValueDef};
use hashbrown::HashSet;

/// Puts the next values that no instruction of their block reads behind all of them, where the old value ends with the block:
/// one that lives on needs its own local in any case. Returns the order that the blocks it changed had. Linear in the
/// instructions and in the extent of the old values, which `max_steps` caps.
pub(super) fn delay_next_values(f: &mut Function, cfg: &Cfg, max_steps: usize, chaos: Chaos) -> Order {
    let mut found: Vec<(Block, Vec<(Inst, Value)>)> = Vec::new();
    for &b in &f.layout {
        let next = next_values(f, b);
        if !next.is_empty() {
            found.push((b, next));
        }
    }
    let mut live = LiveIn::new(f, found.iter().flat_map(|(_, next)| next).map(|n| n.1), max_steps);
    let mut old = Order::new();
    for (b, next) in found {
        let mut moved: Vec<Inst> = Vec::new();
        for (i, value) in next {
            match ends_with(f, cfg, &mut live, b, value) {
                Ok(true) if chaos.flip("next value at the end", i, true) => moved.push(i),
                Ok(_) => {}
                // Too much work: the rest stays as it is.
                Err(_) => return old,
            }
        }
        let insts = &f.blocks[b].insts;
        let last: HashSet<Inst> = moved.iter().copied().collect();
        let mut order: Vec<Inst> = insts.iter().copied().filter(|i| !last.contains(i)).collect();
        order.append(&mut moved);
        if order != *insts {
            old.push((b, std::mem::replace(&mut f.blocks[b].insts, order)));
        }
    }
    old
}

/// The instructions of a block that compute a next value which no other reads, with the old value.
fn next_values(f: &Function, b: Block) -> Vec<(Inst, Value)> {
    let insts = &f.blocks[b].insts;
    let mut next: Vec<(Inst, Value)> =
        insts.iter().filter_map(|&i| old_value(f, i).map(|old| (i, old))).collect();
    if !next.is_empty() {
        let read: HashSet<Value> = insts.iter().flat_map(|&i| f.args(i)).copied().collect();
        next.retain(|&(i, _)| f.results(i).iter().all(|r| !read.contains(r)));
    }
    next
}

/// Whether nothing reads a block parameter after the instructions of a block.
pub(super) fn ends_with(
    f: &Function,
    cfg: &Cfg,
    live: &mut LiveIn,
    b: Block,
    old: Value,
) -> Result<bool, LowerError> {
    let ValueDef::Param(home, _) = f.values[old].def else { return Ok(false) };
    let term = f.term(b);
    if term.operands(&f.pool).contains(&old) || term.edges().any(|e| f.edge_args(e).contains(&old)) {
        return Ok(false);
    }
    let blocks = live.blocks(f, cfg, old)?;
    Ok(term.edges().all(|e| e.block == home || !blocks.contains(&e.block)))
}

/// The value from which and constants a pure instruction computes another, if the input had both in one local.
fn old_value(f: &Function, i: Inst) -> Option<Value> {
    let next = f.result(i)?;
    let hint = f.values[next].hint;
    if hint.is_none() || !f.insts[i].op.is_pure() {
        return None;
    }
    let constant = |&a: &Value| f.def_inst(a).is_some_and(|i| f.insts[i].op.is_const());
    let mut others = f.args(i).iter().filter(|a| !constant(a));
    let &old = others.next()?;
    (f.values[old].hint == hint && others.all(|&a| a == old)).then_some(old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{parse, print};

    /// The loop's instructions, one a line, after the next values were put at the end.
    fn body(instructions: &str) -> Vec<String> {
        body_with(instructions, "b1(v4), b2()", "return v1")
    }

    /// The same with other ways on and another end.
    fn body_with(instructions: &str, ways: &str, end: &str) -> Vec<String> {
        let text = format!(
            "function func0 (i32, i32) -> (i32) {{
b0(v0: i32 @0, v1: i32 @1):
    br b1(v0)
b1(v2: i32 @0):
    v3: i32 = i32.const 4
{instructions}
    br_if v1, {ways}
b2():
    {end}
}}"
        );
        let mut f = parse::function(&text).expect("the text parses");
        let cfg = Cfg::compute(&f);
        delay_next_values(&mut f, &cfg, 1000, Chaos::OFF);
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
    fn what_lives_on_stays() {
        for (end, way) in [("return v2", "b1(v4), b2()"), ("return v1", "b1(v2), b2()")] {
            let lines =
                body_with("    v4: i32 @0 = i32.add v2, v3\n    v5: i32 = i32.load mem0 v2", way, end);
            assert!(position(&lines, "i32.add") < position(&lines, "i32.load"), "{lines:#?}");
        }
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
