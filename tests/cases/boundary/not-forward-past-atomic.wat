;; An atomic operation is done on it.
;; FUSED: on
;; NOT-RUN: wasmi has no threads
;; SILENT: forwarded-loads
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x))
    (drop (i32.atomic.rmw.add $a (local.get $f) (local.get $y)))
    (local.set $r (i32.load $a (local.get $f)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
