;; Both edges of one block lead to the test, with different tags; what the block computes is used behind.
;; FUSED: on
;; FIRES: threaded-branches
(module
  (memory $a 2)
  (memory $b 1)
  (global $sp (mut i32) (i32.const 100000))
  (func (export "f") (param $x i32) (param $y i32) (result i32) (local $f i32) (local $r i32) (local $t i32)
    (local.set $f (i32.sub (global.get $sp) (i32.const 32))) (global.set $sp (local.get $f))
    (i32.store $a (local.get $f) (local.get $x))
    (block $join (result i32)
      (br_if $join (i32.const 0) (local.get $x)) (drop) (i32.const 1))
    (local.set $t)
    (local.set $r (i32.mul (local.get $y) (i32.const 3)))
    (if (local.get $t) (then (local.set $r (i32.add (local.get $r) (i32.const 11)))))
    (local.set $r (i32.xor (local.get $r) (local.get $t)))
    (global.set $sp (i32.add (local.get $f) (i32.const 32)))
    (local.get $r))
  ;; Anything may be read and written: this is no case of constant data or of memory that nobody reads.
  (func (export "elsewhere a") (param i32)
    (drop (i32.load $a (local.get 0)))
    (memory.fill $a (local.get 0) (i32.const 0) (i32.const 0)))
  (func (export "elsewhere b") (param i32)
    (drop (i32.load $b (local.get 0)))
    (memory.fill $b (local.get 0) (i32.const 0) (i32.const 0))))
