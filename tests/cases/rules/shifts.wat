;; Shifts by constants meet, there and back is a mask, counts are taken modulo the width.
;; FIRES: shl-shl shr-of-shl shl-of-shr shift-count-masked shr-s-shr-s-out
(module
  (func (export "left") (param i32) (result i32)
    (i32.shl (i32.shl (local.get 0) (i32.const 3)) (i32.const 4)))
  (func (export "there_and_back") (param i32) (result i32)
    (i32.shr_u (i32.shl (local.get 0) (i32.const 24)) (i32.const 24)))
  (func (export "aligned") (param i32) (result i32)
    (i32.shl (i32.shr_u (local.get 0) (i32.const 3)) (i32.const 3)))
  (func (export "count") (param i64 i64) (result i64)
    (i64.shr_s (local.get 0) (i64.and (local.get 1) (i64.const 63))))
  (func (export "out") (param i32) (result i32)
    (i32.shr_s (i32.shr_s (local.get 0) (i32.const 20)) (i32.const 20))))
