;; The loop counts to 32, with another way out: of two iterations one tests the counter. What is left of it differs by the way out.
;; FIRES: unrolled-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $x i32) (result i32) (local $i i32) (local $y i32)
    (block $out
      (loop $next
        (local.set $y (i32.add (i32.mul (local.get $y) (i32.const 5)) (local.get $x)))
        (br_if $out (i32.gt_u (local.get $y) (i32.const 100000)))
        (i32.store (i32.and (local.get $y) (i32.const 255)) (local.get $i))
        (br_if $next (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 32)))))
    (i32.add (local.get $i) (local.get $y))))
