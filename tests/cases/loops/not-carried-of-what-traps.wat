;; A division may trap before the loop where the loop did not come to it.
;; SILENT: carried-values
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (param $x i32) (param $c i32) (result i32)
    (local.set $n (i32.and (local.get $n) (i32.const 31)))
    (loop $next
      (i32.store (i32.const 4) (local.get $n))
      (local.set $x (i32.xor (i32.div_s (local.get $x) (local.get $c)) (local.get $n)))
      (i32.store (i32.const 0) (i32.div_s (local.get $x) (local.get $c)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $x)))
