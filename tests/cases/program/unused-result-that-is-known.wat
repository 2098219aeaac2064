;; Callers know what these return, a constant and an argument, so they need not return it.
;; FIRES: unused-results constants-between-functions
;; RULES: -
(module
  (memory (export "m") 1)
  (func $zero (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.const 0))
  (func $same (param i32 i32) (result i32)
    (i32.store offset=4 (local.get 0) (local.get 1))
    (local.get 1))
  (func (export "b") (param i32 i32) (i32.store (local.get 1) (local.get 0)))
  (func (export "a") (param i32 i32) (result i32)
    (i32.add
      (i32.add (call $zero (local.get 0) (local.get 1)) (call $zero (local.get 1) (local.get 0)))
      (i32.mul (call $same (local.get 0) (local.get 1)) (call $same (local.get 1) (local.get 0))))))
