//! Equality saturation and extraction of one function, and the rules about effects and branches between them.

use super::explain;
use super::function::{Optimized, Shared, StageAnswer, broken, unproved};
use super::validation;
use crate::analysis::memory_ssa::MemorySsa;
use crate::analysis::{Cfg, DomTree, Loops};
use crate::caps::Fault;
use crate::egraph::build::{Built, build, build_explained};
use crate::egraph::compile::CompiledRules;
use crate::egraph::dot;
use crate::egraph::saturate::{Saturation, saturate_capped};
use crate::extract::{self, elaborate};
use crate::extract_check::{self, Equalities, Refusal};
use crate::ir::function::Function;
use crate::ir::verify::verify;
use crate::program::devirt::devirtualized;
use crate::report::{Answer, EgraphCounts};
use crate::skeleton::{self, Change, Licence};
use cranelift_entity::SecondaryMap;
use std::borrow::Cow;

/// A function with all that was found out about it.
struct Saturated {
    cfg: Cfg,
    dom: DomTree,
    loops: Loops,
    memory: MemorySsa,
    built: Built,
    saturation: Saturation,
}

/// Analyses, the e-graph, saturation.
fn saturated(f: &Function, rules: &CompiledRules, cx: &Shared<'_>, result: &mut Optimized) -> Saturated {
    let caps = &cx.options.caps;
    let (cfg, dom, loops, memory) = cx.clock.time("analysis", || {
        let cfg = Cfg::compute(f);
        let dom = DomTree::compute(f, &cfg);
        let loops = Loops::compute(&cfg, &dom);
        let memory = MemorySsa::compute_capped(
            f,
            &cfg,
            &dom,
            &loops,
            cx.summaries,
            (caps.memory_rows, caps.memory_defs),
        );
        (cfg, dom, loops, memory)
    });
    for (name, reached) in
        [("memory-ssa-rows", memory.is_coarse()), ("memory-ssa-defs", memory.is_given_up())]
    {
        if reached {
            result.count(name, 1);
        }
    }
    let record = cx.explain == Some(f.id) || cx.trust.is_some();
    let mut built = cx.clock.time("egraph", || build(f, cfg.rpo(), &memory, cx.module));
    let saturation =
        cx.clock.time("saturate", || saturate_capped(&mut built.graph, rules, record, cx.chaos(f), caps));
    Saturated { cfg, dom, loops, memory, built, saturation }
}

/// The function with what rules make of its effects and branches. `None`: nothing.
fn skeleton_rewritten(
    f: &Function,
    s: &mut Saturated,
    rules: &CompiledRules,
    answers: &mut Vec<StageAnswer>,
    cx: &Shared<'_>,
    result: &mut Optimized,
) -> Option<(Function, Vec<Change>)> {
    let context = skeleton::Context {
        f,
        cfg: &s.cfg,
        dom: &s.dom,
        memory: &s.memory,
        rules,
        info: cx.module,
        chaos: cx.chaos(f),
    };
    let (g, changes) = cx.clock.time("skeleton", || skeleton::rewritten(&context, &mut s.built))?;
    let g = broken(&g, Fault::SkeletonGraph, cx).unwrap_or(g);
    if cx.options.verify
        && let Err(errors) = cx.clock.time("verify", || verify(&g, cx.module))
    {
        result.count("skeleton-refused", 1);
        result.refuse(format!("graph with other effects refused: {}", errors[0]));
        return None;
    }
    let step =
        validation::Step { before: f, built: &s.built, saturation: &s.saturation, rules, memory: &s.memory };
    if cx.options.verify {
        let licences: Vec<Licence> = changes.iter().map(|c| c.licence(rules)).collect();
        let found = (&s.built as &dyn Equalities, s.built.named_versions(&s.memory));
        let verdict = cx.clock.time("check", || {
            step.check(found, &g, &SecondaryMap::new(), cx, |s| extract_check::skeleton::check(s, &licences))
        });
        let what = ("skeleton-refused", "skeleton-unchecked", "change of effects");
        if !accepted(verdict, what, result) {
            return None;
        }
    }
    if let Some(trust) = cx.trust {
        let answer = cx.clock.time("validate", || step.changed(&g, &changes, trust, cx));
        answers.push(("effects", answer));
    }
    Some((g, changes))
}

/// Equality saturation and extraction. `None`: the function stays as it was lifted.
/// `answers` gets what is known of it.
pub(super) fn rewrite(
    f: &Function,
    rules: &CompiledRules,
    answers: &mut Vec<StageAnswer>,
    cx: &Shared<'_>,
    result: &mut Optimized,
) -> Option<Function> {
    let caps = &cx.options.caps;
    let size: usize = f.layout.iter().map(|&b| f.blocks[b].insts.len() + f.block_params(b).len()).sum();
    if size > caps.egraph_instructions {
        result.count("egraph-instructions", 1);
        return None;
    }
    let mut f = Cow::Borrowed(f);
    let mut s = saturated(&f, rules, cx, result);
    let mut rounds = Vec::new();
    while rounds.len() < skeleton::MAX_ROUNDS
        && let Some((g, changes)) = skeleton_rewritten(&f, &mut s, rules, answers, cx, result)
    {
        // The e-graph is about the function before. What fired in it has fired.
        let next = saturated(&g, rules, cx, result);
        let last = std::mem::replace(&mut s, next);
        s.saturation.add_counts(last.saturation);
        for change in &changes {
            *s.saturation.hits.entry(change.rule).or_default() += 1;
        }
        rounds.push((std::mem::replace(&mut f, Cow::Owned(g)), changes));
    }
    let f = &*f;
    let Saturated { cfg, dom, loops, memory, built, saturation } = s;
    let explain = cx.explain == Some(f.id);
    let chaos = cx.chaos(f);
    let context = extract::Context {
        f,
        built: &built,
        dom: &dom,
        loops: &loops,
        memory: &memory,
        info: cx.module,
        costs: cx.costs,
        caps: *caps,
        chaos,
    };
    let mut extracted = cx.clock.time("extract", || elaborate(&context));
    if cx.options.fault == Some(Fault::Unavailable)
        && let Some(v) = f.values.keys().next()
    {
        extracted = Err(extract::ExtractError::Unavailable(v));
    }
    let mut elaborated = match extracted {
        Ok(elaborated) => elaborated,
        Err(e) => {
            result.count("extract-unavailable", 1);
            let extract::ExtractError::Unavailable(v) = e;
            result.reasons.push(format!("extraction failed: {v} cannot be had where it is needed"));
            return None;
        }
    };
    for (name, reached) in
        [("extract-depth", elaborated.too_deep), ("extract-steps", elaborated.too_many_steps)]
    {
        if reached {
            result.count(name, 1);
        }
    }
    if cx.options.fault == Some(Fault::LostEffect) {
        lose_an_effect(&mut elaborated.f);
    }
    let step = validation::Step { before: f, built: &built, saturation: &saturation, rules, memory: &memory };
    if cx.options.verify {
        let found = (&built as &dyn Equalities, built.named_versions(&memory));
        let verdict = cx
            .clock
            .time("check", || step.check(found, &elaborated.f, &elaborated.origin, cx, extract_check::check));
        if !accepted(verdict, ("extract-refused", "extract-unchecked", "extraction"), result) {
            return None;
        }
    }
    if let Some(trust) = cx.trust {
        let answer = cx.clock.time("validate", || step.extracted(&elaborated, trust, cx));
        answers.push(("rules", answer));
    }
    let shown = (explain || cx.trust.is_some()).then(|| elaborated.clone());
    let g = cx.clock.time("extract", || elaborated.tidy(chaos));
    if let Some(before) = shown.as_ref().filter(|_| cx.trust.is_some()) {
        let same = cx.clock.time("validate", || extract_check::tidied::check(&before.f, &g));
        answers.push(("cleanup", same.map_or_else(Answer::Unknown, |()| Answer::Proved)));
    }
    // What was computed may be constant now.
    let direct = cx.clock.time("analysis", || devirtualized(&g, cx.tables, cx.module));
    let g = match direct.filter(|_| !cx.strict()) {
        Some((direct, n)) => {
            result.direct += n;
            if cx.trust.is_some() {
                answers.extend(unproved("calls", &["direct-calls"]));
            }
            direct
        }
        None => g,
    };
    let g = broken(&g, Fault::ExtractedGraph, cx).unwrap_or(g);
    if cx.options.verify
        && let Err(errors) = cx.clock.time("verify", || verify(&g, cx.module))
    {
        result.count("extract-refused", 1);
        result.refuse(format!("extracted graph refused: {}", errors[0]));
        return None;
    }
    if let Some(after) = shown.as_ref().filter(|_| explain) {
        let mut proving = build_explained(f, cfg.rpo(), &memory, cx.module);
        saturate_capped(&mut proving.graph, rules, false, chaos, caps);
        let (before, built, saturation, module) = (f, &built, &saturation, cx.module);
        let subject = explain::Subject {
            before,
            rounds: &rounds,
            after,
            built,
            saturation,
            proving: &mut proving,
            rules,
            module,
        };
        result.explanation = Some(explain::explanation(subject, &g));
        result.egraph_dot = Some(dot::graph(&built.graph));
    }
    result.egraph = EgraphCounts {
        nodes: built.graph.total_number_of_nodes() as u64,
        classes: built.graph.number_of_classes() as u64,
        cost: extract::cost::function(&g, cx.costs),
    };
    // Most functions are small and few rules fire in them: a dense list for each of a million functions is gigabytes.
    result.hits = saturation.hits.into_iter().collect();
    for (name, n) in saturation.limits {
        result.count(name, n);
    }
    Some(g)
}

/// Another fault: the last effect of the first block that has one goes.
fn lose_an_effect(f: &mut Function) {
    for b in f.layout.clone() {
        let insts = &f.blocks[b].insts;
        if let Some(at) = insts.iter().rposition(|&i| !f.insts[i].op.is_pure() && f.results(i).is_empty()) {
            f.blocks[b].insts.remove(at);
            return;
        }
    }
}

/// Whether a checker accepts a graph. `what` is the work that made it.
fn accepted(
    verdict: Result<(), Refusal>,
    what: (&'static str, &'static str, &str),
    result: &mut Optimized,
) -> bool {
    let (refused, unchecked, work) = what;
    match verdict {
        Ok(()) => true,
        Err(Refusal::Wrong(why)) => {
            result.count(refused, 1);
            result.refuse(format!("{work} refused by the checker: {why}"));
            false
        }
        Err(Refusal::TooLarge) => {
            result.count(unchecked, 1);
            true
        }
    }
}
