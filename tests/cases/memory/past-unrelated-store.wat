;; A load sees through stores that cannot overlap it.
;; FIRES: load-past-effects forward-store
(module
  (memory (export "m") 1)
  (func (export "f") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.store offset=4 (local.get 0) (i32.const 7))
    (i64.store offset=8 (local.get 0) (i64.const 9))
    (i32.load (local.get 0))))
