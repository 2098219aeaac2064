;; A short constant is made again at each use, one that the input shared and that is long is kept.
;; RULES: -
(module
  (memory (export "m") 1)
  (func (export "short") (param i32) (result i32)
    (local i32)
    (local.set 1 (i32.const 8))
    (i32.store (i32.and (local.get 0) (i32.const 0xff)) (local.get 1))
    (i32.store offset=8 (i32.and (local.get 0) (i32.const 0xff)) (local.get 1))
    (local.get 1))
  (func (export "long") (param i32) (result i64)
    (local i64)
    (local.set 1 (i64.const 0x123456789abcdef))
    (i64.store (i32.and (local.get 0) (i32.const 0xff)) (local.get 1))
    (i64.store offset=8 (i32.and (local.get 0) (i32.const 0xff)) (local.get 1))
    (local.get 1)))
