;; A result that is the same in every return, and one that is a parameter; the calls stay for what else they do.
;; FIRES: constants-between-functions
(module
  (memory (export "m") 1)
  (func $constant (param i32) (result i32)
    (if (local.get 0) (then (i32.store (i32.const 8) (local.get 0)) (return (i32.const 7))))
    (i32.store (i32.const 12) (local.get 0))
    (i32.const 7))
  (func $same (param i32) (result i32) (i32.store (i32.const 16) (i32.const 1)) (local.get 0))
  (func (export "a") (param i32) (result i32) (i32.add (call $constant (local.get 0)) (call $same (local.get 0)))))
