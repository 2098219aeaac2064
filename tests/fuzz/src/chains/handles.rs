//! Handle tables of resources, drivers of async callbacks, streams.

use super::Chain;
use std::fmt::Write;

/// Where the slots of a handle table start.
const BASE: u32 = 3000;

/// A handle table with its destructor, slots in memory or in a table of functions.
pub fn table(chain: &mut Chain<'_>) {
    let (b, id) = (chain.b, chain.piece);
    if chain.rng.percent(35) {
        return function_slots(chain);
    }
    let _ = writeln!(chain.text, "(global $next{id} (mut i32) (i32.const {BASE}))");
    let slot = chain.store(b, "i32.store", "(local.get $h)", 0, "(local.get $rep)");
    let _ = writeln!(
        chain.text,
        "(func $new{id} (type $one) (param $rep i32) (result i32) (local $h i32)
  (local.set $h (global.get $next{id}))
  (if (i32.ge_u (local.get $h) (i32.const {})) (then (local.set $h (i32.const {BASE}))))
  (global.set $next{id} (i32.add (local.get $h) (i32.const 4)))
  {slot} (local.get $h))",
        BASE + 32
    );
    let check = match chain.rng.below(3) {
        0 => format!(
            "(if (i32.or (i32.lt_u (local.get $h) (i32.const {BASE})) (i32.ge_u (local.get $h) (i32.const {}))) (then (unreachable)))",
            BASE + 32
        ),
        1 => format!("(local.set $h (i32.add (i32.const {BASE}) (i32.and (local.get $h) (i32.const 28))))"),
        _ => "(local.set $h (i32.and (local.get $h) (i32.const 4092)))".to_owned(),
    };
    let rep = chain.load(b, "i32.load", "(local.get $h)", 0);
    let export = chain.export(&format!("rep{id}"));
    let _ = writeln!(
        chain.text,
        "(func $rep{id} {export} (type $one) (param $h i32) (result i32) {check} {rep})"
    );
    let fill = chain.store(b, "i32.store", "(i32.and (local.get $rep) (i32.const 1020))", 0, "(i32.const 0)");
    let noise = chain.noise(&["$rep"]);
    let _ = writeln!(chain.text, "(func $dtor{id} (type $void1) (param $rep i32) {fill} {noise})");
    let dtor = chain.call(&format!("$dtor{id}"), "$void1", "(local.get $rep)");
    let clear = chain.store(b, "i32.store", "(local.get $h)", 0, "(i32.const 0)");
    let _ = writeln!(
        chain.text,
        "(func $drop{id} (type $void1) (param $h i32) (local $rep i32)
  {check} (local.set $rep {rep}) {clear} (if (local.get $rep) (then {dtor})))"
    );
    // A constructor, a method, and their use.
    let allocate = chain.allocate("b", "$p", 4, "(i32.const 8)");
    let init = chain.store(b, "i32.store", "(local.get $p)", 0, "(local.get $v)");
    let new = chain.call(&format!("$new{id}"), "$one", "(local.get $p)");
    let _ = writeln!(
        chain.text,
        "(func $make{id} (type $one) (param $v i32) (result i32) (local $p i32) (block {allocate} {init}) {new})"
    );
    let at = "(i32.and (local.get $p) (i32.const 8188))";
    let old = chain.load(b, "i32.load", at, 0);
    let bump = chain.store(b, "i32.store", at, 0, &format!("(i32.add {old} (local.get $v))"));
    let rep_of = chain.call(&format!("$rep{id}"), "$one", "(local.get $h)");
    let _ = writeln!(
        chain.text,
        "(func $bump{id} (type $two) (param $h i32) (param $v i32) (result i32) (local $p i32)
  (local.set $p {rep_of}) {bump} {old})"
    );
    let mut body = String::new();
    for local in ["$h", "$k"] {
        let make = chain.call(&format!("$make{id}"), "$one", "(local.get $x)");
        body += &format!("(local.set {local} {make})\n");
    }
    for _ in 0..chain.rng.range(1, 5) {
        let h = chain.rng.pick(&["(local.get $h)", "(local.get $h)", "(local.get $k)", "(local.get $n)"]);
        let step = match chain.rng.below(5) {
            0 | 1 => {
                let call = chain.call(&format!("$bump{id}"), "$two", &format!("{h} (local.get $n)"));
                format!("(local.set $x (i32.add (local.get $x) {call}))")
            }
            // rep(new(r)) is r.
            2 => format!(
                "(local.set $x (i32.xor (local.get $x) (call $rep{id} (call $new{id} (local.get $x)))))"
            ),
            3 => chain.call(&format!("$drop{id}"), "$void1", h),
            _ => chain.noise(&["$x", "$h", "$k"]),
        };
        body += &step;
        body.push('\n');
    }
    chain.driver("(local $h i32) (local $k i32)", &(body + "(local.get $x)"));
}

/// Handles are slots of a table of functions; the representation is what the function gives.
fn function_slots(chain: &mut Chain<'_>) {
    let id = chain.piece;
    let export = chain.export(&format!("slots{id}"));
    let load = chain.load(chain.b, "i32.load", "(i32.const 64)", 0);
    let _ = writeln!(
        chain.text,
        "(table $slots{id} {export} 8 8 funcref)
(global $free{id} (mut i32) (i32.const 0))
(elem declare func $even{id} $odd{id})
(func $even{id} (type $one) (param $v i32) (result i32) (i32.shl (local.get $v) (i32.const 1)))
(func $odd{id} (type $one) (param $v i32) (result i32) (i32.add {load} (local.get $v)))
(func $new{id} (type $one) (param $rep i32) (result i32) (local $h i32)
  (local.set $h (i32.and (global.get $free{id}) (i32.const 7)))
  (global.set $free{id} (i32.add (local.get $h) (i32.const 1)))
  (if (i32.and (local.get $rep) (i32.const 1))
    (then (table.set $slots{id} (local.get $h) (ref.func $odd{id})))
    (else (table.set $slots{id} (local.get $h) (ref.func $even{id}))))
  (local.get $h))"
    );
    let (one, two) = (chain.noise(&["$x", "$h"]), chain.noise(&["$x", "$k"]));
    let drop = chain.rng.pick(&["$h", "$k", "$x"]);
    let used = chain.rng.pick(&["$h", "$k"]);
    chain.driver(
        "(local $h i32) (local $k i32)",
        &format!(
            "(local.set $h (call $new{id} (local.get $x)))
  (local.set $k (call $new{id} (local.get $n))) {one}
  (local.set $x (call_indirect $slots{id} (type $one) (local.get $n) (local.get $h)))
  (table.set $slots{id} (i32.and (local.get {drop}) (i32.const 7)) (ref.null func)) {two}
  (if (i32.eqz (ref.is_null (table.get $slots{id} (local.get {used}))))
    (then (return_call_indirect $slots{id} (type $one) (local.get $x) (local.get {used}))))
  (local.get $x)"
        ),
    );
}

/// `[async-lift]`, then `[callback]` until it exits; results travel through globals.
pub fn driver(chain: &mut Chain<'_>) {
    let (b, id) = (chain.b, chain.piece);
    let _ = writeln!(
        chain.text,
        "(global $left{id} (mut i32) (i32.const 0))
(global $ret{id} (mut i32) (i32.const 0))
(global $ret64{id} (mut i64) (i64.const 0))
(func $task_return{id} (param $v i32) (param $w i64)
  (global.set $ret{id} (local.get $v)) (global.set $ret64{id} (local.get $w)))"
    );
    let give = format!(
        "(call $task_return{id} (i32.add (local.get $e) (global.get $x)) (i64.extend_i32_s (local.get $p)))"
    );
    // Code 0 exits, 1 yields, 2 waits, 3 polls; a set in the upper bits.
    let status = chain.rng.pick(&[
        "(i32.const 1)",
        "(i32.const 0x22)",
        "(i32.or (i32.const 2) (i32.shl (global.get $x) (i32.const 4)))",
        "(i32.add (i32.const 1) (i32.and (local.get $p) (i32.const 1)))",
    ]);
    let noise = chain.noise(&["$e", "$p"]);
    let callback = chain.export(&format!("callback{id}"));
    let _ = writeln!(
        chain.text,
        "(func $callback{id} {callback} (type $three) (param $e i32) (param $p i32) (param $q i32) (result i32)
  (global.set $left{id} (i32.sub (global.get $left{id}) (i32.const 1))) {noise}
  (if (result i32) (i32.gt_s (global.get $left{id}) (i32.const 0))
    (then {status})
    (else {give} (i32.const 0))))"
    );
    let times = chain.rng.pick(&["(i32.const 0)", "(i32.const 2)", "(i32.and (local.get $p) (i32.const 3))"]);
    let start = chain.rng.pick(&[
        "(i32.const 0)",
        "(i32.const 1)",
        "(i32.const 0x12)",
        "(i32.and (local.get $e) (i32.const 3))",
    ]);
    let _ = writeln!(
        chain.text,
        "(func $start{id} (type $two) (param $e i32) (param $p i32) (result i32)
  (global.set $left{id} {times}) (if (i32.eqz {start}) (then {give})) {start})"
    );
    let words = [0, 4, 8].map(|at| {
        let value = ["(local.get $set)", "(i32.const 7)", "(global.get $x)"][at as usize / 4];
        chain.store(b, "i32.store", "(local.get $at)", at, value)
    });
    let poll = chain.noise(&["$set"]);
    let _ = writeln!(
        chain.text,
        "(func $poll{id} (type $two) (param $set i32) (param $at i32) (result i32) {} {poll} (i32.const 1))",
        words.concat()
    );
    let read = [0, 4, 8].map(|at| chain.load(b, "i32.load", "(i32.const 0)", at));
    let callback =
        chain.call(&format!("$callback{id}"), "$three", "(local.get $e) (local.get $p) (local.get $q)");
    let wait = chain.call(&format!("$poll{id}"), "$two", "(local.get $set) (i32.const 0)");
    let started = chain.call(&format!("$start{id}"), "$two", "(local.get $x) (local.get $n)");
    let noise = chain.noise(&["$status", "$set"]);
    chain.driver(
        "(local $status i32) (local $code i32) (local $set i32) (local $e i32) (local $p i32) (local $q i32) (local $turns i32)",
        &format!(
            "(local.set $status {started})
  (block $done (loop $next
    (local.set $code (i32.and (local.get $status) (i32.const 15)))
    (local.set $set (i32.shr_u (local.get $status) (i32.const 4)))
    (br_if $done (i32.eqz (local.get $code)))
    (br_if $done (i32.gt_u (local.get $turns) (i32.const 9)))
    (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
    (if (i32.or (i32.eq (local.get $code) (i32.const 2)) (i32.eq (local.get $code) (i32.const 3)))
      (then (drop {wait})
        (local.set $e {}) (local.set $p {}) (local.set $q {}))
      (else (local.set $e (i32.const 0)) (local.set $p (i32.const 0)) (local.set $q (i32.const 0))))
    {noise}
    (local.set $status {callback})
    (br $next)))
  (call $log64 (global.get $ret64{id}))
  (i32.add (global.get $ret{id}) (local.get $turns))",
            read[0], read[1], read[2]
        ),
    );
}

/// A ring buffer in the third component: written from the caller's memory, read into the callee's.
pub fn stream(chain: &mut Chain<'_>) {
    let (a, b, c, id) = (chain.a, chain.b, chain.c, chain.piece);
    let _ = writeln!(
        chain.text,
        "(global $head{id} (mut i32) (i32.const 0))\n(global $tail{id} (mut i32) (i32.const 0))"
    );
    let ring = |global: &str| {
        format!("(i32.add (i32.const 256) (i32.and (global.get {global}{id}) (i32.const 31)))")
    };
    let step =
        |global: &str| format!("(global.set {global}{id} (i32.add (global.get {global}{id}) (i32.const 1)))");
    let byte = chain.load(a, "i32.load8_u", "(i32.add (local.get $p) (local.get $i))", 0);
    let put = chain.store(c, "i32.store8", &ring("$head"), 0, &byte);
    let noise = chain.noise(&["$i", "$n"]);
    let _ = writeln!(
        chain.text,
        "(func $write{id} (type $two) (param $p i32) (param $n i32) (result i32) (local $i i32)
  (block $full (loop $next
    (br_if $full (i32.ge_u (local.get $i) (local.get $n)))
    (br_if $full (i32.ge_u (i32.sub (global.get $head{id}) (global.get $tail{id})) (i32.const 32)))
    {put} {} {noise}
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br $next)))
  (local.get $i))",
        step("$head")
    );
    let byte = chain.load(c, "i32.load8_u", &ring("$tail"), 0);
    let take = chain.store(b, "i32.store8", "(i32.add (local.get $p) (local.get $i))", 0, &byte);
    // Results: how many, and whether more is there.
    let _ = writeln!(
        chain.text,
        "(func $read{id} (param $p i32) (param $n i32) (result i32 i32) (local $i i32)
  (block $empty (loop $next
    (br_if $empty (i32.ge_u (local.get $i) (local.get $n)))
    (br_if $empty (i32.eq (global.get $head{id}) (global.get $tail{id})))
    {take} {}
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br $next)))
  (local.get $i) (i32.ne (global.get $head{id}) (global.get $tail{id})))",
        step("$tail")
    );
    let write = chain.call(
        &format!("$write{id}"),
        "$two",
        "(i32.add (i32.and (local.get $x) (i32.const 31)) (i32.const 64)) (i32.and (local.get $n) (i32.const 15))",
    );
    let last = chain.load(b, "i32.load", "(i32.const 700)", 0);
    let noise = chain.noise(&["$k", "$n"]);
    chain.driver(
        "(local $k i32) (local $more i32)",
        &format!(
            "(local.set $k {write})
  (call $read{id} (i32.const 700) (i32.and (local.get $x) (i32.const 7)))
  (local.set $more) (local.set $k (i32.add (local.get $k))) {noise}
  (i32.add (i32.shl (local.get $k) (local.get $more)) {last})"
        ),
    );
}
