;; A counter that lives in a frame becomes a parameter of the loop.
;; FUSED: on
;; FIRES: forwarded-loads dead-stores
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (i32.const 0))
    (i32.store $a offset=4 (local.get $f) (i32.and (local.get $x) (i32.const 15)))
    (block $done (loop $next
      (br_if $done (i32.eqz (i32.load $a offset=4 (local.get $f))))
      (i32.store $a offset=4 (local.get $f) (i32.sub (i32.load $a offset=4 (local.get $f)) (i32.const 1)))
      (i32.store $a (local.get $f) (i32.add (i32.load $a (local.get $f)) (local.get $y)))
      (br $next)))
    (local.set $r (i32.load $a (local.get $f)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
