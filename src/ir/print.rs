//! Text form of a function graph: exact, so that [`super::parse`] gives the same graph back. `docs/ir.md` has the grammar.

use super::entity::*;
use super::function::*;
use super::ops::{Imm, MemArg, Op};
use std::fmt::{self, Write};

/// Text of a function. The name, where given, is printed quoted after the number.
pub fn function(f: &Function, name: Option<&str>) -> String {
    let mut s = String::new();
    write_function(&mut s, f, name).expect("writing to a string");
    s
}

/// Text of several functions with their names, separated by empty lines.
pub fn functions<'a>(list: impl IntoIterator<Item = (&'a Function, Option<&'a str>)>) -> String {
    let mut s = String::new();
    for (i, (f, name)) in list.into_iter().enumerate() {
        if i > 0 {
            s.push('\n');
        }
        write_function(&mut s, f, name).expect("writing to a string");
    }
    s
}

/// Text of one instruction, without indentation and newline.
pub fn inst(f: &Function, inst: Inst) -> String {
    let mut s = String::new();
    write_inst(&mut s, f, inst).expect("writing to a string");
    s
}

/// Text of a block's terminator, without indentation and newline.
pub fn terminator(f: &Function, block: Block) -> String {
    let mut s = String::new();
    write_terminator(&mut s, f, f.blocks[block].term.as_ref()).expect("writing to a string");
    s
}

impl fmt::Display for Function {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_function(out, self, None)
    }
}

fn write_function(out: &mut impl Write, f: &Function, name: Option<&str>) -> fmt::Result {
    write!(out, "function {}", f.id)?;
    if let Some(name) = name {
        write!(out, " ")?;
        write_quoted(out, name)?;
    }
    write!(out, " (")?;
    write_list(out, &f.params)?;
    write!(out, ") -> (")?;
    write_list(out, &f.results)?;
    writeln!(out, ") {{")?;
    for &b in &f.layout {
        write!(out, "{b}(")?;
        for (i, &v) in f.block_params(b).iter().enumerate() {
            if i > 0 {
                write!(out, ", ")?;
            }
            write_def(out, f, v)?;
        }
        writeln!(out, "):")?;
        for &inst in &f.blocks[b].insts {
            write!(out, "    ")?;
            write_inst(out, f, inst)?;
            write_remark(out, &f.insts[inst].imm)?;
            writeln!(out)?;
        }
        write!(out, "    ")?;
        write_terminator(out, f, f.blocks[b].term.as_ref())?;
        writeln!(out)?;
    }
    writeln!(out, "}}")
}

/// What a reader wants to see and the parser skips: the value of a float constant.
fn write_remark(out: &mut impl Write, imm: &Imm) -> fmt::Result {
    match *imm {
        Imm::F32(bits) => write!(out, " ; {:?}", f32::from_bits(bits)),
        Imm::F64(bits) => write!(out, " ; {:?}", f64::from_bits(bits)),
        _ => Ok(()),
    }
}

/// Quotes a name such that it stays on its line and reads back as it was.
fn write_quoted(out: &mut impl Write, name: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in name.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            c if c.is_control() => write!(out, "\\u{{{:x}}}", c as u32)?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

fn write_list<T: fmt::Display>(out: &mut impl Write, list: &[T]) -> fmt::Result {
    for (i, item) in list.iter().enumerate() {
        if i > 0 {
            write!(out, ", ")?;
        }
        write!(out, "{item}")?;
    }
    Ok(())
}

/// `v3: i32 @2`
fn write_def(out: &mut impl Write, f: &Function, v: Value) -> fmt::Result {
    write!(out, "{v}: {}", f.values[v].ty)?;
    if let Some(hint) = f.values[v].hint {
        write!(out, " @{hint}")?;
    }
    Ok(())
}

fn write_inst(out: &mut impl Write, f: &Function, inst: Inst) -> fmt::Result {
    for (i, &v) in f.results(inst).iter().enumerate() {
        if i > 0 {
            write!(out, ", ")?;
        }
        write_def(out, f, v)?;
    }
    if !f.results(inst).is_empty() {
        write!(out, " = ")?;
    }
    let data = &f.insts[inst];
    write!(out, "{}", data.op.name())?;
    write_imm(out, data.op, &data.imm)?;
    if !f.args(inst).is_empty() {
        write!(out, " ")?;
        write_list(out, f.args(inst))?;
    }
    Ok(())
}

/// The immediate with a space in front of each part. `op` decides which alignment goes without saying.
pub(super) fn write_imm(out: &mut impl Write, op: Op, imm: &Imm) -> fmt::Result {
    match *imm {
        Imm::None | Imm::Fence => Ok(()),
        Imm::I32(v) => write!(out, " {v}"),
        Imm::I64(v) => write!(out, " {v}"),
        Imm::F32(bits) => write!(out, " 0x{bits:08x}"),
        Imm::F64(bits) => write!(out, " 0x{bits:016x}"),
        Imm::V128(bits) => write!(out, " 0x{bits:032x}"),
        Imm::Mem(m) => write_memarg(out, op, m),
        Imm::MemLane(m, lane) => {
            write_memarg(out, op, m)?;
            write!(out, " lane={lane}")
        }
        Imm::Lane(lane) => write!(out, " lane={lane}"),
        Imm::Shuffle(lanes) => {
            write!(out, " [")?;
            write_list(out, &lanes)?;
            write!(out, "]")
        }
        Imm::Memory(m) => write!(out, " {m}"),
        Imm::MemCopy { dst, src } => write!(out, " {dst} {src}"),
        Imm::MemInit { data, memory } => write!(out, " {memory} {data}"),
        Imm::Data(d) => write!(out, " {d}"),
        Imm::Table(t) => write!(out, " {t}"),
        Imm::TableCopy { dst, src } => write!(out, " {dst} {src}"),
        Imm::TableInit { elem, table } => write!(out, " {table} {elem}"),
        Imm::Elem(e) => write!(out, " {e}"),
        Imm::Func(f) => write!(out, " {f}"),
        Imm::Global(g) => write!(out, " {g}"),
        Imm::CallIndirect { ty, table } => write!(out, " {ty} {table}"),
        Imm::Type(ty) => write!(out, " {ty}"),
        Imm::Field { ty, field } => write!(out, " {ty} field={field}"),
        Imm::ArrayFixed { ty, len } => write!(out, " {ty} len={len}"),
        Imm::ArrayData { ty, data } => write!(out, " {ty} {data}"),
        Imm::ArrayElem { ty, elem } => write!(out, " {ty} {elem}"),
        Imm::ArrayCopy { dst, src } => write!(out, " {dst} {src}"),
        Imm::Heap(h) => write!(out, " {h}"),
    }
}

fn write_memarg(out: &mut impl Write, op: Op, m: MemArg) -> fmt::Result {
    write!(out, " {}", m.memory)?;
    if m.offset != 0 {
        write!(out, " offset={}", m.offset)?;
    }
    if m.align != op.natural_align() {
        write!(out, " align={}", m.align)?;
    }
    Ok(())
}

fn write_edge(out: &mut impl Write, f: &Function, edge: &Edge) -> fmt::Result {
    write!(out, "{}(", edge.block)?;
    write_list(out, f.edge_args(edge))?;
    write!(out, ")")
}

fn write_args(out: &mut impl Write, f: &Function, args: &cranelift_entity::EntityList<Value>) -> fmt::Result {
    write!(out, "(")?;
    write_list(out, args.as_slice(&f.pool))?;
    write!(out, ")")
}

fn write_handlers(out: &mut impl Write, f: &Function, handlers: &[Handler]) -> fmt::Result {
    for h in handlers {
        match h.kind {
            CatchKind::One(tag) => write!(out, " catch {tag} ")?,
            CatchKind::OneRef(tag) => write!(out, " catch_ref {tag} ")?,
            CatchKind::All => write!(out, " catch_all ")?,
            CatchKind::AllRef => write!(out, " catch_all_ref ")?,
        }
        write_edge(out, f, &h.edge)?;
    }
    Ok(())
}

fn write_terminator(out: &mut impl Write, f: &Function, term: Option<&Terminator>) -> fmt::Result {
    let Some(term) = term else { return write!(out, "unfinished") };
    match term {
        Terminator::Jump(edge) => {
            write!(out, "br ")?;
            write_edge(out, f, edge)
        }
        Terminator::Branch { cond, then, els } => {
            write!(out, "br_if {cond}, ")?;
            write_edge(out, f, then)?;
            write!(out, ", ")?;
            write_edge(out, f, els)
        }
        Terminator::Table { index, targets, default } => {
            write!(out, "br_table {index} [")?;
            for (i, edge) in targets.iter().enumerate() {
                if i > 0 {
                    write!(out, ", ")?;
                }
                write_edge(out, f, edge)?;
            }
            write!(out, "] default ")?;
            write_edge(out, f, default)
        }
        Terminator::Return(values) => {
            write!(out, "return")?;
            let values = values.as_slice(&f.pool);
            if !values.is_empty() {
                write!(out, " ")?;
            }
            write_list(out, values)
        }
        Terminator::Unreachable => write!(out, "unreachable"),
        Terminator::TailCall { callee, args } => {
            match *callee {
                TailCallee::Direct(func) => write!(out, "return_call {func}")?,
                TailCallee::Indirect(ty, table) => write!(out, "return_call_indirect {ty} {table}")?,
                TailCallee::Ref(ty) => write!(out, "return_call_ref {ty}")?,
            }
            write_args(out, f, args)
        }
        Terminator::BrOn { kind, arg, taken, els } => {
            match kind {
                BrOnKind::Null => write!(out, "br_on_null")?,
                BrOnKind::NonNull => write!(out, "br_on_non_null")?,
                BrOnKind::Cast(from, to) => write!(out, "br_on_cast {from} {to}")?,
                BrOnKind::CastFail(from, to) => write!(out, "br_on_cast_fail {from} {to}")?,
            }
            write!(out, " {arg}, ")?;
            write_edge(out, f, taken)?;
            write!(out, ", ")?;
            write_edge(out, f, els)
        }
        Terminator::Invoke { op, imm, args, normal, handlers } => {
            write!(out, "invoke {}", op.name())?;
            write_imm(out, *op, imm)?;
            write_args(out, f, args)?;
            write!(out, " normal ")?;
            write_edge(out, f, normal)?;
            write_handlers(out, f, handlers)
        }
        Terminator::Throw { tag, args, handlers } => {
            write!(out, "throw {tag}")?;
            write_args(out, f, args)?;
            write_handlers(out, f, handlers)
        }
        Terminator::ThrowRef { arg, handlers } => {
            write!(out, "throw_ref {arg}")?;
            write_handlers(out, f, handlers)
        }
    }
}
