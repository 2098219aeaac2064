;; Where a store may trap, one is left that does, of a zero: the last of several that follow each other, none behind one that
;; reached as far.
;; FIRES: unread-memories
;; SILENT: dead-memories
;; RULES: -
(module
  (import "env" "log" (func $log (param i32)))
  (memory 1)
  (data (i32.const 16) "data")
  (func (export "fields") (param i32 i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.store offset=4 (local.get 0) (i32.mul (local.get 1) (i32.const 3)))
    (f64.store offset=8 (local.get 0) (f64.const 2))
    (call $log (i32.const 1))
    (i32.store8 offset=3 (local.get 0) (local.get 1)))
  (func (export "apart") (param i32 i32)
    (i32.store (local.get 0) (local.get 1))
    (call $log (i32.const 2))
    (i32.store offset=4 (local.get 0) (local.get 1))
    (if (local.get 1) (then (i64.store (local.get 0) (i64.const 0)))))
  (func (export "one way") (param i32 i32)
    (if (local.get 1) (then (i32.store (local.get 0) (local.get 1))))
    (call $log (i32.const 3))
    (i32.store (local.get 0) (local.get 1)))
  (func (export "grown") (param i32 i32)
    (i32.store (local.get 0) (local.get 1))
    (drop (memory.grow (i32.const 1)))
    (i32.store (local.get 0) (local.get 1)))
  (func (export "division") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.div_u (i32.const 1) (local.get 1))
    (i32.store (local.get 0) (local.get 1))))
