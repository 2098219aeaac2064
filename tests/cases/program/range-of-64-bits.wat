;; Numbers of 64 bits.
;; FIRES: ranges-between-functions
(module
  (memory (export "m") 1)
  (func $f (param $x i64) (param $z i64) (result i64)
    (i64.store (i32.const 8) (i64.and (local.get $x) (i64.const 0xffffffff)))
    (if (i64.gt_s (local.get $x) (i64.const 0x100000000)) (then (i64.store (i32.const 16) (local.get $x))))
    (i64.add (i64.or (local.get $z) (i64.load (i32.const 24))) (i64.shr_u (local.get $z) (i64.const 3))))
  (func (export "a") (param i32) (result i64) (call $f (i64.extend_i32_u (local.get 0)) (i64.and (i64.extend_i32_u (local.get 0)) (i64.const 3))))
  (func (export "b") (param i64) (result i64) (call $f (i64.shr_u (local.get 0) (i64.const 32)) (i64.const 1))))
