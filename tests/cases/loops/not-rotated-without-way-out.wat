;; Both ways of the header stay in the loop.
;; SILENT: rotated-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (result i32) (local $i i32)
    (local.set $n (i32.and (local.get $n) (i32.const 31)))
    (loop $next
      (if (i32.and (local.get $i) (i32.const 1))
        (then (i32.store (i32.const 0) (local.get $i)))
        (else (i32.store (i32.const 4) (local.get $n))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $i)))
