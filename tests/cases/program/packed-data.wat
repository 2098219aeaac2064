;; Long runs of zeros are not written, neighbours are one segment, zeros that cost less than another segment stay.
;; FIRES: zero-data-bytes
;; RULES: -
(module
  (memory (export "m") 1)
  (data (i32.const 16) "first\00\00\00\00second\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00third")
  (data (i32.const 128) "one")
  (data (i32.const 131) "two")
  (data (i32.const 136) "three")
  (func (export "a") (param i32) (result i64) (i64.load (local.get 0))))
