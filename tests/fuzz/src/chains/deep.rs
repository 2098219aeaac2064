//! Lists with strings and lists in them that are copied from one memory to another, as adapters do it: what
//! `loom_wasm::memory::nested` sees through.
//!
//! Each program builds a list in `$a`, copies it deeply into `$b`, and reads the copy, all in one function. Around that it draws what the
//! licence needs and what forbids it: the source is given back behind the copy (whole, in part, under a condition, never), numbers,
//! bytes, lengths or addresses of source and copy are written before, between or behind the reads, addresses are compared, stored
//! or read together with other bytes, calls that write either memory stand in between, the copy is given back in one place, in two
//! or never, with its elements cleared or not.
//!
//! Invariants: those of [`super::promoted`]. An element is (string, number, list of strings, flag), 24 bytes; a string or list is
//! an address and a length.

use super::surroundings::{allocator, prelude};
use crate::rng::Rng;
use std::fmt::Write;

/// A loop over `count` elements of `stride` bytes from `base` on; `$e` and so on is the address of the element.
fn each(level: usize, base: &str, count: &str, stride: u32, body: &str) -> String {
    let (i, e) = (format!("$i{level}"), format!("$e{level}"));
    format!(
        "(local.set {i} (i32.const 0))
(block $done{level} (loop $next{level}
  (br_if $done{level} (i32.ge_u (local.get {i}) {count}))
  (local.set {e} (i32.add {base} (i32.mul (local.get {i}) (i32.const {stride}))))
  {body}
  (local.set {i} (i32.add (local.get {i}) (i32.const 1)))
  (br $next{level})))\n"
    )
}

/// Mixes a value into the result.
fn mix(value: &str) -> String {
    format!("(local.set $h (i32.add (i32.mul (local.get $h) (i32.const 31)) {value}))\n")
}

/// A string of a few bytes in `$a`, into the fields at `offset` of an element.
fn string(element: &str, offset: u32) -> String {
    format!(
        "(local.set $l (i32.and (i32.add (local.get $x) (i32.add (local.get $i0) (local.get $i1))) (i32.const 7)))
(local.set $t (call $realloc_a (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
(i64.store $a (local.get $t) (i64.mul (i64.extend_i32_u (i32.add (local.get $h) (local.get $x))) (i64.const 0x9e3779b97f4a7c15)))
(local.set $h (i32.add (local.get $h) (i32.const 77)))
(i32.store $a offset={offset} {element} (local.get $t))
(i32.store $a offset={} {element} (local.get $l))\n",
        offset + 4
    )
}

fn build(tags: bool) -> String {
    let mut element = string("(local.get $e0)", 0);
    element += "(i32.store $a offset=8 (local.get $e0) (i32.xor (local.get $x) (local.get $i0)))
(i32.store8 $a offset=20 (local.get $e0) (i32.and (local.get $x) (i32.const 1)))\n";
    if tags {
        element += "(local.set $m (i32.and (i32.add (local.get $x) (local.get $i0)) (i32.const 3)))
(local.set $q (call $realloc_a (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get $m) (i32.const 8))))
(i32.store $a offset=12 (local.get $e0) (local.get $q)) (i32.store $a offset=16 (local.get $e0) (local.get $m))\n";
        element += &each(1, "(local.get $q)", "(local.get $m)", 8, &string("(local.get $e1)", 0));
    }
    let list = "(local.set $s (call $realloc_a (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get $k) (i32.const 24))))\n";
    list.to_owned() + &each(0, "(local.get $s)", "(local.get $k)", 24, &element)
}

/// Copies what an address in an element leads to, and stores the copy's address.
fn deepen(element: &str, offset: u32, stride: u32, inner: &str) -> String {
    format!(
        "(local.set $o (i32.load $b (i32.add {element} (i32.const {offset}))))
(local.set $l (i32.load $b (i32.add {element} (i32.const {}))))
(local.set $t (call $realloc_b (i32.const 0) (i32.const 0) (i32.const 1) (i32.mul (local.get $l) (i32.const {stride}))))
(if (i32.eqz (local.get $t)) (then (unreachable)))
(memory.copy $b $a (local.get $t) (local.get $o) (i32.mul (local.get $l) (i32.const {stride})))
{inner}
(i32.store $b (i32.add {element} (i32.const {offset})) (local.get $t))\n",
        offset + 4
    )
}

fn copy(tags: bool) -> String {
    let mut element = deepen("(local.get $e0)", 0, 1, "");
    if tags {
        let inner = "(local.set $q (local.get $t)) (local.set $m (local.get $l))\n".to_owned()
            + &each(1, "(local.get $q)", "(local.get $m)", 8, &deepen("(local.get $e1)", 0, 1, ""))
            + "(local.set $t (local.get $q))\n";
        element += &deepen("(local.get $e0)", 12, 8, &inner);
    }
    "(local.set $p (call $realloc_b (i32.const 0) (i32.const 0) (i32.const 1) (i32.mul (local.get $k) (i32.const 24))))
(if (i32.eqz (local.get $p)) (then (unreachable)))
(memory.copy $b $a (local.get $p) (local.get $s) (i32.mul (local.get $k) (i32.const 24)))\n"
        .to_owned()
        + &each(0, "(local.get $p)", "(local.get $k)", 24, &element)
}

/// Reads the bytes of a string.
fn bytes(memory: char, element: &str, offset: u32) -> String {
    format!(
        "(local.set $t (i32.load ${memory} offset={offset} {element}))
(local.set $l (i32.load ${memory} offset={} {element}))
(block $end (loop $more
  (br_if $end (i32.eqz (local.get $l)))
  {}  (local.set $t (i32.add (local.get $t) (i32.const 1)))
  (local.set $l (i32.sub (local.get $l) (i32.const 1)))
  (br $more)))\n",
        offset + 4,
        mix(&format!("(i32.load8_u ${memory} (local.get $t))"))
    )
}

fn read(rng: &mut Rng, memory: char, base: &str, tags: bool) -> String {
    let mut element = mix(&format!("(i32.load ${memory} offset=8 (local.get $e0))"));
    element += &bytes(memory, "(local.get $e0)", 0);
    if tags && rng.percent(80) {
        let list = each(
            1,
            &format!("(i32.load ${memory} offset=12 (local.get $e0))"),
            &format!("(i32.load ${memory} offset=16 (local.get $e0))"),
            8,
            &bytes(memory, "(local.get $e1)", 0),
        );
        element += &list;
    }
    match rng.below(16) {
        0 => element += &mix(&format!("(i32.eqz (i32.load ${memory} (local.get $e0)))")),
        1 => {
            element += &mix(&format!(
                "(i32.wrap_i64 (i64.shr_u (i64.load ${memory} (local.get $e0)) (i64.const 32)))"
            ))
        }
        2 => {
            element +=
                &mix(&format!("(i32.eq (i32.load ${memory} (local.get $e0)) (i32.load ${memory} {base}))"))
        }
        3 => {
            let _ = writeln!(
                element,
                "(i32.store ${memory} (i32.const 2048) (i32.load ${memory} (local.get $e0)))
(if (i32.load ${memory} offset=4 (local.get $e0)) (then {}))",
                mix(&format!("(i32.load8_u ${memory} (i32.load ${memory} (i32.const 2048)))"))
            );
        }
        _ => element += &mix(&format!("(i32.load8_u ${memory} offset=20 (local.get $e0))")),
    }
    each(0, base, "(local.get $k)", 24, &element)
}

/// Gives a list back. `parts`: its strings and lists as well; `clears`: and stores nulls over them; `counts`: something else happens too.
fn release(rng: &mut Rng, memory: char, base: &str, tags: bool, parts: bool) -> String {
    let (clears, counts) = (rng.percent(50), rng.percent(8));
    let give = |element: &str, offset: u32| {
        format!(
            "(if (i32.load ${memory} offset={} {element}) (then (call $free_{memory} (i32.load ${memory} offset={offset} {element}))))\n",
            offset + 4
        )
    };
    let clear = |element: &str, offset: u32| match clears {
        true => format!(
            "(i32.store ${memory} offset={} {element} (i32.const 0)) (i32.store ${memory} offset={offset} {element} (i32.const 0))\n",
            offset + 4
        ),
        false => String::new(),
    };
    let mut element = String::new();
    if parts {
        element += &(give("(local.get $e0)", 0) + &clear("(local.get $e0)", 0));
        if tags {
            let tag = give("(local.get $e1)", 0) + &clear("(local.get $e1)", 0);
            let list = each(
                1,
                &format!("(i32.load ${memory} offset=12 (local.get $e0))"),
                "(local.get $m)",
                8,
                &tag,
            );
            let _ = write!(element, "(local.set $m (i32.load ${memory} offset=16 (local.get $e0)))\n{list}");
            element += &(give("(local.get $e0)", 12) + &clear("(local.get $e0)", 12));
        }
    }
    if counts {
        element += &mix("(i32.const 1)");
    }
    let whole = each(0, base, "(local.get $k)", 24, &element) + &format!("(call $free_{memory} {base})\n");
    match rng.below(4) {
        0 => whole,
        _ => format!("(if (local.get $k) (then {whole}))\n"),
    }
}

/// Something between, drawn from what leaves the lists alone and from what writes them. `source`: whether the source is still there.
fn between(rng: &mut Rng, source: bool, copied: bool) -> String {
    let mut writes: Vec<(char, &str)> = Vec::new();
    if source {
        writes.push(('a', "(local.get $s)"));
    }
    if copied {
        writes.extend([('b', "(local.get $p)"); 2]);
    }
    if writes.is_empty() || rng.percent(40) {
        return rng
            .pick(&[
                "",
                "(call $log (local.get $h))\n",
                "(call $reenter)\n",
                "(call $clobber_a (local.get $x))\n",
                "(call $clobber_b (local.get $x))\n",
                "(i32.store8 $a (i32.const 1030) (local.get $h))\n",
            ])
            .to_owned();
    }
    let (memory, base) = rng.pick(&writes);
    let store = match rng.below(6) {
        0 => format!("(i32.store ${memory} offset=4 {base} (i32.const 0))"),
        1 => format!(
            "(if (i32.load ${memory} offset=4 {base}) (then (i32.store8 ${memory} (i32.load ${memory} {base}) (local.get $h))))"
        ),
        2 => format!("(i64.store ${memory} {base} (i64.load ${memory} {base}))"),
        3 => format!("(i32.store8 ${memory} offset=20 {base} (local.get $h))"),
        _ => format!("(i32.store ${memory} offset=8 {base} (local.get $h))"),
    };
    format!("(if (local.get $k) (then {store}))\n")
}

fn body(rng: &mut Rng) -> String {
    let tags = rng.percent(50);
    let (s, p) = ("(local.get $s)", "(local.get $p)");
    let mut out = build(tags);
    for _ in 0..rng.below(2) {
        out += &between(rng, true, false);
    }
    out += &copy(tags);
    let mut source = true;
    if rng.percent(20) {
        out += &between(rng, true, true);
    }
    match rng.below(12) {
        0..6 => {
            out += &release(rng, 'a', s, tags, true);
            source = false;
        }
        6 => {
            out += &release(rng, 'a', s, tags, false);
            source = false;
        }
        7 => {
            let whole = release(rng, 'a', s, tags, true);
            let _ = write!(out, "(if (i32.and (local.get $x) (i32.const 4)) (then {whole}))");
            source = false;
        }
        _ => {}
    }
    for _ in 0..rng.range(1, 3) {
        if rng.percent(40) {
            out += &between(rng, source, true);
        }
        out += &read(rng, 'b', p, tags);
    }
    if source && rng.percent(50) {
        out += &read(rng, 'a', s, tags);
    }
    match rng.below(10) {
        0 => {}
        1 => {
            let (one, two) = (release(rng, 'b', p, tags, true), release(rng, 'b', p, tags, true));
            let _ = write!(out, "(if (i32.and (local.get $h) (i32.const 1)) (then {one}) (else {two}))");
        }
        2 => {
            let whole = release(rng, 'b', p, tags, true);
            let _ = write!(out, "(if (i32.and (local.get $x) (i32.const 8)) (then {whole}))");
        }
        _ => {
            let parts = rng.percent(90);
            out += &release(rng, 'b', p, tags, parts);
        }
    }
    out
}

fn source(seed: u64) -> String {
    let rng = &mut Rng::new(seed ^ 0xdee9_715f);
    let mut out = prelude(rng);
    // What takes back has a name that says so.
    out += &allocator(rng, 'a', "$free");
    out += &allocator(rng, 'b', "$dlfree");
    for n in 0..rng.range(1, 3) {
        let locals = "(local $h i32) (local $k i32) (local $l i32) (local $m i32) (local $o i32) (local $p i32) (local $q i32) (local $s i32) (local $t i32) (local $i0 i32) (local $i1 i32) (local $e0 i32) (local $e1 i32)";
        let body = body(rng).replace("$free_a", "$free").replace("$free_b", "$dlfree");
        let _ = writeln!(
            out,
            "(func (export \"run{n}\") (param $x i32) (param $n i32) (result i32) {locals}
  (i32.store $a (i32.const 16) (i32.const 8192)) (i32.store $b (i32.const 16) (i32.const 8192))
  (local.set $k (i32.rem_u (local.get $n) (i32.const 3)))
  {body} (call $log (local.get $h)) (local.get $h))"
        );
    }
    out += "(func (export \"on_reenter\") (call $clobber_a (i32.const 3)) (call $clobber_b (i32.const 4))
  (i32.store8 $a (i32.const 1025) (i32.const 77))))\n";
    out
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
