;; Stores of floats are effects like any other (a bug of another tool).
(module
  (memory (export "m") 1)
  (func (export "f") (param i32 f32 f64)
    (f32.store (local.get 0) (local.get 1))
    (f64.store offset=8 (local.get 0) (local.get 2))))
