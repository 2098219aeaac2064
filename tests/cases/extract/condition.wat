;; The condition of a branch needs no truth value: eqz swaps the ways, and so does a comparison with 0.
(module
  (func (export "eqz") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 10)) (else (i32.const 20))))
  (func (export "eqz_eqz") (param i32) (result i32)
    (if (result i32) (i32.eqz (i32.eqz (local.get 0))) (then (i32.const 10)) (else (i32.const 20))))
  (func (export "ne_zero") (param i32) (result i32)
    (if (result i32) (i32.ne (local.get 0) (i32.const 0)) (then (i32.const 10)) (else (i32.const 20))))
  (func (export "kept_value") (param i32) (result i32)
    ;; The truth value itself is needed, too.
    (local i32)
    (local.set 1 (i32.eqz (local.get 0)))
    (if (result i32) (local.get 1) (then (local.get 1)) (else (i32.add (local.get 1) (i32.const 5))))))
