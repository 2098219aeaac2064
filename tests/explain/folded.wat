;; Constants are folded between two rules, which is a step too.
(module
  (func (export "f") (param i32) (result i32)
    (i32.eqz
      (i32.lt_u
        (i32.add (i32.const 1) (i32.const 2))
        (i32.and (local.get 0) (i32.const 255))))))
