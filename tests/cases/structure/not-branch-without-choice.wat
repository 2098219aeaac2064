;; Both ways lead to one block, with different values, or one of them has something to do.
;; RULES: -
(module
  (memory (export "m") 1)
  (func (export "values") (param i32 i32) (result i32)
    (if (result i32) (local.get 0) (then (local.get 1)) (else (i32.const 3))))
  (func (export "effect") (param i32 i32)
    (if (local.get 0) (then (i32.store (i32.const 8) (local.get 1)))))
  (func (export "table") (param i32) (result i32)
    (block $b (result i32) (block $a (result i32) (br_table $b $a $b (i32.const 5) (local.get 0))) (drop) (i32.const 6))))
