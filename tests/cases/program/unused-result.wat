;; Nobody uses the second result, nor what is only returned up a chain of calls: they go, with what only computed them, and so
;; does the parameter that only went into such a result.
;; FIRES: unused-results unused-parameters
;; RULES: -
(module
  (memory (export "m") 1)
  (func (export "b") (param i32) (i32.store (local.get 0) (i32.const 9)))
  (func $pair (param i32 i32) (result i32 i32)
    (i32.store (local.get 0) (i32.const 7))
    (i32.load offset=8 (local.get 0))
    (i32.mul (i32.load offset=16 (local.get 0)) (i32.const 3)))
  (func $id (param i32 i32) (result i32)
    (i32.store (local.get 0) (i32.const 1))
    (local.get 1))
  (func $up (param i32 i32) (result i32)
    (i32.store offset=4 (local.get 0) (i32.const 2))
    (call $id (local.get 0) (local.get 1)))
  (func (export "a") (param i32 i32) (result i32)
    (call $pair (local.get 0) (local.get 1))
    (drop)
    (drop (call $pair (local.get 1) (local.get 0)))
    (drop)
    (drop (call $up (i32.and (local.get 0) (i32.const 255)) (local.get 1)))
    (drop (call $up (i32.and (local.get 1) (i32.const 255)) (local.get 0)))))
