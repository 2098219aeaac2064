;; Every call passes the same constant.
;; FIRES: constants-between-functions
(module
  (func $f (param i32 i32) (result i32) (i32.mul (local.get 0) (i32.add (local.get 1) (i32.const 3))))
  (func (export "a") (param i32) (result i32) (call $f (local.get 0) (i32.const 5)))
  (func (export "b") (param i32) (result i32) (call $f (i32.const 9) (i32.const 5))))
