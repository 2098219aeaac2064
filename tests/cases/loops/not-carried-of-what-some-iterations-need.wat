;; It is computed in every iteration, but only some need it: there it is computed in the end.
;; SILENT: carried-values
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (param $x f64) (param $c f64) (result f64) (local $s f64)
    (local.set $n (i32.and (local.get $n) (i32.const 31)))
    (loop $next
      (local.set $s (f64.mul (local.get $x) (local.get $x)))
      (if (i32.and (local.get $n) (i32.const 1))
        (then (f64.store (i32.const 8) (local.get $s))))
      (local.set $x (f64.add (local.get $x) (local.get $c)))
      (f64.store (i32.const 0) (f64.mul (local.get $x) (local.get $x)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $x)))
