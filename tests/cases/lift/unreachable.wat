;; Dead code is not lifted, whatever is in it.
(module
  (func $after_return (result i32)
    (return (i32.const 1))
    (block $b (loop $l (br $l)))
    (i32.add (unreachable) (i32.const 2)))
  (func $after_br (param i32) (result i32)
    (block $b (result i32)
      (br $b (i32.const 1))
      (if (result i32) (then (i32.const 2)) (else (i32.const 3)))))
  (func $else_only (param i32) (result i32)
    (if (result i32) (local.get 0) (then (unreachable)) (else (i32.const 3)))))
