;; Who writes it cannot be called in a closed world.
;; OPTIONS: --closed-world --keep-export=a
;; FIRES: constant-globals
(module
  (global $g (export "g") (mut i32) (i32.const 40))
  (func (export "set") (param i32) (global.set $g (local.get 0)))
  (func (export "a") (param i32) (result i32) (i32.add (local.get 0) (global.get $g))))
