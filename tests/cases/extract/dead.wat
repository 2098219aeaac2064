;; Dead values, dead parameters of blocks and dead loops' counters; a loop that may not end stays.
(module
  (func (export "value") (param i32 i32) (result i32)
    (drop (i32.mul (local.get 0) (local.get 1)))
    (local.get 0))
  (func (export "loop_parameter") (param $n i32) (result i32)
    (local $unused i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (loop $again
      (local.set $unused (i32.add (local.get $unused) (local.get $n)))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0)))
    )
    (local.get $n)))
