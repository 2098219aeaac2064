;; if in if, with and without else, results of one and two values.
;; RULES: -
(module
  (func (export "f") (param i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then
        (if (result i32) (local.get 1)
          (then (i32.const 11))
          (else (i32.add (local.get 0) (i32.const 10)))))
      (else
        (if (i32.gt_u (local.get 1) (i32.const 100)) (then (return (i32.const -1))))
        (i32.const 1))))
  (func (export "two_results") (param i32 i32) (result i32 i32)
    (if (result i32 i32) (i32.lt_u (local.get 0) (local.get 1))
      (then (local.get 0) (local.get 1))
      (else (local.get 1) (local.get 0))))
  (func (export "and_then") (param i32 i32) (result i32)
    (block $no
      (br_if $no (i32.eqz (local.get 0)))
      (br_if $no (i32.eqz (local.get 1)))
      (return (i32.const 1)))
    (i32.const 0)))
