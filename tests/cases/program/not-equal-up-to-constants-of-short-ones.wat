;; Two short bodies take fewer bytes than one, its entries and what the calls pass.
;; OPTIONS: -Os
;; SILENT: equal-up-to-constants
(module
  (memory 1)
  (func $a (param i32 i32) (result i32) (i32.store (local.get 0) (i32.const 5)) (i32.load offset=4 (local.get 1)))
  (func $b (param i32 i32) (result i32) (i32.store (local.get 0) (i32.const 6)) (i32.load offset=4 (local.get 1)))
  (func (export "run") (param i32 i32) (result i32)
    (i32.add (call $a (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 15))) (i32.add (call $b (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 15))) (i32.const 0))))
)
