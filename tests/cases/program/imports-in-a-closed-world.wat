;; What is not used need not be supplied.
;; OPTIONS: --closed-world --keep-export=run
;; FIRES: dead-functions dead-globals
(module
  (import "m" "unused" (func $unused (param i32)))
  (import "m" "used" (func $used (param i32)))
  (import "m" "global" (global $g i32))
  (func (export "run") (param i32) (call $used (local.get 0)))
  (func (export "other") (call $unused (global.get $g))))
