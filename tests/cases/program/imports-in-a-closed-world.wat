;; What is not used need not be supplied.
;; OPTIONS: --closed-world --keep-export=run
;; FIRES: dead-functions
(module
  (import "m" "unused" (func $unused (param i32)))
  (import "m" "used" (func $used (param i32)))
  (func (export "run") (param i32) (call $used (local.get 0)))
  (func (export "other") (call $unused (i32.const 1))))
