;; Another thread may write a shared memory at any time.
;; SILENT: forward-store load-past-effects
;; NOT-RUN: wasmi has no threads
(module
  (memory (export "m") 1 1 shared)
  (func (export "stored") (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.load (local.get 0)))
  (func (export "twice") (param i32) (result i32)
    (i32.sub (i32.load (local.get 0)) (i32.load (local.get 0)))))
