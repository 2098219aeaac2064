;; An exception leaves the function with the pointer low, and whoever catches it finds it there.
;; FUSED: on
;; NOT-RUN: exceptions
;; SILENT: stack-pointer-writes
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (tag $t)
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (i32.add (local.get $f) (i32.and (local.get $y) (i32.const 7))) (local.get $x))
    (local.set $r (i32.load $a (local.get $f)))
    (if (i32.eqz (local.get $r)) (then (throw $t)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
