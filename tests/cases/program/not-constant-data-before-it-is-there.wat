;; The imported table gets a function that can be called though the module never comes to be: the second segment may not fit.
;; SILENT: constant-data
;; NOT-RUN: it imports a table
;; RULES: -
(module
  (import "env" "table" (table 1 funcref))
  (memory 1)
  (elem (i32.const 0) $f)
  (elem (i32.const 0) $f)
  (data (i32.const 16) "data")
  (func $f (export "f") (result i32) (i32.load (i32.const 16))))
