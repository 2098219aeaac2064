;; It is read before it is written, one turn later.
;; FUSED: on
;; SILENT: dead-stores
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (i32.const 3))
    (i32.store $a offset=4 (local.get $f) (i32.const 3))
    (local.set $x (i32.add (i32.and (local.get $x) (i32.const 7)) (i32.const 1)))
    (loop $next
      (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 3)) (i32.load $a (i32.add (local.get $f) (i32.shl (i32.and (local.get $x) (i32.const 1)) (i32.const 2))))))
      (i32.store $a (local.get $f) (local.get $y))
      (br_if $next (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
