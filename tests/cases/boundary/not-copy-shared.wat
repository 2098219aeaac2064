;; Other threads see a shared memory in between.
;; FUSED: on
;; NOT-RUN: wasmi has no threads
;; SILENT: expanded-copies
(module
  (import "env" "host" (func $host (param i32)))
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (memory $w 1 1 shared)
  (func (export "f") (param $x i32) (param $y i32) (result i32)
    (memory.copy $w $b (local.get $x) (local.get $y) (i32.const 8))
    (i32.load $w (i32.const 64)))
  (func (export "g") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) 
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x)) (call $host (local.get $f)) (local.set $r (local.get $x))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere w") (param i32)
    (drop (i32.load $w (local.get 0)))
    (memory.fill $w (local.get 0) (i32.const 0) (i32.const 0))))
