;; A function that only a slot names and no call_indirect has the type of is never entered: its body goes, and what it calls.
;; FIRES: emptied-bodies dead-functions
(module
  (type $called (func (param i32) (result i32)))
  (type $other (func (param i64) (result i64)))
  (table 3 funcref)
  (elem (i32.const 0) func $a $b)
  (func $a (type $called) (i32.add (local.get 0) (i32.const 1)))
  (func $b (type $other) (call $c (local.get 0)))
  (func $c (type $other) (i64.mul (local.get 0) (i64.const 5)))
  (func (export "run") (param i32) (result i32)
    (call_indirect (type $called) (i32.const 7) (local.get 0))))
