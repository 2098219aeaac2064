;; The step is a parameter.
;; SILENT: unrolled-loops
(module
  (func (export "f") (param $x i32) (param $s i32) (result i32) (local $i i32)
    (local.set $s (i32.or (local.get $s) (i32.const 1)))
    (loop $next
      (local.set $x (i32.xor (i32.shl (local.get $x) (i32.const 3)) (local.get $i)))
      (br_if $next (i32.and (local.tee $i (i32.add (local.get $i) (local.get $s))) (i32.const 31))))
    (local.get $x)))
