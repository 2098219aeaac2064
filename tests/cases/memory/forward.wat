;; A load of what was just stored is the value.
;; FIRES: forward-store
(module
  (memory (export "m") 1)
  (func (export "same_address") (param i32 i32) (result i32)
    (i32.store offset=8 (local.get 0) (local.get 1))
    (i32.load offset=8 (local.get 0)))
  (func (export "float_as_integer") (param i32 f64) (result i64)
    (f64.store (local.get 0) (local.get 1))
    (i64.load (local.get 0)))
  (func (export "narrow") (param i32 i32) (result i32)
    (i32.store8 (local.get 0) (local.get 1))
    (i32.load8_u (local.get 0)))
  (func (export "narrow_signed") (param i32 i64) (result i64)
    (i64.store32 (local.get 0) (local.get 1))
    (i64.load32_s (local.get 0))))
