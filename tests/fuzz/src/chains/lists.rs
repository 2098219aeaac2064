//! Records, results and variants behind return areas, and lists of records with inner pointers.

use super::{Chain, FIELDS, Memory};
use std::fmt::Write;

/// Fields one after another from an offset on: (load, store, offset).
fn fields(chain: &mut Chain<'_>, start: u32, most: u32) -> Vec<(&'static str, &'static str, u32)> {
    let (mut at, mut out) = (start, Vec::new());
    for _ in 0..chain.rng.range(1, 4) {
        let (load, store, bytes) = chain.rng.pick(&FIELDS);
        at = at.next_multiple_of(bytes);
        if at + bytes > most {
            break;
        }
        out.push((load, store, at));
        at += bytes;
    }
    out
}

fn move_fields(
    chain: &Chain<'_>,
    (to, from): (Memory, Memory),
    (at, source): (&str, &str),
    fields: &[(&str, &str, u32)],
) -> String {
    let one = |(load, store, offset): &(&str, &str, u32)| {
        chain.store(to, store, at, *offset, &chain.load(from, load, source, *offset))
    };
    fields.iter().map(one).collect::<Vec<_>>().join("\n    ")
}

/// A callee that fills a return area and gives its address: in a fixed place or in its own frame.
fn callee(chain: &mut Chain<'_>, name: &str, tag: &str) {
    let b = chain.b;
    let (prologue, epilogue) = chain.frame("b", 64);
    let fixed = chain.rng.percent(50);
    let area = if fixed { "(local.set $sp (i32.const 512))".to_owned() } else { prologue };
    let epilogue = if fixed { String::new() } else { epilogue };
    let mut stores = chain.store(b, "i32.store8", "(local.get $sp)", 0, tag);
    for at in [4, 8, 12, 16] {
        if chain.rng.percent(80) {
            let value = chain.rng.pick(&[
                "(local.get $p)",
                "(local.get $n)",
                "(i32.mul (local.get $p) (local.get $n))",
                "(global.get $x)",
                "(i32.const -1)",
            ]);
            stores += &chain.store(b, "i32.store", "(local.get $sp)", at, value);
        }
    }
    let noise = chain.noise(&["$p", "$n"]);
    let _ = writeln!(
        chain.text,
        "(func {name} (type $two) (param $p i32) (param $n i32) (result i32) (local $sp i32)
  {area} {stores} {noise} {epilogue} (local.get $sp))"
    );
}

fn adapter(chain: &mut Chain<'_>, kind: &str, lift: &str) {
    let id = chain.piece;
    let call = chain.call(&format!("$make{id}"), "$two", "(local.get $p) (local.get $n)");
    let noise = chain.noise(&["$p", "$r"]);
    let _ = writeln!(
        chain.text,
        "(func ${kind}{id} (type $void3) (param $p i32) (param $n i32) (param $out i32) (local $r i32)
  (local.set $r {call}) {noise} {lift})"
    );
}

/// The caller: an area in its frame, the adapter, then the area is read.
fn caller(chain: &mut Chain<'_>, kind: &str, read: &str) {
    let id = chain.piece;
    let (prologue, epilogue) = chain.frame("a", 48);
    let call = chain.call(&format!("${kind}{id}"), "$void3", "(local.get $x) (local.get $n) (local.get $sp)");
    let (one, two) = (chain.noise(&["$x", "$n"]), chain.noise(&["$x", "$r"]));
    chain.driver(
        "(local $sp i32) (local $r i32)",
        &format!("{prologue} {one} {call} (local.set $r {read}) {two} {epilogue} (local.get $r)"),
    );
}

/// A record out: a copy of the whole area, or field by field.
pub fn record(chain: &mut Chain<'_>) {
    let (a, b, id) = (chain.a, chain.b, chain.piece);
    callee(chain, &format!("$make{id}"), "(i32.const 1)");
    let lift = if chain.rng.percent(60) {
        let size = format!("(i32.const {})", chain.rng.pick(&[8, 12, 16, 48]));
        chain.copy(a, b, "(local.get $out)", "(local.get $r)", &size)
    } else {
        let fields = fields(chain, 0, 20);
        move_fields(chain, (a, b), ("(local.get $out)", "(local.get $r)"), &fields)
    };
    adapter(chain, "record", &lift);
    let (load, at) =
        chain.rng.pick(&[("i32.load", 4), ("i32.load8_u", 0), ("i32.load", 8), ("i32.load16_s", 12)]);
    let one = chain.load(a, load, "(local.get $sp)", at);
    let two = chain.load(a, "i32.load", "(local.get $sp)", 4);
    caller(chain, "record", &format!("(i32.add {one} {two})"));
}

/// A result, an option or a variant out: what is moved depends on the discriminant.
pub fn variant(chain: &mut Chain<'_>) {
    let (a, b, id) = (chain.a, chain.b, chain.piece);
    let tag =
        chain.rng.pick(&["(i32.and (local.get $n) (i32.const 1))", "(i32.and (local.get $p) (i32.const 3))"]);
    callee(chain, &format!("$make{id}"), tag);
    let tag = chain.load(b, "i32.load8_u", "(local.get $r)", 0);
    let places = ("(local.get $out)", "(local.get $r)");
    let (some, other) = (fields(chain, 4, 20), fields(chain, 4, 20));
    let (ok, err) = (move_fields(chain, (a, b), places, &some), move_fields(chain, (a, b), places, &other));
    let mark = |chain: &Chain<'_>, n: i32| {
        chain.store(a, "i32.store8", "(local.get $out)", 0, &format!("(i32.const {n})"))
    };
    let (zero, one) = (mark(chain, 0), mark(chain, 1));
    let lift = match chain.rng.below(3) {
        0 => {
            let kept = chain.store(a, "i32.store8", "(local.get $out)", 0, &tag);
            format!("{kept} (if {tag} (then {ok}) (else {err}))")
        }
        1 => format!(
            "(block $done (block $trap (block $err (block $ok
    (br_table $ok $err $trap {tag}))
    {zero} {ok} (br $done))
    {one} {err} (br $done))
    (unreachable))"
        ),
        // The payload as a value of the joined type, carried by the branches.
        _ => {
            let (narrow, wide) = (
                chain.load(b, "i64.load32_u", "(local.get $r)", 4),
                chain.load(b, "i64.load", "(local.get $r)", 8),
            );
            let store = chain.store(a, "i64.store", "(local.get $out)", 8, "(local.get $joined)");
            let store = store.replace(
                "(local.get $joined)",
                &format!(
                    "(block $v (result i64) (block $w (result i64)
      (br_table $w $v $w {narrow} {tag})) (drop) {wide})"
                ),
            );
            format!("{store} {one}")
        }
    };
    adapter(chain, "variant", &lift);
    let (tag, low) =
        (chain.load(a, "i32.load8_u", "(local.get $sp)", 0), chain.load(a, "i32.load", "(local.get $sp)", 8));
    let other = chain.load(a, "i32.load", "(local.get $sp)", 4);
    let read = if chain.rng.percent(50) {
        format!("(if (result i32) {tag} (then {low}) (else {other}))")
    } else {
        format!("(select {low} {other} {tag})")
    };
    caller(chain, "variant", &read);
}

/// A list of records in: bulk copy or element by element, then inner strings one by one.
pub fn list(chain: &mut Chain<'_>) {
    let (a, b, id) = (chain.a, chain.b, chain.piece);
    let stride = chain.rng.pick(&[12u32, 16, 24]);
    let size = format!("(i32.mul (local.get $n) (i32.const {stride}))");
    let allocate = chain.allocate("b", "$copy", 4, &size);
    let from = "(i32.add (local.get $p) (local.get $at))";
    let to = "(i32.add (local.get $copy) (local.get $at))";
    let bulk = chain.rng.percent(50);
    let head =
        if bulk { chain.copy(b, a, "(local.get $copy)", "(local.get $p)", &size) } else { String::new() };
    let mut each = String::new();
    if !bulk {
        let fields = fields(chain, 0, stride);
        each += &move_fields(chain, (b, a), (to, from), &fields);
    }
    if chain.rng.percent(70) {
        // (pointer, length) at the start of each element: copied to fresh memory and patched.
        let pointer = chain.load(a, "i32.load", from, 0);
        let length = chain.load(a, "i32.load", from, 4);
        let allocate = chain.allocate("b", "$inner", 1, "(local.get $length)");
        let copy = chain.copy(
            b,
            a,
            "(local.get $inner)",
            "(i32.and (local.get $pointer) (i32.const 127))",
            "(local.get $length)",
        );
        let patch = chain.store(b, "i32.store", to, 0, "(local.get $inner)")
            + &chain.store(b, "i32.store", to, 4, "(local.get $length)");
        each += &format!(
            "(block (local.set $pointer {pointer}) (local.set $length (i32.and {length} (i32.const 15)))
      {allocate} {copy} {patch})"
        );
    }
    let noise = chain.noise(&["$at", "$n", "$length"]);
    // What the callee does: sums a field of all elements.
    let field = chain.rng.pick(&[0, 4, 8]);
    let load = chain.load(b, "i32.load", "(i32.add (local.get $p) (local.get $at))", field);
    let _ = writeln!(
        chain.text,
        "(func $sum{id} (type $two) (param $p i32) (param $n i32) (result i32) (local $at i32) (local $sum i32)
  (loop $next
    (if (local.get $n) (then
      (local.set $sum (i32.add (local.get $sum) {load}))
      (local.set $at (i32.add (local.get $at) (i32.const {stride})))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $next))))
  (local.get $sum))"
    );
    let call = chain.call(&format!("$sum{id}"), "$two", "(local.get $copy) (local.get $n)");
    let _ = writeln!(
        chain.text,
        "(func $list{id} (type $two) (param $p i32) (param $n i32) (result i32)
  (local $copy i32) (local $at i32) (local $end i32) (local $inner i32) (local $pointer i32) (local $length i32)
  (block {allocate} {head}
    (local.set $end {size})
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      {each}
      {noise}
      (local.set $at (i32.add (local.get $at) (i32.const {stride})))
      (br $next))))
  {call})"
    );
    let words = chain.store(a, "i32.store", "(i32.const 128)", 0, "(local.get $x)")
        + &chain.store(a, "i32.store", "(i32.const 128)", stride + 4, "(local.get $n)");
    let call =
        chain.call(&format!("$list{id}"), "$two", "(i32.const 128) (i32.and (local.get $n) (i32.const 7))");
    chain.driver("", &format!("{words} {call}"));
}
