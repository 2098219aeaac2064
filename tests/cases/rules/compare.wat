;; Comparisons with zero, of differences, and negated ones.
(module
  (func (export "twice_negated") (param i32) (result i32)
    (i32.eqz (i32.eqz (i32.eqz (local.get 0)))))
  (func (export "difference") (param i32 i32) (result i32)
    (i32.eqz (i32.sub (local.get 0) (local.get 1))))
  (func (export "not_less") (param i32 i32) (result i32)
    (i32.eqz (i32.lt_s (local.get 0) (local.get 1))))
  (func (export "with_itself") (param i64) (result i32)
    (i64.lt_u (local.get 0) (local.get 0)))
  (func (export "moved") (param i32) (result i32)
    (i32.eq (i32.add (local.get 0) (i32.const 5)) (i32.const 12)))
  (func (export "float_not_negated") (param f64 f64) (result i32)
    ;; Not the same as f64.ge: one of both may be a NaN.
    (i32.eqz (f64.lt (local.get 0) (local.get 1)))))
