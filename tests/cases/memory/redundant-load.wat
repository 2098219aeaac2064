;; Two loads of one place are one.
(module
  (memory (export "m") 1)
  (func (export "f") (param i32) (result i32)
    (i32.add (i32.load offset=4 (local.get 0)) (i32.load offset=4 (local.get 0)))))
