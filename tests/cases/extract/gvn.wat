;; Equal expressions are computed once where one place dominates the other, and in both where neither does.
;; RULES: -
(module
  (func (export "same_block") (param i32 i32) (result i32)
    (i32.xor
      (i32.mul (i32.add (local.get 0) (local.get 1)) (i32.const 1000003))
      (i32.shl (i32.mul (i32.add (local.get 0) (local.get 1)) (i32.const 1000003)) (i32.const 1))))
  (func (export "dominating_block") (param i32 i32) (result i32)
    (local i32)
    (local.set 2 (i32.mul (local.get 0) (local.get 0)))
    (if (result i32) (local.get 1)
      (then (i32.add (local.get 2) (i32.mul (local.get 0) (local.get 0))))
      (else (local.get 2))))
  (func (export "siblings") (param i32 i32) (result i32)
    (if (result i32) (local.get 1)
      (then (i32.mul (local.get 0) (local.get 0)))
      (else (i32.add (i32.mul (local.get 0) (local.get 0)) (i32.const 1))))))
