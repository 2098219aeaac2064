;; The store to the other memory may be one to this: both are imported.
;; SILENT: forwarded-loads dead-stores
(module
  (import "host" "m0" (memory $m0 1))
  (import "host" "m1" (memory $m1 1))
  (export "m0" (memory $m0))
  (func (export "forward") (param i32 i32) (result i32)
    (i32.store $m0 (local.get 0) (local.get 1))
    (if (local.get 1) (then (i32.store $m1 (local.get 0) (i32.const 7))))
    (i32.load $m0 (local.get 0)))
  (func (export "dead") (param i32 i32) (result i32) (local i32)
    (i32.store $m0 (local.get 0) (local.get 1))
    (if (local.get 1) (then (local.set 2 (i32.load $m1 (local.get 0)))))
    (i32.store $m0 (local.get 0) (i32.const 3))
    (local.get 2)))
