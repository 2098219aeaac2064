//! What the previous iteration has computed: predictive commoning.
//!
//! A loop computes `x * x` of its parameter `x`, and `y * y` of the value `y` that the next iteration gets as `x`. Then the next
//! iteration need not compute `x * x`: the product becomes a parameter of the header as well, computed once before the loop.
//!
//! **Licence.** Only pure operators that cannot trap, of parameters of the header, constants and what is computed before the loop. The same
//! operator of the values that go back to the header stands where it is computed on every way back, so it has the value
//! that the next iteration would compute.
//!
//! **Declines.** Several ways back; an operator of fewer than two operands (a local costs as much); sums and differences with
//! constants (they vanish in addresses); what is not computed in every iteration; more than [`MAX_CARRIED`] values a loop, each of
//! which needs a local; beyond [`MAX_WORK`].

use super::{Counts, MAX_WORK};
use crate::analysis::{Cfg, DomTree, Loops};
use crate::chaos::Chaos;
use crate::ir::cleanup::substitute;
use crate::ir::dce::dce;
use crate::ir::entity::{Block, Inst, Value};
use crate::ir::function::{Function, InstData, ValueDef};
use crate::ir::ops::{Imm, Op};
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use hashbrown::{HashMap, HashSet};

/// Values that one loop carries in addition to its own.
pub const MAX_CARRIED: usize = 4;

/// Its name in the report.
pub const PASS: &str = "carried-values";

/// An operand: constants are equal when they look equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Operand {
    Const(Op, Imm),
    Value(Value),
}

/// An operator of operands.
type Key = (Op, Imm, Vec<Operand>);

/// What is known of the graph as it came.
struct Context<'a> {
    cfg: &'a Cfg,
    loops: &'a Loops,
    /// The blocks that instructions stand in.
    home: &'a SecondaryMap<Inst, PackedOption<Block>>,
    chaos: Chaos,
}

/// Carries what it saves to carry, in every loop of a graph.
pub(super) fn carry(f: &mut Function, chaos: Chaos, counts: &mut Counts) {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    let loops = Loops::compute(&cfg, &dom);
    let mut blocks: SecondaryMap<Block, Vec<Block>> = SecondaryMap::new();
    for &b in cfg.rpo() {
        if let Some(h) = loops.innermost(b) {
            blocks[h].push(b);
        }
    }
    let mut home: SecondaryMap<Inst, PackedOption<Block>> = SecondaryMap::new();
    for &b in cfg.rpo() {
        for &i in &f.blocks[b].insts {
            home[i] = Some(b).into();
        }
    }
    let size = f.layout.iter().map(|&b| 1 + f.blocks[b].insts.len()).sum::<usize>();
    let (mut any, mut work) = (false, 0);
    let cx = Context { cfg: &cfg, loops: &loops, home: &home, chaos };
    for &header in loops.headers() {
        let mut latches = cfg.back_edges().iter().filter(|e| e.1 == header).map(|e| e.0);
        let (Some(latch), None) = (latches.next(), latches.next()) else { continue };
        let one_edge = f.term(latch).edges().filter(|e| e.block == header).count() == 1;
        let passed = cfg
            .preds(header)
            .iter()
            .all(|&p| f.term(p).edges().filter(|e| e.block == header).all(|e| f.produced(e) == 0));
        if !one_edge || !passed || !dom.dominates(header, latch) {
            continue;
        }
        let always: Vec<Block> =
            blocks[header].iter().copied().filter(|&b| dom.dominates(b, latch)).collect();
        for _ in 0..MAX_CARRIED {
            let Some((old, next)) = find(f, &cx, (header, latch), &always, &mut work) else { break };
            work += size;
            if work > MAX_WORK {
                break;
            }
            replace(f, &cfg, &loops, header, old, next);
            if let Some(b) = home[old].expand() {
                f.blocks[b].insts.retain(|&i| i != old);
            }
            *counts.entry(PASS).or_default() += 1;
            any = true;
        }
    }
    if any {
        dce(f);
    }
}

/// An instruction of a loop that computes what another one computed in the iteration before.
fn find(
    f: &Function,
    cx: &Context<'_>,
    (header, latch): (Block, Block),
    always: &[Block],
    work: &mut usize,
) -> Option<(Inst, Inst)> {
    let back = f.term(latch).edges().find(|e| e.block == header)?;
    let next: HashMap<Value, Value> =
        f.block_params(header).iter().copied().zip(f.edge_args(back).iter().copied()).collect();
    // What is defined in the loop, but for the header's parameters and constants, is new in each iteration.
    let mut computed: HashMap<Key, Inst> = HashMap::new();
    for &b in always {
        for &i in &f.blocks[b].insts {
            if is_worth(f, i) {
                let operands = f.args(i).iter().map(|&a| operand(f, a)).collect();
                computed.entry(key(f, i, operands)).or_insert(i);
            }
        }
    }
    let mut known: Option<HashSet<Value>> = None;
    for i in always.iter().flat_map(|&b| &f.blocks[b].insts).copied().filter(|&i| is_worth(f, i)) {
        let mut moves = false;
        let mut operands = Vec::new();
        for &a in f.args(i) {
            let fixed = match (f.values[a].def, operand(f, a)) {
                (_, Operand::Const(..)) => true,
                (ValueDef::Param(b, _), _) => !cx.loops.contains(header, b),
                // What this pass has made stands before the loop.
                (ValueDef::Result(d, _), _) => {
                    cx.home[d].expand().is_none_or(|b| !cx.loops.contains(header, b))
                }
            };
            match next.get(&a) {
                Some(&after) => {
                    moves |= after != a;
                    operands.push(operand(f, after));
                }
                None if fixed => operands.push(operand(f, a)),
                None => break,
            }
        }
        if !moves || operands.len() != f.args(i).len() {
            continue;
        }
        let same_type = |other| f.result(other).map(|r| f.ty(r)) == f.result(i).map(|r| f.ty(r));
        if let Some(&other) =
            computed.get(&key(f, i, operands)).filter(|&&other| other != i && same_type(other))
            && dies_before(f, cx.cfg, i, other, work)
            && f.result(i)
                .is_some_and(|r| known.get_or_insert_with(|| needed(f, header, always)).contains(&r))
            && cx.chaos.flip("carry a value", (header, i), true)
        {
            return Some((i, other));
        }
    }
    None
}

/// Whether everything that reads what `old` computes stands before `next`, or is `next`: both can then share a local, and the value
/// goes back without a move.
fn dies_before(f: &Function, cfg: &Cfg, old: Inst, next: Inst, work: &mut usize) -> bool {
    let Some(value) = f.result(old).filter(|_| *work <= MAX_WORK) else { return false };
    *work += f.layout.iter().map(|&b| 1 + f.blocks[b].insts.len()).sum::<usize>();
    let mut order: Vec<Block> = f.layout.clone();
    order.sort_by_key(|&b| cfg.position(b));
    let mut passed = false;
    for b in order {
        for &i in &f.blocks[b].insts {
            if passed && f.args(i).contains(&value) {
                return false;
            }
            passed |= i == next;
        }
        let term = f.term(b);
        let mut ends = term.operands(&f.pool).iter().chain(term.edges().flat_map(|e| f.edge_args(e)));
        if passed && ends.any(|&v| v == value) {
            return false;
        }
    }
    true
}

/// What effects and branches of every iteration, or the next one, need. The rest is computed only where it is used.
fn needed(f: &Function, header: Block, always: &[Block]) -> HashSet<Value> {
    let mut needed: HashSet<Value> = HashSet::new();
    for &b in always.iter().rev() {
        let term = f.term(b);
        let back = term.edges().filter(|e| e.block == header).flat_map(|e| f.edge_args(e));
        needed.extend(term.operands(&f.pool).iter().chain(back));
        for &i in f.blocks[b].insts.iter().rev() {
            if !f.insts[i].op.is_pure() || f.results(i).iter().any(|r| needed.contains(r)) {
                needed.extend(f.args(i));
            }
        }
    }
    needed
}

/// Whether a local costs less than computing it again.
fn is_worth(f: &Function, i: Inst) -> bool {
    let op = f.insts[i].op;
    let constant = |&a: &Value| matches!(operand(f, a), Operand::Const(..));
    let shifts_address = matches!(op, Op::I32Add | Op::I32Sub | Op::I64Add | Op::I64Sub);
    op.is_pure()
        && !op.is_const()
        && f.result(i).is_some()
        && f.args(i).len() >= 2
        && !(shifts_address && f.args(i).iter().any(constant))
}

fn operand(f: &Function, v: Value) -> Operand {
    match f.def_inst(v).map(|i| &f.insts[i]) {
        Some(data) if data.op.is_const() => Operand::Const(data.op, data.imm),
        _ => Operand::Value(v),
    }
}

fn key(f: &Function, i: Inst, mut operands: Vec<Operand>) -> Key {
    let data = &f.insts[i];
    if data.op.info().commutes {
        // The first two only: a third one is no operand of the same kind.
        operands[..2].sort_unstable();
    }
    (data.op, data.imm, operands)
}

/// Makes the value of `old` a parameter of the header, which gets that of `next` on the way back.
fn replace(f: &mut Function, cfg: &Cfg, loops: &Loops, header: Block, old: Inst, next: Inst) {
    let (Some(value), Some(after)) = (f.result(old), f.result(next)) else { return };
    let params = f.block_params(header).to_vec();
    let param = f.add_param(header, f.ty(value));
    f.values[param].hint = f.values[value].hint;
    let InstData { op, imm, .. } = f.insts[old];
    for &p in cfg.preds(header) {
        let edges = f.term(p).edges().count();
        for n in 0..edges {
            let edge = f.term(p).edges().nth(n).expect("an edge of the block").clone();
            if edge.block != header {
                continue;
            }
            let arg = if loops.contains(header, p) {
                after
            } else {
                let given = f.edge_args(&edge).to_vec();
                let at = |a: &Value| params.iter().position(|p| p == a);
                let mut args = f.args(old).to_vec();
                for a in &mut args {
                    match (at(a), f.def_inst(*a)) {
                        (Some(n), _) => *a = given[n],
                        // Constants of the loop are not there yet.
                        (None, Some(c)) if f.insts[c].op.is_const() => {
                            let InstData { op, imm, .. } = f.insts[c];
                            let made = f.append(p, op, imm, &[], &[f.ty(*a)]);
                            *a = f.results(made)[0];
                        }
                        _ => {}
                    }
                }
                let made = f.append(p, op, imm, &args, &[f.ty(value)]);
                f.results(made)[0]
            };
            let mut term = f.blocks[p].term.take();
            if let Some(e) = term.iter_mut().flat_map(|t| t.edges_mut()).nth(n) {
                e.args.push(arg, &mut f.pool);
            }
            f.blocks[p].term = term;
        }
    }
    let mut replaced: SecondaryMap<Value, PackedOption<Value>> = SecondaryMap::new();
    replaced[value] = Some(param).into();
    substitute(f, &mut replaced);
}
