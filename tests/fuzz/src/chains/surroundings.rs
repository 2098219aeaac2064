//! What stands around the functions of [`super::promoted`] and [`super::deep`]: memories, stack pointers, allocators of the shape that is
//! recognised, and functions that write frames and buffers.

use crate::rng::Rng;
use std::fmt::Write;

/// An allocator that keeps its pointer at 16 and the size of a block before it.
pub(super) fn allocator(rng: &mut Rng, memory: char, free: &str) -> String {
    let header = rng.pick(&[4, 8]);
    let export = match memory {
        'b' => "(export \"cabi_realloc\")",
        _ if rng.percent(85) => "(export \"cabi_realloc$1\")",
        _ => "",
    };
    let drop = match rng.below(3) {
        0 => format!("(func $drop_{memory} (param $p i32) (return_call {free} (local.get $p)))"),
        _ => format!("(func $drop_{memory} (param $p i32) (call {free} (local.get $p)))"),
    };
    format!(
        "(func $realloc_{memory} {export} (param i32 i32 i32 i32) (result i32) (local $p i32) (local $end i32)
  (if (i32.gt_u (local.get 3) (i32.const 64)) (then (unreachable)))
  (local.set $p (i32.add (i32.load ${memory} (i32.const 16)) (i32.const 8)))
  (local.set $end (i32.add (local.get $p) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
  (if (i32.gt_u (local.get $end) (i32.const 60000)) (then (unreachable)))
  (i32.store ${memory} (i32.sub (local.get $p) (i32.const {header})) (i32.sub (local.get $end) (local.get $p)))
  (i32.store ${memory} (i32.const 16) (local.get $end))
  (local.get $p))
(func {free} (param $p i32)
  (if (local.get $p) (then
    (if (i32.eq (i32.load ${memory} (i32.const 16))
                (i32.add (local.get $p) (i32.load ${memory} (i32.sub (local.get $p) (i32.const {header})))))
      (then (i32.store ${memory} (i32.const 16) (i32.sub (local.get $p) (i32.const 8))))
      (else (i32.store ${memory} (local.get $p) (i32.const 0x5a5a5a5a)))))))
{drop}
(func $clear_{memory} (param $p i32) (param $x i32) (result i32)
  (if (i32.eqz (global.get $one)) (then (drop (call $clear_{memory} (local.get $p) (local.get $x)))))
  (memory.fill ${memory} (local.get $p) (local.get $x) (i32.const 8)) (local.get $p))
(func $touch_{memory} (param $p i32) (result i32)
  (if (i32.eqz (global.get $one)) (then (return (call $touch_{memory} (local.get $p)))))
  (i32.store8 ${memory} offset=1 (local.get $p) (i32.add (i32.load8_u ${memory} (local.get $p)) (i32.const 3)))
  (i32.load8_u ${memory} offset=2 (local.get $p)))
(func $clobber_{memory} (param $x i32) (local $f i32)
  (if (i32.eqz (global.get $one)) (then (call $clobber_{memory} (local.get $x))))
  (local.set $f (i32.sub (global.get $sp_{memory}) (i32.const 128)))
  (global.set $sp_{memory} (local.get $f))
  (memory.fill ${memory} (local.get $f) (local.get $x) (i32.const 128))
  (drop (call $touch_{memory} (local.get $f)))
  (global.set $sp_{memory} (i32.add (local.get $f) (i32.const 128))))\n"
    )
}

/// The start of a module: imports, memories, stack pointers, data.
pub(super) fn prelude(rng: &mut Rng) -> String {
    let bytes = |rng: &mut Rng| (0..64).map(|_| format!("\\{:02x}", rng.below(256))).collect::<String>();
    let mut out = String::from(
        "(module
(import \"env\" \"log\" (func $log (param i32)))
(import \"env\" \"reenter\" (func $reenter))
(memory $a 4 5) (memory $b 4 5)
(global $one i32 (i32.const 1))
(global $sp_a (mut i32) (i32.const 250000))
(global $sp_b (mut i32) (i32.const 240000))\n",
    );
    for memory in ['a', 'b'] {
        let _ = writeln!(out, "(data (memory ${memory}) (i32.const 16) \"\\00\\20\\00\\00\")");
        let _ = writeln!(out, "(data (memory ${memory}) (i32.const 1024) \"{}\")", bytes(rng));
    }
    out
}
