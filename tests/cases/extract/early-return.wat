;; A store stays behind the return that may come before it (a bug of another tool).
(module
  (memory (export "m") 1)
  (func (export "f") (param i32 i32) (result i32)
    (if (i32.lt_s (local.get 0) (i32.const 0)) (then (return (i32.const -1))))
    (i32.store (i32.const 16) (local.get 1))
    (i32.load (i32.const 16))))
