;; A division that may trap stays, whether its result is used or not.
;; SILENT: div-by-one div-s-of-nonneg
(module
  (func (export "unused") (param i32 i32)
    (drop (i32.div_s (local.get 0) (local.get 1))))
  (func (export "by_zero") (param i32) (result i32)
    (i32.div_u (local.get 0) (i32.const 0)))
  (func (export "remainder_by_zero") (param i64)
    (drop (i64.rem_s (local.get 0) (i64.const 0))))
  (func (export "overflow") (param i32) (result i32)
    (i32.div_s (local.get 0) (i32.const -1)))
  (func (export "overflow_of_constants") (result i32)
    (i32.div_s (i32.const 0x80000000) (i32.const -1)))
  (func (export "no_overflow_of_remainder") (param i32) (result i32)
    (i32.rem_s (local.get 0) (i32.const -1)))
  (func (export "times_zero") (param i32 i32) (result i32)
    ;; The product is 0, the trap stays.
    (i32.mul (i32.div_u (local.get 0) (local.get 1)) (i32.const 0)))
  (func (export "nonzero_divisor") (param i32 i32)
    ;; Cannot trap: the divisor is odd.
    (drop (i32.div_u (local.get 0) (i32.or (local.get 1) (i32.const 1))))))
