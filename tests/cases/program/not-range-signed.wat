;; Compared with a negative number, and one whose sign is not known.
;; SILENT: ranges-between-functions
(module
  (memory (export "m") 1)
  (func $f (param $x i32) (param $y i32) (result i32)
    (i32.store (i32.const 8) (local.get $y))
    (i32.add (i32.lt_s (local.get $y) (i32.const -5)) (i32.lt_s (local.get $x) (local.get $y))))
  (func (export "a") (param i32 i32) (result i32) (call $f (i32.and (local.get 0) (i32.const 3)) (i32.or (local.get 1) (i32.const 8))))
  (func (export "b") (param i32 i32) (result i32) (call $f (i32.const 1) (local.get 1))))
