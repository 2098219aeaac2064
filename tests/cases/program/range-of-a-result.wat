;; Every return gives less than 16, and the host may call it as well.
;; FIRES: ranges-between-functions
(module
  (memory (export "m") 1)
  (func $digit (export "digit") (param $x i32) (result i32)
    (if (i32.eqz (local.get $x)) (then (return (i32.const 15))))
    (i32.store (i32.const 8) (local.get $x))
    (i32.rem_u (local.get $x) (i32.const 10)))
  (func (export "f") (param i32) (result i32)
    (i32.and (call $digit (local.get 0)) (i32.const 15)))
  (func (export "g") (param i32) (result i32)
    (i32.lt_s (call $digit (local.get 0)) (i32.const 16))))
