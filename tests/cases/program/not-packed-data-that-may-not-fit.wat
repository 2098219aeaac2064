;; Instantiation ends with a trap at the second segment, behind the first.
;; SILENT: zero-data-bytes
;; NOT-RUN: it traps when it is instantiated
;; RULES: -
(module
  (memory (export "m") 1)
  (data (i32.const 16) "a\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00a")
  (data (i32.const 65535) "aa"))
