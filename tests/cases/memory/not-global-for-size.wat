;; For size a read of a global, two bytes, stays one: what was set would have to be kept in a local for longer.
;; OPTIONS: -Os
;; SILENT: global-get-set
(module
  (global $a (export "a") (mut i32) (i32.const 1))
  (func (export "squared") (param i32) (result i32)
    (global.set $a (i32.mul (local.get 0) (local.get 0)))
    (global.get $a)))
