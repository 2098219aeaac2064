;; There are two ways back.
;; SILENT: carried-values
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (param $x f64) (param $c f64) (result f64)
    (local.set $n (i32.and (local.get $n) (i32.const 31)))
    (loop $next
      (local.set $x (f64.add (f64.mul (local.get $x) (local.get $x)) (local.get $c)))
      (f64.store (i32.const 0) (f64.mul (local.get $x) (local.get $x)))
      (if (i32.eq (local.get $n) (i32.const 9))
        (then (local.set $n (i32.const 3)) (f64.store (i32.const 8) (local.get $x)) (br $next)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (i32.gt_s (local.get $n) (i32.const 0))))
    (local.get $x)))
