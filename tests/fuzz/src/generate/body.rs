//! One function body: locals, labels, the budget, and the choice of statements.

use super::{Shape, Signature, Types};
use crate::rng::Rng;
use wasm_encoder::{BlockType, Function, Instruction as I, ValType};

/// What a local is used for; decides who may write it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Read and written by anything; floats hold exact bits.
    Plain,
    /// A small masked address.
    Pointer,
    /// Counter of one loop; written only by that loop.
    Counter,
    /// Floats whose NaN payload is open.
    Loose,
    /// Helper of the canonicalization.
    Scratch,
}

/// A branch target.
#[derive(Clone)]
pub(crate) struct Label {
    /// Values that a branch carries.
    pub types: Vec<ValType>,
    /// Counter local when it is a loop.
    pub counter: Option<u32>,
}

/// State of the generation of one body.
pub(crate) struct Body<'a> {
    pub rng: &'a mut Rng,
    pub shape: &'a Shape,
    pub types: &'a mut Types,
    pub me: usize,
    pub code: Vec<I<'static>>,
    pub locals: Vec<(ValType, Role)>,
    pub labels: Vec<Label>,
    pub budget: i32,
    pub loops: usize,
    /// Whether instructions that often trap may be generated; else most of the body runs.
    pub trappy: bool,
}

impl<'a> Body<'a> {
    /// Generates the body of function `me` with about `budget` instructions.
    pub fn generate(
        rng: &'a mut Rng,
        shape: &'a Shape,
        types: &'a mut Types,
        me: usize,
        budget: i32,
    ) -> Function {
        let sig: &Signature = &shape.functions[me];
        let mut locals: Vec<_> = sig.params.iter().map(|t| (*t, Role::Plain)).collect();
        for (ty, role, most) in [
            (ValType::I32, Role::Plain, 4),
            (ValType::I64, Role::Plain, 3),
            (ValType::F32, Role::Plain, 1),
            (ValType::F64, Role::Plain, 1),
            (ValType::I32, Role::Pointer, 2),
            (ValType::F32, Role::Loose, 1),
            (ValType::F64, Role::Loose, 1),
        ] {
            for _ in 0..rng.below(most + 1) {
                locals.push((ty, role));
            }
        }
        locals.push((ValType::I32, Role::Pointer));
        let params = sig.params.len();
        let trappy = rng.percent(30);
        let label = Label { types: sig.results.clone(), counter: None };
        let mut body = Body {
            rng,
            shape,
            types,
            me,
            code: Vec::new(),
            locals,
            labels: vec![label],
            budget,
            loops: 0,
            trappy,
        };
        while body.budget > 12 {
            body.statement(4);
        }
        body.finish_function();
        let mut function = Function::new_with_locals_types(body.locals[params..].iter().map(|l| l.0));
        for ins in &body.code {
            function.instruction(ins);
        }
        function
    }

    fn finish_function(&mut self) {
        let results = self.shape.functions[self.me].results.clone();
        if self.rng.percent(8) && self.tail_call(&results) {
            self.emit(I::End);
            return;
        }
        for ty in results {
            self.exact(ty, 3);
        }
        if self.rng.percent(10) {
            self.emit(I::Return);
        }
        self.emit(I::End);
    }

    /// Appends an instruction and pays for it.
    pub fn emit(&mut self, ins: I<'static>) {
        self.budget -= 1;
        self.code.push(ins);
    }

    /// Appends several.
    pub fn emit_all(&mut self, all: impl IntoIterator<Item = I<'static>>) {
        for ins in all {
            self.emit(ins);
        }
    }

    /// One of a table of operators.
    pub fn choose(&mut self, table: &[I<'static>]) -> I<'static> {
        table[self.rng.below(table.len())].clone()
    }

    /// A random local of a type and role.
    pub fn local(&mut self, ty: ValType, role: Role) -> Option<u32> {
        let all: Vec<u32> =
            (0..self.locals.len() as u32).filter(|i| self.locals[*i as usize] == (ty, role)).collect();
        if all.is_empty() { None } else { Some(all[self.rng.below(all.len())]) }
    }

    /// A new local.
    pub fn new_local(&mut self, ty: ValType, role: Role) -> u32 {
        self.locals.push((ty, role));
        self.locals.len() as u32 - 1
    }

    /// A global of a type.
    pub fn global(&mut self, ty: ValType, writable: bool) -> Option<u32> {
        let all: Vec<u32> = (0..self.shape.globals.len() as u32)
            .filter(|i| {
                let g = self.shape.globals[*i as usize];
                g.ty == ty && (g.mutable || !writable)
            })
            .collect();
        if all.is_empty() { None } else { Some(all[self.rng.below(all.len())]) }
    }

    /// The block type for results (no parameters).
    pub fn block_type(&mut self, results: &[ValType]) -> BlockType {
        match results {
            [] => BlockType::Empty,
            [one] => BlockType::Result(*one),
            many => BlockType::FunctionType(self.types.index(&[], many)),
        }
    }

    /// One statement: the stack is as before afterwards.
    pub fn statement(&mut self, depth: u32) {
        if self.budget <= 0 {
            return;
        }
        let inner = depth > 0;
        match self.rng.below(100) {
            0..14 => self.set_local(depth),
            14..28 => self.store(depth),
            28..34 => self.set_global(depth),
            34..44 if inner => self.if_else(depth - 1),
            44..50 if inner => self.block(depth - 1),
            50..57 if inner && self.loops < 3 => self.counted_loop(depth - 1),
            57..62 => self.branch(depth),
            62..65 => self.branch_table(depth),
            65..71 => self.call_statement(depth),
            71..80 => self.memory_shape(depth),
            80..84 => self.bulk(depth),
            84..87 => self.adapter_like(depth),
            87..89 => self.table_statement(),
            89..91 => self.leave(depth),
            91..94 => self.set_pointer(depth),
            94..96 if self.shape.simd => self.simd_statement(depth),
            96..98 => {
                let ty = super::scalar(self.rng);
                self.exact(ty, depth.min(3));
                self.emit(I::Drop);
            }
            98 => self.emit(I::Nop),
            _ => self.set_local(depth),
        }
    }

    fn set_local(&mut self, depth: u32) {
        let ty = super::scalar(self.rng);
        if self.rng.percent(15)
            && let Some(x) = self.local(ty, Role::Loose)
        {
            self.loose(ty, depth.min(3));
            self.emit(I::LocalSet(x));
            return;
        }
        let Some(x) = self.local(ty, Role::Plain) else { return };
        if ty == ValType::I32 && self.rng.percent(20) {
            // Post-increment: the old value stays on the stack while the local changes.
            let y = self.local(ty, Role::Plain).unwrap_or(x);
            self.emit_all([I::LocalGet(x), I::LocalGet(x), I::I32Const(4), I::I32Add, I::LocalSet(x)]);
            self.emit(I::LocalSet(y));
            return;
        }
        self.exact(ty, depth.min(4));
        self.emit(I::LocalSet(x));
    }

    fn set_global(&mut self, depth: u32) {
        let ty = super::scalar(self.rng);
        let Some(g) = self.global(ty, true) else { return };
        if self.rng.percent(25) && ty == ValType::I32 {
            // Read, change, use the old value: the order of the two accesses matters.
            let Some(x) = self.local(ty, Role::Plain) else { return };
            self.emit(I::GlobalGet(g));
            self.emit(I::GlobalGet(g));
            self.exact(ty, depth.min(1));
            self.emit_all([I::I32Add, I::GlobalSet(g), I::LocalSet(x)]);
            return;
        }
        self.exact(ty, depth.min(3));
        self.emit(I::GlobalSet(g));
    }

    /// Gives a pointer local a new small address.
    pub fn set_pointer(&mut self, depth: u32) {
        if let Some(p) = self.local(ValType::I32, Role::Pointer) {
            self.exact(ValType::I32, depth.min(2));
            self.emit_all([I::I32Const(0x3c), I::I32And, I::LocalSet(p)]);
        }
    }
}
