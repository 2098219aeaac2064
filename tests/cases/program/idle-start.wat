;; A start function without effect is not called, and goes.
;; FIRES: dead-functions
(module
  (start $s)
  (func $s (local i32) (local.set 0 (i32.const 4)))
  (func (export "run") (param i32) (result i32) (local.get 0)))
