;; One imported memory, and one that the module defines: they cannot be the same.
;; FIRES: forward-store
(module
  (import "host" "m0" (memory $m0 1))
  (memory $m1 (export "m1") 1)
  (export "m0" (memory $m0))
  (func (export "store_load") (param i32 i32) (result i32)
    (i32.store $m0 (i32.const 8) (local.get 0))
    (i32.store $m1 (i32.const 8) (local.get 1))
    (i32.load $m0 (i32.const 8))))
