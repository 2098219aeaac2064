;; Labels of outer loops and blocks from inside.
;; RULES: -
(module
  (func (export "f") (param $n i32) (param $m i32) (result i32)
    (local $i i32) (local $j i32) (local $count i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (block $out
      (loop $outer
        (br_if $out (i32.ge_u (local.get $i) (local.get $n)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $j (i32.const 0))
        (loop $inner
          (br_if $outer (i32.ge_u (local.get $j) (local.get $i)))
          (local.set $j (i32.add (local.get $j) (i32.const 1)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $out (i32.eq (local.get $count) (local.get $m)))
          (br $inner))))
    (local.get $count)))
