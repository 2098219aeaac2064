//! Integer expressions that look like left sides of optimization rules, with constants at the edges where a rule is wrong.

use super::body::{Body, Role};
use super::ops::*;
use wasm_encoder::{Instruction as I, ValType};

// Positions in `I32_BINARY` and `I64_BINARY`.
const ADD: usize = 0;
const SUB: usize = 1;
const MUL: usize = 2;
const AND: usize = 3;
const OR: usize = 4;
const XOR: usize = 5;
const SHL: usize = 6;
const SHR_S: usize = 7;
const SHR_U: usize = 8;
const ROTL: usize = 9;

impl Body<'_> {
    fn op(&mut self, ty: ValType, at: usize) {
        self.emit(if ty == ValType::I32 { I32_BINARY[at].clone() } else { I64_BINARY[at].clone() });
    }

    fn k(&mut self, ty: ValType, value: u64) {
        self.emit(if ty == ValType::I32 { I::I32Const(value as i32) } else { I::I64Const(value as i64) });
    }

    fn edge(&mut self, ty: ValType) -> u64 {
        self.rng.edge_int(if ty == ValType::I32 { 32 } else { 64 })
    }

    /// A shift amount: in range, at the width, beyond it.
    fn amount(&mut self, ty: ValType) -> u64 {
        let bits = if ty == ValType::I32 { 32 } else { 64 };
        match self.rng.below(8) {
            0 => 0,
            1 => bits,
            2 => bits - 1,
            3 => bits + 1 + self.rng.below(40) as u64,
            4 => self.rng.pick(&[8, 16, 24]),
            5 => self.rng.pick(&[32, 48, 56]),
            _ => self.rng.below(bits as usize) as u64,
        }
    }

    /// An `x` that can be pushed again: a local.
    fn again(&mut self, ty: ValType) -> I<'static> {
        match self.local(ty, Role::Plain) {
            Some(x) => I::LocalGet(x),
            None => I::LocalGet(self.new_local(ty, Role::Plain)),
        }
    }

    pub fn i32_rule_shape(&mut self, d: u32) {
        match self.rng.below(10) {
            0..7 => self.rule_shape(ValType::I32, d),
            7 => self.compare_shape(d),
            8 => {
                let table = [I::I64ExtendI32S, I::I64ExtendI32U];
                let ext = self.choose(&table);
                self.exact(ValType::I32, d);
                self.emit(ext);
                let c = self.edge(ValType::I64);
                self.k(ValType::I64, c);
                let at = self.rng.below(9);
                self.op(ValType::I64, at);
                self.emit(I::I32WrapI64);
            }
            _ => {
                self.exact(ValType::I32, d);
                let first = self.choose(&[I::I32Extend8S, I::I32Extend16S]);
                let second = self.choose(&[I::I32Extend8S, I::I32Extend16S]);
                self.emit(first);
                if self.rng_bit() {
                    let mask = self.rng.pick(&[0xff, 0xffff, 0x7f, 0x80]);
                    self.emit_all([I::I32Const(mask), I::I32And]);
                }
                self.emit(second);
            }
        }
    }

    pub fn i64_rule_shape(&mut self, d: u32) {
        match self.rng.below(10) {
            0..7 => self.rule_shape(ValType::I64, d),
            7 => {
                self.exact(ValType::I64, d);
                self.emit(I::I32WrapI64);
                let ext = self.choose(&[I::I64ExtendI32S, I::I64ExtendI32U]);
                self.emit(ext);
            }
            8 => {
                self.exact(ValType::I64, d);
                let first = self.choose(&[I::I64Extend8S, I::I64Extend16S, I::I64Extend32S]);
                let second = self.choose(&[I::I64Extend8S, I::I64Extend16S, I::I64Extend32S]);
                self.emit_all([first, second]);
            }
            _ => {
                self.compare_shape(d);
                self.emit(I::I64ExtendI32U);
            }
        }
    }

    fn rule_shape(&mut self, ty: ValType, d: u32) {
        match self.rng.below(20) {
            // x OP constant, identities and absorbers included.
            0..3 => {
                self.exact(ty, d);
                let c = self.edge(ty);
                let c = self.rng.pick(&[0, 1, u64::MAX, 2, c, c]);
                self.k(ty, c);
                let at = self.rng.below(11);
                self.op(ty, at);
            }
            3 => {
                let c = self.edge(ty);
                let c = self.rng.pick(&[0, 1, u64::MAX, c]);
                self.k(ty, c);
                self.exact(ty, d);
                let at = self.rng.below(11);
                self.op(ty, at);
            }
            // x OP x.
            4 => {
                let x = self.again(ty);
                self.emit_all([x.clone(), x]);
                let at = self.rng.below(11);
                self.op(ty, at);
            }
            // (x OP c1) OP c2.
            5..8 => {
                self.exact(ty, d);
                for _ in 0..2 {
                    let c = self.edge(ty);
                    self.k(ty, c);
                    let at = self.rng.below(6);
                    self.op(ty, at);
                }
            }
            // c1 - (x + c2), c1 - (c2 - x).
            8 => {
                let (c1, c2) = (self.edge(ty), self.edge(ty));
                self.k(ty, c1);
                if self.rng_bit() {
                    self.exact(ty, d);
                    self.k(ty, c2);
                    self.op(ty, ADD);
                } else {
                    self.k(ty, c2);
                    self.exact(ty, d);
                    self.op(ty, SUB);
                }
                self.op(ty, SUB);
            }
            // Shift pairs.
            9..11 => {
                self.exact(ty, d);
                let same = self.amount(ty);
                for _ in 0..2 {
                    let n = if self.rng.percent(60) { same } else { self.amount(ty) };
                    self.k(ty, n);
                    let at = SHL + self.rng.below(4);
                    self.op(ty, at);
                }
            }
            // Multiplication by a power of two and by neighbours.
            11 => {
                self.exact(ty, d);
                let bits = if ty == ValType::I32 { 32 } else { 64 };
                let c = (1u64 << self.rng.below(bits)).wrapping_add(self.rng.pick(&[0, 0, 1, u64::MAX]));
                self.k(ty, c);
                self.op(ty, MUL);
            }
            // Division and remainder by a constant.
            12..14 => {
                self.exact(ty, d);
                let c = self.edge(ty);
                let c = self.rng.pick(&[1, 2, 3, 5, 7, 10, 4, 8, 1 << 16, u64::MAX, 1 << 31, 1 << 63, c]);
                self.k(ty, c);
                let op = self.choose(if ty == ValType::I32 { I32_DIVIDE } else { I64_DIVIDE });
                self.emit(op);
            }
            // Negations and complements.
            14 => {
                self.k(ty, 0);
                if self.rng_bit() {
                    self.k(ty, 0);
                    self.exact(ty, d);
                    self.op(ty, SUB);
                } else {
                    self.exact(ty, d);
                    self.k(ty, u64::MAX);
                    self.op(ty, XOR);
                }
                self.op(ty, SUB);
            }
            // Distribution and De Morgan: (x & y) | (x & z), (x * a) + (x * b).
            15 => {
                let x = self.again(ty);
                let inner = self.rng.pick(&[AND, OR, MUL, SHL]);
                let outer = self.rng.pick(&[ADD, OR, XOR, SUB, AND]);
                for _ in 0..2 {
                    self.emit(x.clone());
                    self.exact(ty, d.min(1));
                    self.op(ty, inner);
                }
                self.op(ty, outer);
            }
            // Rotation out of two shifts.
            16 => {
                let x = self.again(ty);
                let (a, b) = (self.amount(ty), self.amount(ty));
                let bits = if ty == ValType::I32 { 32 } else { 64 };
                let b = if self.rng.percent(70) { (bits - a % bits) % bits } else { b };
                self.emit(x.clone());
                self.k(ty, a);
                self.op(ty, SHL);
                self.emit(x);
                self.k(ty, b);
                self.op(ty, SHR_U);
                let at = self.rng.pick(&[OR, ADD, XOR, ROTL]);
                self.op(ty, at);
            }
            // Absolute value.
            17 => {
                let x = self.again(ty);
                let sign = if ty == ValType::I32 { 31 } else { 63 };
                self.emit(x.clone());
                self.k(ty, sign);
                self.op(ty, SHR_S);
                self.emit(x.clone());
                self.op(ty, XOR);
                self.emit(x);
                self.k(ty, sign);
                self.op(ty, SHR_S);
                self.op(ty, SUB);
            }
            // Select of equal or constant arms.
            18 => {
                let x = self.again(ty);
                self.emit(x.clone());
                match self.rng.below(3) {
                    0 => self.emit(x),
                    1 => self.k(ty, 0),
                    _ => self.exact(ty, d),
                }
                self.exact(ValType::I32, d);
                if self.rng_bit() {
                    self.emit(I::I32Eqz);
                }
                self.emit(I::Select);
            }
            // Minimum and maximum.
            _ => {
                let (x, y) = (self.again(ty), self.again(ty));
                self.emit_all([x.clone(), y.clone(), x, y]);
                let op = self.choose(if ty == ValType::I32 { I32_COMPARE } else { I64_COMPARE });
                self.emit_all([op, I::Select]);
            }
        }
    }

    /// Comparisons that rules rewrite; leaves an `i32`.
    fn compare_shape(&mut self, d: u32) {
        let ty = if self.rng.percent(70) { ValType::I32 } else { ValType::I64 };
        let (compare, eqz) =
            if ty == ValType::I32 { (I32_COMPARE, I::I32Eqz) } else { (I64_COMPARE, I::I64Eqz) };
        match self.rng.below(7) {
            0 => {
                self.exact(ty, d);
                let c = self.edge(ty);
                self.k(ty, c);
                let op = self.choose(compare);
                self.emit(op);
                if self.rng_bit() {
                    self.emit(I::I32Eqz);
                }
            }
            // (x - y) == 0, (x ^ y) == 0.
            1 => {
                self.exact(ty, d);
                self.exact(ty, d);
                let at = self.rng.pick(&[SUB, XOR]);
                self.op(ty, at);
                self.emit(eqz);
            }
            // x + c1 < c2.
            2 => {
                self.exact(ty, d);
                let (c1, c2) = (self.edge(ty), self.edge(ty));
                self.k(ty, c1);
                self.op(ty, ADD);
                self.k(ty, c2);
                let op = self.choose(compare);
                self.emit(op);
            }
            // Two comparisons of one value.
            3 => {
                let x = self.again(ty);
                for _ in 0..2 {
                    self.emit(x.clone());
                    let c = self.edge(ty);
                    self.k(ty, c);
                    let op = self.choose(compare);
                    self.emit(op);
                }
                let op = self.choose(&[I::I32And, I::I32Or, I::I32Xor]);
                self.emit(op);
            }
            // Mask and test.
            4 => {
                self.exact(ty, d);
                let c = self.edge(ty);
                self.k(ty, c);
                self.op(ty, AND);
                let c2 = self.rng.pick(&[0, c]);
                self.k(ty, c2);
                let op = self.choose(&compare[..2]);
                self.emit(op);
            }
            // x < x, extended operands.
            5 => {
                let x = self.again(ValType::I32);
                let y = self.again(ValType::I32);
                let ext = self.choose(&[I::I64ExtendI32S, I::I64ExtendI32U]);
                self.emit_all([x, ext.clone(), y, ext]);
                let op = self.choose(I64_COMPARE);
                self.emit(op);
            }
            _ => {
                self.exact(ty, d);
                self.emit_all([eqz, I::I32Eqz, I::I32Eqz]);
                if self.rng_bit() {
                    self.emit(I::I32Eqz);
                }
            }
        }
    }
}
