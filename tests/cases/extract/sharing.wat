;; A cheaper form is not cheaper where the dearer one is computed anyway: x * 6 is needed by itself.
(module
  (func (export "f") (param i32) (result i32 i32)
    (local i32)
    (local.set 1 (i32.mul (local.get 0) (i32.const 6)))
    (local.get 1)
    (i32.add (local.get 1) (local.get 0))))
