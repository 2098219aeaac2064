;; Bits of a signalling NaN go through memory and reinterpretation as they are.
(module
  (memory (export "m") 1)
  (func (export "f32") (param i32) (result i32)
    (i32.store (i32.const 0) (i32.or (local.get 0) (i32.const 0x7f800001)))
    (i32.reinterpret_f32 (f32.load (i32.const 0))))
  (func (export "f64") (param i64) (result i64)
    (f64.store (i32.const 8) (f64.reinterpret_i64 (i64.or (local.get 0) (i64.const 0x7ff0000000000001))))
    (i64.load (i32.const 8)))
  (func (export "arithmetic") (param f32) (result f32)
    (f32.store (i32.const 16) (f32.add (local.get 0) (f32.const 1)))
    (f32.load (i32.const 16))))
