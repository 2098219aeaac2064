;; A callee that throws leaves the pointer low: the handler reads what it is.
;; FUSED: on
;; NOT-RUN: exceptions
;; SILENT: stack-pointer-reads stack-pointer-writes
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (tag $t)
  (global $n i32 (i32.const 1))
  (func $throws (export "throws") (param $x i32) (local $g i32)
    (local.set $g (i32.sub (global.get $sp) (i32.const 16)))
    (if (i32.eqz (global.get $n)) (then (return (call $throws (local.get $x)))))
    (global.set $sp (local.get $g))
    (i32.store $a (local.get $g) (local.get $x))
    (if (local.get $x) (then (throw $t)))
    (global.set $sp (i32.add (local.get $g) (i32.const 16))))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32)
    (local.set $f (global.get $sp))
    (i32.store $a (i32.sub (local.get $f) (i32.const 8)) (local.get $x))
    (block $h (try_table (catch $t $h) (call $throws (local.get $x))))
    (local.set $r (i32.sub (global.get $sp) (local.get $f)))
    (global.set $sp (local.get $f))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
