;; A local costs as much as an operator of one operand.
;; SILENT: carried-values
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (param $x i64) (param $c i64) (result i64)
    (local.set $n (i32.and (local.get $n) (i32.const 31)))
    (loop $next
      (local.set $x (i64.add (i64.popcnt (local.get $x)) (local.get $c)))
      (i64.store (i32.const 0) (i64.popcnt (local.get $x)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $x)))
