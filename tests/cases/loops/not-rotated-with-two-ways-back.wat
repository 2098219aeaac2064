;; Only one of the ways back could fall into the test.
;; SILENT: rotated-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (result i32) (local $r i32)
    (local.set $n (i32.and (local.get $n) (i32.const 31)))
    (block $out
      (loop $next
        (br_if $out (i32.eqz (local.get $n)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (if (i32.and (local.get $n) (i32.const 1))
          (then (i32.store (i32.const 0) (local.get $n)) (br $next)))
        (local.set $r (i32.add (local.get $r) (local.get $n)))
        (i32.store (i32.const 4) (local.get $r))
        (br $next)))
    (local.get $r)))
