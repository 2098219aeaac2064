;; Constants of every type of number, a NaN with a payload among them, which a parameter keeps.
;; OPTIONS: -Os
;; FIRES: equal-up-to-constants
(module
  (memory (export "memory") 1)
  (data (i32.const 0) "\07\00\00\00\00\00\00\00\00\00\c0\3f\00\00\00\00\64\00\00\00\00\00\00\00\03\00\00\00\00\00\00\00\07\00\00\00\00\00\00\00")
  (func $a (param $p i32) (result f64)
    (i64.store offset=64 (local.get $p) (i64.mul (i64.load (local.get $p)) (i64.const 77777)))
    (f32.store offset=72 (local.get $p) (f32.mul (f32.load offset=8 (local.get $p)) (f32.const 1.5)))
    (i64.store offset=80 (local.get $p) (i64.div_s (i64.load offset=16 (local.get $p)) (i64.load offset=24 (local.get $p))))
    (i64.store offset=88 (local.get $p) (i64.div_u (i64.load offset=16 (local.get $p)) (i64.load offset=24 (local.get $p))))
    (i64.store offset=96 (local.get $p) (i64.rem_u (i64.load offset=16 (local.get $p)) (i64.load offset=32 (local.get $p))))
    (f64.add (f64.load offset=40 (local.get $p)) (f64.const 2.5)))
  (func $b (param $p i32) (result f64)
    (i64.store offset=64 (local.get $p) (i64.mul (i64.load (local.get $p)) (i64.const -5)))
    (f32.store offset=72 (local.get $p) (f32.mul (f32.load offset=8 (local.get $p)) (f32.const nan:0x212345)))
    (i64.store offset=80 (local.get $p) (i64.div_s (i64.load offset=16 (local.get $p)) (i64.load offset=24 (local.get $p))))
    (i64.store offset=88 (local.get $p) (i64.div_u (i64.load offset=16 (local.get $p)) (i64.load offset=24 (local.get $p))))
    (i64.store offset=96 (local.get $p) (i64.rem_u (i64.load offset=16 (local.get $p)) (i64.load offset=32 (local.get $p))))
    (f64.add (f64.load offset=40 (local.get $p)) (f64.const -0.0)))
  (func (export "run") (param i32)
    (f64.store offset=200 (i32.const 0) (call $a (i32.and (local.get 0) (i32.const 8))))
    (f64.store offset=208 (i32.const 0) (call $b (i32.and (local.get 0) (i32.const 8))))))
