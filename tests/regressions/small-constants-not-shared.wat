;; Sharing one-byte constants through a local makes code larger; the result must not be larger than this.
(module
  (memory $m (export "m") 1)
  (func (export "stores") (param i32)
    (i32.store $m (local.get 0) (i32.const 1))
    (i32.store $m offset=4 (local.get 0) (i32.const 1))
    (i32.store $m offset=8 (local.get 0) (i32.const 1))
    (i32.store $m offset=12 (local.get 0) (i32.const 1))
    (i32.store $m offset=16 (local.get 0) (i32.const 1)))
  (func (export "sum") (param i32 i32) (result i32)
    (i32.add
      (i32.shl (local.get 0) (i32.const 2))
      (i32.xor (i32.shl (local.get 1) (i32.const 2)) (i32.shr_u (local.get 0) (i32.const 2)))))
)
