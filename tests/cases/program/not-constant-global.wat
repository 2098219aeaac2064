;; Written by a function that can be called, by the host (imported, exported), or without a constant to start with.
;; SILENT: constant-globals
(module
  (import "m" "f" (func $f (result i32)))
  (global $written (mut i32) (i32.const 40))
  (global $exported (export "g") (mut i32) (i32.const 41))
  (global $reference funcref (ref.null func))
  (func (export "set") (param i32) (global.set $written (local.get 0)))
  (func (export "a") (param i32) (result i32)
    (i32.add (call $f) (i32.add (global.get $written) (global.get $exported))))
  (func (export "b") (result i32) (ref.is_null (global.get $reference))))
