;; The distance from the frame to what a parameter points to is added to the frame: that leads out of it.
;; FUSED: on
;; SILENT: forwarded-loads
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) (local $d i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (local.set $x (i32.add (i32.and (local.get $x) (i32.const 0xfc)) (i32.const 256)))
    (local.set $d (i32.sub (local.get $x) (local.get $f)))
    (i32.store $a (local.get $x) (i32.const 1))
    (i32.store $a (i32.add (local.get $f) (local.get $d)) (local.get $y))
    (i32.store $a offset=4 (local.get $f) (local.get $y))
    (local.set $r (i32.load $a (local.get $x)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
