//! Effects: which resources an instruction reads and writes.
//!
//! A resource is the contents or the size of one memory, a global, a table, the set of droppable segments, the
//! garbage-collected heap, exceptions, traps, or the host. The set is a pair of `u128` masks: indices beyond a
//! field's width share bits, which can only make two effects look related that are not. Imported entities that may be one and the
//! same are made to look related by [`Aliases`].
//! Orders that matter follow from [`EffectSet::conflicts`]: reads commute with reads and with traps; a trap never crosses
//! a write; two out-of-bounds traps of linear memory commute (nobody can tell them apart), any two other traps do not,
//! for they may be of different kinds.

use super::entity::*;
use super::ops::{Imm, Kind, Op};

/// Bits of an [`EffectSet`]: `BOUNDS` (a memory access out of bounds), `THROW`, `HOST`, `HEAP`, `SEGMENTS`, `TRAP` (any other
/// trap), 8 tables, 32 memories' contents,
/// 16 memories' sizes, 64 globals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EffectSet {
    /// Resources read.
    pub reads: u128,
    /// Resources written. Trapping, throwing and calling the host are writes of their resources.
    pub writes: u128,
}

const BOUNDS: u128 = 1;
const THROW: u128 = 1 << 1;
const HOST: u128 = 1 << 2;
/// Mask of the garbage-collected heap.
pub const HEAP: u128 = 1 << 3;
const SEGMENTS: u128 = 1 << 4;
const TRAP: u128 = 1 << 5;

/// Resources that hold a state which can be read back: all but traps, exceptions and the host.
pub const STATE: u128 = HEAP | SEGMENTS | !0 << 8;

/// Mask of a table's size and contents.
pub fn table_mask(t: TableId) -> u128 {
    1 << (8 + t.as_u32() % 8)
}

/// Mask of a memory's contents.
pub fn data_mask(m: MemoryId) -> u128 {
    1 << (16 + m.as_u32() % 32)
}

/// Mask of a memory's size.
pub fn size_mask(m: MemoryId) -> u128 {
    1 << (48 + m.as_u32() % 16)
}

/// Mask of a global.
pub fn global_mask(g: GlobalId) -> u128 {
    1 << (64 + g.as_u32() % 64)
}

impl EffectSet {
    /// No effect.
    pub const NONE: EffectSet = EffectSet { reads: 0, writes: 0 };
    /// Everything: what an unknown call does.
    pub const ALL: EffectSet = EffectSet { reads: !0, writes: !0 };

    /// A trap, other than a memory access out of bounds.
    pub const TRAPS: EffectSet = EffectSet { reads: 0, writes: TRAP };
    /// An exception that leaves.
    pub const THROWS: EffectSet = EffectSet { reads: 0, writes: THROW };

    /// Both.
    #[must_use]
    pub fn union(self, other: EffectSet) -> EffectSet {
        EffectSet { reads: self.reads | other.reads, writes: self.writes | other.writes }
    }

    /// Whether it may trap.
    pub fn can_trap(self) -> bool {
        self.writes & (BOUNDS | TRAP) != 0
    }

    /// Whether an exception may leave it.
    pub fn can_throw(self) -> bool {
        self.writes & THROW != 0
    }

    /// Whether it writes nothing but a trap: removing it is sound once it is known not to trap.
    pub fn only_reads_or_traps(self) -> bool {
        self.writes & !(BOUNDS | TRAP) == 0
    }

    /// Whether it writes the contents of a memory (or may).
    pub fn writes_data(self, m: MemoryId) -> bool {
        self.writes & data_mask(m) != 0
    }

    /// Whether it writes a global (or may).
    pub fn writes_global(self, g: GlobalId) -> bool {
        self.writes & global_mask(g) != 0
    }

    /// Whether two instructions with these effects must keep their order.
    pub fn conflicts(self, other: EffectSet) -> bool {
        const TRAPS: u128 = BOUNDS | TRAP;
        let (a, b) = (self.writes & !TRAPS, other.writes & !TRAPS);
        let access = a & (other.reads | b) | b & self.reads;
        // A trap makes everything written before it visible and hides everything after it.
        let trap_order = (self.can_trap() && b != 0) || (other.can_trap() && a != 0);
        let kinds =
            (self.writes & TRAP != 0 && other.can_trap()) || (other.writes & TRAP != 0 && self.can_trap());
        access != 0 || trap_order || kinds
    }

    /// The summary of a function seen from its caller: as is, plus the host (it may not return).
    #[must_use]
    pub fn as_call(self) -> EffectSet {
        EffectSet { reads: self.reads, writes: self.writes | HOST }
    }
}

/// Imported entities that a host may supply as one and the same (specification, section 4.5.4: an import is an address, and nothing
/// says that two of them differ). What happens to one of a group may happen to all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Resources that may be the same, two and more in each.
    groups: Vec<u128>,
    memories: u128,
}

impl Aliases {
    /// Of groups of entities that may be the same; those of one entity say nothing.
    pub fn new<T, G>(memories: &[MemoryId], tables: T, globals: G) -> Aliases
    where
        T: IntoIterator<Item = Vec<TableId>>,
        G: IntoIterator<Item = Vec<GlobalId>>,
    {
        fn mask<E: Copy>(list: &[E], of: fn(E) -> u128) -> Option<u128> {
            (list.len() > 1).then(|| list.iter().fold(0, |all, &e| all | of(e)))
        }
        let tables = tables.into_iter().filter_map(|list| mask(&list, table_mask));
        let globals = globals.into_iter().filter_map(|list| mask(&list, global_mask));
        let (data, size) = (mask(memories, data_mask), mask(memories, size_mask));
        let groups = data.into_iter().chain(size).chain(tables).chain(globals).collect();
        Aliases { groups, memories: data.unwrap_or(0) }
    }

    /// Whether two memories, by their indices, may be one.
    pub fn may_be_one(&self, a: MemoryId, b: MemoryId) -> bool {
        a == b || self.has_twin(a) && self.has_twin(b)
    }

    /// Whether some other memory may be the same.
    pub fn has_twin(&self, memory: MemoryId) -> bool {
        self.memories & data_mask(memory) != 0
    }

    /// The effects on all that may be the same as what is named.
    #[must_use]
    pub fn widen(&self, mut set: EffectSet) -> EffectSet {
        for group in &self.groups {
            for half in [&mut set.reads, &mut set.writes] {
                *half |= if *half & group == 0 { 0 } else { *group };
            }
        }
        set
    }
}

/// Effects of an instruction other than a call; calls are as bad as anything until a summary says better.
pub fn effects(op: Op, imm: &Imm) -> EffectSet {
    let rw = |reads, writes| EffectSet { reads, writes };
    match op.kind() {
        Kind::Const | Kind::Pure => EffectSet::NONE,
        Kind::Trap => rw(0, TRAP),
        Kind::Load => {
            let m = imm.memarg().map_or(MemoryId::from_u32(0), |a| a.memory);
            rw(data_mask(m) | size_mask(m), BOUNDS)
        }
        Kind::Store => {
            let m = imm.memarg().map_or(MemoryId::from_u32(0), |a| a.memory);
            rw(size_mask(m), BOUNDS | data_mask(m))
        }
        Kind::MemorySize => match *imm {
            Imm::Memory(m) => rw(size_mask(m), 0),
            _ => EffectSet::ALL,
        },
        Kind::MemoryGrow => match *imm {
            Imm::Memory(m) => rw(size_mask(m), size_mask(m) | HOST),
            _ => EffectSet::ALL,
        },
        Kind::MemoryCopy => match *imm {
            Imm::MemCopy { dst, src } => {
                rw(data_mask(src) | size_mask(src) | size_mask(dst), BOUNDS | data_mask(dst))
            }
            _ => EffectSet::ALL,
        },
        Kind::MemoryFill => match *imm {
            Imm::Memory(m) => rw(size_mask(m), BOUNDS | data_mask(m)),
            _ => EffectSet::ALL,
        },
        Kind::MemoryInit => match *imm {
            Imm::MemInit { memory, .. } => rw(size_mask(memory) | SEGMENTS, BOUNDS | data_mask(memory)),
            _ => EffectSet::ALL,
        },
        Kind::DataDrop | Kind::ElemDrop => rw(SEGMENTS, SEGMENTS),
        Kind::GlobalGet => match *imm {
            Imm::Global(g) => rw(global_mask(g), 0),
            _ => EffectSet::ALL,
        },
        Kind::GlobalSet => match *imm {
            Imm::Global(g) => rw(0, global_mask(g)),
            _ => EffectSet::ALL,
        },
        Kind::TableGet => table_effect(imm, |t| rw(t, TRAP)),
        Kind::TableSize => table_effect(imm, |t| rw(t, 0)),
        Kind::TableSet | Kind::TableFill => table_effect(imm, |t| rw(t, t | TRAP)),
        Kind::TableGrow => table_effect(imm, |t| rw(t, t | HOST)),
        Kind::TableCopy => match *imm {
            Imm::TableCopy { dst, src } => rw(table_mask(src) | table_mask(dst), table_mask(dst) | TRAP),
            _ => EffectSet::ALL,
        },
        Kind::TableInit => match *imm {
            Imm::TableInit { table: t, .. } => rw(table_mask(t) | SEGMENTS, table_mask(t) | TRAP),
            _ => EffectSet::ALL,
        },
        Kind::GcNew => rw(SEGMENTS, TRAP | HEAP),
        Kind::GcRead => rw(HEAP, TRAP),
        Kind::GcWrite => rw(SEGMENTS | HEAP, TRAP | HEAP),
        Kind::Atomic | Kind::Call => EffectSet::ALL,
    }
}

fn table_effect(imm: &Imm, make: impl Fn(u128) -> EffectSet) -> EffectSet {
    match *imm {
        Imm::Table(t) => make(table_mask(t)),
        _ => EffectSet::ALL,
    }
}
