;; A copy leads on to a shared memory: another thread may have stored in between.
;; FUSED: on
;; NOT-RUN: shared memory
;; SILENT: forwarded-loads forward-store load-through-copy load-through-copy-at
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (memory $w 1 1 shared)
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $w (i32.const 64) (local.get $x))
    (memory.copy $a $w (local.get $f) (i32.const 64) (i32.const 4))
    (local.set $r (i32.load $a (local.get $f)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r)))
