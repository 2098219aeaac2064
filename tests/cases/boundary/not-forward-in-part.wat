;; A store overlaps with the load in part.
;; FUSED: on
;; SILENT: forwarded-loads
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i64.store $a (local.get $f) (i64.const 0x1122334455667788))
    (i32.store8 $a offset=1 (local.get $f) (local.get $x))
    (local.set $r (i32.load $a (local.get $f)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
