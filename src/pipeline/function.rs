//! What happens to one function between lifting and encoding.

use super::rewriting::rewrite;
use super::timing::Clock;
use crate::analysis::Summaries;
use crate::caps::Fault;
use crate::chaos::Chaos;
use crate::cost::CostTable;
use crate::egraph::compile::CompiledRules;
use crate::ir::entity::FuncId;
use crate::ir::function::Function;
use crate::ir::types::Type;
use crate::ir::verify::verify;
use crate::loops::{self, unroll};
use crate::memory::readers::Moved;
use crate::memory::{self as promotion, Knowledge};
use crate::module::{ATTESTATION, Identity, IndexMap, Module};
use crate::program::check::{self, Claims, Established};
use crate::program::devirt::{Tables, devirtualized};
use crate::program::globals::{self, Known};
use crate::program::memories::{self, Memories};
use crate::program::signatures::Signatures;
use crate::report::{Answer, EgraphCounts};
use crate::schedule::{LowerContext, LowerError, StackCode, lower};
use crate::verify::trust::Trust;
use crate::{Objective, Options, options};
use std::collections::BTreeMap;

/// What all functions share.
pub(super) struct Shared<'a> {
    pub module: &'a Module,
    pub options: &'a Options,
    pub costs: &'a CostTable,
    pub summaries: &'a Summaries,
    /// What is known of tables.
    pub tables: &'a Tables,
    /// What is known of private memories.
    pub memories: &'a Memories,
    /// What is known of allocators and stack pointers.
    pub knowledge: &'a Knowledge,
    /// What stack pointers hold that nobody writes any more.
    pub stack_pointers: &'a Known,
    /// Present when equality saturation was asked for.
    pub rules: Option<&'a CompiledRules>,
    /// Whether block types with several results may be used.
    pub multi_value: bool,
    /// Signatures that changed: the old bodies of these functions do not fit any more.
    pub signatures: &'a Signatures,
    /// Which rules are proved, where changes are to be validated.
    pub trust: Option<&'a Trust>,
    /// What a checker of its own found to hold of the program, where changes are to be validated.
    pub established: Option<&'a Established>,
    /// The function to explain.
    pub explain: Option<FuncId>,
    pub clock: &'a Clock,
}

impl Shared<'_> {
    /// Where the choices for a function come from.
    pub fn chaos(&self, f: &Function) -> Chaos {
        Chaos::new(self.options.chaos, f.id.as_u32())
    }

    /// Whether only what is proved may be used.
    pub fn strict(&self) -> bool {
        self.options.validation == options::Validation::Strict
    }

    /// Whether new code is used though it is larger.
    pub fn takes_larger(&self) -> bool {
        self.options.no_revert || self.options.chaos.is_some()
    }
}

/// A function's new code.
pub(super) enum NewBody {
    /// Locals and code, with the indices of the input.
    Bytes(Vec<u8>),
    /// Names block types that the module does not have yet. They are added when all functions are known.
    Code(Box<StackCode>),
}

/// A stage that changed a function, and what is known of the change.
pub(super) type StageAnswer = (&'static str, Answer);

/// The answer of a stage that proves nothing, if any of its passes changed the function.
pub(super) fn unproved(stage: &'static str, passes: &[&str]) -> Option<StageAnswer> {
    (!passes.is_empty()).then(|| (stage, Answer::Unknown(passes.join(", "))))
}

/// What a checker says of the passes of a stage.
fn answer(counts: &BTreeMap<&'static str, u64>, same: Result<(), String>) -> Answer {
    let unknown = |why| Answer::Unknown(format!("{}: {why}", passes(counts).join(", ")));
    same.map_or_else(unknown, |()| Answer::Proved)
}

/// The passes of a stage that did something.
fn passes(counts: &BTreeMap<&'static str, u64>) -> Vec<&'static str> {
    counts.keys().copied().collect()
}

/// What became of a function.
#[derive(Default)]
pub(super) struct Optimized {
    /// New code; `None` when the old body stays.
    pub body: Option<NewBody>,
    /// Why the old body stays, or why a step was skipped.
    pub reasons: Vec<String>,
    /// What is known of each stage that changed the new code, where that was asked for.
    pub answers: Vec<StageAnswer>,
    /// What a checker refused: for the user to hear of, whatever else became of the function.
    pub refused: Vec<String>,
    /// Rules that made unions, by index, and how many.
    pub hits: Vec<(u32, u64)>,
    /// Its e-graph.
    pub egraph: EgraphCounts,
    /// What the passes on memory did.
    pub promoted: promotion::Counts,
    /// What the passes on private memories did.
    pub private: memories::Counts,
    /// What the passes on loops did.
    pub loops: loops::Counts,
    /// What is left of boundaries.
    pub left: Vec<(FuncId, promotion::Left)>,
    /// Functions that would have to read another memory for its buffers to go.
    pub wanted: Vec<Moved>,
    /// Callees that keep values of a boundary in memory.
    pub folds: Vec<FuncId>,
    /// Limits reached.
    pub limits: BTreeMap<&'static str, u64>,
    /// The text of `--explain`.
    pub explanation: Option<String>,
    /// The e-graph to go with it.
    pub egraph_dot: Option<String>,
    /// Indirect calls that became direct.
    pub direct: u64,
    /// Indirect calls that compare their index.
    pub chained: usize,
    /// Calls that were replaced in the new code by what they call.
    pub inlined: usize,
    /// Functions that nothing refers to any more when the new code is used.
    pub absorbed: Vec<FuncId>,
    /// Whether this function is one of those: it keeps its old body for the case that the new code is refused in the end.
    pub is_absorbed: bool,
}

impl Optimized {
    /// Whether buffers went: what others of the program may then do without is not in the size of this function.
    pub fn erases(&self) -> bool {
        ["erased-buffers", "erased-lists", "unused-buffers"]
            .iter()
            .any(|name| self.promoted.contains_key(name))
    }

    /// A limit was reached `times` times.
    pub fn count(&mut self, limit: &'static str, times: u64) {
        *self.limits.entry(limit).or_default() += times;
    }

    /// Bytes of the body, the old one if there is no new one.
    pub fn size(&self, f: FuncId, module: &Module) -> usize {
        match &self.body {
            Some(NewBody::Bytes(bytes)) => bytes.len(),
            Some(NewBody::Code(code)) => code.size(),
            None => module.raw_body(f).map_or(usize::MAX, <[u8]>::len),
        }
    }

    /// A checker refused what a stage made.
    pub fn refuse(&mut self, what: String) {
        self.refused.push(what.clone());
        self.reasons.push(what);
    }
}

/// Runs one function through saturation, extraction and lowering, and decides which body it gets. `old_size`: bytes of the
/// bodies that a new one would replace.
pub(super) fn optimize_function(f: &Function, old_size: usize, cx: &Shared<'_>) -> Optimized {
    let mut result = Optimized::default();
    let broken = broken(f, Fault::LiftedGraph, cx);
    let f = broken.as_ref().unwrap_or(f);
    let input = f;
    if cx.options.fault == Some(Fault::Panic) {
        panic!("fault");
    }
    if cx.options.verify
        && let Err(errors) = cx.clock.time("verify", || verify(f, cx.module))
    {
        result.count("lift-refused", 1);
        result.refuse(format!("lifted graph refused: {}", errors[0]));
        return result;
    }
    let direct = (!cx.strict()).then(|| cx.clock.time("analysis", || devirtualized(f, cx.tables, cx.module)));
    let direct = direct.flatten();
    if direct.is_some() {
        result.answers.extend(unproved("calls", &["direct-calls"]));
    }
    let f = direct.as_ref().map_or(f, |(direct, n)| {
        result.direct += n;
        direct
    });
    // What proves nothing is not run where only what is proved may be used.
    let private = if cx.strict() { None } else { self::private(f, cx, &mut result) };
    result.answers.extend(unproved("private-memories", &passes(&result.private)));
    let f = private.as_ref().unwrap_or(f);
    let promoted = self::promoted(f, cx, &mut result);
    let f = promoted.as_ref().unwrap_or(f);
    let looped = improved_loops(f, cx, &mut result);
    let (looped, of_loops) = looped.map_or((None, None), |(looped, answer)| (Some(looped), answer));
    if let Some(looped) = &looped {
        // Copies of iterations are copies of what is left in them.
        result.left = still_left(looped, cx);
    }
    let last = looped.as_ref().unwrap_or(f);
    let mut rewriting = Vec::new();
    let candidates = candidates(f, last, old_size, &mut rewriting, cx, &mut result);
    if !candidates.is_empty() {
        let sure = cx.signatures.touches(f.id) || result.erases() || result.loops.contains_key(unroll::PASS);
        match choose(candidates, old_size, sure, cx) {
            Some(chosen) => {
                if chosen.is_rewritten {
                    result.answers.extend(of_loops);
                    result.answers.extend(rewriting);
                }
                result.answers.push(("lowering", Answer::Proved));
                result.body = Some(cx.clock.time("encode", || written(chosen.code, cx.module)));
            }
            None => result.reasons.insert(0, "larger".to_owned()),
        }
    }
    if cx.strict() && result.body.is_some() && result.answers.iter().any(|(_, a)| *a != Answer::Proved) {
        result.body = None;
        result.count("not-proved", 1);
        result.reasons.insert(0, "not proved".to_owned());
    }
    if result.body.is_none() {
        result.left = still_left(input, cx);
    }
    result
}

/// What is left of boundaries in a graph of meld's output; nothing is told of other modules.
fn still_left(f: &Function, cx: &Shared<'_>) -> Vec<(FuncId, promotion::Left)> {
    match cx.module.custom(ATTESTATION) {
        Some(_) => promotion::left::left(f, &promotion_context(cx)),
        None => Vec::new(),
    }
}

/// What the passes on memory need to know besides the graph.
fn promotion_context<'a>(cx: &'a Shared<'_>) -> promotion::Context<'a> {
    promotion::Context {
        knowledge: cx.knowledge,
        summaries: cx.summaries,
        info: cx.module,
        speed: cx.options.objective == Objective::Speed,
        readers: None,
    }
}

/// The graph without what private memories do not need, and with their constant data.
fn private(f: &Function, cx: &Shared<'_>, result: &mut Optimized) -> Option<Function> {
    let applied = cx.clock.time("program", || cx.memories.applied(f, cx.module, cx.options.objective));
    let (g, counts) = applied?;
    let g = broken(&g, Fault::PrivateMemory, cx).unwrap_or(g);
    if cx.options.verify
        && let Err(errors) = cx.clock.time("verify", || verify(&g, cx.module))
    {
        result.count("private-memory-refused", 1);
        result.refuse(format!("graph with constant data refused: {}", errors[0]));
        return None;
    }
    result.private = counts;
    Some(g)
}

/// The graph with what could be promoted from memory, where something is known of the module's memories.
fn promoted(f: &Function, cx: &Shared<'_>, result: &mut Optimized) -> Option<Function> {
    if cx.knowledge.role(f.id).is_some() {
        return None;
    }
    if cx.knowledge.is_empty() {
        // Of a fused module's later round it is still told what is left.
        result.left = still_left(f, cx);
        return None;
    }
    let context = promotion_context(cx);
    let mut g = f.clone();
    let mut done = cx.clock.time("memory", || promotion::promote(&mut g, &context));
    let read = cx.trust.map(|_| g.clone());
    let constants = globals::apply(&mut g, cx.stack_pointers);
    if constants > 0 {
        done.counts.insert("constant-globals", constants);
    }
    if cx.options.fault == Some(Fault::PromotedGraph) {
        g.layout.push(g.entry);
    } else if done.counts.is_empty() {
        (result.left, result.wanted, result.folds) = (done.left, done.wanted, done.folds);
        return None;
    }
    if cx.options.verify
        && let Err(errors) = cx.clock.time("verify", || verify(&g, cx.module))
    {
        result.count("memory-refused", 1);
        result.refuse(format!("graph with promoted memory refused: {}", errors[0]));
        return None;
    }
    if let Some(read) = &read {
        let same = cx.clock.time("validate", || promotion_followed(f, read, &g, cx));
        if cx.strict() && same.is_err() {
            result.left = still_left(f, cx);
            return None;
        }
        result.answers.push(("memory", answer(&done.counts, same)));
    }
    result.promoted = done.counts;
    (result.left, result.wanted, result.folds) = (done.left, done.wanted, done.folds);
    Some(g)
}

/// Whether `g` does what `f` does; `read` is `g` as long as it read the globals that always hold the same.
fn promotion_followed(f: &Function, read: &Function, g: &Function, cx: &Shared<'_>) -> Result<(), String> {
    let same = promotion::check::check(f, read, cx.knowledge, cx.summaries);
    // One knows of stack pointers, the other one of values that are the same for another reason than a branch.
    same.or_else(|why| loops::check::check(f, read).map_err(|_| why))?;
    let globals = cx.established.map(|e| e.claims.globals.clone()).unwrap_or_default();
    check::graph::check(read, g, &Claims { globals, ..Claims::default() })
}

/// The graph with cheaper loops, where executed instructions count and anything was gained, and what is known of the change, where that is asked for.
/// Only the way with rules takes it: the plain way back stays the yardstick.
fn improved_loops(
    f: &Function,
    cx: &Shared<'_>,
    result: &mut Optimized,
) -> Option<(Function, Option<StageAnswer>)> {
    if cx.options.objective != Objective::Speed || cx.rules.is_none() {
        return None;
    }
    let size: usize = f.layout.iter().map(|&b| f.blocks[b].insts.len()).sum();
    if size > cx.options.caps.egraph_instructions {
        return None;
    }
    let (g, counts) = cx.clock.time("loops", || loops::improved(f, cx.chaos(f)))?;
    if cx.options.verify
        && let Err(errors) = cx.clock.time("verify", || verify(&g, cx.module))
    {
        result.count("loops-refused", 1);
        result.refuse(format!("graph with cheaper loops refused: {}", errors[0]));
        return None;
    }
    let same = cx.trust.map(|_| cx.clock.time("validate", || loops::check::check(f, &g)));
    if cx.strict() && same.as_ref().is_some_and(Result::is_err) {
        return None;
    }
    let answer = same.map(|same| ("loops", answer(&counts, same)));
    result.loops = counts;
    Some((g, answer))
}

/// New code with its size in bytes.
struct Candidate {
    code: StackCode,
    size: usize,
    /// Whether rules made it.
    is_rewritten: bool,
}

/// New code in the order of preference: two ways at most. `looped` is the graph with cheaper loops, `answers` what is known of the way with
/// rules.
fn candidates(
    f: &Function,
    looped: &Function,
    old_size: usize,
    answers: &mut Vec<StageAnswer>,
    cx: &Shared<'_>,
    result: &mut Optimized,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    if let Some(rules) = cx.rules
        && let Some(g) = rewrite(looped, rules, answers, cx, result)
        && let Some(code) = lowered(&g, cx, result)
    {
        let size = code.size();
        candidates.push(Candidate { code, size, is_rewritten: true });
        // The plain way back is the yardstick only where the rewritten function is no clear gain.
        if size < old_size || cx.options.chaos.is_some() {
            return candidates;
        }
    }
    if let Some(code) = lowered(f, cx, result) {
        let plain = (code.size(), code.cost(cx.costs));
        let first = match (candidates.first(), cx.options.objective) {
            (None, _) => true,
            // The estimate counts both copies of an unrolled loop in full, though each runs half as often.
            _ if result.loops.contains_key(unroll::PASS) => false,
            (Some(c), Objective::Size) => plain.0 < c.size,
            (Some(c), Objective::Speed) => (plain.1, plain.0) < (c.code.cost(cx.costs), c.size),
        };
        candidates.insert(if first { 0 } else { 1 }, Candidate { code, size: plain.0, is_rewritten: false });
    }
    candidates
}

/// The best new body. `None`: the old one stays, which it cannot where a new one is sure to be needed.
fn choose(candidates: Vec<Candidate>, old_size: usize, sure: bool, cx: &Shared<'_>) -> Option<Candidate> {
    let mut candidates = candidates.into_iter();
    let first = candidates.next()?;
    if sure || cx.takes_larger() || first.size <= old_size {
        return Some(first);
    }
    // For speed, more bytes are fine where they save executed instructions over the plain way back.
    let faster = cx.options.objective == Objective::Speed
        && candidates.next().is_some_and(|plain| first.code.cost(cx.costs) < plain.code.cost(cx.costs));
    faster.then_some(first)
}

/// Bytes of a body where that is possible now: they take far less memory than stack code with its graph.
fn written(code: StackCode, module: &Module) -> NewBody {
    if code.block_types().iter().any(|results| module.find_func_type(&[], results).is_none()) {
        return NewBody::Code(Box::new(code));
    }
    NewBody::Bytes(encoded(&code, module, &Identity))
}

/// Bytes of a body under a numbering.
pub(super) fn encoded(code: &StackCode, module: &Module, map: &impl IndexMap) -> Vec<u8> {
    // A type that is missing makes the body invalid, and the function keeps its old one.
    let block_type =
        |_: &[Type], results: &[Type]| module.find_func_type(&[], results).map_or(u32::MAX, |ty| map.ty(ty));
    code.encode(&block_type, map)
}

/// A graph that breaks an invariant, when that fault is to be made.
pub(super) fn broken(f: &Function, fault: Fault, cx: &Shared<'_>) -> Option<Function> {
    (cx.options.fault == Some(fault)).then(|| {
        let mut broken = f.clone();
        broken.layout.push(broken.entry);
        broken
    })
}

fn lowered(f: &Function, cx: &Shared<'_>, result: &mut Optimized) -> Option<StackCode> {
    let effects = |op, imm: &_| cx.summaries.effects(op, imm);
    let context = LowerContext {
        effects: &effects,
        multi_value: cx.multi_value,
        costs: cx.costs,
        caps: cx.options.caps,
        fault: cx.options.fault,
        chaos: cx.chaos(f),
    };
    match cx.clock.time("lower", || lower(f, &context)) {
        Ok(code) => {
            if code.second_way {
                result.count("lower-second-way", 1);
                result.refused.push("stack code refused by the checker, written in a plainer way".to_owned());
            }
            Some(code)
        }
        Err(e) => {
            let limit = match &e {
                LowerError::Unsupported(_) => "lower-unsupported",
                LowerError::Limit(name) => name,
                LowerError::Check(_) => "lower-check-failed",
            };
            result.count(limit, 1);
            match e {
                LowerError::Unsupported(s) => result.reasons.push(format!("not lowered: {s}")),
                LowerError::Limit(s) => result.reasons.push(format!("limit: {s}")),
                LowerError::Check(s) => result.refuse(format!("stack code refused by the checker: {s}")),
            }
            None
        }
    }
}
