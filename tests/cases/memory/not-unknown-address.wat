;; The store between may be to the same place.
;; SILENT: forward-store forward-store-at load-past-effects
(module
  (memory (export "m") 1)
  (func (export "f") (param i32 i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 2))
    (i32.store (local.get 1) (i32.const 7))
    (i32.load (local.get 0))))
