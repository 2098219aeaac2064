//! Callees for [`super::promoted`] that stay functions: of buffers that they are passed, and of a frame in which the address of one is.
//!
//! A *reader* reads what it is passed, and does one thing more that it may or may not for a copy of it to read the caller's memory. An
//! *entry* of memory `$a` calls an adapter into `$b` twice; behind it stands a function that gets the address of a frame, and which is
//! called from elsewhere as well.

use crate::rng::Rng;

/// The reader of a memory: `(pointer, length) -> i32`; whether it gives back what it is passed.
pub(super) fn reader(rng: &mut Rng, memory: char, free: &str) -> (String, bool) {
    let other = if memory == 'a' { 'b' } else { 'a' };
    let step = |more: &str| {
        format!(
            "(local.set $h (i32.xor (i32.rotl (local.get $h) (i32.const 5)) (i32.load8_u ${memory} (i32.add (local.get $p) (local.get $i))))) {more}"
        )
    };
    let owns = rng.percent(30);
    let some = "(i32.gt_u (local.get $n) (i32.const 1))";
    // For what touches the first three bytes.
    let three = "(i32.gt_u (local.get $n) (i32.const 2))";
    let (inside, behind) = match rng.below(14) {
        0 => (String::new(), format!("(i32.store ${memory} (i32.const 500) (local.get $p))")),
        1 => (
            String::new(),
            format!(
                "(if {some} (then (i32.store8 ${memory} (local.get $p) (local.get $h)) (local.set $h (i32.load8_u ${memory} (local.get $p)))))"
            ),
        ),
        2 => (format!("(i32.store8 ${other} (i32.const 1026) (local.get $h))"), String::new()),
        3 => (
            String::new(),
            format!(
                "(if {three} (then (local.set $h (i32.xor (local.get $h) (call $touch_{memory} (local.get $p))))))"
            ),
        ),
        4 => (
            String::new(),
            format!(
                "(if {some} (then (memory.copy ${memory} ${memory} (local.get $p) (i32.const 1024) (i32.const 2)) (local.set $h (i32.load8_u ${memory} offset=1 (local.get $p)))))"
            ),
        ),
        5 => (String::new(), "(call $log (local.get $h))".to_owned()),
        6 => (
            String::new(),
            format!(
                "(memory.copy ${memory} ${memory} (i32.const 600) (local.get $p) (local.get $n)) (local.set $h (i32.add (local.get $h) (i32.load16_u ${memory} (i32.const 601))))"
            ),
        ),
        7 => (String::new(), "(if (i32.eqz (local.get $p)) (then (local.set $h (i32.const 9))))".to_owned()),
        8 => (
            String::new(),
            format!(
                "(if {some} (then (local.set $h (i32.add (local.get $h) (call $read_{memory} (i32.add (local.get $p) (i32.const 1)) (i32.sub (local.get $n) (i32.const 2)))))))"
            ),
        ),
        _ => (String::new(), String::new()),
    };
    // One that passes the rest on to itself cannot give it back.
    let owns = owns && !behind.contains("$read_");
    let end = if owns { format!("(call {free} (local.get $p))") } else { String::new() };
    let body = step(&inside);
    let mixed: String = (1..8)
        .map(|k| format!("(local.set $h (i32.add (local.get $h) (i32.rotl (local.get $h) (i32.const {k}))))"))
        .collect();
    let text = format!(
        "(func $read_{memory} (param $p i32) (param $n i32) (result i32) (local $i i32) (local $h i32)
  (block $d (loop $l (br_if $d (i32.ge_u (local.get $i) (local.get $n))) {body}
    (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))
  {mixed} {behind} {end} (local.get $h))
(func (export \"read_{memory}\") (result i32) (i32.store8 ${memory} (i32.const 1025) (i32.const 5)) (call $read_{memory} (i32.const 8192) (i32.const 0)))\n"
    );
    (text, owns)
}

/// Entries of `$a` that call into `$b` twice.
pub(super) fn entry(rng: &mut Rng, free: &str) -> String {
    let grow: String = (0..rng.below(3))
        .map(|k| {
            format!("(local.set $h (i32.xor (local.get $h) (i32.shl (local.get $h) (i32.const {}))))", k + 2)
        })
        .collect();
    let end = match rng.below(4) {
        0 => String::new(),
        1 => "(i32.store $b offset=4 (local.get $f) (i32.const 0))".to_owned(),
        _ => {
            format!("(call {free} (i32.load $b (local.get $f))) (i32.store $b (local.get $f) (i32.const 0))")
        }
    };
    let keep = match rng.below(6) {
        0 => "(i32.store $b (i32.const 700) (i32.load $b (local.get $f)))",
        1 => "(i32.store $b (i32.const 704) (local.get $f))",
        2 => {
            "(if (i32.load $b offset=4 (local.get $f)) (then (i32.store8 $b (i32.load $b (local.get $f)) (i32.const 3)) (local.set $h (i32.load8_u $b (i32.load $b (local.get $f))))))"
        }
        _ => "",
    };
    let between = match rng.below(4) {
        0 => "(call $clobber_a (local.get $r))",
        1 => "(i32.store8 $a (i32.const 1026) (local.get $r))",
        2 => "(call $clobber_b (local.get $r))",
        _ => "",
    };
    format!(
        "(func $deep (param $f i32) (result i32) (local $i i32) (local $h i32)
  (block $d (loop $l (br_if $d (i32.ge_u (local.get $i) (i32.load $b offset=4 (local.get $f))))
    (local.set $h (i32.add (i32.mul (local.get $h) (i32.const 31)) (i32.load8_u $b (i32.add (i32.load $b (local.get $f)) (local.get $i)))))
    (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))
  {grow} {keep} {end} (local.get $h))
(func $wrap (param $p i32) (param $n i32) (result i32) (local $f i32) (local $r i32)
  (local.set $f (i32.sub (global.get $sp_b) (i32.const 16))) (global.set $sp_b (local.get $f))
  (i32.store $b offset=12 (local.get $f) (local.get $n))
  (i32.store $b offset=8 (local.get $f) (local.get $p))
  (local.set $r (call $deep (i32.add (local.get $f) (i32.const 8))))
  (global.set $sp_b (i32.add (local.get $f) (i32.const 16)))
  (local.get $r))
(func $cross (param $s i32) (param $n i32) (result i32) (local $p i32)
  (local.set $p (call $realloc_b (i32.const 0) (i32.const 0) (i32.const 1) (local.get $n)))
  (memory.copy $b $a (local.get $p) (local.get $s) (local.get $n))
  (call $wrap (local.get $p) (local.get $n)))
(func (export \"enter\") (param $x i32) (param $n i32) (result i32) (local $r i32)
  (i32.store $a (i32.const 16) (i32.const 8192))
  (call $restart)
  (local.set $r (call $cross (i32.add (i32.const 1024) (i32.and (local.get $x) (i32.const 7))) (i32.and (local.get $n) (i32.const 15))))
  {between}
  (i32.add (local.get $r) (call $cross (i32.const 1024) (i32.and (local.get $x) (i32.const 7)))))
(func $restart (i32.store $b (i32.const 16) (i32.const 8192)))
(func (export \"deep\") (result i32) (local $f i32) (local $r i32)
  (local.set $f (i32.sub (global.get $sp_b) (i32.const 16))) (global.set $sp_b (local.get $f))
  (i32.store $b offset=12 (local.get $f) (i32.const 0))
  (i32.store $b offset=8 (local.get $f) (i32.const 0))
  (local.set $r (call $deep (i32.add (local.get $f) (i32.const 8))))
  (global.set $sp_b (i32.add (local.get $f) (i32.const 16)))
  (local.get $r))\n"
    )
}
