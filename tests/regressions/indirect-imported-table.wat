;; The host may have put anything into an imported table: the call must stay indirect and trap on null.
(module
  (type $f (func (param i32) (result i32)))
  (import "env" "table" (table $t 4 funcref))
  (elem (table $t) (i32.const 1) func $one)
  (func $one (type $f) (i32.add (local.get 0) (i32.const 1)))
  (func (export "set") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0) (i32.const 1)))
  (func (export "unset") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0) (i32.const 0)))
  (func (export "beyond") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0) (i32.const 9)))
)
