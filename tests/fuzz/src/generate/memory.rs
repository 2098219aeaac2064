//! Memory: addresses, loads, stores, bulk operations, and the shapes that memory rules look for.

use super::body::{Body, Role};
use super::memarg;
use wasm_encoder::{Instruction as I, MemArg, ValType};

/// A load or store by its width in bytes.
type Access = fn(MemArg) -> I<'static>;

const LOADS_I32: &[(u32, Access)] = &[
    (4, I::I32Load),
    (4, I::I32Load),
    (1, I::I32Load8S),
    (1, I::I32Load8U),
    (2, I::I32Load16S),
    (2, I::I32Load16U),
];
const LOADS_I64: &[(u32, Access)] = &[
    (8, I::I64Load),
    (8, I::I64Load),
    (1, I::I64Load8S),
    (1, I::I64Load8U),
    (2, I::I64Load16S),
    (2, I::I64Load16U),
    (4, I::I64Load32S),
    (4, I::I64Load32U),
];
const STORES_I32: &[(u32, Access)] =
    &[(4, I::I32Store), (4, I::I32Store), (1, I::I32Store8), (2, I::I32Store16)];
const STORES_I64: &[(u32, Access)] =
    &[(8, I::I64Store), (8, I::I64Store), (1, I::I64Store8), (2, I::I64Store16), (4, I::I64Store32)];

fn loads(ty: ValType) -> &'static [(u32, Access)] {
    match ty {
        ValType::I32 => LOADS_I32,
        ValType::I64 => LOADS_I64,
        ValType::F32 => &[(4, I::F32Load)],
        _ => &[(8, I::F64Load)],
    }
}

fn stores(ty: ValType) -> &'static [(u32, Access)] {
    match ty {
        ValType::I32 => STORES_I32,
        ValType::I64 => STORES_I64,
        ValType::F32 => &[(4, I::F32Store)],
        _ => &[(8, I::F64Store)],
    }
}

impl Body<'_> {
    /// A random memory.
    pub fn memory(&mut self) -> u32 {
        self.rng.below(self.shape.memories.len()) as u32
    }

    fn is64(&self, memory: u32) -> bool {
        self.shape.memories[memory as usize].is64
    }

    /// Widens the `i32` on the stack to the address type of the memory.
    fn widen_address(&mut self, memory: u32) {
        if self.is64(memory) {
            self.emit(I::I64ExtendI32U);
        }
    }

    /// Pushes a constant of the memory's address type.
    fn address_const(&mut self, memory: u32, value: u32) {
        self.emit(if self.is64(memory) { I::I64Const(i64::from(value)) } else { I::I32Const(value as i32) });
    }

    /// Emits an address for an access of `width` bytes and gives its immediate. Mostly small, now and then out of bounds.
    fn address(&mut self, memory: u32, width: u32, depth: u32) -> MemArg {
        let mut offset = self.rng.pick(&[0u64, 0, 0, 1, 2, 4, 4, 8, 8, 12, 16, 20]);
        match self.rng.below(if self.trappy { 100 } else { 92 }) {
            0..40 => {
                if let Some(p) = self.local(ValType::I32, Role::Pointer) {
                    self.emit(I::LocalGet(p));
                } else {
                    self.emit(I::I32Const(16));
                }
                if self.rng.percent(25) {
                    let k = self.rng.pick(&[1, 4, 8, 16]);
                    self.emit_all([I::I32Const(k), I::I32Add]);
                }
                self.widen_address(memory);
            }
            40..68 => {
                let at = self.rng.pick(&[0u32, 4, 8, 12, 16, 20, 24, 28, 32, 40]);
                self.address_const(memory, at);
            }
            68..92 => {
                self.exact(ValType::I32, depth.min(2));
                let mask = self.rng.pick(&[0x1c, 0x38, 0x3f, 0x7f]);
                self.emit_all([I::I32Const(mask), I::I32And]);
                self.widen_address(memory);
            }
            92..95 => {
                // Around the end of the first page: partly out of bounds when the memory has one page.
                let at = 65536 - self.rng.below(12) as u32;
                self.address_const(memory, at);
                offset = self.rng.pick(&[0, 0, 4]);
            }
            95..97 => {
                let below = self.rng.below(9) as u32;
                self.address_const(memory, u32::MAX - below);
                offset = self.rng.pick(&[0, 1, 4, 8, 16]);
            }
            97 => {
                self.address_const(memory, 8);
                offset = if self.is64(memory) {
                    self.rng.pick(&[0xffff_ffff, 0x1_0000_0000, u64::MAX - 3, 65528])
                } else {
                    self.rng.pick(&[0xffff_ffff, 0xffff_fff8, 65528, 65520])
                };
            }
            _ => {
                self.exact(ValType::I32, depth.min(2));
                self.widen_address(memory);
            }
        }
        let align = self.rng.below(width.ilog2() as usize + 1) as u32;
        memarg(offset, align, memory)
    }

    /// A load of a value of the type.
    pub fn load(&mut self, ty: ValType, depth: u32) {
        let memory = self.memory();
        let (width, access) = self.rng.pick(loads(ty));
        let arg = self.address(memory, width, depth);
        self.emit(access(arg));
    }

    /// A store statement.
    pub fn store(&mut self, depth: u32) {
        let ty = super::scalar(self.rng);
        let memory = self.memory();
        let (width, access) = self.rng.pick(stores(ty));
        let arg = self.address(memory, width, depth);
        self.exact(ty, depth.min(3));
        self.emit(access(arg));
    }

    /// `memory.grow` by zero or one page, as an `i32` expression.
    pub fn grow(&mut self) {
        let memory = self.memory();
        let pages = self.rng.below(2) as u32;
        self.address_const(memory, pages);
        self.emit(I::MemoryGrow(memory));
        if self.is64(memory) {
            self.emit(I::I32WrapI64);
        }
    }

    /// A base address pushed again and again: a pointer local or a constant.
    fn base(&mut self) -> I<'static> {
        match self.local(ValType::I32, Role::Pointer) {
            Some(p) if self.rng.percent(65) => I::LocalGet(p),
            _ => I::I32Const(self.rng.pick(&[8, 16, 24, 32])),
        }
    }

    fn access(
        &mut self,
        memory: u32,
        base: &I<'static>,
        offset: u64,
        access: Access,
        value: Option<ValType>,
    ) {
        self.emit(base.clone());
        self.widen_address(memory);
        if let Some(ty) = value {
            self.exact(ty, 1);
        }
        self.emit(access(memarg(offset, 0, memory)));
    }

    /// Puts the value on the stack somewhere observable.
    fn consume(&mut self, ty: ValType) {
        if let Some(x) = self.local(ty, Role::Plain) {
            return self.emit(I::LocalSet(x));
        }
        match self.global(ty, true) {
            Some(g) => self.emit(I::GlobalSet(g)),
            None => self.emit(I::Drop),
        }
    }

    /// A short chain of accesses at related addresses, as store-to-load forwarding and dead-store rules look for.
    pub fn memory_shape(&mut self, depth: u32) {
        let (a, b) = (self.memory(), self.memory());
        let base = self.base();
        let ty = super::scalar(self.rng);
        let other = super::scalar(self.rng);
        let at = self.rng.pick(&[0u64, 4, 8]);
        let near = at + self.rng.pick(&[0u64, 0, 0, 1, 2, 4, 7, 8]);
        let store = self.rng.pick(stores(ty)).1;
        let load = self.rng.pick(loads(other)).1;
        match self.rng.below(8) {
            // Store, something in between, load back (same or overlapping).
            0..3 => {
                self.access(a, &base, at, store, Some(ty));
                self.between(b, &base, near, depth);
                self.access(a, &base, near, load, None);
                self.consume(other);
            }
            // Load, store elsewhere, load again.
            3 => {
                self.access(a, &base, at, load, None);
                self.access(b, &base, near, store, Some(ty));
                self.access(a, &base, at, load, None);
                self.consume(other);
                self.consume(other);
            }
            // Overwritten store.
            4 => {
                self.access(a, &base, at, store, Some(ty));
                self.between(b, &base, near, depth);
                self.access(a, &base, near, store, Some(ty));
            }
            // Store of what was loaded from there.
            5 => {
                let (_, l) = self.rng.pick(loads(ty));
                self.emit(base.clone());
                self.widen_address(a);
                let from = if self.rng.percent(80) { a } else { b };
                self.access(from, &base, at, l, None);
                self.emit(store(memarg(at, 0, a)));
            }
            // Copy, then read through it.
            6 => {
                let from = self.base();
                let len = self.rng.pick(&[8, 12, 16, 48, 0, 1]);
                self.copy(a, b, &base, &from, len);
                if self.rng.percent(40) {
                    self.between(b, &from, near, depth);
                }
                self.access(a, &base, near, load, None);
                self.consume(other);
            }
            // Fill, then read.
            _ => {
                self.emit(base.clone());
                self.widen_address(a);
                self.exact(ValType::I32, 1);
                let len = self.rng.pick(&[0u32, 4, 16, 33]);
                self.address_const(a, len);
                self.emit(I::MemoryFill(a));
                self.access(a, &base, near, load, None);
                self.consume(other);
            }
        }
    }

    fn between(&mut self, memory: u32, base: &I<'static>, offset: u64, depth: u32) {
        match self.rng.below(6) {
            0 => {}
            1 | 2 => {
                let ty = super::scalar(self.rng);
                let store = self.rng.pick(stores(ty)).1;
                self.access(memory, base, offset, store, Some(ty));
            }
            3 => self.call_statement(1),
            4 => self.set_pointer(1),
            _ => self.statement(depth.min(1)),
        }
    }

    /// `memory.copy` of a constant length between two bases.
    fn copy(&mut self, to: u32, from: u32, to_base: &I<'static>, from_base: &I<'static>, len: u32) {
        self.emit(to_base.clone());
        self.widen_address(to);
        self.emit(from_base.clone());
        self.widen_address(from);
        self.emit(if self.is64(to) && self.is64(from) {
            I::I64Const(i64::from(len))
        } else {
            I::I32Const(len as i32)
        });
        self.emit(I::MemoryCopy { src_mem: from, dst_mem: to });
    }

    /// A bulk operation with masked or constant operands, now and then out of bounds.
    pub fn bulk(&mut self, depth: u32) {
        let (a, b) = (self.memory(), self.memory());
        let (to, from) = (self.base(), self.base());
        match self.rng.below(5) {
            0 | 1 => {
                let len =
                    self.rng.pick(&[0, 1, 2, 4, 8, 12, 16, 31, 48, if self.trappy { 70000 } else { 20 }]);
                self.copy(a, b, &to, &from, len);
            }
            2 => {
                self.emit(to);
                self.widen_address(a);
                self.exact(ValType::I32, depth.min(2));
                self.exact(ValType::I32, depth.min(2));
                self.emit_all([I::I32Const(0x1f), I::I32And]);
                self.widen_address(a);
                self.emit(I::MemoryFill(a));
            }
            3 if !self.shape.passive.is_empty() => {
                let segment = self.rng.below(self.shape.passive.len());
                self.emit(to);
                self.widen_address(a);
                let start = self.rng.below(6) as i32;
                let len =
                    self.rng.below(self.shape.passive[segment] as usize + if self.trappy { 3 } else { 1 })
                        as i32
                        - start;
                self.emit_all([I::I32Const(start), I::I32Const(len.max(0))]);
                self.emit(I::MemoryInit { mem: a, data_index: segment as u32 });
            }
            4 if self.trappy && self.rng.percent(25) => {
                // Active segments are dropped already; passive ones make later `memory.init`s trap.
                let all = self.shape.passive.len() + self.shape.memories.len();
                let segment = self.rng.below(all) as u32;
                self.emit(I::DataDrop(segment));
            }
            _ => self.store(depth),
        }
    }

    /// What an adapter does, in place: bump allocation, copy to the other memory, use, copy of the result area back.
    pub fn adapter_like(&mut self, depth: u32) {
        let (caller, callee) = (self.memory(), self.memory());
        if self.is64(caller) || self.is64(callee) {
            return self.store(depth);
        }
        let p = self.new_local(ValType::I32, Role::Counter);
        let len = self.rng.pick(&[8, 12, 16, 48]);
        let from = self.base();
        self.emit_all([
            I::GlobalGet(0),
            I::LocalTee(p),
            I::I32Const(len),
            I::I32Add,
            I::I32Const(0x7ff),
            I::I32And,
        ]);
        self.emit(I::GlobalSet(0));
        if self.rng.percent(50) {
            self.emit_all([
                I::LocalGet(p),
                I::I32Eqz,
                I::If(wasm_encoder::BlockType::Empty),
                I::Unreachable,
                I::End,
            ]);
        }
        self.emit_all([I::LocalGet(p), from.clone(), I::I32Const(len)]);
        self.emit(I::MemoryCopy { src_mem: caller, dst_mem: callee });
        let (ty, other) = (super::scalar(self.rng), super::scalar(self.rng));
        let (load, store) = (self.rng.pick(loads(ty)).1, self.rng.pick(stores(other)).1);
        self.access(callee, &I::LocalGet(p), 4, load, None);
        self.consume(ty);
        self.access(callee, &I::LocalGet(p), self.offset_within(len), store, Some(other));
        if self.rng.percent(60) {
            self.emit_all([from.clone(), I::LocalGet(p), I::I32Const(len)]);
            self.emit(I::MemoryCopy { src_mem: callee, dst_mem: caller });
        }
        self.access(caller, &from, 4, load, None);
        self.consume(ty);
    }

    fn offset_within(&self, len: i32) -> u64 {
        (len as u64 / 2) & !3
    }

    /// Vectors in memory: loads, lane-wise integer operators, stores.
    pub fn simd_statement(&mut self, depth: u32) {
        let (a, b) = (self.memory(), self.memory());
        let to = self.address(a, 16, depth);
        let from = self.address(b, 16, depth);
        self.emit(I::V128Load(from));
        match self.rng.below(5) {
            0 => self.emit(I::V128Not),
            1 => {
                self.exact(ValType::I32, depth.min(1));
                let op = self.choose(&[I::I8x16Splat, I::I16x8Splat, I::I32x4Splat]);
                self.emit(op);
                let op = self.choose(&[I::I8x16Add, I::I16x8Mul, I::I32x4Sub, I::V128Xor, I::I8x16Swizzle]);
                self.emit(op);
            }
            2 => {
                self.exact(ValType::I32, depth.min(1));
                let op = self.choose(&[
                    I::I8x16Shl,
                    I::I16x8ShrS,
                    I::I32x4ShrU,
                    I::I64x2Shl,
                    I::I32x4ReplaceLane(2),
                ]);
                self.emit(op);
            }
            3 => {
                self.exact(ValType::I64, depth.min(1));
                let mask = self.rng_i128();
                self.emit_all([I::I64x2Splat, I::I64x2Mul, I::V128Const(mask), I::V128AndNot]);
            }
            _ => {}
        }
        self.emit(I::V128Store(to));
    }

    /// An `i32` out of a vector.
    pub fn simd_scalar(&mut self, d: u32) {
        let memory = self.memory();
        let arg = self.address(memory, 16, d);
        self.emit(I::V128Load(arg));
        let op = self.choose(&[
            I::I8x16ExtractLaneS(3),
            I::I16x8ExtractLaneU(1),
            I::I32x4ExtractLane(2),
            I::V128AnyTrue,
            I::I8x16AllTrue,
            I::I32x4Bitmask,
        ]);
        self.emit(op);
    }

    fn rng_i128(&mut self) -> i128 {
        (i128::from(self.rng.next_u64() as i64) << 64) | i128::from(self.rng.next_u64())
    }
}
