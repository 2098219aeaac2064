//! Integer expressions, and the forms that all types share (locals, globals, select, blocks, calls).

use super::body::{Body, Label, Role};
use super::ops::*;
use wasm_encoder::{Instruction as I, ValType};

impl Body<'_> {
    /// An expression whose bits are determined, of any scalar type.
    pub fn exact(&mut self, ty: ValType, depth: u32) {
        if depth == 0 || self.budget <= 0 {
            return self.leaf(ty);
        }
        if self.rng.percent(14) && self.common(ty, depth - 1) {
            return;
        }
        match ty {
            ValType::I32 => self.i32_expr(depth - 1),
            ValType::I64 => self.i64_expr(depth - 1),
            _ => self.exact_float(ty, depth - 1),
        }
    }

    /// A constant of the type.
    pub fn constant(&mut self, ty: ValType) {
        let ins = match ty {
            ValType::I32 => I::I32Const(self.rng.edge_int(32) as i32),
            ValType::I64 => I::I64Const(self.rng.edge_int(64) as i64),
            ValType::F32 => I::F32Const(wasm_encoder::Ieee32::new(self.rng.edge_f32())),
            _ => I::F64Const(wasm_encoder::Ieee64::new(self.rng.edge_f64())),
        };
        self.emit(ins);
    }

    /// A leaf of the type: local, global or constant.
    pub fn leaf(&mut self, ty: ValType) {
        let choice = self.rng.below(10);
        if choice < 6 {
            let role = if ty == ValType::I32 && self.rng.percent(25) { Role::Pointer } else { Role::Plain };
            if let Some(x) = self.local(ty, role) {
                return self.emit(I::LocalGet(x));
            }
        }
        if choice == 6
            && let Some(g) = self.global(ty, false)
        {
            return self.emit(I::GlobalGet(g));
        }
        self.constant(ty);
    }

    fn i32_expr(&mut self, d: u32) {
        match self.rng.below(100) {
            0..26 => {
                self.exact(ValType::I32, d);
                self.exact(ValType::I32, d);
                let op = self.choose(I32_BINARY);
                self.emit(op);
            }
            26..48 => self.i32_rule_shape(d),
            48..56 => self.compare(d),
            56..62 => {
                self.exact(ValType::I32, d);
                let op = self.choose(I32_UNARY);
                self.emit(op);
            }
            62..78 => self.load(ValType::I32, d),
            78..82 => {
                self.exact(ValType::I64, d);
                let op = self.choose(&[I::I32WrapI64, I::I64Eqz, I::I32WrapI64]);
                self.emit(op);
            }
            82..85 => self.truncate(ValType::I32, d),
            85..87 => {
                self.exact(ValType::F32, d);
                self.emit(I::I32ReinterpretF32);
            }
            87..91 => self.divide(ValType::I32, d),
            91 => {
                let m = self.memory();
                self.emit(I::MemorySize(m));
                if self.shape.memories[m as usize].is64 {
                    self.emit(I::I32WrapI64);
                }
            }
            92 if self.rng.percent(40) => self.grow(),
            93 => self.emit(I::TableSize(0)),
            94 if self.shape.simd => self.simd_scalar(d),
            _ => self.leaf(ValType::I32),
        }
    }

    fn i64_expr(&mut self, d: u32) {
        match self.rng.below(100) {
            0..28 => {
                self.exact(ValType::I64, d);
                self.exact(ValType::I64, d);
                let op = self.choose(I64_BINARY);
                self.emit(op);
            }
            28..50 => self.i64_rule_shape(d),
            50..56 => {
                self.exact(ValType::I64, d);
                let op = self.choose(I64_UNARY);
                self.emit(op);
            }
            56..72 => self.load(ValType::I64, d),
            72..80 => {
                self.exact(ValType::I32, d);
                let op = self.choose(&[I::I64ExtendI32S, I::I64ExtendI32U]);
                self.emit(op);
            }
            80..83 => self.truncate(ValType::I64, d),
            83..85 => {
                self.exact(ValType::F64, d);
                self.emit(I::I64ReinterpretF64);
            }
            85..89 => self.divide(ValType::I64, d),
            89..91 => self.wide(d),
            _ => self.leaf(ValType::I64),
        }
    }

    fn compare(&mut self, d: u32) {
        let (ty, table) = match self.rng.below(8) {
            0..4 => (ValType::I32, I32_COMPARE),
            4..6 => (ValType::I64, I64_COMPARE),
            6 => (ValType::F32, F32_COMPARE),
            _ => (ValType::F64, F64_COMPARE),
        };
        self.loose(ty, d);
        self.loose(ty, d);
        let op = self.choose(table);
        self.emit(op);
    }

    fn truncate(&mut self, ty: ValType, d: u32) {
        let (from, table) = match (ty, self.rng.percent(50)) {
            (ValType::I32, true) => (ValType::F32, I32_FROM_F32),
            (ValType::I32, false) => (ValType::F64, I32_FROM_F64),
            (_, true) => (ValType::F32, I64_FROM_F32),
            (_, false) => (ValType::F64, I64_FROM_F64),
        };
        self.loose(from, d);
        let op = self.choose(if self.trappy { table } else { &table[..3] });
        self.emit(op);
    }

    /// Division, mostly by something that is not zero.
    fn divide(&mut self, ty: ValType, d: u32) {
        self.exact(ty, d);
        let constant = self.rng.percent(60);
        if constant {
            let c = self.rng.edge_int(if ty == ValType::I32 { 32 } else { 64 });
            let c = if c == 0 && (!self.trappy || self.rng.percent(50)) { 3 } else { c };
            self.emit(if ty == ValType::I32 { I::I32Const(c as i32) } else { I::I64Const(c as i64) });
        } else {
            self.exact(ty, d);
            if !self.trappy || self.rng.percent(60) {
                let or =
                    if ty == ValType::I32 { [I::I32Const(1), I::I32Or] } else { [I::I64Const(1), I::I64Or] };
                self.emit_all(or);
            }
        }
        let op = self.choose(if ty == ValType::I32 { I32_DIVIDE } else { I64_DIVIDE });
        self.emit(op);
    }

    /// A wide operation; one of its two results is dropped or both are combined.
    fn wide(&mut self, d: u32) {
        let op = self.choose(&[I::I64Add128, I::I64Sub128, I::I64MulWideS, I::I64MulWideU]);
        let operands = if matches!(op, I::I64Add128 | I::I64Sub128) { 4 } else { 2 };
        for _ in 0..operands {
            self.exact(ValType::I64, d.min(1));
        }
        self.emit(op);
        let last = self.choose(&[I::Drop, I::I64Xor, I::I64Add]);
        self.emit(last);
    }

    /// Forms of every type. False (and nothing emitted) when the module offers none.
    fn common(&mut self, ty: ValType, d: u32) -> bool {
        match self.rng.below(8) {
            0 => self.tee(ty, d),
            1 => {
                self.exact(ty, d);
                self.exact(ty, d);
                self.exact(ValType::I32, d);
                let op = self.choose(&[I::Select, I::TypedSelect(ty)]);
                self.emit(op);
                true
            }
            2 => {
                self.exact(ValType::I32, d);
                let block = self.block_type(&[ty]);
                self.emit(I::If(block));
                self.labels.push(Label { types: vec![ty], counter: None });
                self.exact(ty, d);
                self.emit(I::Else);
                self.exact(ty, d);
                self.labels.pop();
                self.emit(I::End);
                true
            }
            3 => {
                let block = self.block_type(&[ty]);
                self.emit(I::Block(block));
                self.labels.push(Label { types: vec![ty], counter: None });
                self.exact(ty, d);
                self.exact(ValType::I32, d);
                self.emit(I::BrIf(0));
                if self.rng_bit() {
                    self.emit(I::Drop);
                    self.statement(d.min(1));
                    self.exact(ty, d);
                }
                self.labels.pop();
                self.emit(I::End);
                true
            }
            4 | 5 => {
                // The value waits on the stack while statements run.
                self.exact(ty, d);
                for _ in 0..self.rng.range(1, 2) {
                    self.statement(d.min(1));
                }
                true
            }
            6 => self.call_for(ty, d),
            _ => self.indirect_for(ty, d),
        }
    }

    fn tee(&mut self, ty: ValType, d: u32) -> bool {
        let Some(x) = self.local(ty, Role::Plain) else { return false };
        self.exact(ty, d);
        self.emit(I::LocalTee(x));
        true
    }

    pub fn rng_bit(&mut self) -> bool {
        self.rng.percent(50)
    }
}
