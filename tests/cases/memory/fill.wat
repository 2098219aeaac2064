;; Bytes of a fill, and a load beside it.
;; FIRES: load-byte-of-fill load-past-effects
(module
  (memory (export "m") 1)
  (func (export "inside") (param i32 i32) (result i32)
    (memory.fill (local.get 0) (local.get 1) (i32.const 16))
    (i32.load8_u offset=15 (local.get 0)))
  (func (export "word") (param i32 i32) (result i32)
    (memory.fill (local.get 0) (local.get 1) (i32.const 16))
    (i32.load offset=8 (local.get 0)))
  (func (export "zero") (param i32) (result f64)
    (memory.fill (local.get 0) (i32.const 0) (i32.const 16))
    (f64.load offset=8 (local.get 0)))
  (func (export "behind") (param i32 i32) (result i32)
    (i32.store offset=16 (local.get 0) (local.get 1))
    (memory.fill (local.get 0) (i32.const 1) (i32.const 16))
    (i32.load offset=16 (local.get 0))))
