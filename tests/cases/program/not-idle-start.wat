;; A start function that writes stays.
;; SILENT: dead-functions dead-globals
(module
  (global $g (mut i32) (i32.const 0))
  (start $s)
  (func $s (global.set $g (i32.const 4)))
  (func (export "run") (param i32) (result i32) (i32.add (global.get $g) (local.get 0))))
