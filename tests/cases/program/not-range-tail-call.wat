;; What a tail call returns is not known.
;; SILENT: ranges-between-functions
(module
  (memory (export "m") 1)
  (func $h (param i32) (result i32) (i32.store (i32.const 8) (local.get 0)) (i32.load (i32.const 4)))
  (func $f (param $x i32) (result i32)
    (if (i32.eqz (local.get $x)) (then (return (i32.const 7))))
    (return_call $h (local.get $x)))
  (func (export "a") (param i32) (result i32) (i32.and (call $f (local.get 0)) (i32.const 15))))
