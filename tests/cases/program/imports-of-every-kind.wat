;; What is not used need not be supplied.
;; NOT-RUN: the oracle supplies functions and numbers only
;; OPTIONS: --closed-world --keep-export=run
;; FIRES: dead-functions dead-globals dead-memories dead-tables dead-tags
(module
  (import "m" "unused" (func $unused (param i32)))
  (import "m" "used" (func $used (param i32)))
  (import "m" "global" (global $g i32))
  (import "m" "memory" (memory 1))
  (import "m" "table" (table 1 funcref))
  (import "m" "tag" (tag (param i64)))
  (func (export "run") (param i32) (call $used (local.get 0)))
  (func (export "other") (call $unused (global.get $g))))
