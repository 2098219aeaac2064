;; select of references: the result has the type that both arms belong to.
(module
  (type $t (func (result i32)))
  (func $one (type $t) (i32.const 1))
  (elem declare func $one)
  (table (export "t") 2 funcref)
  (func (export "null_or_one") (param i32) (result funcref)
    (select (result funcref) (ref.func $one) (ref.null func) (local.get 0)))
  (func (export "one_or_null") (param i32) (result funcref)
    (select (result funcref) (ref.null func) (ref.func $one) (i32.eqz (local.get 0))))
  (func (export "same") (param externref i32) (result externref)
    (select (result externref) (local.get 0) (local.get 0) (local.get 1))))
