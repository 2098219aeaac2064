;; The memory index is the alias analysis: stores, copies and fills of another memory are not in the way, whatever they
;; write. The second load is the first one.
;; FIRES: forward-store
(module
  (memory (export "m0") 1)
  (memory (export "m1") 1)
  (func (export "stores") (param i32 i32) (result i32)
    (i32.store 0 (local.get 0) (local.get 1))
    (i32.store 1 (local.get 0) (i32.const 7))
    (memory.copy 1 0 (i32.const 0) (local.get 0) (i32.const 16))
    (memory.fill 1 (i32.const 32) (i32.const 1) (i32.const 8))
    (i32.load 0 (local.get 0)))
  (func (export "loads") (param i32 i32) (result i32)
    (i32.load 0 (local.get 0))
    (i32.store 1 (local.get 1) (i32.const 7))
    (i32.load 0 (local.get 0))
    i32.add))
