;; The constant comes through a parameter of the caller, and through a recursion.
;; FIRES: constants-between-functions
(module
  (memory 1)
  (func $g (param i32 i32) (result i32)
    (if (result i32) (i32.load (local.get 0))
      (then (call $g (i32.sub (local.get 0) (i32.const 4)) (local.get 1)))
      (else (i32.shl (local.get 0) (local.get 1)))))
  (func $f (param i32 i32) (result i32) (call $g (local.get 0) (local.get 1)))
  (func (export "a") (param i32) (result i32) (call $f (i32.and (local.get 0) (i32.const 255)) (i32.const 5))))
