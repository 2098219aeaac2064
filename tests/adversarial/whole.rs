//! Modules with very many or very large entities, and those at or beyond wasmparser's limits.

use super::code::{Code, FUNC, I32, Wasm, name, sleb, uleb};

/// `n` functions, each adding and calling the next.
pub fn call_chain(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[I32], &[I32]);
    w.memory();
    for i in 0..n {
        let mut c = Code::new();
        c.get(0).load(0, 4).get(0).i32(i as i32).add();
        if i + 1 < n {
            c.call(i + 1);
        }
        c.add().end();
        w.func(ty, &[], &c);
    }
    w.export_func("f", 0);
    w.bytes()
}

/// `n` functions that call the next around a ring and one of their own: a component of the call graph of size `n`.
pub fn call_ring(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[], &[]);
    for i in 0..n {
        w.func(ty, &[], Code::new().call((i + 1) % n).call((i * 31 + 7) % n).call(i).end());
    }
    w.bytes()
}

/// One function that calls `n` others, all of which call it.
pub fn call_star(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[], &[]);
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.call(i + 1);
    });
    w.func(ty, &[], c.end());
    for _ in 0..n {
        w.func(ty, &[], Code::new().call(0).end());
    }
    w.bytes()
}

/// `n` empty functions.
pub fn functions(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[], &[]);
    for _ in 0..n {
        w.func(ty, &[], Code::new().end());
    }
    w.bytes()
}

/// Exports, globals, element segments and data segments, `n` of each; the globals are sums of the one before.
pub fn entities(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[], &[I32]);
    w.memory();
    w.tables.push(vec![FUNC, 0, 16]);
    w.global();
    for i in 0..n {
        let mut g = vec![I32, 0, 0x41, 1];
        if i > 0 {
            g = vec![I32, 0, 0x23];
            g.extend(uleb(i as u64));
            g.extend([0x41, 1, 0x6a]);
        }
        g.push(0x0b);
        w.globals.push(g);
        w.export_func(&format!("export{i}"), 0);
        w.elements.push(vec![0, 0x41, 3, 0x0b, 1, 0]);
        let mut d = vec![0, 0x41];
        d.extend(sleb(i as i64 % 60_000));
        d.extend([0x0b, 2, 7, 9]);
        w.data.push(d);
    }
    w.func(ty, &[], Code::new().global_get(n.min(1000)).global_get(1).add().end());
    w.bytes()
}

/// `n` function types, all different, each used by one imported function.
pub fn types(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    for i in 0..n {
        let params: Vec<u8> = (0..20).map(|b| if i >> b & 1 == 1 { I32 } else { 0x7e }).collect();
        let ty = w.ty(&params, &[]);
        let mut import = name("env");
        import.extend(name(&format!("import{i}")));
        import.push(0);
        import.extend(uleb(ty as u64));
        w.imports.push(import);
    }
    w.bytes()
}

/// One recursion group of `n` struct types, each with a field of the next type.
pub fn recursive_types(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let mut group = vec![0x4e];
    group.extend(uleb(n as u64));
    for i in 0..n {
        group.extend([0x5f, 1, 0x63]);
        group.extend(sleb(((i + 1) % n) as i64));
        group.push(1);
    }
    w.types.push(group);
    let ty = n;
    w.types.push(vec![0x60, 0, 0]);
    w.func(ty, &[], Code::new().ops(&[0xfb, 1]).u(0).drop().end());
    w.bytes()
}

/// A struct of 10,000 fields made and read, an array made of `n` operands.
pub fn wide_gc(n: usize) -> Vec<u8> {
    let n = n.min(10_000);
    let mut w = Wasm::new();
    let mut fields = vec![0x5f];
    fields.extend(uleb(n as u64));
    for _ in 0..n {
        fields.extend([I32, 1]);
    }
    w.types.push(fields);
    w.types.push(vec![0x5e, I32, 1]);
    let ty = w.ty(&[I32], &[I32]);
    let mut c = Code::new();
    c.times(n, |c, _| {
        c.get(0);
    });
    c.ops(&[0xfb, 0]).u(0).ops(&[0xfb, 2]).u(0).u(n - 1);
    c.times(n, |c, _| {
        c.get(0);
    });
    c.ops(&[0xfb, 8]).u(1).u(n).get(0).ops(&[0xfb, 11]).u(1).add().end();
    w.func(ty, &[], &c);
    w.bytes()
}

/// A global whose initial value is a sum of `n` constants, and one as deep as it is long.
pub fn constant_expression(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let mut long = vec![I32, 0, 0x41, 1];
    let mut deep = vec![I32, 0];
    (0..n).for_each(|_| long.extend([0x41, 1, 0x6a]));
    (0..n).for_each(|_| deep.extend([0x41, 1]));
    (0..n - 1).for_each(|_| deep.push(0x6a));
    long.push(0x0b);
    deep.push(0x0b);
    w.globals = vec![long, deep];
    w.bytes()
}

/// Names: of `n` functions and their locals, and one of `n` bytes in each place that has one.
pub fn names(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[I32], &[]);
    let long = "x".repeat(n.min(99_000));
    let mut import = name(&long);
    import.extend(name(&long));
    import.extend([0, 0]);
    w.imports.push(import);
    let (mut functions, mut locals) = (uleb(n as u64), uleb(n as u64));
    for i in 0..n {
        w.func(ty, &[], Code::new().end());
        functions.extend(uleb(i as u64 + 1));
        functions.extend(name("the same name"));
        locals.extend(uleb(i as u64 + 1));
        locals.extend([1, 0]);
        locals.extend(name("local"));
    }
    w.export_func(&long, 0);
    let mut section = vec![0];
    let module = name(&"m".repeat(n));
    section.extend(uleb(module.len() as u64));
    section.extend(module);
    for (id, part) in [(1, functions), (2, locals)] {
        section.push(id);
        section.extend(uleb(part.len() as u64));
        section.extend(part);
    }
    w.customs.push(("name".to_owned(), section));
    w.customs.push((long, vec![1; n]));
    w.bytes()
}

/// One data segment of `n` bytes and a table's element segment of as many hundredths.
pub fn giant_segments(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[], &[]);
    w.memory();
    w.tables.push(vec![FUNC, 0, 1]);
    let mut d = vec![1];
    d.extend(uleb(n as u64));
    d.resize(d.len() + n, 42);
    w.data.push(d);
    let mut e = vec![1, 0];
    e.extend(uleb(n as u64 / 100));
    e.resize(e.len() + n / 100, 0);
    w.elements.push(e);
    w.func(ty, &[], Code::new().end());
    w.bytes()
}

/// Functions with `n` locals each, a hundred of them, the last local used.
pub fn locals(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[I32], &[I32]);
    for _ in 0..100 {
        let last = n.saturating_sub(1).max(1);
        w.func(ty, &[(n - 1, I32)], Code::new().get(0).set(last).get(last).get(1).add().end());
    }
    w.bytes()
}

/// As many locals as a run can say.
pub fn locals_lie(_: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[], &[]);
    w.func(ty, &[(u32::MAX as usize, I32), (u32::MAX as usize, I32)], Code::new().end());
    w.bytes()
}

/// A function with `n` parameters and results.
pub fn parameters(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&vec![I32; n], &vec![I32; n]);
    let mut c = Code::new();
    c.times(n, |c, i| {
        c.get(n - 1 - i);
    });
    c.call(0).call(0).end();
    w.func(ty, &[], &c);
    w.bytes()
}

/// `n` memories, the last one used.
pub fn memories(n: usize) -> Vec<u8> {
    let mut w = Wasm::new();
    let ty = w.ty(&[I32], &[I32]);
    for _ in 0..n {
        w.memory();
    }
    w.func(ty, &[], Code::new().get(0).load(n - 1, 8).end());
    w.bytes()
}

/// A code section that claims to have four thousand million functions.
pub fn code_count_lie(_: usize) -> Vec<u8> {
    let mut out = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x05".to_vec();
    out.extend(uleb(u64::from(u32::MAX)));
    out
}

/// Loads and stores of a 64-bit memory with offsets and addresses at the ends of the number range.
pub fn offsets64(n: usize) -> Vec<u8> {
    const ENDS: [u64; 12] = [
        0,
        1,
        0xffff,
        0x7fff_ffff,
        0xffff_fffc,
        0xffff_ffff,
        0x1_0000_0000,
        (1 << 63) - 4,
        1 << 63,
        (1 << 63) + 8,
        u64::MAX - 7,
        u64::MAX,
    ];
    let mut w = Wasm::new();
    let ty = w.ty(&[0x7e], &[I32]);
    w.memories.push(vec![4, 1]);
    let mut c = Code::new();
    c.i32(0);
    c.times(n, |c, i| {
        let (a, b) = (ENDS[i % 12], ENDS[i / 12 % 12]);
        c.get(0).i64(a as i64).op(0x7c).i32(i as i32).store(0, b);
        c.get(0).i64(b as i64).op(0x7c).load(0, a).add();
        c.i64(a as i64).load(0, b).add();
        c.i64(b as i64).i32(1).i64(a as i64).ops(&[0xfc, 11, 0]);
    });
    c.end();
    let f = w.func(ty, &[], &c);
    w.export_func("f", f);
    w.bytes()
}
