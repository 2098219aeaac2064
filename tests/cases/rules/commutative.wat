;; Commutative operators match in both orders; others do not.
;; RULES: sub-add-right and-absorbs-or
;; FIRES: sub-add-right and-absorbs-or
(module
  (func (export "sum_either_way") (param i32 i32) (result i32)
    (i32.sub (i32.add (local.get 1) (local.get 0)) (local.get 1)))
  (func (export "absorbed") (param i32 i32) (result i32)
    (i32.and (i32.or (local.get 1) (local.get 0)) (local.get 0)))
  (func (export "difference_the_other_way") (param i32 i32) (result i32)
    (i32.sub (local.get 1) (i32.add (local.get 0) (local.get 1)))))
