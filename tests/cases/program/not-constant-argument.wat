;; Arguments differ; or someone else may call: the function is exported, its reference is in a table or taken by a body.
;; SILENT: constants-between-functions
(module
  (table (export "t") 1 funcref)
  (elem (i32.const 0) $in_table)
  (elem declare func $taken)
  (memory 1)
  (func $differ (param i32) (result i32) (i32.load (local.get 0)))
  (func $exported (export "e") (param i32) (result i32) (i32.load (local.get 0)))
  (func $in_table (param i32) (result i32) (i32.load (local.get 0)))
  (func $taken (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "a") (param i32) (result i32)
    (i32.add
      (i32.add (call $differ (i32.const 4)) (call $differ (i32.const 8)))
      (i32.add (call $exported (i32.const 4)) (i32.add (call $in_table (i32.const 4)) (call $taken (i32.const 4))))))
  (func (export "b") (param i32)
    (if (local.get 0) (then (table.set 0 (i32.const 0) (ref.func $taken))))))
