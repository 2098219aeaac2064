;; What is copied to another table may be called from there.
;; SILENT: emptied-bodies dead-functions
(module
  (type $other (func (param i64) (result i64)))
  (table $t 2 funcref)
  (table $u 2 funcref)
  (elem (table $t) (i32.const 0) func $b)
  (func $b (type $other) (i64.mul (local.get 0) (i64.const 5)))
  (func (export "run") (param i64 i32) (result i64)
    (table.copy $u $t (i32.const 0) (i32.const 0) (i32.const 2))
    (call_indirect $u (type $other) (local.get 0) (local.get 1))))
