;; Conversions there and back, and operators that wrapping does not need in full width.
(module
  (func (export "back") (param i32) (result i32)
    (i32.wrap_i64 (i64.extend_i32_s (local.get 0))))
  (func (export "sign_twice") (param i32) (result i32)
    (i32.extend8_s (i32.extend8_s (local.get 0))))
  (func (export "bits") (param f32) (result f32)
    (f32.reinterpret_i32 (i32.reinterpret_f32 (local.get 0))))
  (func (export "low_half") (param i64 i64) (result i32)
    (i32.wrap_i64 (i64.add (local.get 0) (local.get 1))))
  (func (export "sign_by_shifts") (param i32) (result i32)
    (i32.shr_s (i32.shl (local.get 0) (i32.const 16)) (i32.const 16))))
