//! Float expressions, exact (bits determined) and loose (payload of a NaN open), and the canonicalization between them.

use super::body::{Body, Role};
use super::ops::*;
use wasm_encoder::{Ieee32, Ieee64, Instruction as I, ValType};

impl Body<'_> {
    /// Any expression of the type; floats may have an open NaN payload, so only payload-blind operators may consume it.
    pub fn loose(&mut self, ty: ValType, depth: u32) {
        if !matches!(ty, ValType::F32 | ValType::F64) {
            return self.exact(ty, depth);
        }
        if depth == 0 || self.budget <= 0 {
            if self.rng.percent(30)
                && let Some(x) = self.local(ty, Role::Loose)
            {
                return self.emit(I::LocalGet(x));
            }
            return self.leaf(ty);
        }
        let d = depth - 1;
        let wide = ty == ValType::F64;
        match self.rng.below(20) {
            0..8 => {
                self.loose(ty, d);
                self.loose(ty, d);
                let op = self.choose(if wide { F64_BINARY } else { F32_BINARY });
                self.emit(op);
            }
            8..10 => self.float_rule_shape(ty, d),
            10..12 => {
                self.loose(ty, d);
                let op = self.choose(if wide { F64_UNARY } else { F32_UNARY });
                self.emit(op);
            }
            12 => {
                self.loose(if wide { ValType::F32 } else { ValType::F64 }, d);
                self.emit(if wide { I::F64PromoteF32 } else { I::F32DemoteF64 });
            }
            13 => {
                self.loose(ty, d);
                let op = self.sign_op(wide);
                self.emit(op);
            }
            _ => self.exact(ty, depth),
        }
    }

    fn sign_op(&mut self, wide: bool) -> I<'static> {
        self.choose(if wide { &[I::F64Neg, I::F64Abs] } else { &[I::F32Neg, I::F32Abs] })
    }

    /// A float expression with determined bits.
    pub fn exact_float(&mut self, ty: ValType, d: u32) {
        let wide = ty == ValType::F64;
        match self.rng.below(20) {
            0..4 => self.load(ty, d),
            4..6 => {
                self.exact(ty, d);
                let op = self.sign_op(wide);
                self.emit(op);
            }
            6 => {
                self.exact(ty, d);
                self.exact(ty, d);
                self.emit(if wide { I::F64Copysign } else { I::F32Copysign });
            }
            7..9 => {
                self.exact(if wide { ValType::I64 } else { ValType::I32 }, d);
                self.emit(if wide { I::F64ReinterpretI64 } else { I::F32ReinterpretI32 });
            }
            9..12 => {
                let from_i64 = self.rng_bit();
                self.exact(if from_i64 { ValType::I64 } else { ValType::I32 }, d);
                let table: &[I<'static>] = match (wide, from_i64) {
                    (true, true) => &[I::F64ConvertI64S, I::F64ConvertI64U],
                    (true, false) => &[I::F64ConvertI32S, I::F64ConvertI32U],
                    (false, true) => &[I::F32ConvertI64S, I::F32ConvertI64U],
                    (false, false) => &[I::F32ConvertI32S, I::F32ConvertI32U],
                };
                let op = self.choose(table);
                self.emit(op);
            }
            12..17 => {
                self.loose(ty, d);
                self.canonicalize(ty);
            }
            _ => self.leaf(ty),
        }
    }

    /// Replaces a NaN on top of the stack by the canonical one.
    fn canonicalize(&mut self, ty: ValType) {
        let x = match self.local(ty, Role::Scratch) {
            Some(x) => x,
            None => self.new_local(ty, Role::Scratch),
        };
        let (nan, eq) = if ty == ValType::F64 {
            (I::F64Const(Ieee64::new(0x7ff8_0000_0000_0000)), I::F64Eq)
        } else {
            (I::F32Const(Ieee32::new(0x7fc0_0000)), I::F32Eq)
        };
        self.emit_all([I::LocalTee(x), nan, I::LocalGet(x), I::LocalGet(x), eq, I::Select]);
    }

    /// Left sides that tempt an optimizer to be wrong about zeros, infinities and NaNs. Leaves a loose value.
    fn float_rule_shape(&mut self, ty: ValType, d: u32) {
        let wide = ty == ValType::F64;
        let constant = |v: f64| {
            if wide {
                I::F64Const(Ieee64::new(v.to_bits()))
            } else {
                I::F32Const(Ieee32::new((v as f32).to_bits()))
            }
        };
        let pick = |w: I<'static>, n: I<'static>| if wide { w } else { n };
        let c = self.rng.pick(&[0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, f64::INFINITY, 1e-310]);
        self.loose(ty, d);
        match self.rng.below(8) {
            0 => self.emit_all([constant(c), pick(I::F64Add, I::F32Add)]),
            1 => self.emit_all([constant(c), pick(I::F64Sub, I::F32Sub)]),
            2 => self.emit_all([constant(c), pick(I::F64Mul, I::F32Mul)]),
            3 => self.emit_all([constant(c), pick(I::F64Div, I::F32Div)]),
            4 => self.emit_all([constant(c), pick(I::F64Min, I::F32Min)]),
            5 => self.emit_all([constant(c), pick(I::F64Copysign, I::F32Copysign)]),
            6 => self.emit_all([pick(I::F64Neg, I::F32Neg), pick(I::F64Neg, I::F32Neg)]),
            _ if wide => self.emit_all([I::F32DemoteF64, I::F64PromoteF32]),
            _ => self.emit_all([I::F64PromoteF32, I::F32DemoteF64]),
        }
    }
}
