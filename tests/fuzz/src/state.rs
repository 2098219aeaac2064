//! Reads of a state around everything that may change it: the same few places are read again and again, and between two
//! reads stands a store, a copy, a growth, a branch, a loop, or a call that does something only two functions further down.
//! What effect summaries, memory versions, joins and loop headers get wrong shows as an old value. Frames with several
//! parameters of one type, which the order of operands can confuse, are part of it.
//!
//! Every value read is mixed into the result in order, so that a wrong one anywhere changes it.

use crate::rng::Rng;
use std::fmt::Write;

/// Functions that have effects, and levels of functions that do nothing but call the level below.
const LEAVES: usize = 4;
const LEVELS: usize = 3;
/// Functions with reads, exported.
const READERS: usize = 3;
/// Memory whose addresses are 64 bits wide, when there is one.
const WIDE: usize = 2;

struct Text {
    rng: Rng,
    out: String,
    memories: usize,
    wide: bool,
    /// Statements that may still be made in this function.
    budget: i32,
    loops: usize,
}

/// A module for the seed.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let mut rng = Rng::new(seed ^ 0x57a7_e000);
    let memories = rng.range(2, 3);
    let wide = memories > WIDE && rng.percent(60);
    let mut text = Text { rng, out: String::new(), memories, wide, budget: 0, loops: 0 };
    text.write_module();
    wat::parse_str(&text.out).ok()
}

impl Text {
    fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    fn is_wide(&self, memory: usize) -> bool {
        self.wide && memory == WIDE
    }

    fn write_module(&mut self) {
        self.line("(module (type $f (func (param i32) (result i32)))");
        self.line("(import \"env\" \"log\" (func $log (param i32)))");
        // What is imported may be one and the same thing.
        let imported = self.rng.percent(30);
        for m in 0..self.memories {
            let ty = if self.is_wide(m) { "i64 " } else { "" };
            let import = if imported { format!("(import \"env\" \"m{m}\") ") } else { String::new() };
            self.line(format!("(memory $m{m} (export \"m{m}\") {import}{ty}1 3)"));
        }
        for g in 0..3 {
            if imported && g < 2 {
                self.line(format!("(global $g{g} (import \"env\" \"g{g}\") (mut i32))"));
                continue;
            }
            let ty = if g == 2 { "i64" } else { "i32" };
            let export = if self.rng.percent(50) { format!("(export \"g{g}\") ") } else { String::new() };
            self.line(format!("(global $g{g} {export}(mut {ty}) ({ty}.const {}))", 100 + g));
        }
        let names: Vec<String> = (0..LEAVES).map(|i| format!("$leaf{i}")).collect();
        let _ = writeln!(self.out, "(table {LEAVES} funcref) (elem (i32.const 0) {})", names.join(" "));
        for i in 0..LEAVES {
            self.leaf(i);
        }
        for level in 0..LEVELS {
            for i in 0..2 {
                self.caller(level, i);
            }
        }
        for i in 0..READERS {
            self.reader(i);
        }
        self.line(")");
    }

    /// The address operand of an access: one of few values, known or from the parameter, or a place below such a one, as in
    /// frames on a stack: what is computed there could wrap for all that is known.
    fn address(&mut self, memory: usize) -> String {
        let widen = |a: String| if self.is_wide(memory) { format!("(i64.extend_i32_u {a})") } else { a };
        let base = widen("(i32.or (i32.and (local.get $p) (i32.const 4)) (i32.const 8))".to_owned());
        let low = widen("(i32.and (local.get $p) (i32.const 4))".to_owned());
        let ty = if self.is_wide(memory) { "i64" } else { "i32" };
        match self.rng.below(9) {
            0..2 => low,
            2 | 3 => base,
            4 => format!("({ty}.add {base} ({ty}.const {}))", self.rng.pick(&[-4, -4, -8])),
            _ => format!("({ty}.const {})", self.rng.pick(&[0, 4, 8])),
        }
    }

    fn offset(&mut self, memory: usize) -> &'static str {
        match self.rng.below(12) {
            0 => "offset=2",
            1 => "offset=65530",
            2 if self.is_wide(memory) => "offset=4294967296",
            3 if self.is_wide(memory) => "offset=4294967300",
            4..6 => "offset=4",
            _ => "",
        }
    }

    /// Something with an effect. `depth` says which levels it may call.
    fn effect(&mut self, value: &str, depth: usize) {
        let m = self.rng.below(self.memories);
        let (address, offset) = (self.address(m), self.offset(m));
        match self.rng.below(if depth == 0 { 9 } else { 16 }) {
            0..3 => {
                let op = self.rng.pick(&["i32.store", "i32.store", "i32.store8", "i32.store16"]);
                self.line(format!("({op} $m{m} {offset} {address} {value})"));
            }
            3 => self.line(format!("(i64.store $m{m} {offset} {address} (i64.extend_i32_u {value}))")),
            4 => {
                let g = self.rng.below(2);
                self.line(format!("(global.set $g{g} {value})"));
            }
            5 => self.line(format!("(global.set $g2 (i64.extend_i32_s {value}))")),
            6 => {
                let one = if self.is_wide(m) { "i64" } else { "i32" };
                self.line(format!("(drop (memory.grow $m{m} ({one}.const 1)))"));
            }
            7 => {
                let from = self.rng.below(self.memories);
                let (to, at) = (address, self.address(from));
                let n = self.rng.pick(&[3, 4, 8, 12]);
                let ty = if self.is_wide(m) && self.is_wide(from) { "i64" } else { "i32" };
                self.line(format!("(memory.copy $m{m} $m{from} {to} {at} ({ty}.const {n}))"));
            }
            8 => {
                let ty = if self.is_wide(m) { "i64" } else { "i32" };
                self.line(format!("(memory.fill $m{m} {address} {value} ({ty}.const 6))"));
            }
            9 => self.line(format!("(call $log {value})")),
            10 => {
                let index = self.rng.below(LEAVES);
                self.line(format!("(drop (call_indirect (type $f) {value} (i32.const {index})))"));
            }
            _ => {
                let callee = self.callee(depth);
                self.line(format!("(drop (call {callee} {value}))"));
            }
        }
    }

    /// A function of a lower level.
    fn callee(&mut self, depth: usize) -> String {
        match self.rng.below(depth) {
            0 => format!("$leaf{}", self.rng.below(LEAVES)),
            n => format!("$via{}_{}", n - 1, self.rng.below(2)),
        }
    }

    /// One effect, sometimes in a loop or under a condition.
    fn leaf(&mut self, index: usize) {
        self.line(format!("(func $leaf{index} (type $f) (param $p i32) (result i32) (local $n i32)"));
        match self.rng.below(4) {
            0 => {
                self.line("(if (i32.and (local.get $p) (i32.const 1)) (then");
                self.effect("(local.get $p)", 0);
                self.line("))");
            }
            1 => {
                self.line("(local.set $n (i32.const 2)) (loop $l");
                self.effect("(i32.add (local.get $p) (local.get $n))", 0);
                self.line("(br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))");
            }
            _ => self.effect("(i32.add (local.get $p) (i32.const 77))", 0),
        }
        self.line("(i32.const 5))");
    }

    /// Nothing but a call, of one kind or another.
    fn caller(&mut self, level: usize, index: usize) {
        let callee = self.callee(level + 1);
        let body = match self.rng.below(5) {
            0 | 1 => format!("(call {callee} (local.get $p))"),
            2 | 3 => format!("(return_call {callee} (local.get $p))"),
            _ => {
                let i = self.rng.below(LEAVES);
                format!("(call_indirect (type $f) (local.get $p) (i32.const {i}))")
            }
        };
        self.line(format!("(func $via{level}_{index} (type $f) (param $p i32) (result i32) {body})"));
    }

    fn reader(&mut self, index: usize) {
        let results = if self.rng.percent(70) { "(result i32)" } else { "(result i32 i64)" };
        self.line(format!("(func (export \"f{index}\") (param $p i32) (param $q i32) {results}"));
        self.line(
            "(local $sum i32) (local $n0 i32) (local $n1 i32) (local $n2 i32) (local $a i32) (local $b i32)",
        );
        self.budget = self.rng.range(4, 16) as i32;
        self.loops = 0;
        while self.budget > 0 {
            self.statement(3);
        }
        self.line("(local.get $sum)");
        if results.contains("i64") {
            self.line("(global.get $g2)");
        }
        self.line(")");
    }

    /// Mixes a value into the sum so that the order matters.
    fn mix(&mut self, value: &str) {
        self.line(format!("(local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) {value}))"));
    }

    /// One of the few places, read.
    fn read(&mut self) -> String {
        let m = self.rng.below(self.memories);
        let (address, offset) = (self.address(m), self.offset(m));
        match self.rng.below(10) {
            0..4 => {
                let op =
                    self.rng.pick(&["i32.load", "i32.load", "i32.load8_u", "i32.load8_s", "i32.load16_u"]);
                format!("({op} $m{m} {offset} {address})")
            }
            4 => format!("(i32.wrap_i64 (i64.load $m{m} {offset} {address}))"),
            5 | 6 => format!("(global.get $g{})", self.rng.below(2)),
            7 => "(i32.wrap_i64 (global.get $g2))".to_owned(),
            _ if self.is_wide(m) => format!("(i32.wrap_i64 (memory.size $m{m}))"),
            _ => format!("(memory.size $m{m})"),
        }
    }

    fn statement(&mut self, depth: u32) {
        self.budget -= 1;
        let condition = self.rng.pick(&[
            "(i32.and (local.get $p) (i32.const 1))",
            "(i32.lt_u (local.get $q) (local.get $p))",
            "(local.get $q)",
            "(i32.and (local.get $sum) (i32.const 2))",
        ]);
        match self.rng.below(if depth == 0 { 10 } else { 18 }) {
            0..4 => {
                let value = self.read();
                self.mix(&value);
            }
            4..8 => {
                let value =
                    self.rng.pick(&["(local.get $p)", "(local.get $q)", "(local.get $sum)", "(i32.const 9)"]);
                self.effect(value, LEVELS + 1);
            }
            8 => {
                // The same place before and after.
                let value = self.read();
                self.mix(&value);
                self.effect("(i32.add (local.get $q) (i32.const 3))", LEVELS + 1);
                self.mix(&value);
            }
            9 => {
                let value = self.read();
                let local = self.rng.pick(&["$a", "$b"]);
                self.line(format!("(local.set {local} {value})"));
                self.mix("(i32.sub (local.get $a) (local.get $b))");
            }
            10 | 11 => {
                self.line(format!("(if {condition} (then"));
                self.statement(depth - 1);
                if self.rng.percent(50) {
                    self.line(") (else");
                    self.statement(depth - 1);
                }
                self.line("))");
            }
            12 | 13 if self.loops < 3 => self.counted_loop(depth - 1),
            14 => self.frame_with_parameters(condition),
            15 => {
                self.line(format!("(block $out (br_if $out {condition})"));
                self.statement(depth - 1);
                self.line(")");
            }
            16 => self.frame_below(),
            _ => self.table_branch(),
        }
    }

    /// The same bytes by two addresses, one as an offset from a place below the other: read by one of them before and after
    /// they are written by the other.
    fn frame_below(&mut self) {
        let m = self.rng.below(self.memories);
        let ty = if self.is_wide(m) { "i64" } else { "i32" };
        let base = format!("({ty}.or ({ty}.and (local.get $p) ({ty}.const 4)) ({ty}.const 8))");
        let base = if self.is_wide(m) {
            base.replace("(local.get $p)", "(i64.extend_i32_u (local.get $p))")
        } else {
            base
        };
        let below = self.rng.pick(&[4, 8]);
        let upper = base.clone();
        let lower = format!("offset={below} ({ty}.add {base} ({ty}.const -{below}))");
        let (read, write) = if self.rng.percent(50) { (upper, lower) } else { (lower, upper) };
        let load = self.rng.pick(&["i32.load", "i32.load8_u", "i32.load16_s"]);
        let value = format!("({load} $m{m} {read})");
        self.mix(&value);
        self.line(format!("(i32.store $m{m} {write} (i32.add (local.get $sum) (local.get $q)))"));
        self.mix(&value);
    }

    fn counted_loop(&mut self, depth: u32) {
        let n = self.loops;
        self.loops += 1;
        // An innermost one now and then runs as often as those that are unrolled.
        let (times, depth) =
            if self.rng.percent(20) { (self.rng.range(8, 11), 0) } else { (self.rng.range(1, 3), depth) };
        self.line(format!("(local.set $n{n} (i32.const {times})) (loop $l{n}"));
        self.statement(depth);
        self.statement(depth);
        self.line(format!("(br_if $l{n} (local.tee $n{n} (i32.sub (local.get $n{n}) (i32.const 1)))))"));
        self.loops -= 1;
    }

    /// `if`, `block` or `loop` with two or three parameters of one type, whose order matters.
    fn frame_with_parameters(&mut self, condition: &str) {
        let n = self.rng.range(2, 3);
        let types = vec!["i32"; n].join(" ");
        let values = ["(local.get $p)", "(local.get $q)", "(local.get $sum)"];
        self.line(values[..n].join(" "));
        let merge = |this: &mut Self| {
            for _ in 1..n {
                let op = this.rng.pick(&["i32.sub", "i32.shl", "i32.sub"]);
                this.line(op);
            }
        };
        match self.rng.below(3) {
            0 => {
                self.line(format!("{condition} if (param {types}) (result i32)"));
                merge(self);
                self.line("else");
                merge(self);
            }
            1 => {
                // Without an else arm the parameters pass through.
                self.line(format!("{condition} if (param {types}) (result {types})"));
                merge(self);
                self.line(values[..n - 1].join(" "));
                self.line("end");
                merge(self);
                self.line("local.set $a");
                return self.mix("(local.get $a)");
            }
            _ => {
                self.line(format!("block (param {types}) (result i32)"));
                merge(self);
            }
        }
        self.line("end local.set $a");
        self.mix("(local.get $a)");
    }

    /// Many ways out, the default among the rarest.
    fn table_branch(&mut self) {
        let index = self.rng.pick(&[
            "(local.get $q)",
            "(i32.and (local.get $p) (i32.const 3))",
            "(i32.const 1)",
            "(i32.const 3)",
            "(i32.const -1)",
        ]);
        self.line(format!("(block $x (block $y (block $z (br_table $x $y $z $y {index}))"));
        self.mix("(i32.const 11)");
        self.line(")");
        self.mix("(i32.const 7)");
        self.line(")");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_seed_validates() {
        for seed in 0..300 {
            let wasm = super::module(seed).expect("parses");
            let features = wasmparser::WasmFeatures::all();
            if let Err(e) = wasmparser::Validator::new_with_features(features).validate_all(&wasm) {
                panic!("seed {seed}: {e}");
            }
        }
    }
}
