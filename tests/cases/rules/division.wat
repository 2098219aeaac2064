;; Division by constants that cannot trap.
;; FIRES: div-u-by-power rem-u-by-power div-by-one div-u-twice
(module
  (func (export "power") (param i32) (result i32)
    (i32.div_u (local.get 0) (i32.const 16)))
  (func (export "remainder") (param i64) (result i64)
    (i64.rem_u (local.get 0) (i64.const 32)))
  (func (export "one") (param i32) (result i32)
    (i32.div_s (local.get 0) (i32.const 1)))
  (func (export "twice") (param i32) (result i32)
    (i32.div_u (i32.div_u (local.get 0) (i32.const 10)) (i32.const 10)))
  (func (export "signed_power") (param i32) (result i32)
    (i32.div_s (local.get 0) (i32.const 8)))
  (func (export "signed_by_three") (param i32) (result i32)
    (i32.div_s (local.get 0) (i32.const 3))))
