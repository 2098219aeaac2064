;; Of a memory that is read at constant places, what is written beside them goes, and so do the bytes of its data there.
;; FIRES: unread-memories unread-data-bytes
;; SILENT: dead-memories
;; RULES: -
(module
  (memory 1)
  (data (i32.const 16) "data that nobody reads, beside data that somebody does")
  (func (export "a") (param i32) (result i32)
    (i32.store (i32.const 8) (local.get 0))
    (i32.store (i32.const 24) (i32.add (i32.load (i32.const 24)) (i32.const 1)))
    (i32.store (i32.const 28) (local.get 0))
    (i32.load (i32.const 24))))
