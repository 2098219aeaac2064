;; Nothing was stored on one of the ways: the entry is reached.
;; FUSED: on
;; SILENT: forwarded-loads
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (if (local.get $x) (then (i32.store $b (i32.const 64) (local.get $y))))
    (local.set $r (i32.load $b (i32.const 64)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
