;; A store is forwarded past a store to another memory; what was stored is rewritten itself.
(module
  (memory (export "a") 1)
  (memory (export "b") 1)
  (func (export "f") (param i32 i32) (result i32)
    (i32.store 0 offset=4 (local.get 0) (i32.mul (local.get 1) (i32.const 8)))
    (i32.store 1 offset=4 (local.get 0) (i32.const 1))
    (i32.add (i32.load 0 offset=4 (local.get 0)) (i32.rem_u (local.get 1) (i32.const 16)))))
