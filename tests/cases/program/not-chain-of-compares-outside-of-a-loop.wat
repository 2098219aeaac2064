;; A call that is made once stays.
;; SILENT: chain-of-compares
(module
  (type $t (func (param i32) (result i32)))
  (table 6 funcref)
  (elem (i32.const 1) func $f)
  (func $f (type $t) (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 7)))
  (func (export "run") (param i32 i32) (result i32) (call_indirect (type $t) (local.get 0) (local.get 1))))
