;; The load lies across an edge of the copied range, or has its address from elsewhere.
;; SILENT: load-through-copy load-through-copy-at load-past-effects
(module
  (memory (export "m0") 1)
  (memory (export "m1") 1)
  (func (export "across_the_end") (param i32 i32) (result i32)
    (memory.copy 0 1 (local.get 0) (local.get 1) (i32.const 8))
    (i32.load 0 offset=6 (local.get 0)))
  (func (export "across_the_start") (param i32 i32) (result i32)
    (memory.copy 0 1 (i32.add (local.get 0) (i32.const 2)) (local.get 1) (i32.const 8))
    (i32.load 0 (local.get 0)))
  (func (export "elsewhere") (param i32 i32 i32) (result i32)
    (memory.copy 0 1 (local.get 0) (local.get 1) (i32.const 8))
    (i32.load 0 (local.get 2))))
