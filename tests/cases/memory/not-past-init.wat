;; memory.init writes, too.
;; SILENT: forward-store load-past-effects
(module
  (memory (export "m") 1)
  (data $d "abcdefgh")
  (func (export "f") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (memory.init $d (local.get 0) (i32.const 0) (i32.const 4))
    (i32.load (local.get 0))))
