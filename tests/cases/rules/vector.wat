;; Vector identities.
(module
  (func (export "not_not") (param i64 i64) (result i64)
    (i64x2.extract_lane 0
      (v128.not (v128.not
        (i64x2.replace_lane 1 (i64x2.splat (local.get 0)) (local.get 1))))))
  (func (export "lane_of_splat") (param i32) (result i32)
    (i32x4.extract_lane 2 (i32x4.splat (local.get 0))))
  (func (export "xor_itself") (param i64) (result i64)
    (i64x2.extract_lane 1 (v128.xor (i64x2.splat (local.get 0)) (i64x2.splat (local.get 0))))))
