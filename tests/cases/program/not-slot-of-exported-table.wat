;; The host may call what stands in an exported table.
;; SILENT: emptied-bodies dead-functions
(module
  (type $called (func (param i32) (result i32)))
  (type $other (func (param i64) (result i64)))
  (table (export "t") 3 funcref)
  (elem (i32.const 0) func $a $b)
  (func $a (type $called) (i32.add (local.get 0) (i32.const 1)))
  (func $b (type $other) (call $c (local.get 0)))
  (func $c (type $other) (i64.mul (local.get 0) (i64.const 5)))
  (func (export "run") (param i32) (result i32)
    (call_indirect (type $called) (i32.const 7) (local.get 0))))
