//! Indirect calls whose callee is known become direct.
//!
//! **Licence.** A table is *fixed* when it is neither imported nor exported, no body writes it (`table.set`, `table.grow`, `table.fill`,
//! `table.copy` or `table.init` into it; a body kept as bytes that names it counts as writing), and its contents follow
//! from active segments at constant offsets. Its slots are then the same whenever code runs, so a `call_indirect` at a
//! constant index of a slot that holds a function of the right type calls that function. `call_ref` of a `ref.func` calls it.
//!
//! **Declines.** What would trap (an empty slot, another type, no such slot) stays as it is: it keeps its kind of trap. So do
//! slots of tables that a host, or anything unknown, can write.
//!
//! **Complexity.** Linear in tables and segments once ([`MAX_SLOTS`]), then in the graph.

use super::reach::{constant, fits};
use crate::ir::dce::dce;
use crate::ir::entity::{Block, FuncId, Inst, TableId, TypeId, Value};
use crate::ir::function::{Function, TailCallee, Terminator};
use crate::ir::info::ModuleInfo;
use crate::ir::ops::{Imm, Kind, Op};
use crate::ir::types::HeapType;
use crate::module::{ConstExpr, ConstOp, ElemItems, ElemMode, Entity, Module};
use cranelift_entity::{EntityList, EntityRef, SecondaryMap};
use std::collections::BTreeMap;

/// Slots that a call may reach, all next to each other.
pub const MAX_TARGETS: usize = 16;

/// Tables with more slots are not looked into.
pub const MAX_SLOTS: u64 = 1 << 20;

/// Tables that a body may write, as bits by index; those from 63 on share the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableWrites(u64);

impl TableWrites {
    /// Of a graph.
    pub fn of(f: &Function) -> TableWrites {
        let mut writes = TableWrites::default();
        for &i in f.layout.iter().flat_map(|&b| &f.blocks[b].insts) {
            match (f.insts[i].op.kind(), f.insts[i].imm) {
                (Kind::TableSet | Kind::TableGrow | Kind::TableFill, Imm::Table(table))
                | (Kind::TableInit, Imm::TableInit { table, .. })
                | (Kind::TableCopy, Imm::TableCopy { dst: table, .. }) => writes.add(table),
                _ => {}
            }
        }
        writes
    }

    /// One more.
    pub fn add(&mut self, table: TableId) {
        self.0 |= 1 << table.index().min(63);
    }

    /// Both.
    #[must_use]
    pub fn union(self, other: TableWrites) -> TableWrites {
        TableWrites(self.0 | other.0)
    }

    /// Whether a table may be written.
    pub fn contains(self, table: TableId) -> bool {
        self.0 >> table.index().min(63) & 1 == 1
    }
}

/// The contents of the fixed tables.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    slots: SecondaryMap<TableId, Option<Vec<Option<FuncId>>>>,
    /// For each fixed table the types of what it holds, one of those that are the same, with the first few slots of each.
    by_type: SecondaryMap<TableId, Vec<(TypeId, Slots)>>,
}

/// Slots and what they hold, in order.
type Slots = Vec<(u64, FuncId)>;

impl Tables {
    /// Of a module whose bodies write these tables, and whose n-th export stays if `kept` says so.
    pub fn of(module: &Module, writes: TableWrites, kept: impl Fn(usize) -> bool) -> Tables {
        let mut tables = Tables::default();
        let mut left = MAX_SLOTS;
        for (id, table) in &module.tables {
            let mut exports = module.exports.iter().enumerate();
            let exported = exports.any(|(n, e)| e.entity == Entity::Table(id) && kept(n));
            if table.imported || exported || writes.contains(id) || table.initial > left {
                continue;
            }
            let first = match table.init.as_ref().map(|init| &init.ops[..]) {
                None | Some([ConstOp::RefNull(_)]) => None,
                Some(&[ConstOp::RefFunc(f)]) => Some(f),
                Some(_) => continue,
            };
            left -= table.initial;
            tables.slots[id] = Some(vec![first; table.initial as usize]);
        }
        // Where a segment may not fit, instantiation can end there, and what an imported table got before can be called: what
        // comes after cannot be relied on.
        let mut ended = false;
        for segment in module.elems.values() {
            let ElemMode::Active { table, offset, .. } = &segment.mode else { continue };
            ended |= module.tables[*table].imported;
            let slots = &mut tables.slots[*table];
            let filled = slots.as_mut().filter(|_| !ended).and_then(|s| fill(s, offset, &segment.items));
            if filled.is_none() {
                ended |= !fits(offset, segment.len(), module.tables[*table].initial.into());
                *slots = None;
            }
        }
        for (id, slots) in tables.slots.iter().filter_map(|(id, s)| Some((id, s.as_ref()?))) {
            tables.by_type[id] = by_type(module, slots);
        }
        tables
    }

    /// The slots of a fixed table that a call of this type can reach, all of them or some more than [`MAX_TARGETS`]; nothing for other
    /// tables.
    pub fn of_type(&self, table: TableId, ty: TypeId, module: &dyn ModuleInfo) -> Slots {
        let mut found = Slots::new();
        for (own, slots) in &self.by_type[table] {
            if found.len() > MAX_TARGETS {
                break;
            }
            if module.is_heap_subtype(HeapType::Concrete(*own), HeapType::Concrete(ty)) {
                found.extend_from_slice(slots);
            }
        }
        found.sort_unstable();
        found
    }

    /// The functions that are alone, or nearly so, with their type in a fixed table: those that [`Tables::of_type`] may give.
    pub fn rare(&self) -> Vec<FuncId> {
        let few = self.by_type.values().flatten().filter(|(_, slots)| slots.len() <= MAX_TARGETS);
        let mut rare: Vec<FuncId> = few.flat_map(|(_, slots)| slots.iter().map(|&(_, f)| f)).collect();
        rare.sort_unstable();
        rare.dedup();
        rare
    }

    /// The function in a slot, if that is known.
    fn at(&self, table: TableId, index: u128) -> Option<FuncId> {
        let slots = self.slots[table].as_ref()?;
        *slots.get(usize::try_from(index).ok()?)?
    }
}

fn by_type(module: &Module, slots: &[Option<FuncId>]) -> Vec<(TypeId, Slots)> {
    let mut types: BTreeMap<TypeId, Slots> = BTreeMap::new();
    for (n, func) in slots.iter().enumerate().filter_map(|(n, func)| Some((n, (*func)?))) {
        let slots = types.entry(module.canonical_type(module.funcs[func].ty)).or_default();
        if slots.len() <= MAX_TARGETS {
            slots.push((n as u64, func));
        }
    }
    types.into_iter().collect()
}

/// Copies a segment. `None`: not all of it is known, or it does not fit.
fn fill(slots: &mut [Option<FuncId>], offset: &ConstExpr, items: &ElemItems) -> Option<()> {
    let start = usize::try_from(constant(offset)?).ok()?;
    let count = match items {
        ElemItems::Funcs(list) => list.len(),
        ElemItems::Exprs(_, list) => list.len(),
    };
    let target = slots.get_mut(start..start.checked_add(count)?)?;
    match items {
        ElemItems::Funcs(list) => {
            for (slot, &f) in target.iter_mut().zip(list) {
                *slot = Some(f);
            }
        }
        ElemItems::Exprs(_, list) => {
            for (slot, expr) in target.iter_mut().zip(list) {
                *slot = match expr.ops[..] {
                    [ConstOp::RefFunc(f)] => Some(f),
                    [ConstOp::RefNull(_)] => None,
                    _ => return None,
                };
            }
        }
    }
    Some(())
}

/// The graph with direct calls where the callee is known, and how many that are. `None`: nothing changes.
pub fn devirtualized(f: &Function, tables: &Tables, module: &dyn ModuleInfo) -> Option<(Function, u64)> {
    let found = known_calls(f, tables, module);
    if found.is_empty() {
        return None;
    }
    let mut f = f.clone();
    make_direct(&mut f, &found);
    Some((f, found.len() as u64))
}

/// A call, an instruction or the terminator of its block, and who is called.
type Known = (Option<Inst>, Block, FuncId);

fn known_calls(f: &Function, tables: &Tables, module: &dyn ModuleInfo) -> Vec<Known> {
    let mut found = Vec::new();
    for &b in &f.layout {
        for &i in &f.blocks[b].insts {
            let data = &f.insts[i];
            if data.op.is_call()
                && let Some(func) = callee(f, data.op, &data.imm, f.args(i).last(), tables, module)
            {
                found.push((Some(i), b, func));
            }
        }
        let term = f.term(b);
        let last = term.operands(&f.pool).last();
        let func = match term {
            Terminator::Invoke { op, imm, .. } => callee(f, *op, imm, last, tables, module),
            &Terminator::TailCall { callee: TailCallee::Indirect(ty, table), .. } => {
                callee(f, Op::CallIndirect, &Imm::CallIndirect { ty, table }, last, tables, module)
            }
            &Terminator::TailCall { callee: TailCallee::Ref(ty), .. } => {
                callee(f, Op::CallRef, &Imm::Type(ty), last, tables, module)
            }
            _ => None,
        };
        found.extend(func.map(|func| (None, b, func)));
    }
    found
}

fn make_direct(f: &mut Function, known: &[Known]) {
    for &(inst, block, func) in known {
        match (inst, &mut f.blocks[block].term) {
            (Some(i), _) => {
                let args = without_last(f.args(i)).to_vec();
                f.insts[i].args = f.list(&args);
                (f.insts[i].op, f.insts[i].imm) = (Op::Call, Imm::Func(func));
            }
            (None, Some(Terminator::Invoke { op, imm, args, .. })) => {
                *args = shorter(args, &mut f.pool);
                (*op, *imm) = (Op::Call, Imm::Func(func));
            }
            (None, Some(Terminator::TailCall { callee, args })) => {
                *args = shorter(args, &mut f.pool);
                *callee = TailCallee::Direct(func);
            }
            (None, _) => {}
        }
    }
    // Indices and references that nothing else uses.
    dce(f);
}

fn without_last(args: &[Value]) -> &[Value] {
    args.split_last().map_or(&[], |(_, rest)| rest)
}

fn shorter(args: &EntityList<Value>, pool: &mut cranelift_entity::ListPool<Value>) -> EntityList<Value> {
    let rest = without_last(args.as_slice(pool)).to_vec();
    EntityList::from_slice(&rest, pool)
}

/// Who is called, if that is known; `last` is the index or the reference.
fn callee(
    f: &Function,
    op: Op,
    imm: &Imm,
    last: Option<&Value>,
    tables: &Tables,
    module: &dyn ModuleInfo,
) -> Option<FuncId> {
    let def = &f.insts[f.def_inst(*last?)?];
    let (func, ty): (FuncId, TypeId) = match (op, *imm) {
        (Op::CallIndirect, Imm::CallIndirect { ty, table }) if def.op.is_const() => {
            (tables.at(table, def.imm.const_bits()?)?, ty)
        }
        (Op::CallRef, Imm::Type(ty)) => match (def.op, def.imm) {
            (Op::RefFunc, Imm::Func(func)) => (func, ty),
            _ => return None,
        },
        _ => return None,
    };
    let own = HeapType::Concrete(module.func_type(func)?);
    module.is_heap_subtype(own, HeapType::Concrete(ty)).then_some(func)
}
