;; Arms that are equal, conditions that are known or negated, truth values.
;; FIRES: select-same select-of-eqz select-one-zero operator-out-of-select
(module
  (func (export "same") (param i64 i32) (result i64)
    (select (local.get 0) (local.get 0) (local.get 1)))
  (func (export "negated") (param i32 i32 i32) (result i32)
    (select (local.get 0) (local.get 1) (i32.eqz (local.get 2))))
  (func (export "truth") (param i32) (result i32)
    (select (i32.const 1) (i32.const 0) (local.get 0)))
  (func (export "one_operator") (param i32 i32 i32 i32) (result i32)
    (select
      (i32.add (local.get 0) (local.get 2))
      (i32.add (local.get 1) (local.get 2))
      (local.get 3)))
  (func (export "trap_in_arm") (param i32 i32) (result i32)
    ;; Both arms of a select are executed.
    (select (i32.const 7) (i32.div_u (local.get 0) (local.get 1)) (i32.const 1))))
