;; Constants of the header that the loop uses do not become parameters of it.
;; FIRES: rotated-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (local $a i32)
    (i32.store8 (i32.const 64) (i32.and (local.get $n) (i32.const 15)))
    (block $out
      (loop $next
        (br_if $out (i32.eqz (i32.load8_u (local.tee $a (i32.const 64)))))
        (i32.store8 (local.get $a) (i32.sub (i32.load8_u (local.get $a)) (i32.const 1)))
        (i32.store (i32.const 4) (i32.add (i32.load (i32.const 4)) (local.get $n)))
        (br $next)))))
