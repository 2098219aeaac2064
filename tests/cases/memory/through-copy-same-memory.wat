;; A copy within one memory may overlap itself: the value is that of before.
;; FIRES: load-through-copy-at
(module
  (memory (export "m") 1)
  (func (export "overlapping") (param i32 i64) (result i64)
    (i64.store (local.get 0) (local.get 1))
    (i64.store offset=8 (local.get 0) (i64.const 0x1122334455667788))
    (memory.copy (i32.add (local.get 0) (i32.const 4)) (local.get 0) (i32.const 16))
    (i64.load offset=4 (local.get 0)))
  (func (export "downward") (param i32 i64) (result i64)
    (i64.store offset=8 (local.get 0) (local.get 1))
    (memory.copy (local.get 0) (i32.add (local.get 0) (i32.const 4)) (i32.const 12))
    (i64.load offset=4 (local.get 0))))
