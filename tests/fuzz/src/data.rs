//! Memories of which only some bytes are read, or written: by accesses at constant places, or anywhere, or not at all. With data
//! segments that overlap, touch, hold zeros or may not fit, pointers in the data, growth, and calls of imports between accesses that may
//! trap. Functions return several results, of which callers use some, also through tail calls.
//!
//! What is thought never to be read, written or used, and is, shows as a wrong sum, a trap that is missing, or a call too many.

use crate::rng::Rng;
use std::fmt::Write;

/// Functions that are only called, each by those before it.
const INNER: usize = 5;
/// Exported functions.
const OUTER: usize = 3;

/// Where something happens in a memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Places {
    Nowhere,
    Constant,
    Anywhere,
}

struct Memory {
    reads: Places,
    writes: Places,
    grows: bool,
    sized: bool,
}

struct Text {
    rng: Rng,
    out: String,
    memories: Vec<Memory>,
    passive: usize,
    /// Numbers of results and whether the last operation is a tail call are by function.
    results: Vec<usize>,
}

/// A module for the seed.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let mut rng = Rng::new(seed ^ 0xda7a_0000);
    let places =
        |rng: &mut Rng| rng.pick(&[Places::Nowhere, Places::Constant, Places::Constant, Places::Anywhere]);
    let memories = (0..rng.range(2, 4))
        .map(|_| Memory {
            reads: places(&mut rng),
            writes: places(&mut rng),
            grows: rng.percent(30),
            sized: rng.percent(15),
        })
        .collect();
    let results = (0..INNER).map(|_| rng.range(0, 3)).collect();
    let mut text = Text { passive: rng.range(0, 3), rng, out: String::new(), memories, results };
    text.write_module();
    wat::parse_str(&text.out).ok()
}

impl Text {
    fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    fn write_module(&mut self) {
        self.line("(module (import \"env\" \"log\" (func $log (param i32)))");
        for m in 0..self.memories.len() {
            let export = if self.rng.percent(15) { format!("(export \"m{m}\") ") } else { String::new() };
            self.line(format!("(memory $m{m} {export}1 3)"));
        }
        for _ in 0..self.rng.range(1, 7) {
            self.segment();
        }
        for d in 0..self.passive {
            let bytes = self.rng.pick(&["same bytes", "same bytes", "others"]);
            self.line(format!("(data $d{d} \"{bytes}\")"));
        }
        for n in 0..INNER {
            self.inner(n);
        }
        for n in 0..OUTER {
            self.line(format!(
                "(func (export \"f{n}\") (param $p i32) (param $q i32) (result i32) (local $sum i32)"
            ));
            for _ in 0..self.rng.range(3, 10) {
                self.statement(INNER);
            }
            self.line("(local.get $sum))");
        }
        self.line(")");
    }

    fn segment(&mut self) {
        let m = self.rng.below(self.memories.len());
        let at = self.rng.pick(&[0, 4, 8, 16, 20, 32, 48, 64, 100, 65520]);
        let mut bytes = String::new();
        for _ in 0..self.rng.range(1, 5) {
            match self.rng.below(5) {
                0 => bytes.push_str(&"\\00".repeat(self.rng.range(1, 20))),
                // A pointer into the window.
                1 => _ = write!(bytes, "\\{:02x}\\00\\00\\00", self.rng.pick(&[0, 8, 16, 40])),
                2 => bytes.push_str("\\ff\\80\\7f"),
                _ => bytes.push_str(self.rng.pick(&["abcd", "efghij", "k"])),
            }
        }
        self.line(format!("(data (memory $m{m}) (i32.const {at}) \"{bytes}\")"));
    }

    fn constant(&mut self) -> String {
        format!(
            "(i32.const {})",
            self.rng.pick(&[
                0, 0, 0, 4, 4, 8, 8, 8, 12, 16, 16, 17, 20, 20, 32, 33, 40, 48, 64, 100, 65500, 65533
            ])
        )
    }

    /// An address that a memory may be accessed at.
    fn address(&mut self, places: Places, depth: usize) -> String {
        match (places, self.rng.below(6)) {
            (Places::Anywhere, 0..2) => "(i32.and (local.get $p) (i32.const 60))".to_owned(),
            (Places::Anywhere, 2) if self.rng.percent(30) => "(local.get $q)".to_owned(),
            // The address of the next access may be constant data.
            (_, 3) if depth > 0 => match self.read(depth - 1) {
                Some(value) if places == Places::Anywhere => value,
                _ => self.constant(),
            },
            _ => self.constant(),
        }
    }

    fn offset(&mut self) -> &'static str {
        self.rng.pick(&[
            "",
            "",
            "",
            "",
            "offset=1",
            "offset=4",
            "offset=4",
            "offset=12",
            "offset=12",
            "offset=65530",
        ])
    }

    /// A read of some memory that may be read, as an `i32`.
    fn read(&mut self, depth: usize) -> Option<String> {
        let m = self.rng.below(self.memories.len());
        let places = self.memories[m].reads;
        if places == Places::Nowhere {
            return None;
        }
        let (address, offset) = (self.address(places, depth), self.offset());
        let (op, around) = self.rng.pick(&[
            ("i32.load", ""),
            ("i32.load", ""),
            ("i32.load8_s", ""),
            ("i32.load8_u", ""),
            ("i32.load16_s", ""),
            ("i32.load16_u", ""),
            ("i64.load", "i32.wrap_i64"),
            ("i64.load8_s", "i32.wrap_i64"),
            ("i64.load32_s", "i32.wrap_i64"),
            ("i64.load16_u", "i32.wrap_i64"),
            ("f32.load", "i32.reinterpret_f32"),
            ("v128.load", "i32x4.extract_lane 1"),
        ]);
        let load = format!("({op} $m{m} {offset} {address})");
        Some(if around.is_empty() { load } else { format!("({around} {load})") })
    }

    /// A write to some memory that may be written.
    fn write(&mut self) {
        let m = self.rng.below(self.memories.len());
        let places = self.memories[m].writes;
        if places == Places::Nowhere {
            return;
        }
        let (address, offset) = (self.address(places, 1), self.offset());
        let value = self.rng.pick(&[
            "(local.get $p)",
            "(local.get $sum)",
            "(i32.const 0)",
            "(i32.div_u (local.get $p) (local.get $q))",
        ]);
        let length = match places {
            Places::Anywhere if self.rng.percent(30) => "(i32.and (local.get $q) (i32.const 7))".to_owned(),
            _ => format!("(i32.const {})", self.rng.pick(&[0, 1, 4, 12, 20])),
        };
        match self.rng.below(10) {
            0..4 => self.line(format!("(i32.store $m{m} {offset} {address} {value})")),
            4 => self.line(format!("(i32.store8 $m{m} {offset} {address} {value})")),
            5 => self.line(format!("(i64.store $m{m} {offset} {address} (i64.extend_i32_u {value}))")),
            6 => self.line(format!("(f64.store $m{m} {offset} {address} (f64.const 1.5))")),
            7 => self.line(format!("(memory.fill $m{m} {address} {value} {length})")),
            8 if self.passive > 0 => {
                let d = self.rng.below(self.passive);
                match self.rng.below(5) {
                    0 => self.line(format!("(data.drop $d{d})")),
                    _ => {
                        self.line(format!("(memory.init $m{m} $d{d} {address} (i32.const 1) (i32.const 4))"))
                    }
                }
            }
            _ => {
                let from = self.rng.below(self.memories.len());
                let places = self.memories[from].reads;
                if places != Places::Nowhere {
                    let source = self.address(places, 1);
                    self.line(format!("(memory.copy $m{m} $m{from} {address} {source} {length})"));
                }
            }
        }
    }

    /// Stores to the fields of a record, some of which others cover.
    fn record(&mut self) {
        let m = self.rng.below(self.memories.len());
        if self.memories[m].writes != Places::Anywhere {
            return self.write();
        }
        let base = self.rng.pick(&[
            "(i32.and (local.get $p) (i32.const 124))",
            "(local.get $p)",
            "(i32.and (local.get $sum) (i32.const 252))",
        ]);
        for _ in 0..self.rng.range(2, 5) {
            let offset = self.rng.pick(&[0, 4, 4, 8, 8, 12, 12, 60, 65532]);
            let op = self.rng.pick(&["i32.store", "i32.store8", "i32.store16"]);
            self.line(format!("({op} $m{m} offset={offset} {base} (i32.const 7))"));
            if self.rng.percent(25) {
                self.between();
            }
        }
    }

    /// What may stand between two accesses.
    fn between(&mut self) {
        let m = self.rng.below(self.memories.len());
        match self.rng.below(5) {
            0 | 1 => self.line("(call $log (local.get $sum))"),
            2 => self.mix("(i32.rem_u (i32.const 9) (local.get $q))"),
            3 if self.memories[m].grows => {
                if self.memories[m].sized {
                    self.mix(&format!("(memory.grow $m{m} (i32.const 1))"));
                } else {
                    self.line(format!("(drop (memory.grow $m{m} (i32.const 1)))"));
                }
            }
            _ if self.memories[m].sized => self.mix(&format!("(memory.size $m{m})")),
            _ => self.line(format!("(drop (memory.size $m{m}))")),
        }
    }

    fn mix(&mut self, value: &str) {
        self.line(format!("(local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) {value}))"));
    }

    /// A statement of a function that may call the inner functions below `level`.
    fn statement(&mut self, level: usize) {
        match self.rng.below(14) {
            0..4 => {
                if let Some(value) = self.read(1) {
                    self.mix(&value);
                }
            }
            4..7 => self.write(),
            7 => self.record(),
            8 => self.between(),
            9 => {
                let condition = self.rng.pick(&["(local.get $q)", "(i32.and (local.get $p) (i32.const 1))"]);
                self.line(format!("(if {condition} (then"));
                self.write();
                self.line("))");
            }
            _ if level > 0 => {
                let callee = self.rng.below(level);
                let arg = self.rng.pick(&["(local.get $p)", "(local.get $sum)", "(i32.const 12)"]);
                self.line(format!("(call $i{callee} {arg} (local.get $q))"));
                for _ in 0..self.results[callee] {
                    if self.rng.percent(55) {
                        self.line("(drop)");
                    } else {
                        self.line("(local.get $sum) (i32.xor) (local.set $sum)");
                    }
                }
            }
            _ => {}
        }
    }

    fn inner(&mut self, n: usize) {
        let results = "i32 ".repeat(self.results[n]);
        self.line(format!("(func $i{n} (param $p i32) (param $q i32) (result {results}) (local $sum i32)"));
        for _ in 0..self.rng.range(1, 4) {
            self.statement(n);
        }
        let same = (0..n).find(|&m| self.results[m] == self.results[n]);
        if let Some(callee) = same.filter(|_| self.rng.percent(35)) {
            self.line(format!("(return_call $i{callee} (local.get $q) (local.get $p)))"));
            return;
        }
        for _ in 0..self.results[n] {
            let read = self.read(0).unwrap_or_else(|| "(local.get $sum)".to_owned());
            let value =
                [read.as_str(), "(local.get $sum)", "(local.get $p)", "(i32.const 5)"][self.rng.below(4)];
            self.line(value);
        }
        self.line(")");
    }
}
