;; An `if` whose arms come out empty goes with what only computed its condition; what may trap on the way to it stays.
;; RULES: -
(module
  (memory 1)
  (func (export "pure") (param i64 i64) (result i64)
    (if (i64.ne (local.get 0) (i64.const -9223372036854775808)) (then) (else))
    (i64.add (local.get 0) (local.get 1)))
  (func (export "nested") (param i32 i32) (result i32)
    (if (i32.lt_u (local.get 0) (local.get 1)) (then
      (if (i32.eqz (local.get 0)) (then) (else (block (br_table 0 0 0 (local.get 1)))))))
    (local.get 0))
  (func (export "division") (param i32 i32) (result i32)
    (if (i32.div_s (local.get 0) (local.get 1)) (then) (else))
    (local.get 0))
  (func (export "read") (param i32) (result i32)
    (if (i32.load offset=65530 (local.get 0)) (then) (else))
    (local.get 0)))
