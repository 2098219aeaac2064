;; Indirect calls, their traps and their tail form.
;; RULES: -
(module
  (type $i (func (param i32) (result i32)))
  (table (export "t") 4 funcref)
  (elem (i32.const 0) $inc $dec)
  (func $inc (type $i) (i32.add (local.get 0) (i32.const 1)))
  (func $dec (type $i) (i32.sub (local.get 0) (i32.const 1)))
  (func (export "call") (param i32 i32) (result i32)
    (call_indirect (type $i) (local.get 0) (i32.and (local.get 1) (i32.const 3))))
  (func (export "tail") (param i32 i32) (result i32)
    (return_call_indirect (type $i) (local.get 0) (local.get 1)))
  (func (export "tail_direct") (param i32) (result i32)
    (return_call $inc (i32.mul (local.get 0) (i32.const 2)))))
