;; More instructions than are copied.
;; SILENT: unrolled-loops
(module
  (func (export "f") (param $x i32) (result i32) (local $i i32)
    (loop $next
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 3)) (i32.shr_u (local.get $x) (i32.const 5))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 5)) (i32.shr_u (local.get $x) (i32.const 6))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 7)) (i32.shr_u (local.get $x) (i32.const 7))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 9)) (i32.shr_u (local.get $x) (i32.const 8))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 11)) (i32.shr_u (local.get $x) (i32.const 9))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 13)) (i32.shr_u (local.get $x) (i32.const 10))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 15)) (i32.shr_u (local.get $x) (i32.const 11))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 17)) (i32.shr_u (local.get $x) (i32.const 12))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 19)) (i32.shr_u (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 21)) (i32.shr_u (local.get $x) (i32.const 14))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 23)) (i32.shr_u (local.get $x) (i32.const 15))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 25)) (i32.shr_u (local.get $x) (i32.const 16))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 27)) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 29)) (i32.shr_u (local.get $x) (i32.const 18))))
      (br_if $next (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 32))))
    (local.get $x)))
