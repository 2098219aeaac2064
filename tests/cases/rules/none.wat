;; The control: no rules, the same pipeline.
;; RULES: -
(module
  (func (export "left_as_it_is") (param i32) (result i32)
    (i32.mul (i32.add (local.get 0) (i32.const 0)) (i32.const 8)))
  (func (export "folded_by_the_evaluator") (result i32)
    (i32.add (i32.const 40) (i32.const 2))))
