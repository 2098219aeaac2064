;; The host has the memory, or says where the data goes.
;; SILENT: constant-data unread-memories unread-data-bytes
;; NOT-RUN: it imports more than functions
;; RULES: -
(module
  (import "env" "memory" (memory $imported 1))
  (import "env" "base" (global $base i32))
  (memory $placed 1)
  (data (memory $imported) (i32.const 16) "data")
  (data (memory $placed) (global.get $base) "data")
  (func (export "a") (param i32) (result i32)
    (i32.store $imported (i32.const 8) (local.get 0))
    (i32.add (i32.load $imported (i32.const 16)) (i32.load $placed (i32.const 16)))))
