//! Long straight-line code: expressions, memory, calls.

use super::code::{Code, F64, I32, I64, V128, Wasm};

/// One function over some memories, exported as `f`.
fn one(params: &[u8], results: &[u8], locals: &[(usize, u8)], memories: usize, code: &Code) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(params, results);
    for _ in 0..memories {
        w.memory();
    }
    let f = w.func(ty, locals, code);
    w.export_func("f", f);
    w.bytes()
}

pub fn deep_sum(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.i32(1);
    });
    c.times(n - 1, |c, _| {
        c.add();
    });
    c.end();
    one(&[], &[I32], &[], 0, &c)
}

pub fn eqz_chain(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, _| {
        c.op(0x45);
    });
    c.end();
    one(&[I32], &[I32], &[], 0, &c)
}

/// A different operator at each step of a chain that no rule shortens.
pub fn mixed_chain(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, i| {
        c.i32((i as i32).wrapping_mul(0x9e37_79b1u32 as i32) | 1).op([0x6a, 0x6c, 0x73, 0x77][i % 4]);
    });
    c.end();
    one(&[I32], &[I32], &[], 0, &c)
}

/// `x = x + x`: a tree of 2^n leaves as a graph of `n` nodes.
pub fn doubling(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.get(0).get(0).add().set(0);
    });
    c.get(0).end();
    one(&[I32], &[I32], &[], 0, &c)
}

/// `a, b = b, a * b + a`.
pub fn fibonacci(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        let (a, b) = (i % 2, 1 - i % 2);
        c.get(a).get(b).op(0x6c).get(a).add().set(a);
    });
    c.get(0).end();
    one(&[I32, I32], &[I32], &[], 0, &c)
}

/// A sum of `n` locals, each from the one before.
pub fn local_sum(n: usize) -> Vec<u8> {
    let n = n.min(49_000);
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(i).i32(5).op(0x77).set(i + 1);
    });
    c.get(0);
    c.add_locals(n);
    c.end();
    one(&[I32], &[I32], &[(n, I32)], 0, &c)
}

/// A sum of up to 1,000 parameters: associativity and commutativity have the most to do.
pub fn parameter_sum(n: usize) -> Vec<u8> {
    let n = n.min(1000);
    let mut c = Code::new();
    c.get(0);
    c.add_locals(n - 1);
    c.end();
    one(&vec![I32; n], &[I32], &[], 0, &c)
}

/// Constants and `drop`, up to the limit of 7,654,321 bytes.
pub fn constants(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.i32(1).drop().op(0x01);
    });
    c.end();
    one(&[], &[], &[], 0, &c)
}

/// One block of arithmetic over 100 locals.
pub fn giant_block(n: usize) -> Vec<u8> {
    const L: usize = 100;
    let mut c = Code::new();
    let mut x = 12345u32;
    for _ in 0..n {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let pick = |s: u32| (x >> s) as usize % L;
        c.get(pick(3))
            .get(pick(11))
            .op([0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73][(x >> 20) as usize % 6])
            .set(pick(17));
    }
    c.get(0).end();
    one(&[I32; L], &[I32], &[], 0, &c)
}

pub fn load_chain(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, i| {
        c.load(0, (i % 64 * 4) as u64);
    });
    c.end();
    one(&[I32], &[I32], &[], 1, &c)
}

/// A list walked with a store at each node: every store may alias every load.
pub fn load_store_chain(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(0)
            .get(1)
            .store(0, 4)
            .get(0)
            .load(0, 0)
            .set(0)
            .get(1)
            .get(0)
            .load(0, 8)
            .i32(i as i32)
            .add()
            .add()
            .set(1);
    });
    c.get(1).end();
    one(&[I32, I32], &[I32], &[], 1, &c)
}

/// Accesses to one memory at distances known from one base, all different.
pub fn accesses(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(0).get(1).store(0, i as u64 * 4).get(0).load(0, (i / 2) as u64 * 4).set(1);
    });
    c.get(1).end();
    one(&[I32, I32], &[I32], &[], 1, &c)
}

/// All loads first seen, then all stores, then the loads again.
pub fn reload(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    for round in 0..2 {
        c.times(n, |c, i| {
            c.get(1).get(0).load(0, i as u64 * 8).add().set(1);
        });
        if round == 0 {
            c.times(n, |c, i| {
                c.get(0).i32(i as i32).store(0, i as u64 * 8 + 4);
            });
        }
    }
    c.get(1).end();
    one(&[I32, I32], &[I32], &[], 1, &c)
}

/// Stores to one place, of which the last counts.
pub fn overwritten(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(0).i32(i as i32).store(0, 16);
    });
    c.get(0).load(0, 16).end();
    one(&[I32], &[I32], &[], 1, &c)
}

/// A pointer moved step by step, as compilers without an optimizer write it.
pub fn post_increment(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.get(0).get(0).load(0, 0).get(1).add().store(0, 4).get(0).i32(4).add().set(0);
    });
    c.get(0).end();
    one(&[I32, I32], &[I32], &[], 1, &c)
}

/// Each of 100 memories in turn.
pub fn many_memories(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(0).get(0).load(i % 100, 8).store((i * 7 + 1) % 100, 4);
    });
    c.get(0).load(3, 0).end();
    one(&[I32], &[I32], &[], 100, &c)
}

/// Nested loops that write all of 100 memories: a row of versions for each block.
pub fn memory_loops(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.looped(super::code::EMPTY).get(0).i32(i as i32).store(i % 100, 0);
    });
    c.times(n, |c, i| {
        c.get(0).load(i % 100, 0).br_if(0).end();
    });
    c.end();
    one(&[I32], &[], &[], 100, &c)
}

/// Copies and fills between two memories with a load after each.
pub fn bulk(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(0).get(1).i32(16).ops(&[0xfc, 10, 1, 0]).get(0).i32(i as i32).i32(64).ops(&[0xfc, 11, 0]);
        c.get(1).get(0).load(1, 4).add().set(1);
    });
    c.get(1).end();
    one(&[I32, I32], &[I32], &[], 2, &c)
}

pub fn grows(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.i32(0).ops(&[0x40, 0]).get(0).add().set(0).get(0).load(0, i as u64).set(0).ops(&[0x3f, 0]).set(1);
    });
    c.get(0).get(1).add().end();
    one(&[I32, I32], &[I32], &[], 1, &c)
}

pub fn selects(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, i| {
        c.get(1).get(0).i32(i as i32).op(0x48).op(0x1b);
    });
    c.end();
    one(&[I32, I32], &[I32], &[], 0, &c)
}

pub fn divisions(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, i| {
        c.i32(i as i32 % 1000 + 2).op([0x6d, 0x6e, 0x6f, 0x70][i % 4]);
    });
    c.end();
    one(&[I32], &[I32], &[], 0, &c)
}

pub fn floats(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, i| {
        c.get(1).op([0xa0, 0xa1, 0xa2, 0xa3, 0xa4][i % 5]);
    });
    c.end();
    one(&[F64, F64], &[F64], &[], 0, &c)
}

pub fn vectors(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, i| {
        // i8x16.shuffle with the local, then i32x4.add with a constant.
        c.get(1)
            .ops(&[0xfd, 13])
            .ops(&[i as u8 % 32; 16])
            .ops(&[0xfd, 12])
            .ops(&[i as u8; 16])
            .ops(&[0xfd, 0xae, 1]);
    });
    c.end();
    one(&[V128, V128], &[V128], &[], 0, &c)
}

/// 64-bit arithmetic that narrows and widens again.
pub fn widths(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, i| {
        c.op(0xa7).op([0xac, 0xad][i % 2]).i64(i as i64).op(0x7c);
    });
    c.end();
    one(&[I64], &[I64], &[], 0, &c)
}

/// Globals read and written in turn.
pub fn global_chain(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[], &[I32]);
    for _ in 0..50 {
        w.global();
    }
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.global_get(i % 50).i32(1).add().global_set((i * 7 + 1) % 50);
    });
    c.global_get(0).end();
    let f = w.func(ty, &[], &c);
    w.export_func("f", f);
    w.bytes()
}

/// Calls whose eight results are all live to the end of the function.
pub fn calls(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[I32], &[I32]);
    let eight = w.ty(&[I32], &[I32; 8]);
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.get(0).call(1);
    });
    c.times(n * 8 - 1, |c, _| {
        c.add();
    });
    c.end();
    let f = w.func(ty, &[], &c);
    let mut g = Code::new();
    g.times(8, |c, i| {
        c.get(0).i32(i as i32).op(0x6c);
    });
    w.func(eight, &[], g.end());
    w.export_func("f", f);
    w.bytes()
}

/// Values defined at the top and used once each at the bottom in the opposite order, effects between.
pub fn crossing(n: usize) -> Vec<u8> {
    let n = n.min(24_000);
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(0).load(0, i as u64).set(1 + i);
    });
    c.times(n, |c, i| {
        c.get(0).get(n - i).store(0, i as u64);
    });
    c.times(n, |c, i| {
        c.get(0).get(1 + (i * 7919) % n).store(0, i as u64);
    });
    c.end();
    one(&[I32], &[], &[(n, I32)], 1, &c)
}

/// `local.tee` of one value into many locals, all read again.
pub fn tees(n: usize) -> Vec<u8> {
    let n = n.min(49_000);
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, i| {
        c.tee(i + 1).i32(1).add();
    });
    c.add_locals(n);
    c.end();
    one(&[I32], &[I32], &[(n, I32)], 0, &c)
}
