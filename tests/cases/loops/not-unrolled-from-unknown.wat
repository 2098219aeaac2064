;; The counter starts with a parameter.
;; SILENT: unrolled-loops
(module
  (func (export "f") (param $x i32) (param $i i32) (result i32)
    (local.set $i (i32.and (local.get $i) (i32.const 14)))
    (loop $next
      (local.set $x (i32.xor (i32.shl (local.get $x) (i32.const 3)) (local.get $i)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 32))))
    (local.get $x)))
