;; Someone else may call (an export, a table, a reference), or somebody needs the parameter.
;; SILENT: unused-parameters
(module
  (table (export "t") 2 funcref)
  (elem (i32.const 0) $in_table)
  (elem declare func $taken)
  (memory 1)
  (func $exported (export "e") (param i32 i32) (result i32) (i32.load (local.get 0)))
  (func $in_table (param i32 i32) (result i32) (i32.load (local.get 0)))
  (func $taken (param i32 i32) (result i32) (i32.load (local.get 0)))
  (func $needs (param i32 i32) (result i32) (i32.sub (i32.load (local.get 0)) (local.get 1)))
  (func $passes_on (param i32 i32) (result i32)
    (i32.store (i32.const 4) (local.get 0))
    (call $needs (local.get 0) (local.get 1)))
  (func (export "a") (param i32 i32) (result i32)
    (table.set 0 (i32.const 1) (ref.func $taken))
    (i32.add
      (i32.add (call $exported (local.get 0) (local.get 1)) (call $in_table (local.get 0) (local.get 1)))
      (i32.add
        (call $taken (local.get 0) (local.get 1))
        (i32.add
          (call $passes_on (local.get 0) (local.get 1))
          (call $passes_on (local.get 1) (local.get 0)))))))
