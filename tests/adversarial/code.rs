//! Bytes of modules, written without a check: what comes out may be invalid on purpose.

/// `i32`, `i64`, `f32`, `f64`, `v128` as they are encoded.
pub const I32: u8 = 0x7f;
pub const I64: u8 = 0x7e;
pub const F64: u8 = 0x7c;
pub const V128: u8 = 0x7b;
/// `funcref`.
pub const FUNC: u8 = 0x70;
/// A block without parameters and results.
pub const EMPTY: i64 = -64;

pub fn uleb(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let b = (n & 0x7f) as u8;
        n >>= 7;
        if n == 0 {
            out.push(b);
            return out;
        }
        out.push(b | 0x80);
    }
}

pub fn sleb(mut n: i64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let b = (n & 0x7f) as u8;
        n >>= 7;
        if (n == 0 && b & 0x40 == 0) || (n == -1 && b & 0x40 != 0) {
            out.push(b);
            return out;
        }
        out.push(b | 0x80);
    }
}

/// Instructions.
#[derive(Clone, Default)]
pub struct Code(pub Vec<u8>);

impl Code {
    pub fn new() -> Code {
        Code::default()
    }
    /// Adds locals 1 to `n` to the number on the stack.
    pub fn add_locals(&mut self, n: usize) {
        self.times(n, |c, i| {
            c.get(i + 1).add();
        });
    }
    pub fn op(&mut self, op: u8) -> &mut Code {
        self.0.push(op);
        self
    }
    pub fn ops(&mut self, ops: &[u8]) -> &mut Code {
        self.0.extend_from_slice(ops);
        self
    }
    pub fn u(&mut self, n: usize) -> &mut Code {
        self.0.extend(uleb(n as u64));
        self
    }
    fn op_u(&mut self, op: u8, n: usize) -> &mut Code {
        self.op(op).u(n)
    }
    pub fn get(&mut self, local: usize) -> &mut Code {
        self.op_u(0x20, local)
    }
    pub fn set(&mut self, local: usize) -> &mut Code {
        self.op_u(0x21, local)
    }
    pub fn tee(&mut self, local: usize) -> &mut Code {
        self.op_u(0x22, local)
    }
    pub fn global_get(&mut self, global: usize) -> &mut Code {
        self.op_u(0x23, global)
    }
    pub fn global_set(&mut self, global: usize) -> &mut Code {
        self.op_u(0x24, global)
    }
    pub fn i32(&mut self, n: i32) -> &mut Code {
        self.op(0x41);
        self.0.extend(sleb(n.into()));
        self
    }
    pub fn i64(&mut self, n: i64) -> &mut Code {
        self.op(0x42);
        self.0.extend(sleb(n));
        self
    }
    pub fn add(&mut self) -> &mut Code {
        self.op(0x6a)
    }
    pub fn drop(&mut self) -> &mut Code {
        self.op(0x1a)
    }
    fn opening(&mut self, op: u8, ty: i64) -> &mut Code {
        self.op(op);
        self.0.extend(sleb(ty));
        self
    }
    pub fn block(&mut self, ty: i64) -> &mut Code {
        self.opening(0x02, ty)
    }
    pub fn looped(&mut self, ty: i64) -> &mut Code {
        self.opening(0x03, ty)
    }
    pub fn if_(&mut self, ty: i64) -> &mut Code {
        self.opening(0x04, ty)
    }
    pub fn else_(&mut self) -> &mut Code {
        self.op(0x05)
    }
    pub fn end(&mut self) -> &mut Code {
        self.op(0x0b)
    }
    pub fn br(&mut self, depth: usize) -> &mut Code {
        self.op_u(0x0c, depth)
    }
    pub fn br_if(&mut self, depth: usize) -> &mut Code {
        self.op_u(0x0d, depth)
    }
    /// The last of `targets` is the default.
    pub fn br_table(&mut self, targets: impl ExactSizeIterator<Item = usize>) -> &mut Code {
        self.op_u(0x0e, targets.len() - 1);
        for t in targets {
            self.u(t);
        }
        self
    }
    pub fn call(&mut self, func: usize) -> &mut Code {
        self.op_u(0x10, func)
    }
    /// A load or store with memory index and 64-bit offset.
    pub fn access(&mut self, op: u8, mem: usize, offset: u64) -> &mut Code {
        self.op(op);
        if mem == 0 {
            self.u(0);
        } else {
            self.u(0x40).u(mem);
        }
        self.0.extend(uleb(offset));
        self
    }
    pub fn load(&mut self, mem: usize, offset: u64) -> &mut Code {
        self.access(0x28, mem, offset)
    }
    pub fn store(&mut self, mem: usize, offset: u64) -> &mut Code {
        self.access(0x36, mem, offset)
    }
    pub fn times(&mut self, n: usize, part: impl Fn(&mut Code, usize)) -> &mut Code {
        for i in 0..n {
            part(self, i);
        }
        self
    }
}

/// A module by sections, each a list of encoded entries.
#[derive(Clone, Default)]
pub struct Wasm {
    pub types: Vec<Vec<u8>>,
    pub imports: Vec<Vec<u8>>,
    pub funcs: Vec<usize>,
    pub tables: Vec<Vec<u8>>,
    pub memories: Vec<Vec<u8>>,
    pub globals: Vec<Vec<u8>>,
    pub exports: Vec<Vec<u8>>,
    pub elements: Vec<Vec<u8>>,
    pub codes: Vec<Vec<u8>>,
    pub data: Vec<Vec<u8>>,
    pub customs: Vec<(String, Vec<u8>)>,
}

fn vector(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = uleb(entries.len() as u64);
    entries.iter().for_each(|e| out.extend(e));
    out
}

fn section(out: &mut Vec<u8>, id: u8, contents: &[u8]) {
    out.push(id);
    out.extend(uleb(contents.len() as u64));
    out.extend(contents);
}

pub fn name(text: &str) -> Vec<u8> {
    let mut out = uleb(text.len() as u64);
    out.extend(text.as_bytes());
    out
}

impl Wasm {
    pub fn new() -> Wasm {
        Wasm::default()
    }
    /// A function type; its index.
    pub fn ty(&mut self, params: &[u8], results: &[u8]) -> usize {
        let mut t = vec![0x60];
        for list in [params, results] {
            t.extend(uleb(list.len() as u64));
            t.extend(list);
        }
        self.types.push(t);
        self.types.len() - 1
    }
    /// A function with runs of locals; the code ends with its `end`. Its index among the defined ones.
    pub fn func(&mut self, ty: usize, locals: &[(usize, u8)], code: &Code) -> usize {
        let mut body = uleb(locals.len() as u64);
        for &(n, t) in locals {
            body.extend(uleb(n as u64));
            body.push(t);
        }
        body.extend(&code.0);
        let mut sized = uleb(body.len() as u64);
        sized.extend(body);
        self.funcs.push(ty);
        self.codes.push(sized);
        self.funcs.len() - 1
    }
    pub fn memory(&mut self) -> usize {
        self.memories.push(vec![0, 1]);
        self.memories.len() - 1
    }
    /// A mutable `i32`.
    pub fn global(&mut self) -> usize {
        self.globals.push(vec![I32, 1, 0x41, 0, 0x0b]);
        self.globals.len() - 1
    }
    pub fn export_func(&mut self, text: &str, func: usize) {
        let mut e = name(text);
        e.push(0);
        e.extend(uleb(func as u64));
        self.exports.push(e);
    }
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = b"\0asm\x01\0\0\0".to_vec();
        let funcs: Vec<Vec<u8>> = self.funcs.iter().map(|&t| uleb(t as u64)).collect();
        let lists = [
            (1, &self.types),
            (2, &self.imports),
            (3, &funcs),
            (4, &self.tables),
            (5, &self.memories),
            (6, &self.globals),
            (7, &self.exports),
            (9, &self.elements),
        ];
        for (id, list) in lists {
            if !list.is_empty() {
                section(&mut out, id, &vector(list));
            }
        }
        if !self.data.is_empty() {
            section(&mut out, 12, &uleb(self.data.len() as u64));
        }
        for (id, list) in [(10, &self.codes), (11, &self.data)] {
            if !list.is_empty() {
                section(&mut out, id, &vector(list));
            }
        }
        for (text, contents) in &self.customs {
            let mut custom = name(text);
            custom.extend(contents);
            section(&mut out, 0, &custom);
        }
        out
    }
}
