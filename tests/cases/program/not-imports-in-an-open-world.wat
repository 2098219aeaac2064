;; The host may supply imports by position.
;; SILENT: dead-functions
(module
  (import "m" "unused" (func $unused (param i32)))
  (import "m" "used" (func $used (param i32)))
  (func (export "run") (param i32) (call $used (local.get 0))))
