//! The solver's side of rule checking, where there is a solver (`z3` on the search path, or the program named by `LOOM_Z3`):
//! its terms mean what the evaluator computes, and it refutes wrong rules. Without a solver nothing is tested here.

#[allow(dead_code)] // the engines' half of it
#[path = "common/operands.rs"]
mod operands;

use loom_wasm::interp::{Const, Outcome, eval};
use loom_wasm::ir::ops::{Imm, ImmKind, Op, SigType, Signature};
use loom_wasm::ir::types::Type;
use loom_wasm::rules::RuleSet;
use loom_wasm::verify::smt::{Proof, Solver, prove};
use operands::Random;

fn solver() -> Option<Solver> {
    let path = Solver::find();
    if path.is_none() {
        println!("skipped: no solver here");
    }
    path.map(|p| Solver::new(&p, 4))
}

#[test]
fn wrong_rules_are_refuted_by_the_solver() {
    let Some(mut solver) = solver() else { return };
    let set = RuleSet::from_texts([("tests/wrong.rules", include_str!("wrong.rules"))]).expect("rules");
    let mut refuted = 0;
    for rule in &set.rules {
        match prove(rule, &mut solver) {
            Proof::Proved => panic!("{} is proved", rule.name),
            Proof::Refuted(_) => refuted += 1,
            // Division through multiplication, and floats divided: the solver does not finish, the sampler refutes them.
            Proof::Unknown(why) => println!("{}: {why}", rule.name),
        }
    }
    assert!(refuted >= 130, "{refuted} of {}", set.rules.len());
}

/// `(op operands) => result` as a rule; none if the evaluator knows no result.
fn instance(op: Op, lane: Option<u8>, args: &[Const], flip: bool) -> Option<String> {
    let imm = lane.map_or(Imm::None, Imm::Lane);
    let text = |c: Const| format!("({}.const {c})", c.ty());
    let operands: Vec<String> = args.iter().map(|c| text(*c)).collect();
    let lane = lane.map_or(String::new(), |l| format!(" {l}"));
    let left = format!("({}{lane} {})", op.name(), operands.join(" "));
    let right = match eval(op, &imm, args) {
        Outcome::Value(c) if flip => text(Const::from_bits(c.ty(), c.bits() ^ 1)?),
        Outcome::Value(c) => text(c),
        // What traps is equal to a division by zero.
        Outcome::Trap if !flip => match op.info().signature {
            Signature::Fixed { results: [SigType::Is(Type::I32)], .. } => {
                "(i32.div_u (i32.const 1) (i32.const 0))".to_string()
            }
            _ => "(i64.div_u (i64.const 1) (i64.const 0))".to_string(),
        },
        _ => return None,
    };
    Some(format!("{left} => {right}"))
}

/// A few operands for an operator: random edges, and random ones.
fn some(op: Op, params: &[Type], count: usize) -> Vec<Vec<Const>> {
    let mut rng = Random(op as u64);
    let draw = |rng: &mut Random, ty: Type, edge: bool| {
        let edges = operands::edges(ty);
        if edge { edges[rng.next() as usize % edges.len()] } else { operands::random(rng, ty) }
    };
    (0..count).map(|i| params.iter().map(|&p| draw(&mut rng, p, i % 2 == 0)).collect()).collect()
}

/// On edges and random operands, what the evaluator computes is proved and anything else refuted.
#[test]
fn terms_mean_what_the_evaluator_computes() {
    let Some(mut solver) = solver() else { return };
    let (mut tried, mut silent) = (0, Vec::new());
    for &op in Op::ALL {
        let info = op.info();
        let Signature::Fixed { params, results: [_] } = info.signature else { continue };
        let lane = (info.imm == ImmKind::Lane).then_some(1);
        if (info.imm != ImmKind::None && lane.is_none()) || params.is_empty() || op == Op::Select {
            continue;
        }
        let Some(params) = params.iter().map(operands::number).collect::<Option<Vec<_>>>() else { continue };
        let mut any = false;
        for (i, args) in some(op, &params, 8).into_iter().enumerate() {
            let flip = i % 4 == 3;
            let Some(sides) = instance(op, lane, &args, flip) else { continue };
            let text = format!("(rule r :phase expand :verify sample {sides})");
            let set =
                RuleSet::from_texts([("r.rules", text.as_str())]).unwrap_or_else(|e| panic!("{e}: {text}"));
            match prove(&set.rules[0], &mut solver) {
                Proof::Proved if !flip => {}
                Proof::Refuted(_) if flip => {}
                other => panic!("{sides}: {other:?}"),
            }
            any = true;
            tried += 1;
        }
        if !any {
            silent.push(op.name());
        }
    }
    assert!(tried > 1000, "{tried} instances; nothing known of {silent:?}");
}
