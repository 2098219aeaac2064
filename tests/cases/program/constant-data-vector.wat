;; A vector is a constant for speed; of parts, lanes and splats the load stays.
;; FIRES: constant-data
;; RULES: -
(module
  (memory 1)
  (data (i32.const 16) "0123456789abcdef")
  (func (export "a") (param i32) (result i32)
    (i32x4.extract_lane 1 (i32x4.add (v128.load (i32.const 16)) (i32x4.splat (local.get 0)))))
  (func (export "b") (result i32)
    (i32x4.extract_lane 1 (v128.load32_splat (i32.const 16)))))
