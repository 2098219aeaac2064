;; Nobody writes this memory: loads at constant addresses are constants, of every width and sign, across segments, of the zeros
;; between them and where a later segment covers an earlier one, also through pointers. Nothing needs the memory then.
;; FIRES: constant-data dead-memories
;; RULES: -
(module
  (memory 1)
  (data (i32.const 16) "\01\82\83\84\85\86\87\88\89")
  (data (i32.const 32) "aaaaaaaa")
  (data (i32.const 34) "bb")
  (data (i32.const 64) "\50\00\00\00\00\00\c0\7f")
  (data (i32.const 80) "\44\00\00\00\f8\ff\ff\ff")
  (func (export "i32") (result i32 i32 i32 i32 i32)
    (i32.load8_s (i32.const 17)) (i32.load8_u (i32.const 17)) (i32.load16_s (i32.const 16)) (i32.load16_u offset=1 (i32.const 16))
    (i32.load offset=4 (i32.const 12)))
  (func (export "i64") (result i64 i64 i64 i64 i64)
    (i64.load8_s (i32.const 17)) (i64.load16_s (i32.const 17)) (i64.load32_s (i32.const 17)) (i64.load32_u (i32.const 17))
    (i64.load (i32.const 17)))
  (func (export "zero and covered") (result i32 i64 i32)
    (i32.load (i32.const 22)) (i64.load (i32.const 32)) (i32.load (i32.const 65532)))
  (func (export "floats") (result f32 f64) (f32.load (i32.const 68)) (f64.load (i32.const 16)))
  (func (export "records") (result i32 f32)
    (i32.load offset=4 (i32.load (i32.const 64)))
    (f32.load (i32.load (i32.add (i32.load (i32.const 64)) (i32.const 0))))))
