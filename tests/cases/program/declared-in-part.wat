;; A declared segment is cut down to the functions that need it.
;; FIRES: dead-functions
(module
  (type $f (func (result i32)))
  (table 1 funcref)
  (elem declare func $dead $a)
  (func $dead (type $f) (i32.const 6))
  (func $a (type $f) (i32.const 5))
  (func (export "run") (param i32) (result i32)
    (table.set (i32.const 0) (ref.func $a))
    (call_indirect (type $f) (local.get 0))))
