;; Several edges between two blocks carry the same values.
(module
  (func $f (param i32 i32) (result i32)
    (block $a (result i32)
      (block $b (result i32)
        (br_table $a $a $b $a (local.get 1) (local.get 0)))
      (i32.add (i32.const 1)))))
