;; What a body kept as bytes does to a memory that it names is not known.
;; SILENT: constant-data unread-memories unread-data-bytes
;; NOT-RUN: legacy exceptions
;; RULES: -
(module
  (memory $read 1)
  (memory $written 1)
  (data (memory $read) (i32.const 16) "data")
  (data (memory $written) (i32.const 16) "data")
  (func (export "raw")
    try
      (i32.store $read (i32.const 16) (i32.const 0))
      (drop (i32.load $written (i32.const 16)))
    catch_all
    end)
  (func (export "a") (result i32) (i32.load $read (i32.const 16)))
  (func (export "b") (i32.store $written (i32.const 16) (i32.const 1))))
