;; A filter by name: one rule only.
;; RULES: mul-one
;; FIRES: mul-one
;; SILENT: add-zero
(module
  (func (export "one_of_two") (param i32) (result i32)
    (i32.mul (i32.add (local.get 0) (i32.const 0)) (i32.const 1))))
