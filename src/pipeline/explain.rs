//! `--explain`: how each value of a function came to its last form, from egg's proofs.
//!
//! The e-graph that the function is extracted from keeps no proofs, since they cost memory and change which of two equal nodes comes
//! first. Another one of the same function is built that does, and saturated in the same way; the output does not depend on
//! it. For each value whose class some rule touched, the term as written and the term extracted are proved equal there, and the
//! proof's steps are printed: rule, where it stands, and the term after it.
//!
//! Complexity: that of saturation once more, and a walk over each proof that ends after [`MAX_STEPS`] steps.

use crate::egraph::build::{Built, immediates};
use crate::egraph::compile::CompiledRules;
use crate::egraph::facts::{Graph, put};
use crate::egraph::node::{Head, Node};
use crate::egraph::saturate::Saturation;
use crate::extract::Elaborated;
use crate::interp::Const;
use crate::ir::entity::{Inst, Value};
use crate::ir::function::Function;
use crate::ir::print;
use crate::module::Module;
use crate::rules::Outcome;
use crate::skeleton::{Change, Place};
use cranelift_entity::SecondaryMap;
use egg::{FlatTerm, Id, TreeExplanation};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Most steps of one value's proof that are printed.
pub const MAX_STEPS: usize = 60;

/// Deepest part of a term that is printed.
const MAX_DEPTH: usize = 6;

/// What is explained.
pub(super) struct Subject<'a> {
    /// The function that the e-graph was made of.
    pub before: &'a Function,
    /// What it was before rules changed its effects and branches, with the changes, the first one first.
    pub rounds: &'a [(Cow<'a, Function>, Vec<Change>)],
    /// What was extracted, with the values of the input that its own stand for.
    pub after: &'a Elaborated,
    /// The graph that it was extracted from, and what happened in it.
    pub built: &'a Built,
    /// See `built`.
    pub saturation: &'a Saturation,
    /// The same function's graph with proofs, saturated.
    pub proving: &'a mut Built,
    /// The rules of the run.
    pub rules: &'a CompiledRules,
    /// The module, for names.
    pub module: &'a Module,
}

/// The text: the function before, each effect and branch that rules changed, each value that they touched with its steps, the function as it is in
/// the end (`tidy`).
pub(super) fn explanation(mut subject: Subject<'_>, tidy: &Function) -> String {
    let mut touched: BTreeMap<Id, Vec<u32>> = BTreeMap::new();
    for applied in &subject.saturation.log {
        let rules = touched.entry(subject.built.graph.find(applied.class)).or_default();
        if !rules.contains(&applied.rule) {
            rules.push(applied.rule);
        }
    }
    let f = subject.before;
    let name = subject.module.func_name(f.id);
    let first = subject.rounds.first().map_or(f, |(before, _)| before);
    let mut text = format!("; before\n{}\n", print::function(first, name));
    effects(&subject, &mut text);
    text.push_str("; rules\n");
    let forms = Forms::of(&mut subject);
    for &b in &f.layout {
        for &inst in &f.blocks[b].insts {
            for &v in f.results(inst) {
                let class = subject.built.class(v);
                if let Some(rules) = touched.get(&class) {
                    let steps = value(&mut subject, &forms, v, class, rules);
                    if !steps.is_empty() {
                        write!(text, "{}\n{steps}", print::inst(f, inst)).expect("writing to a string");
                    }
                }
            }
        }
    }
    write!(text, "\n; after\n{}", print::function(tidy, name)).expect("writing to a string");
    text
}

/// What rules made of effects and branches, round by round.
fn effects(subject: &Subject<'_>, text: &mut String) {
    for (n, (before, changes)) in subject.rounds.iter().enumerate() {
        let after: &Function = subject.rounds.get(n + 1).map_or(subject.before, |(f, _)| f);
        text.push_str("; effects\n");
        for change in changes {
            let (was, is) = match (change.place, change.outcome) {
                (Place::Inst(i), Outcome::Effect) => (print::inst(before, i), print::inst(after, i)),
                (Place::Inst(i), Outcome::Value) => (print::inst(before, i), "its value is known".to_owned()),
                (Place::Inst(i), _) => (print::inst(before, i), "removed".to_owned()),
                (Place::End(b), _) => (print::terminator(before, b), print::terminator(after, b)),
            };
            let rule = &subject.rules.rules[change.rule as usize].rule;
            writeln!(text, "{was}\n    {}    ; {} ({})", is.trim(), rule.name, rule.location())
                .expect("writing to a string");
        }
        text.push('\n');
    }
}

/// The steps of one value; none where it stays as it is.
fn value(subject: &mut Subject<'_>, forms: &Forms, v: Value, class: Id, touched: &[u32]) -> String {
    let place = |rule: &str| {
        let found = subject.rules.rules.iter().find(|r| r.rule.name == rule);
        found.map_or_else(|| rule.to_owned(), |r| format!("{rule} ({})", r.rule.location()))
    };
    let ends = subject.proving.added(v).zip(forms.by_class.get(&class).copied());
    let graph = &mut subject.proving.graph;
    let Some((from, to)) = ends.filter(|(from, to)| graph.find(*from) == graph.find(*to)) else {
        let names: Vec<String> =
            touched.iter().map(|&r| place(&subject.rules.rules[r as usize].rule.name)).collect();
        let why = if ends.is_some() { "no proof" } else { "not needed in the end" };
        return format!("    {why}; its class was touched by {}\n", names.join(", "));
    };
    let mut text = String::new();
    if from != to {
        let proof = graph.explain_id_equivalence(from, to);
        let mut left = MAX_STEPS;
        steps(&proof.explanation_trees, 0, &mut left, &place, &mut text);
        if left == 0 {
            text.push_str("    …\n");
        }
    }
    text
}

/// Writes the steps of a proof; those inside an operand are indented. Recursion is bounded by `left`, which each step takes one of,
/// and by [`MAX_DEPTH`].
fn steps(
    proof: &TreeExplanation<Node>,
    depth: usize,
    left: &mut usize,
    place: &dyn Fn(&str) -> String,
    text: &mut String,
) {
    for term in proof {
        let rule = match (&term.forward_rule, &term.backward_rule) {
            (Some(rule), _) => Some(("", rule)),
            (None, Some(rule)) => Some((" backwards", rule)),
            (None, None) => None,
        };
        if let Some((direction, rule)) = rule {
            if *left == 0 {
                return;
            }
            *left -= 1;
            let mut shown = String::new();
            term_text(&term.get_initial_flat_term(), 0, &mut shown);
            let indent = "  ".repeat(depth + 2);
            writeln!(text, "{indent}= {shown}    ; {}{direction}", place(rule.as_str())).expect("a string");
        }
        for child in term.child_proofs.iter().filter(|c| c.len() > 1 || changes(c)) {
            if depth < MAX_DEPTH {
                steps(child, depth + 1, left, place, text);
            }
        }
    }
}

/// Whether a proof of one term has steps in its operands.
fn changes(proof: &TreeExplanation<Node>) -> bool {
    let mut work: Vec<&TreeExplanation<Node>> = vec![proof];
    for _ in 0..MAX_STEPS {
        let Some(proof) = work.pop() else { return false };
        if proof.len() > 1 {
            return true;
        }
        work.extend(proof.iter().flat_map(|t| &t.child_proofs));
    }
    true
}

/// A term in the form of rules, without effect versions.
fn term_text(term: &FlatTerm<Node>, depth: usize, out: &mut String) {
    let head = &term.node.head;
    if term.children.is_empty() {
        match head {
            Head::Const(_) => write!(out, "({})", term.node),
            _ => write!(out, "{}", term.node),
        }
        .expect("writing to a string");
        return;
    }
    if depth == MAX_DEPTH {
        out.push('…');
        return;
    }
    write!(out, "({}", term.node).expect("writing to a string");
    let value = |child: &&FlatTerm<Node>| match child.node.head {
        Head::Version(_) => false,
        Head::Op(op) => crate::rules::shape(op).is_none_or(|s| !s.makes_version),
        _ => true,
    };
    for child in term.children.iter().filter(value) {
        out.push(' ');
        term_text(child, depth + 1, out);
    }
    out.push(')');
}

/// What was extracted, as terms of the graph with proofs.
struct Forms {
    /// By class of the first graph: the first term that computes it.
    by_class: BTreeMap<Id, Id>,
}

impl Forms {
    fn of(subject: &mut Subject<'_>) -> Forms {
        let after = subject.after;
        let mut terms: SecondaryMap<Value, Option<(Id, Id)>> = SecondaryMap::new();
        let mut by_class = BTreeMap::new();
        // Definitions may stand behind uses in the layout; what is not found in two passes has no term.
        for _ in 0..2 {
            for &b in &after.f.layout {
                let origin = |w: Value| after.origin[w].expand();
                let insts = after.f.blocks[b]
                    .insts
                    .iter()
                    .flat_map(|&i| after.f.results(i).iter().map(move |&w| (w, Some(i))));
                for (w, inst) in after.f.block_params(b).iter().map(|&w| (w, None)).chain(insts) {
                    if terms[w].is_some() {
                        continue;
                    }
                    let found = match (origin(w), inst) {
                        (Some(v), _) => subject.proving.added(v).map(|term| (subject.built.class(v), term)),
                        (None, Some(inst)) => {
                            computed(&after.f, inst, subject.built, &mut subject.proving.graph, &terms)
                        }
                        (None, None) => None,
                    };
                    terms[w] = found;
                    if let (Some((class, term)), Some(_)) = (found, inst) {
                        by_class.entry(class).or_insert(term);
                    }
                }
            }
        }
        Forms { by_class }
    }
}

/// Class and term of an instruction that extraction made: constants and pure operators of what has a term.
fn computed(
    f: &Function,
    inst: Inst,
    built: &Built,
    proving: &mut Graph,
    terms: &SecondaryMap<Value, Option<(Id, Id)>>,
) -> Option<(Id, Id)> {
    let data = &f.insts[inst];
    if let Some(c) = Const::from_imm(&data.imm) {
        let node = Node::leaf(Head::Const(c));
        return Some((built.graph.lookup(node.clone())?, put(proving, node)));
    }
    let args = f.args(inst).iter().map(|&a| terms[a]).collect::<Option<SmallVec<[(Id, Id); 4]>>>()?;
    let imms = immediates(data.op, &data.imm)?;
    let (mut classes, mut ids): (SmallVec<[Id; 4]>, SmallVec<[Id; 4]>) = Default::default();
    for i in imms {
        let node = Node::leaf(Head::Imm(i));
        classes.push(built.graph.lookup(node.clone())?);
        ids.push(put(proving, node));
    }
    classes.extend(args.iter().map(|a| a.0));
    ids.extend(args.iter().map(|a| a.1));
    let head = Head::Op(data.op);
    let class = built.graph.lookup(Node { head, children: classes })?;
    Some((class, put(proving, Node { head, children: ids })))
}
