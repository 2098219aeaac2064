;; Results that differ between returns, and one that a tail call gives.
;; SILENT: constants-between-functions
(module
  (memory 1)
  (func $differ (param i32) (result i32)
    (if (local.get 0) (then (return (i32.const 7))))
    (i32.store (i32.const 12) (local.get 0))
    (i32.const 8))
  (func $other (param i32) (result i32) (i32.store (i32.const 16) (i32.const 1)) (i32.load (local.get 0)))
  (func $tail (param i32) (result i32)
    (if (local.get 0) (then (i32.store (i32.const 20) (i32.const 1)) (return (i32.const 7))))
    (return_call $other (local.get 0)))
  (func (export "a") (param i32) (result i32) (i32.add (call $differ (local.get 0)) (call $tail (local.get 0)))))
