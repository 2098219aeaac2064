;; A tag is stored on two ways, tested behind them.
;; FUSED: on
;; FIRES: forwarded-loads threaded-branches dead-stores stack-pointer-writes
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (if (local.get $x)
      (then (i32.store8 $a (local.get $f) (i32.const 0)) (i32.store $a offset=4 (local.get $f) (local.get $y)))
      (else (i32.store8 $a (local.get $f) (i32.const 1)) (i32.store $a offset=4 (local.get $f) (i32.const 7))))
    (if (i32.load8_u $a (local.get $f))
      (then (local.set $r (i32.load $a offset=4 (local.get $f))))
      (else (local.set $r (i32.add (i32.load $a offset=4 (local.get $f)) (i32.const 100)))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
