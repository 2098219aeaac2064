//! Memory SSA: at every point of a function, for each resource that holds a state (contents and size of each memory, each
//! global, each table, …), a *version* that names the state. Two points with the same version of a resource see the same
//! state of it.
//!
//! A version is made at the function's entry, by an instruction or terminator that writes the resource, or where
//! control flow joins versions that differ ([`VersionDef`]). A loop keeps the version of what no block in it writes.
//!
//! In: a function, its control-flow graph, dominators and loops, and effect summaries for its calls. Only resources that an
//! instruction of the function itself reads or writes are tracked; calls alone track nothing. Resources share versions where
//! they share a bit of [`EffectSet`]. On reducible graphs the result is minimal; a join of an irreducible cycle gets a version
//! of everything that the function writes.
//!
//! One pass over the blocks in reverse postorder: time and memory are linear in instructions plus edges times written
//! resources. [`MAX_ROWS`] and [`MAX_DEFS`] bound them.

use super::{Cfg, DomTree, Loops, Summaries};
use crate::ir::effects::{self, EffectSet, effects};
use crate::ir::entity::{Block, GlobalId, Inst, MemoryId, TableId};
use crate::ir::function::Function;
use crate::ir::ops::Kind;
use cranelift_entity::{EntityRef, SecondaryMap, entity_impl};
use std::fmt;

/// Blocks times written resources: beyond it every block but the entry starts with versions of its own
/// ([`MemorySsa::is_coarse`]).
pub const MAX_ROWS: usize = 1 << 22;
/// Versions made by instructions: beyond it nothing is tracked.
pub const MAX_DEFS: usize = 1 << 22;

/// A resource with a state: one bit of an [`EffectSet`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(u8);

impl Resource {
    fn of_mask(mask: u128) -> Resource {
        Resource(mask.trailing_zeros() as u8)
    }

    /// Contents of a memory.
    pub fn data(m: MemoryId) -> Resource {
        Resource::of_mask(effects::data_mask(m))
    }

    /// Size of a memory.
    pub fn size(m: MemoryId) -> Resource {
        Resource::of_mask(effects::size_mask(m))
    }

    /// A global.
    pub fn global(g: GlobalId) -> Resource {
        Resource::of_mask(effects::global_mask(g))
    }

    /// Size and contents of a table.
    pub fn table(t: TableId) -> Resource {
        Resource::of_mask(effects::table_mask(t))
    }

    /// The resource as a set.
    pub fn mask(self) -> u128 {
        1 << self.0
    }

    /// The resources in a set, in ascending order.
    pub fn in_mask(mask: u128) -> impl Iterator<Item = Resource> {
        let mut rest = mask & effects::STATE;
        std::iter::from_fn(move || {
            let lowest = (rest != 0).then(|| Resource::of_mask(rest))?;
            rest &= rest - 1;
            Some(lowest)
        })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (data, size) = (Resource::data(MemoryId::new(0)).0, Resource::size(MemoryId::new(0)).0);
        let (global, table) = (Resource::global(GlobalId::new(0)).0, Resource::table(TableId::new(0)).0);
        match self.0 {
            n if n >= global => write!(f, "global[{}]", n - global),
            n if n >= size => write!(f, "size[{}]", n - size),
            n if n >= data => write!(f, "data[{}]", n - data),
            n if n >= table => write!(f, "table[{}]", n - table),
            n if 1 << n == effects::HEAP => f.write_str("heap"),
            _ => f.write_str("segments"),
        }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A state of one resource.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u32);
entity_impl!(Version, "s");

/// What made a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionDef {
    /// The state that the function was called in.
    Entry(Resource),
    /// A join of different versions at the start of a block.
    Phi(Block, Resource),
    /// An instruction that writes the resource, or may.
    Inst(Inst, Resource),
    /// A terminator that writes the resource, or may; seen by all its edges.
    Term(Block, Resource),
}

impl VersionDef {
    /// The resource that it is a version of.
    pub fn resource(self) -> Resource {
        match self {
            VersionDef::Entry(r)
            | VersionDef::Phi(_, r)
            | VersionDef::Inst(_, r)
            | VersionDef::Term(_, r) => r,
        }
    }
}

/// A version made inside a block.
#[derive(Clone, Copy, Debug)]
struct Def {
    resource: Resource,
    /// Position of the instruction; the number of instructions for the terminator.
    at: u32,
    version: Version,
}

/// Versions of all tracked resources at every point of a function.
#[derive(Clone, Debug)]
pub struct MemorySsa {
    /// Resources with versions.
    tracked: u128,
    /// Those of them that the function writes: the others keep their entry version.
    written: u128,
    coarse: bool,
    given_up: bool,
    /// Versions at the start of each block in reverse postorder, a row of the written resources each; empty when coarse.
    rows: Vec<Version>,
    /// Versions made in each block, by resource, then position.
    defs: Vec<Def>,
    /// Where each block's part of `defs` starts, by position in reverse postorder.
    starts: Vec<u32>,
    /// Definitions of all versions, but for the implicit ones when coarse.
    made: Vec<VersionDef>,
    /// Block and position of the instructions.
    places: SecondaryMap<Inst, (u32, u32)>,
    /// Reverse postorder, and the position of each block in it.
    order: Vec<Block>,
    positions: SecondaryMap<Block, u32>,
}

/// Resources whose state an instruction depends on or changes itself; nothing for calls, which concern everything.
fn concerns(f: &Function, inst: Inst) -> u128 {
    let data = &f.insts[inst];
    match data.op.kind() {
        Kind::Call => 0,
        Kind::Atomic => {
            data.imm.memarg().map_or(0, |a| effects::data_mask(a.memory) | effects::size_mask(a.memory))
        }
        _ => {
            let EffectSet { reads, writes } = effects(data.op, &data.imm);
            (reads | writes) & effects::STATE
        }
    }
}

impl MemorySsa {
    /// Computes the versions of everything that instructions of `f` other than calls read or write.
    pub fn compute(
        f: &Function,
        cfg: &Cfg,
        dom: &DomTree,
        loops: &Loops,
        summaries: &Summaries,
    ) -> MemorySsa {
        MemorySsa::compute_capped(f, cfg, dom, loops, summaries, (MAX_ROWS, MAX_DEFS))
    }

    /// [`MemorySsa::compute`] with other caps than [`MAX_ROWS`] and [`MAX_DEFS`].
    pub fn compute_capped(
        f: &Function,
        cfg: &Cfg,
        dom: &DomTree,
        loops: &Loops,
        summaries: &Summaries,
        (max_rows, max_defs): (usize, usize),
    ) -> MemorySsa {
        let insts = cfg.rpo().iter().flat_map(|&b| &f.blocks[b].insts);
        let tracked = insts.fold(0, |all, &i| all | concerns(f, i));
        let mut memory = Builder::new(f, cfg, summaries, tracked, max_rows, max_defs).build(dom, loops);
        memory.given_up = tracked != 0 && memory.tracked == 0;
        memory
    }

    /// Whether there were so many definitions that nothing is tracked.
    pub fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Computes the versions of the given resources.
    pub fn compute_for(
        f: &Function,
        cfg: &Cfg,
        dom: &DomTree,
        loops: &Loops,
        summaries: &Summaries,
        tracked: u128,
    ) -> MemorySsa {
        Builder::new(f, cfg, summaries, tracked, MAX_ROWS, MAX_DEFS).build(dom, loops)
    }

    /// Whether a resource has versions.
    pub fn is_tracked(&self, r: Resource) -> bool {
        self.tracked & r.mask() != 0
    }

    /// The resources that have versions, in ascending order.
    pub fn tracked(&self) -> impl Iterator<Item = Resource> + use<> {
        Resource::in_mask(self.tracked)
    }

    /// Whether the function was so large that every block starts with versions of its own.
    pub fn is_coarse(&self) -> bool {
        self.coarse
    }

    /// What made a version.
    pub fn def(&self, v: Version) -> VersionDef {
        let entries = self.tracked.count_ones() as usize;
        let implicit = self.implicit_versions();
        match v.index() {
            n if n < entries || !self.coarse => self.made[n],
            n if n < entries + implicit => {
                let width = self.written.count_ones() as usize;
                let (block, column) = ((n - entries) / width + 1, (n - entries) % width);
                let resource =
                    Resource::in_mask(self.written).nth(column).expect("column of a written resource");
                VersionDef::Phi(self.order[block], resource)
            }
            n => self.made[n - implicit],
        }
    }

    /// Version at the start of a block. `None` where the resource is not tracked or the block cannot be reached.
    pub fn at_entry(&self, block: Block, r: Resource) -> Option<Version> {
        let position = self.positions[block] as usize;
        (self.is_tracked(r) && position < self.order.len()).then(|| self.entry_version(position, r))
    }

    /// Version seen by an instruction.
    pub fn before(&self, inst: Inst, r: Resource) -> Option<Version> {
        let (position, at) = self.places[inst];
        self.version_at(position as usize, at, r)
    }

    /// Version after an instruction: the one that it makes or, when it makes none, the one before it.
    pub fn after(&self, inst: Inst, r: Resource) -> Option<Version> {
        let (position, at) = self.places[inst];
        self.version_at(position as usize, at.saturating_add(1), r)
    }

    /// Version seen by a block's terminator.
    pub fn before_term(&self, f: &Function, block: Block, r: Resource) -> Option<Version> {
        self.version_at(self.positions[block] as usize, f.blocks[block].insts.len() as u32, r)
    }

    /// Version on the edges out of a block, after what its terminator writes.
    pub fn at_exit(&self, block: Block, r: Resource) -> Option<Version> {
        self.version_at(self.positions[block] as usize, u32::MAX, r)
    }

    /// The version of a resource that an instruction makes, if it makes one.
    pub fn made_by(&self, inst: Inst, r: Resource) -> Option<Version> {
        let (position, at) = self.places[inst];
        let defs = self.defs_of(position as usize, r)?;
        defs.binary_search_by_key(&at, |d| d.at).ok().map(|i| defs[i].version)
    }

    fn implicit_versions(&self) -> usize {
        if self.coarse { (self.order.len() - 1) * self.written.count_ones() as usize } else { 0 }
    }

    /// Number of a resource among those of a set.
    fn column(set: u128, r: Resource) -> usize {
        (set & (r.mask() - 1)).count_ones() as usize
    }

    fn entry_version(&self, position: usize, r: Resource) -> Version {
        if position == 0 || self.written & r.mask() == 0 {
            return Version::new(MemorySsa::column(self.tracked, r));
        }
        let width = self.written.count_ones() as usize;
        let column = MemorySsa::column(self.written, r);
        if self.coarse {
            Version::new(self.tracked.count_ones() as usize + (position - 1) * width + column)
        } else {
            self.rows[position * width + column]
        }
    }

    /// The versions of one resource made in a block, in order.
    fn defs_of(&self, position: usize, r: Resource) -> Option<&[Def]> {
        let (&start, &end) = (self.starts.get(position)?, self.starts.get(position + 1)?);
        let block = &self.defs[start as usize..end as usize];
        let from = block.partition_point(|d| d.resource < r);
        let to = block.partition_point(|d| d.resource <= r);
        Some(&block[from..to])
    }

    /// The version before the instruction at a position of a block.
    fn version_at(&self, position: usize, at: u32, r: Resource) -> Option<Version> {
        if !self.is_tracked(r) {
            return None;
        }
        let defs = self.defs_of(position, r)?;
        let before = defs.partition_point(|d| d.at < at);
        Some(match before.checked_sub(1) {
            Some(last) => defs[last].version,
            None => self.entry_version(position, r),
        })
    }
}

/// The state of the one pass.
struct Builder<'a> {
    cfg: &'a Cfg,
    out: MemorySsa,
}

impl<'a> Builder<'a> {
    /// Numbers the versions made inside of blocks, provisionally from 0.
    fn new(
        f: &Function,
        cfg: &'a Cfg,
        summaries: &Summaries,
        tracked: u128,
        max_rows: usize,
        max_defs: usize,
    ) -> Self {
        let order = cfg.rpo().to_vec();
        let mut out = MemorySsa {
            tracked: tracked & effects::STATE,
            written: 0,
            given_up: false,
            coarse: false,
            rows: Vec::new(),
            defs: Vec::new(),
            starts: Vec::with_capacity(order.len() + 1),
            made: Vec::new(),
            places: SecondaryMap::with_default((u32::MAX, u32::MAX)),
            positions: SecondaryMap::with_default(u32::MAX),
            order,
        };
        for (n, &b) in cfg.rpo().iter().enumerate() {
            out.positions[b] = n as u32;
            out.starts.push(out.defs.len() as u32);
            let start = out.defs.len();
            let insts = &f.blocks[b].insts;
            let writes = insts.iter().map(|&i| (summaries.inst(f, i), Some(i)));
            for (at, (set, inst)) in writes.chain([(summaries.term(f, b), None)]).enumerate() {
                if let Some(i) = inst {
                    out.places[i] = (n as u32, at as u32);
                }
                for resource in Resource::in_mask(set.writes & out.tracked) {
                    let version = Version::new(out.made.len());
                    out.defs.push(Def { resource, at: at as u32, version });
                    out.made.push(match inst {
                        Some(i) => VersionDef::Inst(i, resource),
                        None => VersionDef::Term(b, resource),
                    });
                    out.written |= resource.mask();
                }
                if out.defs.len() > max_defs {
                    (out.tracked, out.written) = (0, 0);
                    out.defs.clear();
                    out.made.clear();
                }
            }
            let start = start.min(out.defs.len());
            out.defs[start..].sort_by_key(|d| (d.resource, d.at));
        }
        if out.tracked == 0 {
            out.starts.iter_mut().for_each(|s| *s = 0);
        }
        out.starts.push(out.defs.len() as u32);
        out.coarse = out.order.len().saturating_mul(out.written.count_ones() as usize) > max_rows;
        Builder { cfg, out }
    }

    fn build(mut self, dom: &DomTree, loops: &Loops) -> MemorySsa {
        let mut made: Vec<VersionDef> = Resource::in_mask(self.out.tracked).map(VersionDef::Entry).collect();
        if !self.out.coarse {
            // Joins look at the versions that blocks before them made, which are still numbered from 0. Their own are
            // numbered above all of these at first, then everything moves behind the entry versions.
            made.append(&mut self.out.made);
            let entries = self.out.tracked.count_ones();
            for d in &mut self.out.defs {
                d.version = Version::from_u32(d.version.as_u32() + entries);
            }
            self.out.made = made;
            self.joins(dom, loops);
        } else {
            let base = self.out.tracked.count_ones() as usize + self.out.implicit_versions();
            for d in &mut self.out.defs {
                d.version = Version::new(base + d.version.index());
            }
            made.append(&mut self.out.made);
            self.out.made = made;
        }
        self.out
    }

    /// Fills the rows: at a join a version is made for what its predecessors see differently.
    fn joins(&mut self, dom: &DomTree, loops: &Loops) {
        let cfg = self.cfg;
        let in_loop = self.loop_writes(loops);
        let written: Vec<Resource> = Resource::in_mask(self.out.written).collect();
        for (n, &b) in cfg.rpo().iter().enumerate() {
            let mut fresh = 0;
            for &p in cfg.preds(b).iter().filter(|&&p| cfg.position(p) as usize >= n) {
                fresh |= if dom.dominates(b, p) { in_loop[b] } else { self.out.written };
            }
            for &r in &written {
                let mut seen = None;
                let mut joins = fresh & r.mask() != 0;
                for &p in cfg.preds(b).iter().filter(|&&p| (cfg.position(p) as usize) < n) {
                    let version = self.out.at_exit(p, r);
                    joins |= seen.is_some() && seen != version;
                    seen = version;
                }
                let version = match seen {
                    Some(v) if !joins => v,
                    None if n == 0 => self.out.entry_version(0, r),
                    _ => {
                        self.out.made.push(VersionDef::Phi(b, r));
                        Version::new(self.out.made.len() - 1)
                    }
                };
                self.out.rows.push(version);
            }
        }
    }

    /// For each loop header what any block of its loop writes.
    fn loop_writes(&self, loops: &Loops) -> SecondaryMap<Block, u128> {
        let mut writes: SecondaryMap<Block, u128> = SecondaryMap::new();
        for (n, &b) in self.out.order.iter().enumerate() {
            let range = self.out.starts[n] as usize..self.out.starts[n + 1] as usize;
            if let Some(header) = loops.innermost(b) {
                writes[header] |= self.out.defs[range].iter().fold(0, |all, d| all | d.resource.mask());
            }
        }
        for &header in loops.headers().iter().rev() {
            if let Some(outer) = loops.parent(header) {
                let inner = writes[header];
                writes[outer] |= inner;
            }
        }
        writes
    }
}

#[cfg(test)]
mod tests;
