;; Operators with two results: used, half used, not used, in a loop.
;; RULES: -
(module
  (func (export "used") (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "half") (param i64 i64) (result i64)
    (local i64)
    (i64.mul_wide_u (local.get 0) (local.get 1))
    (local.set 2) (drop) (local.get 2))
  (func (export "unused") (param i64 i64) (result i64)
    (i64.mul_wide_s (local.get 0) (local.get 1))
    (drop) (drop) (local.get 0))
  (func (export "loop") (param $n i32) (param $x i64) (result i64)
    (local $lo i64) (local $hi i64)
    (local.set $n (i32.add (i32.and (local.get $n) (i32.const 7)) (i32.const 1)))
    (loop $again
      (i64.add128 (local.get $lo) (local.get $hi) (local.get $x) (i64.const 1))
      (local.set $hi) (local.set $lo)
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.xor (local.get $lo) (local.get $hi))))
