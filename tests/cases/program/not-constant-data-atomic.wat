;; Others may share the memory, and an atomic access may write anywhere.
;; SILENT: constant-data unread-memories
;; NOT-RUN: threads
;; RULES: -
(module
  (memory $shared 1 1 shared)
  (memory $own 1)
  (data (memory $shared) (i32.const 16) "data")
  (data (memory $own) (i32.const 16) "data")
  (func (export "a") (result i32) (i32.load $shared (i32.const 16)))
  (func (export "b") (param i32) (result i32)
    (drop (i32.atomic.rmw.add $own (local.get 0) (i32.const 1)))
    (i32.load $own (i32.const 16))))
