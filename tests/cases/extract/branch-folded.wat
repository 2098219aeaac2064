;; A branch on a constant is a jump, a br_table on a constant, too; what only the other way needed is gone.
(module
  (memory (export "m") 1)
  (func (export "if") (param i32) (result i32)
    (if (result i32) (i32.sub (local.get 0) (local.get 0))
      (then (i32.load (i32.const 0)))
      (else (i32.add (local.get 0) (i32.const 1)))))
  (func (export "forwarded_discriminant") (param i32 i32) (result i32)
    (i32.store8 (local.get 0) (i32.const 1))
    (if (result i32) (i32.eqz (i32.load8_u (local.get 0)))
      (then (unreachable))
      (else (local.get 1))))
  (func (export "table") (param i32) (result i32)
    (block $two (block $one (block $zero
      (br_table $zero $one $two (i32.add (i32.and (local.get 0) (i32.const 0)) (i32.const 1))))
      (return (i32.const 10)))
      (return (i32.const 11)))
    (i32.const 12)))
