;; Nobody reads the global: its stores go, and it with them.
;; FIRES: unread-global-stores dead-globals
(module
  (global $g (mut i32) (i32.const 1))
  (global $kept (export "g") (mut i32) (i32.const 1))
  (func (export "run") (param i32) (result i32)
    (global.set $g (i32.mul (local.get 0) (i32.const 77)))
    (global.set $kept (local.get 0))
    (local.get 0)))
