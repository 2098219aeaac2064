;; How much is copied is not known.
;; SILENT: load-through-copy load-through-copy-at load-past-effects
(module
  (memory (export "m0") 1)
  (memory (export "m1") 1)
  (func (export "f") (param i32 i32 i32) (result i32)
    (i32.store 0 (local.get 0) (i32.const 5))
    (memory.copy 0 1 (local.get 0) (local.get 1) (i32.and (local.get 2) (i32.const 7)))
    (i32.load 0 (local.get 0))))
