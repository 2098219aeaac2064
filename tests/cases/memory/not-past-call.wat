;; The call may write the memory: the function does, the import may.
;; SILENT: forward-store load-past-effects
(module
  (import "host" "poke" (func $host))
  (memory (export "m") 1)
  (func $writes (i32.store (i32.const 16) (i32.const 99)))
  (func (export "function") (param i32) (result i32)
    (i32.store (i32.const 16) (local.get 0))
    (call $writes)
    (i32.load (i32.const 16)))
  (func (export "import") (param i32) (result i32)
    (i32.store (i32.const 16) (local.get 0))
    (call $host)
    (i32.load (i32.const 16))))
