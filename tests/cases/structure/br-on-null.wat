;; Branches on null, with and without further values.
;; RULES: -
;; NOT-RUN: wasmi has no typed references
(module
  (type $f (func (param i32) (result i32)))
  (func $inc (type $f) (i32.add (local.get 0) (i32.const 1)))
  (elem declare func $inc)
  (func (export "on_null") (param i32 (ref null $f)) (result i32)
    (block $null
      (return (call_ref $f (local.get 0) (br_on_null $null (local.get 1)))))
    (i32.const -1))
  (func (export "on_non_null") (param i32 (ref null $f)) (result i32)
    (local.get 0)
    (block $ref (param i32) (result i32 (ref $f))
      (br_on_non_null $ref (local.get 1))
      (return))
    (call_ref $f)))
