;; A copy of unknown length from an unknown source may trap.
;; FUSED: on
;; SILENT: dead-stores
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (memory.copy $a $b (local.get $f) (local.get $x) (i32.and (local.get $y) (i32.const 15)))
    (local.set $r (local.get $x))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
