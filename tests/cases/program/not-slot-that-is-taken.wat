;; What table.get gives may be stored and called elsewhere.
;; SILENT: emptied-bodies dead-functions
(module
  (type $other (func (param i64) (result i64)))
  (table $t 2 funcref)
  (table $u 2 funcref)
  (elem (table $t) (i32.const 0) func $b)
  (func $b (type $other) (i64.mul (local.get 0) (i64.const 5)))
  (func (export "run") (param i64 i32) (result i64)
    (table.set $u (i32.const 0) (table.get $t (i32.const 0)))
    (call_indirect $u (type $other) (local.get 0) (local.get 1))))
