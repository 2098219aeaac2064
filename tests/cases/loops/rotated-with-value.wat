;; What the header computes is used in the loop and behind it, and its load may trap.
;; FIRES: rotated-loops
(module
  (memory (export "m") 1)
  (data (i32.const 0) "abcdefghijk")
  (func (export "f") (param $p i32) (result i32) (local $c i32) (local $r i32)
    (block $out
      (loop $next
        (br_if $out (i32.lt_u (local.tee $c (i32.load8_u (local.get $p))) (i32.const 32)))
        (local.set $r (i32.add (i32.mul (local.get $r) (i32.const 31)) (local.get $c)))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $next)))
    (i32.add (i32.add (local.get $r) (local.get $c)) (local.get $p))))
