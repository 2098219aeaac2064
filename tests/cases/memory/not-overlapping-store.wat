;; The later store writes two of the four bytes.
;; SILENT: forward-store forward-store-at load-past-effects
(module
  (memory (export "m") 1)
  (func (export "f") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.store16 offset=2 (local.get 0) (i32.const 7))
    (i32.load (local.get 0))))
