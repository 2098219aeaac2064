;; The test is in the header of a loop.
;; FUSED: on
;; FIRES: forwarded-loads
;; SILENT: threaded-branches
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (i32.const 1))
    (block $done (loop $next
      (br_if $done (i32.eqz (i32.load $a (local.get $f))))
      (i32.store $a (local.get $f) (i32.and (local.get $x) (i32.const 3)))
      (local.set $x (i32.shr_u (local.get $x) (i32.const 1)))
      (local.set $r (i32.add (local.get $r) (local.get $y)))
      (br $next)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
