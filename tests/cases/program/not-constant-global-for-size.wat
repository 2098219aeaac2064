;; A large constant in each place takes more bytes than the reads.
;; OPTIONS: -Oz
;; SILENT: constant-globals
(module
  (memory 1)
  (global $g (mut i32) (i32.const 1048576))
  (func (export "a") (param i32) (result i32) (i32.load (i32.sub (global.get $g) (local.get 0)))))
