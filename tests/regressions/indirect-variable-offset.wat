;; A segment whose offset is an imported global may replace any slot.
(module
  (type $f (func (param i32) (result i32)))
  (import "env" "base" (global $base i32))
  (table $t 8 funcref)
  (elem (table $t) (i32.const 0) func $one $one $one $one $one $one $one $one)
  (elem (table $t) (global.get $base) func $two)
  (func $one (type $f) (i32.add (local.get 0) (i32.const 1)))
  (func $two (type $f) (i32.mul (local.get 0) (i32.const 2)))
  (func (export "t1") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0) (i32.const 1)))
  (func (export "t2") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0) (i32.const 2)))
)
