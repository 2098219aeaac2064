;; A load inside of what was stored.
(module
  (memory (export "m") 1)
  (func (export "upper_half") (param i32 i64) (result i32)
    (i64.store (local.get 0) (local.get 1))
    (i32.load offset=4 (local.get 0)))
  (func (export "third_byte") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.load8_u offset=2 (local.get 0)))
  (func (export "two_halves") (param i32 i32 i32) (result i64)
    (i32.store (local.get 0) (local.get 1))
    (i32.store offset=4 (local.get 0) (local.get 2))
    (i64.load (local.get 0))))
