;; A pointer to it was stored, and a function reads through that.
;; FUSED: on
;; SILENT: dead-stores
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x))
    (i32.store $b (i32.const 64) (local.get $f))
    (local.set $r (call $seen))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  (func $seen (export "seen") (result i32) (loop $l (br_if $l (i32.eqz (global.get $n))))
    (i32.load $a (i32.and (i32.load $b (i32.const 64)) (i32.const 0x1fff8))))
  (global $n i32 (i32.const 1)))
