;; A call through a table may pass anything.
;; SILENT: ranges-between-functions
(module
  (memory (export "m") 1)
  (type $t (func (param i32) (result i32))) (table (export "t") 1 funcref) (elem (i32.const 0) func $f)
  (func $f (param $x i32) (result i32)
    (if (i32.gt_u (local.get $x) (i32.const 255)) (then (i32.store (i32.const 8) (local.get $x))))
    (i32.add (i32.and (local.get $x) (i32.const 0xff)) (i32.load (i32.const 4))))
  (func (export "a") (param i32) (result i32) (call $f (i32.and (local.get 0) (i32.const 0x7f)))))
