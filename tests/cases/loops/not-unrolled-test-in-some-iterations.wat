;; The test is not reached in every iteration.
;; SILENT: unrolled-loops
(module
  (func (export "f") (param $x i32) (result i32) (local $i i32)
    (block $out
      (loop $next
        (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 5)) (i32.const 7)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (if (i32.and (local.get $x) (i32.const 64))
          (then (br_if $out (i32.ge_u (local.get $i) (i32.const 32)))))
        (br_if $next (i32.and (local.get $x) (i32.const 0x1f00)))))
    (i32.add (local.get $x) (local.get $i))))
