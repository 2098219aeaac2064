;; Both loops of a nest, the inner one leaves to the header of the outer one.
;; FIRES: rotated-loops
(module
  (memory (export "m") 1)
  (func (export "f") (param $n i32) (result i32) (local $i i32) (local $j i32) (local $r i32)
    (local.set $n (i32.and (local.get $n) (i32.const 7)))
    (block $out
      (loop $outer
        (br_if $out (i32.ge_u (local.get $i) (local.get $n)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $j (local.get $i))
        (loop $inner
          (br_if $outer (i32.eqz (local.get $j)))
          (local.set $j (i32.sub (local.get $j) (i32.const 1)))
          (local.set $r (i32.xor (i32.mul (local.get $r) (i32.const 33)) (local.get $j)))
          (i32.store (i32.const 0) (local.get $r))
          (br $inner))))
    (local.get $r)))
