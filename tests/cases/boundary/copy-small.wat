;; A copy of constant size in pieces; ranges that overlap are copied as one.
;; FUSED: on
;; FIRES: expanded-copies
(module
  (import "env" "host" (func $host (param i32)))
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32)
    (i64.store $b (local.get $x) (i64.const 0x1122334455667788))
    (i32.store $b offset=8 (local.get $x) (local.get $y))
    (memory.copy $b $b (i32.add (local.get $x) (i32.const 3)) (local.get $x) (i32.const 11))
    (i32.load $b offset=4 (i32.and (local.get $x) (i32.const 0xfff))))
  (func (export "g") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x)) (call $host (local.get $f)) (local.set $r (local.get $x))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
