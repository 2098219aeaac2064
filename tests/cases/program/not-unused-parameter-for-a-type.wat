;; A new type would take more bytes than the two arguments.
;; SILENT: unused-parameters
(module
  (memory 1)
  (func $f (param i32 i64) (result i32) (i32.load (local.get 0)))
  (func $g (param i32 i64) (result i32) (i32.add (call $f (local.get 0) (local.get 1)) (i32.const 1)))
  (func (export "a") (param i32 i64) (result i32)
    (i32.add (call $f (local.get 0) (local.get 1)) (i32.wrap_i64 (local.get 1)))))
