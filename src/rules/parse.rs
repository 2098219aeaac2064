//! From the text of a rule file to [`Rule`]s: attributes, families, the two sides.

use super::ast::*;
use super::check::{Checker, RawPattern, Side, Types, did_you_mean};
use super::family::{self, Choice};
use super::sexpr::{self, Pos, Sexpr};
use super::skeleton;
use super::variants;
use crate::error::Error;
use crate::ir::ops::Feature;
use crate::options::Objective;
use std::sync::Arc;

/// Most instances one file may expand to.
const MAX_RULES: usize = 100_000;

/// Most words and lists in the sides, conditions and examples of one rule.
const MAX_TERMS: usize = 2_000;

/// Most of them in all instances of one file.
const MAX_EXPANDED: usize = 4_000_000;

const ATTRIBUTES: [&str; 6] = [":phase", ":verify", ":objective", ":for", ":when", ":example"];

/// The attributes of a rule as written.
#[derive(Default)]
struct Attributes {
    phase: Option<Phase>,
    verify: Option<Verify>,
    objective: Option<Objective>,
    clauses: Vec<Sexpr>,
    conditions: Vec<Sexpr>,
    examples: Vec<(Sexpr, Sexpr)>,
}

/// Reads all rules of one file, families expanded. With a `narrow` width, only the rules that are parametric in their
/// width, in their reading for that width ([`family::choices`]); those that have none are left out.
pub(super) fn parse_file(file: &str, text: &str, narrow: Option<u32>) -> Result<Vec<Rule>, Error> {
    let theme = file.rsplit('/').next().unwrap_or(file);
    let theme: Arc<str> = theme.strip_suffix(".rules").unwrap_or(theme).into();
    let file: Arc<str> = file.into();
    let mut rules = Vec::new();
    let mut left = MAX_EXPANDED;
    for s in sexpr::read(text).map_err(|e| e.in_file(&*file))? {
        parse_rule(&s, &file, &theme, narrow, &mut rules, &mut left).map_err(|e| e.in_file(&*file))?;
    }
    Ok(rules)
}

fn parse_rule(
    s: &Sexpr,
    file: &Arc<str>,
    theme: &Arc<str>,
    narrow: Option<u32>,
    rules: &mut Vec<Rule>,
    left: &mut usize,
) -> Result<(), Error> {
    if s.head() != Some("rule") {
        return Err(s.pos.error("expected (rule NAME …)"));
    }
    let items = s.list().unwrap_or_default();
    let Some(name) = items.get(1).and_then(Sexpr::atom) else {
        return Err(s.pos.error("expected the rule's name after `rule`"));
    };
    if name.starts_with([':', '?']) || name == "=>" || name.contains(['@', ',']) {
        return Err(items[1].pos.error(format!("`{name}` is no name for a rule")));
    }
    let mut attributes = Attributes::default();
    let mut body: Vec<&Sexpr> = Vec::new();
    let mut rest = &items[2..];
    while let Some((first, tail)) = rest.split_first() {
        rest = match first.atom() {
            Some(key) if key.starts_with(':') => attribute(&mut attributes, key, first.pos, tail)?,
            _ => {
                body.push(first);
                tail
            }
        };
    }
    let Some(phase) = attributes.phase else {
        let names = Phase::NAMES.map(|p| p.1).join(", ");
        return Err(s.pos.error(format!("the rule `{name}` has no :phase (one of {names})")));
    };
    let Some(verify) = attributes.verify else {
        let names = Verify::NAMES.map(|v| v.1).join(", ");
        return Err(s.pos.error(format!(
            "the rule `{name}` has no :verify (one of {names}): what is to establish it beyond samples"
        )));
    };
    let [lhs, arrow, rhs] = body[..] else {
        return Err(s.pos.error(format!("the rule `{name}` is not of the form LHS => RHS")));
    };
    if arrow.atom() != Some("=>") {
        return Err(arrow.pos.error("expected `=>` between the two sides"));
    }
    let examples = attributes.examples.iter().flat_map(|(a, b)| [a, b]);
    let size: usize =
        [lhs, rhs].into_iter().chain(&attributes.conditions).chain(examples).map(Sexpr::size).sum();
    if size > MAX_TERMS {
        return Err(s.pos.error(format!("the rule `{name}` has more than {MAX_TERMS} terms")));
    }
    for choice in family::choices(&attributes.clauses, narrow)? {
        if rules.len() == MAX_RULES {
            return Err(s.pos.error(format!("more than {MAX_RULES} rules in one file")));
        }
        *left = left.checked_sub(size).ok_or_else(|| {
            s.pos.error(format!(
                "the rules of one file have more than {MAX_EXPANDED} terms, families expanded"
            ))
        })?;
        let head = Head {
            name: format!("{name}{}", choice.suffix),
            family: name.to_string(),
            file: file.clone(),
            theme: theme.clone(),
            pos: s.pos,
            phase,
            verify,
        };
        let instance = |e: Error| match choice.suffix.as_str() {
            "" => e,
            suffix => Error { message: format!("{} (in the instance {name}{suffix})", e.message), ..e },
        };
        match elaborate(head, lhs, rhs, &attributes, &choice) {
            Ok(rule) => rules.push(rule),
            Err(_) if narrow.is_some() => {}
            Err(e) => return Err(instance(e)),
        }
    }
    Ok(())
}

/// What is known of an instance before its terms are read.
struct Head {
    name: String,
    family: String,
    file: Arc<str>,
    theme: Arc<str>,
    pos: Pos,
    phase: Phase,
    verify: Verify,
}

/// Reads one attribute and returns what follows it.
fn attribute<'a>(a: &mut Attributes, key: &str, pos: Pos, tail: &'a [Sexpr]) -> Result<&'a [Sexpr], Error> {
    let word = || {
        tail.first().and_then(Sexpr::atom).ok_or_else(|| pos.error(format!("expected a word after `{key}`")))
    };
    let one_of = |names: Vec<&str>, found: &str| {
        let hint = did_you_mean(found, names.iter().copied());
        tail[0].pos.error(format!("unknown {key} `{found}`, expected one of {}{hint}", names.join(", ")))
    };
    match key {
        ":phase" => {
            let w = word()?;
            let found = Phase::NAMES.iter().find(|p| p.1 == w);
            let names = Phase::NAMES.iter().map(|p| p.1).collect();
            a.phase = Some(found.ok_or_else(|| one_of(names, w))?.0);
            Ok(&tail[1..])
        }
        ":verify" => {
            let w = word()?;
            let found = Verify::NAMES.iter().find(|p| p.1 == w);
            let names = Verify::NAMES.iter().map(|p| p.1).collect();
            a.verify = Some(found.ok_or_else(|| one_of(names, w))?.0);
            Ok(&tail[1..])
        }
        ":objective" => {
            let w = word()?;
            a.objective = Some(match w {
                "speed" => Objective::Speed,
                "size" => Objective::Size,
                _ => return Err(one_of(vec!["speed", "size"], w)),
            });
            Ok(&tail[1..])
        }
        ":for" => {
            let n = tail.iter().take_while(|s| family::is_clause(s)).count();
            if n == 0 {
                return Err(pos.error("expected a clause such as (N 32 64) after `:for`"));
            }
            a.clauses.extend_from_slice(&tail[..n]);
            Ok(&tail[n..])
        }
        ":when" => {
            // Conditions go on as far as calls of the vocabulary do, so that a :when may stand before the sides too.
            let n = tail.iter().take_while(|s| s.list().is_some()).count();
            if n == 0 {
                return Err(pos.error("expected a condition after `:when`"));
            }
            a.conditions.extend_from_slice(&tail[..n]);
            Ok(&tail[n..])
        }
        ":example" => {
            let [before, arrow, after, rest @ ..] = tail else {
                return Err(pos.error("expected BEFORE => AFTER after `:example`"));
            };
            if arrow.atom() != Some("=>") {
                return Err(arrow.pos.error("expected `=>` in the example"));
            }
            a.examples.push((before.clone(), after.clone()));
            Ok(rest)
        }
        _ => {
            let hint = did_you_mean(key, ATTRIBUTES.into_iter());
            Err(pos.error(format!("unknown attribute `{key}`{hint}")))
        }
    }
}

fn elaborate(
    head: Head,
    lhs: &Sexpr,
    rhs: &Sexpr,
    attributes: &Attributes,
    choice: &Choice,
) -> Result<Rule, Error> {
    if lhs.atom().is_some() {
        return Err(lhs.pos.error("a left side must be an operator, a bare variable would match everything"));
    }
    let mut checker = Checker::default();
    let (left, right) = (choice.apply(lhs), choice.apply(rhs));
    let (raw_lhs, raw_rhs, outcome) = match head.phase {
        Phase::Skeleton => {
            let sides = skeleton::sides(&mut checker, &left, &right, Side::Right)?;
            (sides.left, sides.right, Some(sides.outcome))
        }
        _ => {
            let root = checker.fresh_type();
            let raw_lhs = checker.value_term(&left, Side::Left, root)?;
            (raw_lhs, Some(checker.value_term(&right, Side::Right, root)?), None)
        }
    };
    let mut conditions = Vec::new();
    for c in &attributes.conditions {
        conditions.push(checker.condition(&choice.apply(c))?);
    }
    let (vars, exprs, types) = checker.finish()?;
    let (lhs_pattern, rhs_pattern) = typed(&types, raw_lhs, raw_rhs);
    if outcome.is_none() && matches!(lhs_pattern.node(lhs_pattern.root()).kind, NodeKind::Const(_)) {
        return Err(lhs.pos.error("a left side must be an operator, not a constant"));
    }
    let may_grow = matches!(head.phase, Phase::Expand | Phase::Memory | Phase::Lower);
    if !may_grow && rhs_pattern.operators() > lhs_pattern.operators() {
        return Err(rhs.pos.error(format!(
            "the right side has more operators ({}) than the left ({}): only :phase expand, memory and lower may",
            rhs_pattern.operators(),
            lhs_pattern.operators()
        )));
    }
    let mut examples = Vec::new();
    for (before, after) in &attributes.examples {
        examples.push(example(&choice.apply(before), &choice.apply(after), outcome)?);
    }
    let mut rule = Rule {
        name: head.name,
        family: head.family,
        file: head.file,
        theme: head.theme,
        pos: head.pos,
        phase: head.phase,
        verify: head.verify,
        outcome,
        objective: attributes.objective,
        needs: needs(&lhs_pattern, &rhs_pattern),
        vars,
        lhs: lhs_pattern,
        variants: Vec::new(),
        rhs: rhs_pattern,
        exprs,
        conditions,
        examples,
    };
    rule.check_outcome(rhs.pos)?;
    rule.variants = variants::variants(&rule);
    Ok(rule)
}

/// Both sides with their types. Where the right one is missing it is the state that the effect on the left changes.
fn typed(types: &Types, left: RawPattern, right: Option<RawPattern>) -> (Pattern, Pattern) {
    let left = types.pattern(left);
    let right = match right {
        Some(right) => types.pattern(right),
        None => {
            let before = left.root_operator().and_then(|(op, _, args)| args.get(shape(op)?.operands));
            left.part(before.copied().unwrap_or(left.root()))
        }
    };
    (left, right)
}

/// The sides of an example, both read as left sides: nothing in them is computed.
fn example(before: &Sexpr, after: &Sexpr, outcome: Option<Outcome>) -> Result<Example, Error> {
    let mut checker = Checker::default();
    let (raw_before, raw_after) = match outcome {
        None => {
            let root = checker.fresh_type();
            let raw_before = checker.value_term(before, Side::Left, root)?;
            (raw_before, Some(checker.value_term(after, Side::Left, root)?))
        }
        Some(outcome) => {
            let sides = skeleton::sides(&mut checker, before, after, Side::Left)?;
            if sides.outcome != outcome {
                return Err(after.pos.error("not what the rule makes of it"));
            }
            (sides.left, sides.right)
        }
    };
    let (vars, _, types) = checker.finish()?;
    let (before, after) = typed(&types, raw_before, raw_after);
    Ok(Example { before, after, vars })
}

fn needs(lhs: &Pattern, rhs: &Pattern) -> Vec<Feature> {
    let has: Vec<Feature> = lhs.ops().map(|o| o.info().feature).collect();
    let mut out = Vec::new();
    for f in rhs.ops().map(|o| o.info().feature) {
        if f != Feature::mvp && !has.contains(&f) && !out.contains(&f) {
            out.push(f);
        }
    }
    out
}
