//! Lists with lists in them seen through: who reads a deep copy reads what was copied.
//!
//! An adapter copies a list of records with strings and further lists as a whole, then allocates and copies for each element what its
//! addresses lead to, and patches them. The allocations are *levels*, and what is done with addresses into each of them is
//! followed through memory: a load at the place of an address in an element of one level gives an address into the next one. Where all
//! uses are known, accesses get the memory of what was copied; allocations, copies, patches and releases go.
//!
//! [`levels`] finds the levels, [`derive`] the addresses into them and where in an element they lead, [`uses`] what is done with
//! them; [`late`] the blocks in which what was copied is given back before the copy is read: they move to where the copy was given back.
//! [`idle`] finds the loops that only gave back.
//!
//! **Licence** (assumption `canonical-abi`). As in [`super::buffers`], for each level, and:
//! - Accesses with an index into a list stay in the list, so where in an element they are follows from the index' factor.
//! - Addresses in elements are read as such, by loads of just them, or not at all. Nothing is stored over them, except in loops
//!   that only give back and go whole.
//! - Where what was copied is given back after the copy, nobody else has it from then on, and what the copy's owner stores into it is
//!   its own affair: this is a move. What gives back an element's parts gives back those of every element.
//! - Otherwise nothing writes the memory of what was copied, as far as that is not known to be elsewhere, between the copy and each read,
//!   and the copy is not written at all.
//!
//! Each copy traps where its source is out of bounds, and so does what stands in its place.
//!
//! **Declines.** What [`super::buffers`] declines; loads and copies that take addresses together with other bytes; addresses that are
//! compared with null or with those of other elements; levels that are patched in two places; several places where the list is given back.
//!
//! **Complexity.** Linear in the graph for each list, times how often a fact of a value can change (four times).
//!
//! Reference: Lattner and Adve, "Automatic Pool Allocation: Improving Performance by Controlling Data Structure Layout in the Heap", PLDI 2005,
//! for levels of a structure as one object each.

mod derive;
mod idle;
mod late;
mod levels;
mod uses;

use super::Context;
use super::buffers::{Declined, block_of};
use super::edit::{Replaced, Variable, insert_i32, position, remove, split};
use super::objects::{ObjectKind, Objects, allocates, frees};
use super::traps::trap_out_of_bounds;
use crate::analysis::{Cfg, DomTree, Loops};
use crate::ir::cleanup::substitute;
use crate::ir::entity::{Block, Inst, MemoryId, Value};
use crate::ir::function::{Edge, Function, Terminator, ValueDef};
use crate::ir::ops::{Imm, Kind};
use crate::ir::types::Type;
use cranelift_entity::SecondaryMap;
use derive::{Derived, Fact, derive};
use hashbrown::HashMap;
use late::Region;
use levels::Level;
use uses::Uses;

/// What is to be done about one list.
struct Plan {
    levels: Vec<Level>,
    uses: Uses,
    memory: MemoryId,
    source: MemoryId,
    from: Value,
    late: Option<Region>,
    /// Loops that go: their headers, and the edge that leaves them.
    idle: Vec<(Block, (Block, usize))>,
    /// All blocks of these loops.
    in_idle: Vec<Block>,
    /// Of each level whether what was copied is an allocation itself, and so in bounds.
    in_bounds: Vec<bool>,
}

/// For each block on the ways between the copy and what is done with it, how many of its instructions come before that.
type Between = SecondaryMap<Block, Option<usize>>;

/// Sees through the list whose memory this call gives.
///
/// # Errors
/// Why it stays.
pub fn see_through(f: &mut Function, call: (Block, Inst), cx: &Context<'_>) -> Result<(), Declined> {
    end_blocks_at_releases(f, cx);
    let call = (block_of(f, call.1).ok_or(Declined::Fill)?, call.1);
    let plan = plan(f, call, cx)?;
    carry_out(f, plan, cx);
    Ok(())
}

/// Lets every block that gives something back end there, so that what gives back a list is whole blocks.
fn end_blocks_at_releases(f: &mut Function, cx: &Context<'_>) {
    for b in f.layout.clone() {
        let insts = &f.blocks[b].insts;
        let releases = (0..insts.len()).filter(|&at| frees(f, insts[at], cx.knowledge).is_some());
        for at in releases.collect::<Vec<_>>().into_iter().rev() {
            if at + 1 == f.blocks[b].insts.len() && matches!(f.term(b), Terminator::Jump(_)) {
                continue;
            }
            let rest = split(f, b, at + 1);
            let next = f.edge(rest, &[]);
            f.blocks[b].term = Some(Terminator::Jump(next));
        }
    }
}

fn plan(f: &Function, call: (Block, Inst), cx: &Context<'_>) -> Result<Plan, Declined> {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    let loops = Loops::compute(&cfg, &dom);
    let levels = levels::levels(f, &cfg, &dom, &loops, call, cx).ok_or(Declined::Fill)?;
    let root = &levels[0];
    let Imm::MemCopy { dst: memory, src: source } = f.insts[root.fill.1].imm else {
        return Err(Declined::Fill);
    };
    let from = f.args(root.fill.1)[1];
    let plain = |m| cx.info.memory64(m) == Some(false) && !cx.info.is_shared(m);
    let before = |(a, i): (Block, Inst), (b, j): (Block, Inst)| {
        if a == b { position(f, a, i) < position(f, b, j) } else { dom.dominates(a, b) }
    };
    let is_known = match f.values[from].def {
        ValueDef::Param(b, _) => dom.dominates(b, root.alloc.0),
        ValueDef::Result(i, _) => block_of(f, i).is_some_and(|b| before((b, i), root.alloc)),
    };
    if !plain(source) || !plain(memory) || !is_known {
        return Err(Declined::Fill);
    }
    let starts: Vec<(Value, usize)> =
        levels.iter().enumerate().filter_map(|(n, l)| Some((f.result(l.alloc.1)?, n))).collect();
    let old: Vec<Inst> = levels.iter().filter_map(|l| l.old).collect();
    let derived = derive(f, &cfg, &loops, &levels, memory, &starts, &old);
    if derived.is(from) {
        return Err(Declined::Fill);
    }
    let mut uses = uses::uses(f, &cfg, &levels, &derived, memory, cx)?;
    let fill = root.fill;
    if uses.reads.iter().chain(&uses.writes).chain(&uses.scrubs).any(|&site| !before(fill, site)) {
        return Err(Declined::Fill);
    }
    let idle =
        idle_loops(f, (&cfg, &dom, &loops), &levels, &derived, memory, &uses).ok_or(Declined::Written)?;
    let in_idle: Vec<Block> =
        cfg.rpo().iter().copied().filter(|&b| idle.iter().any(|&(h, _)| loops.contains(h, b))).collect();
    let (gone, writes): (Vec<_>, Vec<_>) = uses.writes.iter().partition(|(b, _)| in_idle.contains(b));
    uses.writes = writes;
    uses.scrubs.extend(gone);
    let sites = uses.reads.iter().chain(&uses.writes).chain(levels[1..].iter().map(|l| &l.fill));
    let between = between(f, &cfg, fill, sites, &in_idle);
    // Addresses into what was copied, for where that is given back.
    let source_derived = derive(f, &cfg, &loops, &levels, source, &[(from, 0)], &old);
    let flow = late::Flow { f, cfg: &cfg, dom: &dom, loops: &loops, levels: &levels };
    let late = flow.region(&source_derived, source, &between, cx).map_err(|()| Declined::Source)?;
    let objects = Objects::compute(f, &cfg, cx.knowledge);
    let mut in_bounds = allocated(f, (&cfg, &dom, &loops), &levels, (from, source), cx);
    in_bounds[0] |= objects.read(f, fill.1).is_some_and(|read| objects.object(&read).is_some());
    let plan = Plan { levels, uses, memory, source, from, late, idle, in_idle, in_bounds };
    check_moved(f, &dom, &plan, (&derived, &source_derived), cx)?;
    check_source(f, (&cfg, &dom), &plan, &objects, &between, cx)?;
    Ok(plan)
}

/// Of each level whether what is copied there is an allocation, since the list that is copied is a deep copy itself.
fn allocated(
    f: &Function,
    (cfg, dom, loops): (&Cfg, &DomTree, &Loops),
    levels: &[Level],
    (from, source): (Value, MemoryId),
    cx: &Context<'_>,
) -> Vec<bool> {
    let mut found = vec![false; levels.len()];
    let Some(call) = f.def_inst(from) else { return found };
    let site =
        block_of(f, call).filter(|_| allocates(f, call, cx.knowledge).is_some_and(|(m, _)| m == source));
    let Some(other) = site.and_then(|b| levels::levels(f, cfg, dom, loops, (b, call), cx)) else {
        return found;
    };
    // For each level the one that it is a copy of.
    let mut same = vec![None; levels.len()];
    same[0] = Some(0);
    for (n, level) in levels.iter().enumerate().skip(1) {
        let (parent, field) = level.parent.unwrap_or_default();
        same[n] = same[parent].filter(|&p: &usize| other[p].stride == levels[parent].stride);
        same[n] = same[n].and_then(|p| other[p].child(Some(field)));
        found[n] = same[n].is_some();
    }
    found
}

/// Walks back from what is done with the copy to the copy.
fn between<'a>(
    f: &Function,
    cfg: &Cfg,
    fill: (Block, Inst),
    sites: impl Iterator<Item = &'a (Block, Inst)>,
    in_idle: &[Block],
) -> Between {
    let mut between = Between::new();
    let mut todo: Vec<(Block, usize)> =
        sites.filter(|(b, _)| !in_idle.contains(b)).map(|&(b, i)| (b, position(f, b, i))).collect();
    while let Some((b, end)) = todo.pop() {
        if between[b].is_some_and(|known| end <= known) {
            continue;
        }
        let is_new = between[b].replace(end).is_none();
        // Whatever is behind the copy in its block comes straight from it.
        if is_new && (b != fill.0 || end <= position(f, b, fill.1)) {
            todo.extend(cfg.preds(b).iter().map(|&p| (p, f.blocks[p].insts.len() + 1)));
        }
    }
    between
}

/// The loops that only give back: all that store over addresses have to be such. `None`: one of them does more.
fn idle_loops(
    f: &Function,
    (cfg, dom, loops): (&Cfg, &DomTree, &Loops),
    levels: &[Level],
    derived: &Derived,
    memory: MemoryId,
    uses: &Uses,
) -> Option<Vec<(Block, (Block, usize))>> {
    let harmless = |i: Inst| {
        let of_level = f.args(i).first().is_some_and(|&a| derived.place(f, i, a, levels).is_some());
        let here = f.insts[i].imm.memarg().map(|m| m.memory) == Some(memory);
        match f.insts[i].op.kind() {
            Kind::Load => of_level && here && !levels.iter().any(|l| l.old == Some(i)),
            Kind::Store => of_level && here,
            Kind::Call => uses.given_back.iter().any(|&(_, x, _)| x == i),
            _ => false,
        }
    };
    let mut found: Vec<(Block, (Block, usize))> = Vec::new();
    // What is read behind such a loop would see what it has stored.
    let is_last = |gone: &[Block], from: &[Block]| {
        let reads = |x: Block| {
            let is_gone = gone.iter().any(|&h| loops.contains(h, x));
            !is_gone && uses.reads.iter().any(|&(r, _)| r == x)
        };
        let mut seen: SecondaryMap<Block, bool> = SecondaryMap::new();
        let mut todo = from.to_vec();
        while let Some(x) = todo.pop() {
            if std::mem::replace(&mut seen[x], true) || x == levels[0].fill.0 {
                continue;
            }
            if reads(x) {
                return false;
            }
            todo.extend(cfg.succs(x));
        }
        true
    };
    let sites = uses.scrubs.iter().map(|&s| (s, true)).chain(uses.writes.iter().map(|&w| (w, false)));
    for ((b, i), has_to_go) in sites {
        let gone: Vec<Block> = found.iter().map(|l| l.0).collect();
        let one = idle::idle_loop(f, cfg, dom, loops, b, &harmless).filter(|one| {
            let exit = f.term(one.1.0).edges().nth(one.1.1);
            exit.is_some_and(|e| is_last(&[&gone[..], &[one.0]].concat(), &[e.block]))
        });
        match one {
            Some(one) if !gone.contains(&one.0) => found.push(one),
            Some(_) => {}
            None if has_to_go => {
                // In no loop of its own it may go by itself.
                let here = uses.reads.iter().any(|&(r, x)| r == b && position(f, b, x) > position(f, b, i));
                let straight = loops.innermost(b) == loops.innermost(levels[0].fill.0);
                if !straight || here || !is_last(&gone, cfg.succs(b)) {
                    return None;
                }
            }
            None => {}
        }
    }
    Some(found)
}

/// Whether what gives back what was copied can wait until the copy is given back, and what is stored into the copy does not matter to it.
fn check_moved(
    f: &Function,
    dom: &DomTree,
    plan: &Plan,
    (derived, source_derived): (&Derived, &Derived),
    cx: &Context<'_>,
) -> Result<(), Declined> {
    let (levels, uses) = (&plan.levels, &plan.uses);
    let Some(late) = &plan.late else {
        return if uses.writes.is_empty() { Ok(()) } else { Err(Declined::Written) };
    };
    let mut sites = uses.given_back.iter().filter(|g| g.2 == 0);
    let (Some(&(site, _, _)), None) = (sites.next(), sites.next()) else { return Err(Declined::Source) };
    let is_root = |i: Inst| {
        let pointer = frees(f, i, cx.knowledge).map(|(_, p)| source_derived.of(p));
        matches!(pointer, Some(Fact::Address { level: 0, start: true, .. }))
    };
    let insts = || late.blocks.iter().flat_map(|&b| f.blocks[b].insts.iter().copied());
    // It is given back as a whole, and what is used for that is there.
    if !insts().any(is_root)
        || late.levels.iter().any(|freed| !freed)
        || !late.is_before(dom, site)
        || plan.in_idle.contains(&site)
    {
        return Err(Declined::Source);
    }
    let way_in = f.term(late.way_in.0).edges().nth(late.way_in.1).ok_or(Declined::Source)?;
    let mut needed: Vec<Value> = f.edge_args(way_in).to_vec();
    for &b in &late.blocks {
        needed.extend(f.blocks[b].insts.iter().flat_map(|&i| f.args(i)));
        needed.extend(f.term(b).operands(&f.pool));
        needed.extend(f.term(b).edges().flat_map(|e| f.edge_args(e)));
    }
    let own = |v: Value| match f.values[v].def {
        ValueDef::Param(b, _) => late.blocks.contains(&b),
        ValueDef::Result(i, _) => insts().any(|x| x == i),
    };
    if needed.iter().any(|&v| !own(v) && !late::is_there(f, dom, v, site)) {
        return Err(Declined::Source);
    }
    for &(b, i) in &uses.writes {
        let place =
            f.args(i).first().and_then(|&a| derived.place(f, i, a, levels)).ok_or(Declined::Written)?;
        let width = u32::from(f.insts[i].op.info().width);
        let meets = |&(level, at, bytes): &(usize, Option<u32>, u32)| match (at, place.1) {
            _ if level != place.0 => false,
            (Some(r), Some(w)) => r < w + width && w < r + bytes,
            _ => true,
        };
        if !late.is_before(dom, b) || late.reads.iter().any(meets) {
            return Err(Declined::Written);
        }
    }
    Ok(())
}

/// Whether what was copied is still the same wherever the copy is read, or is the copy's owner's from some point on.
fn check_source(
    f: &Function,
    (cfg, dom): (&Cfg, &DomTree),
    plan: &Plan,
    objects: &Objects<'_>,
    between: &Between,
    cx: &Context<'_>,
) -> Result<(), Declined> {
    let fill = plan.levels[0].fill;
    let spared =
        |b: Block| plan.late.as_ref().is_some_and(|late| late.is_before(dom, b) || late.blocks.contains(&b));
    for &b in cfg.rpo().iter().filter(|&&b| !spared(b)) {
        let Some(known) = between[b] else { continue };
        let start = if b == fill.0 { position(f, b, fill.1) + 1 } else { 0 };
        let insts = &f.blocks[b].insts;
        let end = known.min(insts.len());
        let writes =
            |&i: &Inst| late::may_write(f, i, plan.source, cx) && !is_elsewhere(f, objects, i, plan.from);
        let passes_end = known > insts.len();
        if insts[start.min(end)..end].iter().any(writes)
            || passes_end && cx.summaries.term(f, b).writes_data(plan.source)
        {
            return Err(Declined::Source);
        }
    }
    Ok(())
}

/// Whether a store goes to a frame that no address leads to but those of this graph, and what was copied is not there.
fn is_elsewhere(f: &Function, objects: &Objects<'_>, i: Inst, from: Value) -> bool {
    let Some(write) = objects.written(f, i) else { return false };
    let Some(object) = objects.object(&write) else { return false };
    let private = objects.escaped & write.derived == 0;
    private && matches!(object.kind, ObjectKind::Frame(_)) && objects.derived(from) & write.derived == 0
}

/// Reads what was copied instead of the copy.
fn carry_out(f: &mut Function, plan: Plan, cx: &Context<'_>) {
    let Plan { levels, uses, memory, source, from, late, idle, in_idle: _, in_bounds } = plan;
    for &(_, i) in uses.reads.iter().chain(&uses.writes) {
        super::buffer_uses::read_instead(f, i, memory, source);
    }
    for l in &levels {
        if let Some(old) = l.old {
            super::buffer_uses::read_instead(f, old, memory, source);
        }
    }
    let (block, at) = (levels[0].alloc.0, position(f, levels[0].alloc.0, levels[0].alloc.1));
    let constants = [insert_i32(f, block, at, 0), insert_i32(f, block, at, 1)];
    // First, since the loops are no way any more on which something can wait.
    for (header, exit) in idle {
        leave_out(f, header, exit);
    }
    if let Some(late) = &late {
        let site = uses.given_back.iter().find(|g| g.2 == 0).expect("one place where it is given back");
        move_release(f, late, levels[0].fill, (site.0, site.1));
    }
    for (l, _) in levels.iter().zip(in_bounds).filter(|(_, in_bounds)| !in_bounds) {
        let (from, length) = (f.args(l.fill.1)[1], f.args(l.fill.1)[2]);
        let block = block_of(f, l.fill.1).expect("still there");
        let at = position(f, block, l.fill.1);
        trap_out_of_bounds(f, (block, at), source, from, length, cx.info);
    }
    let mut replaced = Replaced::new();
    let mut gone: Vec<Inst> = Vec::new();
    for l in &levels {
        let instead = f.args(l.fill.1)[1];
        replaced[f.results(l.alloc.1)[0]] = Some(instead).into();
        gone.extend([l.alloc.1, l.fill.1]);
        gone.extend(l.patch.map(|(_, i)| i));
    }
    debug_assert_eq!(f.args(levels[0].fill.1)[1], from);
    for &(test, answer) in &uses.tests {
        replaced[f.results(test)[0]] = Some(constants[answer as usize]).into();
        gone.push(test);
    }
    gone.extend(uses.given_back.iter().map(|&(_, i, _)| i));
    gone.extend(uses.scrubs.iter().map(|&(_, i)| i));
    remove(f, &gone);
    substitute(f, &mut replaced);
}

/// Moves the blocks that give back to where the copy was given back, if they were reached.
fn move_release(f: &mut Function, late: &Region, fill: (Block, Inst), site: (Block, Inst)) {
    let at = position(f, fill.0, fill.1);
    let null = insert_i32(f, fill.0, at, 0);
    // Around the region, and from there to what is behind it.
    let skip = f.add_block();
    let one = insert_i32(f, skip, 0, 1);
    let out = f.term(late.way_out.0).edges().nth(late.way_out.1).expect("the way out").clone();
    let out_args = f.edge_args(&out).to_vec();
    let jump = f.edge(late.behind, &out_args);
    f.blocks[skip].term = Some(Terminator::Jump(jump));
    let way_in = f.term(late.way_in.0).edges().nth(late.way_in.1).expect("the way in").clone();
    let in_args = f.edge_args(&way_in).to_vec();
    let to_skip = f.edge(skip, &[]);
    set_edge(f, late.way_in, to_skip);
    // The region has no way in for now: what is known of the flow is that of the graph without it.
    let cfg = Cfg::compute(f);
    let mut variable = Variable::new(HashMap::from([(fill.0, null), (skip, one)]), Type::I32);
    let (block, at) = (site.0, position(f, site.0, site.1));
    let pending = if block == fill.0 { null } else { variable.at_start(f, &cfg, block) };
    let rest = split(f, block, at);
    let to_rest = f.edge(rest, &[]);
    set_edge(f, late.way_out, to_rest);
    let then = f.edge(way_in.block, &in_args);
    let els = f.edge(rest, &[]);
    f.blocks[block].term = Some(Terminator::Branch { cond: pending, then, els });
}

fn set_edge(f: &mut Function, (block, n): (Block, usize), edge: Edge) {
    let mut term = f.blocks[block].term.take();
    if let Some(e) = term.iter_mut().flat_map(|t| t.edges_mut()).nth(n) {
        *e = edge;
    }
    f.blocks[block].term = term;
}

/// Leads around a loop that does nothing.
fn leave_out(f: &mut Function, header: Block, (at, n): (Block, usize)) {
    let cfg = Cfg::compute(f);
    let dom = DomTree::compute(f, &cfg);
    let out = f.term(at).edges().nth(n).expect("the way out").clone();
    let args = f.edge_args(&out).to_vec();
    for &p in cfg.preds(header).iter().filter(|&&p| !dom.dominates(header, p)) {
        let edges: Vec<usize> =
            f.term(p).edges().enumerate().filter(|(_, e)| e.block == header).map(|(n, _)| n).collect();
        for n in edges {
            let to = f.edge(out.block, &args);
            set_edge(f, (p, n), to);
        }
    }
}
