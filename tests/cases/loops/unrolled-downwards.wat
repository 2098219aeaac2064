;; A counter of 64 bits that goes down in steps; the loop is one block.
;; FIRES: unrolled-loops
(module
  (func (export "f") (param $x i64) (result i64) (local $i i64)
    (local.set $i (i64.const 30))
    (loop $next
      (local.set $x (i64.xor (i64.shl (local.get $x) (i64.const 3)) (local.get $i)))
      (br_if $next (i64.gt_s (local.tee $i (i64.sub (local.get $i) (i64.const 3))) (i64.const 0))))
    (local.get $x)))
