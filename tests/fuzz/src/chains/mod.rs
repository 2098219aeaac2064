//! Programs in the form of fused components: what the adapters between them do, in every order and with everything around
//! it that could change an answer.
//!
//! A module has the memories of a caller (`$a`), a callee (`$b`) and a third component (`$c`), each with an allocator and a
//! stack pointer, and a few pieces: strings, transcoding loops, records behind return areas, lists of records, results and
//! variants, handle tables, async drivers, streams, shims through tables. A piece has a *driver* that takes two numbers, makes
//! its arguments small, writes what it passes and calls the adapter; drivers and most inner functions are exported. Between
//! the steps stands noise: calls of the logging, poking and reentering host, `memory.grow`, stores nearby, globals.
//!
//! Invariants: it validates; loops are bounded by masked lengths; floats are only moved, so no NaN is open.

mod callees;
pub mod deep;
mod handles;
mod lists;
pub mod promoted;
mod surroundings;
mod text;

use crate::rng::Rng;
use std::fmt::Write;

/// A linear memory by its name in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub name: &'static str,
    pub is64: bool,
}

/// How a field is moved: load, store, bytes.
const FIELDS: [(&str, &str, u32); 7] = [
    ("i32.load", "i32.store", 4),
    ("i32.load", "i32.store", 4),
    ("i64.load", "i64.store", 8),
    ("i32.load8_u", "i32.store8", 1),
    ("i32.load16_s", "i32.store16", 2),
    ("f64.load", "f64.store", 8),
    ("f32.load", "f32.store", 4),
];

/// A module in the making.
pub(crate) struct Chain<'a> {
    pub rng: &'a mut Rng,
    pub a: Memory,
    pub b: Memory,
    pub c: Memory,
    /// Functions, globals and tables in the text format.
    pub text: String,
    /// Functions in the exported table `$imports`, in order.
    pub shims: Vec<String>,
    /// Drivers: functions of two numbers that give one.
    pub drivers: Vec<String>,
    /// Number of the piece, to tell its names apart.
    pub piece: usize,
}

impl Chain<'_> {
    /// The `i32` address in the type of the memory.
    fn wide(&self, m: Memory, address: &str) -> String {
        if m.is64 { format!("(i64.extend_i32_u {address})") } else { address.to_owned() }
    }

    /// A load.
    pub fn load(&self, m: Memory, op: &str, address: &str, offset: u32) -> String {
        format!("({op} {} offset={offset} align=1 {})", m.name, self.wide(m, address))
    }

    /// A store.
    pub fn store(&self, m: Memory, op: &str, address: &str, offset: u32, value: &str) -> String {
        format!("({op} {} offset={offset} align=1 {} {value})", m.name, self.wide(m, address))
    }

    /// A copy between memories.
    pub fn copy(&self, to: Memory, from: Memory, at: &str, source: &str, length: &str) -> String {
        let length =
            if to.is64 && from.is64 { format!("(i64.extend_i32_u {length})") } else { length.to_owned() };
        let (at, source) = (self.wide(to, at), self.wide(from, source));
        format!("(memory.copy {} {} {at} {source} {length})", to.name, from.name)
    }

    /// A size of a memory in pages, as an `i32`.
    pub fn pages(&self, m: Memory) -> String {
        let size = format!("(memory.size {})", m.name);
        if m.is64 { format!("(i32.wrap_i64 {size})") } else { size }
    }

    /// `memory.grow` with its answer as an `i32`.
    pub fn grow(&self, m: Memory, pages: &str) -> String {
        let grow = format!("(memory.grow {} {})", m.name, self.wide(m, pages));
        if m.is64 { format!("(i32.wrap_i64 {grow})") } else { grow }
    }

    /// A random memory.
    pub fn any(&mut self) -> Memory {
        self.rng.pick(&[self.a, self.b, self.b, self.c])
    }

    /// Statements that stand between the steps of a piece. `locals` are `i32` locals that may be looked at.
    pub fn noise(&mut self, locals: &[&str]) -> String {
        let mut out = String::new();
        for _ in 0..self.rng.pick(&[0, 0, 0, 1, 1, 2]) {
            let local = format!("(local.get {})", self.rng.pick(locals));
            let m = self.any();
            let at = format!("(i32.const {})", self.rng.pick(&[16, 64, 68, 512, 516, 2048, 4096]));
            let statement = match self.rng.below(12) {
                0 | 1 => format!("(call $log {local})"),
                2 => "(call $poke)".to_owned(),
                3 => "(call $reenter)".to_owned(),
                4 => {
                    let pages = self.rng.pick(&["(i32.const 0)", "(i32.const 1)"]);
                    format!("(drop {})", self.grow(m, pages))
                }
                5 => format!("(call $log {})", self.pages(m)),
                6 | 7 => self.store(m, "i32.store", &at, 0, &local),
                8 => {
                    let value = self.load(m, "i32.load", &at, 4);
                    format!("(call $log {value})")
                }
                9 => format!("(global.set $x (i32.add (global.get $x) {local}))"),
                10 => format!("(global.set $x (call $ask {local}))"),
                _ => format!("(if (i32.eq {local} (i32.const 13)) (then (unreachable)))"),
            };
            out += &statement;
            out.push('\n');
        }
        out
    }

    /// Exports a function most of the time.
    pub fn export(&mut self, name: &str) -> String {
        if self.rng.percent(70) { format!("(export \"{name}\")") } else { String::new() }
    }

    /// A call, sometimes through the table of shims. `ty` is the type's name.
    pub fn call(&mut self, function: &str, ty: &str, args: &str) -> String {
        if !self.rng.percent(25) {
            return format!("(call {function} {args})");
        }
        let slot = self.shims.iter().position(|f| f == function).unwrap_or_else(|| {
            self.shims.push(function.to_owned());
            self.shims.len() - 1
        });
        format!("(call_indirect $imports (type {ty}) {args} (i32.const {slot}))")
    }

    /// Code that makes room in a memory: `cabi_realloc`.
    fn allocator(&mut self, m: Memory, id: &str) {
        let limit = match self.rng.below(3) {
            0 => format!("(i32.mul {} (i32.const 65536))", self.pages(m)),
            _ => "(i32.const 7000)".to_owned(),
        };
        let wrap = format!(
            "(local.set $p (i32.const 4096)) (global.set $bump_{id} (i32.add (i32.const 4096) (local.get $size)))"
        );
        let full = match self.rng.below(4) {
            0 => format!(
                "(if (i32.eq {} (i32.const -1)) (then {wrap}))",
                self.grow(m, "(i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536)))")
            ),
            1 => "(global.set $bump_".to_owned() + id + " (i32.const 4096)) (return (i32.const 0))",
            _ => wrap,
        };
        let moved = if self.rng.percent(60) {
            let copy = self.copy(m, m, "(local.get $p)", "(local.get $old)", "(local.get $old_size)");
            format!("(if (local.get $old_size) (then {copy}))")
        } else {
            String::new()
        };
        let noise = if self.rng.percent(15) { self.noise(&["$size"]) } else { String::new() };
        let export = self.export(&format!("cabi_realloc_{id}"));
        let _ = writeln!(
            self.text,
            "(func $realloc_{id} {export} (type $realloc)
  (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32) (local $p i32)
  (local.set $p (i32.and
    (i32.add (global.get $bump_{id}) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $bump_{id} (i32.add (local.get $p) (local.get $size)))
  (if (i32.gt_u (global.get $bump_{id}) {limit}) (then {full}))
  {moved} {noise} (local.get $p))"
        );
        // The host may call it with anything: the old block is kept small.
        if export.is_empty() {
            return;
        }
        self.text = self.text.replacen(
            &format!("(func $realloc_{id} {export} (type $realloc)"),
            &format!("(func $realloc_{id} (type $realloc)"),
            1,
        );
        let _ = writeln!(
            self.text,
            "(func {export} (param i32 i32 i32 i32) (result i32) (call $realloc_{id}
  (i32.and (local.get 0) (i32.const 4095)) (i32.and (local.get 1) (i32.const 63))
  (i32.shl (i32.const 1) (i32.and (local.get 2) (i32.const 3))) (i32.and (local.get 3) (i32.const 255))))"
        );
    }

    /// The call of an allocator that the callee's adapter makes, with or without the check for null.
    pub fn allocate(&mut self, id: &str, to: &str, align: u32, size: &str) -> String {
        let args = format!("(i32.const 0) (i32.const 0) (i32.const {align}) {size}");
        let call = self.call(&format!("$realloc_{id}"), "$realloc", &args);
        let check = match self.rng.below(3) {
            0 => String::new(),
            1 => format!("(if (i32.eqz (local.get {to})) (then (unreachable)))"),
            _ => format!("(br_if 0 (i32.eqz (local.get {to})))"),
        };
        format!("(local.set {to} {call}) {check}")
    }

    /// Prologue and epilogue of a frame on the shadow stack of a component.
    pub fn frame(&mut self, id: &str, size: u32) -> (String, String) {
        let prologue = format!(
            "(local.set $sp (i32.sub (global.get $sp_{id}) (i32.const {size}))) (global.set $sp_{id} (local.get $sp))"
        );
        let epilogue = if self.rng.percent(70) {
            format!("(global.set $sp_{id} (i32.add (local.get $sp) (i32.const {size})))")
        } else {
            format!("(global.set $sp_{id} (i32.add (global.get $sp_{id}) (i32.const {size})))")
        };
        (prologue, epilogue)
    }

    /// Adds a driver.
    pub fn driver(&mut self, locals: &str, body: &str) {
        let name = format!("$run{}", self.piece);
        let _ = writeln!(
            self.text,
            "(func {name} (export \"run{}\") (type $driver) (param $x i32) (param $n i32) (result i32) {locals}\n{body})",
            self.piece
        );
        self.drivers.push(name);
    }
}

fn source(seed: u64) -> String {
    let rng = &mut Rng::new(seed ^ 0xc4a1_5eed);
    let wide = rng.percent(15);
    let mut memory = |name, may: bool| Memory { name, is64: may && rng.percent(60) };
    let (a, b, c) = (memory("$a", false), memory("$b", wide), memory("$c", wide));
    let mut chain =
        Chain { rng, a, b, c, text: String::new(), shims: Vec::new(), drivers: Vec::new(), piece: 0 };
    for (m, id) in [(a, "a"), (b, "b"), (c, "c")] {
        chain.allocator(m, id);
    }
    for piece in 0..chain.rng.range(1, 4) {
        chain.piece = piece;
        match chain.rng.below(9) {
            0 => text::string(&mut chain),
            1 => text::transcode(&mut chain),
            2 => lists::record(&mut chain),
            3 => lists::variant(&mut chain),
            4 | 5 => lists::list(&mut chain),
            6 => handles::table(&mut chain),
            7 => handles::driver(&mut chain),
            _ => handles::stream(&mut chain),
        }
    }
    program(chain)
}

/// The module around the functions.
fn program(mut chain: Chain<'_>) -> String {
    let mut out = String::from(
        "(module
(type $realloc (func (param i32 i32 i32 i32) (result i32)))
(type $driver (func (param i32 i32) (result i32)))
(type $one (func (param i32) (result i32)))
(type $two (func (param i32 i32) (result i32)))
(type $three (func (param i32 i32 i32) (result i32)))
(type $void1 (func (param i32)))
(type $void3 (func (param i32 i32 i32)))
(import \"env\" \"log\" (func $log (param i32)))
(import \"env\" \"log64\" (func $log64 (param i64)))
(import \"env\" \"ask\" (func $ask (param i32) (result i32)))
(import \"env\" \"poke\" (func $poke))
(import \"env\" \"reenter\" (func $reenter))\n",
    );
    for (m, id) in [(chain.a, "a"), (chain.b, "b"), (chain.c, "c")] {
        let export = if chain.rng.percent(85) { format!("(export \"memory_{id}\")") } else { String::new() };
        let wide = if m.is64 { "i64 " } else { "" };
        let most = chain.rng.pick(&["", " 2", " 3"]);
        let _ = writeln!(out, "(memory {} {export} {wide}1{most})", m.name);
        let bytes: String = (0..96).map(|_| format!("\\{:02x}", chain.rng.below(256))).collect();
        let at = if m.is64 { "i64.const" } else { "i32.const" };
        let _ = writeln!(out, "(data (memory {}) ({at} 64) \"{bytes}\")", m.name);
        let export = chain.export(&format!("sp_{id}"));
        let _ = writeln!(out, "(global $sp_{id} {export} (mut i32) (i32.const 2000))");
        let export = chain.export(&format!("bump_{id}"));
        let _ = writeln!(out, "(global $bump_{id} {export} (mut i32) (i32.const 4096))");
    }
    let export = chain.export("x");
    let _ = writeln!(out, "(global $x {export} (mut i32) (i32.const 7))");
    let export = chain.export("$imports");
    let size = chain.shims.len() + chain.rng.below(3);
    let fixed = if chain.rng.percent(70) { format!(" {size}") } else { String::new() };
    let _ = writeln!(out, "(table $imports {export} {size}{fixed} funcref)");
    let shims = chain.shims.join(" ");
    if chain.rng.percent(75) {
        let _ = writeln!(out, "(elem (table $imports) (i32.const 0) func {shims})");
    } else {
        // Filled when the program starts.
        let _ = writeln!(out, "(elem declare func {shims})\n(func $fill");
        for (i, shim) in chain.shims.iter().enumerate() {
            let _ = writeln!(out, "(table.set $imports (i32.const {i}) (ref.func {shim}))");
        }
        out.push_str(")\n(start $fill)\n");
    }
    // All drivers after one another, on each other's state; what the host reenters with is the first.
    let calls: String = chain
        .drivers
        .iter()
        .map(|d| format!("(local.set $x (i32.xor (call {d} (local.get $x) (local.get $n)) (i32.const 5)))\n"))
        .collect();
    let tail = if chain.rng.percent(30) && !chain.drivers.is_empty() {
        format!("(return_call {} (local.get $n) (local.get $x))", chain.drivers[0])
    } else {
        "(local.get $x)".to_owned()
    };
    let _ =
        writeln!(out, "(func (export \"all\") (param $x i32) (param $n i32) (result i32) {calls} {tail})");
    if chain.rng.percent(60) && !chain.drivers.is_empty() {
        let first = &chain.drivers[0];
        let _ =
            writeln!(out, "(func (export \"on_reenter\") (drop (call {first} (i32.const 3) (i32.const 2))))");
    }
    out + &chain.text + ")\n"
}

/// A module for the seed.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    wat::parse_str(source(seed)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_gives_a_valid_module() {
        for seed in 0..400 {
            let text = source(seed);
            let wasm = wat::parse_str(&text).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{text}"));
            assert!(crate::seeds::runs(&wasm), "seed {seed}\n{text}");
        }
    }
}
