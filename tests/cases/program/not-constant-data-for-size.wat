;; The constant takes more bytes than the load.
;; OPTIONS: -Oz
;; SILENT: constant-data
;; RULES: -
(module
  (memory 1)
  (data (i32.const 16) "\f0\f1\f2\f3\f4\f5\f6\f7")
  (func (export "a") (result i64) (i64.load (i32.const 16)))
  (func (export "b") (result f64) (f64.load (i32.const 16))))
