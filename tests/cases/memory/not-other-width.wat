;; The load reaches beyond what was stored.
;; SILENT: forward-store forward-store-at forward-i32-to-i64 forward-narrow-store load-past-effects
(module
  (memory (export "m") 1)
  (func (export "wider") (param i32 i32) (result i64)
    (i32.store (local.get 0) (local.get 1))
    (i64.load (local.get 0)))
  (func (export "wider_than_a_byte") (param i32 i32) (result i32)
    (i32.store8 (local.get 0) (local.get 1))
    (i32.load16_u (local.get 0)))
  (func (export "over_the_edge") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.load16_u offset=3 (local.get 0))))
