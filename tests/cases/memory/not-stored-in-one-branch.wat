;; Only one way writes: behind the join neither value is known.
;; SILENT: forward-store load-past-effects
(module
  (memory (export "m") 1)
  (func (export "f") (param i32 i32) (result i32)
    (i32.store (i32.const 64) (local.get 0))
    (if (local.get 1) (then (i32.store (i32.const 64) (i32.const 7))))
    (i32.load (i32.const 64))))
