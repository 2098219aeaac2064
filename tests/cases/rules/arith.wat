;; Identities of addition, subtraction and multiplication.
;; FIRES: add-add-const sub-add-right sub-self mul-const-plus-self neg-of-difference
(module
  (func (export "constants_meet") (param i32) (result i32)
    (i32.add (i32.add (local.get 0) (i32.const 7)) (i32.const 9)))
  (func (export "cancel") (param i32 i32) (result i32)
    (i32.sub (i32.add (local.get 0) (local.get 1)) (local.get 1)))
  (func (export "self") (param i64) (result i64)
    (i64.sub (local.get 0) (local.get 0)))
  (func (export "factor") (param i32) (result i32)
    (i32.add (i32.mul (local.get 0) (i32.const 9)) (local.get 0)))
  (func (export "negated") (param i32 i32) (result i32)
    (i32.sub (i32.const 0) (i32.sub (local.get 0) (local.get 1)))))
