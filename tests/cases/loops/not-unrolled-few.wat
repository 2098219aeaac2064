;; Six iterations.
;; SILENT: unrolled-loops
(module
  (func (export "f") (param $x i32) (result i32) (local $i i32)
    (loop $next
      (local.set $x (i32.xor (i32.shl (local.get $x) (i32.const 3)) (local.get $i)))
      (br_if $next (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))
    (local.get $x)))
