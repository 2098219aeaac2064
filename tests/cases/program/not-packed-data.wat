;; The memory may hold something before, the place or the order of the segments is not known, or it would not be smaller.
;; SILENT: zero-data-bytes
;; NOT-RUN: it imports more than functions
;; RULES: -
(module
  (import "env" "memory" (memory $imported 1))
  (import "env" "base" (global $base i32))
  (memory $placed (export "placed") 1)
  (memory $overlapping (export "overlapping") 1)
  (memory $beyond (export "beyond") 1)
  (memory $short (export "short") 1)
  (data (memory $imported) (i32.const 16) "a\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00a")
  (data (memory $placed) (i32.const 16) "a\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00a")
  (data (memory $placed) (global.get $base) "a")
  (data (memory $overlapping) (i32.const 16) "aaaaaaaaa\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00a")
  (data (memory $overlapping) (i32.const 20) "\00\00\00\00")
  (data (memory $short) (i32.const 16) "a\00\00\00\00\00a"))
