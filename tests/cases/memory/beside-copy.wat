;; A load wholly beside the copied range sees what was there before.
;; FIRES: load-past-effects forward-store
;; SILENT: load-through-copy load-through-copy-at
(module
  (memory (export "m0") 1)
  (memory (export "m1") 1)
  (func (export "behind") (param i32 i32 i32) (result i32)
    (i32.store 0 offset=8 (local.get 0) (local.get 2))
    (memory.copy 0 1 (local.get 0) (local.get 1) (i32.const 8))
    (i32.load 0 offset=8 (local.get 0))))
