;; A loop with a loop in it, which is unrolled.
;; FIRES: unrolled-loops
(module
  (func (export "f") (param $x i32) (result i32) (local $i i32) (local $j i32)
    (loop $next
      (local.set $j (i32.const 0))
      (loop $inner
        (local.set $x (i32.xor (i32.shl (local.get $x) (i32.const 3)) (local.get $j)))
        (br_if $inner (i32.ne (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 8))))
      (br_if $next (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 32))))
    (local.get $x)))
