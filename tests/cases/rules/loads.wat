;; A load and a conversion are one load. The first load of each pair makes the second one safe.
(module
  (memory (export "m") 1)
  (func (export "extended") (param i32) (result i64)
    (i64.extend_i32_u (i32.load8_u (local.get 0))))
  (func (export "reinterpreted") (param i32) (result f64)
    (f64.reinterpret_i64 (i64.load (local.get 0))))
  (func (export "masked") (param i32) (result i32)
    (i32.and (i32.load16_s (local.get 0)) (i32.const 0xffff)))
  (func (export "sign_extended") (param i32) (result i32)
    (i32.extend8_s (i32.load8_u (local.get 0)))))
