;; The test of the loop goes to its end; the way back is a jump.
;; FIRES: rotated-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $i i32) (param $n i32)
    (local.set $n (i32.and (local.get $n) (i32.const 15)))
    (block $out
      (loop $next
        (br_if $out (i32.eqz (local.get $n)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (i32.store (i32.and (local.get $i) (i32.const 255)) (local.get $n))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $next)))))
