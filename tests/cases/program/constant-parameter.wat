;; The same constant in every call: it stands in the body, and the parameter goes.
;; FIRES: unused-parameters constants-between-functions
(module
  (memory 1)
  (func $f (param $k i32) (param $p i32) (param $q i32) (result i32)
    (i32.store (local.get $p) (local.get $k))
    (i32.load (local.get $q)))
  (func (export "a") (param i32) (result i32)
    (i32.add
      (call $f (i32.const 7) (i32.and (local.get 0) (i32.const 255)) (i32.const 0))
      (i32.add
        (call $f (i32.const 7) (i32.const 8) (local.get 0))
        (call $f (i32.const 7) (i32.const 16) (i32.const 4))))))
