;; Two parameters of a loop change places each round: moves in parallel.
;; RULES: -
(module
  (func (export "swap") (param $n i32) (param $a i32) (param $b i32) (result i32 i32)
    (local $t i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    (block $out
      (loop $again
        (br_if $out (i32.eqz (local.get $n)))
        (local.set $t (local.get $a))
        (local.set $a (local.get $b))
        (local.set $b (local.get $t))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (local.get $a) (local.get $b))
  (func (export "rotate") (param $n i32) (param $a i32) (param $b i32) (param $c i32) (result i32)
    (local $t i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    (loop $again
      (local.set $t (local.get $a))
      (local.set $a (local.get $b))
      (local.set $b (local.get $c))
      (local.set $c (local.get $t))
      (br_if $again (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0)))
    )
    (i32.sub (i32.mul (local.get $a) (i32.const 3)) (i32.add (local.get $b) (i32.mul (local.get $c) (i32.const 5))))))
