;; The address of the store wraps around to a small one; the load, with the same distance in its offset, is out of bounds.
;; FUSED: on
;; SILENT: forwarded-loads
(module
  (import "env" "host" (func $host (param i32)))
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32)
    (i32.store $b (i32.add (local.get $x) (i32.const 16)) (local.get $y))
    (i32.load $b offset=16 (local.get $x)))
  (func (export "sum") (param $x i32) (result i32)
    (local $f i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 16))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x))
    (call $host (local.get $f))
    (global.set $sp (i32.add (local.get $f) (i32.const 16))) (local.get $x))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
