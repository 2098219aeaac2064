//! Programs that keep to the assumptions `canonical-abi` and `shadow-stack`: what the passes over memory of fused modules act on.
//!
//! A module has two memories (`$a`, `$b`), each with an allocator of the shape that is recognised and a stack pointer, and a few
//! functions of random steps over *regions*: frames, buffers, constant addresses. Steps allocate, fill, copy, read in all
//! widths, write, give back (on one way only, late, never), let pointers escape, branch on tags, loop, call functions that make or
//! use a region. What a licence of a pass forbids is drawn as often as what it needs.
//!
//! Invariants: it validates; nothing is read before it was written, outside of its region or behind its release; no address
//! reaches a result. Memories are not exported: what is left in dead frames and buffers is nobody's business.

use super::callees;
use super::surroundings::{allocator, prelude};
use crate::rng::Rng;
use std::fmt::Write;

/// Bytes that a step may use.
#[derive(Clone)]
struct Region {
    id: usize,
    pointer: String,
    memory: char,
    /// `None`: as many as `$len` says.
    size: Option<u32>,
    filled: bool,
    is_buffer: bool,
    /// The regions that it may be.
    of: Vec<usize>,
}

/// Loads with stores of the same width, in bytes; an `i32` comes out and goes in.
const WIDTHS: [(&str, &str, u32); 8] = [
    ("i32.load8_u", "i32.store8", 1),
    ("i32.load8_s", "i32.store8", 1),
    ("i32.load16_u", "i32.store16", 2),
    ("i32.load16_s", "i32.store16", 2),
    ("i32.load", "i32.store", 4),
    ("i32.load", "i32.store", 4),
    ("i64.load32_s", "i64.store32", 4),
    ("i64.load", "i64.store", 8),
];

/// A function that makes or uses a buffer.
struct Helper {
    name: String,
    memory: char,
    size: u32,
    makes: bool,
    /// Whether it gives back what it was passed.
    owns: bool,
}

struct Maker<'a> {
    rng: &'a mut Rng,
    regions: Vec<Region>,
    helpers: &'a [Helper],
    /// Whether the readers of `$a` and `$b` give back what they are passed.
    owning: [bool; 2],
    /// Identifiers of regions, locals and slots made so far.
    ids: usize,
    locals: usize,
    slots: &'a mut u32,
    /// Regions with smaller identifiers are not given back: the loop comes round again.
    frozen: usize,
    depth: u32,
}

impl Maker<'_> {
    fn local(&mut self) -> String {
        self.locals += 1;
        format!("$v{}", self.locals)
    }

    fn add(&mut self, pointer: String, memory: char, size: Option<u32>, filled: bool, is_buffer: bool) {
        self.ids += 1;
        let of = vec![self.ids];
        self.regions.push(Region { id: self.ids, pointer, memory, size, filled, is_buffer, of });
    }

    fn pick(&mut self, fits: impl Fn(&Region) -> bool) -> Option<usize> {
        let all: Vec<usize> = (0..self.regions.len()).filter(|&i| fits(&self.regions[i])).collect();
        // What was made last is used most.
        let recent = all.len().saturating_sub(3);
        match all.len() {
            0 => None,
            n if self.rng.percent(60) => Some(all[recent + self.rng.below(n - recent)]),
            n => Some(all[self.rng.below(n)]),
        }
    }

    /// The address of a byte of a region: what stands before the operand, and the operand.
    fn address(&mut self, at: usize, offset: u32) -> String {
        let region = self.regions[at].clone();
        let p = &region.pointer;
        let memory = region.memory;
        match self.rng.below(12) {
            0..6 => format!("${memory} offset={offset} align=1 {p}"),
            6 | 7 => format!("${memory} align=1 (i32.add {p} (i32.const {offset}))"),
            8 if offset > 0 => {
                format!("${memory} offset={} align=1 (i32.sub {p} (i32.const -1))", offset - 1)
            }
            9 => {
                let zero = "(i32.and (local.get $x) (i32.const 0))";
                format!("${memory} offset={offset} align=1 (i32.add {zero} {p})")
            }
            10 => match self.pick(|r| r.memory == memory) {
                Some(other) => {
                    let q = &self.regions[other].pointer;
                    format!("${memory} offset={offset} align=1 (i32.add {q} (i32.sub {p} {q}))")
                }
                None => format!("${memory} offset={offset} align=1 {p}"),
            },
            _ => format!("${memory} offset={offset} align=1 {p}"),
        }
    }

    fn number(&mut self) -> String {
        let c = self.rng.below(5);
        match self.rng.below(5) {
            0 => format!("(i32.const {c})"),
            1 => "(local.get $x)".to_owned(),
            2 => "(local.get $n)".to_owned(),
            _ => "(local.get $h)".to_owned(),
        }
    }

    /// A scalar of a region, as an `i32`.
    fn scalar(&mut self) -> Option<String> {
        let at = self.pick(|r| r.filled && r.size.is_some())?;
        let size = self.regions[at].size?;
        let (load, _, width) = self.rng.pick(&WIDTHS);
        let offset = self.offset(size, width)?;
        let address = self.address(at, offset);
        let value = format!("({load} {address})");
        Some(if load.starts_with("i64") {
            format!("(i32.wrap_i64 (i64.rotl {value} (i64.const {})))", self.rng.pick(&[0, 0, 32, 8]))
        } else {
            value
        })
    }

    fn offset(&mut self, size: u32, width: u32) -> Option<u32> {
        let last = size.checked_sub(width)?;
        let offset = self.rng.range(0, last as usize) as u32;
        Some(if self.rng.percent(80) { offset / width * width } else { offset })
    }

    fn store(&mut self, at: usize, value: &str) -> Option<String> {
        let size = self.regions[at].size?;
        let (_, store, width) = self.rng.pick(&WIDTHS);
        let offset = self.offset(size, width)?;
        let address = self.address(at, offset);
        let value =
            if store.starts_with("i64") { format!("(i64.extend_i32_s {value})") } else { value.to_owned() };
        Some(format!("({store} {address} {value})"))
    }

    fn mix(value: &str) -> String {
        format!("(local.set $h (i32.xor (i32.rotl (local.get $h) (i32.const 5)) {value}))")
    }

    fn condition(&mut self) -> String {
        match self.rng.below(4) {
            0 => format!("(i32.and (local.get $x) (i32.const {}))", 1 << self.rng.below(4)),
            1 => "(i32.and (local.get $h) (i32.const 1))".to_owned(),
            2 => self.scalar().unwrap_or_else(|| "(local.get $n)".to_owned()),
            _ => "(i32.lt_u (local.get $n) (i32.const 3))".to_owned(),
        }
    }

    /// Fills a region wholly.
    fn fill(&mut self, at: usize) -> String {
        let region = self.regions[at].clone();
        let size = region.size;
        let length = size.map_or("(local.get $len)".to_owned(), |n| format!("(i32.const {n})"));
        let same = self.pick(|r| r.filled && r.id != region.id && (r.size == size || r.size >= Some(32)));
        self.regions[at].filled = true;
        let (p, m) = (region.pointer, region.memory);
        match (same, size, self.rng.below(10)) {
            (Some(from), _, 0..6) => {
                let (q, k) = (&self.regions[from].pointer, self.regions[from].memory);
                format!("(memory.copy ${m} ${k} {p} {q} {length})")
            }
            (_, Some(n), 6..9) => {
                let mut out = String::new();
                for word in 0..n / 4 {
                    let value = self.number();
                    let _ = write!(out, "(i32.store ${m} offset={} align=1 {p} {value})", 4 * word);
                }
                out
            }
            _ => format!("(memory.fill ${m} {p} {} {length})", self.number()),
        }
    }

    fn allocate(&mut self) -> String {
        let memory = self.rng.pick(&['a', 'b', 'b']);
        let size = if self.rng.percent(60) { Some(self.rng.pick(&[4, 8, 12, 16, 24])) } else { None };
        let length = size.map_or("(local.get $len)".to_owned(), |n| format!("(i32.const {n})"));
        // More than is filled: what is behind is never read.
        let asked = match self.rng.below(12) {
            0 => format!("(i32.add {length} (i32.const 4))"),
            _ => length,
        };
        let local = self.local();
        let align = self.rng.pick(&[1, 4, 8]);
        let mut out = format!(
            "(local.set {local} (call $realloc_{memory} (i32.const 0) (i32.const 0) (i32.const {align}) {asked}))"
        );
        if self.rng.percent(30) {
            let _ = write!(out, "(if (i32.eqz (local.get {local})) (then (unreachable)))");
        }
        self.add(format!("(local.get {local})"), memory, size, false, true);
        if self.rng.percent(80) {
            out += &self.fill(self.regions.len() - 1);
        }
        out
    }

    fn read(&mut self) -> String {
        let Some(at) = self.pick(|r| r.filled) else { return String::new() };
        if self.regions[at].size.is_some() || self.regions[at].filled && self.rng.percent(30) {
            return self.scalar().map_or(String::new(), |v| Self::mix(&v));
        }
        let (p, m) = (self.regions[at].pointer.clone(), self.regions[at].memory);
        let i = self.local();
        let inner = if self.rng.percent(15) { self.write() } else { String::new() };
        let mix = Self::mix(&format!("(i32.load8_u ${m} (i32.add {p} (local.get {i})))"));
        if self.rng.percent(30) {
            // By addresses.
            let mix = Self::mix(&format!("(i32.load8_u ${m} (local.get {i}))"));
            return format!(
                "(local.set {i} {p}) (block $d (loop $l (br_if $d (i32.eq (local.get {i}) (i32.add {p} (local.get $len)))) {mix} {inner}
  (local.set {i} (i32.add (local.get {i}) (i32.const 1))) (br $l)))"
            );
        }
        format!(
            "(local.set {i} (i32.const 0)) (block $d (loop $l (br_if $d (i32.ge_u (local.get {i}) (local.get $len))) {mix} {inner}
  (local.set {i} (i32.add (local.get {i}) (i32.const 1))) (br $l)))"
        )
    }

    fn write(&mut self) -> String {
        let value = self.number();
        let Some(at) = self.pick(|_| true) else { return String::new() };
        if self.regions[at].size.is_some() {
            return self.store(at, &value).unwrap_or_default();
        }
        let (p, m) = (&self.regions[at].pointer, self.regions[at].memory);
        format!(
            "(if (local.get $len) (then (i32.store8 ${m} (i32.add {p} (i32.rem_u (local.get $x) (local.get $len))) {value})))"
        )
    }

    fn copy(&mut self) -> String {
        let Some(from) = self.pick(|r| r.filled) else { return String::new() };
        let source = self.regions[from].clone();
        let Some(to) = self.pick(|r| r.size.is_some() == source.size.is_some()) else { return String::new() };
        let target = &self.regions[to];
        let (p, q, m, k) = (&target.pointer, &source.pointer, target.memory, source.memory);
        let Some((have, want)) = source.size.zip(target.size) else {
            let out = format!("(memory.copy ${m} ${k} {p} {q} (local.get $len))");
            self.regions[to].filled = true;
            return out;
        };
        let out = format!("(memory.copy ${m} ${k} {p} {q} (i32.const {}))", have.min(want));
        self.regions[to].filled |= have >= want;
        out
    }

    fn release(&mut self) -> String {
        let frozen = self.frozen;
        let Some(at) = self.pick(|r| r.is_buffer && r.id > frozen) else { return String::new() };
        let region = self.regions.remove(at);
        self.regions.retain(|r| !r.of.contains(&region.id));
        let name = self.rng.pick(&["free", "free", "drop"]);
        let call = format!("(call ${name}_{} {})", region.memory, region.pointer);
        match self.rng.below(6) {
            0 => format!("(if {} (then {call}))", self.condition()),
            1 => format!("(if {} (then {call}))", region.pointer),
            _ => call,
        }
    }

    /// A second name for a region, or for one of two.
    fn alias(&mut self) -> String {
        let Some(at) = self.pick(|_| true) else { return String::new() };
        let one = self.regions[at].clone();
        let local = self.local();
        let (mut of, mut filled) = (one.of.clone(), one.filled);
        let value = match self.rng.below(3) {
            0 => {
                *self.slots += 4;
                let slot = format!("${} (i32.const {})", self.rng.pick(&['a', 'b']), 512 + *self.slots % 384);
                let mid = self.noise();
                let out = format!("(i32.store {slot} {}) {mid}", one.pointer);
                return if self.rng.percent(50) {
                    out
                } else {
                    self.ids += 1;
                    let region = Region {
                        id: self.ids,
                        pointer: format!("(local.get {local})"),
                        is_buffer: false,
                        ..one
                    };
                    self.regions.push(region);
                    format!("{out} (local.set {local} (i32.load {slot}))")
                };
            }
            1 => match self.pick(|r| r.memory == one.memory && r.size == one.size) {
                Some(other) => {
                    let two = self.regions[other].clone();
                    of.extend(two.of);
                    filled &= two.filled;
                    format!("(select {} {} {})", one.pointer, two.pointer, self.condition())
                }
                None => one.pointer.clone(),
            },
            _ => one.pointer.clone(),
        };
        self.ids += 1;
        let pointer = format!("(local.get {local})");
        self.regions.push(Region { id: self.ids, pointer, of, filled, is_buffer: false, ..one });
        format!("(local.set {local} {value})")
    }

    fn noise(&mut self) -> String {
        let h = "(local.get $h)";
        match self.rng.below(9) {
            0 => format!("(call $log {h})"),
            1 => "(call $reenter)".to_owned(),
            2 => "(drop (memory.grow $a (i32.const 0)))".to_owned(),
            3 | 4 => format!("(call $clobber_{} {h})", self.rng.pick(&['a', 'b'])),
            5 => "(if (i32.eq (i32.and (local.get $x) (i32.const 63)) (i32.const 17)) (then (unreachable)))"
                .to_owned(),
            6 => match self.pick(|r| r.filled && r.size.is_some()) {
                Some(at) => {
                    let r = &self.regions[at];
                    Self::mix(&format!("(call $touch_{} {})", r.memory, r.pointer))
                }
                None => String::new(),
            },
            7 => format!(
                "(call $free_{0} (call $realloc_{0} (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 6)))",
                self.rng.pick(&['a', 'b'])
            ),
            _ => String::new(),
        }
    }

    fn helper(&mut self) -> String {
        if self.helpers.is_empty() {
            return String::new();
        }
        let which = self.rng.below(self.helpers.len());
        let helpers = self.helpers;
        let h = &helpers[which];
        let (x, n) = (self.number(), self.number());
        if h.makes {
            let local = self.local();
            self.add(format!("(local.get {local})"), h.memory, Some(h.size), true, true);
            return format!("(local.set {local} (call {} {x} {n}))", h.name);
        }
        let frozen = self.frozen;
        let fits = |r: &Region| {
            r.filled
                && r.memory == h.memory
                && r.size >= Some(h.size)
                && (!h.owns || r.is_buffer && r.id > frozen)
        };
        let Some(at) = self.pick(fits) else { return String::new() };
        let region = self.regions[at].clone();
        if h.owns {
            self.regions.retain(|r| !r.of.contains(&region.id));
        }
        Self::mix(&format!("(call {} {} {x} {n})", h.name, region.pointer))
    }

    /// A buffer, mostly a copy out of the other memory, is passed to a reader.
    fn passed_on(&mut self) -> String {
        let (memory, frozen) = (self.rng.pick(&['a', 'b']), self.frozen);
        let owns = self.owning[usize::from(memory == 'b')];
        let mut out = String::new();
        if self.rng.percent(80) {
            let other = if memory == 'a' { 'b' } else { 'a' };
            let Some(from) = self.pick(|r| r.filled && r.memory == other && r.size >= Some(16)) else {
                return out;
            };
            let (local, source) = (self.local(), self.regions[from].pointer.clone());
            let length = self.rng.pick(&["(local.get $len)", "(i32.const 7)", "(i32.const 12)"]);
            let _ = write!(
                out,
                "(local.set {local} (call $realloc_{memory} (i32.const 0) (i32.const 0) (i32.const 1) {length}))
  (memory.copy ${memory} ${other} (local.get {local}) {source} {length})"
            );
            if self.rng.percent(15) {
                out += &self.write();
            }
            out += &Self::mix(&format!("(call $read_{memory} (local.get {local}) {length})"));
            if !owns {
                let _ = write!(out, "(call $free_{memory} (local.get {local}))");
            }
            return out;
        }
        let fits = |r: &Region| {
            r.filled && r.memory == memory && r.size >= Some(4) && (!owns || r.is_buffer && r.id > frozen)
        };
        let Some(at) = self.pick(fits) else { return out };
        let region = self.regions[at].clone();
        if owns {
            self.regions.retain(|r| !r.of.contains(&region.id));
        }
        Self::mix(&format!("(call $read_{memory} {} (i32.const 4))", region.pointer))
    }

    fn branch(&mut self) -> String {
        if self.rng.percent(30)
            && let Some(option) = self.option()
        {
            return option;
        }
        let tag = self.pick(|r| r.size.is_some() && r.filled);
        if let Some(at) = tag.filter(|_| self.rng.percent(50)) {
            // A tag stored on two ways, tested behind.
            let region = self.regions[at].clone();
            let (p, m, size) = (region.pointer, region.memory, region.size.unwrap_or(4));
            let c = self.condition();
            let offset = self.rng.range(0, size as usize - 1);
            let set = |n: usize| format!("(i32.store8 ${m} offset={offset} {p} (i32.const {n}))");
            let (one, two) = (self.rng.below(3), self.rng.below(3));
            let mid = if self.rng.percent(40) { self.noise() } else { String::new() };
            let test = format!("(i32.load8_u ${m} offset={offset} {p})");
            let (then, els) = self.both();
            return format!(
                "(if {c} (then {}) (else {})) {mid} (if {test} (then {then}) (else {els}))",
                set(one),
                set(two)
            );
        }
        let c = self.condition();
        let (then, els) = self.both();
        format!("(if {c} (then {then}) (else {els}))")
    }

    /// A payload stored on one way, and taken by a select where the ways have met; the tag is not always known there.
    fn option(&mut self) -> Option<String> {
        let at = self.pick(|r| r.size >= Some(4) && r.filled)?;
        let region = self.regions[at].clone();
        let (p, m) = (region.pointer, region.memory);
        let offset = self.offset(region.size.unwrap_or(4), 4)?;
        let (c, tag, value, other) = (self.condition(), self.local(), self.number(), self.number());
        let store = |value: &str| format!("(i32.store ${m} offset={offset} {p} {value})");
        let none = if self.rng.percent(20) { store(&other) } else { String::new() };
        let unknown = if self.rng.percent(20) { other } else { format!("(i32.const {})", self.rng.below(3)) };
        let mid = if self.rng.percent(30) { self.noise() } else { String::new() };
        let load = format!("(i32.load ${m} offset={offset} {p})");
        Some(format!(
            "(if {c} (then {} (local.set {tag} (i32.const 1))) (else {none} (local.set {tag} {unknown}))) {mid}
  (local.set $h (select (i32.add {load} (local.get $h)) (i32.rotl (local.get $h) (i32.const 3)) (i32.eq (local.get {tag}) (i32.const 1))))",
            store(&value)
        ))
    }

    /// Steps on two ways; what is there behind them is what is there behind both.
    fn both(&mut self) -> (String, String) {
        let before = self.regions.clone();
        let most = self.ids;
        let count = self.rng.range(1, 3);
        let then = self.steps(count);
        let after = std::mem::replace(&mut self.regions, before);
        let els = if self.rng.percent(50) { self.steps(1) } else { String::new() };
        self.regions.retain_mut(|r| match after.iter().find(|a| a.id == r.id) {
            Some(a) if r.id <= most => {
                r.filled &= a.filled;
                true
            }
            _ => false,
        });
        (then, els)
    }

    fn repeat(&mut self) -> String {
        let i = self.local();
        let old = std::mem::replace(&mut self.frozen, self.ids);
        let most = self.ids;
        let count = self.rng.range(1, 4);
        let body = self.steps(count);
        self.regions.retain(|r| r.id <= most);
        self.frozen = old;
        format!(
            "(local.set {i} (i32.and (local.get $n) (i32.const 3))) (loop $again {body}
  (local.set {i} (i32.sub (local.get {i}) (i32.const 1))) (br_if $again (i32.gt_s (local.get {i}) (i32.const 0))))"
        )
    }

    fn steps(&mut self, count: usize) -> String {
        let mut out = String::new();
        self.depth += 1;
        for _ in 0..count {
            let step = match self.rng.below(30) {
                0..5 => self.allocate(),
                5..12 => self.read(),
                12..14 => self.write(),
                14..16 => self.copy(),
                16..20 => self.release(),
                20 => self.alias(),
                21 | 22 => self.noise(),
                23 if self.rng.percent(50) => self.passed_on(),
                23..25 => self.helper(),
                25 => match self.pick(|r| !r.filled) {
                    Some(at) => self.fill(at),
                    None => String::new(),
                },
                26..28 if self.depth < 4 => self.branch(),
                28 if self.depth < 3 => self.repeat(),
                _ => self.read(),
            };
            out += &step;
            out.push('\n');
        }
        self.depth -= 1;
        out
    }
}

/// A function of random steps. `passed`: a region that it is given; `made`: one that it returns.
fn function(
    rng: &mut Rng,
    (helpers, owning): (&[Helper], [bool; 2]),
    slots: &mut u32,
    name: &str,
    passed: Option<(char, u32, bool)>,
    made: Option<(char, u32)>,
) -> String {
    let mut m =
        Maker { rng, regions: Vec::new(), helpers, owning, ids: 0, locals: 0, slots, frozen: 0, depth: 0 };
    let (mut start, mut end) = (String::new(), String::new());
    for memory in ['a', 'b'] {
        m.add("(i32.const 1024)".to_owned(), memory, Some(32), true, false);
        m.add("(i32.const 1060)".to_owned(), memory, Some(16), true, false);
        if m.rng.percent(60) {
            m.add(format!("(local.get $s_{memory})"), memory, Some(32), true, false);
        }
        if m.rng.percent(60) {
            let size = m.rng.pick(&[16, 32, 48]);
            let _ = writeln!(
                start,
                "(local.set $f_{memory} (i32.sub (global.get $sp_{memory}) (i32.const {size}))) (global.set $sp_{memory} (local.get $f_{memory}))"
            );
            let _ = writeln!(
                end,
                "(global.set $sp_{memory} (i32.add (local.get $f_{memory}) (i32.const {size})))"
            );
            if m.rng.percent(15) {
                // As compilers do with `memset`.
                let _ = writeln!(
                    start,
                    "(local.set $f_{memory} (call $clear_{memory} (local.get $f_{memory}) (local.get $x)))"
                );
            }
            for part in 0..size / 16 {
                let pointer = format!("(i32.add (local.get $f_{memory}) (i32.const {}))", 16 * part);
                let size = m.rng.pick(&[4, 8, 12, 16, 16]);
                m.add(pointer, memory, Some(size), false, false);
                if m.rng.percent(50) {
                    start += &m.fill(m.regions.len() - 1);
                }
            }
        }
    }
    let mut params = String::new();
    if let Some((memory, size, owns)) = passed {
        params = "(param $p i32)".to_owned();
        m.add("(local.get $p)".to_owned(), memory, Some(size), true, owns);
    }
    let count = m.rng.range(3, 9);
    let body = m.steps(count);
    let mut result = "(local.get $h)".to_owned();
    let mut last = String::new();
    if let Some((memory, size)) = made {
        last = format!(
            "(local.set $out (call $realloc_{memory} (i32.const 0) (i32.const 0) (i32.const 4) (i32.const {size})))"
        );
        m.add("(local.get $out)".to_owned(), memory, Some(size), false, false);
        last += &m.fill(m.regions.len() - 1);
        result = "(local.get $out)".to_owned();
    }
    let locals: String = (1..=m.locals).map(|i| format!("(local $v{i} i32)")).collect();
    format!(
        "(func {name} {params} (param $x i32) (param $n i32) (result i32)
  (local $h i32) (local $len i32) (local $s_a i32) (local $s_b i32) (local $f_a i32) (local $f_b i32) (local $out i32) {locals}
  (local.set $len (i32.and (local.get $n) (i32.const 15)))
  (local.set $s_a (i32.or (i32.const 1024) (i32.sub (i32.const 0) (i32.eq (i32.and (local.get $x) (i32.const 31)) (i32.const 21)))))
  (local.set $s_b (i32.add (i32.const 1024) (i32.and (local.get $x) (i32.const 7))))
  {start} {body} {last} {end} {result})\n"
    )
}

fn source(seed: u64) -> String {
    let rng = &mut Rng::new(seed ^ 0x9d0f_05ed);
    let mut out = prelude(rng);
    let (one, two) = match rng.below(3) {
        0 => ("$free_a", "$free_b"),
        1 => ("$dlfree", "$free"),
        _ => ("$free", "$__rust_dealloc"),
    };
    let mut text = allocator(rng, 'a', one) + &allocator(rng, 'b', two);
    let readers =
        [('a', "$free_a"), ('b', "$free_b")].map(|(memory, free)| callees::reader(rng, memory, free));
    let owning = [readers[0].1, readers[1].1];
    text.extend(readers.map(|(reader, _)| reader));
    text += &callees::entry(rng, "$free_b");
    let (mut helpers, mut slots) = (Vec::new(), 0);
    for n in 0..rng.range(0, 4) {
        let (memory, size) = (rng.pick(&['a', 'b']), rng.pick(&[4, 8, 16]));
        let name = format!("$helper{n}");
        let (makes, owns) = (rng.percent(50), rng.percent(50));
        let (passed, made) =
            if makes { (None, Some((memory, size))) } else { (Some((memory, size, owns)), None) };
        text += &function(rng, (&helpers, owning), &mut slots, &name, passed, made);
        helpers.push(Helper { name, memory, size, makes, owns });
    }
    for n in 0..rng.range(1, 3) {
        text += &function(rng, (&helpers, owning), &mut slots, &format!("$body{n}"), None, None);
        // Nothing of an earlier call is in use: the allocators start anew.
        let _ = writeln!(
            text,
            "(func (export \"run{n}\") (param $x i32) (param $n i32) (result i32)
  (i32.store $a (i32.const 16) (i32.const 8192)) (i32.store $b (i32.const 16) (i32.const 8192))
  (call $body{n} (local.get $x) (local.get $n)))"
        );
    }
    text = text.replace("$free_a ", &format!("{one} ")).replace("$free_b ", &format!("{two} "));
    text += "(func (export \"on_reenter\") (call $clobber_a (i32.const 3)) (call $clobber_b (i32.const 4))
  (i32.store8 $a (i32.const 1025) (i32.const 77)))\n";
    out += &text;
    out + ")\n"
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
