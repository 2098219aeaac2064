;; Functions that end in calls of each other lose their results together.
;; FIRES: unused-results
;; RULES: -
(module
  (memory (export "m") 1)
  (func $even (param i32) (result i32 i64)
    (i32.store (local.get 0) (i32.const 1))
    (if (i32.lt_u (local.get 0) (i32.const 8)) (then (return (i32.load (local.get 0)) (i64.load offset=8 (local.get 0)))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 8))))
  (func $odd (param i32) (result i32 i64)
    (i32.store (local.get 0) (i32.const 2))
    (if (i32.lt_u (local.get 0) (i32.const 8)) (then (return (i32.load (local.get 0)) (i64.load offset=16 (local.get 0)))))
    (return_call $even (i32.sub (local.get 0) (i32.const 8))))
  (func (export "a") (param i32) (result i32)
    (call $even (i32.and (local.get 0) (i32.const 255)))
    (drop))
  (func (export "b") (param i32) (result i32)
    (call $odd (i32.and (local.get 0) (i32.const 255)))
    (drop))
  (func (export "c") (param i32) (result i32)
    (call $odd (i32.and (local.get 0) (i32.const 127)))
    (drop)))
