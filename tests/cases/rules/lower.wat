;; Last: forms with shorter constants.
;; OPTIONS: -Os
;; FIRES: add-to-shorter-sub
(module
  (func (export "add_64") (param i32) (result i32)
    (i32.add (local.get 0) (i32.const 64)))
  (func (export "below_64") (param i32) (result i32)
    (i32.lt_s (local.get 0) (i32.const 64)))
  (func (export "low_word") (param i64) (result i64)
    (i64.and (local.get 0) (i64.const 0xffffffff))))
