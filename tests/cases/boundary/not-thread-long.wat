;; The block with the test is long.
;; FUSED: on
;; FIRES: forwarded-loads
;; SILENT: threaded-branches
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (if (local.get $x)
      (then (i32.store8 $a (local.get $f) (i32.const 0)))
      (else (i32.store8 $a (local.get $f) (i32.const 1))))
    (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 3)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 5)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 7)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 9)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 11)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 13)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 15)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 17)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 19)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 21)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 23)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 25)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 27)) (local.get $y))) (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 29)) (local.get $y)))
    (if (i32.load8_u $a (local.get $f)) (then (local.set $r (i32.add (local.get $r) (i32.const 1)))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
