;; Behind the header stands the header of another loop.
;; SILENT: rotated-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (result i32) (local $i i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    (block $out
      (loop $outer
        (br_if $out (i32.eqz (local.get $n)))
        (loop $inner
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (i32.store (i32.const 0) (local.get $i))
          (br_if $inner (i32.and (local.get $i) (i32.const 3))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $outer)))
    (local.get $i)))
