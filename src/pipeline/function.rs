//! What happens to one function between lifting and encoding.

use super::timing::Clock;
use crate::analysis::memory_ssa::MemorySsa;
use crate::analysis::{Cfg, DomTree, Loops, Summaries};
use crate::chaos::Chaos;
use crate::egraph::build::build;
use crate::egraph::compile::CompiledRules;
use crate::egraph::saturate::{Saturation, saturate};
use crate::extract::{self, extract};
use crate::ir::function::Function;
use crate::ir::print;
use crate::ir::verify::verify;
use crate::module::Module;
use crate::schedule::{LowerContext, LowerError, StackCode, lower};
use crate::{Objective, Options};
use std::collections::BTreeMap;

/// What all functions share.
pub(super) struct Shared<'a> {
    pub module: &'a Module,
    pub options: &'a Options,
    pub summaries: &'a Summaries,
    /// Present when equality saturation was asked for.
    pub rules: Option<&'a CompiledRules>,
    /// Whether block types with several results may be used.
    pub multi_value: bool,
    /// The function to explain.
    pub explain: Option<crate::ir::entity::FuncId>,
    pub clock: &'a Clock,
}

impl Shared<'_> {
    /// Where the choices for a function come from.
    fn chaos(&self, f: &Function) -> Chaos {
        Chaos::new(self.options.chaos, f.id.as_u32())
    }
}

/// A function's new code and how it came about.
#[derive(Default)]
pub(super) struct Optimized {
    /// New code with its size in bytes, in the order of preference; empty when the old body stays.
    pub candidates: Vec<(StackCode, usize)>,
    /// Why the old body stays, or why a step was skipped.
    pub reasons: Vec<String>,
    /// Rule hits by index.
    pub hits: Vec<u64>,
    /// Limits reached.
    pub limits: BTreeMap<&'static str, u64>,
    /// The text of `--explain`.
    pub explanation: Option<String>,
}

/// Runs one function through saturation, extraction and lowering.
pub(super) fn optimize_function(f: &Function, old_size: usize, cx: &Shared<'_>) -> Optimized {
    let mut result = Optimized::default();
    if cx.options.verify
        && let Err(errors) = cx.clock.time("verify", || verify(f, cx.module))
    {
        result.reasons.push(format!("lifted graph refused: {}", errors[0]));
        return result;
    }
    if let Some(rules) = cx.rules
        && let Some(g) = rewrite(f, rules, cx, &mut result)
        && let Some(code) = lowered(&g, cx, &mut result)
    {
        let size = code.size();
        result.candidates.push((code, size));
        // The plain way back is the yardstick only where the rewritten function is no clear gain.
        if size < old_size || cx.options.chaos.is_some() {
            return result;
        }
    }
    if let Some(code) = lowered(f, cx, &mut result) {
        let plain = (code.size(), code.cost());
        let first = match (result.candidates.first(), cx.options.objective) {
            (None, _) => true,
            (Some((_, size)), Objective::Size) => plain.0 < *size,
            (Some((g, size)), Objective::Speed) => (plain.1, plain.0) < (g.cost(), *size),
        };
        result.candidates.insert(if first { 0 } else { 1 }, (code, plain.0));
    }
    result
}

/// Equality saturation and extraction. `None`: the function stays as it was lifted.
fn rewrite(f: &Function, rules: &CompiledRules, cx: &Shared<'_>, result: &mut Optimized) -> Option<Function> {
    let (cfg, dom, loops, memory) = cx.clock.time("analysis", || {
        let cfg = Cfg::compute(f);
        let dom = DomTree::compute(f, &cfg);
        let loops = Loops::compute(&cfg, &dom);
        let memory = MemorySsa::compute(f, &cfg, &dom, &loops, cx.summaries);
        (cfg, dom, loops, memory)
    });
    let explain = cx.explain == Some(f.id);
    let chaos = cx.chaos(f);
    let mut built = cx.clock.time("egraph", || build(f, cfg.rpo(), &memory, cx.module));
    let saturation = cx.clock.time("saturate", || saturate(&mut built.graph, rules, explain, chaos));
    let context = extract::Context {
        f,
        built: &built,
        dom: &dom,
        loops: &loops,
        memory: &memory,
        info: cx.module,
        objective: cx.options.objective,
        chaos,
    };
    let extracted = cx.clock.time("extract", || extract(&context));
    let g = match extracted {
        Ok(g) => g,
        Err(e) => {
            *result.limits.entry("extract-unavailable").or_default() += 1;
            let extract::ExtractError::Unavailable(v) = e;
            result.reasons.push(format!("extraction failed: {v} cannot be had where it is needed"));
            return None;
        }
    };
    if cx.options.verify
        && let Err(errors) = cx.clock.time("verify", || verify(&g, cx.module))
    {
        *result.limits.entry("extract-refused").or_default() += 1;
        result.reasons.push(format!("extracted graph refused: {}", errors[0]));
        return None;
    }
    if explain {
        result.explanation = Some(explanation(f, &g, &built, &saturation, rules, cx.module));
    }
    result.hits = saturation.hits;
    for (name, n) in saturation.limits {
        *result.limits.entry(name).or_default() += n;
    }
    Some(g)
}

fn lowered(f: &Function, cx: &Shared<'_>, result: &mut Optimized) -> Option<StackCode> {
    let effects = |op, imm: &_| cx.summaries.effects(op, imm);
    let context = LowerContext {
        effects: &effects,
        multi_value: cx.multi_value,
        objective: cx.options.objective,
        chaos: cx.chaos(f),
    };
    match cx.clock.time("lower", || lower(f, &context)) {
        Ok(code) => {
            if code.second_way {
                *result.limits.entry("lower-second-way").or_default() += 1;
            }
            Some(code)
        }
        Err(e) => {
            let limit = match &e {
                LowerError::Unsupported(_) => "lower-unsupported",
                LowerError::Limit(name) => name,
                LowerError::Check(_) => "lower-check-failed",
            };
            *result.limits.entry(limit).or_default() += 1;
            result.reasons.push(match e {
                LowerError::Unsupported(s) => format!("not lowered: {s}"),
                LowerError::Limit(s) => format!("limit: {s}"),
                LowerError::Check(s) => format!("stack code refused by the checker: {s}"),
            });
            None
        }
    }
}

/// The rules that touched each value of a function, between its first and its last form.
fn explanation(
    f: &Function,
    g: &Function,
    built: &crate::egraph::build::Built,
    saturation: &Saturation,
    rules: &CompiledRules,
    module: &Module,
) -> String {
    let mut by_class: BTreeMap<egg::Id, Vec<&str>> = BTreeMap::new();
    for &(rule, class) in &saturation.log {
        by_class.entry(built.graph.find(class)).or_default().push(&rules.rules[rule as usize].rule.name);
    }
    let name = module.func_name(f.id);
    let mut text = format!("; before\n{}\n; rules\n", print::function(f, name));
    for &b in &f.layout {
        for &inst in &f.blocks[b].insts {
            for &v in f.results(inst) {
                if let Some(names) = by_class.get(&built.class(v)) {
                    text.push_str(&format!("{}    ; {}\n", print::inst(f, inst), names.join(", ")));
                }
            }
        }
    }
    text.push_str(&format!("\n; after\n{}", print::function(g, name)));
    text
}
