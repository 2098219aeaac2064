;; Vector stores, loads of lanes, and what lies in between.
(module
  (memory (export "m") 1)
  (func (export "whole") (param i32 i64) (result i64)
    (v128.store (local.get 0) (i64x2.splat (local.get 1)))
    (i64x2.extract_lane 1 (v128.load (local.get 0))))
  (func (export "lane") (param i32 i64) (result i64)
    (v128.store64_lane offset=8 1 (local.get 0) (i64x2.splat (local.get 1)))
    (i64x2.extract_lane 0 (v128.load64_lane offset=8 0 (local.get 0) (v128.const i64x2 0 0))))
  (func (export "overlapping") (param i32 i64) (result i64)
    (v128.store (local.get 0) (i64x2.splat (local.get 1)))
    (i32.store offset=12 (local.get 0) (i32.const 7))
    (i64x2.extract_lane 1 (v128.load (local.get 0)))))
