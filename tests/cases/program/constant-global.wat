;; Nobody writes the global.
;; FIRES: constant-globals dead-globals
(module
  (global $g (mut i32) (i32.const 40))
  (global $h (mut i64) (i64.const 2))
  (func (export "a") (param i32) (result i32) (i32.add (local.get 0) (i32.add (global.get $g) (i32.const 2))))
  (func (export "b") (param i64) (result i64) (i64.mul (local.get 0) (global.get $h))))
