;; Two ways back: the counter goes on in different ways.
;; SILENT: unrolled-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $x i32) (result i32) (local $i i32)
    (block $out
      (loop $next
        (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 5)) (i32.const 7)))
        (br_if $out (i32.ge_u (local.get $i) (i32.const 32)))
        (if (i32.and (local.get $x) (i32.const 64))
          (then
            (local.set $i (i32.add (local.get $i) (i32.const 2)))
            (i32.store (i32.const 0) (local.get $x))
            (br $next)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $x)))
