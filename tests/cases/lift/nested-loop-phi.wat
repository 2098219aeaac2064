;; An outer value that only the inner loop changes needs a parameter in both; one that neither changes in none.
(module
  (func $f (param $n i32) (param $m i32) (result i32)
    (local $x i32) (local $j i32)
    (loop $outer
      (local.set $j (local.get $m))
      (loop $inner
        (local.set $x (i32.add (local.get $x) (i32.const 3)))
        (br_if $inner (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
      (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $x)))
