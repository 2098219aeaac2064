;; Four rules one after the other, one of them in an operand; a part that is not needed in the end.
(module
  (func (export "f") (param i32 i32) (result i32)
    (i32.add
      (i32.sub (local.get 0) (i32.const 3))
      (i32.add (local.get 1) (i32.const 3)))))
