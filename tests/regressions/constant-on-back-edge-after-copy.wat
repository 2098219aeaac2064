;; On the way back to the loop b gets a's old value and a gets a constant. The copy was planned for the edge itself, after the
;; branch, while the constant was written before the branch: with both in one local b would have been the constant. The
;; stack-code checker refused the code (so nothing wrong was ever written out) and the function was lowered in a plainer way.
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32)
    (local $a i32) (local $b i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    loop $again
      (i32.store16 offset=4 (local.get $n) (local.get $b))
      (local.set $b (local.get $a))
      (local.set $a (i32.const 1))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0)))
    end))
