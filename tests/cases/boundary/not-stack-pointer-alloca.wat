;; A frame of a size that is not constant: what is read below it is not the first value plus a constant.
;; FUSED: on
;; SILENT: stack-pointer-reads stack-pointer-writes
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func $inner (param $x i32) (result i32) (local $g i32) (local $r i32)
    (local.set $g (i32.sub (global.get $sp) (i32.const 16))) (global.set $sp (local.get $g))
    (i32.store $a (local.get $g) (local.get $x))
    (i32.store8 $a (i32.add (local.get $g) (i32.and (local.get $x) (i32.const 3))) (i32.const 7))
    (local.set $r (i32.load $a (local.get $g)))
    (global.set $sp (i32.add (local.get $g) (i32.const 16)))
    (local.get $r))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32)
    (local.set $f (global.get $sp))
    (global.set $sp (i32.sub (local.get $f) (i32.and (local.get $y) (i32.const 48))))
    (local.set $r (call $inner (local.get $x)))
    (global.set $sp (local.get $f))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
