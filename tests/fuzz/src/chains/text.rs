//! Strings between memories: plain copies, and transcoding loops as adapters inline them.

use super::Chain;
use std::fmt::Write;

/// A callee that reads `$n` elements of one or two bytes at `$p` of its memory.
fn reader(chain: &mut Chain<'_>, name: &str, wide: bool) {
    let (op, shift) = if wide { ("i32.load16_u", 1) } else { ("i32.load8_u", 0) };
    let at = format!("(i32.add (local.get $p) (i32.shl (local.get $i) (i32.const {shift})))");
    let at = if shift == 0 { "(i32.add (local.get $p) (local.get $i))".to_owned() } else { at };
    let load = chain.load(chain.b, op, &at, 0);
    let mix = chain
        .rng
        .pick(&["(i32.mul (local.get $h) (i32.const 31))", "(i32.rotl (local.get $h) (i32.const 5))"]);
    let noise = chain.noise(&["$h", "$n"]);
    let export = chain.export(&name[1..]);
    let guard = "(local.set $p (i32.and (local.get $p) (i32.const 0x1fff))) (local.set $n (i32.and (local.get $n) (i32.const 63)))";
    let _ = writeln!(
        chain.text,
        "(func {name} {export} (type $two) (param $p i32) (param $n i32) (result i32) (local $i i32) (local $h i32)
  {guard}
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
    (local.set $h (i32.add {mix} {load}))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br $next)))
  {noise} (local.get $h))"
    );
}

/// What the callee frees after the result was read.
fn post_return(chain: &mut Chain<'_>, id: usize) -> String {
    if !chain.rng.percent(50) {
        return String::new();
    }
    let store = chain.store(chain.b, "i32.store8", "(local.get $p)", 0, "(i32.const 0)");
    let reset = if chain.rng.percent(50) { "(global.set $bump_b (i32.const 4096))" } else { "" };
    let _ = writeln!(
        chain.text,
        "(func $post{id} (type $void1) (param $p i32)
  (local.set $p (i32.and (local.get $p) (i32.const 0x1fff))) {store} {reset})"
    );
    chain.call(&format!("$post{id}"), "$void1", "(local.get $copy)")
}

/// A string in, a number out.
pub fn string(chain: &mut Chain<'_>) {
    let id = chain.piece;
    reader(chain, &format!("$read{id}"), false);
    let post = post_return(chain, id);
    let guard = if chain.rng.percent(40) {
        "(if (i32.gt_u (local.get $n) (i32.const 1048576)) (then (unreachable)))"
    } else {
        ""
    };
    let align = chain.rng.pick(&[1, 1, 2, 4]);
    let allocate = chain.allocate("b", "$copy", align, "(local.get $n)");
    let copy = chain.copy(chain.b, chain.a, "(local.get $copy)", "(local.get $p)", "(local.get $n)");
    let call = chain.call(&format!("$read{id}"), "$two", "(local.get $copy) (local.get $n)");
    let (one, two) = (chain.noise(&["$p", "$n"]), chain.noise(&["$p", "$r"]));
    let _ = writeln!(
        chain.text,
        "(func $string{id} (type $two) (param $p i32) (param $n i32) (result i32) (local $copy i32) (local $r i32)
  (block {guard} {allocate} {one} {copy} (local.set $r {call}) {post} {two})
  (local.get $r))"
    );
    let word = chain.store(chain.a, "i32.store", "(local.get $p)", 0, "(local.get $x)");
    let call =
        chain.call(&format!("$string{id}"), "$two", "(local.get $p) (i32.and (local.get $n) (i32.const 31))");
    let noise = chain.noise(&["$x", "$n"]);
    chain.driver(
        "(local $p i32)",
        &format!("(local.set $p (i32.add (i32.and (local.get $x) (i32.const 63)) (i32.const 64))) {word} {noise} {call}"),
    );
}

/// A string that changes its encoding on the way: the loop stands in the adapter.
pub fn transcode(chain: &mut Chain<'_>) {
    let id = chain.piece;
    let (a, b) = (chain.a, chain.b);
    let widen = chain.rng.percent(50);
    reader(chain, &format!("$read{id}"), widen);
    let allocate = chain.allocate("b", "$copy", 2, "(i32.shl (local.get $n) (i32.const 1))");
    let load = chain.load(a, "i32.load8_u", "(i32.add (local.get $p) (local.get $i))", 0);
    let step = if widen {
        // Latin-1 to UTF-16.
        let at = "(i32.add (local.get $copy) (i32.shl (local.get $i) (i32.const 1)))";
        chain.store(b, "i32.store16", at, 0, "(local.get $c)")
            + "(local.set $j (i32.add (local.get $j) (i32.const 1)))"
    } else {
        // Latin-1 to UTF-8: one byte or two.
        let at = "(i32.add (local.get $copy) (local.get $j))";
        let plain = chain.store(b, "i32.store8", at, 0, "(local.get $c)");
        let lead = chain.store(
            b,
            "i32.store8",
            at,
            0,
            "(i32.or (i32.const 0xc0) (i32.shr_u (local.get $c) (i32.const 6)))",
        );
        let rest = chain.store(
            b,
            "i32.store8",
            at,
            1,
            "(i32.or (i32.const 0x80) (i32.and (local.get $c) (i32.const 63)))",
        );
        format!(
            "(if (i32.lt_u (local.get $c) (i32.const 128))
      (then {plain} (local.set $j (i32.add (local.get $j) (i32.const 1))))
      (else {lead} {rest} (local.set $j (i32.add (local.get $j) (i32.const 2)))))"
        )
    };
    let call = chain.call(&format!("$read{id}"), "$two", "(local.get $copy) (local.get $j)");
    let (one, two) = (chain.noise(&["$c", "$i"]), chain.noise(&["$n", "$j"]));
    let _ = writeln!(
        chain.text,
        "(func $transcode{id} (type $two) (param $p i32) (param $n i32) (result i32)
  (local $copy i32) (local $i i32) (local $j i32) (local $c i32)
  (block {allocate}
    (block $done (loop $next
      (br_if $done (i32.eq (local.get $i) (local.get $n)))
      (local.set $c {load})
      {step} {one}
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    {two})
  {call})"
    );
    let call = format!("$transcode{id}");
    let call = chain.call(
        &call,
        "$two",
        "(i32.add (i32.and (local.get $x) (i32.const 63)) (i32.const 64)) (i32.and (local.get $n) (i32.const 15))",
    );
    chain.driver("", &call);
}
