;; What one is dropped for, the other is still used for.
;; SILENT: equal-data-segments
;; RULES: -
(module
  (memory (export "m") 1)
  (data $a "the same bytes")
  (data $b "the same bytes")
  (data $c "other bytes")
  (func (export "a") (param i32) (memory.init $a (local.get 0) (i32.const 1) (i32.const 4)))
  (func (export "b") (param i32) (memory.init $b (local.get 0) (i32.const 1) (i32.const 4)))
  (func (export "c") (param i32) (memory.init $c (local.get 0) (i32.const 1) (i32.const 4)))
  (func (export "d") (data.drop $a)))
