;; The condition needs more than what comes with the edge.
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
      (then (i32.store8 $a (local.get $f) (i32.const 2)))
      (else (i32.store8 $a (local.get $f) (i32.const 1))))
    (if (i32.and (i32.load8_u $a (local.get $f)) (local.get $y)) (then (local.set $r (i32.add (local.get $r) (i32.const 1)))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
