;; A call that the rules remove keeps nothing alive: what counts are the last bodies.
;; FIRES: dead-functions dead-memories
(module
  (memory 1)
  (func $debug (param i32) (i32.store (i32.const 0) (local.get 0)))
  (func (export "run") (param i32) (result i32)
    (if (i32.and (i32.const 1) (i32.const 2)) (then (call $debug (local.get 0))))
    (local.get 0)))
