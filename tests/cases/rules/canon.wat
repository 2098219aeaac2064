;; Constants to the right, subtraction of a constant as addition, strict comparisons, x + x as a shift.
;; FIRES: const-right sub-const-to-add le-to-lt add-self-to-shl shift-count-in-range
(module
  (func (export "const_right") (param i32 i32) (result i32)
    (i32.add
      (i32.mul (i32.const 100) (local.get 0))
      (i32.sub (local.get 1) (i32.const 100))))
  (func (export "comparison") (param i32) (result i32)
    (i32.le_s (local.get 0) (i32.const 99)))
  (func (export "double") (param i64) (result i64)
    (i64.add (local.get 0) (local.get 0)))
  (func (export "count") (param i32) (result i32)
    (i32.shl (local.get 0) (i32.const 35))))
