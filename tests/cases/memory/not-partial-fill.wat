;; The fill covers part of what is loaded.
;; SILENT: load-i32-of-fill load-of-zero-fill forward-store load-past-effects
(module
  (memory (export "m") 1)
  (func (export "end") (param i32 i32) (result i32)
    (i32.store offset=4 (local.get 0) (local.get 1))
    (memory.fill (local.get 0) (i32.const 0x55) (i32.const 6))
    (i32.load offset=4 (local.get 0)))
  (func (export "unknown_length") (param i32 i32) (result i32)
    (i32.store (local.get 0) (i32.const 3))
    (memory.fill (local.get 0) (i32.const 0x55) (i32.and (local.get 1) (i32.const 3)))
    (i32.load (local.get 0))))
