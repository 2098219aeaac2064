//! Control flow made to break compilers, with values that live through it.

use super::code::{Code, EMPTY, I32, Wasm};

fn one(params: &[u8], results: &[u8], locals: &[(usize, u8)], code: &Code) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(params, results);
    let f = w.func(ty, locals, code);
    w.export_func("f", f);
    w.bytes()
}

/// Like [`one`] with a second type for blocks, index 1.
fn with_block_type(
    block: (&[u8], &[u8]),
    params: &[u8],
    results: &[u8],
    locals: &[(usize, u8)],
    code: &Code,
) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(params, results);
    w.ty(block.0, block.1);
    let f = w.func(ty, locals, code);
    w.export_func("f", f);
    w.bytes()
}

pub fn blocks(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.block(EMPTY);
    });
    c.times(n + 1, |c, _| {
        c.end();
    });
    one(&[], &[], &[], &c)
}

pub fn ifs(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.i32(1).if_(EMPTY);
    });
    c.times(n + 1, |c, _| {
        c.end();
    });
    one(&[], &[], &[], &c)
}

/// `(param i32) (result i32)` on each block, left early or changed.
pub fn block_values(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, _| {
        c.block(1).get(1).br_if(0).i32(3).add();
    });
    c.times(n, |c, _| {
        c.end();
    });
    c.end();
    with_block_type((&[I32], &[I32]), &[I32, I32], &[I32], &[], &c)
}

/// Nested loops, each with a parameter that its own back edge changes.
pub fn loop_values(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0);
    c.times(n, |c, _| {
        c.looped(1);
    });
    c.times(n, |c, i| {
        c.i32(i as i32).add().get(1).br_if(0).end();
    });
    c.end();
    with_block_type((&[I32], &[I32]), &[I32, I32], &[I32], &[], &c)
}

/// Nested loops; the back edge of the innermost and of each outer one carries all of 16 locals.
pub fn loop_locals(n: usize) -> Vec<u8> {
    const L: usize = 16;
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.looped(EMPTY).get(i % L).get((i * 7 + 1) % L).add().set((i * 5 + 2) % L);
    });
    c.times(n, |c, i| {
        c.get(i % L).br_if(0).end();
    });
    c.get(0).end();
    one(&[I32; L], &[I32], &[], &c)
}

/// Loops one after the other, 16 locals live through all and changed in turn.
pub fn loop_row(n: usize) -> Vec<u8> {
    const L: usize = 16;
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.looped(EMPTY).get(i % L).get((i * 7 + 1) % L).add().tee((i * 5 + 2) % L).br_if(0).end();
    });
    c.times(L, |c, i| {
        c.get(i);
    });
    c.times(L - 1, |c, _| {
        c.add();
    });
    c.end();
    one(&[I32; L], &[I32], &[], &c)
}

/// `n` locals live across 200 nested loops that change none of them.
pub fn live_across_loops(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(0).i32(i as i32).op(0x6c).set(i + 1);
    });
    c.times(200, |c, _| {
        c.looped(EMPTY);
    });
    c.times(200, |c, _| {
        c.get(0).br_if(0).end();
    });
    c.i32(0);
    c.add_locals(n);
    c.end();
    one(&[I32], &[I32], &[(n, I32)], &c)
}

/// `if` in `if`, both arms leaving three values.
pub fn if_values(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.get(0).if_(1);
    });
    c.get(0).get(1).get(2);
    c.times(n, |c, i| {
        c.add().get(0).else_().get(1).get(2).i32(i as i32).end();
    });
    c.end();
    with_block_type((&[], &[I32; 3]), &[I32; 3], &[I32; 3], &[], &c)
}

/// A ladder: `if … else if … else if …`, each arm setting other locals.
pub fn else_ladder(n: usize) -> Vec<u8> {
    const L: usize = 8;
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(0).i32(i as i32).op(0x46).if_(EMPTY).i32(i as i32 * 3).set(1 + i % L).else_();
    });
    c.times(n, |c, _| {
        c.end();
    });
    c.get(1);
    c.times(L - 1, |c, i| {
        c.get(i + 2).add();
    });
    c.end();
    one(&[I32], &[I32], &[(L, I32)], &c)
}

/// Diamonds one after the other over 16 locals.
pub fn diamonds(n: usize) -> Vec<u8> {
    const L: usize = 16;
    let mut c = Code::new();
    c.times(n, |c, i| {
        let (a, b) = (i % L, (i * 3 + 1) % L);
        c.get(a).if_(EMPTY).get(b).i32(i as i32).add().set(a).else_().get(a).i32(7).op(0x6c).set(b).end();
    });
    c.get(0);
    c.add_locals(L - 1);
    c.end();
    one(&[I32; L], &[I32], &[], &c)
}

/// One `br_table` of `n` targets, all the same block, each carrying four values.
pub fn table_values(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.block(1)
        .get(0)
        .get(1)
        .get(0)
        .get(1)
        .get(0)
        .br_table(vec![0; n].into_iter())
        .end()
        .add()
        .add()
        .add()
        .end();
    with_block_type((&[], &[I32; 4]), &[I32, I32], &[I32], &[], &c)
}

/// A `br_table` over `n` nested blocks, each taking two values and joining with what falls through.
pub fn table_nest_values(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.block(1);
    });
    c.get(0).get(1).get(0).br_table(0..n);
    c.times(n, |c, i| {
        c.end().i32(i as i32).add();
    });
    c.add().end();
    with_block_type((&[], &[I32, I32]), &[I32, I32], &[I32], &[], &c)
}

/// `n` tables of `n` targets over `n` nested blocks: `n²` edges, each with two values.
pub fn table_square_values(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.block(1);
    });
    c.times(n, |c, i| {
        c.get(1).i32(i as i32).op(0x46).if_(EMPTY).get(0).get(1).get(0).br_table(1..n + 1).end();
    });
    c.get(0).get(1);
    c.times(n, |c, i| {
        c.end().i32(i as i32).add();
    });
    c.add().end();
    with_block_type((&[], &[I32, I32]), &[I32, I32], &[I32], &[], &c)
}

/// A state machine as from a decompiler: a loop around a `br_table`, each of `n` cases changing one of `locals`.
fn machine(n: usize, locals: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.looped(EMPTY);
    c.times(n + 1, |c, _| {
        c.block(EMPTY);
    });
    c.get(0).br_table(0..n + 1).end();
    c.times(n, |c, i| {
        let (a, b) = (1 + i % locals, 1 + (i * 7 + 3) % locals);
        c.get(a).get(b).add().tee(a).i32(n as i32).op(0x70).set(0).br(n - i).end();
    });
    c.end();
    c.get(1).end();
    one(&[I32], &[I32], &[(locals, I32)], &c)
}

pub fn machine_few_locals(n: usize) -> Vec<u8> {
    machine(n, 8)
}

pub fn machine_many_locals(n: usize) -> Vec<u8> {
    machine(n, n)
}

/// A loop whose iteration moves `n` locals around: parallel moves in one cycle.
pub fn rotation(n: usize) -> Vec<u8> {
    let n = n.min(49_000);
    let mut c = Code::new();
    c.looped(EMPTY).get(1).set(n + 1);
    c.times(n - 1, |c, i| {
        c.get(i + 2).set(i + 1);
    });
    c.get(n + 1).set(n).get(0).i32(1).op(0x6b).tee(0).br_if(0).end();
    c.i32(0);
    c.add_locals(n);
    c.end();
    one(&[I32], &[I32], &[(n + 1, I32)], &c)
}

/// `n` branches out of one block, each with the block's two results.
pub fn exits(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.block(1).get(0).get(1);
    c.times(n, |c, i| {
        c.i32(i as i32).add().get(0).br_if(0);
    });
    c.end().add().end();
    with_block_type((&[], &[I32, I32]), &[I32, I32], &[I32], &[], &c)
}

/// `n` branches back to one loop, with its two parameters.
pub fn back_edges(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.get(0).get(1).looped(1);
    c.times(n, |c, i| {
        c.i32(i as i32).add().get(0).br_if(0);
    });
    c.end().add().end();
    with_block_type((&[I32, I32], &[I32, I32]), &[I32, I32], &[I32], &[], &c)
}

/// Blocks with 500 parameters and results, `n` nested, all values carried.
pub fn wide_blocks(n: usize) -> Vec<u8> {
    const W: usize = 500;
    let mut c = Code::new();
    c.times(W, |c, i| {
        c.get(i);
    });
    c.times(n, |c, _| {
        c.block(0).get(0).br_if(0).get(1).add();
    });
    c.times(n + 1, |c, _| {
        c.end();
    });
    one(&[I32; W], &[I32; W], &[], &c)
}

/// `br` to the function's end with a result, from `n` blocks deep; what follows is dead.
pub fn dead_code(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.block(1);
    });
    c.get(0).br(n);
    c.times(n, |c, _| {
        c.i32(1).add().end().op(0x00);
    });
    c.end();
    with_block_type((&[], &[I32]), &[I32], &[I32], &[], &c)
}

/// Locals that nested loops rotate among themselves, so that every header joins every local.
pub fn phi_web(n: usize) -> Vec<u8> {
    const L: usize = 64;
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.looped(EMPTY)
            .get(i % 7)
            .if_(EMPTY)
            .get((i + 1) % L)
            .set(i % L)
            .end()
            .get((i + 9) % L)
            .set((i + 3) % L);
    });
    c.times(n, |c, i| {
        c.get((i * 11) % L).br_if(i % 5 % (n - i)).end();
    });
    c.get(0);
    c.add_locals(L - 1);
    c.end();
    one(&[I32; L], &[I32], &[], &c)
}

/// A call within each of `n` nested `try_table`s, one local changed between.
pub fn try_tables(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.block(EMPTY);
    c.times(n, |c, i| {
        // try_table (catch_all N): all handlers lead to the outermost block.
        c.op(0x1f).ops(&[0x40, 1, 2]).u(i).get(0).i32(i as i32).add().set(0).call(1);
    });
    c.times(n, |c, _| {
        c.end();
    });
    c.end().get(0).end();
    let mut w = Wasm::new();
    let ty = w.ty(&[I32], &[I32]);
    let callee = w.ty(&[], &[]);
    let f = w.func(ty, &[], &c);
    w.func(callee, &[], Code::new().end());
    w.export_func("f", f);
    w.bytes()
}

/// One `try_table` with `n` handlers around `n` calls: `n²` edges.
pub fn handlers(n: usize) -> Vec<u8> {
    let mut c = Code::new();
    c.block(EMPTY).op(0x1f).op(0x40).u(n);
    c.times(n, |c, _| {
        c.op(2).u(0);
    });
    c.times(n, |c, i| {
        c.get(0).i32(i as i32).add().set(0).call(1);
    });
    c.end().end().get(0).end();
    let mut w = Wasm::new();
    let ty = w.ty(&[I32], &[I32]);
    let callee = w.ty(&[], &[]);
    let f = w.func(ty, &[], &c);
    w.func(callee, &[], Code::new().end());
    w.export_func("f", f);
    w.bytes()
}
