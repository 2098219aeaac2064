;; What does not change in a loop and takes time is computed before it; what is cheap stays.
;; RULES: -
(module
  (func (export "f") (param $n i32) (param $x f64) (param $y f64) (result f64)
    (local $sum f64)
    (local.set $n (i32.add (i32.and (local.get $n) (i32.const 15)) (i32.const 1)))
    (loop $again
      (local.set $sum
        (f64.add
          (f64.add (local.get $sum) (f64.sqrt (f64.mul (local.get $x) (local.get $y))))
          (f64.convert_i32_s (i32.add (local.get $n) (i32.const 1)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
    )
    (local.get $sum)))
