;; More iterations than are counted: from 2 in steps of 2 the counter never meets 5, and the other way out is taken.
;; SILENT: unrolled-loops
(module
  (func (export "f") (param $x i32) (result i32) (local $i i32)
    (block $out
      (loop $next
        (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 5)) (i32.const 7)))
        (br_if $out (i32.eqz (i32.and (local.get $x) (i32.const 255))))
        (br_if $out (i32.gt_u (local.get $i) (i32.const 50)))
        (br_if $next (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 2))) (i32.const 5)))))
    (local.get $x)))
