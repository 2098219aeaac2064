;; The second copy is shorter than the first, which is read where it is longer.
;; FUSED: on
;; SILENT: dead-stores
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (memory.copy $a $b (local.get $f) (local.get $y) (i32.const 16))
    (memory.copy $a $b (local.get $f) (local.get $x) (i32.const 4))
    (local.set $r (i32.load8_u $a (i32.add (local.get $f) (i32.and (local.get $x) (i32.const 15)))))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
