//! The straight line of the stages, and the public entry point.
//!
//! `decode → lift → (analysis → e-graph → saturate → extract) → lower → encode → validate`. Functions run in parallel and
//! come out in order; what depends on the whole module (effect summaries, types of blocks) stands between two parallel
//! steps. Each function keeps its old body where the new one is larger or fails a check, and the output is validated: what
//! fails there loses its new bodies, first one by one, then all.

mod as_is;
mod assemble;
mod explain;
mod function;
mod group;
mod merged;
mod rewriting;
mod rounds;
mod specialised;
mod survey;
mod timing;
mod validation;

pub use rounds::MAX_ROUNDS;
pub use survey::KEPT_GRAPHS;

use crate::cost::CostTable;
use crate::egraph::compile::CompiledRules;
use crate::fused::allocators::Crossing;
use crate::fused::boundaries::{Boundaries, Round};
use crate::fused::{Assumed, Carried, Shape, looks_fused, recognize};
use crate::ir::entity::FuncId;
use crate::module::{Module, decode_with};
use crate::options::Validation;
use crate::program::Program;
use crate::program::check::{Claims, establish};
use crate::program::claims::claims;
use crate::program::constants::Constants;
use crate::program::devirt::Tables;
use crate::program::globals::Known;
use crate::program::inline::{self, InlineCaps};
use crate::program::memories::{self, Memories};
use crate::program::ranges::Ranges;
use crate::program::signatures::Signatures;
use crate::rules::RuleSet;
use crate::verify::ledger::Ledger;
use crate::verify::trust::Trust;
use crate::{Error, Objective, Options, Report};
use assemble::{Assembled, Parts};
use cranelift_entity::EntityRef;
use function::{Optimized, Shared};
use hashbrown::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use survey::{Survey, Surveyed, survey};
use timing::Clock;

/// What [`optimize`] returns.
#[derive(Clone, Debug)]
pub struct Output {
    /// The optimized module: validated, equal in behaviour.
    pub wasm: Vec<u8>,
    /// What was done.
    pub report: Report,
}

/// Optimizes one core module (binary format).
///
/// # Errors
/// With a byte offset when the input is not a valid module, with line and column when a rule file is at fault. Nothing is
/// rejected because the optimizer does not know it: what the SSA does not model is kept as it is and counted in the
/// report.
pub fn optimize(input: &[u8], options: &Options) -> Result<Output, Error> {
    pool(options)?.install(|| rounds::optimize(input, options, &Files::read(options)?))
}

/// [`optimize`] with these rules, whatever files the options name: for many runs with parts of a set that is read once.
///
/// # Errors
/// As for [`optimize`].
pub fn optimize_with(input: &[u8], options: &Options, rules: &RuleSet) -> Result<Output, Error> {
    let pool = pool(options)?;
    pool.install(|| {
        let costs = options.cost.as_deref().map(CostTable::load).transpose()?;
        let trust = Files::trust(options, || Ok(rules.clone()))?;
        rounds::optimize(input, options, &Files { rules: Some(rules.clone()), costs, trust })
    })
}

fn pool(options: &Options) -> Result<rayon::ThreadPool, Error> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(options.jobs.max(1))
        .build()
        .map_err(|e| Error::new(format!("cannot start worker threads: {e}")))
}

/// Rules and costs that the options name, read once for all rounds, and before the module, so that their errors come first.
struct Files {
    /// Rule files instead of the built-in ones.
    rules: Option<RuleSet>,
    /// A table instead of the objective's own.
    costs: Option<CostTable>,
    /// Which rules are proved, where changes are to be validated.
    trust: Option<Trust>,
}

impl Files {
    /// The table that the options name, or the objective's own.
    fn costs(&self, options: &Options) -> &CostTable {
        self.costs.as_ref().unwrap_or_else(|| CostTable::of(options.objective))
    }

    fn read(options: &Options) -> Result<Files, Error> {
        let named = options.egraph && !options.rules.is_empty();
        let rules = named.then(|| RuleSet::load(&options.rules)).transpose()?;
        let costs = options.cost.as_deref().map(CostTable::load).transpose()?;
        let trust = Files::trust(options, || match &rules {
            Some(rules) => Ok(rules.clone()),
            None => builtin_set().cloned(),
        })?;
        Ok(Files { rules, costs, trust })
    }

    fn trust(
        options: &Options,
        rules: impl FnOnce() -> Result<RuleSet, Error>,
    ) -> Result<Option<Trust>, Error> {
        if options.validation == Validation::Off {
            return Ok(None);
        }
        let ledger = options.ledger.as_deref().map(Ledger::load).transpose()?;
        Trust::new(rules()?, ledger).map(Some)
    }
}

/// One round. `carried`: what the rounds before found out.
fn run(input: &[u8], options: &Options, files: &Files, carried: Carried) -> Result<(Output, Carried), Error> {
    let strict = options.validation == Validation::Strict;
    if let Some(round) = attempt(input, options, files, carried.clone(), !strict)? {
        return Ok(round);
    }
    let again = attempt(input, options, files, carried, false)?;
    let mut round = again.ok_or_else(|| Error::new("internal error: old bodies do not fit"))?;
    round.0.report.limits.insert("signatures-undone".to_owned(), 1);
    Ok(round)
}

/// One round, with or without changes of signatures. `None`: with them, some function needs its old body.
fn attempt(
    input: &[u8],
    options: &Options,
    files: &Files,
    mut carried: Carried,
    change_signatures: bool,
) -> Result<Option<(Output, Carried)>, Error> {
    let clock = Clock::default();
    let mut report = Report { input_bytes: input.len() as u64, ..Report::default() };
    let costs = files.costs(options);
    // With the features that the input uses and no others, no later stage sees a type that they do not have.
    let features = clock.time("decode", || crate::module::used_features(input));
    let decoded = clock.time("decode", || decode_with(input, features))?;
    let loops = options.objective == Objective::Speed;
    let is_new = !carried.looks_fused && looks_fused(&decoded.module);
    carried.looks_fused |= is_new;
    let assumed = Assumed::of(&decoded.module, options, carried.looks_fused);
    if is_new && assumed != Assumed::of(&decoded.module, options, false) {
        report.notes.push(LOOKS_FUSED.to_owned());
    }
    let own_memories = memories::candidates(&decoded.module, options.assumptions.closed_world);
    let Survey {
        mut module,
        types,
        functions,
        summaries,
        mut inline,
        mut constants,
        accesses,
        mut ranges,
        table_writes,
        operators,
        shapes,
    } = survey(decoded, &clock, &options.caps, loops, !assumed.is_nothing(), &own_memories)?;
    report.code_bytes.before = assemble::code_bytes(&module);
    report.functions.total = functions.len();
    for reason in functions.iter().filter_map(Surveyed::raw) {
        report.functions.raw += 1;
        *report.functions.reasons.entry(reason.to_owned()).or_default() += 1;
    }
    report.functions.lifted = report.functions.total - report.functions.raw;

    // Effort 0 copies what it reads.
    let mut program = match options.effort {
        0 => None,
        _ => Some(clock.time("program", || Program::survey(&module, &summaries, options))?),
    };
    if let Some(program) = &program {
        report.notes.extend_from_slice(program.notes());
        report.functions.removed = functions.iter().filter(|s| !program.is_called(s.func)).count();
    }

    let strict = options.validation == Validation::Strict;
    let rules = match (&files.rules, options.egraph) {
        (Some(set), _) => Some(Arc::new(compile(set, operators, options.objective))),
        (None, true) => Some(builtin_rules(operators, options.objective)?),
        (None, false) => None,
    };
    let rules = match (rules, &options.rule_filter) {
        (Some(all), Some(names)) => Some(Arc::new(all.only(names))),
        (rules, _) => rules,
    };
    let mut whole = Whole::default();
    let knowledge = clock.time("program", || recognize(&module, &shapes, &summaries, assumed, &mut carried));
    if let Some(program) = &mut program {
        program.know_later(carried.stacks.iter().map(|&(global, _)| global));
    }
    if let Some(program) = &program {
        // Calls of allocators stay calls until the buffers that they give have been looked at.
        for (facts, n) in inline.iter_mut().zip(0..) {
            let func = FuncId::from_u32(n);
            facts.lifted &= knowledge.role(func).is_none();
            for call in &mut facts.calls {
                call.folds = carried.folds.contains(&(func, call.callee));
            }
            let crossing = shapes.get(n as usize).and_then(|s| s.crosses).filter(|_| !knowledge.is_empty());
            (facts.crosses, facts.is_thunk) = (crossing.is_some(), crossing == Some(Crossing::Thunk));
        }
        // What nothing can call is not there for the inliner.
        for (n, facts) in inline.iter_mut().enumerate() {
            if !program.is_called(FuncId::new(n)) {
                (*facts, constants[n]) = (Default::default(), None);
                ranges[n] = None;
            }
        }
        let mut pinned = program.pinned(&module);
        pinned.extend(inline.iter().flat_map(|f| &f.references).copied());
        pinned.extend(knowledge.functions());
        whole = clock.time("program", || {
            let caps = if strict { &InlineCaps::OFF } else { &options.caps.inline };
            let fixed = |f| pinned.contains(f);
            let plan = inline::plan(&inline, &pinned, options.objective, caps, options.chaos);
            let known = Constants::solve(&constants, |f| module.func_type(f).params.len(), fixed);
            let signatures = match change_signatures {
                true => Signatures::solve(&module, &constants, &known, fixed),
                false => Signatures::default(),
            };
            let ranges = Ranges::solve(&ranges, &known, |f| module.func_type(f).params.len(), fixed);
            Whole { plan, constants: known, signatures, ranges }
        });
        for &(limit, n) in &whole.plan.limits {
            *report.limits.entry(limit.to_owned()).or_default() += n;
        }
    }
    drop((inline, constants, ranges));
    let established = match &program {
        Some(program) if files.trust.is_some() => {
            let graph = |func: FuncId| {
                let at = functions.binary_search_by_key(&func, |s: &Surveyed<'_>| s.func).ok()?;
                functions[at].copy(&module, &types, &options.caps)
            };
            let claims = whole.claims(&module, program);
            Some(
                clock
                    .time("validate", || establish(&module, claims, &graph, &|n| program.keeps_export(n)))?,
            )
        }
        _ => None,
    };
    let original = (!whole.signatures.is_empty()).then(|| module.without_bytes());
    if original.is_some() {
        let dropped = whole.signatures.change_types(&mut module);
        for (pass, n) in [("unused-parameters", dropped.params), ("unused-results", dropped.results)] {
            if n > 0 {
                report.passes.insert(pass.to_owned(), n);
            }
        }
    }
    let explain = options.explain.as_deref().map(|name| find_function(&module, name)).transpose()?;
    let kept = |export| program.as_ref().is_none_or(|p| p.keeps_export(export));
    let tables = Tables::of(&module, table_writes, kept);
    let memories = match &program {
        None => Memories::default(),
        Some(program) => clock.time("program", || {
            Memories::solve(&module, &own_memories, &accesses, |f| program.is_called(f), kept)
        }),
    };
    drop(accesses);
    let no_globals = Known::new();
    let shared = Shared {
        tables: &tables,
        memories: &memories,
        knowledge: &knowledge,
        stack_pointers: program.as_ref().map_or(&no_globals, Program::globals_known_later),
        module: &module,
        options,
        costs,
        summaries: &summaries,
        rules: rules.as_deref(),
        multi_value: module.has_multi_value(),
        signatures: &whole.signatures,
        trust: files.trust.as_ref(),
        established: established.as_ref(),
        explain,
        clock: &clock,
    };
    let (stores, known, globals, folded, misfit) = Default::default();
    let optimized: Vec<(FuncId, Optimized)> = match &program {
        None => Vec::new(),
        Some(program) => {
            let source = group::Source {
                module: original.as_ref().unwrap_or(&module),
                types: &types,
                program,
                constants: &whole.constants,
                ranges: &whole.ranges,
                signatures: &whole.signatures,
                stores: &stores,
                known: &known,
                globals: &globals,
                misfit: &misfit,
                strict: shared.strict(),
                folded: &folded,
            };
            let called = functions.into_iter().filter(|s| program.is_called(s.func)).collect();
            group::optimize_all(called, &source, &whole.plan, &shared)
        }
    };
    let needs_old = |(func, o): &(FuncId, Optimized)| {
        o.body.is_none() && !o.is_absorbed && whole.signatures.touches(*func)
    };
    if AtomicBool::into_inner(misfit) || optimized.iter().any(needs_old) {
        return Ok(None);
    }
    for (pass, count) in [
        ("unread-global-stores", stores),
        ("constants-between-functions", known),
        ("constant-globals", globals),
        ("ranges-between-functions", folded),
    ] {
        let n = AtomicU64::into_inner(count);
        if n > 0 {
            report.passes.insert(pass.to_owned(), n);
        }
    }
    if let Some(rules) = rules.as_deref() {
        count_hits(rules, &optimized, &mut report);
    }
    note_refusals(&module, &optimized, &mut report);
    report.validation = files.trust.is_some().then(|| validation::told(&module, &optimized));
    for (_, o) in &optimized {
        report.egraph.add(o.egraph);
        report.add_promoted(&o.promoted);
        for (&name, n) in o.private.iter().filter(|_| o.body.is_some()) {
            *report.passes.entry(name.to_owned()).or_default() += n;
        }
        for (&name, n) in &o.loops {
            *report.passes.entry(name.to_owned()).or_default() += n;
        }
        for (&name, n) in &o.limits {
            *report.limits.entry(name.to_owned()).or_default() += n;
        }
        report.explanation = report.explanation.take().or_else(|| o.explanation.clone());
        report.egraph_dot = report.egraph_dot.take().or_else(|| o.egraph_dot.clone());
    }
    let mut boundaries = carried.boundaries.take().unwrap_or_else(|| Boundaries::of(&module));
    let mut left = Vec::new();
    carried.wanted.clear();
    carried.folds.clear();
    for (func, o) in &optimized {
        carried.wanted.extend(o.wanted.iter().map(|moved| (*func, moved.clone())));
        carried.folds.extend(o.folds.iter().map(|&callee| (*func, callee)));
        left.extend(o.left.iter().map(|(origin, l)| (*func, *origin, l.clone())));
    }
    let names = module.names.as_ref().filter(|_| !boundaries.is_empty()).map(|names| names.funcs.clone());
    let called: Vec<bool> =
        module.funcs.keys().map(|func| program.as_ref().is_none_or(|p| p.is_called(func))).collect();
    let Some(assembled) = assemble::assemble(
        input,
        Parts { module, optimized, program, share: !strict, can_revert: whole.signatures.is_empty() },
        options,
        features,
        &clock,
        &mut report,
    )?
    else {
        return Ok(None);
    };
    let Assembled { wasm, numbering } = assembled;
    let stays = |func| numbering.as_ref().is_none_or(|n| n.funcs.is_written(func));
    boundaries.tell(&Round {
        names: &|func| names.as_ref()?.get(&func).map(String::as_str),
        left: &left,
        is_called: &|func| called.get(func.index()).copied().unwrap_or(false),
        stays: &stays,
        callers: &|func| {
            let calls = |shape: &Shape| shape.callees.contains(&func);
            (0..).zip(&shapes).filter(|(_, s)| calls(s)).map(|(n, _)| FuncId::from_u32(n)).collect()
        },
        knows_allocators: knowledge.functions().next().is_some(),
    });
    report.boundaries = boundaries.told();
    carried.boundaries = Some(boundaries);
    report.output_bytes = wasm.len() as u64;
    report.phases = clock.phases();
    let carried = numbering.map_or_else(Carried::default, |n| carried.renumbered(&n));
    Ok(Some((Output { wasm, report }, carried)))
}

/// What was decided for the program as a whole before its functions are optimized.
#[derive(Default)]
struct Whole {
    plan: inline::Plan,
    constants: Constants,
    signatures: Signatures,
    ranges: Ranges,
}

impl Whole {
    /// What was found out, for a checker of its own to find again.
    fn claims(&self, module: &Module, program: &Program) -> Claims {
        let known = [program.known_globals(), program.globals_known_later()];
        let globals = (known, program.unread_globals());
        claims(module, (&self.constants, &self.ranges, &self.signatures), globals, |f| program.is_called(f))
    }
}

/// Said of a module that looks like meld's output and does not say so.
const LOOKS_FUSED: &str = "several memories and `cabi_realloc$N`, but no attestation: taken for meld's output (`--strict` if it is not)";

/// How many refusals are written out; all are counted.
const MAX_REFUSAL_NOTES: usize = 20;

/// Tells of every bug of a stage that a checker made harmless.
fn note_refusals(module: &Module, optimized: &[(FuncId, Optimized)], report: &mut Report) {
    let all = || optimized.iter().flat_map(|(func, o)| o.refused.iter().map(move |what| (*func, what)));
    for (func, what) in all().take(MAX_REFUSAL_NOTES) {
        let name = module.func_name(func).map_or_else(String::new, |name| format!(" \"{name}\""));
        report.notes.push(format!("function {}{name}: {what} (a bug of loom, made harmless)", func.index()));
    }
    let rest = all().count().saturating_sub(MAX_REFUSAL_NOTES);
    if rest > 0 {
        report.notes.push(format!("{rest} more refusals like these"));
    }
}

/// Compiles the rules that this run may use: operators of a proposal only where the module uses that proposal itself.
fn compile(set: &RuleSet, used: u32, objective: Objective) -> CompiledRules {
    CompiledRules::new(set, objective, |feature| used >> feature as u32 & 1 == 1)
}

/// The built-in rules, read once and compiled once for each objective and set of proposals: callers that optimize many
/// small modules would spend most of their time on it.
fn builtin_rules(used: u32, objective: Objective) -> Result<Arc<CompiledRules>, Error> {
    type Cache = Mutex<HashMap<(Objective, u32), Arc<CompiledRules>>>;
    static COMPILED: LazyLock<Cache> = LazyLock::new(Default::default);
    let set = builtin_set()?;
    let mut cache = COMPILED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let compiled = cache.entry((objective, used)).or_insert_with(|| Arc::new(compile(set, used, objective)));
    Ok(compiled.clone())
}

/// The built-in rules, read once.
fn builtin_set() -> Result<&'static RuleSet, Error> {
    static SET: OnceLock<Result<RuleSet, Error>> = OnceLock::new();
    SET.get_or_init(RuleSet::builtin).as_ref().map_err(Clone::clone)
}

fn count_hits(rules: &CompiledRules, optimized: &[(FuncId, Optimized)], report: &mut Report) {
    let mut sums = vec![0; rules.rules.len()];
    for &(rule, n) in optimized.iter().flat_map(|(_, o)| &o.hits) {
        sums[rule as usize] += n;
    }
    for (rule, n) in rules.rules.iter().zip(sums).filter(|(_, n)| *n > 0) {
        report.rules.insert(rule.rule.name.clone(), n);
    }
}

/// A function by its name in the name section, its export name or its index.
fn find_function(module: &Module, name: &str) -> Result<FuncId, Error> {
    let index = name.parse::<usize>().ok().filter(|&i| i < module.funcs.len()).map(FuncId::new);
    let named = || module.funcs.keys().find(|&f| module.func_name(f) == Some(name));
    let exported = || {
        module.exports.iter().find(|e| e.name == name).and_then(|e| match e.entity {
            crate::module::Entity::Func(f) => Some(f),
            _ => None,
        })
    };
    index.or_else(named).or_else(exported).ok_or_else(|| {
        Error::new(format!("--explain: no function has the name, export name or index `{name}`"))
    })
}
