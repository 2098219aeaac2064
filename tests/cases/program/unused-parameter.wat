;; Nobody needs the second parameter: it is only passed on, also around a recursion. What computes the argument goes with it.
;; FIRES: unused-parameters
(module
  (memory 1)
  (func (export "b") (param i32) (result i32) (i32.load (local.get 0)))
  (func $g (param i32 i32) (result i32)
    (if (result i32) (i32.load (local.get 0))
      (then (call $g (i32.sub (local.get 0) (i32.const 4)) (local.get 1)))
      (else (i32.load offset=4 (local.get 0)))))
  (func $f (param i32 i32) (result i32) (i32.add (call $g (local.get 0) (local.get 1)) (i32.load (local.get 0))))
  (func (export "a") (param i32 i32) (result i32)
    (i32.add
      (call $f (i32.and (local.get 0) (i32.const 255)) (i32.mul (local.get 1) (i32.const 7)))
      (call $f (i32.and (local.get 1) (i32.const 255)) (local.get 0)))))
