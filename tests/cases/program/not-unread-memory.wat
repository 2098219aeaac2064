;; A memory for each reason: somebody reads it (also by a copy, also a host), or the write may trap and has no one place.
;; SILENT: unread-memories dead-memories unread-data-bytes
;; RULES: -
(module
  (memory $exported (export "m") 1)
  (memory $loaded 1)
  (memory $source 1)
  (memory $initialised 1)
  (memory $filled 1)
  (data $passive "more")
  (data (memory $loaded) (i32.const 16) "data")
  (data (memory $source) (i32.const 16) "data")
  (func (export "a") (param i32) (result i32)
    (i32.store $exported (i32.const 8) (local.get 0))
    (i32.store $loaded (i32.const 8) (local.get 0))
    (i32.store $source (i32.const 8) (local.get 0))
    (memory.init $initialised $passive (i32.const 8) (i32.const 0) (local.get 0))
    (memory.fill $filled (local.get 0) (i32.const 0) (i32.const 8))
    (memory.copy $exported $source (i32.const 0) (local.get 0) (i32.const 4))
    (i32.load $loaded (local.get 0))))
