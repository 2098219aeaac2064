;; A header of more than ten instructions is not copied.
;; SILENT: rotated-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (result i32) (local $i i32)
    (block $out
      (loop $next
        (i32.store (i32.const 0) (local.get $i))
        (i32.store (i32.const 4) (i32.mul (local.get $i) (local.get $n)))
        (i32.store (i32.const 8) (i32.mul (local.get $i) (local.get $i)))
        (i32.store (i32.const 12) (i32.xor (local.get $i) (local.get $n)))
        (br_if $out (i32.ge_u (local.get $i) (i32.and (local.get $n) (i32.const 7))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $i)))
